/**
 * Sealing: AES-256-GCM (NIST SP 800-38D) with a random nonce.
 *
 * A blob is: version (1), nonce (12), ciphertext, tag (16).  Authenticated beside it: version, what
 * the blob holds (bytes, or a key), and purpose and aad, each after its length.  So a blob opens
 * for its own purpose and row only, and a sealed key never opens as bytes.
 */
#ifndef CHANCERY_WOLFSSL_SEAL_H
#define CHANCERY_WOLFSSL_SEAL_H

#include "key.h"

/**
 * How many seals one handle makes.  Random nonces bound a key to 2^32 of them (SP 800-38D 8.3); a
 * key is loaded again by each node and after each restart, so that a handle takes a sixteenth.
 */
#define CHY_SEALS_MAX (UINT64_C(1) << 28)

CHY_MUST_USE chy_status chy_seal(struct chy_key *sealing_key, struct chy_op *op,
                                 const struct chy_seal_context *context, struct chy_slice secret,
                                 struct chy_slice *out_sealed);
CHY_MUST_USE chy_status chy_unseal(struct chy_key *sealing_key, struct chy_op *op,
                                   const struct chy_seal_context *context, struct chy_slice sealed,
                                   struct chy_slice *out_secret);
CHY_MUST_USE chy_status chy_seal_key(struct chy_key *sealing_key, struct chy_op *op,
                                     const struct chy_seal_context *context, struct chy_key *key,
                                     struct chy_slice *out_sealed);
CHY_MUST_USE chy_status chy_unseal_key(struct chy_key *sealing_key, struct chy_op *op,
                                       const struct chy_seal_context *context,
                                       struct chy_slice sealed, struct chy_key **out_key);

#endif
