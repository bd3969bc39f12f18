#include "base/pool.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/time.h"

#include "test_main.h"

#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

/* A gate that jobs wait at, and what they did. */
static struct chy_mutex lock = CHY_MUTEX_INIT;
static struct chy_cond changed;
static bool is_open;
static uint32_t waiting;
static atomic_uint done;

static int64_t in_ms(int64_t ms)
{
    return chy_clock_monotonic(chy_clock_real()) + ms * CHY_US_PER_MS;
}

static void setup(void)
{
    chy_cond_init(&changed);
}

static void wait_at_gate(void *arg)
{
    (void)arg;
    chy_mutex_lock(&lock);
    waiting++;
    chy_cond_broadcast(&changed);
    while (!is_open) {
        chy_cond_wait(&changed, &lock);
    }
    chy_mutex_unlock(&lock);
    (void)atomic_fetch_add(&done, 1);
}

static void wait_for_jobs(uint32_t count)
{
    chy_mutex_lock(&lock);
    while (waiting < count) {
        chy_cond_wait(&changed, &lock);
    }
    chy_mutex_unlock(&lock);
}

static void open_gate(void)
{
    chy_mutex_lock(&lock);
    is_open = true;
    chy_cond_broadcast(&changed);
    chy_mutex_unlock(&lock);
}

static void count_one(void *arg)
{
    (void)atomic_fetch_add((atomic_uint *)arg, 1);
}

static struct chy_pool *new_pool(uint32_t thread_max, uint32_t queue_max, int64_t idle)
{
    setup();
    struct chy_pool_config config = {
        .name = "test", .thread_max = thread_max, .queue_max = queue_max, .idle = idle};
    struct chy_pool *pool = chy_pool_new(&config);
    ck_assert_ptr_nonnull(pool);
    return pool;
}

START_TEST(threads_come_on_demand_then_jobs_queue_then_are_refused)
{
    struct chy_pool *pool = new_pool(2, 3, 0);
    struct chy_pool_stats stats;
    chy_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.threads, 0);
    ck_assert(chy_pool_submit(pool, wait_at_gate, NULL));
    wait_for_jobs(1);
    chy_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.threads, 1);
    for (int i = 0; i < 4; i++) {
        ck_assert(chy_pool_submit(pool, wait_at_gate, NULL));
    }
    wait_for_jobs(2);
    ck_assert(!chy_pool_submit(pool, wait_at_gate, NULL));
    chy_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.threads, 2);
    ck_assert_uint_eq(stats.running, 2);
    ck_assert_uint_eq(stats.queued, 3);
    ck_assert_uint_eq(stats.refused, 1);
    ck_assert_uint_eq(chy_pool_running(pool), 2);
    open_gate();
    ck_assert(chy_pool_drain(pool, INT64_MAX));
    chy_pool_stats(pool, &stats);
    ck_assert_uint_eq(stats.done, 5);
    ck_assert_uint_eq(stats.running, 0);
    ck_assert_uint_eq(stats.queued, 0);
    ck_assert_uint_eq(done, 5);
    chy_pool_free(pool);
}
END_TEST

START_TEST(idle_workers_are_used_again_and_then_end)
{
    struct chy_pool *pool = new_pool(8, 0, 30 * CHY_US_PER_MS);
    struct chy_pool_stats stats;
    for (unsigned i = 1; i <= 20; i++) {
        ck_assert(chy_pool_submit(pool, count_one, &done));
        do {
            chy_pool_stats(pool, &stats);
        } while (stats.running > 0);
    }
    ck_assert_uint_le(stats.threads, 8);
    ck_assert_uint_eq(done, 20);
    int64_t until = in_ms(20000);
    while (stats.threads > 0 && in_ms(0) < until) {
        (void)usleep(1000);
        chy_pool_stats(pool, &stats);
    }
    ck_assert_uint_eq(stats.threads, 0);
    ck_assert(chy_pool_submit(pool, count_one, &done));
    chy_pool_free(pool);
    ck_assert_uint_eq(done, 21);
}
END_TEST

START_TEST(the_worker_that_became_idle_last_goes_first)
{
    // With one job at a time a single thread does all, however many there are.
    struct chy_pool *pool = new_pool(4, 0, 0);
    struct chy_pool_stats stats;
    for (unsigned i = 0; i < 50; i++) {
        ck_assert(chy_pool_submit(pool, count_one, &done));
        do {
            chy_pool_stats(pool, &stats);
        } while (stats.running > 0);
    }
    ck_assert_uint_eq(stats.threads, 1);
    chy_pool_free(pool);
}
END_TEST

