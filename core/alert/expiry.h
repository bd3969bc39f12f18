/**
 * What ends soon: alerts of expiration look at the certificates of their project from time to time.
 *
 * Nothing is kept for a certificate.  An alert keeps up to which end it has looked, its watermark,
 * and walks the index of ends from there to now + alertBefore.  What was made since the last run
 * and ends before the watermark, as it lives shorter, is found by a second walk along the index of
 * creation.  So each certificate is told once.  A walk goes on where a process that ended left it:
 * how far it is stands in the batch of the deliveries that it made.
 */
#ifndef CHY_ALERT_EXPIRY_H
#define CHY_ALERT_EXPIRY_H

#include "resource/kind.h"

/** chy_alert_expiry_begin puts the state of a new alert into `batch`; `before` 0: it is not one of
 *  expiration. */
void chy_alert_expiry_begin(struct chy_call *call, struct chy_batch *batch, int64_t before);

/** How an alert changes. */
struct chy_alert_expiry_change {
    int64_t before; /**< 0: it is not one of expiration, or not any more */
    bool restarts;  /**< it speaks of others: the walk begins anew */
    bool moves;     /**< alertBefore is another: a longer one goes on, a shorter one tells again */
    bool enabled;
};

/** chy_alert_expiry_change puts that into `batch`. */
CHY_MUST_USE chy_status chy_alert_expiry_change(struct chy_call *call, struct chy_batch *batch,
                                                const struct chy_alert_expiry_change *change);

/** chy_alert_expiry_period is how long it is from one run to the next: a seventh of alertBefore, so
 *  that no more of the notice is lost, between an hour and a day. */
int64_t chy_alert_expiry_period(int64_t before);

struct chy_alert_expiry_counts {
    uint64_t looked_at; /**< certificates */
    uint64_t told;
    uint64_t overflowed; /**< deliveries that were given up for want of room */
};

/** chy_alert_expiry_is_due tells whether an alert is to look.  Reads one row. */
CHY_MUST_USE chy_status chy_alert_expiry_is_due(struct chy_runtime *runtime, struct chy_op *op,
                                                bool *out_is_due);

/** chy_alert_expiry_run serves the alerts that are to look, so many pages at a time that a run ends
 *  soon: a job's work, under a lease. */
CHY_MUST_USE chy_status chy_alert_expiry_run(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_alert_expiry_counts *out_counts);

#endif
