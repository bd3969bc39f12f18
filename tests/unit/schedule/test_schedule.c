#include "base/time.h"
#include "resource/collections.h"
#include "schedule/schedule.h"
#include "test_main.h"
#include "test_runtime.h"

#include <check.h>
#include <unistd.h>

/** What a run of `work` does: it counts a row up, and what it saw. */
struct work {
    struct test_runtime *node;
    _Atomic int runs;
    bool fails;
    bool waits; /**< until it is cancelled */
};

static struct {
    struct test_runtime *first;
    struct test_runtime *second;
    struct chy_schedule *one;
    struct chy_schedule *other;
} world;

static chy_status work(const struct chy_task *task, struct chy_op *op)
{
    struct work *own = task->self;
    struct chy_batch batch;
    own->runs++;
    while (own->waits && chy_cancelled(op) == 0) {
        (void)usleep(1000);
    }
    if (own->fails) {
        return chy_fail(op, CHY_TRY_LATER, 0, "this work fails");
    }
    chy_batch_init(&batch, op, 0);
    (void)chy_batch_add(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text("work"))),
                        CHY_SETTING_NUMBER, 1);
    return chy_batch_commit(&batch, test_runtime_of(own->node)->storage, NULL);
}

static struct chy_schedule *make(struct test_runtime *node, const struct chy_clock *clock)
{
    struct chy_op *op = test_runtime_op(node);
    struct chy_schedule *schedule = NULL;
    struct chy_schedule_config config = {
        .runtime = test_runtime_of(node),
        .host = op->host,
        .log = chy_operation_of(op)->log,
        .clock = clock,
        .clock_ahead_tolerance = CHY_US_PER_HOUR,
    };
    ck_assert_int_eq(chy_schedule_new(op, &config, &schedule), CHY_OK);
    test_runtime_op_end(op);
    return schedule;
}

static void add_to(struct chy_schedule *schedule, enum chy_lane lane, struct work *self,
                   const char *name, uint32_t flags)
{
    struct chy_op *op = test_runtime_op(world.first);
    const struct chy_task task = {.name = chy_text(name),
                                  .period = CHY_US_PER_MINUTE,
                                  .run = work,
                                  .self = self,
                                  .lane = lane,
                                  .flags = flags};
    ck_assert_int_eq(chy_schedule_add(schedule, op, &task), CHY_OK);
    test_runtime_op_end(op);
}

static void add(struct chy_schedule *schedule, struct work *self, const char *name, uint32_t flags)
{
    add_to(schedule, CHY_LANE_CORE, self, name, flags);
}

static void setup(void)
{
    world.first = test_runtime_new(NULL, 0);
    world.second = test_runtime_beside(world.first);
    world.one = make(world.first, &test_runtime_clock(world.first)->clock);
    world.other = make(world.second, &test_runtime_clock(world.first)->clock);
}

static void teardown(void)
{
    chy_schedule_free(world.other);
    chy_schedule_free(world.one);
    test_runtime_free(world.second);
    test_runtime_free(world.first);
}

static void advance(int64_t duration)
{
    chy_clock_manual_advance(test_runtime_clock(world.first), duration);
}

static int64_t step(struct chy_schedule *schedule)
{
    int64_t next = chy_schedule_step(schedule, CHY_LANE_CORE);
    return next - chy_clock_monotonic(&test_runtime_clock(world.first)->clock);
}

static int64_t written(void)
{
    struct chy_storage_row row;
    struct chy_op *op = test_runtime_op(world.first);
    chy_status status = chy_storage_read(test_runtime_of(world.first)->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text("work"))),
                                         CHY_FIELDS(CHY_SETTING_NUMBER), &row);
    int64_t count = status == CHY_OK ? chy_row_int(&row, 0) : 0;
    test_runtime_op_end(op);
    return count;
}

START_TEST(a_period_has_one_run_on_all_nodes)
{
    setup();
    struct work one = {.node = world.first};
    struct work other = {.node = world.second};
    add(world.one, &one, "job.test", 0);
    add(world.other, &other, "job.test", 0);
    ck_assert_int_eq(step(world.one), CHY_US_PER_SECOND);
    ck_assert_int_eq(one.runs, 0);
    advance(CHY_US_PER_SECOND);
    for (int minute = 1; minute <= 10; minute++) {
        (void)step(minute % 3 == 0 ? world.other : world.one);
        (void)step(minute % 3 == 0 ? world.one : world.other);
        ck_assert_int_eq(one.runs + other.runs, minute);
        advance(CHY_US_PER_MINUTE);
    }
    ck_assert_int_gt(other.runs, 0);
    ck_assert_int_eq(written(), 10);
    teardown();
}
END_TEST

/** The node that did not run is back when the period ends, not a period later. */
START_TEST(who_waits_waits_for_the_rest)
{
    setup();
    struct work one = {.node = world.first};
    struct work other = {.node = world.second};
    add(world.one, &one, "job.test", 0);
    add(world.other, &other, "job.test", 0);
    advance(CHY_US_PER_SECOND);
    ck_assert_int_eq(step(world.one), CHY_US_PER_MINUTE);
    advance(20 * CHY_US_PER_SECOND);
    ck_assert_int_eq(step(world.other), 40 * CHY_US_PER_SECOND);
    teardown();
}
END_TEST

START_TEST(what_failed_is_tried_by_the_next_node)
{
    setup();
    struct work one = {.node = world.first, .fails = true};
    struct work other = {.node = world.second};
    add(world.one, &one, "job.test", 0);
    add(world.other, &other, "job.test", 0);
    advance(CHY_US_PER_SECOND);
    ck_assert_int_eq(step(world.one), CHY_US_PER_MINUTE);
    (void)step(world.other);
    ck_assert_int_eq(one.runs, 1);
    ck_assert_int_eq(other.runs, 1);
    ck_assert_int_eq(written(), 1);
    teardown();
}
END_TEST

