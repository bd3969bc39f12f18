/** When a certificate begins and ends: the rules that every way of making one shares. */
#ifndef CHY_ENROLL_VALIDITY_H
#define CHY_ENROLL_VALIDITY_H

#include "enroll/issuer.h"

#include <jansson.h>

struct chy_validity {
    int64_t not_before; /**< µs UTC, cut to the second */
    int64_t not_after;
};

/** chy_validity_date reads a date that a request gave; `path` is a JSON Pointer.  BAD_INPUT,
 *  CHY_REASON_VALIDATION: it is none. */
CHY_MUST_USE chy_status chy_validity_date(struct chy_op *op, struct chy_slice text,
                                          const char *path, int64_t *out_time);

/** chy_validity_check: BAD_INPUT unless the end lies after the begin and after now. */
CHY_MUST_USE chy_status chy_validity_check(struct chy_op *op, int64_t not_before,
                                           int64_t not_after);

/** chy_validity_cut drops what a certificate cannot say: parts of a second. */
struct chy_validity chy_validity_cut(int64_t not_before, int64_t not_after);

/**
 * chy_validity_of_ca reads `notBefore` and `notAfter` of a CA certificate from `object`, which
 * stands at the JSON Pointer `place`.  A CA begins backdated unless told otherwise, never before
 * `parent`, and does not outlive it; `parent` NULL: it signs itself.
 */
CHY_MUST_USE chy_status chy_validity_of_ca(struct chy_runtime *runtime, struct chy_op *op,
                                           const json_t *object, const char *place,
                                           const struct chy_issuer *parent,
                                           struct chy_validity *out_validity);

#endif
