#include "plugin/gate.h"

#include "base/op.h"
#include "base/time.h"
#include "test_main.h"
#include "test_op.h"

#include <pthread.h>
#include <unistd.h>

static const struct chy_gate_config small = {
    .concurrency = 2,
    .waiters = 1,
    .failures = 3,
    .pause = 100 * CHY_US_PER_MS,
    .pause_max = 300 * CHY_US_PER_MS,
};

static uint32_t reason(struct chy_op *op)
{
    struct chy_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = sizeof error;
    op->host->last_error(op, &error);
    return error.reason;
}

START_TEST(a_passed_deadline_is_not_called)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    chy_gate_init(&gate, &small, "storage 'x'");
    chy_operation_of(op)->deadline = chy_monotonic(op);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_TRY_LATER);
    ck_assert_uint_eq(reason(op), CHY_REASON_TIMEOUT);
    ck_assert_str_eq(test_op_message(op), "storage 'x' was not called: the deadline has passed");
    chy_operation_of(op)->deadline = chy_monotonic(op) + 1;
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_OK);
    chy_gate_leave(&gate, op, CHY_OK);
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

START_TEST(who_finds_no_place_in_time_is_refused)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    chy_gate_init(&gate, &small, "storage 'x'");
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_OK);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_OK);
    chy_operation_of(op)->deadline = chy_monotonic(op) + 20 * CHY_US_PER_MS;
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_TRY_LATER);
    ck_assert_uint_eq(reason(op), CHY_REASON_TIMEOUT);
    chy_gate_leave(&gate, op, CHY_OK);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_OK);
    chy_gate_leave(&gate, op, CHY_OK);
    chy_gate_leave(&gate, op, CHY_OK);
    ck_assert_uint_eq(gate.running, 0);
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

static chy_status fail_with(struct chy_op *op, chy_status status, enum chy_reason why)
{
    return chy_fail_reason(op, status, why, "no");
}

static void call(struct chy_gate *gate, struct chy_op *op, chy_status status, enum chy_reason why)
{
    ck_assert_int_eq(chy_gate_enter(gate, op), CHY_OK);
    if (status != CHY_OK) {
        (void)fail_with(op, status, why);
    }
    chy_gate_leave(gate, op, status);
}

START_TEST(the_breaker_opens_after_failures_in_a_row)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    chy_gate_init(&gate, &small, "storage 'x'");
    call(&gate, op, CHY_TRY_LATER, CHY_REASON_NONE);
    call(&gate, op, CHY_UNCERTAIN, CHY_REASON_NONE);
    call(&gate, op, CHY_NOT_FOUND, CHY_REASON_NONE); // it answers: counting starts again
    call(&gate, op, CHY_TRY_LATER, CHY_REASON_NONE);
    call(&gate, op, CHY_BROKEN, CHY_REASON_NONE);        // says nothing either way
    call(&gate, op, CHY_TRY_LATER, CHY_REASON_OVERLOAD); // busy, not away
    call(&gate, op, CHY_TRY_LATER, CHY_REASON_TIMEOUT);
    ck_assert(!chy_gate_is_open(&gate, chy_monotonic(op)));
    call(&gate, op, CHY_TRY_LATER, CHY_REASON_NONE);
    ck_assert(chy_gate_is_open(&gate, chy_monotonic(op)));
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_TRY_LATER);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "did not answer the last calls"));
    ck_assert_uint_eq(gate.running, 0);
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

static void open_breaker(struct chy_gate *gate, struct chy_op *op)
{
    for (uint32_t i = 0; i < small.failures; i++) {
        call(gate, op, CHY_TRY_LATER, CHY_REASON_NONE);
    }
}

START_TEST(one_caller_tries_when_the_pause_is_over)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    struct chy_clock_manual *clock = test_op_clock(op);
    chy_gate_init(&gate, &small, "storage 'x'");
    open_breaker(&gate, op);
    chy_clock_manual_advance(clock, small.pause - 1);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_TRY_LATER);
    chy_clock_manual_advance(clock, 1);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_OK);
    ck_assert_int_eq(chy_gate_enter(&gate, op), CHY_TRY_LATER); // another one is trying
    chy_gate_leave(&gate, op, CHY_OK);
    call(&gate, op, CHY_OK, CHY_REASON_NONE);
    ck_assert(!chy_gate_is_open(&gate, chy_monotonic(op)));
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

