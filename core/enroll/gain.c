#include "enroll/gain.h"

#include "base/status.h"
#include "resource/permission.h"

#include <string.h>

/** is_of_new tells of an action that makes a certificate: there is none yet to be gained. */
static bool is_of_new(const char *action)
{
    return strcmp(action, CHY_ACTION_CREATE) == 0 || strcmp(action, CHY_ACTION_ISSUE) == 0;
}

chy_status chy_gain_refuse(struct chy_op *op, const struct chy_place *before,
                           const struct chy_place *after)
{
    const char *action;
    // All there are, so that none that is added later can be gained unseen.
    for (size_t i = 0; (action = chy_permission_action(CHY_SUBJECT_CERTIFICATES, i)) != NULL; i++) {
        if (!is_of_new(action) && chy_may_at(op, after, CHY_SUBJECT_CERTIFICATES, action) &&
            !chy_may_at(op, before, CHY_SUBJECT_CERTIFICATES, action)) {
            return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                   "that would give you the permission to %s the certificate, "
                                   "which you lack: ask somebody who has it",
                                   action);
        }
    }
    return CHY_OK;
}
