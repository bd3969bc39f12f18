/** Certificates as older clients name them: by serial number. */
#ifndef CHY_ENROLL_CERTIFICATE_SERIAL_H
#define CHY_ENROLL_CERTIFICATE_SERIAL_H

#include "resource/kind.h"

/** "certificates-by-serial": actions of chy_kind_certificate whose id is a serial number. */
extern const struct chy_kind chy_kind_certificate_by_serial;

#endif
