/** Applications as enrollment sees them: may they enroll by a profile, and how. */
#ifndef CHY_ENROLL_APPLICATION_H
#define CHY_ENROLL_APPLICATION_H

#include "enroll/profile.h"

struct chy_enroll_application {
    bool is_there;                        /**< and in the project */
    bool enrolls;                         /**< by the profile */
    bool has_own;                         /**< configuration, which goes before the profile's */
    struct chy_auto_renewal auto_renewal; /**< with `has_own` */
};

/**
 * chy_enroll_application_get finds out what the application `id` may do by a profile; nil: no
 * profile.  One that is not there, or not in the project, is an answer too.  Mostly reads one row.
 */
CHY_MUST_USE chy_status chy_enroll_application_get(struct chy_runtime *runtime, struct chy_op *op,
                                                   const struct chy_uuid *project_id,
                                                   const struct chy_uuid *id,
                                                   const struct chy_uuid *profile_id,
                                                   struct chy_enroll_application *out_application);

#endif
