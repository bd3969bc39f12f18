#include "turnstile.h"

#include "provider_fixture.h"
#include "test_main.h"

#include "base/op.h"

#include <unistd.h>

static void set_deadline(struct chy_op *op, int64_t deadline)
{
    ((struct chy_operation *)(void *)op)->deadline = deadline;
}

START_TEST(as_many_as_may_are_let_in)
{
    struct chy_turnstile turnstile;
    struct chy_op *op = test_op_new();
    chy_turnstile_init(&turnstile, 2, 0);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_TRY_LATER);
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    ck_assert_uint_eq(error.reason, CHY_REASON_OVERLOAD);
    ck_assert_uint_gt(error.retry_after_s, 0);
    chy_turnstile_leave(&turnstile);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    chy_turnstile_fini(&turnstile);
    test_op_free(op);
}
END_TEST

START_TEST(a_waiter_gives_up_at_its_deadline)
{
    struct chy_turnstile turnstile;
    struct chy_op *op = test_op_new();
    chy_turnstile_init(&turnstile, 1, 1);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    set_deadline(op, chy_monotonic(op)); // the clock of a test stands still: it is over now
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_TRY_LATER);
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    ck_assert_uint_eq(error.reason, CHY_REASON_TIMEOUT);
    ck_assert_uint_eq(turnstile.waiting, 0);
    chy_turnstile_fini(&turnstile);
    test_op_free(op);
}
END_TEST

START_TEST(a_cancelled_waiter_gives_up)
{
    struct chy_turnstile turnstile;
    struct chy_op *op = test_op_new();
    chy_turnstile_init(&turnstile, 1, 1);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    atomic_store(&((struct chy_operation *)(void *)op)->is_cancelled, true);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_TRY_LATER);
    chy_turnstile_fini(&turnstile);
    test_op_free(op);
}
END_TEST

struct waiter {
    struct chy_turnstile *turnstile;
    struct chy_op *op;
    chy_status status;
};

static void *enter(void *argument)
{
    struct waiter *waiter = argument;
    waiter->status = chy_turnstile_enter(waiter->turnstile, waiter->op);
    return NULL;
}

START_TEST(a_waiter_comes_in_when_another_leaves)
{
    struct chy_turnstile turnstile;
    pthread_t thread;
    struct chy_op *op = test_op_new();
    struct waiter waiter = {.turnstile = &turnstile, .op = test_op_new(), .status = CHY_BROKEN};
    chy_turnstile_init(&turnstile, 1, 1);
    ck_assert_int_eq(chy_turnstile_enter(&turnstile, op), CHY_OK);
    ck_assert_int_eq(pthread_create(&thread, NULL, enter, &waiter), 0);
    (void)usleep(20000);
    chy_turnstile_leave(&turnstile);
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(waiter.status, CHY_OK);
    chy_turnstile_leave(&turnstile);
    chy_turnstile_fini(&turnstile);
    test_op_free(waiter.op);
    test_op_free(op);
}
END_TEST

TEST_MAIN("wolfssl turnstile", TEST(as_many_as_may_are_let_in),
          TEST(a_waiter_gives_up_at_its_deadline), TEST(a_cancelled_waiter_gives_up),
          TEST(a_waiter_comes_in_when_another_leaves))
