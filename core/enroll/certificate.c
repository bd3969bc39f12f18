#include "enroll/certificate.h"

#include "base/encode.h"
#include "base/time.h"
#include "enroll/answers.h"
#include "enroll/certificate_assign.h"
#include "enroll/certificate_delete.h"
#include "enroll/certificate_edit.h"
#include "enroll/certificate_import.h"
#include "enroll/certificate_row.h"
#include "enroll/certificate_search.h"
#include "enroll/certificate_view.h"
#include "enroll/permit.h"
#include "enroll/renew.h"
#include "enroll/renewal.h"
#include "enroll/revoke.h"
#include "enroll/statistics_read.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/extensions.h"

static const struct chy_member members[] = {
    {"id", CHY_CERT_ID, CHY_MEMBER_DERIVED, NULL},
    {"createdAt", CHY_CERT_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_CERT_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_CERT_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"caId", CHY_CERT_AUTHORITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"caCertId", CHY_CERT_AUTHORITY_CERTIFICATE_ID, CHY_MEMBER_DERIVED, NULL},
    {"serialNumber", CHY_CERT_SERIAL, CHY_MEMBER_DERIVED, NULL},
    {"friendlyName", CHY_CERT_FRIENDLY_NAME, CHY_MEMBER_DERIVED, NULL},
    {"commonName", CHY_CERT_COMMON_NAME, CHY_MEMBER_DERIVED, NULL},
    {"notBefore", CHY_CERT_NOT_BEFORE, CHY_MEMBER_DERIVED, NULL},
    {"notAfter", CHY_CERT_NOT_AFTER, CHY_MEMBER_DERIVED, NULL},
    {"revokedAt", CHY_CERT_REVOKED_AT, CHY_MEMBER_DERIVED, NULL},
    {"revocationReason", CHY_CERT_REVOCATION_REASON, CHY_MEMBER_DERIVED, NULL},
    {"profileId", CHY_CERT_PROFILE_ID, CHY_MEMBER_DERIVED, NULL},
    {"keyAlgorithm", CHY_CERT_KEY_ALGORITHM, CHY_MEMBER_DERIVED, NULL},
    {"signatureAlgorithm", CHY_CERT_SIGNATURE_ALGORITHM, CHY_MEMBER_DERIVED, NULL},
    {"renewedFromCertificateId", CHY_CERT_RENEWED_FROM_ID, CHY_MEMBER_DERIVED, NULL},
    {"renewedByCertificateId", CHY_CERT_RENEWED_BY_ID, CHY_MEMBER_DERIVED, NULL},
    {"renewAt", CHY_CERT_RENEW_AT, CHY_MEMBER_DERIVED, NULL},
    {"renewalError", CHY_CERT_RENEWAL_ERROR, CHY_MEMBER_DERIVED, NULL},
    {"isCA", CHY_CERT_IS_CA, CHY_MEMBER_DERIVED, NULL},
    {"pathLength", CHY_CERT_PATH_LENGTH, CHY_MEMBER_DERIVED, NULL},
    {"source", CHY_CERT_SOURCE, CHY_MEMBER_DERIVED, NULL},
    {"enrollmentType", CHY_CERT_METHOD, CHY_MEMBER_DERIVED, NULL},
    {"subject", CHY_CERT_SUBJECT, CHY_MEMBER_DERIVED, NULL},
};

static bool set_words(json_t *object, const char *name, uint32_t mask,
                      const char *(*word)(uint32_t bit))
{
    json_t *list = json_array();
    for (uint32_t bit = 1; bit != 0; bit <<= 1) {
        if ((mask & bit) != 0 && json_array_append_new(list, json_string(word(bit))) != 0) {
            json_decref(list);
            return false;
        }
    }
    return json_object_set_new(object, name, list) == 0;
}

