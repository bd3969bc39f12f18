/** Digests and HMAC. */
#ifndef CHANCERY_WOLFSSL_DIGEST_H
#define CHANCERY_WOLFSSL_DIGEST_H

#include "algorithm.h"

/** chy_digest hashes into `out`, which has CHY_DIGEST_MAX bytes.  Returns 0 or a wolfCrypt code. */
CHY_MUST_USE int chy_digest(uint32_t algorithm, struct chy_slice message, uint8_t *out,
                            uint32_t *out_len);

/** chy_digest_type is wolfCrypt's number of the digest, or -1. */
int chy_digest_type(uint32_t algorithm);

/** chy_hmac computes a MAC into `out`, which has CHY_DIGEST_MAX bytes. */
CHY_MUST_USE int chy_hmac(uint32_t algorithm, struct chy_slice key, struct chy_slice message,
                          uint8_t *out, uint32_t *out_len);

#endif
