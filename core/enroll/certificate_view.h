/** A stored certificate with what belongs to it: its chain, and its private key when it is here. */
#ifndef CHY_ENROLL_CERTIFICATE_VIEW_H
#define CHY_ENROLL_CERTIFICATE_VIEW_H

#include "resource/principal.h"
#include "resource/runtime.h"

struct chy_certificate_view {
    struct chy_storage_row row; /**< every field, by enum chy_certificate_field */
    struct chy_uuid id;
    struct chy_uuid project_id;
    bool may_read_key; /**< the caller has the permission, or asked for this certificate itself */
    struct chy_slice chain; /**< the issuing CA and up, DER, one after another; may be empty */
    struct chy_slice pem;
    struct chy_slice issuer_pem; /**< empty: self-signed, or imported without a chain */
    struct chy_slice chain_pem;  /**< the issuing CA and up; a self-signed one is its own */
};

/**
 * chy_certificate_view_load reads a certificate.  NOT_FOUND: there is none, or it is in no project
 * of the caller's; DENIED: the caller may not read it.
 */
CHY_MUST_USE chy_status chy_certificate_view_load(struct chy_runtime *runtime, struct chy_op *op,
                                                  const struct chy_uuid *id,
                                                  struct chy_certificate_view *out_view);

/** chy_certificate_view_has_key tells whether the private key is kept here. */
CHY_MUST_USE bool chy_certificate_view_has_key(const struct chy_certificate_view *view);

/** chy_certificate_open_key opens the private key of a certificate's row, which has every field,
 *  without asking who wants it.  BROKEN: it is not the certificate's. */
CHY_MUST_USE chy_status chy_certificate_open_key(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_storage_row *row,
                                                 struct chy_crypto_key *out_key);

/** chy_certificate_view_pkcs8 reveals the private key, PKCS#8 DER in the secret arena.  That it was
 *  revealed is durable in the audit before this returns.  DENIED: not permitted; NOT_FOUND: no key
 *  is kept here.  `how` names the way for the audit: "private-key", "bundle". */
CHY_MUST_USE chy_status chy_certificate_view_pkcs8(struct chy_runtime *runtime, struct chy_op *op,
                                                   const struct chy_certificate_view *view,
                                                   const char *how, struct chy_slice *out_pkcs8);

/** chy_certificate_view_key is chy_certificate_view_pkcs8 as PEM. */
CHY_MUST_USE chy_status chy_certificate_view_key(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_certificate_view *view,
                                                 const char *how, struct chy_slice *out_pem);

#endif