static bool set_fingerprint(struct chy_op *op, json_t *object, const char *flat,
                            json_t *fingerprints, const char *name, struct chy_slice digest)
{
    struct chy_slice text;
    return chy_hex_text(op, digest, &text) == CHY_OK && chy_json_set_text(object, flat, text) &&
           chy_json_set_text(fingerprints, name, text);
}

static bool set_subject(json_t *object)
{
    static const struct {
        const char *flat;
        const char *member;
    } flats[] = {
        {"subjectOrganization", "organization"},
        {"subjectOrganizationalUnit", "organizationalUnit"},
        {"subjectCountry", "country"},
        {"subjectState", "state"},
        {"subjectLocality", "locality"},
        {"subjectDomainComponents", "domainComponents"},
    };
    const json_t *subject = json_object_get(object, "subject");
    for (size_t i = 0; i < CHY_COUNT_OF(flats); i++) {
        json_t *value = json_object_get(subject, flats[i].member);
        if (json_object_set_new(object, flats[i].flat,
                                value == NULL ? json_null() : json_incref(value)) != 0) {
            return false;
        }
    }
    return true;
}

const char *chy_certificate_status(struct chy_slice stored, int64_t not_after, int64_t now)
{
    if (chy_slice_is(stored, "revoked")) {
        return "revoked";
    }
    return now > not_after ? "expired" : "active";
}

static bool set_constraints(json_t *object, const struct chy_storage_row *row)
{
    json_t *constraints = json_object();
    bool fine =
        constraints != NULL &&
        chy_json_set_bool(constraints, "isCA", chy_row_bool(row, CHY_CERT_IS_CA)) &&
        (chy_row_is_null(row, CHY_CERT_PATH_LENGTH) ||
         chy_json_set_int(constraints, "pathLength", chy_row_int(row, CHY_CERT_PATH_LENGTH)));
    return json_object_set_new(object, "basicConstraints", constraints) == 0 && fine;
}

static bool set_renewal(json_t *object, const struct chy_storage_row *row)
{
    if (chy_row_is_null(row, CHY_CERT_RENEW_BEFORE)) {
        return chy_json_set_null(object, "renewBeforeDays") &&
               chy_json_set_null(object, "renewBefore");
    }
    char text[CHY_DURATION_TEXT_SIZE];
    int64_t before = chy_row_int(row, CHY_CERT_RENEW_BEFORE);
    chy_duration_format(before, text);
    return chy_json_set_int(object, "renewBeforeDays",
                            (before + CHY_US_PER_DAY - 1) / CHY_US_PER_DAY) &&
           chy_json_set_text(object, "renewBefore", chy_text(text));
}

/** set_name looks up a name by which people know what an id stands for. */
static chy_status set_name(struct chy_call *call, json_t *object, const char *member,
                           const struct chy_storage_row *row, uint32_t id_field,
                           uint32_t collection, uint32_t name_field)
{
    struct chy_uuid id = chy_row_uuid(row, id_field);
    struct chy_slice name = {NULL, 0};
    if (!chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_call_name(call, collection, name_field, &id, &name));
    }
    bool fine =
        name.len == 0 ? chy_json_set_null(object, member) : chy_json_set_text(object, member, name);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status set_metadata(struct chy_call *call, json_t *object,
                               const struct chy_storage_row *row)
{
    json_t *metadata;
    if (chy_row_is_null(row, CHY_CERT_METADATA)) {
        metadata = chy_json_array(call->op);
        if (metadata == NULL) {
            return chy_fail_memory(call->op);
        }
    } else {
        CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_CERT_METADATA), &metadata));
    }
    return json_object_set(object, "metadata", metadata) == 0 ? CHY_OK : chy_fail_memory(call->op);
}

