/** Signing somebody else's intermediate CA. */
#include "base/time.h"
#include "enroll/authority.h"
#include "enroll/names.h"
#include "enroll/serials.h"
#include "enroll/shard.h"
#include "resource/collections.h"
#include "x509/csr.h"
#include "x509/pem.h"

#define REASON "intermediate"

/** refuse_blocked lets the key of an intermediate be certified again, as when it is renewed. */
static chy_status refuse_blocked(struct chy_call *call, struct chy_slice spki_sha256,
                                 bool *out_known)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_BLOCKED_KEYS,
                                         CHY_KEY(chy_value_blob(spki_sha256)),
                                         CHY_FIELDS(CHY_BLOCKED_REASON), &row);
    *out_known = status == CHY_OK && chy_slice_is(chy_row_text(&row, 0), REASON);
    return *out_known ? CHY_OK : chy_refuse_blocked_key(call->runtime, call->op, spki_sha256);
}

/** block_key: the key of a CA is no leaf's (as with our own, chy_authority_make_key). */
static void block_key(struct chy_call *call, struct chy_batch *batch, struct chy_slice spki_sha256)
{
    struct chy_write *w =
        chy_batch_insert(batch, CHY_C_BLOCKED_KEYS, CHY_KEY(chy_value_blob(spki_sha256)));
    chy_write_set(w, CHY_BLOCKED_REASON, chy_value_text(chy_text(REASON)));
    chy_write_set(w, CHY_BLOCKED_CREATED_AT, chy_value_time(chy_now(call->op)));
}

static chy_status read_request(struct chy_call *call, struct chy_csr *out_csr, bool *out_known)
{
    struct chy_slice der;
    struct chy_slice digest;
    CHY_TRY(chy_pem_decode_request(call->op, chy_json_member(call->document, "csr"), &der));
    CHY_TRY(chy_csr_read(call->op, der, out_csr));
    CHY_TRY(chy_spki_check_strength(call->op, &out_csr->spki));
    if (out_csr->subject.count == 0) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "the CSR of a CA needs a subject");
    }
    CHY_TRY(chy_cpu_enter(call->runtime, call->op));
    chy_status status =
        chy_crypto_verify_spki(call->runtime->leaf_crypto, call->op, out_csr->spki.der,
                               out_csr->signature_algorithm, out_csr->tbs, out_csr->signature);
    chy_cpu_leave(call->runtime);
    CHY_TRY(status);
    CHY_TRY(chy_spki_sha256(call->runtime, call->op, out_csr->spki.der, &digest));
    return refuse_blocked(call, digest, out_known);
}

static chy_status read_wish(struct chy_call *call, const struct chy_issuer *issuer,
                            const struct chy_csr *csr, struct chy_authority_wish *wish)
{
    struct chy_slice before = chy_json_member(call->document, "notBefore");
    const json_t *length = json_object_get(call->document, "maxPathLength");
    wish->not_before = chy_now(call->op) - call->runtime->pki.backdate;
    wish->spki = csr->spki.der;
    wish->key_algorithm = csr->spki.algorithm;
    wish->parent = issuer;
    wish->max_path_length = json_is_integer(length) ? (int32_t)json_integer_value(length) : -1;
    if (before.len != 0 && !chy_time_parse(before, &wish->not_before)) {
        return chy_shape_refuse_one(call->op, "invalid_date", "/notBefore",
                                    "expected an ISO 8601 date");
    }
    if (!chy_time_parse(chy_json_member(call->document, "notAfter"), &wish->not_after)) {
        return chy_shape_refuse_one(call->op, "invalid_date", "/notAfter",
                                    "expected an ISO 8601 date");
    }
    if (wish->not_before < issuer->path[0].not_before) {
        wish->not_before = issuer->path[0].not_before;
    }
    if (wish->not_after <= wish->not_before || wish->not_after <= chy_now(call->op) ||
        wish->not_after > issuer->path[0].not_after) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "notAfter must lie after notBefore and now, and not after the end of the "
                        "certificate authority");
    }
    wish->not_before -= wish->not_before % CHY_US_PER_SECOND;
    wish->not_after -= wish->not_after % CHY_US_PER_SECOND;
    return chy_name_encode(call->op, &csr->subject, &wish->subject);
}

/** What the rows of a signed intermediate share. */
struct intermediate {
    struct chy_uuid id;
    struct chy_view names;
    struct chy_slice spki_sha256;
    struct chy_slice sha256;
    struct chy_slice sha1;
    struct chy_slice common_name;
    struct chy_slice serial;
    int64_t shard;
};

static chy_status prepare(struct chy_call *call, const struct chy_csr *csr,
                          const struct chy_signed *made, struct intermediate *i)
{
    struct chy_crypto *crypto = call->runtime->leaf_crypto;
    if (!chy_name_get(&csr->subject, CHY_NAME_COMMON_NAME, &i->common_name)) {
        i->common_name = chy_slice_of(NULL, 0);
    }
    i->serial = chy_text(made->serial_text);
    static const struct chy_sans no_sans;
    CHY_TRY(chy_names_searched(call->op, i->common_name, &no_sans, &i->names));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &i->id));
    CHY_TRY(chy_spki_sha256(call->runtime, call->op, csr->spki.der, &i->spki_sha256));
    CHY_TRY(chy_crypto_digest(crypto, call->op, CHY_DIGEST_SHA256, made->der, &i->sha256));
    return chy_crypto_digest(crypto, call->op, CHY_DIGEST_SHA1, made->der, &i->sha1);
}

