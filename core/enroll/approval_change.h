/**
 * Changing an approval policy, which its own steps have to approve if it becomes looser.
 *
 * Such a change waits as an approval request (approval.h).  Only the administrator of the whole
 * instance can do without, should all who approve be gone.
 */
#ifndef CHY_ENROLL_APPROVAL_CHANGE_H
#define CHY_ENROLL_APPROVAL_CHANGE_H

#include "resource/kind.h"

/** chy_approval_policy_update and chy_approval_policy_delete are the actions of
 *  chy_kind_approval_policy. */
CHY_MUST_USE chy_status chy_approval_policy_update(struct chy_call *call);
CHY_MUST_USE chy_status chy_approval_policy_delete(struct chy_call *call);

/** chy_approval_policy_apply puts a change that was approved, of a row of approval_requests with
 *  every field, into `batch`.  BAD_INPUT: the policy is another by now. */
CHY_MUST_USE chy_status chy_approval_policy_apply(struct chy_call *call, struct chy_batch *batch,
                                                  const struct chy_storage_row *approval);

#endif
