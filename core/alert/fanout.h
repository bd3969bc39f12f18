/**
 * Fan-out: what happened becomes deliveries of the alerts that want to be told of it.
 *
 * Events are read oldest first, held against the filters of their project's alerts, and deleted
 * when each alert has its deliveries.  An alert's deliveries and the note of which events it has
 * told of are one batch, so that a process that ends in between tells nothing twice and forgets
 * nothing.
 */
#ifndef CHY_ALERT_FANOUT_H
#define CHY_ALERT_FANOUT_H

#include "resource/runtime.h"

struct chy_alert_fanout_counts {
    uint64_t events;     /**< that were looked at */
    uint64_t deliveries; /**< batches of them that were put in line, one an alert and time */
    uint64_t stale;      /**< events that were too old to tell of: of a backup */
    uint64_t overflowed; /**< deliveries that were given up for want of room */
};

/** chy_alert_fanout_is_due tells whether there are events.  Reads one row. */
CHY_MUST_USE chy_status chy_alert_fanout_is_due(struct chy_runtime *runtime, struct chy_op *op,
                                                bool *out_is_due);

/** chy_alert_fanout_run works off events, so many at a time that a run ends soon: a job's work,
 *  under a lease. */
CHY_MUST_USE chy_status chy_alert_fanout_run(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_alert_fanout_counts *out_counts);

#endif
