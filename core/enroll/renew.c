#include "enroll/renew.h"

#include "base/op.h"
#include "enroll/blocked_key.h"
#include "enroll/certificate_view.h"
#include "enroll/permit.h"
#include "enroll/pipeline.h"
#include "enroll/statistics.h"
#include "plugin/view.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/json.h"
#include "resource/principal.h"
#include "resource/shape.h"
#include "x509/certificate.h"

#define ERROR_MAX 1024

/** Everything the steps share. */
struct work {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_renew_request *wish;
    struct chy_issuance *issuance;
    struct chy_renewal renewal;
    struct chy_enroll_request request; /**< what the old one said, with what the wish changes */
};

/* ------------------------------------------------------------------------------------------------
 * May it be renewed?
 */

static chy_status read_old(struct chy_runtime *runtime, struct chy_op *op,
                           struct chy_renewal *renewal)
{
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES,
                                         CHY_KEY(chy_value_uuid(&renewal->old_id)),
                                         chy_core_fields(CHY_C_CERTIFICATES), &renewal->old);
    CHY_TRY(chy_or_not_found(op, status, "certificate"));
    struct chy_uuid root = chy_row_uuid(&renewal->old, CHY_CERT_RENEWAL_ROOT_ID);
    renewal->root_id = chy_uuid_is_nil(&root) ? renewal->old_id : root;
    renewal->owner_id = chy_row_uuid(&renewal->old, CHY_CERT_IDENTITY_ID);
    return CHY_OK;
}

static void add_reason(struct chy_buf *reasons, bool holds, const char *reason)
{
    if (holds) {
        chy_buf_add_text(reasons, reasons->len == 0 ? "the certificate cannot be renewed: " : ", ");
        chy_buf_add_text(reasons, reason);
    }
}

/** check_old refuses an old certificate that has no successor, and names every reason. */
static chy_status check_old(struct chy_op *op, const struct chy_storage_row *old)
{
    struct chy_buf reasons;
    chy_buf_init(&reasons, op, ERROR_MAX);
    add_reason(&reasons, chy_row_is_null(old, CHY_CERT_PROFILE_ID),
               "it was not issued from a profile");
    add_reason(&reasons, !chy_row_is_null(old, CHY_CERT_RENEWED_BY_ID), "it was already renewed");
    add_reason(&reasons, !chy_slice_is(chy_row_text(old, CHY_CERT_STATUS), "active"),
               "it was revoked");
    add_reason(&reasons, chy_now(op) > chy_row_time(old, CHY_CERT_NOT_AFTER), "it has expired");
    if (!chy_buf_ok(&reasons)) {
        return chy_buf_fail(&reasons, op, "the reasons");
    }
    struct chy_slice text = chy_buf_slice(&reasons);
    return text.len == 0
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "%.*s", (int)text.len, (const char *)text.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * What shall be issued
 */

/** read_decision makes the request of what the old certificate was issued from. */
static chy_status read_decision(struct work *w)
{
    struct chy_uuid id = chy_row_uuid(&w->renewal.old, CHY_CERT_REQUEST_ID);
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(w->runtime->storage, w->op, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&id)),
                         CHY_FIELDS(CHY_REQUEST_DECISION, CHY_REQUEST_SPKI), &row);
    bool there = status == CHY_OK && !chy_row_is_null(&row, 0);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (!there) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "the certificate cannot be renewed: the request that it came from is not "
                        "kept any more; issue a new one");
    }
    w->renewal.from_csr =
        !chy_row_is_null(&row, 1) && chy_row_is_null(&w->renewal.old, CHY_CERT_SEALED_KEY);
    w->renewal.decision = chy_row_json(&row, 0);
    return chy_decision_read(w->op, chy_row_json(&row, 0), &w->request);
}

