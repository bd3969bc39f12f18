/** CAs that come near their end: soon they can no longer issue what their profiles may ask for. */
#ifndef CHY_ENROLL_AUTHORITY_EXPIRY_H
#define CHY_ENROLL_AUTHORITY_EXPIRY_H

#include "resource/runtime.h"

/** How long before that a CA is warned of: µs. */
#define CHY_EXPIRY_NOTICE (INT64_C(30) * 24 * 3600 * 1000000)

/**
 * chy_authority_longest gives the longest life that a certificate of the CA may be asked for: the
 * most that the policies of its profiles allow, or where a policy has no maximum, the profile's
 * default; 0: no profile says any.  From the cache.
 */
CHY_MUST_USE chy_status chy_authority_longest(struct chy_runtime *runtime, struct chy_op *op,
                                              const struct chy_uuid *authority_id,
                                              int64_t *out_longest);

/** chy_authority_ends_soon tells whether a CA that ends at `not_after` is to be warned of. */
CHY_MUST_USE chy_status chy_authority_ends_soon(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_uuid *authority_id,
                                                int64_t not_after, bool *out_soon);

/** chy_authority_watch sets the gauge ca_expiry_seconds of every CA: a job on every node. */
CHY_MUST_USE chy_status chy_authority_watch(struct chy_runtime *runtime, struct chy_op *op);

/** chy_authority_warn logs every CA that ends soon: a job, once a day. */
CHY_MUST_USE chy_status chy_authority_warn(struct chy_runtime *runtime, struct chy_op *op);

#endif
