#include "access/token.h"
#include "base/time.h"
#include "resource/collections.h"

/** How many batches one call deletes of each collection, at most. */
#define ROUNDS 20

/** No lock-out lasts longer than a day and an hour. */
#define LOCKOUT_KEPT (2 * CHY_US_PER_DAY)
#define DENIALS_KEPT_DAYS 30

/** What is to go: the rows of a collection whose `field` lies before `end`. */
struct heap {
    uint32_t collection;
    uint32_t field;
    struct chy_value end;
};

static chy_status delete_some(struct chy_runtime *runtime, struct chy_op *op,
                              const struct heap *heap, bool *out_more)
{
    struct chy_batch batch;
    struct chy_query query;
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    chy_batch_init(&batch, op, 0);
    chy_query_init(&query, op, heap->collection, CHY_NO_FIELDS, CHY_STORAGE_DELETE_RANGE_MAX);
    chy_query_range(&query, heap->field, chy_value_null(), heap->end);
    (void)chy_batch_delete_range(&batch, &query, CHY_STORAGE_DELETE_RANGE_MAX);
    CHY_TRY(chy_batch_commit(&batch, runtime->storage, &outcome));
    const struct chy_write_result *result =
        (const struct chy_write_result *)chy_view_at(outcome.results, 0);
    *out_more = result != NULL && result->number >= (int64_t)CHY_STORAGE_DELETE_RANGE_MAX;
    return CHY_OK;
}

chy_status chy_access_clean(struct chy_runtime *runtime, struct chy_op *op)
{
    int64_t now = chy_now(op);
    const struct heap heaps[] = {
        {CHY_C_ACCESS_TOKENS, CHY_TOKEN_EXPIRES_AT, chy_value_time(now + 1)},
        {CHY_C_LOCKOUTS, CHY_LOCKOUT_LAST_AT, chy_value_time(now - LOCKOUT_KEPT)},
        {CHY_C_DENIALS, CHY_DENIAL_MINUTE,
         chy_value_int((now - DENIALS_KEPT_DAYS * CHY_US_PER_DAY) / CHY_US_PER_MINUTE)},
    };
    for (size_t i = 0; i < CHY_COUNT_OF(heaps); i++) {
        bool more = true;
        for (int round = 0; more && round < ROUNDS && chy_cancelled(op) == 0; round++) {
            CHY_TRY(delete_some(runtime, op, &heaps[i], &more));
        }
    }
    return CHY_OK;
}
