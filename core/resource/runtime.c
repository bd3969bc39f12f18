#include "resource/runtime.h"

#include "base/slice.h"
#include "base/time.h"
#include "plugin/schema.h"
#include "resource/cache.h"
#include "resource/collections.h"

chy_status chy_runtime_new_uuid(struct chy_runtime *runtime, struct chy_op *op,
                                struct chy_uuid *out_uuid)
{
    uint8_t bytes[CHY_UUID_RANDOM_LEN];
    struct chy_buffer buffer = {bytes, sizeof bytes};
    CHY_TRY(chy_crypto_random(runtime->leaf_crypto, op, buffer));
    *out_uuid = chy_uuid_v7(chy_now(op) / CHY_US_PER_MS, bytes);
    return CHY_OK;
}

static bool touches_watched(const struct chy_runtime *runtime, const struct chy_batch *batch)
{
    const struct chy_schema *schema = chy_storage_schema(runtime->storage);
    for (const struct chy_write *w = batch->first; w != NULL; w = w->next) {
        const struct chy_collection *collection =
            chy_schema_collection(schema, w->write.collection);
        bool is_watched = collection != NULL && (collection->flags & CHY_COLLECTION_WATCHED) != 0;
        if (is_watched || w->write.collection == CHY_C_EPOCH) {
            return true;
        }
    }
    return false;
}

chy_status chy_runtime_commit(struct chy_runtime *runtime, struct chy_batch *batch,
                              struct chy_storage_outcome *out_outcome)
{
    chy_status status = chy_batch_commit(batch, runtime->storage, out_outcome);
    // Also after a failure: an uncertain write may have happened.
    if (touches_watched(runtime, batch)) {
        chy_cache_forget(runtime->cache);
    }
    return status;
}

void chy_runtime_bump(struct chy_batch *batch)
{
    (void)chy_batch_add(batch, CHY_C_EPOCH, CHY_KEY(chy_value_text(chy_text("epoch"))),
                        CHY_EPOCH_VALUE, 1);
}

const struct chy_method *chy_runtime_method(const struct chy_runtime *runtime,
                                            struct chy_slice name)
{
    for (uint32_t i = 0; i < runtime->method_count; i++) {
        if (chy_slice_equal_nocase(runtime->methods[i].name, name)) {
            return &runtime->methods[i];
        }
    }
    return NULL;
}
