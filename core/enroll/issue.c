#include "enroll/issue.h"

#include "base/op.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "enroll/certificate_row.h"
#include "enroll/renew.h"
#include "enroll/renewal.h"
#include "enroll/shard.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "resource/principal.h"

/* ------------------------------------------------------------------------------------------------
 * The key
 */

static chy_status requester_id(struct chy_op *op, struct chy_slice *out_requester)
{
    const struct chy_principal *principal = chy_principal_of(op);
    if (principal == NULL) {
        *out_requester = chy_text("system");
        return CHY_OK;
    }
    return chy_uuid_text(op, &principal->id, out_requester);
}

static chy_status make_key(struct chy_issuance *i)
{
    struct chy_key_template wanted = {
        .struct_size = sizeof wanted,
        .algorithm = i->decision->key_algorithm,
        .flags = CHY_KEY_EXPORTABLE | CHY_KEY_READY,
    };
    CHY_TRY(requester_id(i->op, &wanted.requester));
    CHY_TRY(chy_crypto_generate(i->runtime->leaf_crypto, i->op, &wanted, &i->key));
    CHY_TRY(chy_crypto_public_key(&i->key, i->op, &i->spki));
    return chy_crypto_export(&i->key, i->op, &i->private_key);
}

static chy_status seal_key(struct chy_issuance *i)
{
    if (i->private_key.len == 0 || i->profile->key_retention != CHY_KEY_STORED) {
        return CHY_OK; // `once`: this answer is the one reveal
    }
    struct chy_sealed_place place =
        chy_certificate_key_place(&i->certificate_id, &i->decision->project_id, i->spki_sha256);
    return chy_keyring_seal_key(i->runtime->keyring, i->op, &place, &i->key, &i->sealed_key,
                                &i->data_key_id);
}

/** keep_key takes over the key of the certificate that is renewed, as far as it is kept here. */
static chy_status keep_key(struct chy_issuance *i)
{
    i->spki = i->decision->spki;
    i->spki_sha256 = i->decision->spki_sha256;
    if (i->key.crypto == NULL) {
        return CHY_OK;
    }
    CHY_TRY(chy_crypto_export(&i->key, i->op, &i->private_key));
    return seal_key(i);
}

static chy_status take_key(struct chy_issuance *i)
{
    if (i->decision->has_csr || i->decision->keeps_key) {
        return keep_key(i);
    }
    CHY_TRY(make_key(i));
    CHY_TRY(chy_spki_sha256(i->runtime, i->op, i->spki, &i->spki_sha256));
    return seal_key(i);
}

/* ------------------------------------------------------------------------------------------------
 * The certificate
 */

/**
 * refuse_issuer_name: who reads names would take the certificate for the CA's own, and its
 * signatures for the CA's.
 */
static chy_status refuse_issuer_name(struct chy_issuance *i)
{
    if (i->issuer == NULL || !chy_slice_equal(i->subject_der, i->issuer->path[0].subject)) {
        return CHY_OK;
    }
    return chy_fail(i->op, CHY_BAD_INPUT, 0,
                    "the subject is that of the certificate authority: choose another");
}

static chy_status sign(struct chy_issuance *i)
{
    const struct chy_decision *d = i->decision;
    struct chy_signing signing = {
        .issuer = i->issuer,
        .self_key = &i->key,
        .subject = i->subject_der,
        .spki = i->spki,
        .key_algorithm = d->key_algorithm,
        .signature_algorithm = d->signature_algorithm,
        .not_before = d->not_before,
        .not_after = d->not_after,
        .key_usage = chy_decision_key_usage(d),
        .ekus = d->ekus,
        .basic_constraints = d->basic_constraints,
        .sans = &d->sans,
        .shard = i->shard,
        .cpu = &i->cpu,
    };
    return chy_sign_certificate(i->runtime, i->op, &signing, &i->made);
}

/* ------------------------------------------------------------------------------------------------
 * The rows
 */

/** Texts that the rows share. */
struct shared {
    struct chy_certificate_texts texts;
    struct chy_slice notes;
};

