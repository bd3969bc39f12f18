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

#include "base/uuid.h"
#include "resource/runtime.h"

#define CHY_AUDIT_DIGEST_LEN 32

/** How long a node may be silent before others close its blocks: µs. */
#define CHY_AUDIT_SILENCE INT64_C(60000000)

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

/** chy_audit_lives tells whether a node has a lease: it may have open blocks yet. */
CHY_MUST_USE chy_status chy_audit_lives(struct chy_runtime *runtime, struct chy_op *op,
                                        struct chy_slice node, bool *out_lives);

/** One closed block.  Slices are borrowed of where it was read. */
struct chy_audit_block {
    struct chy_slice node;
    int64_t number;
    int64_t count;
    struct chy_slice root;
    struct chy_slice previous; /**< empty: the first of all */
    struct chy_slice head;
    struct chy_slice signature;
    int64_t closed_at;
    bool dropped;
    struct chy_slice witness; /**< empty: none */
};

/** chy_audit_block_fields is what chy_audit_block_read() wants of a row. */
struct chy_view chy_audit_block_fields(void);
void chy_audit_block_read(const struct chy_storage_row *row, struct chy_audit_block *out_block);

/** chy_audit_block_head computes the head of a block from the rest of it. */
CHY_MUST_USE chy_status chy_audit_block_head(struct chy_runtime *runtime, struct chy_op *op,
                                             const struct chy_audit_block *block,
                                             struct chy_slice *out_head);

/** A digest over MACs in the making: `state` = SHA-256(state, up to 256 MACs), again and again. */
struct chy_audit_root {
    uint8_t state[CHY_AUDIT_DIGEST_LEN];
    uint8_t waiting[256 * CHY_AUDIT_DIGEST_LEN];
    size_t waiting_count;
};

void chy_audit_root_init(struct chy_audit_root *root);
CHY_MUST_USE chy_status chy_audit_root_add(struct chy_audit_root *root, struct chy_runtime *runtime,
                                           struct chy_op *op, struct chy_slice mac);
CHY_MUST_USE chy_status chy_audit_root_end(struct chy_audit_root *root, struct chy_runtime *runtime,
                                           struct chy_op *op, struct chy_slice *out_root);

#endif
