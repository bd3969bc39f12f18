/**
 * One transaction, from BEGIN to COMMIT in one round trip, and what becomes of it when the
 * connection breaks.
 *
 * Each connection has a row in "chancery$commits" that counts its commits; the transaction sets it
 * from n−1 to n first of all, and fails when it is not n−1.  When the answer to a COMMIT is lost,
 * another connection looks: n means committed; n−1 means not, and is changed at once, so that the
 * old transaction cannot commit any more.  While that one still runs, its lock on the row makes us
 * wait.
 */
#ifndef PGS_COMMIT_H
#define PGS_COMMIT_H

#include "step.h"

struct pgs_store;
struct pgs_pool;

/** What a commit needs to know beside its steps. */
struct pgs_commit {
    struct chy_op *op;
    struct pgs_store *store;
    struct pgs_pool *pool;
    struct pgs_steps *steps;
    int64_t until; /**< for getting a connection and for the statements; PGS_NEVER if none */
};

/**
 * pgs_commit_run runs the steps in one transaction; tries again what the server asks to try again.
 * PGS_DONE: durable, the steps have their answers.  PGS_REFUSED: `call` is the step that was
 * refused, UINT32_MAX if it was none of them.  PGS_LOST, PGS_LATE: nothing happened.  PGS_UNKNOWN:
 * not known.
 */
enum pgs_end pgs_commit_run(const struct pgs_commit *commit, struct pgs_failure *out_failure);

#endif
