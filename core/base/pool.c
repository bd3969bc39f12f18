#include "base/pool.h"

#include "base/clock.h"
#include "base/lock.h"
#include "base/sanitize.h"
#include "base/time.h"

#include <assert.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>

#define IDLE_DEFAULT (10 * CHY_US_PER_SECOND)
#define STACK_DEFAULT ((size_t)(CHY_ASAN || CHY_TSAN ? 1024 : 256) << 10)

struct job {
    chy_pool_fn *fn;
    void *arg;
};

struct worker {
    struct chy_pool *pool;
    struct worker *next; // of the idle ones, or of those that ended
    struct chy_cond wake;
    bool is_woken; // taken off the idle list, to look at the queue
    struct job job;
    pthread_t thread;
};

struct chy_pool {
    struct chy_mutex lock; // guards all that follows; `running` is read without it
    struct chy_cond settled;
    struct chy_pool_config config;
    pthread_attr_t attributes;
    struct job *queue; // a ring with a place for each thread besides those of the limit
    uint32_t queue_size;
    uint32_t queue_head;
    uint32_t queue_count;
    uint32_t threads;
    uint32_t idle_count; // without a job; one of them may be waking
    bool is_waking;      // a worker is on its way to the queue
    _Atomic uint32_t running;
    uint64_t done;
    uint64_t refused;
    struct worker *idle;  // newest first
    struct worker *ended; // to be joined
    bool is_draining;
    bool is_closing;
};

/* --- workers ----------------------------------------------------------------------------------
 * */

static void leave_idle_locked(struct chy_pool *pool, const struct worker *worker)
{
    struct worker **at = &pool->idle;
    while (*at != worker) {
        at = &(*at)->next;
    }
    *at = worker->next;
}

static void end_locked(struct chy_pool *pool, struct worker *worker)
{
    worker->next = pool->ended;
    pool->ended = worker;
    pool->threads--;
    if (pool->threads == 0) {
        chy_cond_broadcast(&pool->settled);
    }
}

/* Wakes one worker for the queue, unless one is on its way already: that one wakes the next if it
 * finds more than it takes.  So short jobs are done by few threads, one after the other without
 * sleeping, and long ones still get a thread each. */
static void wake_one_locked(struct chy_pool *pool)
{
    struct worker *worker = pool->idle;
    if (pool->is_waking || worker == NULL) {
        return;
    }
    pool->idle = worker->next;
    pool->is_waking = true;
    worker->is_woken = true;
    chy_cond_signal(&worker->wake);
}

static void take_job_locked(struct chy_pool *pool, struct worker *worker)
{
    worker->job = pool->queue[pool->queue_head];
    pool->queue_head = (pool->queue_head + 1) % pool->queue_size;
    pool->queue_count--;
    if (pool->queue_count > 0) {
        wake_one_locked(pool);
    }
}

/* Sleeps until woken.  false: nobody did while the worker was idle, or the pool closes. */
static bool sleep_locked(struct chy_pool *pool, struct worker *worker, int64_t until)
{
    worker->next = pool->idle;
    pool->idle = worker;
    bool in_time = true;
    while (!worker->is_woken) {
        if (pool->is_closing || !in_time) {
            leave_idle_locked(pool, worker);
            return false;
        }
        in_time = chy_cond_wait_until(&worker->wake, &pool->lock, until);
    }
    worker->is_woken = false;
    pool->is_waking = false;
    return true;
}

/* Waits for a job.  false: none came while the worker was idle, or the pool closes. */
static bool wait_locked(struct chy_pool *pool, struct worker *worker)
{
    int64_t until = chy_clock_monotonic(chy_clock_real()) + pool->config.idle;
    bool goes_on = true;
    pool->idle_count++;
    // Whoever was busy when the job came may have taken it meanwhile.
    while (goes_on && pool->queue_count == 0) {
        goes_on = sleep_locked(pool, worker, until);
    }
    pool->idle_count--;
    return pool->queue_count > 0;
}

static bool next_job_locked(struct chy_pool *pool, struct worker *worker)
{
    chy_mutex_assert_held(&pool->lock);
    pool->done++;
    if (pool->queue_count == 0) {
        pool->running--;
        if (pool->running == 0) {
            chy_cond_broadcast(&pool->settled);
        }
        if (!wait_locked(pool, worker)) {
            end_locked(pool, worker);
            return false;
        }
        pool->running++;
    }
    take_job_locked(pool, worker);
    return true;
}

static void *work(void *arg)
{
    struct worker *worker = arg;
    struct chy_pool *pool = worker->pool;
    bool has_job = true;
    while (has_job) {
        worker->job.fn(worker->job.arg);
        chy_mutex_lock(&pool->lock);
        has_job = next_job_locked(pool, worker);
        chy_mutex_unlock(&pool->lock);
    }
    return NULL;
}

static bool start_worker_locked(struct chy_pool *pool, struct job job)
{
    struct worker *worker = calloc(1, sizeof *worker);
    if (worker == NULL) {
        return false;
    }
    worker->pool = pool;
    worker->job = job;
    chy_cond_init(&worker->wake);
    // The thread cannot end before it has the lock, so `thread` is set by then.
    if (pthread_create(&worker->thread, &pool->attributes, work, worker) != 0) {
        chy_cond_fini(&worker->wake);
        free(worker);
        return false;
    }
    (void)pthread_setname_np(worker->thread, pool->config.name);
    pool->threads++;
    return true;
}

