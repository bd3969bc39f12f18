/** What the files of the audit's chain share: open blocks, the lease, the thread that closes. */
#ifndef CHY_RESOURCE_AUDIT_STATE_H
#define CHY_RESOURCE_AUDIT_STATE_H

#include "base/lock.h"
#include "resource/audit_block.h"
#include "resource/audit_chain.h"
#include "resource/audit_key.h"

#define CHY_AUDIT_SILENT_MAX 64U // nodes that are watched at once for their silence
#define CHY_AUDIT_NODE_SIZE 96U

/** A second in which rows were written, and which is not closed yet. */
struct chy_audit_open_block {
    struct chy_audit_open_block *next; /**< newer */
    int64_t number;
    int64_t opened; /**< on the monotonic clock */
    uint64_t in_flight;
};

/** Another node's lease as it was seen. */
struct chy_audit_watched {
    char node[CHY_AUDIT_NODE_SIZE];
    int64_t beat;
    int64_t since; /**< on the monotonic clock: when the beat was first seen like this */
};

struct chy_audit {
    struct chy_mutex lock; /**< guards the next four */
    struct chy_audit_open_block *oldest;
    struct chy_audit_open_block *newest;
    int64_t least; /**< no row gets a smaller number: those before may be closed */
    bool has_lease;
    struct chy_mutex lease_lock; /**< held while the first row of the process waits for its lease */
    /* of the thread that closes */
    struct chy_audit_key key;
    bool has_key;
    bool has_head;
    uint8_t head[CHY_AUDIT_DIGEST_LEN];
    struct chy_audit_watched watched[CHY_AUDIT_SILENT_MAX];
    size_t watched_count;
};

/* --- audit_lease.c: who has open blocks ------------------------------------------------------ */

/** chy_audit_lease_ensure makes the lease of this process, unless it has one. */
CHY_MUST_USE chy_status chy_audit_lease_ensure(struct chy_runtime *runtime, struct chy_op *op);
CHY_MUST_USE chy_status chy_audit_lease_drop(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_slice node);
CHY_MUST_USE bool chy_audit_lease_held(struct chy_audit *audit);
void chy_audit_lease_set(struct chy_audit *audit, bool has);

/* --- audit_chain.c: for the thread that closes ----------------------------------------------- */

/**
 * chy_audit_block_close closes block `number` of `node`, which follows `previous`, and gives its
 * head; empty: it has no rows.  CONFLICT: it was closed by someone else.
 */
CHY_MUST_USE chy_status chy_audit_block_close(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice node, int64_t number,
                                              struct chy_slice previous,
                                              struct chy_slice *out_head);

/** chy_audit_block_last finds the number and head of a node's last block; number 0: it has none. */
CHY_MUST_USE chy_status chy_audit_block_last(struct chy_runtime *runtime, struct chy_op *op,
                                             struct chy_slice node, int64_t *out_number,
                                             struct chy_slice *out_head);

#endif
