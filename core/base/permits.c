#include "base/permits.h"

#include "base/clock.h"
#include "base/lock.h"

#include <assert.h>
#include <stdlib.h>

/* Someone who waits, on his own stack. */
struct waiter {
    struct waiter *next;
    struct chy_cond wake;
    bool has_permit;
};

struct chy_permits {
    struct chy_mutex lock; // guards all that follows
    uint32_t count;
    uint32_t taken;
    uint32_t waiters_max;
    uint32_t waiting;
    struct waiter *first;
    struct waiter **end; // where the next waiter is linked in
};

struct chy_permits *chy_permits_new(uint32_t count, uint32_t waiters_max)
{
    assert(count > 0);
    struct chy_permits *permits = calloc(1, sizeof *permits);
    if (permits == NULL) {
        return NULL;
    }
    chy_mutex_init(&permits->lock);
    permits->count = count;
    permits->waiters_max = waiters_max;
    permits->end = &permits->first;
    return permits;
}

void chy_permits_free(struct chy_permits *permits)
{
    if (permits == NULL) {
        return;
    }
    assert(permits->taken == 0 && permits->waiting == 0);
    chy_mutex_fini(&permits->lock);
    free(permits);
}

static void link_locked(struct chy_permits *permits, struct waiter *waiter)
{
    *permits->end = waiter;
    permits->end = &waiter->next;
    permits->waiting++;
}

static void unlink_locked(struct chy_permits *permits, struct waiter *waiter)
{
    struct waiter **at = &permits->first;
    while (*at != waiter) {
        at = &(*at)->next;
    }
    *at = waiter->next;
    if (permits->end == &waiter->next) {
        permits->end = at;
    }
    permits->waiting--;
}

static enum chy_permit wait_locked(struct chy_permits *permits, int64_t deadline)
{
    struct waiter waiter = {.next = NULL};
    chy_cond_init(&waiter.wake);
    link_locked(permits, &waiter);
    bool in_time = true;
    while (!waiter.has_permit && in_time) {
        in_time = chy_cond_wait_until(&waiter.wake, &permits->lock, deadline);
    }
    if (!waiter.has_permit) {
        unlink_locked(permits, &waiter);
    }
    chy_cond_fini(&waiter.wake);
    return waiter.has_permit ? CHY_PERMIT_GIVEN : CHY_PERMIT_TIMEOUT;
}

static enum chy_permit acquire_locked(struct chy_permits *permits, int64_t deadline)
{
    chy_mutex_assert_held(&permits->lock);
    if (permits->taken < permits->count) {
        permits->taken++;
        return CHY_PERMIT_GIVEN;
    }
    if (permits->waiting >= permits->waiters_max) {
        return CHY_PERMIT_FULL;
    }
    return wait_locked(permits, deadline);
}

enum chy_permit chy_permits_acquire(struct chy_permits *permits, int64_t deadline)
{
    chy_mutex_lock(&permits->lock);
    enum chy_permit permit = acquire_locked(permits, deadline);
    chy_mutex_unlock(&permits->lock);
    return permit;
}

static void release_locked(struct chy_permits *permits)
{
    assert(permits->taken > 0);
    struct waiter *waiter = permits->first;
    if (waiter == NULL) {
        permits->taken--;
        return;
    }
    // The permit passes on without becoming free, so that nobody overtakes who waits.
    unlink_locked(permits, waiter);
    waiter->has_permit = true;
    chy_cond_signal(&waiter->wake);
}

void chy_permits_release(struct chy_permits *permits)
{
    chy_mutex_lock(&permits->lock);
    release_locked(permits);
    chy_mutex_unlock(&permits->lock);
}

void chy_permits_stats(struct chy_permits *permits, struct chy_permits_stats *out_stats)
{
    chy_mutex_lock(&permits->lock);
    *out_stats = (struct chy_permits_stats){permits->count, permits->taken, permits->waiting};
    chy_mutex_unlock(&permits->lock);
}
