/** Certificates as the API shows them. */
#ifndef CHY_ENROLL_CERTIFICATE_H
#define CHY_ENROLL_CERTIFICATE_H

#include "resource/kind.h"

/** "certificates": "get", "certificate", "bundle", "private-key", "update", "pkcs12",
 *  "import". */
extern const struct chy_kind chy_kind_certificate;

#endif
