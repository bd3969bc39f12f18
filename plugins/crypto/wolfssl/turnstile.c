#include "turnstile.h"

#include <time.h>

/** How long a waiter sleeps before it looks whether anybody still wants the result. */
#define SLICE_US 100000
#define RETRY_AFTER_S 2

void chy_condition_init(pthread_cond_t *cond)
{
    pthread_condattr_t attributes;
    (void)pthread_condattr_init(&attributes);
    (void)pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    (void)pthread_cond_init(cond, &attributes);
    (void)pthread_condattr_destroy(&attributes);
}

void chy_wait_for(pthread_cond_t *cond, pthread_mutex_t *lock, int64_t us)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    int64_t ns = until.tv_nsec + us % 1000000 * 1000;
    until.tv_sec += us / 1000000 + ns / 1000000000;
    until.tv_nsec = ns % 1000000000;
    (void)pthread_cond_timedwait(cond, lock, &until);
}

static chy_status fail_late(struct chy_op *op, enum chy_reason reason, const char *message)
{
    struct chy_error error = {
        .struct_size = sizeof error,
        .status = CHY_TRY_LATER,
        .reason = (uint32_t)reason,
        .retry_after_s = RETRY_AFTER_S,
        .message = chy_text(message),
    };
    return op->host->fail_with(op, &error);
}

chy_status chy_wait(pthread_cond_t *cond, pthread_mutex_t *lock, struct chy_op *op,
                    const char *what)
{
    if (chy_cancelled(op)) {
        return chy_fail(op, CHY_TRY_LATER, 0, "cancelled while it waited for %s", what);
    }
    int64_t us = SLICE_US;
    int64_t deadline = chy_deadline(op);
    if (deadline != CHY_NO_DEADLINE) {
        int64_t left = deadline - chy_monotonic(op);
        if (left <= 0) {
            char message[CHY_MESSAGE_MAX];
            (void)snprintf(message, sizeof message, "the deadline passed while it waited for %s",
                           what);
            return fail_late(op, CHY_REASON_TIMEOUT, message);
        }
        us = left < us ? left : us;
    }
    chy_wait_for(cond, lock, us);
    return CHY_OK;
}

void chy_turnstile_init(struct chy_turnstile *turnstile, uint32_t inside_max, uint32_t waiting_max)
{
    memset(turnstile, 0, sizeof *turnstile);
    turnstile->inside_max = inside_max;
    turnstile->waiting_max = waiting_max;
    (void)pthread_mutex_init(&turnstile->lock, NULL);
    chy_condition_init(&turnstile->changed);
}

void chy_turnstile_fini(struct chy_turnstile *turnstile)
{
    (void)pthread_cond_destroy(&turnstile->changed);
    (void)pthread_mutex_destroy(&turnstile->lock);
}

static chy_status enter_locked(struct chy_turnstile *turnstile, struct chy_op *op)
{
    if (turnstile->inside >= turnstile->inside_max &&
        turnstile->waiting >= turnstile->waiting_max) {
        return fail_late(op, CHY_REASON_OVERLOAD, "too many keys are being generated");
    }
    turnstile->waiting++;
    chy_status status = CHY_OK;
    while (status == CHY_OK && turnstile->inside >= turnstile->inside_max) {
        status = chy_wait(&turnstile->changed, &turnstile->lock, op, "other keys to be generated");
    }
    turnstile->waiting--;
    if (status == CHY_OK) {
        turnstile->inside++;
    }
    return status;
}

chy_status chy_turnstile_enter(struct chy_turnstile *turnstile, struct chy_op *op)
{
    (void)pthread_mutex_lock(&turnstile->lock);
    chy_status status = enter_locked(turnstile, op);
    (void)pthread_mutex_unlock(&turnstile->lock);
    return status;
}

void chy_turnstile_leave(struct chy_turnstile *turnstile)
{
    (void)pthread_mutex_lock(&turnstile->lock);
    turnstile->inside--;
    (void)pthread_cond_signal(&turnstile->changed);
    (void)pthread_mutex_unlock(&turnstile->lock);
}
