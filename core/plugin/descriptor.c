#include "plugin/descriptor.h"

#include "base/slice.h"

#include <inttypes.h>

/** What 1.0 had: the least that any plugin of this major brings. */
#define PLUGIN_SIZE_1_0 ((uint32_t)offsetof(struct chy_plugin, reload))
#define INTERFACE_SIZE_1_0 24U
#define OPTION_SIZE_1_0 96U
#define SLICE_SIZE 16U
/** A struct_size beyond this is no size. */
#define STRUCT_SIZE_MAX 65536U
#define TEXT_MAX 1024U
#define OPTIONS_MAX 256U
#define CHOICES_MAX 64U
#define INTERFACES_MAX 16U

/** What the host knows of each interface. */
static const struct known_interface {
    uint32_t id;
    uint32_t minor;
    size_t ops_size;
    size_t offset; /**< of the copy, in struct chy_loaded_plugin */
} known_interfaces[] = {
    {CHY_INTERFACE_STORAGE, CHY_STORAGE_MINOR, sizeof(struct chy_storage_ops),
     offsetof(struct chy_loaded_plugin, storage)},
    {CHY_INTERFACE_CRYPTO, CHY_CRYPTO_MINOR, sizeof(struct chy_crypto_ops),
     offsetof(struct chy_loaded_plugin, crypto)},
    {CHY_INTERFACE_ENROLLMENT, CHY_ENROLLMENT_MINOR, sizeof(struct chy_enrollment_ops),
     offsetof(struct chy_loaded_plugin, enrollment)},
    {CHY_INTERFACE_NOTIFIER, CHY_NOTIFIER_MINOR, sizeof(struct chy_notifier_ops),
     offsetof(struct chy_loaded_plugin, notifier)},
};

/** A slot that a plugin must fill. */
struct required_slot {
    const char *name;
    size_t offset;
};

#define SLOT(type, member)                     \
    {                                          \
#member, offsetof(struct type, member) \
    }

static const struct required_slot plugin_slots[] = {
    SLOT(chy_plugin, create), SLOT(chy_plugin, start),   SLOT(chy_plugin, drain),
    SLOT(chy_plugin, stop),   SLOT(chy_plugin, destroy),
};

static const struct required_slot storage_slots[] = {
    SLOT(chy_storage_ops, declare),    SLOT(chy_storage_ops, verify_schema),
    SLOT(chy_storage_ops, upgrade),    SLOT(chy_storage_ops, get),
    SLOT(chy_storage_ops, find),       SLOT(chy_storage_ops, write),
    SLOT(chy_storage_ops, health),     SLOT(chy_storage_ops, check),
    SLOT(chy_storage_ops, statistics),
};

static const struct required_slot crypto_slots[] = {
    SLOT(chy_crypto_ops, capabilities), SLOT(chy_crypto_ops, generate),
    SLOT(chy_crypto_ops, import_key),   SLOT(chy_crypto_ops, export_key),
    SLOT(chy_crypto_ops, release),      SLOT(chy_crypto_ops, key_algorithm),
    SLOT(chy_crypto_ops, public_key),   SLOT(chy_crypto_ops, load_public),
    SLOT(chy_crypto_ops, sign),         SLOT(chy_crypto_ops, verify),
    SLOT(chy_crypto_ops, digest),       SLOT(chy_crypto_ops, hmac),
    SLOT(chy_crypto_ops, random),       SLOT(chy_crypto_ops, seal),
    SLOT(chy_crypto_ops, open),         SLOT(chy_crypto_ops, health),
    SLOT(chy_crypto_ops, statistics),
};

static const struct required_slot notifier_slots[] = {
    SLOT(chy_notifier_ops, deliver),
};

