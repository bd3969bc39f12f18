#include "base/lock.h"

#include "base/time.h"

#include <assert.h>
#include <errno.h>
#include <time.h>

uintptr_t chy_thread_mark(void)
{
    static _Thread_local char mark;
    return (uintptr_t)&mark;
}

void chy_mutex_init(struct chy_mutex *mutex)
{
    int error = pthread_mutex_init(&mutex->mutex, NULL);
    assert(error == 0);
    atomic_init(&mutex->holder, 0);
}

void chy_mutex_fini(struct chy_mutex *mutex)
{
    int error = pthread_mutex_destroy(&mutex->mutex);
    assert(error == 0);
}

static void set_holder(struct chy_mutex *mutex, uintptr_t holder)
{
    atomic_store_explicit(&mutex->holder, holder, memory_order_relaxed);
}

void chy_mutex_lock(struct chy_mutex *mutex)
{
    int error = pthread_mutex_lock(&mutex->mutex);
    assert(error == 0);
    set_holder(mutex, chy_thread_mark());
}

void chy_mutex_unlock(struct chy_mutex *mutex)
{
    chy_mutex_assert_held(mutex);
    set_holder(mutex, 0);
    int error = pthread_mutex_unlock(&mutex->mutex);
    assert(error == 0);
}

bool chy_mutex_is_held(struct chy_mutex *mutex)
{
    // Only the calling thread itself ever stores its own mark, so a relaxed look is enough.
    return atomic_load_explicit(&mutex->holder, memory_order_relaxed) == chy_thread_mark();
}

void chy_mutex_assert_held(struct chy_mutex *mutex)
{
    assert(chy_mutex_is_held(mutex));
}

void chy_cond_init(struct chy_cond *cond)
{
    pthread_condattr_t attributes;
    int error = pthread_condattr_init(&attributes);
    assert(error == 0);
    error = pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    assert(error == 0);
    error = pthread_cond_init(&cond->cond, &attributes);
    assert(error == 0);
    (void)pthread_condattr_destroy(&attributes);
}

void chy_cond_fini(struct chy_cond *cond)
{
    int error = pthread_cond_destroy(&cond->cond);
    assert(error == 0);
}

void chy_cond_signal(struct chy_cond *cond)
{
    int error = pthread_cond_signal(&cond->cond);
    assert(error == 0);
}

void chy_cond_broadcast(struct chy_cond *cond)
{
    int error = pthread_cond_broadcast(&cond->cond);
    assert(error == 0);
}

void chy_cond_wait(struct chy_cond *cond, struct chy_mutex *mutex)
{
    chy_mutex_assert_held(mutex);
    set_holder(mutex, 0);
    int error = pthread_cond_wait(&cond->cond, &mutex->mutex);
    set_holder(mutex, chy_thread_mark());
    assert(error == 0);
}

bool chy_cond_wait_until(struct chy_cond *cond, struct chy_mutex *mutex, int64_t deadline)
{
    chy_mutex_assert_held(mutex);
    if (deadline == INT64_MAX) {
        chy_cond_wait(cond, mutex);
        return true;
    }
    int64_t when = deadline > 0 ? deadline : 0;
    struct timespec until = {.tv_sec = when / CHY_US_PER_SECOND,
                             .tv_nsec = when % CHY_US_PER_SECOND * 1000};
    set_holder(mutex, 0);
    int error = pthread_cond_timedwait(&cond->cond, &mutex->mutex, &until);
    set_holder(mutex, chy_thread_mark());
    assert(error == 0 || error == ETIMEDOUT);
    return error == 0;
}
