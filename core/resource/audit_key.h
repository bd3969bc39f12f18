/**
 * The key that signs the heads of the audit's blocks: made once, sealed, the same on every node.
 */
#ifndef CHY_RESOURCE_AUDIT_KEY_H
#define CHY_RESOURCE_AUDIT_KEY_H

#include "resource/runtime.h"

struct chy_audit_key {
    struct chy_crypto_key key;
    struct chy_crypto_key public_key;
    uint32_t signature_algorithm; /**< enum chy_signature_algorithm */
};

/** chy_audit_key_open opens the key; `make`: and makes it if there is none, else NOT_FOUND. */
CHY_MUST_USE chy_status chy_audit_key_open(struct chy_runtime *runtime, struct chy_op *op,
                                           bool make, struct chy_audit_key *out_key);
void chy_audit_key_close(struct chy_audit_key *key);

CHY_MUST_USE chy_status chy_audit_key_sign(const struct chy_audit_key *key, struct chy_op *op,
                                           struct chy_slice head, struct chy_slice *out_signature);
/** chy_audit_key_check: BAD_INPUT: the signature is not the key's. */
CHY_MUST_USE chy_status chy_audit_key_check(const struct chy_audit_key *key, struct chy_op *op,
                                            struct chy_slice head, struct chy_slice signature);

#endif
