#include "plugin/registry_state.h"
#include "plugin/view.h"

static bool values_differ(const struct chy_option_value *a, const struct chy_option_value *b)
{
    if (a->number != b->number || !chy_slice_equal(a->text, b->text) ||
        a->list.count != b->list.count) {
        return true;
    }
    for (uint64_t i = 0; i < a->list.count; i++) {
        const struct chy_slice *left = chy_view_item(a->list, i);
        const struct chy_slice *right = chy_view_item(b->list, i);
        if (!chy_slice_equal(*left, *right)) {
            return true;
        }
    }
    return false;
}

/** Counts the options that differ, and refuses those that need a restart. */
static chy_status count_changes(struct chy_op *op, const struct chy_instance *instance,
                                const struct chy_options *current, const struct chy_options *wanted,
                                uint64_t *out_changes)
{
    struct chy_view table = instance->plugin->descriptor.options;
    uint64_t changes = 0;
    if (current->values.count != table.count || wanted->values.count != table.count) {
        return chy_fail(op, CHY_BROKEN, 0, "instance '%.*s': the options do not fit the plugin",
                        (int)instance->name.len, (const char *)instance->name.ptr);
    }
    for (uint64_t i = 0; i < table.count; i++) {
        const struct chy_option *option = chy_view_item(table, i);
        const struct chy_option_value *before = chy_view_item(current->values, i);
        const struct chy_option_value *after = chy_view_item(wanted->values, i);
        if (!values_differ(before, after)) {
            continue;
        }
        if ((option->flags & CHY_OPTION_RELOADABLE) == 0) {
            return chy_fail(op, CHY_CONFLICT, 0,
                            "instance '%.*s': the option '%.*s' changes with a restart only",
                            (int)instance->name.len, (const char *)instance->name.ptr,
                            (int)option->name.len, (const char *)option->name.ptr);
        }
        changes++;
    }
    *out_changes = changes;
    return CHY_OK;
}

chy_status chy_instance_reload(struct chy_instance *instance, struct chy_op *op,
                               const struct chy_options *current, const struct chy_options *wanted)
{
    uint64_t changes = 0;
    CHY_TRY(count_changes(op, instance, current, wanted, &changes));
    if (changes == 0) {
        return CHY_OK;
    }
    if (instance->plugin->descriptor.reload == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "instance '%.*s': its plugin does not reload",
                        (int)instance->name.len, (const char *)instance->name.ptr);
    }
    struct chy_options options = *wanted;
    options.struct_size = (uint32_t)sizeof options;
    options.instance_name = instance->name;
    options.data_directory = instance->data_directory;
    struct chy_visit visit = chy_visit_begin(op, instance);
    chy_instance_enter(instance);
    chy_status status = instance->plugin->descriptor.reload(instance->self, op, &options);
    chy_instance_leave(instance);
    status = chy_instance_result(instance, op, "reload", status);
    chy_visit_end(op, visit);
    return status;
}
