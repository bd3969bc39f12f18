/**
 * Stands before a plugin instance: a limit of calls at once, a bounded wait, and a breaker.
 *
 * The breaker opens after several failures in a row of the kind that says "the back end is away",
 * and then refuses at once. When its time is over one caller is let through to try; its success
 * closes the breaker, its failure opens it for longer.
 */
#ifndef CHY_PLUGIN_GATE_H
#define CHY_PLUGIN_GATE_H

#include "base/lock.h"
#include "base/metrics.h"

#include <chancery/host.h>

#include <stdatomic.h>
#include <stdbool.h>

struct chy_gate_config {
    uint32_t concurrency; /**< calls at once; 0: 256 */
    uint32_t waiters;     /**< how many may wait for a place; 0: as many as `concurrency` */
    uint32_t failures;    /**< failures in a row that open the breaker; 0: 5 */
    int64_t pause;        /**< µs for which it opens first, doubled up to pause_max; 0: 250 ms */
    int64_t pause_max;    /**< 0: 5 s */
};

struct chy_gate {
    struct chy_gate_config config;
    const char *what; /**< for messages: "storage 'main'"; outlives the gate */
    _Atomic uint32_t running;
    _Atomic uint32_t waiting;
    struct chy_mutex lock; /**< of the waiting ones; guards nothing else */
    struct chy_cond free_place;
    _Atomic uint32_t failed_in_a_row;
    _Atomic int64_t open_until;   /**< monotonic µs; 0: closed */
    _Atomic int64_t pause;        /**< what the next opening lasts */
    struct chy_series *in_flight; /**< gauge; NULL is fine, like the next two */
    struct chy_series *is_open;   /**< gauge 0 or 1 */
    struct chy_series *refused;   /**< counter */
};

void chy_gate_init(struct chy_gate *gate, const struct chy_gate_config *config, const char *what);
void chy_gate_fini(struct chy_gate *gate);

/**
 * chy_gate_enter takes a place.  CHY_TRY_LATER: the deadline has passed (CHY_REASON_TIMEOUT), the
 * breaker is open, or too many wait already (CHY_REASON_OVERLOAD); nothing is to be left then.
 */
CHY_MUST_USE chy_status chy_gate_enter(struct chy_gate *gate, struct chy_op *op);
/** chy_gate_enter_anyway ignores the breaker: for health checks, whose success closes it. */
CHY_MUST_USE chy_status chy_gate_enter_anyway(struct chy_gate *gate, struct chy_op *op);
/** chy_gate_leave gives the place back and tells the breaker how the call went. */
void chy_gate_leave(struct chy_gate *gate, struct chy_op *op, chy_status status);

/** chy_gate_is_absence tells whether a call that ended with `status` failed because the back end is
 *  away, and not by a limit. */
CHY_MUST_USE bool chy_gate_is_absence(struct chy_op *op, chy_status status);

/** chy_gate_is_open tells whether the breaker refuses calls at `monotonic`. */
CHY_MUST_USE bool chy_gate_is_open(struct chy_gate *gate, int64_t monotonic);

#endif