static bool is_silent(const struct work *w)
{
    const struct chy_renew_request *wish = w->wish;
    const uint32_t names = CHY_ENROLL_ALT_NAMES | CHY_ENROLL_KEY_USAGES |
                           CHY_ENROLL_EXT_KEY_USAGES | CHY_ENROLL_KEY_ALGORITHM |
                           CHY_ENROLL_SIGNATURE_ALGORITHM;
    return wish->subject.count == 0 && (wish->flags & names) == 0;
}

/** merge_subject keeps the old attributes of every type that the wish does not speak of. */
static chy_status merge_subject(struct work *w)
{
    struct chy_view old = w->request.subject;
    struct chy_view new = w->wish->subject;
    struct chy_subject_attribute *items =
        chy_alloc(w->op, (old.count + new.count + 1) * sizeof *items);
    uint64_t count = 0;
    bool spoken[CHY_NAME_TYPE_COUNT] = {false};
    enum chy_name_type type;
    if (items == NULL) {
        return chy_fail_memory(w->op);
    }
    for (uint64_t i = 0; i < new.count; i++) {
        const struct chy_subject_attribute *item = chy_view_item(new, i);
        items[count++] = *item;
        if (chy_name_type_find(item->type, &type)) { // else normalising refuses it
            spoken[type] = true;
        }
    }
    for (uint64_t i = 0; i < old.count; i++) {
        const struct chy_subject_attribute *item = chy_view_item(old, i);
        if (chy_name_type_find(item->type, &type) && !spoken[type]) {
            items[count++] = *item;
        }
    }
    w->request.subject = chy_view_of(items, count, sizeof *items);
    return CHY_OK;
}

static void merge_lists(struct work *w)
{
    const struct chy_renew_request *wish = w->wish;
    struct chy_enroll_request *r = &w->request;
    r->flags |= wish->flags;
    r->alt_names = (wish->flags & CHY_ENROLL_ALT_NAMES) != 0 ? wish->alt_names : r->alt_names;
    r->key_usages = (wish->flags & CHY_ENROLL_KEY_USAGES) != 0 ? wish->key_usages : r->key_usages;
    r->extended_key_usages = (wish->flags & CHY_ENROLL_EXT_KEY_USAGES) != 0
                                 ? wish->extended_key_usages
                                 : r->extended_key_usages;
    if ((wish->flags & CHY_ENROLL_KEY_ALGORITHM) != 0) {
        r->key_algorithm = wish->key_algorithm;
    }
    if ((wish->flags & CHY_ENROLL_SIGNATURE_ALGORITHM) != 0) {
        r->signature_algorithm = wish->signature_algorithm;
    }
    if ((wish->flags & CHY_ENROLL_BASIC_CONSTRAINTS) != 0) {
        r->is_ca = wish->is_ca;
        r->path_length = wish->path_length;
    }
    if (wish->ttl.len != 0 || wish->not_after.len != 0) {
        r->ttl = wish->ttl;
    }
    r->not_before = wish->not_before;
    r->not_after = wish->not_after;
    if (r->not_before.len != 0 && r->not_after.len == 0) {
        r->ttl = wish->ttl; // a date and a time exclude one another, as in any request
    }
}

