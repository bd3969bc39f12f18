/** A group of batches in one durable commit. */
#ifndef STORAGE_SQLITE_GROUP_H
#define STORAGE_SQLITE_GROUP_H

#include "batch.h"

/** The most batches in one commit. */
#define GROUP_MAX 512U

/** group_begin takes the database's write lock; not OK: `op` says why nobody can write now. */
CHY_MUST_USE chy_status group_begin(struct store *store, struct chy_op *op);

/** group_run runs the jobs in the transaction that group_begin() began, and ends it.  Each job has
 *  its outcome then, as if it had been alone.  `op` is the writer's own, and not a job's. */
void group_run(struct store *store, struct chy_op *op, struct job **jobs, uint64_t count);

/** group_refuse gives each job the failure that `op` holds. */
void group_refuse(struct chy_op *op, struct job **jobs, uint64_t count);

#endif
