#include "enroll/gain.h"

#include "base/status.h"
#include "resource/permission.h"

#include <stddef.h>

/** What is done to a certificate that is there. */
static const char *const actions[] = {
    CHY_ACTION_READ,  CHY_ACTION_EDIT,   CHY_ACTION_DELETE,
    CHY_ACTION_RENEW, CHY_ACTION_REVOKE, CHY_ACTION_READ_PRIVATE_KEY,
};

chy_status chy_gain_refuse(struct chy_op *op, const struct chy_place *before,
                           const struct chy_place *after)
{
    for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
        if (chy_may_at(op, after, CHY_SUBJECT_CERTIFICATES, actions[i]) &&
            !chy_may_at(op, before, CHY_SUBJECT_CERTIFICATES, actions[i])) {
            return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                   "that would give you the permission to %s the certificate, "
                                   "which you lack: ask somebody who has it",
                                   actions[i]);
        }
    }
    return CHY_OK;
}
