/** Keys as others write them: SubjectPublicKeyInfo and PKCS#8 PrivateKeyInfo. */
#ifndef CHANCERY_WOLFSSL_PKCS8_H
#define CHANCERY_WOLFSSL_PKCS8_H

#include "key.h"

/** chy_spki_load makes a public key, and refuses those that are no good (crypto.h, load_public). */
CHY_MUST_USE chy_status chy_spki_load(struct chy_provider *provider, struct chy_op *op,
                                      struct chy_slice spki, struct chy_key **out_key);

/**
 * chy_pkcs8_import takes PrivateKeyInfo (RFC 5958) in.  `wanted` is the algorithm it must have,
 * NULL: any.  The private key of an ML-DSA key is in its seed form (RFC 9881 6).
 */
CHY_MUST_USE chy_status chy_pkcs8_import(struct chy_provider *provider, struct chy_op *op,
                                         const struct chy_algorithm *wanted, uint32_t flags,
                                         struct chy_slice pkcs8, struct chy_key **out_key);

/** chy_pkcs8_export writes PrivateKeyInfo, version 1, into the secret arena, if the key allows. */
CHY_MUST_USE chy_status chy_pkcs8_export(struct chy_key *key, struct chy_op *op,
                                         struct chy_slice *out_pkcs8);

#endif
