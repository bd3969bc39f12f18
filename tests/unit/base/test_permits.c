#include "base/permits.h"

#include "base/clock.h"
#include "base/time.h"

#include "test_main.h"

#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

static int64_t in_ms(int64_t ms)
{
    return chy_clock_monotonic(chy_clock_real()) + ms * CHY_US_PER_MS;
}

static void wait_for_waiters(struct chy_permits *permits, uint32_t count)
{
    struct chy_permits_stats stats;
    do {
        (void)usleep(200);
        chy_permits_stats(permits, &stats);
    } while (stats.waiting != count);
}

START_TEST(permits_run_out_and_come_back)
{
    struct chy_permits *permits = chy_permits_new(2, 1);
    ck_assert_int_eq(chy_permits_acquire(permits, in_ms(0)), CHY_PERMIT_GIVEN);
    ck_assert_int_eq(chy_permits_acquire(permits, in_ms(0)), CHY_PERMIT_GIVEN);
    struct chy_permits_stats stats;
    chy_permits_stats(permits, &stats);
    ck_assert_uint_eq(stats.count, 2);
    ck_assert_uint_eq(stats.taken, 2);
    int64_t start = in_ms(0);
    ck_assert_int_eq(chy_permits_acquire(permits, in_ms(20)), CHY_PERMIT_TIMEOUT);
    ck_assert_int_ge(in_ms(0) - start, 20 * CHY_US_PER_MS);
    chy_permits_stats(permits, &stats);
    ck_assert_uint_eq(stats.waiting, 0);
    chy_permits_release(permits);
    ck_assert_int_eq(chy_permits_acquire(permits, in_ms(0)), CHY_PERMIT_GIVEN);
    chy_permits_release(permits);
    chy_permits_release(permits);
    chy_permits_free(permits);
    chy_permits_free(NULL);
}
END_TEST

static struct chy_permits *shared;
static atomic_uint order_count;
static int order[3];

static void *wait_in_line(void *arg)
{
    ck_assert_int_eq(chy_permits_acquire(shared, INT64_MAX), CHY_PERMIT_GIVEN);
    order[atomic_fetch_add(&order_count, 1)] = *(int *)arg;
    chy_permits_release(shared);
    return NULL;
}

START_TEST(who_waits_is_served_in_order_and_only_so_many_wait)
{
    static int numbers[3] = {0, 1, 2};
    pthread_t threads[3];
    shared = chy_permits_new(1, 3);
    ck_assert_int_eq(chy_permits_acquire(shared, in_ms(0)), CHY_PERMIT_GIVEN);
    for (uint32_t i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_in_line, &numbers[i]), 0);
        wait_for_waiters(shared, i + 1);
    }
    ck_assert_int_eq(chy_permits_acquire(shared, INT64_MAX), CHY_PERMIT_FULL);
    chy_permits_release(shared);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        ck_assert_int_eq(order[i], i);
    }
    chy_permits_free(shared);
}
END_TEST

static void *wait_shortly(void *arg)
{
    (void)arg;
    ck_assert_int_eq(chy_permits_acquire(shared, in_ms(100)), CHY_PERMIT_TIMEOUT);
    return NULL;
}

START_TEST(who_gives_up_leaves_the_line_whole)
{
    static int numbers[3] = {0, 1, 2};
    pthread_t threads[4];
    shared = chy_permits_new(1, 3);
    ck_assert_int_eq(chy_permits_acquire(shared, in_ms(0)), CHY_PERMIT_GIVEN);
    // The one that gives up stands last, first or in the middle.
    uint32_t place = (uint32_t)_i;
    uint32_t number = 0;
    for (uint32_t i = 0; i < 3; i++) {
        int error = i == place
                        ? pthread_create(&threads[i], NULL, wait_shortly, NULL)
                        : pthread_create(&threads[i], NULL, wait_in_line, &numbers[number++]);
        ck_assert_int_eq(error, 0);
        wait_for_waiters(shared, i + 1);
    }
    ck_assert_int_eq(pthread_join(threads[place], NULL), 0);
    // Another comes after that and stands behind the two who stayed.
    ck_assert_int_eq(pthread_create(&threads[3], NULL, wait_in_line, &numbers[number]), 0);
    wait_for_waiters(shared, 3);
    chy_permits_release(shared);
    for (uint32_t i = 0; i < 4; i++) {
        if (i != place) {
            ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        }
    }
    ck_assert_uint_eq(order_count, 3);
    for (int i = 0; i < 3; i++) {
        ck_assert_int_eq(order[i], i);
    }
    chy_permits_free(shared);
}
END_TEST

static atomic_int inside;
static atomic_int most_inside;
static atomic_int given;

static void *come_and_go(void *arg)
{
    (void)arg;
    for (int i = 0; i < 500; i++) {
        if (chy_permits_acquire(shared, in_ms(i % 3)) != CHY_PERMIT_GIVEN) {
            continue;
        }
        int now = atomic_fetch_add(&inside, 1) + 1;
        int most = most_inside;
        while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now)) {
        }
        (void)atomic_fetch_add(&given, 1);
        (void)atomic_fetch_sub(&inside, 1);
        chy_permits_release(shared);
    }
    return NULL;
}

START_TEST(never_more_inside_than_permits)
{
    shared = chy_permits_new(2, 4);
    pthread_t threads[8];
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, come_and_go, NULL), 0);
    }
    for (int i = 0; i < 8; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    ck_assert_int_le(most_inside, 2);
    ck_assert_int_gt(given, 100);
    struct chy_permits_stats stats;
    chy_permits_stats(shared, &stats);
    ck_assert_uint_eq(stats.taken, 0);
    ck_assert_uint_eq(stats.waiting, 0);
    chy_permits_free(shared);
}
END_TEST

TEST_MAIN("permits", TEST(permits_run_out_and_come_back),
          TEST(who_waits_is_served_in_order_and_only_so_many_wait),
          TEST_TIMES(who_gives_up_leaves_the_line_whole, 3), TEST(never_more_inside_than_permits))
