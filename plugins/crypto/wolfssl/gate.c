#include "gate.h"

#include <time.h>

/** How long a waiter sleeps before it looks whether anybody still wants the result. */
#define SLICE_US 100000
#define RETRY_AFTER_S 2

void chy_cond_init(pthread_cond_t *cond)
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

void chy_gate_init(struct chy_gate *gate, uint32_t inside_max, uint32_t waiting_max)
{
    memset(gate, 0, sizeof *gate);
    gate->inside_max = inside_max;
    gate->waiting_max = waiting_max;
    (void)pthread_mutex_init(&gate->lock, NULL);
    chy_cond_init(&gate->changed);
}

void chy_gate_fini(struct chy_gate *gate)
{
    (void)pthread_cond_destroy(&gate->changed);
    (void)pthread_mutex_destroy(&gate->lock);
}

static chy_status enter_locked(struct chy_gate *gate, struct chy_op *op)
{
    if (gate->inside >= gate->inside_max && gate->waiting >= gate->waiting_max) {
        return fail_late(op, CHY_REASON_OVERLOAD, "too many keys are being generated");
    }
    gate->waiting++;
    chy_status status = CHY_OK;
    while (status == CHY_OK && gate->inside >= gate->inside_max) {
        status = chy_wait(&gate->changed, &gate->lock, op, "other keys to be generated");
    }
    gate->waiting--;
    if (status == CHY_OK) {
        gate->inside++;
    }
    return status;
}

chy_status chy_gate_enter(struct chy_gate *gate, struct chy_op *op)
{
    (void)pthread_mutex_lock(&gate->lock);
    chy_status status = enter_locked(gate, op);
    (void)pthread_mutex_unlock(&gate->lock);
    return status;
}

void chy_gate_leave(struct chy_gate *gate)
{
    (void)pthread_mutex_lock(&gate->lock);
    gate->inside--;
    (void)pthread_cond_signal(&gate->changed);
    (void)pthread_mutex_unlock(&gate->lock);
}
