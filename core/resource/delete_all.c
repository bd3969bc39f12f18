#include "resource/delete_all.h"

void chy_delete_in(struct chy_batch *batch, uint32_t collection, uint32_t field,
                   const struct chy_uuid *id)
{
    struct chy_query query;
    chy_query_init(&query, batch->op, collection, CHY_NO_FIELDS, CHY_STORAGE_DELETE_RANGE_MAX);
    chy_query_eq(&query, field, chy_value_uuid(id));
    (void)chy_batch_delete_range(batch, &query, CHY_STORAGE_DELETE_RANGE_MAX);
}

static chy_status delete_some(struct chy_runtime *runtime, struct chy_op *op, uint32_t collection,
                              uint32_t field, const struct chy_uuid *id, bool *out_more)
{
    struct chy_batch batch;
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    chy_batch_init(&batch, op, 0);
    chy_delete_in(&batch, collection, field, id);
    CHY_TRY(chy_batch_commit(&batch, runtime->storage, &outcome));
    const struct chy_write_result *result =
        (const struct chy_write_result *)chy_view_at(outcome.results, 0);
    *out_more = result != NULL && result->number >= (int64_t)CHY_STORAGE_DELETE_RANGE_MAX;
    return CHY_OK;
}

chy_status chy_delete_all(struct chy_runtime *runtime, struct chy_op *op, uint32_t collection,
                          uint32_t field, const struct chy_uuid *id)
{
    bool more = true;
    while (more && chy_cancelled(op) == 0) {
        CHY_TRY(delete_some(runtime, op, collection, field, id, &more));
    }
    return CHY_OK;
}
