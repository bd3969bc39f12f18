#include "resource/audit_chain.h"

#include "base/encode.h"
#include "base/lock.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit_key.h"
#include "resource/collections.h"

#include <assert.h>
#include <stdlib.h>

#define ROWS_AT_ONCE 1000U
#define WITNESSES_AT_ONCE 8U
#define SILENT_MAX 64U // nodes that are watched at once for their silence
#define NODE_SIZE 96U
#define LEASE_PREFIX "audit:"
#define HEAD_LABEL "chancery audit head 1"

/** A second in which rows were written, and which is not closed yet. */
struct open_block {
    struct open_block *next; /**< newer */
    int64_t number;
    int64_t opened; /**< on the monotonic clock */
    uint64_t in_flight;
};

/** Another node's lease as it was seen. */
struct watched {
    char node[NODE_SIZE];
    int64_t beat;
    int64_t since; /**< on the monotonic clock: when the beat was first seen like this */
};

struct chy_audit {
    struct chy_mutex lock; /**< guards the next four */
    struct open_block *oldest;
    struct open_block *newest;
    int64_t least; /**< no row gets a smaller number: those before may be closed */
    bool has_lease;
    struct chy_mutex lease_lock; /**< held while the first row of the process waits for its lease */
    /* of the thread that closes */
    struct chy_audit_key key;
    bool has_key;
    bool has_head;
    uint8_t head[CHY_AUDIT_DIGEST_LEN];
    struct watched watched[SILENT_MAX];
    size_t watched_count;
};

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
        struct open_block *next = audit->oldest->next;
        free(audit->oldest);
        audit->oldest = next;
    }
    chy_audit_key_close(&audit->key);
    chy_mutex_fini(&audit->lock);
    chy_mutex_fini(&audit->lease_lock);
    free(audit);
}

/* ------------------------------------------------------------------------------------------------
 * The lease: who has open blocks
 */

static chy_status lease_name(struct chy_op *op, struct chy_slice node, struct chy_slice *out_name)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, NODE_SIZE + sizeof LEASE_PREFIX);
    chy_buf_add_text(&buf, LEASE_PREFIX);
    chy_buf_add(&buf, node);
    *out_name = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the name of a lease");
}