/** copy_metadata gives the old certificate's, unless the wish brings its own. */
static chy_status copy_metadata(struct work *w)
{
    struct chy_slice text = chy_row_json(&w->renewal.old, CHY_CERT_METADATA);
    json_t *list = NULL;
    if ((w->wish->flags & CHY_ENROLL_METADATA) != 0) {
        w->request.metadata = w->wish->metadata;
        return CHY_OK;
    }
    if (text.len != 0) {
        CHY_TRY(chy_json_parse(w->op, text, &list));
    }
    size_t count = json_array_size(list);
    struct chy_pair *pairs = chy_alloc(w->op, (count + 1) * sizeof *pairs);
    if (pairs == NULL) {
        return chy_fail_memory(w->op);
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = chy_json_member(json_array_get(list, i), "key");
        pairs[i].value = chy_json_member(json_array_get(list, i), "value");
    }
    w->request.metadata = chy_view_of(pairs, count, sizeof *pairs);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The key
 */

static bool is_system(struct chy_op *op)
{
    const struct chy_principal *principal = chy_principal_of(op);
    return principal != NULL && principal->kind == CHY_PRINCIPAL_SYSTEM;
}

static uint32_t key_source(const struct work *w)
{
    if (is_system(w->op)) {
        return CHY_RENEW_KEY_NEW;
    }
    if (w->wish->key_source != CHY_RENEW_KEY_DEFAULT) {
        return w->wish->key_source;
    }
    if (w->wish->csr.len != 0) {
        return CHY_RENEW_KEY_CSR;
    }
    // Whoever made the key has it; what the server made it makes anew.
    return w->renewal.from_csr ? CHY_RENEW_KEY_REUSE : CHY_RENEW_KEY_NEW;
}

static chy_status reuse_key(struct work *w)
{
    struct chy_certificate old;
    struct chy_decision *d = w->issuance->decision;
    const struct chy_storage_row *row = &w->renewal.old;
    if ((w->wish->flags & CHY_ENROLL_KEY_ALGORITHM) != 0) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "the key stays, so its algorithm does: leave keyAlgorithm out, or ask "
                        "for a new key");
    }
    CHY_TRY(chy_certificate_read(w->op, chy_row_blob(row, CHY_CERT_DER), &old));
    d->spki = old.spki.der;
    d->spki_sha256 = chy_row_blob(row, CHY_CERT_SPKI_SHA256);
    d->key_algorithm = old.spki.algorithm;
    d->keeps_key = true;
    CHY_TRY(chy_refuse_blocked_key(w->runtime, w->op, d->spki_sha256));
    if (!chy_row_is_null(row, CHY_CERT_SEALED_KEY)) {
        return chy_certificate_open_key(w->runtime, w->op, row, &w->issuance->key);
    }
    return chy_row_is_null(row, CHY_CERT_AUTHORITY_ID)
               ? chy_fail(w->op, CHY_BAD_INPUT, 0,
                          "a self-signed certificate needs its key to be renewed with it, and "
                          "the key is not kept here")
               : CHY_OK;
}

static chy_status choose_key(struct work *w)
{
    uint32_t source = key_source(w);
    if (w->wish->csr.len != 0 && source != CHY_RENEW_KEY_CSR) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a CSR brings its key: send none, or renewalKeySource csr");
    }
    if (source == CHY_RENEW_KEY_REUSE) {
        return reuse_key(w);
    }
    if (source != CHY_RENEW_KEY_CSR) {
        return CHY_OK;
    }
    if (w->wish->csr.len == 0) {
        return chy_shape_refuse_one(w->op, "custom", "/csr",
                                    "renewalKeySource csr needs a certification request");
    }
    if (!is_silent(w)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "with a CSR names, usages and algorithms are the CSR's: only ttl, dates "
                        "and basicConstraints may stand beside it");
    }
    w->request.csr = w->wish->csr;
    w->request.signature_algorithm = chy_slice_of(NULL, 0); // the policy's choice, as at first
    w->request.flags &= ~(uint32_t)CHY_ENROLL_BASIC_CONSTRAINTS;
    w->request.flags |= w->wish->flags & CHY_ENROLL_BASIC_CONSTRAINTS;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The links
 */

chy_status chy_renew_link(struct chy_runtime *runtime, struct chy_batch *batch,
                          struct chy_renewal *renewal, const struct chy_uuid *new_id)
{
    struct chy_counted before = chy_counted_of_row(&renewal->old);
    struct chy_counted after = before;
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&renewal->old_id)));
    chy_write_guard_revision(write, renewal->old.revision);
    chy_write_set(write, CHY_CERT_RENEWED_BY_ID, chy_value_uuid(new_id));
    chy_write_set(write, CHY_CERT_RENEWAL_ERROR, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEWAL_ATTEMPTS, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEW_AT, chy_value_null()); // it is due no more
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(chy_now(batch->op)));
    renewal->old_write = write;
    renewal->root_write = NULL;
    if (chy_uuid_compare(&renewal->root_id, &renewal->old_id) == 0) {
        chy_write_set(write, CHY_CERT_LATEST_RENEWAL_ID, chy_value_uuid(new_id));
    } else {
        struct chy_write *root =
            chy_batch_update(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&renewal->root_id)));
        chy_write_set(root, CHY_CERT_LATEST_RENEWAL_ID, chy_value_uuid(new_id));
        renewal->root_write = root;
    }
    after.renewed = true;
    return chy_statistics_count(runtime, batch, &before, &after);
}

