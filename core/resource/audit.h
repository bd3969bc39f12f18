/**
 * The audit trail: who did what, on what, from where, with which outcome.
 *
 * A change's row is part of the batch that makes the change, so neither is there without the other.
 * Each row carries an HMAC whose key is not in the database, and the node and block (the second of
 * the wall clock) it belongs to.
 */
#ifndef CHY_RESOURCE_AUDIT_H
#define CHY_RESOURCE_AUDIT_H

#include "base/uuid.h"
#include "resource/runtime.h"

struct chy_audit_event {
    const char *action;                /**< "certificate.issue" */
    const char *target_kind;           /**< "certificates" */
    struct chy_slice target;           /**< an id as text, or empty */
    const char *outcome;               /**< CHY_AUDIT_OK … */
    const struct chy_uuid *project_id; /**< NULL: of the instance */
    struct chy_slice detail;           /**< a JSON object, or empty; no secret */
};

#define CHY_AUDIT_OK "ok"
#define CHY_AUDIT_DENIED "denied"
#define CHY_AUDIT_FAILED "failed"

/** chy_audit_add puts the row of an event into `batch`. */
CHY_MUST_USE chy_status chy_audit_add(struct chy_runtime *runtime, struct chy_batch *batch,
                                      const struct chy_audit_event *event);

/**
 * chy_audit_write writes an event by itself: for what changes nothing, such as a key that is shown.
 */
CHY_MUST_USE chy_status chy_audit_write(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_audit_event *event);

/** chy_audit_row_holds tells whether a stored row, which has every field, is as it was written. */
CHY_MUST_USE chy_status chy_audit_row_holds(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_storage_row *row, bool *out_holds);

/** chy_audit_reason makes the detail that says why something was refused; empty: it is too long. */
struct chy_slice chy_audit_reason(struct chy_op *op, struct chy_slice message);

/** chy_audit_refusal records that the operation's last error refused `action`; the operation keeps
 *  that error.  A stranger's refusal is counted by source and minute instead of kept. */
void chy_audit_refusal(struct chy_runtime *runtime, struct chy_op *op, const char *action,
                       const char *target_kind, struct chy_slice target,
                       const struct chy_uuid *project_id);

#endif
