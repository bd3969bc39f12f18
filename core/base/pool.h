/**
 * Worker threads on demand, with a bounded queue.
 *
 * A job goes to the worker that became idle last, or to one that ends its job meanwhile; if none
 * is idle a thread is started, up to the limit; then it waits in the queue.  Workers that stay
 * idle end. They block every signal.
 */
#ifndef CHY_BASE_POOL_H
#define CHY_BASE_POOL_H

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>

/** The most threads that a pool may have. */
#define CHY_POOL_THREADS_MAX 1024U

struct chy_pool;

/** A job: function of a pool. */
typedef void chy_pool_fn(void *arg);

struct chy_pool_config {
    const char *name;    /**< of the threads, at most 15 characters; outlives the pool */
    uint32_t thread_max; /**< 1 to CHY_POOL_THREADS_MAX */
    uint32_t queue_max;  /**< how many jobs may wait for a thread; 0 is fine */
    int64_t idle;        /**< µs after which an idle worker ends; 0: 10 seconds */
    size_t stack_size;   /**< 0: 256 KiB, 1 MiB with a sanitizer */
};

struct chy_pool_stats {
    uint32_t threads; /**< running or idle */
    uint32_t running; /**< in a job, or waking for one */
    uint32_t queued;  /**< jobs that wait */
    uint64_t done;    /**< jobs that ended */
    uint64_t refused; /**< jobs that submit did not take */
};

/** chy_pool_new makes a pool without threads yet.  NULL: out of memory. */
CHY_MUST_USE struct chy_pool *chy_pool_new(const struct chy_pool_config *config);
/** chy_pool_free waits for every job, ends the threads and frees the pool.  NULL is fine. */
void chy_pool_free(struct chy_pool *pool);
CHY_DEFINE_AUTO(struct chy_pool, chy_pool_free);

/** chy_pool_submit hands a job over, from any thread.  false: everything is taken, or the pool is
 *  draining, and fn(arg) will not run. */
CHY_MUST_USE bool chy_pool_submit(struct chy_pool *pool, chy_pool_fn *fn, void *arg);
/** chy_pool_drain refuses new jobs and waits for those it has until `deadline`, µs on the real
 *  monotonic clock.  false: some still run. */
CHY_MUST_USE bool chy_pool_drain(struct chy_pool *pool, int64_t deadline);
/** chy_pool_stats tells what the pool is doing. */
void chy_pool_stats(struct chy_pool *pool, struct chy_pool_stats *out_stats);
/** chy_pool_running tells how many jobs run now, without a lock. */
uint32_t chy_pool_running(const struct chy_pool *pool);

#endif
