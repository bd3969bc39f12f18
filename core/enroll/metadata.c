#include "enroll/metadata.h"

#include "plugin/view.h"
#include "resource/json.h"
#include "resource/shape.h"

#define METADATA_MAX 64
#define METADATA_KEY_MAX 255
#define METADATA_VALUE_MAX 1020

chy_status chy_metadata_check(struct chy_op *op, struct chy_view metadata)
{
    if (metadata.count > METADATA_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "more than %d metadata pairs", METADATA_MAX);
    }
    for (uint64_t i = 0; i < metadata.count; i++) {
        const struct chy_pair *pair = (const struct chy_pair *)chy_view_item(metadata, i);
        if (pair->name.len == 0 || pair->name.len > METADATA_KEY_MAX ||
            pair->value.len > METADATA_VALUE_MAX) {
            char path[48];
            (void)snprintf(path, sizeof path, "/metadata/%llu", (unsigned long long)i);
            return chy_shape_refuse_one(op, "too_big", path,
                                        "a key has 1 to %d bytes, a value at most %d",
                                        METADATA_KEY_MAX, METADATA_VALUE_MAX);
        }
    }
    return CHY_OK;
}

chy_status chy_metadata_read(struct chy_op *op, const json_t *list, struct chy_view *out_metadata)
{
    size_t count = json_array_size(list);
    struct chy_pair *pairs = chy_alloc(op, (count + 1) * sizeof *pairs);
    if (pairs == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        pairs[i].name = chy_json_member(json_array_get(list, i), "key");
        pairs[i].value = chy_json_member(json_array_get(list, i), "value");
    }
    struct chy_view metadata = chy_view_of(pairs, count, sizeof *pairs);
    CHY_TRY(chy_metadata_check(op, metadata));
    *out_metadata = metadata;
    return CHY_OK;
}
