/**
 * A commit whose answer is lost is found out: it happens once, and the caller is told the truth.
 */
#include "proxy.h"
#include "server.h"
#include "storage_fixture.h"

#include <pthread.h>
#include <stdlib.h>

static char conninfo[512];
static char connect_timeout[64] = "connect_timeout=2s";

/** The store's way to the server leads through the proxy. */
static void set_up(void)
{
    char rest[256];
    const char *after_port = strchr(strstr(server_conninfo(), "port="), ' ');
    proxy_start(server_port());
    (void)snprintf(rest, sizeof rest, "%s", after_port);
    (void)snprintf(conninfo, sizeof conninfo,
                   "conninfo=host=127.0.0.1 port=%u%s sslmode=disable gssencmode=disable",
                   proxy_port(), rest);
    arguments.options[0] = conninfo;
    arguments.options[1] = "schema=settle_%n";
    arguments.options[2] = connect_timeout;
    arguments.option_count = 3;
    store_made();
    pause_ms(50); // the farewell of upgrade's connection is to be through
}

static void tear_down(void)
{
    proxy_next(PROXY_PASS, PROXY_PASS);
    store_close();
    proxy_stop();
}

/** warm makes the store's connections, and the row by which they settle; a first commit differs. */
static void warm(int yes)
{
    if (yes != 0) {
        insert_things(900, 901);
        struct batch *b = batch_new(op_new());
        b->batch.flags = CHY_BATCH_JOINABLE;
        batch_insert(b, 902);
        EXPECT(b->op, batch_run(b), CHY_OK);
    }
}

static struct batch *insert_and_add(uint64_t number, uint32_t flags)
{
    struct batch *b = batch_new(op_new());
    b->batch.flags = flags;
    batch_set(b, batch_insert(b, number), TAGS, many_value(b->op, "a", "b", NULL));
    batch_add(b, "sum", 1, 5);
    return b;
}

static void expect_once(uint64_t number, int64_t sum)
{
    ck_assert_uint_eq(thing_revision(number), 1);
    ck_assert_uint_eq(thing_field(op_new(), number, TAGS).items.count, 2);
    ck_assert_int_eq(counter_value("sum", 1), sum);
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
}

static const enum proxy_mode cuts[] = {PROXY_CUT_COMMIT, PROXY_CUT_REQUEST, PROXY_CUT_HALF};

/** `_i` is the way it breaks: on a connection's first commit, on a later one, on a joined one. */
START_TEST(a_broken_commit_happens_once_and_its_results_are_right)
{
    enum proxy_mode cut = cuts[_i % 3];
    warm(_i / 3);
    struct batch *b = insert_and_add(1, _i / 3 < 2 ? 0 : CHY_BATCH_JOINABLE);
    proxy_next(cut, PROXY_PASS);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(proxy_breaks(), 1);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 1);
    ck_assert_int_eq(batch_result(b, 1)->number, 5);
    ck_assert_uint_eq(batch_result(b, 1)->revision, 1);
    expect_once(1, 5);
}
END_TEST

START_TEST(a_connection_that_breaks_while_it_is_made_puts_the_batch_off)
{
    struct batch *b = insert_and_add(1, CHY_BATCH_JOINABLE); // these have connections of their own
    proxy_next(cuts[_i], PROXY_PASS);
    EXPECT(b->op, batch_run(b), CHY_TRY_LATER);
    ck_assert_uint_eq(thing_revision(1), 0);
    EXPECT(b->op, batch_run(b), CHY_OK);
    expect_once(1, 5);
}
END_TEST

START_TEST(a_guarded_update_happens_once)
{
    insert_things(1, 1);
    struct batch *b = batch_new(op_new());
    struct chy_storage_write *write = batch_thing(b, CHY_WRITE_UPDATE, 1);
    batch_set(b, write, NOTE, text_value("changed"));
    write->guard = CHY_GUARD_REVISION;
    write->guard_revision = 1;
    proxy_next(cuts[_i], PROXY_PASS);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(proxy_breaks(), 1);
    ck_assert_uint_eq(batch_result(b, 0)->revision, 2);
    ck_assert_uint_eq(thing_revision(1), 2);
}
END_TEST

