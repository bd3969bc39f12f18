/**
 * The enrollment pipeline: every certificate that somebody asks for passes through it.
 *
 *   decide   profile → normalise → authorise → policy        (normalise.h, rules.h)
 *   issue    key → build, lint, sign, check (sign.h) → one atomic write → answer
 *
 * A certificate is never answered before it is durable.  An attempt by somebody known leaves a
 * request row, issued or failed with the reason.
 */
#ifndef CHY_ENROLL_PIPELINE_H
#define CHY_ENROLL_PIPELINE_H

#include "enroll/issue.h"
#include "resource/runtime.h"

#include <chancery/enrollment.h>

/** chy_pipeline_enroll serves host->enroll. */
CHY_MUST_USE chy_status chy_pipeline_enroll(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_enroll_request *request,
                                            struct chy_enroll_answer *out_answer);

/**
 * chy_pipeline_begin makes an issuance for the operation's principal; chy_pipeline_run takes it
 * through, and releases its key.  Between them a renewal says what it is.
 */
CHY_MUST_USE chy_status chy_pipeline_begin(struct chy_runtime *runtime, struct chy_op *op,
                                           struct chy_issuance **out_issuance);
CHY_MUST_USE chy_status chy_pipeline_run(struct chy_issuance *issuance,
                                         const struct chy_enroll_request *request,
                                         struct chy_enroll_answer *out_answer);

/**
 * chy_pipeline_resume issues what was approved, for whom the operation acts now: it is decided once
 * more, by the profile, policy, rights and authority of today, and issued if that makes what
 * `decision` says.  `issuance` has the request's id, `approved`, and of a key that is not made here
 * the decision's `spki`, `spki_sha256`, `key_algorithm` and `keeps_key`; `has_csr`: it came in a
 * CSR.  BAD_INPUT: something else would be issued by now.
 */
CHY_MUST_USE chy_status chy_pipeline_resume(struct chy_issuance *issuance,
                                            const struct chy_enroll_request *request,
                                            struct chy_slice decision, bool has_csr);

/** chy_pipeline_status serves host->request_status. */
CHY_MUST_USE chy_status chy_pipeline_status(struct chy_runtime *runtime, struct chy_op *op,
                                            struct chy_slice request_id,
                                            struct chy_enroll_answer *out_answer);

#endif
