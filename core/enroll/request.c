#include "enroll/request.h"

#include "base/time.h"
#include "enroll/approval.h"
#include "enroll/approval_decide.h"
#include "enroll/certificate_view.h"
#include "enroll/permit.h"
#include "enroll/pipeline.h"
#include "enroll/request_search.h"
#include "resource/collections.h"

#define FIELDS                                                                         \
    CHY_FIELDS(CHY_REQUEST_PROJECT_ID, CHY_REQUEST_STATUS, CHY_REQUEST_CERTIFICATE_ID, \
               CHY_REQUEST_SERIAL, CHY_REQUEST_ERROR, CHY_REQUEST_COMMON_NAME,         \
               CHY_REQUEST_DECISION, CHY_REQUEST_METADATA, CHY_REQUEST_NOTES,          \
               CHY_REQUEST_CREATED_AT, CHY_REQUEST_UPDATED_AT, CHY_REQUEST_PROFILE_ID, \
               CHY_REQUEST_APPLICATION_ID, CHY_REQUEST_IDENTITY_ID, CHY_REQUEST_APPROVAL_ID)
enum {
    PROJECT,
    STATUS,
    CERTIFICATE,
    SERIAL,
    ERROR,
    COMMON_NAME,
    DECISION,
    METADATA,
    NOTES,
    CREATED,
    UPDATED,
    PROFILE,
    APPLICATION,
    IDENTITY,
    APPROVAL
};

static const struct chy_fact_places places = {.profile_id = PROFILE,
                                              .identity_id = IDENTITY,
                                              .application_id = APPLICATION,
                                              .common_name = COMMON_NAME,
                                              .metadata = METADATA,
                                              .decision = DECISION};

/** A request, and its certificate once there is one. */
struct request {
    struct chy_storage_row row;
    struct chy_certificate_view view;
    struct chy_slice key; /**< PEM, secret; empty: none here, or not for the caller */
    bool issued;          /**< and its certificate is still there */
};

static chy_status read_request(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id, struct request *r)
{
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_REQUESTS,
                                         CHY_KEY(chy_value_uuid(id)), FIELDS, &r->row);
    CHY_TRY(chy_or_not_found(op, status, "certificate request"));
    struct chy_uuid project_id = chy_row_uuid(&r->row, PROJECT);
    CHY_TRY(chy_permit_request(runtime, op, &project_id, &r->row, &places));
    struct chy_uuid certificate_id = chy_row_uuid(&r->row, CERTIFICATE);
    r->issued = chy_slice_is(chy_row_text(&r->row, STATUS), "issued");
    if (!r->issued) {
        return CHY_OK;
    }
    status = chy_certificate_view_load(runtime, op, &certificate_id, &r->view);
    if (status == CHY_NOT_FOUND) { // deleted since: what remains is that it was issued
        memset(&r->view, 0, sizeof r->view);
        r->issued = false;
        return CHY_OK;
    }
    CHY_TRY(status);
    if (chy_certificate_view_has_key(&r->view) && r->view.may_read_key) {
        return chy_certificate_view_key(runtime, op, &r->view, "certificate-request", &r->key);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * As JSON
 */

static void add_member(struct chy_buf *json, const char *name, struct chy_slice text)
{
    chy_buf_add_u8(json, json->len == 1 ? ' ' : ',');
    chy_buf_add_json_string(json, chy_text(name));
    chy_buf_add_u8(json, ':');
    if (text.len == 0) {
        chy_buf_add_text(json, "null");
    } else {
        chy_buf_add_json_string(json, text);
    }
}

static void add_raw(struct chy_buf *json, const char *name, struct chy_slice raw)
{
    chy_buf_add_u8(json, ',');
    chy_buf_add_json_string(json, chy_text(name));
    chy_buf_add_u8(json, ':');
    chy_buf_add(json, raw);
}

static chy_status add_time(struct chy_op *op, struct chy_buf *json, const char *name, int64_t time)
{
    struct chy_slice text;
    CHY_TRY(chy_time_text(op, time, &text));
    add_member(json, name, text);
    return CHY_OK;
}

static chy_status add_subject(struct chy_op *op, const struct request *r, struct chy_buf *json)
{
    static const char *const names[] = {"organization", "organizationalUnit", "country",
                                        "state",        "locality",           "domainComponents"};
    json_t *subject = NULL;
    if (r->issued && !chy_row_is_null(&r->view.row, CHY_CERT_SUBJECT)) {
        CHY_TRY(chy_json_parse(op, chy_row_json(&r->view.row, CHY_CERT_SUBJECT), &subject));
    }
    for (size_t i = 0; i < CHY_COUNT_OF(names); i++) {
        struct chy_slice value = chy_json_member(subject, names[i]);
        if (value.len != 0) {
            add_member(json, names[i], value);
        }
    }
    return CHY_OK;
}

/**
 * add_status tells clients that know only `issued`, `failed` and `pending` how it ended: what was
 * rejected or cancelled reads `failed`, and the `outcome` says which, unless they ask for more.
 */
static void add_status(const struct chy_call *call, struct chy_slice status, struct chy_buf *json)
{
    bool ended = chy_slice_is(status, "rejected") || chy_slice_is(status, "cancelled");
    bool full = chy_slice_is(chy_json_member(call->document, "statuses"), "full");
    add_member(json, "status", ended && !full ? chy_text("failed") : status);
    if (ended) {
        add_member(json, "outcome", status);
    }
}

static void add_constraints(const struct request *r, struct chy_buf *json)
{
    if (!r->issued) {
        return;
    }
    bool is_ca = chy_row_bool(&r->view.row, CHY_CERT_IS_CA);
    chy_buf_add_text(json, ",\"basicConstraints\":{\"isCA\":");
    chy_buf_add_text(json, is_ca ? "true" : "false");
    if (!chy_row_is_null(&r->view.row, CHY_CERT_PATH_LENGTH)) {
        chy_buf_add_text(json, ",\"pathLength\":");
        chy_buf_add_i64(json, chy_row_int(&r->view.row, CHY_CERT_PATH_LENGTH));
    }
    chy_buf_add_u8(json, '}');
}

static chy_status add_certificate(struct chy_op *op, const struct request *r, struct chy_buf *json)
{
    struct chy_slice id = {NULL, 0};
    if (r->issued) {
        CHY_TRY(chy_uuid_text(op, &r->view.id, &id));
    }
    add_member(json, "certificate", r->view.pem);
    add_member(json, "certificateChain", r->view.chain_pem);
    add_member(json, "issuingCaCertificate", r->view.issuer_pem);
    add_member(json, "certificateId", id);
    add_member(json, "privateKey", r->key);
    add_member(json, "serialNumber", chy_row_text(&r->row, SERIAL));
    return CHY_OK;
}

static chy_status add_approval(struct chy_op *op, const struct request *r, struct chy_buf *json)
{
    struct chy_uuid id = chy_row_uuid(&r->row, APPROVAL);
    struct chy_slice text = {NULL, 0};
    if (!chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_uuid_text(op, &id, &text));
        add_member(json, "approvalRequestId", text);
    }
    return CHY_OK;
}

