#include "base/time.h"
#include "resource/collections.h"
#include "schedule/lease.h"
#include "test_main.h"
#include "test_runtime.h"

#include <check.h>

#define NAME "job.test"
#define PERIOD CHY_US_PER_HOUR
#define TTL (30 * CHY_US_PER_SECOND)

/** Two nodes over one storage, each with its side of one lease. */
static struct {
    struct test_runtime *first;
    struct test_runtime *second;
    struct chy_lease one;
    struct chy_lease other;
} world;

static void setup(void)
{
    world.first = test_runtime_new(NULL, 0);
    world.second = test_runtime_beside(world.first);
    chy_lease_init(&world.one, test_runtime_of(world.first), chy_text(NAME), chy_text("one"), TTL);
    chy_lease_init(&world.other, test_runtime_of(world.second), chy_text(NAME), chy_text("other"),
                   TTL);
}

static void teardown(void)
{
    chy_lease_fini(&world.other);
    chy_lease_fini(&world.one);
    test_runtime_free(world.second);
    test_runtime_free(world.first);
}

static void advance(int64_t duration)
{
    chy_clock_manual_advance(test_runtime_clock(world.first), duration);
}

static enum chy_lease_state take(struct chy_lease *lease)
{
    struct chy_op *op = test_runtime_op(world.first);
    enum chy_lease_state state = 0;
    int64_t ran_at = 0;
    ck_assert_int_eq(chy_lease_take(lease, op, PERIOD, &state, &ran_at), CHY_OK);
    test_runtime_op_end(op);
    return state;
}

static void give_back(struct chy_lease *lease, int64_t ran_at)
{
    struct chy_op *op = test_runtime_op(world.first);
    ck_assert_int_eq(chy_lease_give_back(lease, op, ran_at), CHY_OK);
    test_runtime_op_end(op);
}

static chy_status beat(struct chy_lease *lease)
{
    struct chy_op *op = test_runtime_op(world.first);
    chy_status status = chy_lease_beat(lease, op);
    test_runtime_op_end(op);
    return status;
}

static int64_t wall(void)
{
    return chy_clock_now(&test_runtime_clock(world.first)->clock);
}

/** write_setting is a batch of a job. */
static chy_status write_setting(struct test_runtime *node, struct chy_op *op, const char *name)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, CHY_BATCH_JOINABLE);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(name))));
    chy_write_set(write, CHY_SETTING_NUMBER, chy_value_int(1));
    return chy_batch_commit(&batch, test_runtime_of(node)->storage, NULL);
}

START_TEST(one_of_two_takes_it)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    give_back(&world.one, 0);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_TAKEN);
    teardown();
}
END_TEST

START_TEST(what_was_done_is_done_for_all)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    give_back(&world.one, wall());
    ck_assert_int_eq(take(&world.one), CHY_LEASE_DONE);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_DONE);
    advance(PERIOD - 1);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_DONE);
    advance(1);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_TAKEN);
    teardown();
}
END_TEST

/** A run in the future was seen by a wrong clock. */
START_TEST(a_run_in_the_future_does_not_count)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    give_back(&world.one, wall() + CHY_US_PER_DAY);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_TAKEN);
    teardown();
}
END_TEST

START_TEST(a_dead_holder_is_replaced_after_the_time_to_live)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    advance(10 * TTL);
    // Only what one saw oneself counts: the first look starts the time.
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    advance(TTL - 1);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    advance(1);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_TAKEN);
    ck_assert_int_eq(world.other.epoch, 2);
    teardown();
}
END_TEST

START_TEST(a_beating_holder_is_left_alone)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    for (int i = 0; i < 10; i++) {
        ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
        ck_assert_int_eq(beat(&world.one), CHY_OK);
        advance(TTL - 1);
    }
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    teardown();
}
END_TEST

START_TEST(the_wall_clock_takes_no_lease)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    chy_clock_manual_set(test_runtime_clock(world.first), wall() + 10 * CHY_US_PER_DAY);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    teardown();
}
END_TEST

/** rob lets the other node take the lease of the first, which does not know it yet. */
static void rob(void)
{
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    advance(TTL);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_TAKEN);
}

START_TEST(who_lost_it_writes_nothing_more)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    struct chy_op *op = test_runtime_op(world.first);
    chy_lease_bind(&world.one, op);
    ck_assert_int_eq(write_setting(world.first, op, "before"), CHY_OK);
    rob();
    struct chy_op *child = op->host->op_child(op);
    ck_assert_int_eq(write_setting(world.first, child, "after"), CHY_TRY_LATER);
    ck_assert_ptr_nonnull(strstr(test_message(child), "took over the lease"));
    op->host->op_end(child);
    ck_assert(atomic_load(&world.one.hold.is_lost));
    ck_assert_int_ne(chy_cancelled(op), 0);
    test_runtime_op_end(op);
    ck_assert_int_eq((int)test_count(world.first, CHY_C_SETTINGS, CHY_SETTING_NAME, "before"), 1);
    ck_assert_int_eq((int)test_count(world.first, CHY_C_SETTINGS, CHY_SETTING_NAME, "after"), 0);
    // What the first gives back is not the second's.
    give_back(&world.one, wall());
    ck_assert_int_eq(take(&world.one), CHY_LEASE_BUSY);
    teardown();
}
END_TEST

/** A conflict of the job's own is none of the lease. */
START_TEST(a_conflict_stays_a_conflict)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    struct chy_op *op = test_runtime_op(world.first);
    chy_lease_bind(&world.one, op);
    ck_assert_int_eq(write_setting(world.first, op, "twice"), CHY_OK);
    ck_assert_int_eq(write_setting(world.first, op, "twice"), CHY_CONFLICT);
    ck_assert(!atomic_load(&world.one.hold.is_lost));
    ck_assert_int_eq(chy_cancelled(op), 0);
    test_runtime_op_end(op);
    teardown();
}
END_TEST

START_TEST(a_beat_tells_that_it_is_lost)
{
    setup();
    ck_assert_int_eq(beat(&world.one), CHY_OK); // nothing is held
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    rob();
    ck_assert_int_eq(beat(&world.one), CHY_DENIED);
    ck_assert(atomic_load(&world.one.hold.is_lost));
    // The next holding starts anew.
    give_back(&world.other, 0);
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    ck_assert(!atomic_load(&world.one.hold.is_lost));
    ck_assert_int_eq(beat(&world.one), CHY_OK);
    teardown();
}
END_TEST

/** The answer to a taking got lost: the row has our name, and we do not know it. */
START_TEST(an_uncertain_taking_is_made_good)
{
    setup();
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    world.one.is_held = false;
    ck_assert_int_eq(take(&world.one), CHY_LEASE_TAKEN);
    ck_assert_int_eq(world.one.epoch, 2);
    ck_assert_int_eq(take(&world.other), CHY_LEASE_BUSY);
    teardown();
}
END_TEST

TEST_MAIN("schedule/lease", TEST(one_of_two_takes_it), TEST(what_was_done_is_done_for_all),
          TEST(a_run_in_the_future_does_not_count),
          TEST(a_dead_holder_is_replaced_after_the_time_to_live),
          TEST(a_beating_holder_is_left_alone), TEST(the_wall_clock_takes_no_lease),
          TEST(who_lost_it_writes_nothing_more), TEST(a_conflict_stays_a_conflict),
          TEST(a_beat_tells_that_it_is_lost), TEST(an_uncertain_taking_is_made_good))
