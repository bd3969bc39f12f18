/**
 * The text form of credentials that we make: access tokens and client secrets.
 *
 * A prefix that secret scanners find, 256 random bits in base64url, and a checksum, so that a word
 * that was never one of ours is told from one that is unknown without asking the database.
 */
#ifndef CHY_ACCESS_CREDENTIAL_H
#define CHY_ACCESS_CREDENTIAL_H

#include "resource/runtime.h"

/** How many random bytes a credential has. */
#define CHY_CREDENTIAL_LEN 32

/** The prefixes. */
#define CHY_CREDENTIAL_TOKEN "chy_"
#define CHY_CREDENTIAL_SECRET "chys_"

/** chy_credential_new makes a credential; `out_text`, NUL-terminated, lies in the secret arena. */
CHY_MUST_USE chy_status chy_credential_new(struct chy_runtime *runtime, struct chy_op *op,
                                           const char *prefix, struct chy_slice *out_text);

/** chy_credential_read checks prefix, length and checksum.  The caller wipes `out_bytes`. */
CHY_MUST_USE bool chy_credential_read(const char *prefix, struct chy_slice text,
                                      uint8_t out_bytes[CHY_CREDENTIAL_LEN]);

#endif
