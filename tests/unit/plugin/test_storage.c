#include "plugin/storage.h"

#include "base/op.h"
#include "base/time.h"
#include "fakes.h"
#include "plugin/values.h"
#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

#include <stdlib.h>

/** A wrapped fake storage. */
struct fixture {
    struct chy_op *op;
    struct fake_storage fake;
    struct chy_loaded_plugin plugin;
    struct chy_instance instance;
    struct chy_metrics *metrics;
    struct chy_storage *storage;
};

static const struct chy_uuid an_id = {{1, 2, 3}};

static void open_fixture(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    f->fake.fails_with_reason = true;
    fake_storage_ops(&f->plugin.storage);
    fake_instance(&f->instance, &f->plugin, test_op_host(f->op), "main", CHY_INTERFACE_STORAGE,
                  &f->fake);
    f->metrics = chy_metrics_new();
    const struct chy_storage_config config = {
        .instance = &f->instance,
        .schema = &fake_schema,
        .epoch = {EPOCH, EPOCH_VALUE, CHY_TEXT_INIT("cache")},
        .metrics = f->metrics,
    };
    ck_assert_int_eq(chy_storage_open(f->op, &config, &f->storage), CHY_OK);
    f->fake.calls = 0;
}

static void close_fixture(struct fixture *f)
{
    chy_storage_close(f->storage);
    chy_metrics_free(f->metrics);
    test_op_free(f->op);
}

/* --- arguments -------------------------------------------------------------------------------- */

static struct chy_storage_write write_of(enum chy_write_kind kind, uint32_t collection,
                                         struct chy_view key, struct chy_view fields)
{
    struct chy_storage_write write;
    memset(&write, 0, sizeof write);
    write.kind = (uint32_t)kind;
    write.collection = collection;
    write.key = key;
    write.fields = fields;
    return write;
}

static chy_status write_batch(struct fixture *f, const struct chy_storage_write *writes,
                              uint64_t count, struct chy_storage_outcome *out_outcome)
{
    const struct chy_storage_batch batch = {sizeof batch, 0,
                                            chy_view_of(writes, count, sizeof *writes)};
    return chy_storage_write(f->storage, f->op, &batch, out_outcome);
}

#define SET(...)                                                       \
    chy_view_of((const struct chy_assignment[]){__VA_ARGS__},          \
                sizeof((const struct chy_assignment[]){__VA_ARGS__}) / \
                    sizeof(struct chy_assignment),                     \
                sizeof(struct chy_assignment))
#define NOTHING chy_view_of(NULL, 0, sizeof(struct chy_assignment))

/** Expects the plugin not to be called and the message to have these words. */
static void expect_refused(struct fixture *f, chy_status got, chy_status expected,
                           const char *words)
{
    const char *message = test_op_message(f->op);
    ck_assert_msg(got == expected, "status %d, not %d: %s", got, expected, message);
    ck_assert_msg(strstr(message, words) != NULL, "expected '%s' in: %s", words, message);
    ck_assert_uint_eq(f->fake.calls, 0);
}

static struct chy_assignment set(uint32_t field, struct chy_value value)
{
    struct chy_assignment assignment = {field, 0, value};
    return assignment;
}

