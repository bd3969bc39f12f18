/** The server restarts, crashes, stops, ends sessions: nothing answered is lost, nobody hangs. */
#include "server.h"
#include "storage_fixture.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#define THREADS 12U
#define ROWS_MAX 20000U

static char conninfo[512];
static const char *connections = "connections=16";

static void set_up(void)
{
    (void)snprintf(conninfo, sizeof conninfo, "conninfo=%s", server_conninfo());
    server_ensure_running();
    arguments.options[0] = conninfo;
    arguments.options[1] = "schema=fault_%n";
    arguments.options[2] = connections;
    arguments.option_count = 3;
    store_made();
}

static void tear_down(void)
{
    server_ensure_running();
    store_close();
}

static chy_status get_one(struct chy_op *op, uint64_t number)
{
    struct chy_storage_row row = {0};
    return thing_get(op, number, (struct chy_view){NULL, 0, sizeof(uint32_t)}, &row);
}

/* --- restarts ----------------------------------------------------------------------------------*/

START_TEST(a_restarted_server_is_found_at_once)
{
    static const char *const modes[] = {"fast", "immediate"};
    insert_things(1, 1);
    server_control("restart", modes[_i]);
    struct chy_op *op = op_new();
    EXPECT(op, get_one(op, 1), CHY_OK);
    server_control("restart", modes[_i]);
    insert_things(2, 2);
    server_control("restart", modes[_i]);
    struct batch *b = batch_new(op_new());
    b->batch.flags = CHY_BATCH_JOINABLE;
    batch_insert(b, 3);
    EXPECT(b->op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(count_things(), 3);
}
END_TEST

static void expect_away(struct chy_op *op, chy_status status)
{
    EXPECT(op, status, CHY_TRY_LATER);
    ck_assert_msg(strstr(conf_op_message(op), "cannot connect to PostgreSQL") != NULL, "%s",
                  conf_op_message(op));
}

START_TEST(a_stopped_server_says_try_later_and_is_found_again)
{
    insert_things(1, 1);
    server_control("stop", "fast");
    for (int round = 0; round < 3; round++) {
        struct chy_op *op = op_new();
        expect_away(op, get_one(op, 1));
        op = op_new();
        expect_away(op, ops->health(self, op));
        struct batch *b = batch_new(op_new());
        b->batch.flags = round == 0 ? 0 : CHY_BATCH_JOINABLE;
        batch_insert(b, 2);
        expect_away(b->op, batch_run(b));
        struct chy_schema_report report = {.struct_size = sizeof report};
        op = op_new();
        expect_away(op, ops->verify_schema(self, op, &report));
        op = op_new();
        expect_away(op, ops->upgrade(self, op));
        pause_ms(200);
    }
    server_control("start", NULL);
    int64_t began = conf_clock_monotonic();
    for (;;) {
        struct chy_op *op = op_new();
        if (ops->health(self, op) == CHY_OK) {
            break;
        }
        ck_assert_int_lt(conf_clock_monotonic() - began, 6000000);
        pause_ms(20);
    }
    ck_assert_uint_eq(count_things(), 1); // nothing was written by what was put off
    insert_things(2, 2);
    ck_assert_uint_eq(count_things(), 2);
}
END_TEST

START_TEST(an_instance_does_not_start_without_a_server)
{
    server_control("stop", "fast");
    char *directory = conf_temp_dir_new();
    struct chy_instance *other = conf_instance_new(plugin, &arguments, "other", directory);
    ck_assert_ptr_nonnull(other);
    ck_assert_int_eq(conf_instance_up(other), CHY_TRY_LATER);
    conf_instance_free(other);
    conf_temp_dir_remove(directory);
}
END_TEST

/* --- load --------------------------------------------------------------------------------------*/

/** What each row's writer was told: 0 is nothing yet. */
static _Atomic chy_status told[ROWS_MAX];
static atomic_uint_fast64_t next_row;
static atomic_uint_fast64_t done;
static atomic_bool halt;

#define NOT_TOLD (-1)

/** Each batch inserts its own row and counts it; half of them are joinable. */
static void *write_rows(void *arg)
{
    const uint32_t flags = *(const uint32_t *)arg;
    while (!atomic_load(&halt)) {
        uint64_t row = atomic_fetch_add(&next_row, 1);
        if (row >= ROWS_MAX) {
            break;
        }
        struct chy_op *op = conf_op_new(instance);
        struct batch *b = batch_new(op);
        b->batch.flags = flags;
        batch_set(b, batch_insert(b, row), TAGS, many_value(op, "t", NULL));
        batch_add(b, "rows", (int64_t)(row % 4), 1);
        chy_status status = batch_run(b);
        atomic_store(&told[row], status);
        atomic_fetch_add(&done, status == CHY_OK);
        conf_op_free(op);
        if (status != CHY_OK) {
            pause_ms(10); // as one does who is told to try later
        }
    }
    return NULL;
}

struct tally {
    uint64_t ok;
    uint64_t later;
    uint64_t uncertain;
    int64_t there;
};

/** Holds what was told against what is there. */
static struct tally take_stock(void)
{
    struct tally tally = {0, 0, 0, 0};
    uint64_t rows = atomic_load(&next_row);
    for (uint64_t row = 0; row < rows && row < ROWS_MAX; row++) {
        chy_status status = atomic_load(&told[row]);
        if (status == NOT_TOLD) {
            continue;
        }
        bool there = thing_revision(row) != 0;
        tally.ok += status == CHY_OK;
        tally.later += status == CHY_TRY_LATER;
        tally.uncertain += status == CHY_UNCERTAIN;
        tally.there += there;
        ck_assert_msg(status == CHY_OK || status == CHY_TRY_LATER || status == CHY_UNCERTAIN,
                      "row %llu: status %d", (unsigned long long)row, status);
        ck_assert_msg(status != CHY_OK || there, "row %llu was answered and is not there",
                      (unsigned long long)row);
        ck_assert_msg(status != CHY_TRY_LATER || !there, "row %llu was put off and is there",
                      (unsigned long long)row);
    }
    int64_t counted = 0;
    for (int64_t day = 0; day < 4; day++) {
        int64_t value = counter_value("rows", day);
        counted += value > 0 ? value : 0;
    }
    ck_assert_int_eq(counted, tally.there); // a batch is there whole, once
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
    return tally;
}

/** Some more batches are answered, although there was trouble. */
static void wait_for_progress(void)
{
    uint64_t before = atomic_load(&done);
    int64_t began = conf_clock_monotonic();
    while (atomic_load(&done) < before + 30) {
        ck_assert_msg(conf_clock_monotonic() - began < 20000000, "no batch is answered any more");
        pause_ms(5);
    }
}

static struct tally under_load(void (*trouble)(int round), int rounds)
{
    static uint32_t flags[] = {CHY_BATCH_JOINABLE, 0};
    pthread_t threads[THREADS];
    for (uint64_t row = 0; row < ROWS_MAX; row++) {
        atomic_store(&told[row], NOT_TOLD);
    }
    for (uint64_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, write_rows, &flags[i % 2]), 0);
    }
    for (int round = 0; round < rounds; round++) {
        wait_for_progress();
        pause_ms(round % 7 * 11);
        trouble(round);
    }
    wait_for_progress();
    atomic_store(&halt, true);
    for (uint64_t i = 0; i < THREADS; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    return take_stock();
}

