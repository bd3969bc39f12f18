// All data keys: which KEK sealed how many of them, and sealing them again by the one in use.

#include "base/op.h"
#include "plugin/batch.h"
#include "resource/collections.h"
#include "resource/keyring_state.h"

#include <stdio.h>

/** Data keys that are read, or sealed again, at once. */
#define DATA_KEY_PAGE 16

static void count_of(struct chy_data_key_counts *counts, struct chy_slice kek_id)
{
    size_t i = 0;
    while (i < counts->kek_count && !chy_slice_is(kek_id, counts->keks[i].id.text)) {
        i++;
    }
    if (i == counts->kek_count && i < CHY_DATA_KEY_KEKS_MAX) {
        counts->kek_count++;
        (void)snprintf(counts->keks[i].id.text, sizeof counts->keks[i].id.text, "%.*s",
                       (int)kek_id.len, (const char *)kek_id.ptr);
    }
    if (i < CHY_DATA_KEY_KEKS_MAX) {
        counts->keks[i].count++;
    }
    counts->total++;
}

/** next_page finds data keys in the order of their ids, after `cursor`. */
static chy_status next_page(struct chy_keyring *keyring, struct chy_op *op, struct chy_slice cursor,
                            struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, op, CHY_C_DATA_KEYS, chy_data_key_fields(), DATA_KEY_PAGE);
    query.find.cursor = cursor;
    return chy_query_run(&query, keyring->runtime->storage, out_page);
}

/** What is done with a page of data keys; its memory and secrets go with `op`. */
typedef chy_status page_fn(struct chy_keyring *keyring, struct chy_op *op,
                           const struct chy_storage_page *page, void *context);

/** walk_page does one page in an operation of its own and moves the cursor. */
static chy_status walk_page(struct chy_keyring *keyring, struct chy_op *op, page_fn *visit,
                            void *context, struct chy_slice *cursor, bool *out_more)
{
    struct chy_op *child = op->host->op_child(op);
    struct chy_storage_page page;
    if (child == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = next_page(keyring, child, *cursor, &page);
    if (status == CHY_OK) {
        status = visit(keyring, child, &page, context);
    }
    if (status == CHY_OK) {
        *out_more = page.more != 0;
        status = chy_copy(op, page.cursor, cursor);
    }
    return chy_op_end_child(op, child, status);
}

static chy_status walk(struct chy_keyring *keyring, struct chy_op *op, uint64_t pages,
                       page_fn *visit, void *context)
{
    struct chy_slice cursor = {NULL, 0};
    bool more = true;
    for (uint64_t i = 0; more && i < pages; i++) {
        CHY_TRY(walk_page(keyring, op, visit, context, &cursor, &more));
    }
    return CHY_OK;
}

static chy_status count_page(struct chy_keyring *keyring, struct chy_op *op,
                             const struct chy_storage_page *page, void *context)
{
    struct chy_data_key_counts *counts = context;
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        struct chy_slice bytes;
        count_of(counts, chy_row_text(row, CHY_DATA_KEY_COLUMN_KEK_ID));
        counts->closed +=
            counts->open_each && chy_data_key_open(keyring, op, row, &bytes) != CHY_OK ? 1U : 0U;
    }
    return CHY_OK;
}

chy_status chy_keyring_count(struct chy_keyring *keyring, struct chy_op *op, bool open_each,
                             struct chy_data_key_counts *out_counts)
{
    memset(out_counts, 0, sizeof *out_counts);
    out_counts->open_each = open_each;
    return walk(keyring, op, UINT64_MAX, count_page, out_counts);
}

/** rewrap_row puts the data key of a row, sealed by the KEK in use, into a batch. */
static chy_status rewrap_row(struct chy_keyring *keyring, struct chy_batch *batch,
                             const struct chy_storage_row *row)
{
    struct chy_op *op = batch->op;
    struct chy_uuid *id = chy_alloc(op, sizeof *id);
    struct chy_kek_id *kek = chy_alloc(op, sizeof *kek);
    if (id == NULL || kek == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_uuid project_id = chy_row_uuid(row, CHY_DATA_KEY_COLUMN_PROJECT_ID);
    struct chy_slice bytes;
    struct chy_slice sealed;
    *id = chy_row_uuid(row, CHY_DATA_KEY_COLUMN_ID);
    CHY_TRY(chy_data_key_open(keyring, op, row, &bytes));
    CHY_TRY(chy_data_key_seal(keyring, op, id, &project_id, bytes, kek, &sealed));
    struct chy_write *write = chy_batch_update(batch, CHY_C_DATA_KEYS, CHY_KEY(chy_value_uuid(id)));
    chy_write_guard_revision(write, row->revision);
    chy_write_set(write, CHY_DATA_KEY_KEK_ID, chy_value_text(chy_text(kek->text)));
    chy_write_set(write, CHY_DATA_KEY_SEALED, chy_value_blob(sealed));
    return CHY_OK;
}

/** rewrap_page seals what of a page another KEK sealed. */
static chy_status rewrap_page(struct chy_keyring *keyring, struct chy_op *op,
                              const struct chy_storage_page *page, void *context)
{
    uint64_t *done = context;
    struct chy_kek_id now = chy_keks_current(keyring->keks);
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        if (!chy_slice_is(chy_row_text(row, CHY_DATA_KEY_COLUMN_KEK_ID), now.text)) {
            CHY_TRY(rewrap_row(keyring, &batch, row));
        }
    }
    uint64_t count = batch.count;
    if (count == 0) {
        return CHY_OK;
    }
    (void)chy_kek_guard(&batch, &now);
    CHY_TRY(chy_batch_commit(&batch, keyring->runtime->storage, NULL));
    *done += count;
    return CHY_OK;
}

chy_status chy_keyring_rewrap(struct chy_keyring *keyring, struct chy_op *op, uint64_t batches,
                              uint64_t *out_done)
{
    *out_done = 0;
    return walk(keyring, op, batches, rewrap_page, out_done);
}