bool chy_renew_lost(struct chy_runtime *runtime, struct chy_op *op, struct chy_renewal *renewal,
                    const struct chy_storage_outcome *outcome, chy_status *out_status)
{
    if (renewal->root_write != NULL && chy_write_failed(renewal->root_write, outcome)) {
        renewal->root_id = renewal->old_id; // the first was deleted: a line begins here
        *out_status = CHY_OK;
        return true;
    }
    if (!chy_write_failed(renewal->old_write, outcome)) {
        return false;
    }
    struct chy_uuid root = renewal->root_id;
    *out_status = read_old(runtime, op, renewal);
    renewal->root_id = root;
    if (*out_status == CHY_OK) {
        *out_status = check_old(op, &renewal->old);
    }
    return true;
}

/** The longest way through a line whose first certificate is gone. */
#define STEPS 64

chy_status chy_renew_latest(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_storage_row *row, struct chy_uuid *out_id)
{
    struct chy_uuid next = chy_row_uuid(row, CHY_CERT_RENEWED_BY_ID);
    struct chy_uuid root = chy_row_uuid(row, CHY_CERT_RENEWAL_ROOT_ID);
    struct chy_uuid latest = chy_row_uuid(row, CHY_CERT_LATEST_RENEWAL_ID);
    struct chy_storage_row found;
    if (chy_uuid_is_nil(&next) || !chy_uuid_is_nil(&latest)) {
        *out_id = chy_uuid_is_nil(&next) ? next : latest;
        return CHY_OK;
    }
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&root)),
                         CHY_FIELDS(CHY_CERT_LATEST_RENEWAL_ID), &found);
    if (status == CHY_OK && !chy_row_is_null(&found, 0)) {
        *out_id = chy_row_uuid(&found, 0);
        return CHY_OK;
    }
    for (int i = 0; i < STEPS && (status == CHY_OK || status == CHY_NOT_FOUND); i++) {
        struct chy_uuid here = next;
        status = chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES,
                                  CHY_KEY(chy_value_uuid(&here)),
                                  CHY_FIELDS(CHY_CERT_RENEWED_BY_ID), &found);
        *out_id = here;
        if (status != CHY_OK || chy_row_is_null(&found, 0)) {
            break;
        }
        next = chy_row_uuid(&found, 0);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/* ------------------------------------------------------------------------------------------------
 * The whole
 */

/**
 * note_refusal leaves on the certificate why it was not renewed.  A job keeps its own book; one
 * that has a successor has nothing to tell.
 */
static void note_refusal(struct work *w)
{
    struct chy_error error;
    struct chy_slice message;
    struct chy_batch batch;
    w->op->host->last_error(w->op, &error);
    bool is_told = error.status == CHY_BAD_INPUT && error.reason != CHY_REASON_VALIDATION;
    if (!is_told || is_system(w->op) || chy_copy(w->op, error.message, &message) != CHY_OK) {
        return;
    }
    error.message = message;
    chy_batch_init(&batch, w->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&w->renewal.old_id)));
    chy_write_guard_equals(write, CHY_CERT_RENEWED_BY_ID, chy_value_null());
    chy_write_set(write, CHY_CERT_RENEWAL_ERROR, chy_value_text(message));
    chy_status status = chy_batch_commit(&batch, w->runtime->storage, NULL);
    if (status != CHY_OK && status != CHY_CONFLICT) {
        chy_log_error(w->op, "renew.refusal-lost", "a refused renewal could not be noted");
    }
    (void)w->op->host->fail_with(w->op, &error);
}

