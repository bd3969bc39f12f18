/**
 * Group commit: batches that may be joined share one durable commit.
 *
 * There is no thread for it.  Whoever comes first leads: takes what waits, runs it as one
 * transaction, wakes the others and hands the lead to the next one waiting.  Some groups are in
 * flight at once (option `committers`).  A leader gathers for a moment when recent groups were
 * larger than what waits, and not at all when there is nobody to wait for.
 */
#ifndef PGS_GROUP_H
#define PGS_GROUP_H

#include "batch.h"
#include "status.h"

struct pgs_store;
struct pgs_queue;

void pgs_queue_init(struct pgs_queue *queue);
void pgs_queue_fini(struct pgs_queue *queue);

/** What became of a batch that was given to the group. */
enum pgs_joined {
    PGS_JOINED,     /**< durable, results in place */
    PGS_RUN_ALONE,  /**< a joined commit failed, which says nothing about this batch */
    PGS_LEFT,       /**< the deadline passed before it was joined */
    PGS_JOIN_FAILED /**< `out_failure` says why; it is not about this batch's rows */
};

enum pgs_joined pgs_group_write(struct pgs_store *store, struct chy_op *op,
                                const struct pgs_batch *batch, struct pgs_failure *out_failure);

#endif