static chy_status make_shared(struct chy_issuance *i, struct shared *shared)
{
    const struct chy_decision *d = i->decision;
    CHY_TRY(chy_certificate_texts_make(i->op, &d->subject, &d->sans, d->metadata, &shared->texts));
    return chy_decision_notes(i->op, d, &shared->notes);
}

static const struct chy_uuid *identity_of(struct chy_op *op)
{
    const struct chy_principal *principal = chy_principal_of(op);
    return principal == NULL ? NULL : &principal->id;
}

/** has_choice: what was chosen for one certificate holds for those that take its place. */
static bool has_choice(const struct chy_issuance *i)
{
    return i->renewal != NULL && !chy_row_is_null(&i->renewal->old, CHY_CERT_RENEWAL_CHOICE);
}

/** renewal_threshold is how long before its end a certificate renews itself; 0: never. */
static int64_t renewal_threshold(const struct chy_issuance *i)
{
    int64_t wanted = i->auto_renewal.enabled ? i->auto_renewal.before : 0;
    if (has_choice(i)) {
        wanted = chy_row_int(&i->renewal->old, CHY_CERT_RENEWAL_CHOICE);
    }
    return i->sealed_key.len != 0 ? chy_renewal_threshold(wanted, i->decision->not_before,
                                                          i->decision->not_after, chy_now(i->op))
                                  : 0;
}

static chy_status insert_certificate(struct chy_issuance *i, struct chy_batch *batch,
                                     const struct shared *shared)
{
    const struct chy_decision *d = i->decision;
    struct chy_certificate_row *row = chy_alloc(i->op, sizeof *row); // the batch borrows it
    if (row == NULL) {
        return chy_fail_memory(i->op);
    }
    *row = (struct chy_certificate_row){
        .id = i->certificate_id,
        .project_id = d->project_id,
        .issuer = i->issuer,
        .shard = i->shard,
        .profile_id = d->profile_id,
        .request_id = i->request_id,
        .application_id = d->application_id,
        .method = d->method,
        .source = CHY_SOURCE_ISSUED,
        .texts = &shared->texts,
        .der = i->made.der,
        .serial = chy_text(i->made.serial_text),
        .not_before = d->not_before,
        .not_after = d->not_after,
        .key_algorithm = chy_key_algorithm_name(d->key_algorithm),
        .signature_algorithm = chy_signature_algorithm_name(i->made.signature_algorithm),
        .key_usage = chy_decision_key_usage(d),
        .ekus = d->ekus,
        .basic_constraints = d->basic_constraints,
        .spki_sha256 = i->spki_sha256,
        .sealed_key = i->sealed_key,
        .data_key_id = i->data_key_id,
        .key_retention = i->profile->key_retention,
        .renew_before = renewal_threshold(i),
        .identity_id = i->owner_id,
        .friendly_name = i->friendly_name,
    };
    if (i->renewal != NULL) {
        row->renewed_from_id = i->renewal->old_id;
        row->renewal_root_id = i->renewal->root_id;
        row->has_choice = has_choice(i);
        row->renewal_choice = chy_row_int(&i->renewal->old, CHY_CERT_RENEWAL_CHOICE);
    }
    return chy_certificate_row_insert(i->runtime, batch, row);
}

