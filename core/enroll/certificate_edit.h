/** What is done with a certificate that is there: its metadata replaced, a file made of it. */
#ifndef CHY_ENROLL_CERTIFICATE_EDIT_H
#define CHY_ENROLL_CERTIFICATE_EDIT_H

#include "resource/kind.h"

extern const char chy_certificate_update_shape[];
extern const char chy_certificate_pkcs12_shape[];

/** chy_certificate_update replaces the metadata; absent or null: it stays. */
chy_status chy_certificate_update(struct chy_call *call);

/** chy_certificate_pkcs12 answers certificate, chain and private key as a PKCS#12 file. */
chy_status chy_certificate_pkcs12(struct chy_call *call);

#endif
