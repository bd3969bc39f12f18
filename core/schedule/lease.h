/**
 * Leases: of all the nodes over one database, one runs a job.
 *
 * A lease is a row {name, holder, epoch, beat, ran_at}.  Who takes it counts the epoch up; while it
 * is held its beat goes on.  Another node takes it from its holder only after it saw epoch and beat
 * unchanged for the time to live, on its own monotonic clock: no clocks are compared.  A holder
 * that was given up by mistake is harmless, as each batch of its job checks the epoch
 * (struct chy_hold): it writes nothing more, and its job ends.
 *
 * A lease is held for one run and then given back, with the time of the run: other nodes see by it
 * that the work was done, and nothing is written while nothing is to be done.
 */
#ifndef CHY_SCHEDULE_LEASE_H
#define CHY_SCHEDULE_LEASE_H

#include "base/lock.h"
#include "base/op.h"
#include "resource/runtime.h"

/** How long a lease outlives its holder; it beats three times as often. */
#define CHY_LEASE_TTL (30 * CHY_US_PER_SECOND)

/** Names one process that takes leases: its node, and what no other run of it has. */
#define CHY_LEASE_HOLDER_SIZE 128U

/** One node's side of a lease. */
struct chy_lease {
    struct chy_runtime *runtime;
    struct chy_slice name;   /**< outlives the lease */
    struct chy_slice holder; /**< likewise */
    int64_t ttl;
    struct chy_mutex lock; /**< guards what follows */
    bool is_held;
    int64_t epoch;
    int64_t beat;
    bool is_seen; /**< somebody else's, and since when it stands */
    int64_t seen_epoch;
    int64_t seen_beat;
    int64_t seen_since; /**< monotonic */
    struct chy_hold hold;
};

enum chy_lease_state {
    CHY_LEASE_TAKEN = 1, /**< run, then chy_lease_give_back() */
    CHY_LEASE_BUSY = 2,  /**< another holds it: ask again within its time to live */
    CHY_LEASE_DONE = 3   /**< the work was done less than a period ago */
};

void chy_lease_init(struct chy_lease *lease, struct chy_runtime *runtime, struct chy_slice name,
                    struct chy_slice holder, int64_t ttl);
void chy_lease_fini(struct chy_lease *lease);

/** chy_lease_take takes the lease if it is free and its work due.  `*out_ran_at` is set with DONE:
 *  when the work began, by the wall clock. */
CHY_MUST_USE chy_status chy_lease_take(struct chy_lease *lease, struct chy_op *op, int64_t period,
                                       enum chy_lease_state *out_state, int64_t *out_ran_at);

/** chy_lease_bind lets all that the operation writes depend on the lease, which is held. */
void chy_lease_bind(struct chy_lease *lease, struct chy_op *op);

/** chy_lease_beat shows that the holder lives.  Any thread, with an operation of its own; nothing
 *  happens if the lease is not held.  DENIED: it was lost. */
CHY_MUST_USE chy_status chy_lease_beat(struct chy_lease *lease, struct chy_op *op);

/** chy_lease_give_back ends the holding.  `ran_at` is when the run began, or 0: it failed, and the
 *  next node may try.  What was lost stays lost; that is no failure. */
CHY_MUST_USE chy_status chy_lease_give_back(struct chy_lease *lease, struct chy_op *op,
                                            int64_t ran_at);

#endif
