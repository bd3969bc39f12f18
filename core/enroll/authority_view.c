/** A CA as JSON. */
#include "enroll/authority.h"

#include "base/time.h"
#include "enroll/authority_expiry.h"
#include "resource/collections.h"
#include "x509/name.h"

static chy_status add_parts(struct chy_call *call, const struct chy_storage_row *row,
                            json_t *object)
{
    json_t *kept;
    struct chy_slice dn;
    CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_AUTHORITY_SUBJECT_PARTS), &kept));
    CHY_TRY(chy_name_text(call->op, chy_row_blob(row, CHY_AUTHORITY_SUBJECT), &dn));
    return json_object_update(object, kept) == 0 && chy_json_set_text(object, "dn", dn)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static bool set_value(struct chy_call *call, json_t *object, const char *name,
                      const struct chy_storage_row *row, uint32_t field)
{
    return json_object_set_new(object, name,
                               chy_value_to_json(call->op, chy_row_value(row, field))) == 0;
}

/** add_certificate tells of the certificate in use, which a pending CA lacks. */
static chy_status add_certificate(struct chy_call *call, const struct chy_storage_row *row,
                                  json_t *object)
{
    struct chy_uuid generation_id = chy_row_uuid(row, CHY_AUTHORITY_GENERATION_ID);
    struct chy_storage_row generation;
    struct chy_storage_row certificate;
    bool fine =
        chy_json_set_null(object, "serialNumber") && chy_json_set_null(object, "activeCaCertId");
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_GENERATIONS,
                             CHY_KEY(chy_value_uuid(&generation_id)),
                             CHY_FIELDS(CHY_GENERATION_CERTIFICATE_ID), &generation));
    struct chy_uuid id = chy_row_uuid(&generation, 0);
    if (!chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_AUTHORITY_CERTIFICATES,
                                 CHY_KEY(chy_value_uuid(&id)),
                                 CHY_FIELDS(CHY_ACERT_SERIAL, CHY_ACERT_NOT_BEFORE,
                                            CHY_ACERT_NOT_AFTER, CHY_ACERT_MAX_PATH_LENGTH),
                                 &certificate));
        fine = fine && set_value(call, object, "serialNumber", &certificate, 0) &&
               set_value(call, object, "notBefore", &certificate, 1) &&
               set_value(call, object, "notAfter", &certificate, 2) &&
               set_value(call, object, "maxPathLength", &certificate, 3) &&
               chy_json_set_uuid(object, "activeCaCertId", &id);
    }
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status configuration_object(struct chy_call *call, const struct chy_storage_row *row,
                                       json_t **out_object)
{
    json_t *object = chy_json_object(call->op);
    bool fine =
        object != NULL && set_value(call, object, "type", row, CHY_AUTHORITY_KIND) &&
        set_value(call, object, "friendlyName", row, CHY_AUTHORITY_FRIENDLY_NAME) &&
        set_value(call, object, "keyAlgorithm", row, CHY_AUTHORITY_KEY_ALGORITHM) &&
        set_value(call, object, "maxPathLength", row, CHY_AUTHORITY_MAX_PATH_LENGTH) &&
        set_value(call, object, "crlDistributionPointUrls", row, CHY_AUTHORITY_CRL_MIRRORS) &&
        chy_json_set_bool(object, "isOcspEnabled", chy_authority_wants_ocsp(row)) &&
        set_value(call, object, "nameConstraints", row, CHY_AUTHORITY_NAME_CONSTRAINTS) &&
        set_value(call, object, "notBefore", row, CHY_AUTHORITY_NOT_BEFORE) &&
        set_value(call, object, "notAfter", row, CHY_AUTHORITY_NOT_AFTER) &&
        set_value(call, object, "parentCaId", row, CHY_AUTHORITY_PARENT_ID);
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(add_parts(call, row, object));
    *out_object = object;
    return add_certificate(call, row, object);
}

/** add_warnings tells of a CA that will soon be too short-lived for its profiles. */
static chy_status add_warnings(struct chy_call *call, const struct chy_storage_row *row,
                               const json_t *settings, json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_AUTHORITY_ID);
    struct chy_uuid active;
    int64_t not_after;
    bool soon = false;
    json_t *list = chy_json_array(call->op);
    if (list == NULL || json_object_set(object, "warnings", list) != 0) {
        return chy_fail_memory(call->op);
    }
    bool has_certificate = chy_uuid_parse(chy_json_member(settings, "activeCaCertId"), &active);
    if (!has_certificate || !chy_time_parse(chy_json_member(settings, "notAfter"), &not_after)) {
        return CHY_OK;
    }
    CHY_TRY(chy_authority_ends_soon(call->runtime, call->op, &id, not_after, &soon));
    if (!soon) {
        return CHY_OK;
    }
    json_t *warning = chy_json_object(call->op);
    bool fine =
        warning != NULL && chy_json_set_text(warning, "code", chy_text("ca-expires-soon")) &&
        chy_json_set_text(warning, "message",
                          chy_text("the CA ends too soon for what its profiles may ask "
                                   "for: renew it, or roll its key over")) &&
        chy_json_set_time(warning, "notAfter", not_after) && json_array_append(list, warning) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_authority_object(struct chy_call *call, const struct chy_storage_row *row,
                                json_t **out_object)
{
    json_t *settings;
    json_t *object = chy_json_object(call->op);
    CHY_TRY(configuration_object(call, row, &settings));
    bool fine = object != NULL && set_value(call, object, "id", row, CHY_AUTHORITY_ID) &&
                set_value(call, object, "projectId", row, CHY_AUTHORITY_PROJECT_ID) &&
                set_value(call, object, "name", row, CHY_AUTHORITY_NAME) &&
                set_value(call, object, "status", row, CHY_AUTHORITY_STATUS) &&
                chy_json_set_text(object, "type", chy_text("internal")) &&
                set_value(call, object, "enableDirectIssuance", row, CHY_AUTHORITY_DIRECT) &&
                set_value(call, object, "onCaExpiry", row, CHY_AUTHORITY_ON_EXPIRY) &&
                set_value(call, object, "createdAt", row, CHY_AUTHORITY_CREATED_AT) &&
                set_value(call, object, "updatedAt", row, CHY_AUTHORITY_UPDATED_AT) &&
                json_object_set(object, "configuration", settings) == 0;
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(add_warnings(call, row, settings, object));
    *out_object = object;
    return CHY_OK;
}
