#include "enroll/alert_event.h"

#include "base/slice.h"
#include "resource/cache.h"
#include "resource/collections.h"

#include <assert.h>
#include <stdlib.h>

/** How many alerts a project has is bounded where they are made; this bounds what is read. */
#define ALERTS_MAX 256U

static const struct chy_alert_type types[] = {
    {CHY_ALERT_EXPIRATION, "will end soon", true},
    {CHY_ALERT_ISSUANCE, "issued", false},
    {CHY_ALERT_RENEWAL, "renewed", false},
    {CHY_ALERT_REVOCATION, "revoked", false},
};
#define TYPE_COUNT (sizeof types / sizeof types[0])

const struct chy_alert_type *chy_alert_type_find(struct chy_slice name)
{
    for (size_t i = 0; i < TYPE_COUNT; i++) {
        if (chy_slice_is(name, types[i].name)) {
            return &types[i];
        }
    }
    return NULL;
}

/** What a project wants to be told. */
struct wishes {
    struct chy_cached cached;
    bool wanted[TYPE_COUNT];
};

static void free_wishes(struct chy_cached *cached)
{
    free(cached);
}

static void note(struct wishes *wishes, struct chy_slice name)
{
    const struct chy_alert_type *type = chy_alert_type_find(name);
    if (type != NULL) { // else a word of a newer program
        wishes->wanted[type - types] = true;
    }
}

static chy_status read_wishes(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                              struct wishes *wishes)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_uuid project_id;
    memcpy(project_id.bytes, key.ptr, sizeof project_id.bytes);
    chy_query_init(&query, op, CHY_C_ALERTS, CHY_FIELDS(CHY_ALERT_EVENT_TYPE, CHY_ALERT_ENABLED),
                   ALERTS_MAX);
    chy_query_eq(&query, CHY_ALERT_PROJECT_ID, chy_value_uuid(&project_id));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        if (chy_row_bool(row, 1)) {
            note(wishes, chy_row_text(row, 0));
        }
    }
    return CHY_OK;
}

static chy_status load_wishes(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                              struct chy_cached **out_cached)
{
    struct wishes *wishes = calloc(1, sizeof *wishes);
    if (wishes == NULL) {
        return chy_fail_memory(op);
    }
    chy_cached_init(&wishes->cached, free_wishes);
    chy_status status = read_wishes(runtime, op, key, wishes);
    if (status != CHY_OK) {
        chy_cached_unref(&wishes->cached);
        return status;
    }
    *out_cached = &wishes->cached;
    return CHY_OK;
}

static chy_status is_wanted(struct chy_runtime *runtime, struct chy_op *op, const char *name,
                            const struct chy_uuid *project_id, bool *out_wanted)
{
    const struct chy_cached *cached;
    const struct chy_alert_type *type = chy_alert_type_find(chy_text(name));
    assert(type != NULL); // or nobody would ever be told
    CHY_TRY(chy_cache_get(runtime->cache, op, CHY_CACHE_ALERTS,
                          chy_slice_of(project_id->bytes, sizeof project_id->bytes), load_wishes,
                          &cached));
    const struct wishes *wishes = (const struct wishes *)cached;
    *out_wanted = wishes->wanted[type - types];
    return CHY_OK;
}

static chy_status put(struct chy_runtime *runtime, struct chy_batch *batch, const char *type,
                      const struct chy_uuid *project_id, const struct chy_uuid *of,
                      struct chy_value step)
{
    struct chy_uuid *id = chy_alloc(batch->op, sizeof *id); // the batch borrows it
    if (id == NULL) {
        return chy_fail_memory(batch->op);
    }
    CHY_TRY(chy_runtime_new_uuid(runtime, batch->op, id));
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_ALERT_EVENTS, CHY_KEY(chy_value_uuid(id)));
    chy_write_set(write, CHY_EVENT_PROJECT_ID, chy_value_uuid(project_id));
    chy_write_set(write, CHY_EVENT_TYPE, chy_value_text(chy_text(type)));
    chy_write_set(write, CHY_EVENT_CERTIFICATE_ID, chy_value_uuid(of));
    chy_write_set(write, CHY_EVENT_CREATED_AT, chy_value_time(chy_now(batch->op)));
    chy_write_set(write, CHY_EVENT_STEP, step);
    return CHY_OK;
}

chy_status chy_alert_event_add(struct chy_runtime *runtime, struct chy_batch *batch,
                               const char *type, const struct chy_uuid *project_id,
                               const struct chy_uuid *certificate_id)
{
    bool wanted;
    CHY_TRY(is_wanted(runtime, batch->op, type, project_id, &wanted));
    return wanted ? put(runtime, batch, type, project_id, certificate_id, chy_value_null())
                  : CHY_OK;
}

chy_status chy_alert_event_add_approval(struct chy_runtime *runtime, struct chy_batch *batch,
                                        const struct chy_uuid *project_id,
                                        const struct chy_uuid *approval_id, int64_t step)
{
    return put(runtime, batch, CHY_ALERT_APPROVAL, project_id, approval_id, chy_value_int(step));
}
