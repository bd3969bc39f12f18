#include "plugin/descriptor.h"

#include "base/slice.h"

/** Sizes that elements had in 1.0. */
#define CHANNEL_TYPE_SIZE_1_0 56U
/** More than any plugin has use for. */
#define CHANNEL_TYPES_MAX 32U
#define TEXT_MAX 1024U

static chy_status check_name(const struct chy_candidate *candidate, struct chy_view types,
                             uint64_t index)
{
    const struct chy_channel_type *type = chy_view_item(types, index);
    if (!chy_plugin_name_is_valid(type->name)) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a lower-case letter, then letters, digits, '-' and '_' as the "
                          "name of a channel type, found '%.*s'",
                          (int)chy_slice_first(type->name, CHY_PLUGIN_NAME_MAX).len,
                          (const char *)type->name.ptr);
    }
    for (uint64_t i = 0; i < index; i++) {
        const struct chy_channel_type *earlier = chy_view_item(types, i);
        if (chy_slice_equal(earlier->name, type->name)) {
            return chy_refuse(candidate, CHY_BAD_INPUT,
                              "expected each channel type once, found '%.*s' twice",
                              (int)type->name.len, (const char *)type->name.ptr);
        }
    }
    return CHY_OK;
}

chy_status chy_notifier_tables(const struct chy_candidate *candidate, struct chy_arena *arena,
                               struct chy_notifier_ops *ops)
{
    const struct chy_array_rule rule = {"channel types", CHANNEL_TYPE_SIZE_1_0,
                                        sizeof(struct chy_channel_type), CHANNEL_TYPES_MAX};
    CHY_TRY(chy_descriptor_array(candidate, arena, &rule, &ops->channel_types));
    if (ops->channel_types.count == 0) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a notifier with at least one channel type, found none");
    }
    for (uint64_t i = 0; i < ops->channel_types.count; i++) {
        // The array is a fresh copy of ours, handed out as const only because views are.
        struct chy_channel_type *type =
            (struct chy_channel_type *)(uintptr_t)chy_view_item(ops->channel_types, i);
        CHY_TRY(check_name(candidate, ops->channel_types, i));
        CHY_TRY(chy_descriptor_text(candidate, "the summary of a channel type", type->summary,
                                    TEXT_MAX, true));
        CHY_TRY(chy_descriptor_options(candidate, arena, "channel option", &type->options));
    }
    return CHY_OK;
}
