#include "plugin/registry_state.h"
#include "plugin/schema.h"
#include "plugin/view.h"

#include "base/slice.h"

#include <assert.h>

#define COLLECTION_NAME_MAX 48U

static uint64_t declared_count(const struct chy_instance *instance)
{
    return instance->plugin->enrollment.collections.count;
}

static chy_status prefixed_name(struct chy_registry *registry, struct chy_op *op,
                                const struct chy_instance *instance, struct chy_slice name,
                                struct chy_slice *out_name)
{
    char text[COLLECTION_NAME_MAX + 1];
    if (instance->name.len + 1 + name.len > COLLECTION_NAME_MAX) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "instance '%.*s': expected a collection whose name and the instance's have at "
            "most %u bytes together, found '%.*s'",
            (int)instance->name.len, (const char *)instance->name.ptr, COLLECTION_NAME_MAX - 1,
            (int)chy_slice_first(name, COLLECTION_NAME_MAX).len, (const char *)name.ptr);
    }
    (void)snprintf(text, sizeof text, "%.*s.%.*s", (int)instance->name.len,
                   (const char *)instance->name.ptr, (int)name.len, (const char *)name.ptr);
    struct chy_slice kept = chy_registry_keep(registry, chy_text(text));
    if (kept.ptr == NULL) {
        return chy_fail_memory(op);
    }
    *out_name = kept;
    return CHY_OK;
}

static chy_status append_collections(struct chy_registry *registry, struct chy_op *op,
                                     struct chy_instance *instance, struct chy_collection *all,
                                     uint64_t *count)
{
    struct chy_view declared = instance->plugin->enrollment.collections;
    struct chy_instance_collection *own =
        chy_arena_alloc(registry->arena, declared.count * sizeof *own);
    if (own == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < declared.count; i++) {
        struct chy_collection *copy = &all[*count];
        const struct chy_collection *source = chy_view_item(declared, i);
        memcpy(copy, source, sizeof *copy);
        CHY_TRY(prefixed_name(registry, op, instance, source->name, &copy->name));
        own[i].name = source->name;
        own[i].number = (uint32_t)*count;
        *count += 1;
    }
    instance->collections = own;
    instance->collection_count = (uint32_t)declared.count;
    return CHY_OK;
}

chy_status chy_registry_schema(struct chy_registry *registry, struct chy_op *op,
                               const struct chy_schema *core_schema, struct chy_schema *out_schema)
{
    uint64_t total = core_schema->collections.count;
    for (size_t i = 0; i < registry->instance_count; i++) {
        total += declared_count(registry->instances[i]);
    }
    struct chy_collection *all = chy_arena_alloc(registry->arena, total * sizeof *all);
    if (all == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t count = 0;
    for (; count < core_schema->collections.count; count++) {
        const struct chy_collection *source = chy_view_item(core_schema->collections, count);
        all[count] = *source;
    }
    for (size_t i = 0; i < registry->instance_count; i++) {
        if (declared_count(registry->instances[i]) != 0) {
            CHY_TRY(append_collections(registry, op, registry->instances[i], all, &count));
        }
    }
    struct chy_schema schema = *core_schema;
    struct chy_view collections = {all, count, sizeof *all};
    schema.struct_size = (uint32_t)sizeof schema;
    schema.collections = collections;
    CHY_TRY(chy_schema_check(op, "the schema", &schema));
    *out_schema = schema;
    return CHY_OK;
}
