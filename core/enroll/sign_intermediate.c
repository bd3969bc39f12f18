/** Signing somebody else's intermediate CA. */
#include "enroll/authority.h"
#include "enroll/blocked_key.h"
#include "enroll/certificate_row.h"
#include "resource/audit.h"
#include "x509/pem.h"

/** As many as a request may give. */
#define PATH_LENGTH_MAX 255U

/** refuse_blocked lets the key of an intermediate be certified again, as when it is renewed. */
static chy_status refuse_blocked(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice spki_sha256, bool *out_known)
{
    enum chy_blocked_reason reason;
    CHY_TRY(chy_blocked_key_find(runtime, op, spki_sha256, &reason));
    *out_known = reason == CHY_BLOCKED_INTERMEDIATE;
    return *out_known ? CHY_OK : chy_refuse_blocked_key(runtime, op, spki_sha256);
}

chy_status chy_intermediate_request_read(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_slice text,
                                         struct chy_intermediate_request *out_request)
{
    struct chy_intermediate_request r;
    struct chy_slice der;
    CHY_TRY(chy_pem_decode_request(op, text, &der));
    CHY_TRY(chy_csr_read(op, der, &r.csr));
    CHY_TRY(chy_spki_check_strength(op, &r.csr.spki));
    if (r.csr.subject.count == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the CSR of a CA needs a subject");
    }
    CHY_TRY(chy_cpu_enter(runtime, op));
    chy_status status =
        chy_crypto_verify_spki(runtime->leaf_crypto, op, r.csr.spki.der, r.csr.signature_algorithm,
                               r.csr.tbs, r.csr.signature);
    chy_cpu_leave(runtime);
    CHY_TRY(status);
    CHY_TRY(chy_spki_sha256(runtime, op, r.csr.spki.der, &r.spki_sha256));
    CHY_TRY(refuse_blocked(runtime, op, r.spki_sha256, &r.key_is_known));
    *out_request = r;
    return CHY_OK;
}

chy_status chy_intermediate_request_check(struct chy_op *op, const struct chy_csr *csr,
                                          const struct chy_certificate *issuer, int64_t path_length)
{
    if (csr->has_basic_constraints && !csr->basic_constraints.is_ca) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CSR is not that of a CA: it asks for basic constraints CA:FALSE");
    }
    if (issuer->basic_constraints.has_path_length &&
        (path_length < 0 || path_length >= issuer->basic_constraints.path_length)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CA that signs has the path length %u: that of a CA below it has to be "
                        "less",
                        issuer->basic_constraints.path_length);
    }
    if (csr->basic_constraints.has_path_length &&
        (path_length < 0 || path_length > csr->basic_constraints.path_length)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "the CSR asks for a path length of %u: it cannot be given a longer one",
                        csr->basic_constraints.path_length);
    }
    return CHY_OK;
}

/** path_length_of: who says none, or -1, means as far as the CSR and the issuer go. */
static int64_t path_length_of(const struct chy_call *call, const struct chy_csr *csr,
                              const struct chy_certificate *issuer)
{
    const json_t *given = json_object_get(call->document, "maxPathLength");
    const struct chy_basic_constraints *above = &issuer->basic_constraints;
    if (json_is_integer(given) && json_integer_value(given) >= 0) {
        return json_integer_value(given);
    }
    if (csr->basic_constraints.has_path_length) {
        return csr->basic_constraints.path_length > PATH_LENGTH_MAX
                   ? PATH_LENGTH_MAX
                   : csr->basic_constraints.path_length;
    }
    return above->has_path_length ? (int64_t)above->path_length - 1 : -1;
}

static chy_status read_wish(struct chy_call *call, const struct chy_issuer *issuer,
                            const struct chy_csr *csr, struct chy_authority_wish *wish)
{
    const int64_t length = path_length_of(call, csr, &issuer->path[0]);
    CHY_TRY(chy_intermediate_request_check(call->op, csr, &issuer->path[0], length));
    wish->spki = csr->spki.der;
    wish->key_algorithm = csr->spki.algorithm;
    wish->parent = issuer;
    wish->max_path_length = (int32_t)length;
    CHY_TRY(
        chy_validity_of_ca(call->runtime, call->op, call->document, "", issuer, &wish->validity));
    CHY_TRY(chy_authority_constraints(call, json_object_get(call->document, "nameConstraints"),
                                      &wish->name_constraints));
    return chy_name_encode(call->op, &csr->subject, &wish->subject);
}