START_TEST(a_write_must_fit_the_schema)
{
    struct fixture f;
    open_fixture(&f);
    const struct chy_view key = CHY_KEY(chy_value_uuid(&an_id));
    const struct chy_view text_key = CHY_KEY(chy_value_text(chy_text("x")));
    const struct chy_view null_key = CHY_KEY(chy_value_null());
    const struct chy_view two_keys = CHY_KEY(chy_value_uuid(&an_id), chy_value_int(1));
    const struct chy_view named =
        SET(set(ROW_NAME, chy_value_text(chy_text("a"))), set(ROW_COUNT, chy_value_int(1)));
    const struct {
        struct chy_storage_write write;
        const char *words;
    } cases[] = {
        {write_of(CHY_WRITE_UPDATE, 77, key, NOTHING), "no such collection (77)"},
        {write_of((enum chy_write_kind)99, ROWS, key, NOTHING), "unknown kind of write (99)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, text_key, NOTHING), "of another type"},
        {write_of(CHY_WRITE_UPDATE, ROWS, null_key, NOTHING), "null given for the field (0)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, two_keys, NOTHING), "another number of values (2)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, key, SET(set(ROW_ID, chy_value_uuid(&an_id)))),
         "a field of the key is assigned (0)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, key, SET(set(55, chy_value_int(1)))),
         "no such field (55)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, key,
                  SET(set(ROW_COUNT, chy_value_int(1)), set(ROW_COUNT, chy_value_int(2)))),
         "a field is assigned twice (2)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, key, SET(set(ROW_NAME, chy_value_null()))),
         "null given for the field (1)"},
        {write_of(CHY_WRITE_UPDATE, ROWS, key, SET(set(ROW_TAGS, chy_value_text(chy_text("a"))))),
         "a many-field was given another value"},
        {write_of(CHY_WRITE_INSERT, ROWS, key, SET(set(ROW_NAME, chy_value_text(chy_text("a"))))),
         "an inserted row lacks the field (2)"},
        {write_of(CHY_WRITE_DELETE, ROWS, key, named), "this write assigns nothing"},
        {write_of(CHY_WRITE_ADD, ROWS, key, NOTHING), "an add needs an int field, not (0)"},
        {write_of(CHY_WRITE_DELETE_RANGE, ROWS, NOTHING, NOTHING), "1 to 1000 rows, found (0)"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        chy_status status = write_batch(&f, &cases[i].write, 1, NULL);
        expect_refused(&f, status, CHY_BROKEN, cases[i].words);
    }
    const struct chy_storage_write good = write_of(CHY_WRITE_INSERT, ROWS, key, named);
    ck_assert_int_eq(write_batch(&f, &good, 1, NULL), CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(values_keep_the_limits_of_the_contract)
{
    struct fixture f;
    open_fixture(&f);
    uint8_t *large = calloc(1, CHY_STORAGE_BLOB_MAX + 1);
    ck_assert_ptr_nonnull(large);
    memset(large, 'a', CHY_STORAGE_BLOB_MAX + 1);
    const struct chy_view key = CHY_KEY(chy_value_uuid(&an_id));
    const struct chy_slice nul_inside = {(const uint8_t *)"a\0b", 3};
    const struct chy_slice too_many[] = {CHY_TEXT_INIT("fine"), {(const uint8_t *)"\xff", 1}};
    const struct {
        struct chy_assignment assignment;
        const char *words; /**< NULL: allowed */
    } cases[] = {
        {set(ROW_NOTE, chy_value_text(chy_slice_of(large, CHY_STORAGE_TEXT_MAX))), NULL},
        {set(ROW_NOTE, chy_value_text(chy_slice_of(large, CHY_STORAGE_TEXT_MAX + 1))),
         "rows.note: the text is longer than 64 KiB"},
        {set(ROW_NOTE, chy_value_text(nul_inside)), "rows.note: the text has a NUL"},
        {set(ROW_NOTE, chy_value_text(chy_text("\xc3\x28"))), "not valid UTF-8"},
        {set(ROW_NOTE, chy_value_text(chy_text(""))), NULL},
        {set(ROW_NOTE, chy_value_null()), NULL},
        {set(ROW_DATA, chy_value_blob(chy_slice_of(large, CHY_STORAGE_BLOB_MAX))), NULL},
        {set(ROW_DATA, chy_value_blob(chy_slice_of(large, CHY_STORAGE_BLOB_MAX + 1))),
         "rows.data: the value is longer than 1 MiB"},
        {set(ROW_BODY, chy_value_json(chy_slice_of(large, CHY_STORAGE_BLOB_MAX + 1))),
         "rows.body: the value is longer than 1 MiB"},
        {set(ROW_TAGS, chy_value_many(chy_view_of(too_many, 1, sizeof too_many[0]))), NULL},
        {set(ROW_TAGS, chy_value_many(chy_view_of(too_many, 2, sizeof too_many[0]))),
         "rows.tags: the text is not valid UTF-8"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        const struct chy_storage_write write =
            write_of(CHY_WRITE_UPDATE, ROWS, key, SET(cases[i].assignment));
        f.fake.calls = 0;
        chy_status status = write_batch(&f, &write, 1, NULL);
        if (cases[i].words == NULL) {
            ck_assert_msg(status == CHY_OK, "case %zu: %s", i, test_op_message(f.op));
        } else {
            expect_refused(&f, status, CHY_BAD_INPUT, cases[i].words);
        }
    }
    free(large);
    close_fixture(&f);
}
END_TEST

START_TEST(a_batch_keeps_the_limits_of_the_contract)
{
    enum {
        MANY = CHY_STORAGE_BATCH_OPERATIONS + 1
    };
    struct fixture f;
    open_fixture(&f);
    struct chy_storage_write *writes = calloc(MANY, sizeof *writes);
    struct chy_value *keys = calloc(MANY, sizeof *keys);
    ck_assert(writes != NULL && keys != NULL);
    for (int i = 0; i < MANY; i++) {
        keys[i] = chy_value_int(i);
        writes[i] =
            write_of(CHY_WRITE_DELETE, PLAIN, chy_view_of(&keys[i], 1, sizeof keys[i]), NOTHING);
    }
    expect_refused(&f, write_batch(&f, writes, 0, NULL), CHY_BROKEN, "an empty batch");
    expect_refused(&f, write_batch(&f, writes, MANY, NULL), CHY_BAD_INPUT,
                   "expected at most 256 writes in a batch, found 257");
    ck_assert_int_eq(write_batch(&f, writes, MANY - 1, NULL), CHY_OK);
    free(writes);
    free(keys);
    close_fixture(&f);
}
END_TEST

START_TEST(a_batch_has_a_size)
{
    struct fixture f;
    struct chy_storage_write writes[3];
    struct chy_uuid ids[3] = {{{1}}, {{2}}, {{3}}};
    struct chy_value keys[3];
    struct chy_assignment assignments[3];
    open_fixture(&f);
    uint8_t *large = calloc(1, CHY_STORAGE_BLOB_MAX);
    ck_assert_ptr_nonnull(large);
    for (size_t i = 0; i < 3; i++) {
        keys[i] = chy_value_uuid(&ids[i]);
        assignments[i] = set(ROW_DATA, chy_value_blob(chy_slice_of(large, CHY_STORAGE_BLOB_MAX)));
        writes[i] = write_of(CHY_WRITE_UPDATE, ROWS, chy_view_of(&keys[i], 1, sizeof keys[i]),
                             chy_view_of(&assignments[i], 1, sizeof assignments[i]));
    }
    expect_refused(&f, write_batch(&f, writes, 3, NULL), CHY_BAD_INPUT,
                   "expected at most 2097152 bytes in a batch");
    ck_assert_int_eq(write_batch(&f, writes, 1, NULL), CHY_OK);
    free(large);
    close_fixture(&f);
}
END_TEST

START_TEST(a_batch_names_a_row_once)
{
    struct fixture f;
    open_fixture(&f);
    const struct chy_view key = CHY_KEY(chy_value_int(1));
    const struct chy_view other_key = CHY_KEY(chy_value_int(2));
    struct chy_storage_write add = write_of(CHY_WRITE_ADD, PLAIN, key, NOTHING);
    add.add_field = PLAIN_TOTAL;
    const struct chy_storage_write twice[] = {
        write_of(CHY_WRITE_DELETE, PLAIN, key, NOTHING),
        write_of(CHY_WRITE_UPDATE, PLAIN, key, NOTHING),
    };
    const struct chy_storage_write pair[] = {write_of(CHY_WRITE_CHECK, PLAIN, key, NOTHING), add};
    const struct chy_storage_write apart[] = {
        write_of(CHY_WRITE_DELETE, PLAIN, key, NOTHING),
        write_of(CHY_WRITE_DELETE, PLAIN, other_key, NOTHING),
    };
    const struct chy_storage_write adds[] = {add, add};
    expect_refused(&f, write_batch(&f, twice, 2, NULL), CHY_BROKEN, "names one row twice");
    expect_refused(&f, write_batch(&f, adds, 2, NULL), CHY_BROKEN, "names one row twice");
    ck_assert_int_eq(write_batch(&f, pair, 2, NULL), CHY_OK);
    ck_assert_int_eq(write_batch(&f, apart, 2, NULL), CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(a_get_must_fit_the_schema)
{
    struct fixture f;
    struct chy_storage_row row;
    open_fixture(&f);
    const struct chy_view key = CHY_KEY(chy_value_uuid(&an_id));
    expect_refused(&f, chy_storage_read(f.storage, f.op, 9, key, CHY_NO_FIELDS, &row), CHY_BROKEN,
                   "get of : no such collection (9)");
    expect_refused(&f, chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(1, 44), &row),
                   CHY_BROKEN, "get of rows: no such field (44)");
    close_fixture(&f);
}
END_TEST

START_TEST(a_find_must_fit_the_schema_and_its_limits)
{
    struct fixture f;
    struct chy_storage_page page;
    open_fixture(&f);
    const struct chy_order by_tags[] = {{ROW_TAGS, 0}};
    const struct chy_predicate null_prefix[] = {
        {ROW_NAME, CHY_WHERE_PREFIX, chy_value_null(), chy_value_null(), {NULL, 0, 0}}};
    const struct chy_predicate has_name[] = {
        {ROW_NAME, CHY_WHERE_HAS, chy_value_text(chy_text("a")), chy_value_null(), {NULL, 0, 0}}};
    const struct chy_predicate eq_tags[] = {
        {ROW_TAGS, CHY_WHERE_EQ, chy_value_text(chy_text("a")), chy_value_null(), {NULL, 0, 0}}};
    const struct chy_predicate eq_json[] = {
        {ROW_BODY, CHY_WHERE_EQ, chy_value_json(chy_text("1")), chy_value_null(), {NULL, 0, 0}}};
    const struct chy_predicate odd[] = {
        {ROW_NAME, 33, chy_value_null(), chy_value_null(), {NULL, 0, 0}}};
    const struct chy_storage_find base = {
        .struct_size = sizeof base, .collection = ROWS, .limit = 10, .scan_limit = 10};
    struct {
        struct chy_storage_find find;
        chy_status status;
        const char *words;
    } cases[] = {
        {base, CHY_BROKEN, "expected 1 to 1000 rows"},
        {base, CHY_BROKEN, "expected 1 to 1000 rows"},
        {base, CHY_BROKEN, "and to examine no fewer"},
        {base, CHY_BAD_INPUT, "expected to skip at most 10000 rows, found 10001"},
        {base, CHY_BROKEN, "a cursor and rows to skip"},
        {base, CHY_BROKEN, "no order by the field (4)"},
        {base, CHY_BROKEN, "does not fit the field (1)"},
        {base, CHY_BROKEN, "does not fit the field (1)"},
        {base, CHY_BROKEN, "does not fit the field (4)"},
        {base, CHY_BROKEN, "does not fit the field (5)"},
        {base, CHY_BROKEN, "unknown kind of condition (33)"},
    };
    cases[0].find.limit = 0;
    cases[1].find.limit = cases[1].find.scan_limit = 1001;
    cases[2].find.scan_limit = 9;
    cases[3].find.skip = 10001;
    cases[4].find.skip = 1;
    cases[4].find.cursor = chy_text("c");
    cases[5].find.order = (struct chy_view)CHY_VIEW_INIT(by_tags);
    cases[6].find.where = (struct chy_view)CHY_VIEW_INIT(null_prefix);
    cases[7].find.where = (struct chy_view)CHY_VIEW_INIT(has_name);
    cases[8].find.where = (struct chy_view)CHY_VIEW_INIT(eq_tags);
    cases[9].find.where = (struct chy_view)CHY_VIEW_INIT(eq_json);
    cases[10].find.where = (struct chy_view)CHY_VIEW_INIT(odd);
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect_refused(&f, chy_storage_find(f.storage, f.op, &cases[i].find, &page),
                       cases[i].status, cases[i].words);
    }
    ck_assert_int_eq(chy_storage_find(f.storage, f.op, &base, &page), CHY_OK);
    close_fixture(&f);
}
END_TEST

/* --- answers ---------------------------------------------------------------------------------- */

START_TEST(a_row_comes_back_typed)
{
    struct fixture f;
    struct chy_storage_row row;
    const struct chy_slice tags[] = {CHY_TEXT_INIT("a"), CHY_TEXT_INIT("b")};
    open_fixture(&f);
    const struct chy_value values[] = {
        chy_value_uuid(&an_id),
        chy_value_text(chy_text("name")),
        chy_value_int(-5),
        chy_value_null(),
        chy_value_many((struct chy_view)CHY_VIEW_INIT(tags)),
    };
    f.fake.row = (struct chy_storage_row){CHY_VIEW_INIT(values), 9};
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, CHY_KEY(chy_value_uuid(&an_id)),
                                      CHY_FIELDS(ROW_ID, ROW_NAME, ROW_COUNT, ROW_NOTE, ROW_TAGS),
                                      &row),
                     CHY_OK);
    struct chy_uuid id = chy_row_uuid(&row, 0);
    ck_assert_int_eq(chy_uuid_compare(&id, &an_id), 0);
    ck_assert(chy_slice_is(chy_row_text(&row, 1), "name"));
    ck_assert_int_eq(chy_row_int(&row, 2), -5);
    ck_assert(chy_row_is_null(&row, 3));
    ck_assert_uint_eq(chy_row_text(&row, 3).len, 0);
    ck_assert_uint_eq(chy_row_many(&row, 4).count, 2);
    ck_assert_uint_eq(row.revision, 9);
    ck_assert_ptr_eq(f.fake.seen_instance, &f.instance);
    ck_assert_ptr_null(chy_operation_of(f.op)->instance);
    close_fixture(&f);
}
END_TEST

START_TEST(an_answer_that_does_not_fit_is_broken)
{
    struct fixture f;
    struct chy_storage_row row = {{NULL, 7, 0}, 77};
    open_fixture(&f);
    const struct chy_view key = CHY_KEY(chy_value_uuid(&an_id));
    const struct chy_value text = chy_value_text(chy_text("x"));
    const struct chy_value null = chy_value_null();
    f.fake.row = (struct chy_storage_row){{&text, 1, sizeof text}, 1};
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(1, 2), &row),
                     CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "another number of values"));
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_COUNT), &row),
                     CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "a value of another type"));
    const struct chy_value never = chy_value_time(INT64_MIN);
    const struct chy_value late = chy_value_time(CHY_TIME_MAX + 1);
    const struct chy_value last = chy_value_time(CHY_TIME_MAX);
    f.fake.row.values.ptr = &never;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_SEEN), &row),
                     CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "a time outside the calendar"));
    f.fake.row.values.ptr = &late;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_SEEN), &row),
                     CHY_BROKEN);
    f.fake.row.values.ptr = &last;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_SEEN), &row),
                     CHY_OK);
    f.fake.row.values.ptr = &null;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_COUNT), &row),
                     CHY_BROKEN);
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_FIELDS(ROW_NOTE), &row),
                     CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(a_page_that_does_not_fit_is_broken)
{
    struct fixture f;
    struct chy_storage_page page = {.scanned = 77};
    const struct chy_storage_find find = {
        .struct_size = sizeof find, .collection = ROWS, .limit = 1, .scan_limit = 1};
    const struct chy_storage_row rows[2] = {{{NULL, 0, 0}, 1}, {{NULL, 0, 0}, 1}};
    open_fixture(&f);
    f.fake.page =
        (struct chy_storage_page){.struct_size = sizeof page, .rows = CHY_VIEW_INIT(rows)};
    ck_assert_int_eq(chy_storage_find(f.storage, f.op, &find, &page), CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "more rows than were asked for"));
    f.fake.page.rows.count = 1;
    f.fake.page.more = 1;
    ck_assert_int_eq(chy_storage_find(f.storage, f.op, &find, &page), CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "more to come but no cursor"));
    ck_assert_uint_eq(page.scanned, 77);
    f.fake.page.cursor = chy_text("on");
    ck_assert_int_eq(chy_storage_find(f.storage, f.op, &find, &page), CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(an_unknown_status_is_broken_and_a_silent_one_gets_words)
{
    struct fixture f;
    struct chy_storage_row row = {{NULL, 0, 0}, 77};
    open_fixture(&f);
    const struct chy_view key = CHY_KEY(chy_value_uuid(&an_id));
    f.fake.status = 42;
    f.fake.fails_with_reason = false;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_NO_FIELDS, &row), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(f.op),
                     "instance 'main' answered get with the unknown status 42");
    f.fake.status = CHY_NOT_FOUND;
    ck_assert_int_eq(chy_storage_read(f.storage, f.op, ROWS, key, CHY_NO_FIELDS, &row),
                     CHY_NOT_FOUND);
    ck_assert_str_eq(test_op_message(f.op),
                     "instance 'main' answered get with not_found and gave no reason");
    ck_assert_uint_eq(row.revision, 77);
    close_fixture(&f);
}
END_TEST