static void insert_rows(struct chy_call *call, struct chy_batch *batch,
                        const struct chy_authority_wish *wish, const struct chy_signed *made,
                        const struct intermediate *i)
{
    const struct chy_issuer *issuer = wish->parent;
    int64_t now = chy_now(call->op);
    struct chy_write *w =
        chy_batch_insert(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&i->id)));
    chy_write_set(w, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(w, CHY_CERT_AUTHORITY_ID, chy_value_uuid(&issuer->authority_id));
    chy_write_set(w, CHY_CERT_GENERATION_ID, chy_value_uuid(&issuer->generation_id));
    chy_write_set(w, CHY_CERT_AUTHORITY_CERTIFICATE_ID, chy_value_uuid(&issuer->certificate_id));
    chy_write_set(w, CHY_CERT_METHOD, chy_value_text(chy_text("sign-intermediate")));
    chy_write_set(w, CHY_CERT_SOURCE, chy_value_text(chy_text("issued")));
    chy_write_set(w, CHY_CERT_STATUS, chy_value_text(chy_text("active")));
    chy_write_set(w, CHY_CERT_SERIAL, chy_value_text(i->serial));
    chy_write_set(w, CHY_CERT_SHARD, chy_value_int(i->shard));
    chy_write_set(w, CHY_CERT_COMMON_NAME, chy_value_text_or_null(i->common_name));
    chy_write_set(w, CHY_CERT_NAMES, chy_value_many(i->names));
    chy_write_set(w, CHY_CERT_NOT_BEFORE, chy_value_time(wish->not_before));
    chy_write_set(w, CHY_CERT_NOT_AFTER, chy_value_time(wish->not_after));
    chy_write_set(w, CHY_CERT_KEY_ALGORITHM,
                  chy_value_text(chy_text(chy_key_algorithm_name(wish->key_algorithm))));
    chy_write_set(
        w, CHY_CERT_SIGNATURE_ALGORITHM,
        chy_value_text(chy_text(chy_signature_algorithm_name(made->signature_algorithm))));
    chy_write_set(w, CHY_CERT_KEY_USAGES,
                  chy_value_int(CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_CERT_SIGN | CHY_KU_CRL_SIGN));
    chy_write_set(w, CHY_CERT_EXT_KEY_USAGES, chy_value_int(0));
    chy_write_set(w, CHY_CERT_IS_CA, chy_value_bool(true));
    chy_write_set(w, CHY_CERT_DER, chy_value_blob(made->der));
    chy_write_set(w, CHY_CERT_SPKI_SHA256, chy_value_blob(i->spki_sha256));
    chy_write_set(w, CHY_CERT_FINGERPRINT_SHA256, chy_value_blob(i->sha256));
    chy_write_set(w, CHY_CERT_FINGERPRINT_SHA1, chy_value_blob(i->sha1));
    chy_write_set(w, CHY_CERT_KEY_RETENTION, chy_value_text(chy_text("none")));
    chy_write_set(w, CHY_CERT_CREATED_AT, chy_value_time(now));
    chy_write_set(w, CHY_CERT_UPDATED_AT, chy_value_time(now));

    struct chy_serial_entry entry = {.number = i->serial,
                                     .signer = &issuer->generation_id,
                                     .certificate_id = &i->id,
                                     .shard = i->shard,
                                     .not_after = wish->not_after};
    chy_serial_enter(batch, &entry);
}

static chy_status answer(struct chy_call *call, const struct chy_issuer *issuer,
                         const struct chy_signed *made, const struct intermediate *i)
{
    struct chy_slice pem;
    call->answer = chy_json_object(call->op);
    CHY_TRY(chy_pem_encode(call->op, CHY_PEM_CERTIFICATE, made->der, 0, &pem));
    bool fine = call->answer != NULL && chy_json_set_text(call->answer, "certificate", pem) &&
                chy_json_set_text(call->answer, "certificateChain", issuer->chain_pem) &&
                chy_json_set_text(call->answer, "issuingCaCertificate", issuer->pem) &&
                chy_json_set_text(call->answer, "serialNumber", i->serial) &&
                chy_json_set_uuid(call->answer, "certificateId", &i->id);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_authority_sign_intermediate(struct chy_call *call)
{
    struct chy_authority ca;
    const struct chy_issuer *issuer;
    struct chy_csr csr;
    struct chy_authority_wish wish = {.max_path_length = -1};
    struct chy_signed made;
    struct intermediate intermediate;
    struct chy_batch batch;
    bool key_is_known = false;
    memset(&intermediate, 0, sizeof intermediate);
    CHY_TRY(chy_authority_load(call, &ca));
    CHY_TRY(chy_issuer_get(call->runtime, call->op, &ca.id, &issuer));
    if (issuer->status != CHY_AUTHORITY_ACTIVE) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "the certificate authority is not active");
    }
    CHY_TRY(read_request(call, &csr, &key_is_known));
    CHY_TRY(read_wish(call, issuer, &csr, &wish));
    CHY_TRY(chy_authority_sign(call, &wish, &made, &intermediate.shard));
    CHY_TRY(prepare(call, &csr, &made, &intermediate));
    chy_batch_init(&batch, call->op, 0);
    insert_rows(call, &batch, &wish, &made, &intermediate);
    if (!key_is_known) {
        block_key(call, &batch, intermediate.spki_sha256);
    }
    CHY_TRY(chy_call_commit(call, &batch, "sign-intermediate", &intermediate.id));
    return answer(call, issuer, &made, &intermediate);
}
