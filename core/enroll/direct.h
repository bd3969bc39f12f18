/**
 * Older clients name a certificate authority instead of a certificate profile.
 *
 * Nothing is issued past a policy for that: such a request means the one profile of the CA that
 * enrolls by the method. A CA with several of them, or without direct issuance, refuses.
 */
#ifndef CHY_ENROLL_DIRECT_H
#define CHY_ENROLL_DIRECT_H

#include "resource/runtime.h"

/** chy_direct_profile finds the profile. NOT_FOUND: there is no such CA, or it is not the caller's;
 *  BAD_INPUT: it has no such profile, or several; DENIED: the CA forbids it. */
CHY_MUST_USE chy_status chy_direct_profile(struct chy_runtime *runtime, struct chy_op *op,
                                           struct chy_slice authority_id, struct chy_slice method,
                                           struct chy_uuid *out_profile_id);

#endif