static void end_sessions(int round)
{
    (void)round;
    (void)server_end_sessions();
}

START_TEST(ended_sessions_cost_nobody_an_answer)
{
    struct tally tally = under_load(end_sessions, 15);
    ck_assert_uint_ge(tally.ok, 480);
    ck_assert_msg(tally.uncertain == 0, "%llu of %llu are uncertain",
                  (unsigned long long)tally.uncertain, (unsigned long long)tally.ok);
}
END_TEST

static void crash(int round)
{
    server_control("restart", round % 2 == 0 ? "immediate" : "fast");
}

START_TEST(a_crash_loses_nothing_that_was_answered)
{
    struct tally tally = under_load(crash, 4);
    ck_assert_uint_ge(tally.ok, 150);
}
END_TEST

/* --- waiting -----------------------------------------------------------------------------------*/

struct waiter {
    struct batch *batch;
    chy_status status;
};

static void *run_waiter(void *arg)
{
    struct waiter *w = arg;
    w->status = batch_run(w->batch);
    return NULL;
}

/** Locks all things in the newest of the test's schemas. */
static PGconn *lock_things(void)
{
    PGconn *other = server_session();
    (void)server_run(other, "BEGIN");
    (void)server_run(other, "SELECT set_config('search_path', nspname, true) FROM pg_namespace "
                            "WHERE nspname LIKE 'fault%' ORDER BY oid DESC LIMIT 1");
    (void)server_run(other, "SELECT 1 FROM things FOR UPDATE");
    return other;
}

