/** One batch on its way through the writer. */
#ifndef STORAGE_SQLITE_BATCH_H
#define STORAGE_SQLITE_BATCH_H

#include "store.h"

enum job_state {
    JOB_QUEUED,
    JOB_TAKEN,
    JOB_DONE
};

/** A batch: lives on the stack of the thread that waits for it, what it points to in its
 *  operation. */
struct job {
    struct job *next;
    struct chy_op *op;
    const struct chy_storage_write
        *writes;              /**< in the order of effect; sets in their stored form */
    const uint32_t *sequence; /**< where each stood in the batch */
    uint64_t count;
    bool is_joinable;

    /* what became of it */
    chy_status status;
    bool has_written; /**< something is to be undone when it fails */
    bool has_broken;  /**< the database failed, not the batch: the whole transaction is void */
    uint32_t failed_write;
    const struct chy_index *failed_index;
    struct chy_write_result *results; /**< in the batch's order */

    atomic_uint state;    /**< enum job_state; its thread sleeps on it */
    atomic_uint *wake[2]; /**< who is woken by the one who wakes up */
};

/** job_init copies a batch that has been checked into the form that the writer wants. */
CHY_MUST_USE chy_status job_init(struct job *job, struct chy_op *op,
                                 const struct chy_storage_batch *batch, const uint32_t *sequence);

struct tally;

/** job_run does the writes within the connection's transaction, and sets the job's outcome.  With a
 *  `tally` some of it waits there for jobs_settle(). */
void job_run(struct store *store, struct connection *connection, struct tally *tally,
             struct job *job);

/** jobs_settle writes what waits in `tally`; `job` is one of the group's, and takes a failure. */
CHY_MUST_USE bool jobs_settle(struct store *store, struct connection *connection,
                              struct tally *tally, struct job *job);

#endif
