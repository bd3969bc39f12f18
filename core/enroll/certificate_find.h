/** Certificates by what people and machines call them. */
#ifndef CHY_ENROLL_CERTIFICATE_FIND_H
#define CHY_ENROLL_CERTIFICATE_FIND_H

#include "resource/runtime.h"

/**
 * chy_certificate_find finds the certificate, also a CA's own, that `text` names: a UUID, or a
 * serial number that stands for one certificate in the caller's projects.  NOT_FOUND: none;
 * BAD_INPUT: neither, or several.
 */
CHY_MUST_USE chy_status chy_certificate_find(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_slice text, struct chy_uuid *out_id);

#endif