START_TEST(an_operation_that_is_not_offered_is_unsupported)
{
    struct fixture f;
    open_fixture(&f);
    expect_refused(&f, chy_storage_backup(f.storage, f.op, chy_text("/tmp/x")), CHY_UNSUPPORTED,
                   "storage 'main' does not offer 'backup'");
    close_fixture(&f);
}
END_TEST

START_TEST(a_passed_deadline_is_not_called)
{
    struct fixture f;
    open_fixture(&f);
    chy_operation_of(f.op)->deadline = chy_monotonic(f.op) - 1;
    expect_refused(&f, chy_storage_check(f.storage, f.op), CHY_TRY_LATER,
                   "the deadline has passed");
    close_fixture(&f);
}
END_TEST

START_TEST(a_dead_back_end_is_not_called_for_a_while)
{
    struct fixture f;
    open_fixture(&f);
    f.fake.status = CHY_TRY_LATER;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(chy_storage_check(f.storage, f.op), CHY_TRY_LATER);
    }
    ck_assert_uint_eq(f.fake.calls, 5);
    f.fake.status = CHY_OK;
    ck_assert_int_eq(chy_storage_check(f.storage, f.op), CHY_TRY_LATER);
    ck_assert_int_eq(chy_storage_health(f.storage, f.op), CHY_OK);
    ck_assert_int_eq(chy_storage_check(f.storage, f.op), CHY_OK);
    close_fixture(&f);
}
END_TEST

