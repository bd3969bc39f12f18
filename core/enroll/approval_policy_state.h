/** What making an approval policy (approval_policy.c) and changing it (approval_change.c) share. */
#ifndef CHY_ENROLL_APPROVAL_POLICY_STATE_H
#define CHY_ENROLL_APPROVAL_POLICY_STATE_H

#include "resource/kind.h"

/** chy_approval_policy_check holds the call's document to what a shape cannot say, and leaves what
 *  is stored.  Who names approvers must be one who may approve. */
CHY_MUST_USE chy_status chy_approval_policy_check(struct chy_call *call);

/** chy_approval_policy_conditions reads them as they are stored: [{profileIds}]. */
CHY_MUST_USE chy_status chy_approval_policy_conditions(struct chy_op *op,
                                                       const struct chy_storage_row *row,
                                                       json_t **out_conditions);

/** chy_approval_policy_bind lets the policy have the profiles of the conditions `after`, and none
 *  that only `before` has; either may be NULL. */
CHY_MUST_USE chy_status chy_approval_policy_bind(struct chy_call *call, struct chy_batch *batch,
                                                 const struct chy_uuid *policy_id,
                                                 const json_t *before, const json_t *after);

#endif
