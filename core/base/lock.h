/**
 * A mutex that knows its holder, and a condition that waits on the monotonic clock.
 *
 * A critical section is a function of its own: lock, call what ends in `_locked`, unlock.  The
 * `_locked` function says chy_mutex_assert_held() first.
 */
#ifndef CHY_BASE_LOCK_H
#define CHY_BASE_LOCK_H

#include <chancery/types.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

struct chy_mutex {
    pthread_mutex_t mutex;
    _Atomic uintptr_t holder; /**< chy_thread_mark() of the thread that holds it, or 0 */
};

/** CHY_MUTEX_INIT starts a mutex with static storage. */
#define CHY_MUTEX_INIT               \
    {                                \
        PTHREAD_MUTEX_INITIALIZER, 0 \
    }

/** chy_thread_mark is a number that no other living thread has; never 0. */
uintptr_t chy_thread_mark(void);

void chy_mutex_init(struct chy_mutex *mutex);
void chy_mutex_fini(struct chy_mutex *mutex);
void chy_mutex_lock(struct chy_mutex *mutex);
void chy_mutex_unlock(struct chy_mutex *mutex);
/** chy_mutex_is_held tells whether the calling thread holds the mutex. */
CHY_MUST_USE bool chy_mutex_is_held(struct chy_mutex *mutex);
/** chy_mutex_assert_held stops the process unless the calling thread holds the mutex. */
void chy_mutex_assert_held(struct chy_mutex *mutex);

struct chy_cond {
    pthread_cond_t cond;
};

void chy_cond_init(struct chy_cond *cond);
void chy_cond_fini(struct chy_cond *cond);
void chy_cond_signal(struct chy_cond *cond);
void chy_cond_broadcast(struct chy_cond *cond);
/** chy_cond_wait gives `mutex` up while it waits.  It may return without a signal. */
void chy_cond_wait(struct chy_cond *cond, struct chy_mutex *mutex);
/** chy_cond_wait_until waits no longer than `deadline`, µs on the real monotonic clock.  false: the
 *  deadline passed. */
CHY_MUST_USE bool chy_cond_wait_until(struct chy_cond *cond, struct chy_mutex *mutex,
                                      int64_t deadline);

#endif