static void set_request(struct chy_issuance *i, struct chy_write *write, const char *status,
                        const struct shared *shared)
{
    const struct chy_decision *d = i->decision;
    chy_write_set(write, CHY_REQUEST_PROJECT_ID, chy_value_uuid(&d->project_id));
    chy_write_set(write, CHY_REQUEST_PROFILE_ID, chy_value_uuid(&d->profile_id));
    chy_write_set(write, CHY_REQUEST_AUTHORITY_ID, chy_value_uuid_or_null(&d->authority_id));
    chy_write_set(write, CHY_REQUEST_APPLICATION_ID, chy_value_uuid_or_null(&d->application_id));
    chy_write_set(write, CHY_REQUEST_IDENTITY_ID, chy_value_uuid_or_null(identity_of(i->op)));
    chy_write_set(write, CHY_REQUEST_METHOD, chy_value_text(d->method));
    chy_write_set(write, CHY_REQUEST_STATUS, chy_value_text(chy_text(status)));
    chy_write_set(write, CHY_REQUEST_COMMON_NAME,
                  chy_value_text_or_null(shared->texts.common_name));
    chy_write_set(write, CHY_REQUEST_ALT_NAMES, chy_value_text_or_null(shared->texts.alt_names));
    chy_write_set(write, CHY_REQUEST_METADATA, chy_value_json_or_null(shared->texts.metadata));
    chy_write_set(write, CHY_REQUEST_PAIRS, chy_value_many(shared->texts.pairs));
    chy_write_set(write, CHY_REQUEST_NOTES, chy_value_json_or_null(shared->notes));
    chy_write_set(write, CHY_REQUEST_CREATED_AT, chy_value_time(chy_now(i->op)));
    chy_write_set(write, CHY_REQUEST_UPDATED_AT, chy_value_time(chy_now(i->op)));
    if (i->renewal != NULL) {
        chy_write_set(write, CHY_REQUEST_RENEWED_FROM_ID, chy_value_uuid(&i->renewal->old_id));
    }
}

/** insert_request writes what is issued, or going to be, with its decision. */
static chy_status insert_request(struct chy_issuance *i, struct chy_batch *batch,
                                 const struct shared *shared, const char *status,
                                 struct chy_write **out_write)
{
    struct chy_slice digest;
    CHY_TRY(chy_crypto_digest(i->runtime->leaf_crypto, i->op, CHY_DIGEST_SHA256, i->decision_json,
                              &digest));
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&i->request_id)));
    set_request(i, write, status, shared);
    chy_write_set(write, CHY_REQUEST_DECISION, chy_value_json(i->decision_json));
    chy_write_set(write, CHY_REQUEST_DECISION_SHA256, chy_value_blob(digest));
    chy_write_set(write, CHY_REQUEST_SPKI, chy_value_blob_or_null(i->decision->spki));
    *out_write = write;
    return CHY_OK;
}

/** fulfil_request makes what was approved issued: the decision in its row stays as it was. */
static struct chy_write *fulfil_request(struct chy_issuance *i, struct chy_batch *batch)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&i->request_id)));
    chy_write_guard_equals(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("pending")));
    chy_write_set(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("issued")));
    chy_write_set(write, CHY_REQUEST_UPDATED_AT, chy_value_time(chy_now(i->op)));
    struct chy_write *approval =
        chy_batch_update(batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&i->approved->id)));
    chy_write_set(approval, CHY_APPROVAL_DUE_AT, chy_value_null());
    chy_write_set(approval, CHY_APPROVAL_GRANT, chy_value_text(chy_text("used")));
    chy_write_set(approval, CHY_APPROVAL_GRANT_ENDED_AT, chy_value_time(chy_now(i->op)));
    chy_write_set(approval, CHY_APPROVAL_UPDATED_AT, chy_value_time(chy_now(i->op)));
    i->approved->write = write;
    return write;
}

static chy_status write_request(struct chy_issuance *i, struct chy_batch *batch,
                                const struct shared *shared)
{
    struct chy_write *write;
    if (i->approved != NULL) {
        write = fulfil_request(i, batch);
    } else {
        CHY_TRY(insert_request(i, batch, shared, "issued", &write));
    }
    chy_write_set(write, CHY_REQUEST_CERTIFICATE_ID, chy_value_uuid(&i->certificate_id));
    chy_write_set(write, CHY_REQUEST_SERIAL, chy_value_text(chy_text(i->made.serial_text)));
    return CHY_OK;
}

