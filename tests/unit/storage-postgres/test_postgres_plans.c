/**
 * What a page costs: it reads a range of an index, however many rows there are, and whatever is
 * asked at most scan_limit of them.
 */
#include "server.h"
#include "storage_fixture.h"

#include <stdlib.h>

#define ROWS 20000U
#define PAGES 3

static char conninfo[512];

static void set_up(void)
{
    (void)snprintf(conninfo, sizeof conninfo, "conninfo=%s", server_conninfo());
    arguments.options[0] = conninfo;
    arguments.options[1] = "schema=plans_%n";
    arguments.option_count = 2;
    store_made();
}

/** Thing n: weight null for each tenth, owner one of 100, two tags of which one is rare. */
static void fill_one(struct batch *b, uint64_t n)
{
    struct chy_storage_write *write = batch_insert(b, n);
    char *tag = conf_must(chy_alloc(b->op, 32));
    (void)snprintf(tag, 32, "rare-%llu", (unsigned long long)(n / 10));
    batch_set(b, write, TAGS, many_value(b->op, "common", tag, NULL));
    batch_set(b, write, OWNER, uuid_value(b->op, 1000 + n % 100));
    if (n % 10 != 0) {
        batch_set(b, write, WEIGHT, int_value((int64_t)(n % 1000)));
    }
}

static void fill(void)
{
    for (uint64_t n = 1; n <= ROWS;) {
        struct chy_op *op = conf_op_new(instance);
        struct batch *b = batch_new(op);
        while (b->batch.writes.count < 200 && n <= ROWS) {
            fill_one(b, n++);
        }
        EXPECT(op, batch_run(b), CHY_OK);
        conf_op_free(op);
    }
    (void)server_ask("ANALYZE");
}

static int64_t counter(const char *sum)
{
    char sql[400];
    (void)snprintf(sql, sizeof sql,
                   "SELECT coalesce(sum(%s), 0) FROM pg_stat_user_tables AS s WHERE schemaname = "
                   "(SELECT nspname FROM pg_namespace WHERE nspname LIKE 'plans%%' "
                   "ORDER BY oid DESC LIMIT 1)",
                   sum);
    return server_ask(sql);
}

/** A session tells the server what it has read when it ends. */
static void end_plugin_sessions(void)
{
    store_reopen(&schema);
    while (server_ask("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE "
                      "'chancery %'") > 1) {
        pause_ms(5);
    }
}

static struct chy_predicate predicate(uint32_t field, enum chy_predicate_kind kind,
                                      struct chy_value low, struct chy_value high)
{
    struct chy_predicate p = {.field = field, .kind = (uint32_t)kind, .low = low, .high = high};
    return p;
}

/** What is asked; the values are made in the test, where there is an operation. */
struct question {
    const char *name;
    int predicates; /**< which set of predicates, below */
    struct chy_order order[2];
    uint64_t orders;
    int64_t reads_max; /**< rows of the tables, for all pages */
    uint64_t rows_min; /**< rows found, in all pages */
};

static const struct question questions[] = {
    {"by key", 0, {{0, 0}}, 0, 200, 30},
    {"by time, newest first", 0, {{MADE, 1}}, 1, 200, 30},
    {"by time, oldest first", 0, {{MADE, 0}}, 1, 200, 30},
    {"by a nullable field, descending", 0, {{WEIGHT, 1}, {SIZE, 1}}, 2, 400, 30},
    {"by a nullable field, ascending", 0, {{WEIGHT, 0}, {SIZE, 0}}, 2, 400, 30},
    {"equal, then by the index", 1, {{SIZE, 0}}, 1, 200, 30},
    {"equal, then by the index, descending", 1, {{SIZE, 1}}, 1, 200, 30},
    {"null, then by the index, descending", 2, {{SIZE, 1}}, 1, 400, 30},
    {"a prefix", 3, {{NAME, 0}}, 1, 200, 30},
    {"a range of the order, newest first", 4, {{MADE, 1}}, 1, 200, 30},
    {"a rare tag, newest first", 5, {{MADE, 1}}, 1, 400, 10},
    {"a common tag, newest first", 6, {{MADE, 1}}, 1, 4000, 30},
    {"equal on another index than the order's", 1, {{MADE, 1}}, 1, 2000, 30},
    {"nothing an index knows", 7, {{MADE, 1}}, 1, 8000, 0},
};

static uint64_t predicates_of(int set, struct chy_op *op, struct chy_predicate *p)
{
    switch (set) {
    case 1: p[0] = predicate(OWNER, CHY_WHERE_EQ, uuid_value(op, 1007), null_value()); return 1;
    case 2: p[0] = predicate(WEIGHT, CHY_WHERE_NULL, null_value(), null_value()); return 1;
    case 3:
        p[0] = predicate(NAME, CHY_WHERE_PREFIX, text_value("thing-01"), null_value());
        return 1;
    case 4:
        p[0] = predicate(MADE, CHY_WHERE_RANGE, time_value(5000000), time_value(9000000));
        return 1;
    case 5: p[0] = predicate(TAGS, CHY_WHERE_HAS, text_value("rare-777"), null_value()); return 1;
    case 6: p[0] = predicate(TAGS, CHY_WHERE_HAS, text_value("common"), null_value()); return 1;
    case 7: p[0] = predicate(NOTE, CHY_WHERE_EQ, text_value("no such"), null_value()); return 1;
    default: return 0;
    }
}

static uint64_t ask(const struct question *q)
{
    struct chy_op *op = op_new();
    struct chy_predicate where[2];
    struct chy_storage_find find = find_new();
    uint64_t found = 0;
    find.where = (struct chy_view){where, predicates_of(q->predicates, op, where), sizeof *where};
    find.order = (struct chy_view){q->order, q->orders, sizeof q->order[0]};
    find.limit = 10;
    find.scan_limit = 1000;
    for (int page_number = 0; page_number < PAGES; page_number++) {
        struct chy_storage_page page = find_run(op, &find);
        ck_assert_msg(page.scanned <= find.scan_limit, "%s: scanned", q->name);
        found += page.rows.count;
        find.cursor = page.cursor;
        if (page.more == 0) {
            break;
        }
    }
    return found;
}

START_TEST(a_page_is_a_range_of_an_index)
{
    fill();
    for (size_t i = 0; i < sizeof questions / sizeof questions[0]; i++) {
        const struct question *q = &questions[i];
        end_plugin_sessions();
        int64_t scans = counter("s.seq_tup_read");
        int64_t fetched = counter("s.idx_tup_fetch");
        uint64_t found = ask(q);
        end_plugin_sessions();
        scans = counter("s.seq_tup_read") - scans;
        fetched = counter("s.idx_tup_fetch") - fetched;
        ck_assert_msg(found >= q->rows_min, "%s: found %llu", q->name, (unsigned long long)found);
        ck_assert_msg(scans == 0, "%s: %lld rows by sequential scans", q->name, (long long)scans);
        ck_assert_msg(fetched <= q->reads_max, "%s: %lld rows read", q->name, (long long)fetched);
    }
}
END_TEST

int main(int argc, char **argv)
{
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        return 2;
    }
    plugin = conf_plugin_load(arguments.plugin);
    ops = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_STORAGE);
    if (ops == NULL) {
        return 2;
    }
    Suite *suite = suite_create("PostgreSQL: plans");
    TCase *tests = tcase_create("plans");
    tcase_set_timeout(tests, 240);
    tcase_add_checked_fixture(tests, set_up, store_close);
    tcase_add_test(tests, a_page_is_a_range_of_an_index);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(plugin);
    return failed == 0 ? 0 : 1;
}