chy_status chy_descriptor_text(const struct chy_candidate *candidate, const char *what,
                               struct chy_slice text, uint64_t max, bool required)
{
    if (text.len > max || (text.len != 0 && text.ptr == NULL) || (required && text.len == 0)) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected %s of %s%" PRIu64 " bytes, found %" PRIu64 "%s", what,
                          required ? "1 to " : "at most ", max, text.len,
                          text.len != 0 && text.ptr == NULL ? " at NULL" : "");
    }
    if (!chy_text_is_clean(text)) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected UTF-8 without control characters as %s, found other bytes",
                          what);
    }
    return CHY_OK;
}

chy_status chy_descriptor_array(const struct chy_candidate *candidate, struct chy_arena *arena,
                                const struct chy_array_rule *rule, struct chy_view *view)
{
    if (view->count == 0) {
        memset(view, 0, sizeof *view);
        view->stride = rule->size;
        return CHY_OK;
    }
    if (view->ptr == NULL || view->count > rule->max || view->stride < rule->size_1_0 ||
        view->stride > STRUCT_SIZE_MAX || view->stride % 8 != 0) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected at most %" PRIu64 " %s, each of %" PRIu64
                          " bytes or more, found %" PRIu64 " of %" PRIu64 "%s",
                          rule->max, rule->what, rule->size_1_0, view->count, view->stride,
                          view->ptr == NULL ? " at NULL" : "");
    }
    uint64_t stride = view->stride > rule->size ? view->stride : rule->size;
    uint8_t *copy = chy_arena_alloc(arena, view->count * stride);
    if (copy == NULL) {
        return chy_fail_memory(candidate->op);
    }
    for (uint64_t i = 0; i < view->count; i++) {
        memcpy(copy + i * stride, chy_view_item(*view, i), view->stride);
    }
    view->ptr = copy;
    view->stride = stride;
    return CHY_OK;
}

static chy_status check_choices(const struct chy_candidate *candidate, const char *what,
                                const struct chy_option *option)
{
    bool is_choice = option->type == CHY_OPTION_CHOICE;
    if (is_choice != (option->choices.count != 0) || option->choices.count > CHOICES_MAX ||
        (is_choice && (option->choices.ptr == NULL || option->choices.stride < SLICE_SIZE))) {
        return chy_refuse(
            candidate, CHY_BAD_INPUT,
            "expected 1 to %u choices of a choice and none of another type, found %" PRIu64
            " of %s '%.*s'",
            CHOICES_MAX, option->choices.count, what, (int)option->name.len,
            (const char *)option->name.ptr);
    }
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_item(option->choices, i);
        CHY_TRY(chy_descriptor_text(candidate, "a choice", *choice, TEXT_MAX, true));
    }
    return CHY_OK;
}

static chy_status check_option(const struct chy_candidate *candidate, const char *what,
                               const struct chy_option *option)
{
    if (!chy_plugin_name_is_valid(option->name)) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a name in snake_case for each %s, found '%.*s'", what,
                          (int)chy_slice_first(option->name, CHY_PLUGIN_NAME_MAX).len,
                          (const char *)option->name.ptr);
    }
    if (option->type < CHY_OPTION_TEXT || option->type > CHY_OPTION_TEXT_LIST) {
        return chy_refuse(candidate, CHY_UNSUPPORTED,
                          "%s '%.*s': expected a type from %d to %d, found %u", what,
                          (int)option->name.len, (const char *)option->name.ptr, CHY_OPTION_TEXT,
                          CHY_OPTION_TEXT_LIST, option->type);
    }
    if (option->minimum > option->maximum) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "%s '%.*s': expected a minimum up to the maximum, found %" PRId64
                          " and %" PRId64,
                          what, (int)option->name.len, (const char *)option->name.ptr,
                          option->minimum, option->maximum);
    }
    if ((option->flags & CHY_OPTION_REQUIRED) != 0 && option->default_text.len != 0) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "%s '%.*s': expected no default of a required one, found '%.*s'", what,
                          (int)option->name.len, (const char *)option->name.ptr,
                          (int)chy_slice_first(option->default_text, 100).len,
                          (const char *)option->default_text.ptr);
    }
    CHY_TRY(chy_descriptor_text(candidate, "a default", option->default_text, TEXT_MAX, false));
    CHY_TRY(chy_descriptor_text(candidate, "a help text", option->help, TEXT_MAX, true));
    return check_choices(candidate, what, option);
}