#define SECRET_MAX ((size_t)2 << 20)

static chy_status get(struct chy_call *call)
{
    struct request r;
    struct chy_buf json;
    memset(&r, 0, sizeof r);
    CHY_TRY(read_request(call->runtime, call->op, &call->id, &r));
    call->project_id = chy_row_uuid(&r.row, PROJECT);
    struct chy_slice metadata = chy_row_json(&r.row, METADATA);
    chy_buf_init_secret(&json, call->op, SECRET_MAX);
    chy_buf_add_u8(&json, '{');
    add_status(call, chy_row_text(&r.row, STATUS), &json);
    CHY_TRY(add_certificate(call->op, &r, &json));
    add_member(&json, "errorMessage", chy_row_text(&r.row, ERROR));
    if (chy_slice_is(chy_row_text(&r.row, STATUS), "pending_approval")) {
        add_member(&json, "pendingMessage", chy_text(CHY_APPROVAL_WAITS));
    }
    CHY_TRY(add_approval(call->op, &r, &json));
    add_member(&json, "commonName", chy_row_text(&r.row, COMMON_NAME));
    CHY_TRY(add_subject(call->op, &r, &json));
    add_constraints(&r, &json);
    add_raw(&json, "metadata", metadata.len == 0 ? chy_text("[]") : metadata);
    if (!chy_row_is_null(&r.row, NOTES)) {
        add_raw(&json, "adjustments", chy_row_json(&r.row, NOTES));
    }
    CHY_TRY(add_time(call->op, &json, "createdAt", chy_row_time(&r.row, CREATED)));
    CHY_TRY(add_time(call->op, &json, "updatedAt", chy_row_time(&r.row, UPDATED)));
    chy_buf_add_u8(&json, '}');
    call->secret = chy_buf_slice(&json);
    return chy_buf_ok(&json) ? CHY_OK : chy_buf_fail(&json, call->op, "the certificate request");
}

/** cancel ends a request that waits for approval. */
static chy_status cancel(struct chy_call *call)
{
    struct request r;
    memset(&r, 0, sizeof r);
    CHY_TRY(read_request(call->runtime, call->op, &call->id, &r));
    call->project_id = chy_row_uuid(&r.row, PROJECT);
    struct chy_slice status = chy_row_text(&r.row, STATUS);
    struct chy_uuid approval_id = chy_row_uuid(&r.row, APPROVAL);
    if (!chy_slice_is(status, "pending_approval")) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the certificate request is %.*s: only one that waits for approval can be "
                        "cancelled",
                        (int)status.len, (const char *)status.ptr);
    }
    CHY_TRY(chy_approval_cancel(call, &approval_id));
    call->answer = chy_json_object(call->op);
    bool fine = call->answer != NULL &&
                chy_json_set_text(call->answer, "status", chy_text("cancelled")) &&
                chy_json_set_bool(call->answer, "cancelled", true) &&
                chy_json_set_null(call->answer, "errorMessage");
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * As a service
 */

