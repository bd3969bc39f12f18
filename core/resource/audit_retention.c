#include "resource/audit_retention.h"

#include "base/secret.h"
#include "base/time.h"
#include "resource/audit.h"
#include "resource/collections.h"
#include "resource/keyring.h"

#define SETTING_BEFORE "audit-dropped-before" // number: µs; blob: its MAC
#define SETTING_DONE "audit-dropped-done" // number: µs; all blocks closed before it are dropped
#define BLOCKS_AT_ONCE 50U
#define PAGES_AT_ONCE 200

static chy_status mac_of(struct chy_runtime *runtime, struct chy_op *op, int64_t before,
                         struct chy_slice *out_mac)
{
    char text[64];
    int len = snprintf(text, sizeof text, "%lld", (long long)before);
    return chy_keyring_mac(runtime->keyring, op, CHY_MAC_AUDIT_RETENTION,
                           chy_slice_of(text, (uint64_t)len), out_mac);
}

static chy_status read_number(struct chy_runtime *runtime, struct chy_op *op, const char *name,
                              int64_t *out_number, struct chy_slice *out_blob)
{
    struct chy_storage_row row;
    *out_number = 0;
    *out_blob = chy_slice_of(NULL, 0);
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(name))),
                                         CHY_FIELDS(CHY_SETTING_NUMBER, CHY_SETTING_BLOB), &row);
    if (status == CHY_OK) {
        *out_number = chy_row_int(&row, 0);
        *out_blob = chy_row_blob(&row, 1);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

chy_status chy_audit_dropped_before(struct chy_runtime *runtime, struct chy_op *op,
                                    int64_t *out_before)
{
    struct chy_slice stored;
    struct chy_slice mac;
    int64_t before;
    *out_before = 0;
    CHY_TRY(read_number(runtime, op, SETTING_BEFORE, &before, &stored));
    if (stored.len != 0) {
        CHY_TRY(mac_of(runtime, op, before, &mac));
        *out_before = chy_secret_equal(stored, mac) ? before : 0;
    }
    return CHY_OK;
}

static chy_status write_number(struct chy_runtime *runtime, struct chy_op *op, const char *name,
                               int64_t number, struct chy_slice blob)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_upsert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text(name))));
    chy_write_set(write, CHY_SETTING_NUMBER, chy_value_int(number));
    chy_write_set(write, CHY_SETTING_BLOB, chy_value_blob_or_null(blob));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

/** drop_some marks a block and deletes rows of it; false: none were left. */
static chy_status drop_some(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice node,
                            int64_t number, bool *out_more)
{
    struct chy_batch batch;
    struct chy_query query;
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    chy_batch_init(&batch, op, 0);
    struct chy_write *mark = chy_batch_update(&batch, CHY_C_AUDIT_BLOCKS,
                                              CHY_KEY(chy_value_text(node), chy_value_int(number)));
    chy_write_set(mark, CHY_BLOCK_DROPPED, chy_value_bool(true));
    chy_query_init(&query, op, CHY_C_AUDIT_EVENTS, CHY_NO_FIELDS, CHY_STORAGE_DELETE_RANGE_MAX);
    chy_query_eq(&query, CHY_AUDIT_NODE, chy_value_text(node));
    chy_query_eq(&query, CHY_AUDIT_BLOCK, chy_value_int(number));
    struct chy_write *rows = chy_batch_delete_range(&batch, &query, CHY_STORAGE_DELETE_RANGE_MAX);
    CHY_TRY(chy_batch_commit(&batch, runtime->storage, &outcome));
    const struct chy_write_result *result =
        (const struct chy_write_result *)chy_view_at(outcome.results, rows->index);
    *out_more = result != NULL && result->number >= (int64_t)CHY_STORAGE_DELETE_RANGE_MAX;
    return CHY_OK;
}

/** drop_page drops the next blocks from `done` on, and moves it. */
static chy_status drop_page(struct chy_runtime *runtime, struct chy_op *op, int64_t before,
                            int64_t *done, uint64_t *dropped, bool *out_more)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(
        &query, op, CHY_C_AUDIT_BLOCKS,
        CHY_FIELDS(CHY_BLOCK_NODE, CHY_BLOCK_NUMBER, CHY_BLOCK_CLOSED_AT, CHY_BLOCK_DROPPED),
        BLOCKS_AT_ONCE);
    chy_query_range(&query, CHY_BLOCK_CLOSED_AT, chy_value_time(*done), chy_value_time(before));
    chy_query_order(&query, CHY_BLOCK_CLOSED_AT, false);
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        bool more = true;
        while (more) {
            CHY_TRY(drop_some(runtime, op, chy_row_text(row, 0), chy_row_int(row, 1), &more));
        }
        *dropped += chy_row_bool(row, 3) ? 0U : 1U;
        *done = chy_row_time(row, 2);
    }
    *out_more = page.more != 0;
    *done += *out_more && page.rows.count != 0 ? 1 : 0; // several of one µs would be read for ever
    return write_number(runtime, op, SETTING_DONE, *done, chy_slice_of(NULL, 0));
}

static chy_status record(struct chy_runtime *runtime, struct chy_op *op, int64_t before,
                         uint64_t dropped)
{
    char when[CHY_TIME_TEXT_SIZE];
    char detail[128];
    chy_time_format(before, when);
    (void)snprintf(detail, sizeof detail, "{\"blocks\":%llu,\"closedBefore\":\"%s\"}",
                   (unsigned long long)dropped, when);
    struct chy_audit_event event = {.action = "audit.drop",
                                    .target_kind = "audit-logs",
                                    .outcome = CHY_AUDIT_OK,
                                    .detail = chy_text(detail)};
    chy_log_info(op, "audit.dropped", "the rows of %llu blocks closed before %s were dropped",
                 (unsigned long long)dropped, when);
    return chy_audit_write(runtime, op, &event);
}

chy_status chy_audit_retain(struct chy_runtime *runtime, struct chy_op *op, int64_t keep)
{
    int64_t before = chy_now(op) - keep;
    int64_t known;
    int64_t done;
    struct chy_slice mac;
    struct chy_slice none;
    uint64_t dropped = 0;
    bool more = true;
    CHY_TRY(chy_audit_dropped_before(runtime, op, &known));
    if (before > known) { // first of all: from now on rows may be missing up to here
        CHY_TRY(mac_of(runtime, op, before, &mac));
        CHY_TRY(write_number(runtime, op, SETTING_BEFORE, before, mac));
    }
    CHY_TRY(read_number(runtime, op, SETTING_DONE, &done, &none));
    for (int i = 0; more && i < PAGES_AT_ONCE && chy_cancelled(op) == 0; i++) {
        CHY_TRY(drop_page(runtime, op, before, &done, &dropped, &more));
    }
    return dropped == 0 ? CHY_OK : record(runtime, op, before, dropped);
}
