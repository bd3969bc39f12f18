/**
 * Lock-out: too many wrong log-ins of one client id from one network stop both for a while.
 *
 * It counts by network as well as by client id, so that strangers cannot lock a fleet out.  People
 * log in with a username instead.
 */
#ifndef CHY_ACCESS_LOCKOUT_H
#define CHY_ACCESS_LOCKOUT_H

#include "resource/audit.h"
#include "resource/runtime.h"

/** When an identity's log-in is locked.  Durations in µs. */
struct chy_lockout_rule {
    bool enabled;
    int64_t threshold; /**< failures that lock */
    int64_t duration;  /**< how long */
    int64_t reset;     /**< a failure is forgotten after so long without another */
};

/** How one client id and one network stand. */
struct chy_lockout {
    struct chy_slice client_id;
    struct chy_slice network;
    bool has_row;
    uint64_t revision;
    int64_t failures;
    int64_t last_at;
    int64_t until; /**< 0: not locked */
};

/** chy_lockout_read finds out for `client_id` and the network of `peer`. */
CHY_MUST_USE chy_status chy_lockout_read(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_slice client_id, struct chy_slice peer,
                                         struct chy_lockout *out_lockout);

/** chy_lockout_add counts a failure, guarded by what was read. */
void chy_lockout_add(struct chy_batch *batch, const struct chy_lockout *lockout,
                     const struct chy_lockout_rule *rule);

/** chy_lockout_check refuses while it is locked: DENIED, CHY_REASON_UNAUTHENTICATED.  `what` is by
 *  what the client logs in: "client id". */
CHY_MUST_USE chy_status chy_lockout_check(struct chy_op *op, const struct chy_lockout *lockout,
                                          const struct chy_lockout_rule *rule, const char *what);

/** chy_lockout_count writes a failure down, and `event` with it, unless that is NULL.  While others
 *  do so at the same time it tries again, until there is a lock. */
CHY_MUST_USE chy_status chy_lockout_count(struct chy_runtime *runtime, struct chy_op *op,
                                          struct chy_lockout *lockout, struct chy_slice peer,
                                          const struct chy_lockout_rule *rule,
                                          const struct chy_audit_event *event);

/** chy_lockout_forget drops the failures: the client has logged in. */
void chy_lockout_forget(struct chy_batch *batch, const struct chy_lockout *lockout);

#endif