START_TEST(some_work_is_every_nodes)
{
    setup();
    struct work one = {.node = world.first};
    struct work other = {.node = world.second};
    add(world.one, &one, "job.test", CHY_TASK_EVERY_NODE);
    add(world.other, &other, "job.test", CHY_TASK_EVERY_NODE);
    advance(CHY_US_PER_SECOND);
    (void)step(world.one);
    (void)step(world.other);
    ck_assert_int_eq(written(), 2);
    ck_assert_int_eq((int)test_count(world.first, CHY_C_LEASES, 0, NULL), 0);
    teardown();
}
END_TEST

START_TEST(deleting_waits_a_day_after_the_clock_jumped)
{
    setup();
    struct work deletes = {.node = world.first};
    struct work other = {.node = world.first};
    add(world.one, &deletes, "job.deletes", CHY_TASK_DELETES);
    add(world.one, &other, "job.other", 0);
    struct chy_clock_manual *clock = test_runtime_clock(world.first);
    chy_clock_manual_set(clock, TEST_RUNTIME_NOW + 2 * CHY_US_PER_HOUR);
    advance(CHY_US_PER_SECOND);
    (void)step(world.one);
    ck_assert_int_eq(deletes.runs, 0);
    ck_assert_int_eq(other.runs, 1);
    advance(CHY_US_PER_DAY - CHY_US_PER_SECOND);
    (void)step(world.one);
    ck_assert_int_eq(deletes.runs, 0);
    ck_assert_int_eq(other.runs, 2);
    advance(CHY_US_PER_MINUTE);
    (void)step(world.one);
    ck_assert_int_eq(deletes.runs, 1);
    teardown();
}
END_TEST

/** Both clocks went on: the machine was busy, or a test moved them.  Nothing is wrong. */
START_TEST(time_that_passes_is_no_jump)
{
    setup();
    struct work deletes = {.node = world.first};
    add(world.one, &deletes, "job.deletes", CHY_TASK_DELETES);
    advance(30 * CHY_US_PER_DAY);
    (void)step(world.one);
    ck_assert_int_eq(deletes.runs, 1);
    teardown();
}
END_TEST

static void start(struct chy_schedule *schedule)
{
    struct chy_op *op = test_runtime_op(world.first);
    ck_assert_int_eq(chy_schedule_start(schedule, op), CHY_OK);
    test_runtime_op_end(op);
}

static void wait_until(const struct work *one, const struct work *other, int runs)
{
    for (int i = 0; i < 5000 && one->runs + other->runs < runs; i++) {
        (void)usleep(1000);
    }
    ck_assert_int_ge(one->runs + other->runs, runs);
}

/** Two nodes with their threads, and a clock that moves on under them. */
START_TEST(threads_run_each_period_once)
{
    setup();
    struct work one = {.node = world.first};
    struct work other = {.node = world.second};
    add(world.one, &one, "job.test", 0);
    add(world.other, &other, "job.test", 0);
    start(world.one);
    start(world.other);
    advance(CHY_US_PER_SECOND);
    for (int minute = 1; minute <= 5; minute++) {
        wait_until(&one, &other, minute);
        (void)usleep(60000); // as long as a second run would take to show
        ck_assert_int_eq(one.runs + other.runs, minute);
        advance(CHY_US_PER_MINUTE);
    }
    teardown();
}
END_TEST

/** A run of renewals that does not end keeps no CRL waiting, period after period. */
START_TEST(a_long_run_delays_its_own_lane_only)
{
    setup();
    struct work renewals = {.node = world.first, .waits = true};
    struct work crls = {.node = world.first};
    struct work none = {0};
    add_to(world.one, CHY_LANE_RENEWAL, &renewals, "job.long", 0);
    add(world.one, &crls, "job.test", 0);
    start(world.one);
    advance(CHY_US_PER_SECOND);
    wait_until(&renewals, &none, 1);
    for (int minute = 1; minute <= 3; minute++) {
        wait_until(&crls, &none, minute);
        advance(CHY_US_PER_MINUTE);
    }
    ck_assert_int_eq(renewals.runs, 1);
    teardown();
}
END_TEST

START_TEST(the_end_comes_in_the_middle_of_a_run)
{
    setup();
    struct work one = {.node = world.first, .waits = true};
    struct work none = {0};
    add(world.one, &one, "job.test", 0);
    start(world.one);
    advance(CHY_US_PER_SECOND);
    wait_until(&one, &none, 1);
    chy_schedule_free(world.one);
    world.one = NULL;
    // The lease is free, and the work counts as not done.
    struct work other = {.node = world.second};
    add(world.other, &other, "job.test", 0);
    advance(CHY_US_PER_SECOND);
    (void)step(world.other);
    ck_assert_int_eq(other.runs, 1);
    teardown();
}
END_TEST

TEST_MAIN("schedule/schedule", TEST(a_period_has_one_run_on_all_nodes),
          TEST(who_waits_waits_for_the_rest), TEST(what_failed_is_tried_by_the_next_node),
          TEST(some_work_is_every_nodes), TEST(deleting_waits_a_day_after_the_clock_jumped),
          TEST(time_that_passes_is_no_jump), TEST(threads_run_each_period_once),
          TEST(a_long_run_delays_its_own_lane_only), TEST(the_end_comes_in_the_middle_of_a_run))
