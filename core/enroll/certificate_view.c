#include "enroll/certificate_view.h"

#include "enroll/certificate_row.h"
#include "enroll/chain.h"
#include "enroll/permit.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "x509/certificate.h"
#include "x509/pem.h"

/** read_chain finds what stands above the certificate: its CA and up, or what came with it. */
static chy_status read_chain(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_certificate_view *view, struct chy_slice *out_chain)
{
    struct chy_uuid issuer_id = chy_row_uuid(&view->row, CHY_CERT_AUTHORITY_CERTIFICATE_ID);
    struct chy_storage_row row;
    struct chy_buf chain;
    if (chy_uuid_is_nil(&issuer_id)) {
        *out_chain = chy_row_blob(&view->row, CHY_CERT_CHAIN);
        return CHY_OK;
    }
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&issuer_id)),
                             CHY_FIELDS(CHY_ACERT_DER, CHY_ACERT_CHAIN), &row));
    chy_buf_init(&chain, op, CHY_CHAIN_MAX + CHY_CERTIFICATE_MAX);
    chy_buf_add(&chain, chy_row_blob(&row, 0));
    chy_buf_add(&chain, chy_row_blob(&row, 1));
    *out_chain = chy_buf_slice(&chain);
    return chy_buf_ok(&chain) ? CHY_OK : chy_buf_fail(&chain, op, "the chain");
}

static chy_status load_chain(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_certificate_view *view)
{
    CHY_TRY(read_chain(runtime, op, view, &view->chain));
    if (view->chain.len != 0) {
        struct chy_slice rest = view->chain;
        struct chy_slice issuer;
        CHY_TRY(chy_chain_take(op, &rest, &issuer));
        CHY_TRY(chy_pem_encode(op, CHY_PEM_CERTIFICATE, issuer, 0, &view->issuer_pem));
        return chy_chain_pem(op, chy_slice_of(NULL, 0), view->chain, &view->chain_pem);
    }
    if (!chy_slice_is(chy_row_text(&view->row, CHY_CERT_SOURCE), CHY_SOURCE_IMPORTED)) {
        view->chain_pem = view->pem; // made here by no CA: self-signed
    }
    return CHY_OK;
}

chy_status chy_certificate_view_load(struct chy_runtime *runtime, struct chy_op *op,
                                     const struct chy_uuid *id,
                                     struct chy_certificate_view *out_view)
{
    struct chy_certificate_view view = {.id = *id};
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)),
                         chy_core_fields(CHY_C_CERTIFICATES), &view.row);
    CHY_TRY(chy_or_not_found(op, status, "certificate"));
    view.project_id = chy_row_uuid(&view.row, CHY_CERT_PROJECT_ID);
    CHY_TRY(chy_permit_require(runtime, op, &view.row, CHY_ACTION_READ));
    CHY_TRY(
        chy_permit_may(runtime, op, &view.row, CHY_ACTION_READ_PRIVATE_KEY, &view.may_read_key));
    CHY_TRY(chy_pem_encode(op, CHY_PEM_CERTIFICATE, chy_row_blob(&view.row, CHY_CERT_DER), 0,
                           &view.pem));
    CHY_TRY(load_chain(runtime, op, &view));
    *out_view = view;
    return CHY_OK;
}

bool chy_certificate_view_has_key(const struct chy_certificate_view *view)
{
    return !chy_row_is_null(&view->row, CHY_CERT_SEALED_KEY);
}

chy_status chy_certificate_open_key(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_storage_row *row,
                                    struct chy_crypto_key *out_key)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_CERT_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID);
    struct chy_uuid data_key_id = chy_row_uuid(row, CHY_CERT_DATA_KEY_ID);
    struct chy_sealed_place place =
        chy_certificate_key_place(&id, &project_id, chy_row_blob(row, CHY_CERT_SPKI_SHA256));
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice spki;
    struct chy_slice digest;
    CHY_TRY(chy_keyring_open_key(runtime->keyring, op, &place, runtime->leaf_crypto, &data_key_id,
                                 chy_row_blob(row, CHY_CERT_SEALED_KEY), &key));
    CHY_TRY(chy_crypto_public_key(&key, op, &spki));
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, spki, &digest));
    if (!chy_slice_equal(digest, chy_row_blob(row, CHY_CERT_SPKI_SHA256))) {
        return chy_fail(op, CHY_BROKEN, 0, "the kept private key is not the certificate's");
    }
    *out_key = chy_crypto_key_take(&key);
    return CHY_OK;
}

static chy_status audit_reveal(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_certificate_view *view, const char *how)
{
    char detail[64];
    struct chy_audit_event event = {.action = "certificate.reveal-private-key",
                                    .target_kind = "certificates",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &view->project_id};
    (void)snprintf(detail, sizeof detail, "{\"by\":\"%s\"}", how);
    CHY_TRY(chy_copy(op, chy_text(detail), &event.detail));
    CHY_TRY(chy_uuid_text(op, &view->id, &event.target));
    return chy_audit_write(runtime, op, &event);
}

chy_status chy_certificate_view_pkcs8(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_certificate_view *view, const char *how,
                                      struct chy_slice *out_pkcs8)
{
    if (!view->may_read_key) {
        return chy_require(op, &view->project_id, CHY_SUBJECT_CERTIFICATES,
                           CHY_ACTION_READ_PRIVATE_KEY, "certificate");
    }
    if (!chy_certificate_view_has_key(view)) {
        return chy_fail(op, CHY_NOT_FOUND, 0,
                        "no private key of this certificate is kept here: it was requested with a "
                        "CSR, or its profile does not keep keys");
    }
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice pkcs8;
    CHY_TRY(chy_certificate_open_key(runtime, op, &view->row, &key));
    CHY_TRY(chy_crypto_export(&key, op, &pkcs8));
    CHY_TRY(audit_reveal(runtime, op, view, how));
    *out_pkcs8 = pkcs8;
    return CHY_OK;
}

chy_status chy_certificate_view_key(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_certificate_view *view, const char *how,
                                    struct chy_slice *out_pem)
{
    struct chy_slice pkcs8;
    CHY_TRY(chy_certificate_view_pkcs8(runtime, op, view, how, &pkcs8));
    return chy_pem_encode(op, CHY_PEM_PRIVATE_KEY, pkcs8, CHY_PEM_SECRET, out_pem);
}