static uint32_t state_of(struct chy_slice status)
{
    static const struct {
        const char *word;
        uint32_t state;
    } states[] = {
        {"issued", CHY_ENROLL_ISSUED},     {"pending", CHY_ENROLL_PENDING},
        {"failed", CHY_ENROLL_FAILED},     {"pending_approval", CHY_ENROLL_PENDING_APPROVAL},
        {"rejected", CHY_ENROLL_REJECTED}, {"cancelled", CHY_ENROLL_CANCELLED},
    };
    for (size_t i = 0; i < CHY_COUNT_OF(states); i++) {
        if (chy_slice_is(status, states[i].word)) {
            return states[i].state;
        }
    }
    return CHY_ENROLL_FAILED;
}

chy_status chy_pipeline_status(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_slice request_id, struct chy_enroll_answer *out_answer)
{
    struct request r;
    struct chy_uuid id;
    memset(&r, 0, sizeof r);
    if (!chy_uuid_parse(request_id, &id)) {
        return chy_shape_refuse_one(op, "invalid_string", "/id",
                                    "the id of a certificate request is a UUID");
    }
    CHY_TRY(read_request(runtime, op, &id, &r));
    struct chy_enroll_answer answer = {
        .struct_size = sizeof answer,
        .state = state_of(chy_row_text(&r.row, STATUS)),
        .serial_number = chy_row_text(&r.row, SERIAL),
        .certificate_pem = r.view.pem,
        .issuer_pem = r.view.issuer_pem,
        .chain_pem = r.view.chain_pem,
        .private_key_pem = r.key,
        .message = chy_row_text(&r.row, ERROR),
    };
    CHY_TRY(chy_uuid_text(op, &id, &answer.request_id));
    if (r.issued) {
        CHY_TRY(chy_uuid_text(op, &r.view.id, &answer.certificate_id));
        answer.certificate = chy_row_blob(&r.view.row, CHY_CERT_DER);
        answer.not_before = chy_row_time(&r.view.row, CHY_CERT_NOT_BEFORE);
        answer.not_after = chy_row_time(&r.view.row, CHY_CERT_NOT_AFTER);
    }
    *out_answer = answer;
    return CHY_OK;
}

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID | CHY_ACTION_QUERY,
     "{\"type\":\"object\",\"properties\":{\"statuses\":{\"type\":\"string\",\"enum\":[\"full\"]}}"
     "}",
     get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_REQUEST_SEARCH, chy_request_search},
    {"search", CHY_ACTION_READ, 0, CHY_REQUEST_SEARCH, chy_request_search},
    {"cancel", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, "{\"type\":\"object\",\"properties\":{}}",
     cancel},
};

#define DETAIL                                                                                   \
    "{'status': '=issued|failed|pending|pending_approval|rejected|cancelled', 'outcome?': "      \
    "'=rejected|cancelled', 'certificate': 'text?', 'certificateChain': 'text?', "               \
    "'issuingCaCertificate': 'text?', 'certificateId': 'id?', 'privateKey': 'text?', "           \
    "'serialNumber': 'text?', 'errorMessage': 'text?', 'pendingMessage?': 'text', "              \
    "'approvalRequestId?': 'id', 'commonName': 'text?', "                                        \
    "'organization?': 'text', 'organizationalUnit?': 'text', 'country?': 'text', "               \
    "'state?': 'text', 'locality?': 'text', 'domainComponents?': 'text', 'basicConstraints?': "  \
    "{'isCA': 'bool', 'pathLength?': 'int'}, 'metadata': [{'key': 'text', 'value?': 'text?'}], " \
    "'adjustments?': ['text'], 'createdAt': 'time', 'updatedAt': 'time'}"

#define FOUND                                                                                   \
    "{'certificateRequests': [{'id': 'id', 'status': 'text', 'commonName': 'text?', "           \
    "'altNames': 'text?', 'profileId': 'id?', 'caId': 'id?', 'applicationId': 'id?', "          \
    "'certificateId': 'id?', 'errorMessage': 'text?', 'createdAt': 'time', 'updatedAt': "       \
    "'time', 'approvalRequestId': 'id?', 'pendingMessage': 'text?', 'profileName': 'text?', "   \
    "'applicationName': 'text?', "                                                              \
    "'certificate': [{'id': 'id', 'serialNumber': 'text', 'status': '=active|expired|revoked'}" \
    ", null]}], 'totalCount': 'int', 'cursor?': 'text'}"

static const struct chy_kind_answer answers[] = {
    {"get", DETAIL, NULL},
    {"list", FOUND, NULL},
    {"search", FOUND, NULL},
    {"cancel", "{'status': 'text', 'cancelled': 'bool', 'errorMessage': 'text?'}", NULL},
};

const struct chy_kind chy_kind_request = {
    .name = "certificate-requests",
    .singular = "certificateRequest",
    .plural = "certificateRequests",
    .what = "certificate request",
    .subject = CHY_SUBJECT_REQUESTS,
    .audit = "certificate-request",
    .collection = CHY_C_REQUESTS,
    .id_field = CHY_REQUEST_ID,
    .project_field = CHY_REQUEST_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_REQUEST_CREATED_AT,
    .updated_field = CHY_REQUEST_UPDATED_AT,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
