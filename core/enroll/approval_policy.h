/**
 * Approval policies: who has to approve what is asked for by some certificate profiles.
 *
 * A policy has steps, one after another; each wants so many different identities that have the
 * permission to approve, of those that it lists, if it lists any.  A profile has one policy at
 * most, and is known by its id, whatever its slug becomes.
 *
 * Loosening a policy is approved by its own steps: see chy_approval_policy_apply().  Only the
 * administrator of the whole instance can do without, should all who approve be gone.
 */
#ifndef CHY_ENROLL_APPROVAL_POLICY_H
#define CHY_ENROLL_APPROVAL_POLICY_H

#include "resource/kind.h"

/** "approval-policies": the ordinary actions, and "check-match". */
extern const struct chy_kind chy_kind_approval_policy;

/** chy_approval_policy_apply puts a change that was approved, of a row of approval_requests with
 *  every field, into `batch`.  BAD_INPUT: the policy is another by now. */
CHY_MUST_USE chy_status chy_approval_policy_apply(struct chy_call *call, struct chy_batch *batch,
                                                  const struct chy_storage_row *approval);

#endif
