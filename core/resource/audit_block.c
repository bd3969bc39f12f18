#include "resource/audit_block.h"

#include "base/buf.h"
#include "resource/collections.h"

#include <assert.h>

#define HEAD_LABEL "chancery audit head 1"

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