static void set_up_narrow(void)
{
    connections = "connections=1";
    set_up();
}

START_TEST(a_deadline_holds_while_all_connections_are_busy)
{
    pthread_t thread;
    struct waiter w = {batch_new(op_new()), CHY_BROKEN};
    insert_things(1, 1);
    batch_set(w.batch, batch_thing(w.batch, CHY_WRITE_UPDATE, 1), NOTE, text_value("x"));
    PGconn *other = lock_things();
    ck_assert_int_eq(pthread_create(&thread, NULL, run_waiter, &w), 0);
    while (server_ask("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") ==
           0) {
        pause_ms(10);
    }
    struct chy_op *op = conf_op_new_until(instance, conf_clock_monotonic() + 200000);
    EXPECT(op, get_one(op, 1), CHY_TRY_LATER);
    ck_assert_uint_eq(conf_op_error(op).reason, CHY_REASON_TIMEOUT);
    conf_op_free(op);
    (void)server_run(other, "COMMIT");
    PQfinish(other);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    EXPECT(w.batch->op, w.status, CHY_OK);
}
END_TEST

START_TEST(a_write_that_waits_for_a_lock_keeps_its_deadline)
{
    insert_things(1, 1);
    PGconn *other = lock_things();
    struct chy_op *op = conf_op_new_until(instance, conf_clock_monotonic() + 300000);
    struct batch *b = batch_new(op);
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), NOTE, text_value("x"));
    int64_t began = conf_clock_monotonic();
    EXPECT(op, batch_run(b), CHY_TRY_LATER);
    ck_assert_int_lt(conf_clock_monotonic() - began, 2000000);
    conf_op_free(op);
    (void)server_run(other, "COMMIT");
    PQfinish(other);
    ck_assert_uint_eq(thing_revision(1), 1);
}
END_TEST

/* --- configuration -----------------------------------------------------------------------------*/

START_TEST(a_wrong_connection_string_is_refused_without_telling_it)
{
    (void)snprintf(conninfo, sizeof conninfo, "conninfo=host=x password=tellnobody =");
    char *directory = conf_temp_dir_new();
    struct chy_instance *other = conf_instance_new(plugin, &arguments, "other", directory);
    const struct chy_plugin *descriptor = conf_plugin_descriptor(plugin);
    struct chy_option_value values[7] = {{0}};
    struct chy_options given = {.struct_size = sizeof given,
                                .instance_name = chy_text("other"),
                                .data_directory = chy_text(directory),
                                .values = VIEW(values)};
    values[0].text = chy_text("host=x password=tellnobody =");
    values[1].text = chy_text("chancery");
    for (size_t i = 2; i < 7; i++) {
        values[i].number = 1000000;
    }
    struct chy_op *op = conf_op_new(other);
    void *created = NULL;
    EXPECT(op, descriptor->create(op->host, other, op, &given, &created), CHY_BAD_INPUT);
    ck_assert_ptr_null(created);
    ck_assert_ptr_null(strstr(conf_op_message(op), "tellnobody"));
    conf_op_free(op);
    conf_instance_free(other);
    conf_temp_dir_remove(directory);
}
END_TEST

