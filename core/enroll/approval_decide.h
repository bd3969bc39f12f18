/**
 * Deciding what waits for approval: votes, rejection, cancelling.
 *
 * Of two who decide in one moment one is first; the other looks again, and then votes as well or is
 * told what was decided.
 */
#ifndef CHY_ENROLL_APPROVAL_DECIDE_H
#define CHY_ENROLL_APPROVAL_DECIDE_H

#include "resource/kind.h"

/** chy_approval_approve adds the caller's vote.  The last one that is wanted issues the
 *  certificate, or changes the policy if that is what was asked for.  With a `bypassReason` it is
 *  the last one, whatever the steps want. */
CHY_MUST_USE chy_status chy_approval_approve(struct chy_call *call);

/** chy_approval_reject ends it, and the certificate request with it. */
CHY_MUST_USE chy_status chy_approval_reject(struct chy_call *call);

/** chy_approval_cancel ends it for who asked, or may approve.  The call may be one of certificate
 *  requests. */
CHY_MUST_USE chy_status chy_approval_cancel(struct chy_call *call, const struct chy_uuid *id);

#endif
