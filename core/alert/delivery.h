/**
 * Deliveries: what waits for a channel is tried until it is through or given up, in order.
 *
 * Only the first of a channel's line is ever tried.  Projects take turns, each for as long as one
 * try may take, so that receivers which hang cost others little.  Whatever became of a try is
 * written afterwards: a process that ends in between repeats it, with the same id.
 */
#ifndef CHY_ALERT_DELIVERY_H
#define CHY_ALERT_DELIVERY_H

#include "alert/channel.h"
#include "alert/state.h"

/** What a try may take. */
#define CHY_ALERT_TRY (10 * CHY_US_PER_SECOND)

/**
 * chy_alert_back_off is how long to wait after `attempts` tries in vain: ten seconds, doubled each
 * time up to an hour, a fifth more or less by `noise`, any number.
 */
int64_t chy_alert_back_off(int64_t attempts, uint32_t noise);

struct chy_alert_delivery_counts {
    uint64_t delivered;
    uint64_t failed;   /**< tries in vain */
    uint64_t given_up; /**< deliveries that are not tried any more */
};

/** chy_alert_delivery_is_due tells whether anything is to be tried.  Reads one row. */
CHY_MUST_USE chy_status chy_alert_delivery_is_due(struct chy_runtime *runtime, struct chy_op *op,
                                                  bool *out_is_due);

/** chy_alert_delivery_run gives each project with something due its turn: a job's work, under a
 *  lease. */
CHY_MUST_USE chy_status chy_alert_delivery_run(struct chy_runtime *runtime, struct chy_op *op,
                                               struct chy_alert_delivery_counts *out_counts);

/** chy_alert_send hands a notification to a channel, within CHY_ALERT_TRY.  `out_delivery` is
 *  filled whatever comes of it, and `out_error` on failure. */
CHY_MUST_USE chy_status chy_alert_send(struct chy_op *op, const struct chy_alert_ready *ready,
                                       struct chy_notification *notification,
                                       struct chy_delivery *out_delivery,
                                       char out_error[CHY_ALERT_ERROR_SIZE]);

/** chy_alert_measure shows what waits, as metrics: on every node. */
CHY_MUST_USE chy_status chy_alert_measure(struct chy_runtime *runtime, struct chy_op *op);

/** chy_alert_clean deletes deliveries that were through, or given up, long ago. */
CHY_MUST_USE chy_status chy_alert_clean(struct chy_runtime *runtime, struct chy_op *op);

#endif