/** Names as long as they may be, alike in what PostgreSQL would keep of them. */
START_TEST(long_names_stay_apart)
{
    static const struct chy_field fields[] = {
        {CHY_TEXT_INIT("id"), CHY_VALUE_INT, 0},
        {CHY_TEXT_INIT("values_of_a_field_with_a_very_long_name_indeed_a"), CHY_VALUE_TEXT,
         CHY_FIELD_MANY},
        {CHY_TEXT_INIT("values_of_a_field_with_a_very_long_name_indeed_b"), CHY_VALUE_TEXT,
         CHY_FIELD_MANY},
        {CHY_TEXT_INIT("revision"), CHY_VALUE_INT, 0},
    };
    static const uint32_t key[] = {0};
    static const uint32_t indexed[] = {3};
    static const struct chy_index indexes[] = {
        {CHY_TEXT_INIT("an_index_with_a_name_that_is_as_long_as_it_may_x"), 0, 0,
         CHY_VIEW_INIT(indexed)},
        {CHY_TEXT_INIT("an_index_with_a_name_that_is_as_long_as_it_may_y"), 0, 0,
         CHY_VIEW_INIT(indexed)},
    };
    static const struct chy_collection collection[] = {
        {CHY_TEXT_INIT("Plugin-1.a_collection_with_a_very_very_long_name"), 0, 0,
         CHY_VIEW_INIT(fields), CHY_VIEW_INIT(key), CHY_VIEW_INIT(indexes)}};
    static const struct chy_schema long_schema = {
        .struct_size = sizeof long_schema, .version = 1, .collections = CHY_VIEW_INIT(collection)};
    store_close();
    store_open(&long_schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->upgrade(self, op), CHY_OK);
    struct chy_schema_report report = {.struct_size = sizeof report};
    EXPECT(op, ops->verify_schema(self, op, &report), CHY_OK);
    ck_assert_msg(report.state == CHY_SCHEMA_CURRENT, "%.*s", (int)report.detail.len,
                  (const char *)report.detail.ptr);
    struct batch *b = batch_new(op);
    struct chy_value id = int_value(7);
    struct chy_assignment given[] = {{1, 0, many_value(op, "a", NULL)},
                                     {2, 0, many_value(op, "b", "c", NULL)},
                                     {3, 0, int_value(1)}};
    b->writes[0] =
        (struct chy_storage_write){.kind = CHY_WRITE_INSERT, .key = ONE(id), .fields = VIEW(given)};
    b->batch.writes.count = 1;
    EXPECT(op, batch_run(b), CHY_OK);
    static const uint32_t wanted[] = {2, 1};
    const struct chy_storage_get get = {
        .struct_size = sizeof get, .key = ONE(id), .fields = VIEW(wanted)};
    struct chy_storage_row row = {0};
    EXPECT(op, ops->get(self, op, &get, &row), CHY_OK);
    ck_assert_uint_eq(((const struct chy_value *)chy_view_at(row.values, 0))->items.count, 2);
    ck_assert_uint_eq(((const struct chy_value *)chy_view_at(row.values, 1))->items.count, 1);
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
    Suite *suite = suite_create("PostgreSQL: faults");
    TCase *tests = tcase_create("faults");
    tcase_set_timeout(tests, 90);
    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_loop_test(tests, a_restarted_server_is_found_at_once, 0, 2);
    tcase_add_test(tests, a_stopped_server_says_try_later_and_is_found_again);
    tcase_add_test(tests, an_instance_does_not_start_without_a_server);
    tcase_add_test(tests, ended_sessions_cost_nobody_an_answer);
    tcase_add_test(tests, a_crash_loses_nothing_that_was_answered);
    tcase_add_test(tests, a_write_that_waits_for_a_lock_keeps_its_deadline);
    tcase_add_test(tests, a_wrong_connection_string_is_refused_without_telling_it);
    tcase_add_test(tests, long_names_stay_apart);
    suite_add_tcase(suite, tests);
    TCase *narrow = tcase_create("one connection");
    tcase_set_timeout(narrow, 90);
    tcase_add_checked_fixture(narrow, set_up_narrow, tear_down);
    tcase_add_test(narrow, a_deadline_holds_while_all_connections_are_busy);
    suite_add_tcase(suite, narrow);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(plugin);
    return failed == 0 ? 0 : 1;
}