static chy_status put_lease(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_slice name;
    struct chy_batch batch;
    CHY_TRY(lease_name(op, runtime->node, &name));
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_upsert(&batch, CHY_C_LEASES, CHY_KEY(chy_value_text(name)));
    chy_write_set(write, CHY_LEASE_HOLDER, chy_value_text(runtime->node));
    chy_write_set(write, CHY_LEASE_EPOCH, chy_value_int(1));
    chy_write_set(write, CHY_LEASE_BEAT, chy_value_int(chy_now(op)));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

static chy_status drop_lease(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node)
{
    struct chy_slice name;
    struct chy_batch batch;
    CHY_TRY(lease_name(op, node, &name));
    chy_batch_init(&batch, op, 0);
    (void)chy_batch_delete(&batch, CHY_C_LEASES, CHY_KEY(chy_value_text(name)));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

static bool has_lease(struct chy_audit *audit)
{
    chy_mutex_lock(&audit->lock);
    bool has = audit->has_lease;
    chy_mutex_unlock(&audit->lock);
    return has;
}

static void set_lease(struct chy_audit *audit, bool has)
{
    chy_mutex_lock(&audit->lock);
    audit->has_lease = has;
    chy_mutex_unlock(&audit->lock);
}

static chy_status ensure_lease(struct chy_runtime *runtime, struct chy_op *op)
{
    chy_status status = CHY_OK;
    if (has_lease(runtime->audit)) {
        return CHY_OK;
    }
    chy_mutex_lock(&runtime->audit->lease_lock);
    if (!has_lease(runtime->audit)) {
        status = put_lease(runtime, op);
        if (status == CHY_OK) {
            set_lease(runtime->audit, true);
        }
    }
    chy_mutex_unlock(&runtime->audit->lease_lock);
    return status;
}

chy_status chy_audit_beat(struct chy_runtime *runtime, struct chy_op *op)
{
    return has_lease(runtime->audit) ? put_lease(runtime, op) : CHY_OK;
}

chy_status chy_audit_lives(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                           bool *out_lives)
{
    struct chy_slice name;
    struct chy_storage_row row;
    *out_lives = false;
    if (node.len >= NODE_SIZE) {
        return CHY_OK; // no process has such a name
    }
    CHY_TRY(lease_name(op, node, &name));
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_LEASES,
                                         CHY_KEY(chy_value_text(name)), CHY_NO_FIELDS, &row);
    *out_lives = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/* ------------------------------------------------------------------------------------------------
 * In and out of a block
 */

/** One operation in one block. */
struct stay {
    struct chy_audit *audit;
    struct open_block *block;
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
static struct open_block *block_locked(struct chy_audit *audit, int64_t second, int64_t monotonic)
{
    chy_mutex_assert_held(&audit->lock);
    int64_t number = second > audit->least ? second : audit->least;
    if (audit->newest != NULL && audit->newest->number >= number) {
        return audit->newest;
    }
    struct open_block *block = calloc(1, sizeof *block);
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
    CHY_TRY(ensure_lease(runtime, op));
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
 * Blocks as they are stored
 */

struct chy_view chy_audit_block_fields(void)
{
    return chy_core_fields(CHY_C_AUDIT_BLOCKS);
}

void chy_audit_block_read(const struct chy_storage_row *row, struct chy_audit_block *out_block)
{
    *out_block = (struct chy_audit_block){
        .node = chy_row_text(row, CHY_BLOCK_NODE),
        .number = chy_row_int(row, CHY_BLOCK_NUMBER),
        .count = chy_row_int(row, CHY_BLOCK_COUNT),
        .root = chy_row_blob(row, CHY_BLOCK_ROOT),
        .previous = chy_row_blob(row, CHY_BLOCK_PREVIOUS),
        .head = chy_row_blob(row, CHY_BLOCK_HEAD),
        .signature = chy_row_blob(row, CHY_BLOCK_SIGNATURE),
        .closed_at = chy_row_time(row, CHY_BLOCK_CLOSED_AT),
        .dropped = chy_row_bool(row, CHY_BLOCK_DROPPED),
        .witness = chy_row_blob(row, CHY_BLOCK_WITNESS),
    };
}

static void add_number(struct chy_buf *buf, int64_t number)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        chy_buf_add_u8(buf, (uint8_t)((uint64_t)number >> shift));
    }
}

static void add_bytes(struct chy_buf *buf, struct chy_slice bytes)
{
    add_number(buf, (int64_t)bytes.len);
    chy_buf_add(buf, bytes);
}

chy_status chy_audit_block_head(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_audit_block *block, struct chy_slice *out_head)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, 1024);
    add_bytes(&buf, chy_text(HEAD_LABEL));
    add_bytes(&buf, block->node);
    add_number(&buf, block->number);
    add_number(&buf, block->count);
    add_bytes(&buf, block->root);
    add_bytes(&buf, block->previous);
    add_bytes(&buf, block->witness);
    add_number(&buf, block->closed_at);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "the head of an audit block");
    }
    return chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256, chy_buf_slice(&buf),
                             out_head);
}

void chy_audit_root_init(struct chy_audit_root *root)
{
    memset(root, 0, sizeof *root);
}

static chy_status fold(struct chy_audit_root *root, struct chy_runtime *runtime, struct chy_op *op)
{
    uint8_t message[CHY_AUDIT_DIGEST_LEN + sizeof root->waiting];
    size_t waiting_len = root->waiting_count * CHY_AUDIT_DIGEST_LEN;
    struct chy_slice digest;
    memcpy(message, root->state, sizeof root->state);
    memcpy(message + sizeof root->state, root->waiting, waiting_len);
    CHY_TRY(chy_crypto_digest(runtime->leaf_crypto, op, CHY_DIGEST_SHA256,
                              chy_slice_of(message, sizeof root->state + waiting_len), &digest));
    assert(digest.len == sizeof root->state);
    memcpy(root->state, digest.ptr, sizeof root->state);
    root->waiting_count = 0;
    return CHY_OK;
}

chy_status chy_audit_root_add(struct chy_audit_root *root, struct chy_runtime *runtime,
                              struct chy_op *op, struct chy_slice mac)
{
    uint8_t *place = root->waiting + root->waiting_count * CHY_AUDIT_DIGEST_LEN;
    memset(place, 0, CHY_AUDIT_DIGEST_LEN);
    memcpy(place, mac.ptr, mac.len < CHY_AUDIT_DIGEST_LEN ? (size_t)mac.len : CHY_AUDIT_DIGEST_LEN);
    root->waiting_count++;
    return root->waiting_count * CHY_AUDIT_DIGEST_LEN == sizeof root->waiting
               ? fold(root, runtime, op)
               : CHY_OK;
}

