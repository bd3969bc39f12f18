/**
 * Approval: what the profile's approval policy lets nobody have alone.
 *
 * What is asked for is decided first, by profile, rights and policy, and then waits as a request
 * `pending_approval` with its decision frozen.  A row of approval_requests (approval_request.h)
 * names the digest of it, the steps that the policy had then, and the votes.  With the last vote
 * the request is issued (approval_issue.h).
 */
#ifndef CHY_ENROLL_APPROVAL_H
#define CHY_ENROLL_APPROVAL_H

#include "enroll/issue.h"
#include "resource/kind.h"

#define CHY_APPROVAL_WAITS "the request waits for approval"

/**
 * chy_approval_needed tells whether what was decided has to be approved.  A renewal has to if it
 * changes what the old certificate says, where its key comes from, or how long it lives.
 */
CHY_MUST_USE chy_status chy_approval_needed(struct chy_issuance *issuance, bool *out_needed);

/** chy_approval_ask stores what was decided, to be approved. */
CHY_MUST_USE chy_status chy_approval_ask(struct chy_issuance *issuance);

/** chy_approval_unchanged: BAD_INPUT unless what was decided now is what was approved. */
CHY_MUST_USE chy_status chy_approval_unchanged(struct chy_op *op, struct chy_slice approved,
                                               struct chy_slice now);

/** chy_approval_digest is the SHA-256 that an approval names: of the decision, the metadata and the
 *  key of a request, as they are stored. */
CHY_MUST_USE chy_status chy_approval_digest(struct chy_runtime *runtime, struct chy_op *op,
                                            struct chy_slice decision, struct chy_slice metadata,
                                            struct chy_slice spki, struct chy_slice *out_digest);

/** What waits, and by which row of approval_policies, which has every field. */
struct chy_approval_wish {
    const struct chy_uuid *id;
    const struct chy_storage_row *policy;
    const struct chy_uuid *request_id; /**< NULL: `change` instead */
    const struct chy_uuid *profile_id;
    struct chy_slice change; /**< of the policy */
    struct chy_slice digest;
};

/** chy_approval_enter puts what waits into `batch`, guarded by the policy's revision. */
CHY_MUST_USE chy_status chy_approval_enter(struct chy_runtime *runtime, struct chy_batch *batch,
                                           const struct chy_approval_wish *wish);

/** chy_approval_list is chy_kind_list() of what may be asked for by scope: `scope=project&id=…`. */
CHY_MUST_USE chy_status chy_approval_list(struct chy_call *call);

/** CHY_APPROVAL_LIST_SHAPE is what it understands; `members` adds some, as CHY_LIST_SHAPE_WITH. */
#define CHY_APPROVAL_LIST_SHAPE(members)                                                 \
    CHY_LIST_SHAPE_WITH(",\"scope\":{\"type\":\"string\",\"enum\":[\"project\"]},\"id\"" \
                        ":{\"type\":\"string\",\"format\":\"uuid\"}" members)

#endif