chy_status chy_descriptor_options(const struct chy_candidate *candidate, struct chy_arena *arena,
                                  const char *what, struct chy_view *options)
{
    const struct chy_array_rule rule = {what, OPTION_SIZE_1_0, sizeof(struct chy_option),
                                        OPTIONS_MAX};
    CHY_TRY(chy_descriptor_array(candidate, arena, &rule, options));
    for (uint64_t i = 0; i < options->count; i++) {
        const struct chy_option *option = chy_view_item(*options, i);
        CHY_TRY(check_option(candidate, what, option));
        for (uint64_t k = 0; k < i; k++) {
            const struct chy_option *earlier = chy_view_item(*options, k);
            if (chy_slice_equal(earlier->name, option->name)) {
                return chy_refuse(candidate, CHY_BAD_INPUT,
                                  "expected each %s once, found '%.*s' twice", what,
                                  (int)option->name.len, (const char *)option->name.ptr);
            }
        }
    }
    return CHY_OK;
}

static chy_status check_slots(const struct chy_candidate *candidate, const char *table,
                              const void *ops, const struct required_slot *slots, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        void (*slot)(void) = NULL;
        memcpy(&slot, (const uint8_t *)ops + slots[i].offset, sizeof slot);
        if (slot == NULL) {
            return chy_refuse(candidate, CHY_BAD_INPUT,
                              "expected the required operation %s.%s, found none", table,
                              slots[i].name);
        }
    }
    return CHY_OK;
}

static chy_status check_interface_slots(const struct chy_candidate *candidate, uint32_t id,
                                        struct chy_loaded_plugin *plugin)
{
    switch ((enum chy_interface_id)id) {
    case CHY_INTERFACE_STORAGE:
        return check_slots(candidate, "storage", &plugin->storage, storage_slots,
                           sizeof storage_slots / sizeof storage_slots[0]);
    case CHY_INTERFACE_CRYPTO:
        return check_slots(candidate, "crypto", &plugin->crypto, crypto_slots,
                           sizeof crypto_slots / sizeof crypto_slots[0]);
    case CHY_INTERFACE_ENROLLMENT:
        return chy_enrollment_tables(candidate, plugin->arena, &plugin->enrollment);
    case CHY_INTERFACE_NOTIFIER:
        CHY_TRY(check_slots(candidate, "notifier", &plugin->notifier, notifier_slots,
                            sizeof notifier_slots / sizeof notifier_slots[0]));
        return chy_notifier_tables(candidate, plugin->arena, &plugin->notifier);
    }
    return CHY_OK;
}

static const struct known_interface *find_known(uint32_t id)
{
    for (size_t i = 0; i < sizeof known_interfaces / sizeof known_interfaces[0]; i++) {
        if (known_interfaces[i].id == id) {
            return &known_interfaces[i];
        }
    }
    return NULL;
}

static chy_status copy_interface(const struct chy_candidate *candidate,
                                 const struct chy_interface *offered,
                                 struct chy_loaded_plugin *plugin)
{
    const struct known_interface *known = find_known(offered->id);
    if (known == NULL) {
        return chy_refuse(candidate, CHY_UNSUPPORTED,
                          "expected interfaces that this program knows, found number %u",
                          offered->id);
    }
    const char *name = chy_interface_name(known->id);
    if (offered->needs_minor > known->minor) {
        return chy_refuse(
            candidate, CHY_UNSUPPORTED,
            "expected an interface %s that lives with minor %u, found one that needs %u", name,
            known->minor, offered->needs_minor);
    }
    if (chy_loaded_plugin_has(plugin, (enum chy_interface_id)known->id)) {
        return chy_refuse(candidate, CHY_BAD_INPUT, "expected each interface once, found %s twice",
                          name);
    }
    if (offered->ops == NULL || offered->ops_size == 0 || offered->ops_size > STRUCT_SIZE_MAX) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a table of operations for %s, found %u bytes%s", name,
                          offered->ops_size, offered->ops == NULL ? " at NULL" : "");
    }
    size_t size = offered->ops_size < known->ops_size ? offered->ops_size : known->ops_size;
    memcpy((uint8_t *)plugin + known->offset, offered->ops, size);
    plugin->interfaces |= UINT32_C(1) << known->id;
    return check_interface_slots(candidate, known->id, plugin);
}