chy_status chy_audit_root_end(struct chy_audit_root *root, struct chy_runtime *runtime,
                              struct chy_op *op, struct chy_slice *out_root)
{
    if (root->waiting_count != 0) {
        CHY_TRY(fold(root, runtime, op));
    }
    return chy_copy(op, chy_slice_of(root->state, sizeof root->state), out_root);
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

/** last_of finds the number and head of a node's last block; number 0: it has none. */
static chy_status last_of(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                          int64_t *out_number, struct chy_slice *out_head)
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

/**
 * close_block closes block `number` of `node`, which follows `previous`, and gives its head; empty:
 * it has no rows.  CONFLICT: it was closed by someone else.
 */
static chy_status close_block(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                              int64_t number, struct chy_slice previous, struct chy_slice *out_head)
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
static struct open_block *take_settled(struct chy_audit *audit, int64_t monotonic, bool force)
{
    chy_mutex_lock(&audit->lock);
    struct open_block *block = audit->oldest;
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
    struct open_block *block = audit->oldest;
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
        CHY_TRY(last_of(runtime, op, runtime->node, &last, &previous));
        if (last >= number) {
            return CHY_OK; // it is closed
        }
    }
    chy_status status = close_block(runtime, op, runtime->node, number, previous, &head);
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
    struct open_block *block = take_settled(runtime->audit, chy_monotonic(op), force);
    *out_closed = block != NULL;
    if (block == NULL) {
        return CHY_OK;
    }
    struct chy_op *child = op->host->op_child(op);
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = close_own(runtime, child, block->number);
    if (status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        op->host->last_error(child, &error);
        (void)op->host->fail_with(op, &error);
    } else {
        forget_oldest(runtime->audit);
    }
    op->host->op_end(child);
    return status;
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
    if (has_lease(runtime->audit)) {
        CHY_TRY(drop_lease(runtime, op, runtime->node));
        set_lease(runtime->audit, false);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Closing those of nodes that ended without doing it
 */

/** next_open finds the first block after `after` in which a node has rows; 0: none. */
static chy_status next_open(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                            int64_t after, int64_t *out_number)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, CHY_FIELDS(CHY_AUDIT_BLOCK), 1);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(node));
    chy_query_range(&query, CHY_AUDIT_BLOCK, chy_value_int(after + 1), chy_value_null());
    chy_query_order(&query, CHY_AUDIT_BLOCK, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    *out_number = page.rows.count == 0 ? 0 : chy_row_int(chy_page_row(&page, 0), 0);
    return CHY_OK;
}

static chy_status recover_node(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_slice node)
{
    int64_t last;
    int64_t number = 0;
    struct chy_slice head;
    CHY_TRY(last_of(runtime, op, node, &last, &head));
    CHY_TRY(next_open(runtime, op, node, last, &number));
    while (number != 0) {
        struct chy_slice closed;
        CHY_TRY(close_block(runtime, op, node, number, head, &closed));
        head = closed.len == 0 ? head : closed;
        CHY_TRY(next_open(runtime, op, node, number, &number));
    }
    chy_log_warning(op, "audit.recovered",
                    "the node %.*s ended without closing its audit: it is closed now",
                    (int)node.len, (const char *)node.ptr);
    return drop_lease(runtime, op, node);
}

/** is_silent notes a lease and tells whether it has stood still for too long. */
static bool is_silent(struct chy_audit *audit, struct chy_slice node, int64_t beat,
                      int64_t monotonic)
{
    struct watched *watched = NULL;
    for (size_t i = 0; i < audit->watched_count && watched == NULL; i++) {
        watched = chy_slice_is(node, audit->watched[i].node) ? &audit->watched[i] : NULL;
    }
    if (watched == NULL) {
        if (audit->watched_count == SILENT_MAX || node.len >= NODE_SIZE) {
            audit->watched_count = 0; // start anew
            return false;
        }
        watched = &audit->watched[audit->watched_count++];
        memset(watched, 0, sizeof *watched);
        memcpy(watched->node, node.ptr, (size_t)node.len);
        watched->since = monotonic;
        watched->beat = beat;
    }
    if (watched->beat != beat) {
        watched->beat = beat;
        watched->since = monotonic;
    }
    return monotonic - watched->since >= CHY_AUDIT_SILENCE;
}

chy_status chy_audit_recover(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, op, CHY_C_LEASES, CHY_FIELDS(CHY_LEASE_HOLDER, CHY_LEASE_BEAT),
                   SILENT_MAX);
    chy_query_prefix(&query, CHY_LEASE_NAME, chy_text(LEASE_PREFIX));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        struct chy_slice node = chy_row_text(row, 0);
        if (chy_slice_equal(node, runtime->node) ||
            !is_silent(runtime->audit, node, chy_row_int(row, 1), chy_monotonic(op))) {
            continue;
        }
        chy_status status = recover_node(runtime, op, node);
        if (status != CHY_OK && status != CHY_CONFLICT) { // another node was quicker
            return status;
        }
    }
    return CHY_OK;
}
