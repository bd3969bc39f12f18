/**
 * How many OCSP answers a node signs in a second, and for whom.
 *
 * Everybody may ask, so signing has a rate.  Whatever is free goes to whoever asks first; beyond
 * that each project has a share of its own, which a flood of questions about another's certificates
 * cannot take.
 */
#ifndef CHY_ENROLL_OCSP_RATE_H
#define CHY_ENROLL_OCSP_RATE_H

#include "base/lock.h"
#include "base/uuid.h"

/** Projects that are told apart at a time; one more takes the place of who asked longest ago. */
#define CHY_OCSP_SHARES 256U

/** What one project took of its share.  Times are monotonic, ns. */
struct chy_ocsp_share {
    struct chy_uuid project_id;
    int64_t next_at;  /**< when the next signature is due by the share */
    int64_t asked_at; /**< when it last wanted one; 0: never */
};

/** Zero is full, once chy_ocsp_rate_init() was called. */
struct chy_ocsp_rate {
    struct chy_mutex lock; /**< guards what follows */
    int64_t next_at;       /**< when the next signature is due by the rate */
    struct chy_ocsp_share shares[CHY_OCSP_SHARES];
};

void chy_ocsp_rate_init(struct chy_ocsp_rate *rate);
void chy_ocsp_rate_fini(struct chy_ocsp_rate *rate);

/**
 * chy_ocsp_rate_take tells whether one more answer of a project may be signed at `now`, monotonic
 * µs, and counts it.  There are no more than `per_second` in a second, apart from one second's and
 * a half at once after a pause.  Any thread.
 */
CHY_MUST_USE bool chy_ocsp_rate_take(struct chy_ocsp_rate *rate, const struct chy_uuid *project_id,
                                     int64_t now, int64_t per_second);

#endif
