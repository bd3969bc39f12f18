#include "base/time.h"
#include "resource/audit.h"
#include "resource/audit_chain.h"
#include "resource/audit_retention.h"
#include "resource/audit_verify.h"
#include "resource/collections.h"
#include "test_main.h"
#include "test_runtime.h"

static struct test_runtime *new_node(struct test_runtime *beside)
{
    struct test_runtime *test =
        beside == NULL ? test_runtime_new(NULL, 0) : test_runtime_beside(beside);
    test_runtime_of(test)->audit = chy_audit_new();
    ck_assert_ptr_nonnull(test_runtime_of(test)->audit);
    return test;
}

static void free_node(struct test_runtime *test)
{
    chy_audit_free(test_runtime_of(test)->audit);
    test_runtime_free(test);
}

static void step(struct test_runtime *test, int64_t seconds)
{
    chy_clock_manual_advance(test_runtime_clock(test), seconds * CHY_US_PER_SECOND);
}

/** write_row writes a row in an operation that has not ended yet. */
static struct chy_op *write_row(struct test_runtime *test)
{
    struct chy_op *op = test_runtime_op_as(test, test_runtime_admin());
    struct chy_audit_event event = {
        .action = "test.write", .target_kind = "tests", .outcome = CHY_AUDIT_OK};
    ck_assert_int_eq(chy_audit_write(test_runtime_of(test), op, &event), CHY_OK);
    return op;
}

static void write_rows(struct test_runtime *test, int count)
{
    for (int i = 0; i < count; i++) {
        test_runtime_op_end(write_row(test));
    }
}

static uint64_t close_all(struct test_runtime *test)
{
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_audit_close_settled(test_runtime_of(test), op), CHY_OK);
    test_runtime_op_end(op);
    return test_count(test, CHY_C_AUDIT_BLOCKS, 0, NULL);
}

static void count_problem(void *context, const char *sentence)
{
    (void)context;
    (void)sentence;
}

static struct chy_audit_report verify(struct test_runtime *test)
{
    struct chy_audit_verifier verifier = {.problem = count_problem};
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_audit_verify(test_runtime_of(test), op, &verifier), CHY_OK);
    test_runtime_op_end(op);
    return verifier.report;
}

START_TEST(a_second_is_closed_when_its_operations_have_ended)
{
    struct test_runtime *test = new_node(NULL);
    struct chy_op *slow = write_row(test);
    write_rows(test, 300); // more than the root folds at once
    step(test, 3);
    write_rows(test, 2);
    step(test, 3);
    ck_assert_uint_eq(close_all(test), 0); // the first is still written to, and goes first
    ck_assert_uint_eq(verify(test).open, 303);
    test_runtime_op_end(slow);
    ck_assert_uint_eq(close_all(test), 2);
    step(test, 3);
    ck_assert_uint_eq(close_all(test), 2); // no rows, no block
    struct chy_audit_report report = verify(test);
    ck_assert_uint_eq(report.problems, 0);
    ck_assert_uint_eq(report.rows, 303);
    ck_assert_uint_eq(report.open, 0);
    free_node(test);
}
END_TEST

START_TEST(a_clock_that_goes_back_reopens_no_block)
{
    struct test_runtime *test = new_node(NULL);
    write_rows(test, 1);
    step(test, 2);
    ck_assert_uint_eq(close_all(test), 1);
    chy_clock_manual_set(test_runtime_clock(test), TEST_RUNTIME_NOW - CHY_US_PER_HOUR);
    write_rows(test, 1);
    step(test, 2);
    ck_assert_uint_eq(close_all(test), 2);
    ck_assert_uint_eq(verify(test).problems, 0);
    free_node(test);
}
END_TEST

START_TEST(a_node_that_died_is_closed_by_another)
{
    struct test_runtime *test = new_node(NULL);
    struct test_runtime *beside = new_node(test);
    write_rows(test, 1);
    step(test, 2);
    ck_assert_uint_eq(close_all(test), 1);
    write_rows(test, 3); // and then it dies
    struct chy_op *op = test_runtime_op(beside);
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(chy_audit_recover(test_runtime_of(beside), op), CHY_OK);
        ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_BLOCKS, 0, NULL), 1);
        step(test, 40);
        ck_assert_int_eq(chy_audit_beat(test_runtime_of(test), op), CHY_OK); // it lives yet
    }
    ck_assert_int_eq(chy_audit_recover(test_runtime_of(beside), op), CHY_OK);
    step(test, CHY_AUDIT_SILENCE / CHY_US_PER_SECOND + 1);
    ck_assert_uint_eq(verify(beside).open, 3);
    ck_assert_int_eq(chy_audit_recover(test_runtime_of(beside), op), CHY_OK);
    ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_BLOCKS, 0, NULL), 2);
    ck_assert_uint_eq(test_count(test, CHY_C_LEASES, 0, NULL), 0);
    ck_assert_uint_eq(verify(beside).open, 0);
    ck_assert_uint_eq(verify(beside).problems, 0);
    test_runtime_op_end(op);
    free_node(beside);
    free_node(test);
}
END_TEST

START_TEST(retention_takes_rows_and_leaves_heads)
{
    struct test_runtime *test = new_node(NULL);
    write_rows(test, 3);
    step(test, 2);
    (void)close_all(test);
    step(test, 10 * 86400);
    write_rows(test, 2);
    step(test, 2);
    ck_assert_uint_eq(close_all(test), 2);
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_audit_retain(test_runtime_of(test), op, 20 * CHY_US_PER_DAY), CHY_OK);
    ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_EVENTS, 0, NULL), 5);
    for (int i = 0; i < 2; i++) { // the second time nothing is left to do, nor to record
        ck_assert_int_eq(chy_audit_retain(test_runtime_of(test), op, 5 * CHY_US_PER_DAY), CHY_OK);
        ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_EVENTS, 0, NULL), 3); // and that it was done
    }
    ck_assert_uint_eq(test_count(test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "audit.drop"), 1);
    test_runtime_op_end(op);
    struct chy_audit_report report = verify(test);
    ck_assert_uint_eq(report.problems, 0);
    ck_assert_uint_eq(report.dropped, 1);
    free_node(test);
}
END_TEST

TEST_MAIN("resource audit", TEST(a_second_is_closed_when_its_operations_have_ended),
          TEST(a_clock_that_goes_back_reopens_no_block),
          TEST(a_node_that_died_is_closed_by_another), TEST(retention_takes_rows_and_leaves_heads))
