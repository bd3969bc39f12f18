#include "command/prepare.h"

#include "command/paths.h"
#include "config/problems.h"

static void add(struct chy_prepared *prepared, const struct chy_config_instance *instance,
                enum chy_interface_id interface)
{
    struct chy_prepared_instance *next = &prepared->instances[prepared->count++];
    next->config = instance;
    next->interface = interface;
}

void chy_prepared_list(const struct chy_config *config, struct chy_prepared *out_prepared)
{
    memset(out_prepared, 0, sizeof *out_prepared);
    add(out_prepared, &config->storage, CHY_INTERFACE_STORAGE);
    for (uint32_t i = 0; i < config->crypto_count; i++) {
        add(out_prepared, &config->crypto[i], CHY_INTERFACE_CRYPTO);
    }
    for (uint32_t i = 0; i < config->enrollment_count; i++) {
        add(out_prepared, &config->enrollment[i], CHY_INTERFACE_ENROLLMENT);
    }
    for (uint32_t i = 0; i < config->notifier_count; i++) {
        add(out_prepared, &config->notifier[i], CHY_INTERFACE_NOTIFIER);
    }
}

/** add_problem records what is wrong with the plugin that an instance names. */
static void add_problem(struct chy_config *config, const struct chy_config_instance *instance,
                        const char *code, const char *what)
{
    char path[128];
    // The instance's path is that of its options.
    int len = (int)(instance->path.len - strlen(".options"));
    (void)snprintf(path, sizeof path, "%.*s.plugin", len, (const char *)instance->path.ptr);
    chy_problems_add(&config->problems, code, instance->line, instance->column, chy_text(path),
                     "%s", what);
}

static chy_status fail_load(struct chy_op *op, struct chy_config *config,
                            const struct chy_registry *registry,
                            const struct chy_config_instance *instance, chy_status status)
{
    struct chy_error error = {.struct_size = sizeof error};
    struct chy_view names = {NULL, 0, 0};
    struct chy_slice near = {NULL, 0};
    char what[CHY_MESSAGE_MAX];
    op->host->last_error(op, &error);
    chy_problems_init(&config->problems, op, config->file);
    (void)snprintf(what, sizeof what, "%.*s", (int)error.message.len,
                   (const char *)error.message.ptr);
    if (status == CHY_NOT_FOUND &&
        chy_loader_list(op, chy_registry_directory(registry), &names) == CHY_OK) {
        near = chy_nearest_name(instance->plugin, names.ptr, (size_t)names.count);
    }
    if (near.len != 0) {
        size_t len = strlen(what);
        (void)snprintf(what + len, sizeof what - len, "; did you mean '%.*s'?", (int)near.len,
                       (const char *)near.ptr);
    }
    add_problem(config, instance, "plugin", what);
    return chy_problems_end(&config->problems);
}

chy_status chy_prepare_instance(struct chy_op *op, struct chy_config *config,
                                struct chy_registry *registry,
                                struct chy_prepared_instance *instance)
{
    const struct chy_config_instance *wanted = instance->config;
    chy_status status = chy_registry_load(registry, op, wanted->plugin, &instance->plugin);
    if (status == CHY_NO_MEMORY) {
        return status;
    }
    if (status != CHY_OK) {
        return fail_load(op, config, registry, wanted, status);
    }
    if (!chy_loaded_plugin_has(instance->plugin, instance->interface)) {
        char what[CHY_MESSAGE_MAX];
        (void)snprintf(what, sizeof what,
                       "'%.*s': expected a plugin with the interface %s, found '%.*s'",
                       (int)wanted->name.len, (const char *)wanted->name.ptr,
                       chy_interface_name(instance->interface), (int)wanted->plugin.len,
                       (const char *)wanted->plugin.ptr);
        chy_problems_init(&config->problems, op, config->file);
        add_problem(config, wanted, "plugin", what);
        return chy_problems_end(&config->problems);
    }
    return chy_config_instance_options(op, config, wanted, instance->plugin->descriptor.options,
                                       &instance->options);
}

chy_status chy_prepare_try(struct chy_op *op, struct chy_config *config,
                           struct chy_registry *registry,
                           const struct chy_prepared_instance *instance)
{
    const struct chy_config_instance *wanted = instance->config;
    struct chy_error error = {.struct_size = sizeof error};
    chy_status status = chy_registry_try(registry, op, instance->plugin, &instance->options);
    if (status != CHY_BAD_INPUT) {
        return status;
    }
    op->host->last_error(op, &error);
    chy_problems_init(&config->problems, op, config->file);
    chy_problems_add(&config->problems, "invalid_value", wanted->line, wanted->column, wanted->path,
                     "%.*s", (int)error.message.len, (const char *)error.message.ptr);
    return chy_problems_end(&config->problems);
}

chy_status chy_prepare(struct chy_op *op, struct chy_config *config, struct chy_registry *registry,
                       struct chy_prepared *out_prepared)
{
    chy_prepared_list(config, out_prepared);
    for (size_t i = 0; i < out_prepared->count; i++) {
        CHY_TRY(chy_prepare_instance(op, config, registry, &out_prepared->instances[i]));
    }
    return CHY_OK;
}

chy_status chy_prepare_registry(struct chy_op *op, const struct chy_config *config,
                                const struct chy_host *host, bool trust_owner,
                                struct chy_registry **out_registry)
{
    struct chy_slice directory = config->plugins.directory;
    struct chy_plugin_pin *pins = chy_alloc(op, config->plugins.pin_count * sizeof *pins);
    if (pins == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < config->plugins.pin_count; i++) {
        pins[i].plugin = config->plugins.pins[i].plugin;
        pins[i].sha256 = config->plugins.pins[i].sha256;
    }
    if (directory.len == 0) {
        CHY_TRY(chy_path_of_plugins(op, &directory));
    }
    const struct chy_registry_config registry_config = {
        .host = host,
        .plugin_directory = (const char *)directory.ptr,
        .trust_owner = trust_owner || config->plugins.trust_owner,
        .pins = pins,
        .pin_count = (size_t)config->plugins.pin_count,
        .data_directory = (const char *)config->data_dir.ptr,
    };
    struct chy_registry *registry = chy_registry_new(&registry_config);
    if (registry == NULL) {
        return chy_fail_memory(op);
    }
    *out_registry = registry;
    return CHY_OK;
}