/** keep_application: what a certificate is counted under may have been said after it was issued. */
static chy_status keep_application(struct work *w)
{
    struct chy_uuid id = chy_row_uuid(&w->renewal.old, CHY_CERT_APPLICATION_ID);
    w->request.application_id = chy_slice_of(NULL, 0);
    return chy_uuid_is_nil(&id) ? CHY_OK : chy_uuid_text(w->op, &id, &w->request.application_id);
}

/** set_renewal tells the issuance what it renews. */
static void set_renewal(struct chy_issuance *i, struct chy_renewal *renewal)
{
    i->renewal = renewal;
    i->friendly_name = chy_row_text(&renewal->old, CHY_CERT_FRIENDLY_NAME);
    if (!chy_uuid_is_nil(&renewal->owner_id)) {
        i->owner_id = renewal->owner_id;
    }
}

static chy_status prepare(struct work *w)
{
    struct chy_issuance *i = w->issuance;
    CHY_TRY(check_old(w->op, &w->renewal.old));
    CHY_TRY(read_decision(w));
    CHY_TRY(merge_subject(w));
    merge_lists(w);
    CHY_TRY(copy_metadata(w));
    CHY_TRY(keep_application(w));
    i->decision->renews = true;
    CHY_TRY(choose_key(w));
    w->request.method = w->wish->method;
    set_renewal(i, &w->renewal);
    return CHY_OK;
}

chy_status chy_renew_resume(struct chy_issuance *issuance, const struct chy_uuid *old_id,
                            bool keeps_key)
{
    static const struct chy_renew_request nothing = {.struct_size = sizeof nothing};
    struct chy_op *op = issuance->op;
    struct work *w = chy_alloc(op, sizeof *w); // the issuance points into it
    if (w == NULL) {
        return chy_fail_memory(op);
    }
    w->runtime = issuance->runtime;
    w->op = op;
    w->wish = &nothing;
    w->issuance = issuance;
    w->renewal.old_id = *old_id;
    CHY_TRY(read_old(w->runtime, op, &w->renewal));
    CHY_TRY(check_old(op, &w->renewal.old));
    CHY_TRY(chy_permit_require(w->runtime, op, &w->renewal.old, CHY_ACTION_RENEW));
    set_renewal(issuance, &w->renewal);
    return keeps_key ? reuse_key(w) : CHY_OK;
}

static chy_status renew(struct work *w, struct chy_enroll_answer *out_answer)
{
    chy_status status = prepare(w);
    if (status == CHY_OK) {
        status = chy_pipeline_run(w->issuance, &w->request, out_answer);
    } else {
        chy_crypto_key_release(&w->issuance->key);
    }
    if (status != CHY_OK) {
        note_refusal(w);
    }
    return status;
}

chy_status chy_renew_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                 const struct chy_renew_request *request,
                                 struct chy_enroll_answer *out_answer)
{
    struct work *w = chy_alloc(op, sizeof *w); // the issuance points into it
    if (w == NULL) {
        return chy_fail_memory(op);
    }
    w->runtime = runtime;
    w->op = op;
    w->wish = request;
    if (!chy_uuid_parse(request->certificate_id, &w->renewal.old_id)) {
        return chy_shape_refuse_one(op, "invalid_string", "/id",
                                    "the id of a certificate is a UUID");
    }
    CHY_TRY(read_old(runtime, op, &w->renewal));
    struct chy_uuid project_id = chy_row_uuid(&w->renewal.old, CHY_CERT_PROJECT_ID);
    chy_status status = chy_permit_require(runtime, op, &w->renewal.old, CHY_ACTION_RENEW);
    if (status == CHY_DENIED) {
        chy_audit_refusal(runtime, op, "certificate.renew", "certificates", request->certificate_id,
                          &project_id);
    }
    CHY_TRY(status);
    CHY_TRY(chy_pipeline_begin(runtime, op, &w->issuance));
    return renew(w, out_answer);
}