/** Inserts need no answer to know their results. */
START_TEST(fresh_rows_are_told_though_no_answer_came)
{
    warm(_i);
    struct batch *b = batch_new(op_new());
    batch_insert(b, 1);
    batch_insert(b, 2);
    proxy_next(PROXY_CUT_ANSWERS, PROXY_PASS);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_int_eq(proxy_breaks(), 1);
    ck_assert_uint_eq(batch_result(b, 1)->revision, 1);
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

/** A sum that nobody saw is not made up. */
START_TEST(a_lost_sum_is_uncertain_and_was_added_once)
{
    warm(_i);
    struct batch *b = insert_and_add(1, 0);
    proxy_next(PROXY_CUT_ANSWERS, PROXY_PASS);
    EXPECT(b->op, batch_run(b), CHY_UNCERTAIN);
    expect_once(1, 5);
}
END_TEST

START_TEST(what_cannot_be_found_out_is_uncertain)
{
    warm(1);
    struct batch *b = insert_and_add(1, _i == 0 ? 0 : CHY_BATCH_JOINABLE);
    proxy_next(PROXY_CUT_COMMIT, PROXY_REFUSE);
    EXPECT(b->op, batch_run(b), CHY_UNCERTAIN);
    proxy_next(PROXY_PASS, PROXY_PASS);
    pause_ms(2100); // the longest back-off
    expect_once(1, 5);
}
END_TEST

/** The transaction that was cut off still runs, and waits for a lock that another session holds. */
static void *update_one(void *arg)
{
    struct batch *b = arg;
    static chy_status status;
    status = batch_run(b);
    return &status;
}

START_TEST(a_transaction_that_still_runs_is_waited_for)
{
    char sql[256];
    insert_things(1, 1);
    struct batch *b = batch_new(op_new());
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), NOTE, text_value("changed"));
    PGconn *other = server_session();
    (void)server_run(other, "BEGIN");
    (void)snprintf(sql, sizeof sql,
                   "SELECT set_config('search_path', nspname, true) FROM "
                   "pg_namespace WHERE nspname LIKE 'settle%%' "
                   "ORDER BY oid DESC LIMIT 1");
    (void)server_run(other, sql);
    (void)server_run(other, "SELECT 1 FROM things FOR UPDATE");
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, update_one, b), 0);
    while (server_ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") ==
           0) {
        pause_ms(10);
    }
    proxy_break();
    pause_ms(300);
    (void)server_run(other, "COMMIT");
    void *result = NULL;
    ck_assert_int_eq(pthread_join(thread, &result), 0);
    chy_status status = *(chy_status *)result;
    // Its answers were lost, or it was undone and done again: once, either way.
    ck_assert_msg(status == CHY_OK || status == CHY_UNCERTAIN, "%d: %s", status,
                  conf_op_message(b->op));
    ck_assert_uint_eq(thing_revision(1), 2);
    PQfinish(other);
}
END_TEST

static int64_t elapsed_ms(int64_t since)
{
    return (conf_clock_monotonic() - since) / 1000;
}

START_TEST(a_read_keeps_its_deadline_though_the_server_is_silent)
{
    insert_things(1, 1);
    int64_t began = conf_clock_monotonic();
    struct chy_op *op = conf_op_new_until(instance, began + 300000);
    struct chy_storage_row row = {0};
    proxy_next(PROXY_HOLE, PROXY_HOLE);
    EXPECT(op, thing_get(op, 1, (struct chy_view){NULL, 0, sizeof(uint32_t)}, &row), CHY_TRY_LATER);
    ck_assert_uint_eq(conf_op_error(op).reason, CHY_REASON_TIMEOUT);
    ck_assert_int_ge(elapsed_ms(began), 290);
    ck_assert_int_lt(elapsed_ms(began), 1500);
    conf_op_free(op);
    proxy_next(PROXY_PASS, PROXY_PASS);
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

START_TEST(a_silent_server_is_given_up_after_connect_timeout)
{
    insert_things(1, 1);
    proxy_next(PROXY_HOLE, PROXY_HOLE);
    proxy_break();
    pause_ms(50);
    int64_t began = conf_clock_monotonic();
    struct chy_op *op = op_new();
    EXPECT(op, ops->health(self, op), CHY_TRY_LATER);
    ck_assert_msg(strstr(conf_op_message(op), "connect_timeout") != NULL, "%s",
                  conf_op_message(op));
    ck_assert_int_ge(elapsed_ms(began), 1900);
    ck_assert_int_lt(elapsed_ms(began), 4000);
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
    Suite *suite = suite_create("PostgreSQL: lost commits");
    TCase *tests = tcase_create("settle");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_broken_commit_happens_once_and_its_results_are_right, 0, 9);
    tcase_add_loop_test(tests, a_connection_that_breaks_while_it_is_made_puts_the_batch_off, 1, 3);
    tcase_add_loop_test(tests, a_guarded_update_happens_once, 0, 3);
    tcase_add_loop_test(tests, fresh_rows_are_told_though_no_answer_came, 0, 2);
    tcase_add_loop_test(tests, a_lost_sum_is_uncertain_and_was_added_once, 0, 2);
    tcase_add_loop_test(tests, what_cannot_be_found_out_is_uncertain, 0, 2);
    tcase_add_test(tests, a_transaction_that_still_runs_is_waited_for);
    tcase_add_test(tests, a_read_keeps_its_deadline_though_the_server_is_silent);
    tcase_add_test(tests, a_silent_server_is_given_up_after_connect_timeout);
    suite_add_tcase(suite, tests);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(plugin);
    return failed == 0 ? 0 : 1;
}
