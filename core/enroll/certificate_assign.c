#include "enroll/certificate_assign.h"

#include "enroll/application.h"
#include "enroll/gain.h"
#include "enroll/permit.h"
#include "resource/collections.h"

const char chy_certificate_assign_shape[] =
    "{\"type\":\"object\",\"required\":[\"applicationId\"],\"properties\":{"
    "\"applicationId\":" CHY_SHAPE_ID "}}";

chy_status chy_certificate_set_application(struct chy_call *call, json_t *object,
                                           const struct chy_uuid *id)
{
    struct chy_slice name = {NULL, 0};
    if (!chy_uuid_is_nil(id)) {
        CHY_TRY(chy_call_name(call, CHY_C_APPLICATIONS, CHY_APPLICATION_NAME, id, &name));
    }
    bool fine = name.len != 0 ? chy_json_set_uuid(object, "applicationId", id) &&
                                    chy_json_set_text(object, "applicationName", name)
                              : chy_json_set_null(object, "applicationId") &&
                                    chy_json_set_null(object, "applicationName");
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

/** refuse_assigned: whose members may do what with a certificate is said once.  An application that
 *  was deleted says nothing any more. */
static chy_status refuse_assigned(struct chy_call *call, const struct chy_storage_row *row)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_CERT_APPLICATION_ID);
    struct chy_slice name = {NULL, 0};
    if (!chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_call_name(call, CHY_C_APPLICATIONS, CHY_APPLICATION_NAME, &id, &name));
    }
    return name.len == 0 ? CHY_OK
                         : chy_fail(call->op, CHY_BAD_INPUT, 0,
                                    "the certificate belongs to the application '%.*s' already, "
                                    "and stays there",
                                    (int)name.len, (const char *)name.ptr);
}

chy_status chy_certificate_check_application(struct chy_call *call, const struct chy_uuid *id,
                                             const struct chy_uuid *profile_id)
{
    struct chy_enroll_application application;
    CHY_TRY(chy_enroll_application_get(call->runtime, call->op, &call->project_id, id, profile_id,
                                       &application));
    if (!application.is_there) {
        return chy_not_found(call->op, "application");
    }
    return application.enrolls || chy_uuid_is_nil(profile_id)
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "the application does not enroll by the certificate's profile: add the "
                          "profile to the application first");
}

/** refuse_gain: who assigns a certificate must not come by what they lack through roles in the
 *  application. */
static chy_status refuse_gain(struct chy_call *call, const struct chy_storage_row *row,
                              const struct chy_uuid *application_id)
{
    struct chy_facts facts;
    struct chy_place before = chy_certificate_place(row);
    struct chy_uuid owner_id;
    CHY_TRY(chy_permit_row_facts(call, row, &owner_id, &facts));
    before.facts = &facts;
    struct chy_place after = before;
    after.application_id = *application_id;
    return chy_gain_refuse(call->op, &before, &after);
}

/** require_key: its key comes within reach of the application's members, so who assigns a
 *  certificate must be able to read it: nobody hands out what they lack. */
static chy_status require_key(struct chy_call *call, const struct chy_storage_row *row)
{
    return chy_row_is_null(row, CHY_CERT_SEALED_KEY)
               ? CHY_OK
               : chy_permit_require(call->runtime, call->op, row, CHY_ACTION_READ_PRIVATE_KEY);
}

/** assign_request lets the request, if there was one, be found under the application as well. */
static chy_status assign_request(struct chy_call *call, struct chy_batch *batch,
                                 const struct chy_uuid *request_id,
                                 const struct chy_uuid *application_id)
{
    struct chy_storage_row row;
    if (chy_uuid_is_nil(request_id)) {
        return CHY_OK;
    }
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_REQUESTS,
                                         CHY_KEY(chy_value_uuid(request_id)), CHY_NO_FIELDS, &row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(request_id)));
    chy_write_guard_revision(write, row.revision);
    chy_write_set(write, CHY_REQUEST_APPLICATION_ID, chy_value_uuid(application_id));
    return CHY_OK;
}

static chy_status store(struct chy_call *call, const struct chy_storage_row *row,
                        const struct chy_uuid *application_id)
{
    struct chy_batch batch;
    struct chy_uuid request_id = chy_row_uuid(row, CHY_CERT_REQUEST_ID);
    json_t *detail = chy_json_object(call->op);
    if (detail == NULL || !chy_json_set_uuid(detail, "applicationId", application_id)) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_json_write(call->op, detail, &call->audit_detail));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *there =
        chy_batch_check(&batch, CHY_C_APPLICATIONS, CHY_KEY(chy_value_uuid(application_id)));
    chy_write_guard_present(there);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_CERT_APPLICATION_ID, chy_value_uuid(application_id));
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(assign_request(call, &batch, &request_id, application_id));
    return chy_call_commit(call, &batch, "assign", &call->id);
}

chy_status chy_certificate_assign(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_uuid application_id;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    if (!chy_call_uuid(call, "applicationId", &application_id)) {
        return chy_not_found(call->op, "application"); // its shape was checked
    }
    struct chy_uuid profile_id = chy_row_uuid(&row, CHY_CERT_PROFILE_ID);
    CHY_TRY(chy_certificate_check_application(call, &application_id, &profile_id));
    CHY_TRY(refuse_assigned(call, &row));
    CHY_TRY(require_key(call, &row));
    CHY_TRY(refuse_gain(call, &row, &application_id));
    CHY_TRY(store(call, &row, &application_id));
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return chy_call_answer_row(call, &row);
}
