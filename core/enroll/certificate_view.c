#include "enroll/certificate_view.h"

#include "enroll/chain.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"
#include "resource/principal.h"
#include "x509/pem.h"

static chy_status load_chain(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_certificate_view *view)
{
    struct chy_uuid issuer_id = chy_row_uuid(&view->row, CHY_CERT_AUTHORITY_CERTIFICATE_ID);
    struct chy_storage_row row;
    if (chy_uuid_is_nil(&issuer_id)) {
        view->chain_pem = view->pem;
        return CHY_OK;
    }
    CHY_TRY(chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&issuer_id)),
                             CHY_FIELDS(CHY_ACERT_DER, CHY_ACERT_CHAIN), &row));
    CHY_TRY(chy_pem_encode(op, CHY_PEM_CERTIFICATE, chy_row_blob(&row, 0), 0, &view->issuer_pem));
    return chy_chain_pem(op, chy_row_blob(&row, 0), chy_row_blob(&row, 1), &view->chain_pem);
}

chy_status chy_certificate_view_load(struct chy_runtime *runtime, struct chy_op *op,
                                     const struct chy_uuid *id,
                                     struct chy_certificate_view *out_view)
{
    struct chy_certificate_view view = {.id = *id};
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)),
                         chy_core_fields(CHY_C_CERTIFICATES), &view.row);
    if (status == CHY_NOT_FOUND) {
        return chy_not_found(op, "certificate");
    }
    CHY_TRY(status);
    view.project_id = chy_row_uuid(&view.row, CHY_CERT_PROJECT_ID);
    CHY_TRY(chy_require(op, &view.project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ,
                        "certificate"));
    CHY_TRY(chy_pem_encode(op, CHY_PEM_CERTIFICATE, chy_row_blob(&view.row, CHY_CERT_DER), 0,
                           &view.pem));
    CHY_TRY(load_chain(runtime, op, &view));
    *out_view = view;
    return CHY_OK;
}

bool chy_certificate_view_may_read_key(struct chy_op *op, const struct chy_certificate_view *view)
{
    struct chy_uuid asker = chy_row_uuid(&view->row, CHY_CERT_IDENTITY_ID);
    return chy_may_own(op, &view->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ_PRIVATE_KEY,
                       &asker);
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
    struct chy_sealed_place place = {
        .purpose = "leaf-key",
        .collection = "certificates",
        .field = "sealed_key",
        .row_id = &id,
        .project_id = &project_id,
        .spki_sha256 = chy_row_blob(row, CHY_CERT_SPKI_SHA256),
        .exportable = true,
    };
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

chy_status chy_certificate_view_key(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_certificate_view *view, const char *how,
                                    struct chy_slice *out_pem)
{
    if (!chy_certificate_view_may_read_key(op, view)) {
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
    return chy_pem_encode(op, CHY_PEM_PRIVATE_KEY, pkcs8, CHY_PEM_SECRET, out_pem);
}