START_TEST(reports_and_statistics_pass_through)
{
    struct fixture f;
    struct chy_schema_report report;
    struct chy_storage_statistics statistics;
    open_fixture(&f);
    ck_assert_int_eq(chy_storage_verify_schema(f.storage, f.op, &report), CHY_OK);
    ck_assert_uint_eq(report.state, CHY_SCHEMA_CURRENT);
    ck_assert_int_eq(chy_storage_statistics(f.storage, f.op, &statistics), CHY_OK);
    ck_assert_uint_eq(statistics.commits, 7);
    ck_assert_int_eq(chy_storage_upgrade(f.storage, f.op), CHY_OK);
    ck_assert_ptr_eq(chy_storage_schema(f.storage), &fake_schema);
    ck_assert_ptr_eq(chy_storage_instance(f.storage), &f.instance);
    close_fixture(&f);
}
END_TEST

START_TEST(calls_are_counted_by_name_and_status)
{
    struct fixture f;
    struct chy_buf text;
    open_fixture(&f);
    ck_assert_int_eq(chy_storage_check(f.storage, f.op), CHY_OK);
    f.fake.status = CHY_BROKEN;
    ck_assert_int_eq(chy_storage_check(f.storage, f.op), CHY_BROKEN);
    chy_buf_init(&text, f.op, 1 << 20);
    chy_metrics_write(f.metrics, &text);
    chy_buf_add_u8(&text, 0);
    ck_assert(chy_buf_ok(&text));
    const char *written = (const char *)text.ptr;
    ck_assert_ptr_nonnull(
        strstr(written,
               "chancery_storage_calls_total{instance=\"main\",call=\"check\",status=\"ok\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(
        written,
        "chancery_storage_calls_total{instance=\"main\",call=\"check\",status=\"broken\"} 1\n"));
    ck_assert_ptr_nonnull(
        strstr(written, "chancery_storage_calls_in_flight{instance=\"main\"} 0\n"));
    close_fixture(&f);
}
END_TEST

