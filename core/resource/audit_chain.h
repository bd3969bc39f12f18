/**
 * The audit's blocks: what makes changed, missing and cut-off rows show.
 *
 * Each row of the audit names the process that wrote it (node) and the second (block).  When the
 * operations that wrote in a second have ended, the node closes it: one row with the number of
 * rows, a digest over their MACs in the order of their ids, the head of the node's block before,
 * the newest head of another node (witness), a head over all that, and a signature of the head.
 * The first block of a process follows the newest head of any node.  Seconds without rows make no
 * block.  docs/audit.md has the format; docs/decisions/0015-audit-chains.md the reasons.
 *
 * Nothing here is waited for by a request: it counts itself in and out of its block, no more.
 */
#ifndef CHY_RESOURCE_AUDIT_CHAIN_H
#define CHY_RESOURCE_AUDIT_CHAIN_H

#include "resource/runtime.h"

/** How long a node may be silent before others close its blocks: µs. */
#define CHY_AUDIT_SILENCE INT64_C(60000000)
/** What the names of leases begin with that tell whose blocks may be open. */
#define CHY_AUDIT_LEASE_PREFIX "audit:"

/** NULL: out of memory. */
CHY_MUST_USE struct chy_audit *chy_audit_new(void);
void chy_audit_free(struct chy_audit *audit);

/** chy_audit_enter counts the operation into the block of now until it ends, and tells its number.
 *  The first row of a process also makes its lease. */
CHY_MUST_USE chy_status chy_audit_enter(struct chy_runtime *runtime, struct chy_op *op,
                                        int64_t *out_block);

/** chy_audit_close_settled closes the blocks whose operations have ended.  For one thread. */
CHY_MUST_USE chy_status chy_audit_close_settled(struct chy_runtime *runtime, struct chy_op *op);
/** chy_audit_finish closes all blocks and gives the lease back: nothing writes any more. */
CHY_MUST_USE chy_status chy_audit_finish(struct chy_runtime *runtime, struct chy_op *op);
/** chy_audit_beat shows the other nodes that this one is alive. */
CHY_MUST_USE chy_status chy_audit_beat(struct chy_runtime *runtime, struct chy_op *op);
/** chy_audit_recover closes the blocks of nodes that have been silent for CHY_AUDIT_SILENCE since
 *  this process first saw them so.  For the thread of chy_audit_close_settled(). */
CHY_MUST_USE chy_status chy_audit_recover(struct chy_runtime *runtime, struct chy_op *op);
/** chy_audit_recover_all closes the blocks of every other node at once: there is none that could do
 *  it, because the database was restored.  Nothing else may write. */
CHY_MUST_USE chy_status chy_audit_recover_all(struct chy_runtime *runtime, struct chy_op *op);

/** chy_audit_lives tells whether a node has a lease: it may have open blocks yet. */
CHY_MUST_USE chy_status chy_audit_lives(struct chy_runtime *runtime, struct chy_op *op,
                                        struct chy_slice node, bool *out_lives);

#endif
