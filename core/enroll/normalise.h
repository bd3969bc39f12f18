/** From a request to a decision: canonical names, defaults, algorithms, dates. */
#ifndef CHY_ENROLL_NORMALISE_H
#define CHY_ENROLL_NORMALISE_H

#include "enroll/decision.h"
#include "enroll/profile.h"
#include "enroll/sign.h"

#include <chancery/enrollment.h>

/**
 * chy_normalise makes a decision of a request under a profile.  `issuer` is NULL for a self-signed
 * profile.  BAD_INPUT: malformed values (CHY_REASON_VALIDATION names their fields), an unfit CSR
 * (CHY_REASON_CRYPTO for its key or signature), things that cannot go together.
 */
CHY_MUST_USE chy_status chy_normalise(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_enroll_request *request,
                                      const struct chy_enroll_profile *profile,
                                      const struct chy_issuer *issuer, struct chy_cpu *cpu,
                                      struct chy_decision *out_decision);

#endif