chy_status chy_issue_hold(struct chy_issuance *i, struct chy_batch *batch,
                          const struct chy_uuid *approval_id, struct chy_slice *out_metadata)
{
    struct shared shared;
    struct chy_write *write;
    CHY_TRY(chy_name_encode(i->op, &i->decision->subject, &i->subject_der));
    CHY_TRY(refuse_issuer_name(i));
    CHY_TRY(make_shared(i, &shared));
    CHY_TRY(insert_request(i, batch, &shared, "pending_approval", &write));
    chy_write_set(write, CHY_REQUEST_APPROVAL_ID, chy_value_uuid(approval_id));
    *out_metadata = shared.texts.metadata;
    return CHY_OK;
}

static const char *audit_action(const struct chy_issuance *i)
{
    return i->renewal == NULL ? "certificate.issue" : "certificate.renew";
}

static void add_id(struct chy_buf *detail, const char *name, const struct chy_uuid *id)
{
    char text[CHY_UUID_TEXT_SIZE];
    if (id != NULL) {
        chy_uuid_format(id, text);
        chy_buf_add_text(detail, name);
        chy_buf_add_json_string(detail, chy_text(text));
    }
}

static chy_status audit_issued(struct chy_issuance *i, struct chy_batch *batch,
                               const struct shared *shared)
{
    struct chy_buf detail;
    struct chy_audit_event event = {.action = audit_action(i),
                                    .target_kind = "certificates",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &i->decision->project_id};
    chy_buf_init(&detail, i->op, 4096);
    chy_buf_add_text(&detail, "{\"serialNumber\":\"");
    chy_buf_add_text(&detail, i->made.serial_text);
    chy_buf_add_text(&detail, "\",\"profile\":");
    chy_buf_add_json_string(&detail, i->profile->slug);
    chy_buf_add_text(&detail, ",\"commonName\":");
    chy_buf_add_json_string(&detail, shared->texts.common_name);
    add_id(&detail, ",\"renewedFrom\":", i->renewal == NULL ? NULL : &i->renewal->old_id);
    add_id(&detail, ",\"approvalRequest\":", i->approved == NULL ? NULL : &i->approved->id);
    chy_buf_add_text(&detail, i->shows_key && i->private_key.len != 0
                                  ? ",\"privateKey\":\"shown\"}"
                                  : ",\"privateKey\":\"not shown\"}");
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, i->op, "the audit row");
    }
    event.detail = chy_buf_slice(&detail);
    CHY_TRY(chy_uuid_text(i->op, &i->certificate_id, &event.target));
    return chy_audit_add(i->runtime, batch, &event);
}

/** settle finds out what became of a write that nobody knows of, by our own id. */
static chy_status settle(struct chy_issuance *i)
{
    struct chy_error error;
    struct chy_storage_row row;
    i->op->host->last_error(i->op, &error);
    chy_status status =
        chy_storage_read(i->runtime->storage, i->op, CHY_C_CERTIFICATES,
                         CHY_KEY(chy_value_uuid(&i->certificate_id)), CHY_NO_FIELDS, &row);
    if (status == CHY_OK) {
        return CHY_OK;
    }
    return chy_fail(i->op, CHY_UNCERTAIN, error.native_code,
                    "it is not known whether the certificate was issued; look for the request "
                    "before asking again");
}

/** store writes everything.  `*out_again`: a serial was taken, sign anew; `*out_relink`: somebody
 *  touched the row of the certificate that is renewed, write once more. */
