#include "resource/audit_chain.h"

#include "base/encode.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit_state.h"
#include "resource/collections.h"

#include <assert.h>
#include <stdlib.h>

#define ROWS_AT_ONCE 1000U
#define WITNESSES_AT_ONCE 8U

struct chy_audit *chy_audit_new(void)
{
    struct chy_audit *audit = calloc(1, sizeof *audit);
    if (audit != NULL) {
        chy_mutex_init(&audit->lock);
        chy_mutex_init(&audit->lease_lock);
    }
    return audit;
}

void chy_audit_free(struct chy_audit *audit)
{
    if (audit == NULL) {
        return;
    }
    while (audit->oldest != NULL) {
        struct chy_audit_open_block *next = audit->oldest->next;
        free(audit->oldest);
        audit->oldest = next;
    }
    chy_audit_key_close(&audit->key);
    chy_mutex_fini(&audit->lock);
    chy_mutex_fini(&audit->lease_lock);
    free(audit);
}

/* ------------------------------------------------------------------------------------------------
 * In and out of a block
 */

/** One operation in one block. */
struct stay {
    struct chy_audit *audit;
    struct chy_audit_open_block *block;
};

static void leave(void *arg)
{
    struct stay *stay = arg;
    chy_mutex_lock(&stay->audit->lock);
    assert(stay->block->in_flight > 0);
    stay->block->in_flight--;
    chy_mutex_unlock(&stay->audit->lock);
}

/** block_locked is the block that rows belong to now.  Numbers never go back, whatever the clock
 *  does: what was closed stays closed. */
static struct chy_audit_open_block *block_locked(struct chy_audit *audit, int64_t second,
                                                 int64_t monotonic)
{
    chy_mutex_assert_held(&audit->lock);
    int64_t number = second > audit->least ? second : audit->least;
    if (audit->newest != NULL && audit->newest->number >= number) {
        return audit->newest;
    }
    struct chy_audit_open_block *block = calloc(1, sizeof *block);
    if (block == NULL) {
        return NULL;
    }
    block->number = number;
    block->opened = monotonic;
    if (audit->newest == NULL) {
        audit->oldest = block;
    } else {
        audit->newest->next = block;
    }
    audit->newest = block;
    return block;
}

chy_status chy_audit_enter(struct chy_runtime *runtime, struct chy_op *op, int64_t *out_block)
{
    int64_t second = chy_now(op) / CHY_US_PER_SECOND;
    struct chy_audit *audit = runtime->audit;
    if (audit == NULL) { // a runtime that closes no blocks
        *out_block = second;
        return CHY_OK;
    }
    CHY_TRY(chy_audit_lease_ensure(runtime, op));
    struct stay *stay = chy_alloc(op, sizeof *stay);
    if (stay == NULL) {
        return chy_fail_memory(op);
    }
    int64_t monotonic = chy_monotonic(op);
    stay->audit = audit;
    chy_mutex_lock(&audit->lock);
    stay->block = block_locked(audit, second, monotonic);
    if (stay->block != NULL) {
        stay->block->in_flight++;
        *out_block = stay->block->number;
    }
    chy_mutex_unlock(&audit->lock);
    if (stay->block == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = chy_defer(op, leave, stay);
    if (status != CHY_OK) {
        leave(stay);
    }
    return status;
}

/* ------------------------------------------------------------------------------------------------
 * Closing one block
 */

/** read_rows computes root and count of what is stored of a block. */
static chy_status read_rows(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_audit_block *block)
{
    struct chy_query query;
    struct chy_audit_root *root = chy_alloc(op, sizeof *root);
    bool more = true;
    if (root == NULL) {
        return chy_fail_memory(op);
    }
    chy_audit_root_init(root);
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, CHY_FIELDS(CHY_AUDIT_MAC), ROWS_AT_ONCE);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(block->node));
    chy_query_eq(&query, CHY_AUDIT_BLOCK, chy_value_int(block->number));
    while (more) {
        struct chy_storage_page page;
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            CHY_TRY(chy_audit_root_add(root, runtime, op, chy_row_blob(chy_page_row(&page, i), 0)));
        }
        block->count += (int64_t)page.rows.count;
        query.find.cursor = page.cursor;
        more = page.more != 0;
    }
    return chy_audit_root_end(root, runtime, op, &block->root);
}

