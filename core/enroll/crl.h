/**
 * CRLs: one for each shard of a key generation, signed, timely, possibly empty; and what changed
 * since, its delta (RFC 5280 5.2.4).
 *
 * A CRL is the state as of a shard's revision.  It is built again on the first fetch after the
 * revision moved (at most every few seconds), and when half of its life is over.  One thread builds
 * for a shard, the others wait for it.  What was served last stays in memory, and is served on
 * while storage is away.
 *
 * A delta tells every change since its base, the first complete CRL of the last days; so it serves
 * whoever has the base or any complete CRL after it.  Both kinds share one numbering.
 */
#ifndef CHY_ENROLL_CRL_H
#define CHY_ENROLL_CRL_H

#include "enroll/flight.h"
#include "enroll/issuer.h"

enum chy_crl_kind {
    CHY_CRL_COMPLETE = 0,
    CHY_CRL_DELTA = 1
};

/** What a node has served, and who of it revokes; NULL: out of memory. */
struct chy_crls;
struct chy_crls *chy_crls_new(void);
void chy_crls_free(struct chy_crls *crls);

/** chy_crl_get gives the current CRL, DER.  NOT_FOUND: no such generation or shard. */
CHY_MUST_USE chy_status chy_crl_get(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_uuid *generation_id, int64_t shard,
                                    enum chy_crl_kind kind, struct chy_slice *out_der);

/** chy_crl_cached is chy_crl_get without I/O: for event threads.  NOT_FOUND: it must be built. */
CHY_MUST_USE chy_status chy_crl_cached(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_uuid *generation_id, int64_t shard,
                                       enum chy_crl_kind kind, struct chy_slice *out_der);

/** chy_crl_turn_begin waits until nobody else of this node moves a shard's revision, which whoever
 *  revokes must; chy_crl_turn_end lets the next.  TRY_LATER: the deadline passed. */
CHY_MUST_USE chy_status chy_crl_turn_begin(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_uuid *generation_id, int64_t shard,
                                           struct chy_flight *turn);
void chy_crl_turn_end(struct chy_runtime *runtime, struct chy_flight *turn);

/** chy_crl_refresh builds again what is older than half of its life or behind: a job's work.  What
 *  cannot be built is logged.  `*out_built` counts. */
CHY_MUST_USE chy_status chy_crl_refresh(struct chy_runtime *runtime, struct chy_op *op,
                                        uint64_t *out_built);

/**
 * chy_crl_clean drops the entries of certificates that ended before a complete CRL which still
 * showed them was made (RFC 5280 3.3).  A job's work; `*out_dropped` counts.
 */
CHY_MUST_USE chy_status chy_crl_clean(struct chy_runtime *runtime, struct chy_op *op,
                                      uint64_t *out_dropped);

#endif
