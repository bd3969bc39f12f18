/** Taking in certificates that were made elsewhere, so that they are found and watched here too. */
#ifndef CHY_ENROLL_CERTIFICATE_IMPORT_H
#define CHY_ENROLL_CERTIFICATE_IMPORT_H

#include "resource/kind.h"

extern const char chy_certificate_import_shape[];

/** chy_certificate_import keeps a certificate, its chain and, sealed, its private key. */
chy_status chy_certificate_import(struct chy_call *call);

#endif
