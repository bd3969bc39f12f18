/** Approval requests: what waits to be approved, or did, with the votes. */
#ifndef CHY_ENROLL_APPROVAL_REQUEST_H
#define CHY_ENROLL_APPROVAL_REQUEST_H

#include "resource/kind.h"

/**
 * "approval-requests": "get", "list", "approve", "reject", "cancel" (approval_decide.h).
 */
extern const struct chy_kind chy_kind_approval_request;

#endif
