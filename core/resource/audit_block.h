/** One closed block of the audit (resource/audit_chain.h): how it is stored, and its digests. */
#ifndef CHY_RESOURCE_AUDIT_BLOCK_H
#define CHY_RESOURCE_AUDIT_BLOCK_H

#include "resource/runtime.h"

#define CHY_AUDIT_DIGEST_LEN 32

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