/* --- the epoch -------------------------------------------------------------------------------- */

static const struct chy_storage_write *sent(const struct fixture *f, uint64_t index)
{
    return chy_view_item(f->fake.batch.writes, index);
}

START_TEST(a_write_to_a_watched_collection_counts_on_the_epoch_row)
{
    struct fixture f;
    struct chy_storage_outcome outcome;
    open_fixture(&f);
    const struct chy_storage_write writes[] = {
        write_of(CHY_WRITE_DELETE, PLAIN, CHY_KEY(chy_value_int(1)), NOTHING),
        write_of(CHY_WRITE_DELETE, ROWS, CHY_KEY(chy_value_uuid(&an_id)), NOTHING),
    };
    ck_assert_int_eq(write_batch(&f, writes, 2, &outcome), CHY_OK);
    ck_assert_uint_eq(f.fake.batch.writes.count, 3);
    ck_assert_uint_eq(sent(&f, 2)->kind, CHY_WRITE_ADD);
    ck_assert_uint_eq(sent(&f, 2)->collection, EPOCH);
    ck_assert_uint_eq(sent(&f, 2)->add_field, EPOCH_VALUE);
    ck_assert_int_eq(sent(&f, 2)->delta, 1);
    const struct chy_value *key = chy_view_item(sent(&f, 2)->key, 0);
    ck_assert(chy_slice_is(key->bytes, "cache"));
    ck_assert_uint_eq(outcome.results.count, 2);
    close_fixture(&f);
}
END_TEST