static chy_status insert_rows(struct chy_call *call, struct chy_batch *batch,
                              const struct chy_intermediate_request *request,
                              const struct chy_authority_wish *wish, const struct chy_signed *made,
                              struct chy_certificate_row *row)
{
    static const struct chy_sans no_sans;
    struct chy_certificate_texts *texts = chy_alloc(call->op, sizeof *texts);
    const struct chy_principal *principal = chy_principal_of(call->op);
    if (texts == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_certificate_texts_make(call->op, &request->csr.subject, &no_sans,
                                       chy_view_of(NULL, 0, sizeof(struct chy_pair)), texts));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &row->id));
    row->spki_sha256 = request->spki_sha256;
    row->project_id = call->project_id;
    row->issuer = wish->parent;
    row->method = chy_text("sign-intermediate");
    row->source = CHY_SOURCE_ISSUED;
    row->texts = texts;
    row->der = made->der;
    row->serial = chy_text(made->serial_text);
    row->not_before = wish->validity.not_before;
    row->not_after = wish->validity.not_after;
    row->key_algorithm = chy_key_algorithm_name(wish->key_algorithm);
    row->signature_algorithm = chy_signature_algorithm_name(made->signature_algorithm);
    row->key_usage = CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN;
    row->basic_constraints.is_ca = true;
    row->basic_constraints.has_path_length = wish->max_path_length >= 0;
    row->basic_constraints.path_length =
        wish->max_path_length >= 0 ? (uint32_t)wish->max_path_length : 0;
    row->key_retention = CHY_KEY_NOT_KEPT;
    if (principal != NULL) {
        row->identity_id = principal->id;
    }
    return chy_certificate_row_insert(call->runtime, batch, row);
}

/** commit says in the audit which certificate was made, and by which CA. */
static chy_status commit(struct chy_call *call, struct chy_batch *batch,
                         const struct chy_certificate_row *row)
{
    struct chy_audit_event event = {.action = "certificate-authority.sign-intermediate",
                                    .target_kind = "certificates",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &call->project_id};
    struct chy_buf detail;
    chy_buf_init(&detail, call->op, 512);
    chy_buf_add_text(&detail, "{\"caId\":");
    chy_buf_add_json_string(&detail, call->id_text);
    chy_buf_add_text(&detail, ",\"serialNumber\":");
    chy_buf_add_json_string(&detail, row->serial);
    chy_buf_add_u8(&detail, '}');
    event.detail = chy_buf_slice(&detail);
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, call->op, "the audit row");
    }
    CHY_TRY(chy_uuid_text(call->op, &row->id, &event.target));
    return chy_call_commit_event(call, batch, &event);
}

static chy_status answer(struct chy_call *call, const struct chy_issuer *issuer,
                         const struct chy_signed *made, const struct chy_certificate_row *row)
{
    struct chy_slice pem;
    call->answer = chy_json_object(call->op);
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CERTIFICATE, made->der, 0, &pem));
    bool fine = call->answer != NULL && chy_json_set_text(call->answer, "certificate", pem) &&
                chy_json_set_text(call->answer, "certificateChain", issuer->chain_pem) &&
                chy_json_set_text(call->answer, "issuingCaCertificate", issuer->pem) &&
                chy_json_set_text(call->answer, "serialNumber", row->serial) &&
                chy_json_set_uuid(call->answer, "certificateId", &row->id);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_authority_sign_intermediate(struct chy_call *call)
{
    struct chy_authority ca;
    const struct chy_issuer *issuer;
    struct chy_intermediate_request request;
    struct chy_authority_wish wish = {.max_path_length = -1};
    struct chy_signed made;
    struct chy_certificate_row row;
    struct chy_batch batch;
    memset(&row, 0, sizeof row);
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(chy_issuer_get(call->runtime, call->op, &ca.id, &issuer));
    if (issuer->status != CHY_AUTHORITY_ACTIVE) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "the certificate authority is not active");
    }
    CHY_TRY(chy_intermediate_request_read(call->runtime, call->op,
                                          chy_json_member(call->document, "csr"), &request));
    CHY_TRY(read_wish(call, issuer, &request.csr, &wish));
    CHY_TRY(chy_authority_sign(call, &wish, &made, &row.shard));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(insert_rows(call, &batch, &request, &wish, &made, &row));
    if (!request.key_is_known) { // the key of a CA is no leaf's
        chy_blocked_key_enter(&batch, row.spki_sha256, CHY_BLOCKED_INTERMEDIATE);
    }
    CHY_TRY(commit(call, &batch, &row));
    return answer(call, issuer, &made, &row);
}
