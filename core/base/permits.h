/** A number of permits for steps that are heavy on the processor; who waits is served in order. */
#ifndef CHY_BASE_PERMITS_H
#define CHY_BASE_PERMITS_H

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>

struct chy_permits;

enum chy_permit {
    CHY_PERMIT_GIVEN = 0,   /**< the caller has one and releases it */
    CHY_PERMIT_TIMEOUT = 1, /**< the deadline passed */
    CHY_PERMIT_FULL = 2     /**< too many wait already */
};

/** chy_permits_new makes permits, for which at most `waiters_max` may wait.  NULL: no memory. */
CHY_MUST_USE struct chy_permits *chy_permits_new(uint32_t count, uint32_t waiters_max);
/** chy_permits_free wants every permit back.  NULL is fine. */
void chy_permits_free(struct chy_permits *permits);
CHY_DEFINE_AUTO(struct chy_permits, chy_permits_free);

/** chy_permits_acquire takes a permit, waiting until `deadline`, µs on the real monotonic clock. */
CHY_MUST_USE enum chy_permit chy_permits_acquire(struct chy_permits *permits, int64_t deadline);
/** chy_permits_release gives a permit back, from any thread. */
void chy_permits_release(struct chy_permits *permits);

struct chy_permits_stats {
    uint32_t count;
    uint32_t taken;
    uint32_t waiting;
};

/** chy_permits_stats tells how the permits stand. */
void chy_permits_stats(struct chy_permits *permits, struct chy_permits_stats *out_stats);

#endif
