#include "enroll/application.h"

#include "resource/collections.h"

static chy_status read_use(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *project_id, const struct chy_uuid *id,
                           const struct chy_uuid *profile_id,
                           struct chy_enroll_application *application)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_APPLICATION_PROFILES,
                         CHY_KEY(chy_value_uuid(id), chy_value_uuid(profile_id)),
                         CHY_FIELDS(CHY_APP_PROFILE_PROJECT_ID, CHY_APP_PROFILE_API_CONFIG), &row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    struct chy_uuid of = chy_row_uuid(&row, 0);
    application->enrolls = chy_uuid_compare(&of, project_id) == 0;
    application->is_there = application->enrolls;
    application->has_own = application->enrolls && !chy_row_is_null(&row, 1);
    return application->has_own
               ? chy_auto_renewal_read(op, chy_row_json(&row, 1), &application->auto_renewal)
               : CHY_OK;
}

chy_status chy_enroll_application_get(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_uuid *project_id, const struct chy_uuid *id,
                                      const struct chy_uuid *profile_id,
                                      struct chy_enroll_application *out_application)
{
    struct chy_enroll_application application;
    struct chy_storage_row row;
    memset(&application, 0, sizeof application);
    if (!chy_uuid_is_nil(profile_id)) {
        CHY_TRY(read_use(runtime, op, project_id, id, profile_id, &application));
    }
    if (!application.enrolls) { // its uses go with it, so that one is proof enough
        chy_status status =
            chy_storage_read(runtime->storage, op, CHY_C_APPLICATIONS, CHY_KEY(chy_value_uuid(id)),
                             CHY_FIELDS(CHY_APPLICATION_PROJECT_ID), &row);
        if (status != CHY_OK && status != CHY_NOT_FOUND) {
            return status;
        }
        struct chy_uuid none = {{0}};
        struct chy_uuid of = status == CHY_OK ? chy_row_uuid(&row, 0) : none;
        application.is_there = chy_uuid_compare(&of, project_id) == 0;
    }
    *out_application = application;
    return CHY_OK;
}
