#include "base/encode.h"
#include "base/time.h"
#include "command/forward_sink.h"
#include "resource/audit_log.h"
#include "resource/collections.h"
#include "resource/json.h"

/** What fits into the smallest message that may be configured, however it is escaped. */
#define ALWAYS_FITS 512U

static void add_hex(struct chy_buf *buf, const char *name, struct chy_slice bytes)
{
    chy_buf_add_format(buf, ",\"%s\":", name);
    if (bytes.len == 0) {
        chy_buf_add_text(buf, "null");
        return;
    }
    chy_buf_add_u8(buf, '"');
    chy_hex_add(buf, bytes);
    chy_buf_add_u8(buf, '"');
}

chy_status chy_forward_block(struct chy_op *op, const struct chy_audit_block *block,
                             struct chy_forward_line *out_line)
{
    struct chy_buf buf;
    char when[CHY_TIME_TEXT_SIZE];
    chy_time_format(block->closed_at, when);
    chy_buf_init(&buf, op, CHY_FORWARD_LINE_MAX);
    chy_buf_add_text(&buf, "{\"type\":\"block\",\"node\":");
    chy_buf_add_json_string(&buf, block->node);
    chy_buf_add_format(&buf, ",\"block\":%lld,\"rows\":%lld,\"closedAt\":\"%s\",\"dropped\":%s",
                       (long long)block->number, (long long)block->count, when,
                       block->dropped ? "true" : "false");
    add_hex(&buf, "root", block->root);
    add_hex(&buf, "previous", block->previous);
    add_hex(&buf, "witness", block->witness);
    add_hex(&buf, "head", block->head);
    add_hex(&buf, "signature", block->signature);
    chy_buf_add_u8(&buf, '}');
    out_line->text = chy_buf_slice(&buf);
    out_line->brief = chy_slice_of(NULL, 0);
    out_line->kind = "audit.block";
    out_line->time = block->closed_at;
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the line of an audit block");
}

chy_status chy_forward_row(struct chy_op *op, const struct chy_storage_row *row,
                           struct chy_forward_line *out_line)
{
    json_t *object;
    out_line->brief = chy_slice_of(NULL, 0);
    CHY_TRY(chy_audit_event_json(op, row, &object));
    CHY_TRY(chy_json_write(op, object, &out_line->text));
    if (out_line->text.len > ALWAYS_FITS && json_object_del(object, "detail") == 0) {
        CHY_TRY(chy_json_write(op, object, &out_line->brief));
    }
    out_line->kind = "audit.row";
    out_line->time = chy_row_time(row, CHY_AUDIT_TIME);
    return CHY_OK;
}