static chy_status copy_interfaces(const struct chy_candidate *candidate,
                                  struct chy_loaded_plugin *plugin)
{
    const struct chy_array_rule rule = {"interfaces", INTERFACE_SIZE_1_0,
                                        sizeof(struct chy_interface), INTERFACES_MAX};
    struct chy_view *interfaces = &plugin->descriptor.interfaces;
    CHY_TRY(chy_descriptor_array(candidate, plugin->arena, &rule, interfaces));
    if (interfaces->count == 0) {
        return chy_refuse(candidate, CHY_BAD_INPUT, "expected at least one interface, found none");
    }
    for (uint64_t i = 0; i < interfaces->count; i++) {
        CHY_TRY(copy_interface(candidate, chy_view_item(*interfaces, i), plugin));
    }
    return CHY_OK;
}

static chy_status check_texts(const struct chy_candidate *candidate,
                              const struct chy_plugin *descriptor)
{
    CHY_TRY(chy_descriptor_text(candidate, "a name", descriptor->name, CHY_PLUGIN_NAME_MAX, true));
    if (!chy_slice_equal(descriptor->name, candidate->name)) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected the plugin '%.*s', as the file is called, found '%.*s'",
                          (int)candidate->name.len, (const char *)candidate->name.ptr,
                          (int)descriptor->name.len, (const char *)descriptor->name.ptr);
    }
    CHY_TRY(chy_descriptor_text(candidate, "a version", descriptor->version, TEXT_MAX, true));
    CHY_TRY(chy_descriptor_text(candidate, "a licence", descriptor->licence, TEXT_MAX, true));
    CHY_TRY(chy_descriptor_text(candidate, "a summary", descriptor->summary, TEXT_MAX, true));
    return chy_descriptor_text(candidate, "built_with", descriptor->built_with, TEXT_MAX, false);
}

chy_status chy_descriptor_copy(const struct chy_candidate *candidate,
                               const struct chy_plugin *descriptor,
                               struct chy_loaded_plugin *plugin)
{
    uint32_t theirs = descriptor->struct_size;
    if (theirs < PLUGIN_SIZE_1_0 || theirs > STRUCT_SIZE_MAX) {
        return chy_refuse(candidate, CHY_BAD_INPUT,
                          "expected a descriptor of %u to %u bytes, found struct_size %u",
                          PLUGIN_SIZE_1_0, STRUCT_SIZE_MAX, theirs);
    }
    struct chy_plugin *ours = &plugin->descriptor;
    memcpy(ours, descriptor, theirs < sizeof *ours ? theirs : sizeof *ours);
    ours->struct_size = (uint32_t)sizeof *ours;
    if (ours->needs_host_minor > CHY_HOST_MINOR) {
        return chy_refuse(
            candidate, CHY_UNSUPPORTED,
            "expected a plugin that lives with host minor %u, found one that needs %u",
            CHY_HOST_MINOR, ours->needs_host_minor);
    }
    CHY_TRY(check_texts(candidate, ours));
    if (ours->threading > CHY_THREADS_ONE) {
        return chy_refuse(candidate, CHY_UNSUPPORTED,
                          "expected a threading class up to %d, found %u", CHY_THREADS_ONE,
                          ours->threading);
    }
    CHY_TRY(check_slots(candidate, "plugin", ours, plugin_slots,
                        sizeof plugin_slots / sizeof plugin_slots[0]));
    CHY_TRY(chy_descriptor_options(candidate, plugin->arena, "option", &ours->options));
    return copy_interfaces(candidate, plugin);
}
