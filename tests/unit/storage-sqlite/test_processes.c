/** Several processes on one database: a daemon, and commands beside it. */
#include "main.h"

#include <sys/wait.h>
#include <unistd.h>

#define PROCESSES 3
#define BATCHES 40

static char *place;

static void made_place(void)
{
    place = conf_temp_dir_new();
    store_open_in(place, &schema);
    struct chy_op *op = op_new();
    EXPECT(op, ops->upgrade(self, op), CHY_OK);
    store_close();
}

static void remove_place(void)
{
    store_close();
    conf_temp_dir_remove(place);
}

/** in_child runs `work` in a process of its own, which exits with its result. */
static pid_t in_child(int (*work)(uint64_t number), uint64_t number)
{
    pid_t child = fork();
    ck_assert_int_ge(child, 0);
    if (child == 0) {
        store_open_in(place, &schema);
        int result = work(number);
        store_close();
        _exit(result);
    }
    return child;
}

static void expect_ended(pid_t child, int expected)
{
    int status = 0;
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == expected, "child: %d", status);
}

static int write_batches(uint64_t number)
{
    for (uint64_t i = 0; i < BATCHES; i++) {
        struct chy_op *op = conf_op_new(instance);
        chy_status status = insert_one(op, number * 1000 + i);
        if (status != CHY_OK) {
            conf_say("process %llu: %s", (unsigned long long)number, conf_op_message(op));
            return 1;
        }
        conf_op_free(op);
    }
    return 0;
}

START_TEST(processes_that_write_at_once_all_succeed)
{
    pid_t children[PROCESSES];
    for (uint64_t i = 0; i < PROCESSES; i++) {
        children[i] = in_child(write_batches, i + 1);
    }
    for (uint64_t i = 0; i < PROCESSES; i++) {
        expect_ended(children[i], 0);
    }
    store_open_in(place, &schema);
    ck_assert_uint_eq(count_things(), PROCESSES * BATCHES);
    ck_assert_int_eq(counter_value("inserted", 1), PROCESSES * BATCHES);
    struct chy_op *op = op_new();
    EXPECT(op, ops->check(self, op), CHY_OK);
}
END_TEST

static int look_and_write(uint64_t number)
{
    struct chy_op *op = op_new();
    struct chy_storage_statistics statistics = {.struct_size = sizeof statistics};
    struct chy_schema_report report = {.struct_size = sizeof report};
    if (ops->verify_schema(self, op, &report) != CHY_OK || report.state != CHY_SCHEMA_CURRENT ||
        ops->statistics(self, op, &statistics) != CHY_OK || statistics.rows_estimate == 0 ||
        ops->check(self, op) != CHY_OK || ops->upgrade(self, op) != CHY_OK) {
        return 1;
    }
    return insert_one(op, number) == CHY_OK ? 0 : 2;
}

START_TEST(a_command_beside_a_daemon_sees_and_changes_what_it_has)
{
    // The child starts while no thread of this process holds a lock; only then does the daemon
    // open.
    pid_t child = 0;
    store_open_in(place, &schema);
    insert_things(1, 5);
    store_close();
    child = in_child(look_and_write, 77);
    store_open_in(place, &schema);
    insert_things(6, 9);
    expect_ended(child, 0);
    ck_assert_uint_eq(thing_revision(77), 1); // written by another process, seen at once
    insert_things(10, 12);
    ck_assert_uint_eq(count_things(), 13);
}
END_TEST

START_TEST(upgrading_twice_at_once_is_safe)
{
    conf_temp_dir_remove(place);
    place = conf_temp_dir_new();
    pid_t children[PROCESSES];
    for (uint64_t i = 0; i < PROCESSES; i++) {
        pid_t child = fork();
        ck_assert_int_ge(child, 0);
        if (child == 0) {
            store_open_in(place, &schema);
            struct chy_op *op = conf_op_new(instance);
            chy_status status = ops->upgrade(self, op);
            if (status != CHY_OK) {
                conf_say("upgrade: %s", conf_op_message(op));
            }
            _exit(status);
        }
        children[i] = child;
    }
    for (uint64_t i = 0; i < PROCESSES; i++) {
        expect_ended(children[i], CHY_OK);
    }
    store_open_in(place, &schema);
    insert_things(1, 3);
    ck_assert_uint_eq(count_things(), 3);
}
END_TEST

int main(int argc, char **argv)
{
    TCase *tests = tcase_create("processes");
    tcase_set_timeout(tests, 120);
    tcase_add_checked_fixture(tests, made_place, remove_place);
    tcase_add_test(tests, processes_that_write_at_once_all_succeed);
    tcase_add_test(tests, a_command_beside_a_daemon_sees_and_changes_what_it_has);
    tcase_add_test(tests, upgrading_twice_at_once_is_safe);
    return run_tests(argc, argv, tests);
}