START_TEST(idle_workers_wake_one_another)
{
    // Jobs that block must all run at once, although one worker is woken at a time.
    struct chy_pool *pool = new_pool(16, 0, 0);
    struct chy_pool_stats stats;
    for (uint32_t round = 1; round <= 20; round++) {
        chy_mutex_lock(&lock);
        is_open = false;
        chy_mutex_unlock(&lock);
        for (uint32_t i = 0; i < 16; i++) {
            ck_assert(chy_pool_submit(pool, wait_at_gate, NULL));
        }
        ck_assert(!chy_pool_submit(pool, wait_at_gate, NULL));
        wait_for_jobs(round * 16);
        open_gate();
        do {
            chy_pool_stats(pool, &stats);
        } while (stats.running > 0);
    }
    ck_assert_uint_eq(stats.threads, 16);
    chy_pool_free(pool);
    ck_assert_uint_eq(done, 320);
}
END_TEST

START_TEST(draining_has_a_deadline_and_refuses_new_jobs)
{
    struct chy_pool *pool = new_pool(1, 4, 0);
    ck_assert(chy_pool_submit(pool, wait_at_gate, NULL));
    ck_assert(chy_pool_submit(pool, count_one, &done));
    ck_assert(!chy_pool_drain(pool, in_ms(20)));
    ck_assert(!chy_pool_submit(pool, count_one, &done));
    open_gate();
    ck_assert(chy_pool_drain(pool, in_ms(50000)));
    ck_assert_uint_eq(done, 2);
    chy_pool_free(pool);
}
END_TEST

START_TEST(freeing_finishes_what_is_queued)
{
    struct chy_pool *pool = new_pool(1, 100, 0);
    open_gate();
    for (int i = 0; i < 100; i++) {
        ck_assert(chy_pool_submit(pool, i == 0 ? wait_at_gate : count_one, &done));
    }
    chy_pool_free(pool);
    ck_assert_uint_eq(done, 100);
    chy_pool_free(new_pool(1, 0, 0));
    chy_pool_free(NULL);
}
END_TEST

static atomic_bool blocks_all;

static void look_at_signals(void *arg)
{
    (void)arg;
    sigset_t set;
    (void)pthread_sigmask(SIG_BLOCK, NULL, &set);
    blocks_all = sigismember(&set, SIGTERM) == 1 && sigismember(&set, SIGHUP) == 1;
}

START_TEST(workers_leave_signals_alone)
{
    struct chy_pool *pool = new_pool(1, 0, 0);
    ck_assert(chy_pool_submit(pool, look_at_signals, NULL));
    chy_pool_free(pool);
    ck_assert(blocks_all);
}
END_TEST

struct submitter {
    struct chy_pool *pool;
    unsigned taken;
};

static void *submit_many(void *arg)
{
    struct submitter *submitter = arg;
    for (int i = 0; i < 2000; i++) {
        submitter->taken += chy_pool_submit(submitter->pool, count_one, &done);
    }
    return NULL;
}

START_TEST(every_job_taken_runs_once)
{
    // Idle workers end at once, so that starting, ending and joining happen all the time.
    struct chy_pool *pool = new_pool(6, 8, _i == 0 ? 1 : 0);
    struct submitter submitters[4];
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        submitters[i] = (struct submitter){pool, 0};
        ck_assert_int_eq(pthread_create(&threads[i], NULL, submit_many, &submitters[i]), 0);
    }
    unsigned taken = 0;
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
        taken += submitters[i].taken;
    }
    ck_assert(chy_pool_drain(pool, INT64_MAX));
    struct chy_pool_stats stats;
    chy_pool_stats(pool, &stats);
    ck_assert_uint_gt(taken, 0);
    ck_assert_uint_eq(done, taken);
    ck_assert_uint_eq(stats.done, taken);
    ck_assert_uint_eq(stats.refused, 8000 - taken);
    chy_pool_free(pool);
}
END_TEST

TEST_MAIN("pool", TEST(threads_come_on_demand_then_jobs_queue_then_are_refused),
          TEST(idle_workers_are_used_again_and_then_end),
          TEST(the_worker_that_became_idle_last_goes_first), TEST(idle_workers_wake_one_another),
          TEST(draining_has_a_deadline_and_refuses_new_jobs), TEST(freeing_finishes_what_is_queued),
          TEST(workers_leave_signals_alone), TEST_TIMES(every_job_taken_runs_once, 2))