START_TEST(other_writes_leave_the_epoch_row_alone)
{
    struct fixture f;
    open_fixture(&f);
    const struct chy_storage_write plain[] = {
        write_of(CHY_WRITE_DELETE, PLAIN, CHY_KEY(chy_value_int(1)), NOTHING),
        write_of(CHY_WRITE_CHECK, ROWS, CHY_KEY(chy_value_uuid(&an_id)), NOTHING),
    };
    ck_assert_int_eq(write_batch(&f, plain, 2, NULL), CHY_OK);
    ck_assert_uint_eq(f.fake.batch.writes.count, 2);
    close_fixture(&f);
}
END_TEST

START_TEST(a_conflict_names_its_write)
{
    struct fixture f;
    struct chy_storage_outcome outcome;
    open_fixture(&f);
    const struct chy_storage_write one[] = {
        write_of(CHY_WRITE_DELETE, PLAIN, CHY_KEY(chy_value_int(1)), NOTHING)};
    f.fake.answers_outcome = true;
    f.fake.outcome = (struct chy_storage_outcome){.struct_size = sizeof outcome, .failed_write = 0};
    f.fake.status = CHY_CONFLICT;
    ck_assert_int_eq(write_batch(&f, one, 1, &outcome), CHY_CONFLICT);
    ck_assert_uint_eq(outcome.failed_write, 0);
    f.fake.outcome.failed_write = 3;
    ck_assert_int_eq(write_batch(&f, one, 1, &outcome), CHY_BROKEN);
    f.fake.status = CHY_OK;
    ck_assert_int_eq(write_batch(&f, one, 1, &outcome), CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(f.op), "another number of results"));
    close_fixture(&f);
}
END_TEST

TEST_MAIN("plugin_storage", TEST(a_write_must_fit_the_schema),
          TEST(values_keep_the_limits_of_the_contract),
          TEST(a_batch_keeps_the_limits_of_the_contract), TEST(a_batch_has_a_size),
          TEST(a_batch_names_a_row_once), TEST(a_get_must_fit_the_schema),
          TEST(a_find_must_fit_the_schema_and_its_limits), TEST(a_row_comes_back_typed),
          TEST(an_answer_that_does_not_fit_is_broken), TEST(a_page_that_does_not_fit_is_broken),
          TEST(an_unknown_status_is_broken_and_a_silent_one_gets_words),
          TEST(an_operation_that_is_not_offered_is_unsupported),
          TEST(a_passed_deadline_is_not_called), TEST(a_dead_back_end_is_not_called_for_a_while),
          TEST(reports_and_statistics_pass_through), TEST(calls_are_counted_by_name_and_status),
          TEST(a_write_to_a_watched_collection_counts_on_the_epoch_row),
          TEST(other_writes_leave_the_epoch_row_alone), TEST(a_conflict_names_its_write))
