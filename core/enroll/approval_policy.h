/**
 * Approval policies: who has to approve what is asked for by some certificate profiles.
 *
 * A policy has steps, one after another; each wants so many different identities that have the
 * permission to approve, of those that it lists, if it lists any.  A profile has one policy at
 * most, and is known by its id, whatever its slug becomes.
 *
 * Loosening a policy is approved by its own steps: approval_change.h.
 */
#ifndef CHY_ENROLL_APPROVAL_POLICY_H
#define CHY_ENROLL_APPROVAL_POLICY_H

#include "resource/kind.h"

/** "approval-policies": the ordinary actions, and "check-match". */
extern const struct chy_kind chy_kind_approval_policy;

#endif