/** newest_head finds the newest head of any node but `except` (empty: of any); empty: none. */
static chy_status newest_head(struct chy_runtime *runtime, struct chy_op *op,
                              struct chy_slice except, struct chy_slice *out_head)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_head = chy_slice_of(NULL, 0);
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, CHY_FIELDS(CHY_BLOCK_NODE, CHY_BLOCK_HEAD),
                   except.len == 0 ? 1 : WITNESSES_AT_ONCE);
    chy_query_order(&query, CHY_BLOCK_CLOSED_AT, true);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count && out_head->len == 0; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        if (!chy_slice_equal(chy_row_text(row, 0), except)) {
            *out_head = chy_row_blob(row, 1);
        }
    }
    return CHY_OK;
}

chy_status chy_audit_block_last(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_slice node, int64_t *out_number,
                                struct chy_slice *out_head)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_number = 0;
    *out_head = chy_slice_of(NULL, 0);
    chy_query_init(&query, op, CHY_C_AUDIT_BLOCKS, CHY_FIELDS(CHY_BLOCK_NUMBER, CHY_BLOCK_HEAD), 1);
    chy_query_eq(&query, CHY_BLOCK_NODE, chy_value_text(node));
    chy_query_order(&query, CHY_BLOCK_NUMBER, true);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    if (page.rows.count != 0) {
        *out_number = chy_row_int(chy_page_row(&page, 0), 0);
        *out_head = chy_row_blob(chy_page_row(&page, 0), 1);
    }
    return CHY_OK;
}

static chy_status insert_block(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_audit_block *block)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_AUDIT_BLOCKS,
                         CHY_KEY(chy_value_text(block->node), chy_value_int(block->number)));
    chy_write_set(write, CHY_BLOCK_COUNT, chy_value_int(block->count));
    chy_write_set(write, CHY_BLOCK_ROOT, chy_value_blob(block->root));
    chy_write_set(write, CHY_BLOCK_PREVIOUS, chy_value_blob_or_null(block->previous));
    chy_write_set(write, CHY_BLOCK_HEAD, chy_value_blob(block->head));
    chy_write_set(write, CHY_BLOCK_SIGNATURE, chy_value_blob(block->signature));
    chy_write_set(write, CHY_BLOCK_CLOSED_AT, chy_value_time(block->closed_at));
    chy_write_set(write, CHY_BLOCK_DROPPED, chy_value_bool(false));
    chy_write_set(write, CHY_BLOCK_WITNESS, chy_value_blob_or_null(block->witness));
    chy_write_set(write, CHY_BLOCK_FORWARDED, chy_value_int(0));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

static void tell(struct chy_op *op, const struct chy_audit_block *block)
{
    struct chy_slice head;
    if (chy_hex_text(op, block->head, &head) == CHY_OK) {
        chy_log_info(op, "audit.block", "closed block %lld of %.*s with %lld rows, head=%.*s",
                     (long long)block->number, (int)block->node.len, (const char *)block->node.ptr,
                     (long long)block->count, (int)head.len, (const char *)head.ptr);
    }
}

static chy_status need_key(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_audit *audit = runtime->audit;
    if (!audit->has_key) {
        CHY_TRY(chy_audit_key_open(runtime, op, true, &audit->key));
        audit->has_key = true;
    }
    return CHY_OK;
}