/** set_links shows where the line of renewals has got to, and what no certificate here has. */
static chy_status set_links(struct chy_call *call, json_t *object,
                            const struct chy_storage_row *row)
{
    struct chy_uuid latest;
    CHY_TRY(chy_renew_latest(call->runtime, call->op, row, &latest));
    bool fine = (chy_uuid_is_nil(&latest)
                     ? chy_json_set_null(object, "latestRenewalCertificateId")
                     : chy_json_set_uuid(object, "latestRenewalCertificateId", &latest)) &&
                chy_json_set_null(object, "certificateTemplateId") &&
                chy_json_set_null(object, "pkiSubscriberId");
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    json_t *fingerprints = json_object();
    bool of_no_ca = chy_row_is_null(row, CHY_CERT_AUTHORITY_ID); // self-signed, or imported
    bool fine =
        json_object_set_new(object, "fingerprints", fingerprints) == 0 &&
        chy_json_set_text(object, "status",
                          chy_text(chy_certificate_status(chy_row_text(row, CHY_CERT_STATUS),
                                                          chy_row_time(row, CHY_CERT_NOT_AFTER),
                                                          chy_now(call->op)))) &&
        set_words(object, "keyUsages", (uint32_t)chy_row_int(row, CHY_CERT_KEY_USAGES),
                  chy_key_usage_word) &&
        set_words(object, "extendedKeyUsages", (uint32_t)chy_row_int(row, CHY_CERT_EXT_KEY_USAGES),
                  chy_eku_word) &&
        chy_json_set_text(object, "altNames", chy_row_text(row, CHY_CERT_ALT_NAMES)) &&
        set_fingerprint(call->op, object, "fingerprintSha256", fingerprints, "sha256",
                        chy_row_blob(row, CHY_CERT_FINGERPRINT_SHA256)) &&
        set_fingerprint(call->op, object, "fingerprintSha1", fingerprints, "sha1",
                        chy_row_blob(row, CHY_CERT_FINGERPRINT_SHA1)) &&
        set_subject(object) && set_constraints(object, row) && set_renewal(object, row) &&
        chy_json_set_bool(object, "hasPrivateKey", !chy_row_is_null(row, CHY_CERT_DATA_KEY_ID)) &&
        (of_no_ca ? chy_json_set_null(object, "caType")
                  : chy_json_set_text(object, "caType", chy_text("internal")));
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(set_links(call, object, row));
    CHY_TRY(set_metadata(call, object, row));
    CHY_TRY(set_name(call, object, "caName", row, CHY_CERT_AUTHORITY_ID, CHY_C_AUTHORITIES,
                     CHY_AUTHORITY_NAME));
    CHY_TRY(set_name(call, object, "profileName", row, CHY_CERT_PROFILE_ID, CHY_C_PROFILES,
                     CHY_PROFILE_SLUG));
    struct chy_uuid application_id = chy_row_uuid(row, CHY_CERT_APPLICATION_ID);
    return chy_certificate_set_application(call, object, &application_id);
}

/* ------------------------------------------------------------------------------------------------
 * PEM and keys
 */