START_TEST(the_pause_grows_up_to_its_limit)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    struct chy_clock_manual *clock = test_op_clock(op);
    const int64_t pauses[] = {100, 200, 300, 300};
    chy_gate_init(&gate, &small, "storage 'x'");
    open_breaker(&gate, op);
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        chy_clock_manual_advance(clock, pauses[i] * CHY_US_PER_MS - 1);
        ck_assert_msg(chy_gate_enter(&gate, op) == CHY_TRY_LATER, "pause %zu is shorter", i);
        chy_clock_manual_advance(clock, 1);
        call(&gate, op, CHY_TRY_LATER, CHY_REASON_NONE);
    }
    chy_clock_manual_advance(clock, 300 * CHY_US_PER_MS);
    call(&gate, op, CHY_OK, CHY_REASON_NONE);
    open_breaker(&gate, op); // closed in between: it starts with the first pause again
    chy_clock_manual_advance(clock, 100 * CHY_US_PER_MS);
    call(&gate, op, CHY_OK, CHY_REASON_NONE);
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

START_TEST(a_health_check_goes_past_the_breaker_and_closes_it)
{
    struct chy_gate gate;
    struct chy_op *op = test_op_new();
    chy_gate_init(&gate, &small, "storage 'x'");
    open_breaker(&gate, op);
    ck_assert_int_eq(chy_gate_enter_anyway(&gate, op), CHY_OK);
    chy_gate_leave(&gate, op, CHY_OK);
    call(&gate, op, CHY_OK, CHY_REASON_NONE);
    chy_gate_fini(&gate);
    test_op_free(op);
}
END_TEST

/* --- threads ---------------------------------------------------------------------------------- */

struct shared {
    struct chy_gate gate;
    _Atomic uint32_t inside;
    _Atomic uint32_t most;
    _Atomic uint32_t served;
    _Atomic uint32_t refused;
};

static void *work(void *arg)
{
    struct shared *shared = arg;
    struct chy_op *op = test_op_new();
    for (int i = 0; i < 200; i++) {
        if (chy_gate_enter(&shared->gate, op) != CHY_OK) {
            ck_assert_uint_eq(reason(op), CHY_REASON_OVERLOAD);
            shared->refused++;
            continue;
        }
        uint32_t inside = atomic_fetch_add(&shared->inside, 1) + 1;
        uint32_t most = shared->most;
        while (inside > most && !atomic_compare_exchange_weak(&shared->most, &most, inside)) {
        }
        if (i % 20 == 0) {
            (void)usleep(200);
        }
        atomic_fetch_sub(&shared->inside, 1);
        shared->served++;
        chy_gate_leave(&shared->gate, op, CHY_OK);
    }
    test_op_free(op);
    return NULL;
}

/** Runs 8 threads of 200 calls through a gate of 2 places.  With fewer waiters than threads the
 *  places are taken until somebody was refused, so that somebody is, however they are run. */
static void run_threads(struct shared *shared, uint32_t waiters)
{
    struct chy_gate_config config = small;
    struct chy_op *op = test_op_new();
    uint32_t held = waiters < 8 ? 2 : 0;
    pthread_t threads[8];
    config.waiters = waiters;
    memset(shared, 0, sizeof *shared);
    chy_gate_init(&shared->gate, &config, "storage 'x'");
    for (uint32_t i = 0; i < held; i++) {
        ck_assert_int_eq(chy_gate_enter(&shared->gate, op), CHY_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, work, shared), 0);
    }
    while (held != 0 && shared->refused == 0) {
        (void)usleep(100);
    }
    for (uint32_t i = 0; i < held; i++) {
        chy_gate_leave(&shared->gate, op, CHY_OK);
    }
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_uint_eq(shared->gate.running, 0);
    ck_assert_uint_eq(shared->gate.waiting, 0);
    chy_gate_fini(&shared->gate);
    test_op_free(op);
}

START_TEST(no_more_than_the_limit_are_inside_and_all_are_served)
{
    struct shared shared;
    run_threads(&shared, 8);
    ck_assert_uint_le(shared.most, 2);
    ck_assert_uint_eq(shared.served, 1600);
    ck_assert_uint_eq(shared.refused, 0);
}
END_TEST

START_TEST(too_many_that_wait_are_refused_at_once)
{
    struct shared shared;
    run_threads(&shared, 1);
    ck_assert_uint_le(shared.most, 2);
    ck_assert_uint_eq(shared.served + shared.refused, 1600);
    ck_assert_uint_gt(shared.refused, 0);
}
END_TEST

TEST_MAIN("plugin_gate", TEST(a_passed_deadline_is_not_called),
          TEST(who_finds_no_place_in_time_is_refused),
          TEST(the_breaker_opens_after_failures_in_a_row),
          TEST(one_caller_tries_when_the_pause_is_over), TEST(the_pause_grows_up_to_its_limit),
          TEST(a_health_check_goes_past_the_breaker_and_closes_it),
          TEST(no_more_than_the_limit_are_inside_and_all_are_served),
          TEST(too_many_that_wait_are_refused_at_once))
