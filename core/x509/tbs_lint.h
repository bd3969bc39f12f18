/** The last look at a TBSCertificate before it is signed. */
#ifndef CHY_X509_TBS_LINT_H
#define CHY_X509_TBS_LINT_H

#include "x509/certificate.h"

/**
 * chy_tbs_lint reads the DER that is about to be signed and holds it to pki-rules: a serial of 16
 * octets, version 3, validity in order, well-formed names, SKI and AKI (a self-signed root may lack
 * the AKI), critical basic constraints, CA and keyCertSign only together, key usage that fits the
 * key, nothing empty, a critical SAN exactly when the subject is empty, canonical SANs, no repeated
 * or unknown critical extension, a key that is not weak.
 * Failing it is a defect of the caller: CHY_BROKEN with all that was found, in one message.
 */
CHY_MUST_USE chy_status chy_tbs_lint(struct chy_op *op, struct chy_slice tbs);

#endif
