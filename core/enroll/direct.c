#include "enroll/direct.h"

#include "base/slice.h"
#include "resource/collections.h"
#include "resource/principal.h"
#include "resource/shape.h"

/** check_authority: a foreign CA is not there; one of the caller's may still forbid it. */
static chy_status check_authority(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *id)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_AUTHORITY_PROJECT_ID, CHY_AUTHORITY_DIRECT), &row);
    CHY_TRY(chy_or_not_found(op, status, "certificate authority"));
    struct chy_uuid project_id = chy_row_uuid(&row, 0);
    CHY_TRY(chy_require_some(op, &project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_ISSUE,
                             "certificate authority"));
    if (!chy_row_bool(&row, 1)) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "the certificate authority issues by certificate profile only "
                               "(enableDirectIssuance is false): name the profile");
    }
    return CHY_OK;
}

chy_status chy_direct_profile(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_slice authority_id, struct chy_slice method,
                              struct chy_uuid *out_profile_id)
{
    struct chy_uuid id;
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_slice canonical;
    if (!chy_uuid_parse(authority_id, &id)) {
        return chy_shape_refuse_one(op, "invalid_string", "/caId",
                                    "the id of a certificate authority is a UUID");
    }
    CHY_TRY(check_authority(runtime, op, &id));
    CHY_TRY(chy_slice_lower(op, method, &canonical));
    chy_query_init(&query, op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_ID), 2);
    chy_query_eq(&query, CHY_PROFILE_CA_ID, chy_value_uuid(&id));
    chy_query_eq(&query, CHY_PROFILE_METHOD, chy_value_text(canonical));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    if (page.rows.count != 1) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the certificate authority has %s certificate profile of the method "
                        "'%.*s': name one as certificateTemplateId or profileId instead of caId",
                        page.rows.count == 0 ? "no" : "more than one", (int)canonical.len,
                        (const char *)canonical.ptr);
    }
    *out_profile_id = chy_row_uuid(chy_page_row(&page, 0), 0);
    return CHY_OK;
}
