/**
 * Grants: what an approval gives, the right to have just the certificate that was approved issued,
 * once.
 *
 * A grant is of an approval request (approval_decide.h) and has its id.  Mostly it is used in the
 * moment that it is given; until then, while something stands in the way, it can be revoked.
 */
#ifndef CHY_ENROLL_APPROVAL_GRANT_H
#define CHY_ENROLL_APPROVAL_GRANT_H

#include "resource/kind.h"

/** "approval-grants": "get", "list", "revoke". */
extern const struct chy_kind chy_kind_approval_grant;

#endif
