/**
 * The OCSP responder (RFC 6960): what state certificates are in, signed and short-lived.
 *
 * Statuses come from the register of serials and from the revocations, of one key generation.  What
 * was answered is given again as long as storage said within the last second that it still holds,
 * and while storage is away until its nextUpdate.  Signing has a rate of its own, so that strangers
 * do not take issuing's place.
 */
#ifndef CHY_ENROLL_OCSP_H
#define CHY_ENROLL_OCSP_H

#include "enroll/issuer.h"

/** What a node's responder keeps; NULL: out of memory. */
struct chy_ocsp;
struct chy_ocsp *chy_ocsp_new(void);
void chy_ocsp_free(struct chy_ocsp *ocsp);

/** A response, DER.  Failures that RFC 6960 has words for are responses too. */
struct chy_ocsp_answer {
    struct chy_slice der;
    bool is_shareable;   /**< the same for whoever asks: no nonce, no failure */
    int64_t this_update; /**< µs UTC; of a shareable one, like the next */
    int64_t next_update;
};

/** chy_ocsp_answer answers a request, DER, about certificates of a key generation. */
CHY_MUST_USE chy_status chy_ocsp_answer(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_uuid *generation_id,
                                        struct chy_slice request,
                                        struct chy_ocsp_answer *out_answer);

/** chy_ocsp_cached is chy_ocsp_answer without I/O, for event threads.  NOT_FOUND: ask a worker. */
CHY_MUST_USE chy_status chy_ocsp_cached(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_uuid *generation_id,
                                        struct chy_slice request,
                                        struct chy_ocsp_answer *out_answer);

/** chy_ocsp_refuse makes a response of a failure, enum chy_ocsp_failure, and counts it. */
struct chy_ocsp_answer chy_ocsp_refuse(uint32_t failure);

#endif
