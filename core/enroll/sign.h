/**
 * The one place where certificates are made.
 *
 * Leaves, CA certificates and whatever else comes pass here: build, lint, validate the whole path,
 * sign, check the signature.  Nothing is stored and nothing leaves.
 */
#ifndef CHY_ENROLL_SIGN_H
#define CHY_ENROLL_SIGN_H

#include "enroll/issuer.h"

/**
 * A thread's permit for processor-heavy steps, kept from one step to the next: passing it on
 * between them would put the thread to sleep each time.  It is given back before anything waits.
 */
struct chy_cpu {
    struct chy_runtime *runtime;
    bool is_held;
};

/** What to make. */
struct chy_signing {
    const struct chy_issuer *issuer; /**< NULL: self-signed by `self_key` */
    const struct chy_crypto_key *self_key;
    struct chy_slice subject; /**< Name DER */
    struct chy_slice spki;
    uint32_t key_algorithm;       /**< of spki */
    uint32_t signature_algorithm; /**< CHY_SIG_NONE: the signer's default */
    int64_t not_before;
    int64_t not_after;
    uint32_t key_usage;
    uint32_t ekus;
    struct chy_basic_constraints basic_constraints;
    const struct chy_sans *sans; /**< may be NULL */
    int64_t shard;               /**< of the issuer's CRLs; 0: no distribution point */
    bool ocsp_no_check;
    struct chy_cpu *cpu; /**< a permit that is or will be held; NULL: one for this alone */
    struct chy_slice name_constraints; /**< of a CA: contents of extnValue, or empty */
};

struct chy_signed {
    struct chy_slice der;
    struct chy_slice serial; /**< CHY_SERIAL_SIZE octets */
    char serial_text[CHY_SERIAL_TEXT_SIZE];
    uint32_t signature_algorithm;
};

CHY_MUST_USE chy_status chy_sign_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                             const struct chy_signing *signing,
                                             struct chy_signed *out_signed);

/** chy_sign_blob signs any TBS with an issuer's key and checks the signature: CRLs, requests. */
CHY_MUST_USE chy_status chy_sign_blob(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_crypto_key *key,
                                      const struct chy_crypto_key *public_key, uint32_t algorithm,
                                      struct chy_slice tbs, struct chy_slice *out_der);

/** chy_sign_bare signs any bytes likewise and gives the signature alone: OCSP responses. */
CHY_MUST_USE chy_status chy_sign_bare(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_crypto_key *key,
                                      const struct chy_crypto_key *public_key, uint32_t algorithm,
                                      struct chy_slice message, struct chy_slice *out_signature);

/** chy_cpu_enter takes one of the permits for processor-heavy steps; TRY_LATER when too many wait.
 *  Never across I/O. */
CHY_MUST_USE chy_status chy_cpu_enter(struct chy_runtime *runtime, struct chy_op *op);
void chy_cpu_leave(struct chy_runtime *runtime);

/** chy_cpu_hold is chy_cpu_enter unless the permit is held already. */
CHY_MUST_USE chy_status chy_cpu_hold(struct chy_cpu *cpu, struct chy_op *op);
/** chy_cpu_drop is chy_cpu_leave if the permit is held. */
void chy_cpu_drop(struct chy_cpu *cpu);

/** chy_spki_sha256 hashes a SubjectPublicKeyInfo: how keys are found again. */
CHY_MUST_USE chy_status chy_spki_sha256(struct chy_runtime *runtime, struct chy_op *op,
                                        struct chy_slice spki, struct chy_slice *out_digest);

#endif
