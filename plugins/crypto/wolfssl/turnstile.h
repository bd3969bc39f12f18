/** Waiting with bounds: a few may work, a few may wait, the rest is turned away at once. */
#ifndef CHANCERY_WOLFSSL_TURNSTILE_H
#define CHANCERY_WOLFSSL_TURNSTILE_H

#include <chancery/host.h>

#include <pthread.h>

struct chy_turnstile {
    pthread_mutex_t lock; /**< guards what follows */
    pthread_cond_t changed;
    uint32_t inside;
    uint32_t inside_max;
    uint32_t waiting;
    uint32_t waiting_max;
};

void chy_turnstile_init(struct chy_turnstile *turnstile, uint32_t inside_max, uint32_t waiting_max);
void chy_turnstile_fini(struct chy_turnstile *turnstile);

/** chy_turnstile_enter returns OK when the caller may work; TRY_LATER when too many wait already,
 *  or when the operation's time is up. */
CHY_MUST_USE chy_status chy_turnstile_enter(struct chy_turnstile *turnstile, struct chy_op *op);
void chy_turnstile_leave(struct chy_turnstile *turnstile);

/** chy_condition_init makes a condition on the monotonic clock. */
void chy_condition_init(pthread_cond_t *cond);

/**
 * chy_wait waits for `cond` for a moment and returns OK to look again; TRY_LATER when the deadline
 * of `op` has passed or nobody needs it any more.  `what` is what it waits for.
 */
CHY_MUST_USE chy_status chy_wait(pthread_cond_t *cond, pthread_mutex_t *lock, struct chy_op *op,
                                 const char *what);

/** chy_wait_for waits for `cond`, `us` microseconds at most. */
void chy_wait_for(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us);

#endif
