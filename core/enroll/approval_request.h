/** Approval requests: what waits to be approved, or did, with the votes. */
#ifndef CHY_ENROLL_APPROVAL_REQUEST_H
#define CHY_ENROLL_APPROVAL_REQUEST_H

#include "resource/kind.h"

/**
 * "approval-requests": "get", "list", "approve", "reject", "cancel".  The last two end the
 * certificate request; the last approval issues it, or changes the policy if that is what was asked
 * for.
 */
extern const struct chy_kind chy_kind_approval_request;

/** chy_approval_cancel cancels what waits, for who asked for it.  The call is of
 *  chy_kind_approval_request, or of certificate requests. */
CHY_MUST_USE chy_status chy_approval_cancel(struct chy_call *call, const struct chy_uuid *id);

#endif
