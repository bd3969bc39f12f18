#include "client/table.h"

#include "test_main.h"

#include <stdio.h>
#include <stdlib.h>

static const struct client_column columns[] = {{"NAME", "name", false},
                                               {"WHEN", "inner.when", false}};
static const struct client_column with_key[] = {{"NAME", "name", false},
                                                {"WHEN", "inner.when", false},
                                                {"ID", "id", true},
                                                {"MORE", "name", false}};

/** What a table of one row is, with this name, at this width. */
static char *table_of(const struct client_column *shown, size_t count, const char *name,
                      size_t width)
{
    struct chy_cli cli;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    json_t *rows =
        json_pack("[{s:s, s:{s:s}, s:s}]", "name", name, "inner", "when",
                  "2026-11-22T09:30:59.000Z", "id", "0199c0de-0000-7000-8000-000000000000");
    ck_assert(client_init(&cli, "test"));
    ck_assert_int_eq(client_table_write(&cli, out, shown, count, rows, width), CHY_OK);
    (void)fclose(out);
    json_decref(rows);
    client_fini(&cli);
    return text;
}

static const struct {
    const char *name;
    size_t width;
    const char *table;
} tables[] = {
    {"a", 0, "NAME  WHEN\na     2026-11-22 09:30\n"},
    {"a-name-that-is-long", 0,
     "NAME                 WHEN\na-name-that-is-long  2026-11-22 09:30\n"},
    {"a-name-that-is-long", 28, "NAME           WHEN\na-name-that-…  2026-11-22 0…\n"},
    // Characters count, not bytes, and none is cut in two.
    {"äöüäöü", 0, "NAME    WHEN\näöüäöü  2026-11-22 09:30\n"},
    {"äöüäöüäöüäöüäöüäöüä", 37,
     "NAME                 WHEN\näöüäöüäöüäöüäöüäöüä  2026-11-22 09:30\n"},
    {"äöüäöüäöüäöü", 16, "NAME     WHEN\näöüäöü…  2026-1…\n"},
    {"", 0, "NAME  WHEN\n-     2026-11-22 09:30\n"},
    {"a\x1b[2Jb\n", 0, "NAME     WHEN\na?[2Jb?  2026-11-22 09:30\n"},
    // Narrower than anything can be: no column vanishes.
    {"a-name-that-is-long", 1, "NAME    WHEN\na-nam…  2026-…\n"},
};

START_TEST(writes_tables)
{
    char *text = table_of(columns, 2, tables[_i].name, tables[_i].width);
    ck_assert_str_eq(text, tables[_i].table);
    free(text);
}
END_TEST

#define KEY "0199c0de-0000-7000-8000-000000000000"

static const struct {
    size_t width;
    const char *table;
} keyed[] = {
    {0, "NAME                 WHEN              ID                                    MORE\n"
        "a-name-that-is-long  2026-11-22 09:30  " KEY "  a-name-that-is-long\n"},
    {80, "NAME          WHEN           ID                                    MORE\n"
         "a-name-that…  2026-11-22 0…  " KEY "  a-name-that-…\n"},
    // The last ones go first; the name stays.
    {74, "NAME                WHEN              ID\n"
         "a-name-that-is-lo…  2026-11-22 09:30  " KEY "\n"},
    {60, "NAME                 ID\na-name-that-is-long  " KEY "\n"},
    {45, "NAME     ID\na-name…  " KEY "\n"},
    // Nothing else is left to cut.
    {20, "NAME    ID\na-nam…  0199c0de-00…\n"},
};

START_TEST(keys_are_whole)
{
    char *text = table_of(with_key, 4, "a-name-that-is-long", keyed[_i].width);
    ck_assert_str_eq(text, keyed[_i].table);
    free(text);
}
END_TEST

START_TEST(pairs_leave_keys_out)
{
    struct chy_cli cli;
    char *text = NULL;
    size_t len = 0;
    FILE *out = open_memstream(&text, &len);
    json_t *object = json_pack("{s:s, s:s, s:n, s:b, s:[s, s], s:{s:i}}", "id", "x", "privateKey",
                               "-----BEGIN PRIVATE KEY-----\n", "nothing", "is", 1, "list", "a",
                               "b", "in", "n", 7);
    ck_assert(client_init(&cli, "test"));
    ck_assert_int_eq(client_pairs_write(&cli, out, object), CHY_OK);
    ck_assert_int_ne(client_pairs_write(&cli, out, NULL), CHY_OK);
    (void)fclose(out);
    ck_assert_str_eq(text,
                     "id                           x\nis                           yes\n"
                     "list                         a, b\nin:\n  n                          7\n");
    free(text);
    json_decref(object);
    client_fini(&cli);
}
END_TEST

TEST_MAIN("client_table", TEST_EACH(writes_tables, tables), TEST_EACH(keys_are_whole, keyed),
          TEST(pairs_leave_keys_out))
