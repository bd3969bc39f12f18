/** The optional primitives: key derivation, ciphers, RSA key transport, key agreement. */
#ifndef CHANCERY_WOLFSSL_PRIMITIVES_H
#define CHANCERY_WOLFSSL_PRIMITIVES_H

#include "key.h"

CHY_MUST_USE chy_status chy_kdf(struct chy_op *op, const struct chy_kdf_call *call,
                                struct chy_buffer out);
CHY_MUST_USE chy_status chy_cipher(struct chy_op *op, const struct chy_cipher_call *call,
                                   struct chy_slice *out_output);
CHY_MUST_USE chy_status chy_decrypt(struct chy_key *key, struct chy_op *op, uint32_t oaep_digest,
                                    struct chy_slice ciphertext, uint64_t expected_len,
                                    struct chy_slice *out_secret);
CHY_MUST_USE chy_status chy_derive(struct chy_key *key, struct chy_op *op,
                                   struct chy_slice peer_spki, struct chy_slice *out_secret);

#endif