static chy_status store(struct chy_issuance *i, bool *out_again, bool *out_relink)
{
    struct shared shared;
    struct chy_batch batch;
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    *out_again = false;
    *out_relink = false;
    CHY_TRY(make_shared(i, &shared));
    chy_batch_init(&batch, i->op, CHY_BATCH_JOINABLE);
    CHY_TRY(insert_certificate(i, &batch, &shared));
    CHY_TRY(write_request(i, &batch, &shared));
    CHY_TRY(audit_issued(i, &batch, &shared));
    if (i->renewal != NULL) {
        CHY_TRY(chy_renew_link(i->runtime, &batch, i->renewal, &i->certificate_id));
    }
    CHY_TRY(chy_alert_event_add(i->runtime, &batch,
                                i->renewal == NULL ? CHY_ALERT_ISSUANCE : CHY_ALERT_RENEWAL,
                                &i->decision->project_id, &i->certificate_id));
    chy_status status = chy_runtime_commit(i->runtime, &batch, &outcome);
    if (status == CHY_CONFLICT && i->renewal != NULL &&
        chy_renew_lost(i->runtime, i->op, i->renewal, &outcome, &status)) {
        *out_relink = status == CHY_OK;
        return status;
    }
    if (status == CHY_CONFLICT && i->approved != NULL &&
        chy_write_failed(i->approved->write, &outcome)) {
        return chy_fail(i->op, CHY_CONFLICT, 0, "the request was issued, or ended, already");
    }
    if (status == CHY_CONFLICT) {
        *out_again = true; // the serial was taken: a new one
        return chy_fail(i->op, CHY_BROKEN, 0, "serial numbers collide again and again");
    }
    return status == CHY_UNCERTAIN ? settle(i) : status;
}

#define ATTEMPTS 3
#define RELINKS 8

static chy_status store_linked(struct chy_issuance *i, bool *out_again)
{
    bool relink = true;
    for (int attempt = 0; attempt < RELINKS && relink; attempt++) {
        CHY_TRY(store(i, out_again, &relink));
    }
    return relink ? chy_fail(i->op, CHY_TRY_LATER, 0,
                             "the certificate that is renewed changes again and again; ask again")
                  : CHY_OK;
}

chy_status chy_issue(struct chy_issuance *i)
{
    CHY_TRY(chy_name_encode(i->op, &i->decision->subject, &i->subject_der));
    CHY_TRY(refuse_issuer_name(i));
    CHY_TRY(take_key(i));
    CHY_TRY(chy_decision_json(i->op, i->decision, &i->decision_json));
    if (i->issuer != NULL) {
        CHY_TRY(chy_shard_take(i->runtime, i->op, i->issuer, &i->cpu, &i->shard));
    }
    chy_status status = CHY_BROKEN;
    bool again = true;
    for (int attempt = 0; attempt < ATTEMPTS && again; attempt++) {
        CHY_TRY(sign(i));
        status = store_linked(i, &again);
    }
    return status;
}

void chy_issue_failed(struct chy_issuance *i)
{
    struct chy_error error;
    struct chy_batch batch;
    struct shared shared;
    struct chy_slice message;
    memset(&shared, 0, sizeof shared);
    i->op->host->last_error(i->op, &error);
    chy_status status = chy_copy(i->op, error.message, &message);
    if (status == CHY_OK) {
        error.message = message;
    }
    chy_batch_init(&batch, i->op, CHY_BATCH_JOINABLE);
    if (status == CHY_OK) {
        // As far as it was understood: people look for what failed by its names.
        status = chy_certificate_texts_make(i->op, &i->decision->subject, &i->decision->sans,
                                            i->decision->metadata, &shared.texts);
    }
    if (status == CHY_OK) {
        struct chy_write *write =
            chy_batch_insert(&batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&i->request_id)));
        set_request(i, write, "failed", &shared);
        chy_write_set(write, CHY_REQUEST_ERROR, chy_value_text(message));
        struct chy_audit_event event = {
            .action = audit_action(i),
            .target_kind = "certificate-requests",
            .outcome = error.status == CHY_DENIED ? CHY_AUDIT_DENIED : CHY_AUDIT_FAILED,
            .project_id = &i->decision->project_id,
            .detail = chy_audit_reason(i->op, message),
        };
        status = chy_uuid_text(i->op, &i->request_id, &event.target);
        status = status == CHY_OK ? chy_audit_add(i->runtime, &batch, &event) : status;
        status = status == CHY_OK ? chy_batch_commit(&batch, i->runtime->storage, NULL) : status;
    }
    if (status != CHY_OK) {
        chy_log_error(i->op, "enroll.refusal-lost", "a refused request could not be recorded");
    }
    (void)i->op->host->fail_with(i->op, &error); // what the caller is told is why it was refused
}
