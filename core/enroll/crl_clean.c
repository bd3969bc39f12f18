#include "base/op.h"
#include "base/time.h"
#include "enroll/crl.h"
#include "resource/collections.h"

/* Entries that may leave: RFC 5280 3.3 wants each on one CRL made after its certificate's end. */

enum {
    GENERATION_ID,
    SERIAL,
    SHARD,
    REVISION,
    NOT_AFTER
};

/** A shard as it was last looked at: entries that end together are often of one. */
struct looked_at {
    struct chy_uuid generation_id;
    int64_t shard;
    bool is_there;
    int64_t crl_revision;
    int64_t this_update;
};

static chy_status look_at(struct chy_runtime *runtime, struct chy_op *op,
                          const struct chy_storage_row *entry, struct looked_at *seen)
{
    struct chy_storage_row row;
    struct chy_uuid id = chy_row_uuid(entry, GENERATION_ID);
    int64_t shard = chy_row_int(entry, SHARD);
    if (seen->shard == shard && chy_uuid_compare(&seen->generation_id, &id) == 0) {
        return CHY_OK;
    }
    chy_status status = chy_storage_read(
        runtime->storage, op, CHY_C_CRL_SHARDS, CHY_KEY(chy_value_uuid(&id), chy_value_int(shard)),
        CHY_FIELDS(CHY_SHARD_CRL_REVISION, CHY_SHARD_THIS_UPDATE), &row);
    *seen = (struct looked_at){.generation_id = id, .shard = shard};
    if (status == CHY_OK) {
        seen->is_there = true;
        seen->crl_revision = chy_row_int(&row, 0);
        seen->this_update = chy_row_time(&row, 1);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static void drop(struct chy_batch *batch, const struct chy_storage_row *entry)
{
    struct chy_write *write = chy_batch_delete(
        batch, CHY_C_REVOCATIONS,
        CHY_KEY(*chy_row_value(entry, GENERATION_ID), *chy_row_value(entry, SERIAL)));
    // Whoever changes it meanwhile gives it a new revision: then it stays.
    chy_write_guard_equals(write, CHY_REVOCATION_REVISION,
                           chy_value_int(chy_row_int(entry, REVISION)));
}

#define PAGE 200 // in one batch

static chy_status drop_page(struct chy_runtime *runtime, struct chy_op *op,
                            const struct chy_storage_page *page, uint64_t *dropped)
{
    struct looked_at seen = {.shard = 0};
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *entry = chy_page_row(page, i);
        CHY_TRY(look_at(runtime, op, entry, &seen));
        // Of a CA that was deleted nothing is published any more.
        if (!seen.is_there || (seen.this_update > chy_row_time(entry, NOT_AFTER) &&
                               seen.crl_revision >= chy_row_int(entry, REVISION))) {
            drop(&batch, entry);
        }
    }
    if (batch.count == 0) {
        return CHY_OK;
    }
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    *dropped += status == CHY_OK ? batch.count : 0;
    return status == CHY_CONFLICT ? CHY_OK : status; // changed meanwhile: the next time
}

chy_status chy_crl_clean(struct chy_runtime *runtime, struct chy_op *op, uint64_t *out_dropped)
{
    struct chy_query query;
    struct chy_storage_page page;
    *out_dropped = 0;
    chy_query_init(&query, op, CHY_C_REVOCATIONS,
                   CHY_FIELDS(CHY_REVOCATION_GENERATION_ID, CHY_REVOCATION_SERIAL,
                              CHY_REVOCATION_SHARD, CHY_REVOCATION_REVISION,
                              CHY_REVOCATION_NOT_AFTER),
                   PAGE);
    chy_query_range(&query, CHY_REVOCATION_NOT_AFTER, chy_value_null(),
                    chy_value_time(chy_now(op)));
    chy_query_order(&query, CHY_REVOCATION_NOT_AFTER, false);
    do {
        struct chy_op *child = op->host->op_child(op); // its memory goes with each page
        if (child == NULL) {
            return chy_fail_memory(op);
        }
        query.op = child;
        chy_status status = chy_query_run(&query, runtime->storage, &page);
        status = status == CHY_OK ? drop_page(runtime, child, &page, out_dropped) : status;
        if (status == CHY_OK && page.more != 0) {
            status = chy_copy(op, page.cursor, &query.find.cursor);
        }
        CHY_TRY(chy_op_end_child(op, child, status));
    } while (page.more != 0 && chy_cancelled(op) == 0);
    return CHY_OK;
}