static chy_status certificate(struct chy_call *call)
{
    struct chy_certificate_view view;
    CHY_TRY(chy_certificate_view_load(call->runtime, call->op, &call->id, &view));
    json_t *object = chy_json_object(call->op);
    bool fine =
        object != NULL && chy_json_set_text(object, "certificate", view.pem) &&
        (view.chain_pem.len == 0 ? chy_json_set_null(object, "certificateChain")
                                 : chy_json_set_text(object, "certificateChain", view.chain_pem)) &&
        chy_json_set_text(object, "serialNumber", chy_row_text(&view.row, CHY_CERT_SERIAL));
    call->answer = object;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

#define SECRET_MAX ((size_t)2 << 20)

static chy_status private_key(struct chy_call *call)
{
    struct chy_certificate_view view;
    struct chy_slice pem;
    struct chy_buf json;
    CHY_TRY(chy_certificate_view_load(call->runtime, call->op, &call->id, &view));
    call->project_id = view.project_id;
    CHY_TRY(chy_certificate_view_key(call->runtime, call->op, &view, "private-key", &pem));
    chy_buf_init_secret(&json, call->op, SECRET_MAX);
    chy_buf_add_json_string(&json, pem);
    call->secret = chy_buf_slice(&json);
    return chy_buf_ok(&json) ? CHY_OK : chy_buf_fail(&json, call->op, "the private key");
}

static void add_text_or_null(struct chy_buf *json, struct chy_slice text)
{
    if (text.len != 0) {
        chy_buf_add_json_string(json, text);
    } else {
        chy_buf_add_text(json, "null");
    }
}

/** A certificate, its chain and its key; what is empty is null. */
struct bundle {
    struct chy_slice pem;
    struct chy_slice chain;
    struct chy_slice key;
    struct chy_slice serial;
};

static chy_status answer_bundle(struct chy_call *call, const struct bundle *bundle)
{
    struct chy_buf json;
    chy_buf_init_secret(&json, call->op, SECRET_MAX);
    chy_buf_add_text(&json, "{\"certificate\":");
    add_text_or_null(&json, bundle->pem);
    chy_buf_add_text(&json, ",\"certificateChain\":");
    add_text_or_null(&json, bundle->chain);
    chy_buf_add_text(&json, ",\"privateKey\":");
    add_text_or_null(&json, bundle->key);
    chy_buf_add_text(&json, ",\"serialNumber\":");
    add_text_or_null(&json, bundle->serial);
    chy_buf_add_u8(&json, '}');
    call->secret = chy_buf_slice(&json);
    return chy_buf_ok(&json) ? CHY_OK : chy_buf_fail(&json, call->op, "the bundle");
}

static chy_status bundle_of(struct chy_call *call, const struct chy_certificate_view *view,
                            const char *how)
{
    struct bundle bundle = {.pem = view->pem,
                            .chain = view->chain_pem,
                            .serial = chy_row_text(&view->row, CHY_CERT_SERIAL)};
    if (chy_certificate_view_has_key(view) && view->may_read_key) {
        CHY_TRY(chy_certificate_view_key(call->runtime, call->op, view, how, &bundle.key));
    }
    return answer_bundle(call, &bundle);
}

static chy_status bundle(struct chy_call *call)
{
    struct chy_certificate_view view;
    CHY_TRY(chy_certificate_view_load(call->runtime, call->op, &call->id, &view));
    call->project_id = view.project_id;
    return bundle_of(call, &view, "bundle");
}

/* --- the latest of a profile -------------------------------------------------------------------*/

#define LATEST_SHAPE                                                     \
    "{\"type\":\"object\",\"required\":[\"profileId\"],\"properties\":{" \
    "\"profileId\":" CHY_SHAPE_ID "}}"
/** Revoked and imported certificates that end later than the latest one of ours, at most. */
#define LATEST_SCAN_MAX 10000U

/** find_latest finds the certificate that was issued here, is valid now and ends last.
 *  `*out_there` false: none. */
static chy_status find_latest(struct chy_call *call, const struct chy_uuid *profile_id,
                              struct chy_uuid *out_id, bool *out_there)
{
    struct chy_query query;
    struct chy_storage_page page;
    int64_t now = chy_now(call->op);
    chy_query_init(&query, call->op, CHY_C_CERTIFICATES, CHY_FIELDS(CHY_CERT_ID), 1);
    query.find.scan_limit = LATEST_SCAN_MAX;
    chy_query_eq(&query, CHY_CERT_PROFILE_ID, chy_value_uuid(profile_id));
    chy_query_eq(&query, CHY_CERT_STATUS, chy_value_text(chy_text("active")));
    // What was brought in says itself how long it is valid: it would stand before all that is ours.
    chy_query_eq(&query, CHY_CERT_SOURCE, chy_value_text(chy_text(CHY_SOURCE_ISSUED)));
    chy_query_range(&query, CHY_CERT_NOT_AFTER, chy_value_time(now), chy_value_null());
    chy_query_range(&query, CHY_CERT_NOT_BEFORE, chy_value_null(), chy_value_time(now + 1));
    chy_query_order(&query, CHY_CERT_NOT_AFTER, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    *out_there = page.rows.count != 0;
    if (*out_there) {
        *out_id = chy_row_uuid(chy_page_row(&page, 0), 0);
        return CHY_OK;
    }
    return page.more == 0
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "more than %u revoked or imported certificates of the profile end "
                          "later than any active one: search for that by its name",
                          LATEST_SCAN_MAX);
}

/** latest_bundle is of whoever may read private keys: all of the project's, or this one. */
static chy_status latest_bundle(struct chy_call *call)
{
    struct chy_certificate_view view;
    struct chy_uuid profile_id;
    bool there;
    CHY_TRY(chy_certificate_profile(call, &profile_id));
    CHY_TRY(find_latest(call, &profile_id, &call->id, &there));
    if (!there) {
        const struct bundle none = {.serial = {NULL, 0}};
        CHY_TRY(chy_require_some(call->op, &call->project_id, CHY_SUBJECT_CERTIFICATES,
                                 CHY_ACTION_READ_PRIVATE_KEY, "certificate"));
        return answer_bundle(call, &none);
    }
    CHY_TRY(chy_certificate_view_load(call->runtime, call->op, &call->id, &view));
    if (!view.may_read_key) {
        return chy_require(call->op, &call->project_id, CHY_SUBJECT_CERTIFICATES,
                           CHY_ACTION_READ_PRIVATE_KEY, "certificate");
    }
    return bundle_of(call, &view, "latest-active-bundle");
}

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_kind_delete},
    {"certificate", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, certificate},
    {"bundle", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, bundle},
    {"private-key", CHY_ACTION_READ_PRIVATE_KEY, CHY_ACTION_NEEDS_ID, NULL, private_key},
    {"revoke", NULL, 0, CHY_REVOKE_SHAPE, chy_revoke_action},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_certificate_update_shape,
     chy_certificate_update},
    {"pkcs12", CHY_ACTION_READ_PRIVATE_KEY, CHY_ACTION_NEEDS_ID, chy_certificate_pkcs12_shape,
     chy_certificate_pkcs12},
    {"import", CHY_ACTION_CREATE, 0, chy_certificate_import_shape, chy_certificate_import},
    {"search", CHY_ACTION_READ, 0, CHY_CERTIFICATE_SEARCH, chy_certificate_search},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_CERTIFICATE_SEARCH, chy_certificate_search},
    {"list-by-slug", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_CERTIFICATE_SEARCH,
     chy_certificate_search_slug},
    {"dashboard-stats", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_DASHBOARD_SHAPE,
     chy_statistics_dashboard},
    {"activity-trend", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_TREND_SHAPE, chy_statistics_trend},
    {"config", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, CHY_RENEWAL_CONFIG_SHAPE,
     chy_renewal_configure},
    {"assign", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, chy_certificate_assign_shape,
     chy_certificate_assign},
    {"list-of-profile", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_CERTIFICATES_OF_PROFILE,
     chy_certificate_list_profile},
    {"latest-active-bundle", CHY_ACTION_READ_PRIVATE_KEY, CHY_ACTION_QUERY, LATEST_SHAPE,
     latest_bundle},
};

const struct chy_kind chy_kind_certificate = {
    .name = "certificates",
    .singular = "certificate",
    .plural = "certificates",
    .what = "certificate",
    .subject = CHY_SUBJECT_CERTIFICATES,
    .audit = "certificate",
    .collection = CHY_C_CERTIFICATES,
    .id_field = CHY_CERT_ID,
    .project_field = CHY_CERT_PROJECT_ID,
    .has_application = true,
    .application_field = CHY_CERT_APPLICATION_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_CERT_CREATED_AT,
    .updated_field = CHY_CERT_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = chy_certificate_outline,
    .answers = chy_certificate_answers,
    .answer_count = CHY_CERTIFICATE_ANSWER_COUNT,
    .hooks = {.before_delete = chy_certificate_before_delete,
              .decorate = decorate,
              .facts = chy_permit_row_facts},
};
