/** Certificates as the API shows them. */
#ifndef CHY_ENROLL_CERTIFICATE_H
#define CHY_ENROLL_CERTIFICATE_H

#include "resource/kind.h"

/** "certificates": "get", "certificate", "bundle", "private-key", "update", "pkcs12",
 *  "import". */
extern const struct chy_kind chy_kind_certificate;

/** chy_certificate_status is the wire word: "active", "expired" or "revoked", of the stored one and
 *  the clock. */
const char *chy_certificate_status(struct chy_slice stored, int64_t not_after, int64_t now);

#endif