chy_status chy_audit_block_close(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice node, int64_t number, struct chy_slice previous,
                                 struct chy_slice *out_head)
{
    struct chy_audit_block block = {.node = node, .number = number, .previous = previous};
    *out_head = chy_slice_of(NULL, 0);
    CHY_TRY(read_rows(runtime, op, &block));
    if (block.count == 0) {
        return CHY_OK; // nothing of it was written
    }
    CHY_TRY(need_key(runtime, op));
    if (previous.len == 0) {
        CHY_TRY(newest_head(runtime, op, chy_slice_of(NULL, 0), &block.previous));
    } else {
        CHY_TRY(newest_head(runtime, op, node, &block.witness));
    }
    block.closed_at = chy_now(op);
    CHY_TRY(chy_audit_block_head(runtime, op, &block, &block.head));
    CHY_TRY(chy_audit_key_sign(&runtime->audit->key, op, block.head, &block.signature));
    CHY_TRY(insert_block(runtime, op, &block));
    tell(op, &block);
    *out_head = block.head;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Closing our own
 */

/** take_settled finds the oldest block if nobody writes into it any more; NULL: none.  `force`: as
 *  nobody writes at all. */
static struct chy_audit_open_block *take_settled(struct chy_audit *audit, int64_t monotonic,
                                                 bool force)
{
    chy_mutex_lock(&audit->lock);
    struct chy_audit_open_block *block = audit->oldest;
    bool is_settled =
        block != NULL && block->in_flight == 0 && monotonic - block->opened >= CHY_US_PER_SECOND;
    if (block != NULL && (is_settled || force)) {
        audit->least = block->number + 1;
    } else {
        block = NULL;
    }
    chy_mutex_unlock(&audit->lock);
    return block;
}

static void forget_oldest(struct chy_audit *audit)
{
    chy_mutex_lock(&audit->lock);
    struct chy_audit_open_block *block = audit->oldest;
    audit->oldest = block->next;
    audit->newest = audit->oldest == NULL ? NULL : audit->newest;
    chy_mutex_unlock(&audit->lock);
    free(block);
}

/** close_own closes a block of this node.  After a write whose outcome nobody knows, or when others
 *  took this node for dead, what is stored tells where the chain stands. */
static chy_status close_own(struct chy_runtime *runtime, struct chy_op *op, int64_t number)
{
    struct chy_audit *audit = runtime->audit;
    struct chy_slice previous = {NULL, 0};
    struct chy_slice head;
    if (audit->has_head) {
        previous = chy_slice_of(audit->head, sizeof audit->head);
    } else {
        int64_t last;
        CHY_TRY(chy_audit_block_last(runtime, op, runtime->node, &last, &previous));
        if (last >= number) {
            return CHY_OK; // it is closed
        }
    }
    chy_status status = chy_audit_block_close(runtime, op, runtime->node, number, previous, &head);
    if (status == CHY_CONFLICT || status == CHY_UNCERTAIN) {
        audit->has_head = false;
    }
    CHY_TRY(status);
    if (head.len == sizeof audit->head) {
        memcpy(audit->head, head.ptr, sizeof audit->head);
        audit->has_head = true;
    }
    return CHY_OK;
}

/** close_next closes the oldest block in an operation of its own. */
static chy_status close_next(struct chy_runtime *runtime, struct chy_op *op, bool force,
                             bool *out_closed)
{
    struct chy_audit_open_block *block = take_settled(runtime->audit, chy_monotonic(op), force);
    *out_closed = block != NULL;
    if (block == NULL) {
        return CHY_OK;
    }
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = close_own(runtime, child, block->number);
    if (status == CHY_OK) {
        forget_oldest(runtime->audit);
    }
    return chy_op_end_child(op, child, status);
}

chy_status chy_audit_close_settled(struct chy_runtime *runtime, struct chy_op *op)
{
    bool closed = true;
    while (closed) {
        CHY_TRY(close_next(runtime, op, false, &closed));
    }
    return CHY_OK;
}

chy_status chy_audit_finish(struct chy_runtime *runtime, struct chy_op *op)
{
    bool closed = true;
    while (closed) {
        CHY_TRY(close_next(runtime, op, true, &closed));
    }
    if (chy_audit_lease_held(runtime->audit)) {
        CHY_TRY(chy_audit_lease_drop(runtime, op, runtime->node));
        chy_audit_lease_set(runtime->audit, false);
    }
    return CHY_OK;
}
