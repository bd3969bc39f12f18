/**
 * Who signs OCSP responses: a short-lived key of its own, delegated by the CA's key generation (RFC
 * 6960 4.2.2.2).
 *
 * A signer is made when it is first needed, kept sealed in storage and shared between nodes.  When
 * half of its life is over the next request makes another, while the others go on with the old one.
 */
#ifndef CHY_ENROLL_OCSP_SIGNER_H
#define CHY_ENROLL_OCSP_SIGNER_H

#include "enroll/issuer.h"

#include <stdatomic.h>

/** The digests by which requests name an issuer. */
enum {
    CHY_OCSP_BY_SHA1 = 0,
    CHY_OCSP_BY_SHA256,
    CHY_OCSP_DIGESTS
};

/** Immutable, but for what its table guards.  Everything it points to is its own. */
struct chy_ocsp_signer {
    struct chy_ocsp_signer *next; /**< the table's */
    int64_t renew_at;             /**< the table's */
    atomic_uint references;
    struct chy_operation *memory;
    struct chy_uuid generation_id;
    struct chy_uuid project_id;
    struct chy_crypto_key key;
    struct chy_crypto_key public_key;
    uint32_t signature_algorithm;
    int64_t not_after;
    struct chy_slice der;
    struct chy_slice key_hash; /**< SHA-1 of its public key bits: its responder id */
    struct chy_slice issuer_names[CHY_OCSP_DIGESTS];
    struct chy_slice issuer_keys[CHY_OCSP_DIGESTS];
};

/** The signers that this node has opened; NULL: out of memory. */
struct chy_ocsp_signers;
struct chy_ocsp_signers *chy_ocsp_signers_new(void);
void chy_ocsp_signers_free(struct chy_ocsp_signers *signers);

/** chy_ocsp_signer_get gives the signer of an issuer's key generation, making it if need be.  It
 *  lives at least as long as the operation. */
CHY_MUST_USE chy_status chy_ocsp_signer_get(struct chy_runtime *runtime, struct chy_op *op,
                                            struct chy_ocsp_signers *signers,
                                            const struct chy_issuer *issuer,
                                            const struct chy_ocsp_signer **out_signer);

#endif