static void join_all(struct worker *ended)
{
    while (ended != NULL) {
        struct worker *next = ended->next;
        int error = pthread_join(ended->thread, NULL);
        assert(error == 0);
        chy_cond_fini(&ended->wake);
        free(ended);
        ended = next;
    }
}

static struct worker *take_ended_locked(struct chy_pool *pool)
{
    struct worker *ended = pool->ended;
    pool->ended = NULL;
    return ended;
}

/* --- jobs -------------------------------------------------------------------------------------
 * */

static bool submit_locked(struct chy_pool *pool, struct job job)
{
    chy_mutex_assert_held(&pool->lock);
    if (pool->is_draining) {
        return false;
    }
    // Each idle worker is good for one job, on top of what may wait.
    if (pool->queue_count >= pool->idle_count && pool->threads < pool->config.thread_max &&
        start_worker_locked(pool, job)) {
        pool->running++;
        return true;
    }
    // Without any thread nobody would come for what waits.
    if (pool->threads == 0 || pool->queue_count >= pool->config.queue_max + pool->idle_count) {
        return false;
    }
    pool->queue[(pool->queue_head + pool->queue_count) % pool->queue_size] = job;
    pool->queue_count++;
    wake_one_locked(pool);
    return true;
}

bool chy_pool_submit(struct chy_pool *pool, chy_pool_fn *fn, void *arg)
{
    assert(fn != NULL);
    chy_mutex_lock(&pool->lock);
    bool is_taken = submit_locked(pool, (struct job){fn, arg});
    if (!is_taken) {
        pool->refused++;
    }
    struct worker *ended = take_ended_locked(pool);
    chy_mutex_unlock(&pool->lock);
    join_all(ended);
    return is_taken;
}

static bool drain_locked(struct chy_pool *pool, int64_t deadline)
{
    pool->is_draining = true;
    bool in_time = true;
    while (pool->running + pool->queue_count > 0 && in_time) {
        in_time = chy_cond_wait_until(&pool->settled, &pool->lock, deadline);
    }
    return pool->running + pool->queue_count == 0;
}

bool chy_pool_drain(struct chy_pool *pool, int64_t deadline)
{
    chy_mutex_lock(&pool->lock);
    bool is_drained = drain_locked(pool, deadline);
    chy_mutex_unlock(&pool->lock);
    return is_drained;
}

void chy_pool_stats(struct chy_pool *pool, struct chy_pool_stats *out_stats)
{
    chy_mutex_lock(&pool->lock);
    // A job for which a worker is idle is as good as running.
    uint32_t given = pool->queue_count < pool->idle_count ? pool->queue_count : pool->idle_count;
    *out_stats = (struct chy_pool_stats){
        .threads = pool->threads,
        .running = pool->running + given,
        .queued = pool->queue_count - given,
        .done = pool->done,
        .refused = pool->refused,
    };
    chy_mutex_unlock(&pool->lock);
}

uint32_t chy_pool_running(const struct chy_pool *pool)
{
    return atomic_load_explicit(&pool->running, memory_order_relaxed);
}

/* --- life -------------------------------------------------------------------------------------
 * */

static bool set_attributes(struct chy_pool *pool, size_t stack_size)
{
    if (pthread_attr_init(&pool->attributes) != 0) {
        return false;
    }
    sigset_t all;
    (void)sigfillset(&all);
    if (pthread_attr_setstacksize(&pool->attributes, stack_size) != 0 ||
        pthread_attr_setsigmask_np(&pool->attributes, &all) != 0) {
        (void)pthread_attr_destroy(&pool->attributes);
        return false;
    }
    return true;
}

struct chy_pool *chy_pool_new(const struct chy_pool_config *config)
{
    assert(config->thread_max >= 1 && config->thread_max <= CHY_POOL_THREADS_MAX);
    struct chy_pool *pool = calloc(1, sizeof *pool);
    if (pool == NULL) {
        return NULL;
    }
    pool->config = *config;
    if (pool->config.idle == 0) {
        pool->config.idle = IDLE_DEFAULT;
    }
    size_t stack_size = config->stack_size != 0 ? config->stack_size : STACK_DEFAULT;
    pool->queue_size = config->queue_max + config->thread_max;
    pool->queue = calloc(pool->queue_size, sizeof *pool->queue);
    if (pool->queue == NULL || !set_attributes(pool, stack_size)) {
        free(pool->queue);
        free(pool);
        return NULL;
    }
    chy_mutex_init(&pool->lock);
    chy_cond_init(&pool->settled);
    return pool;
}

static struct worker *close_locked(struct chy_pool *pool)
{
    (void)drain_locked(pool, INT64_MAX);
    pool->is_closing = true;
    for (struct worker *worker = pool->idle; worker != NULL; worker = worker->next) {
        chy_cond_signal(&worker->wake);
    }
    while (pool->threads > 0) {
        chy_cond_wait(&pool->settled, &pool->lock);
    }
    return take_ended_locked(pool);
}

void chy_pool_free(struct chy_pool *pool)
{
    if (pool == NULL) {
        return;
    }
    chy_mutex_lock(&pool->lock);
    struct worker *ended = close_locked(pool);
    chy_mutex_unlock(&pool->lock);
    join_all(ended);
    chy_cond_fini(&pool->settled);
    chy_mutex_fini(&pool->lock);
    (void)pthread_attr_destroy(&pool->attributes);
    free(pool->queue);
    free(pool);
}
