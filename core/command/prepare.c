#include "command/prepare.h"

#include "command/paths.h"

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
}

chy_status chy_prepare_instance(struct chy_op *op, struct chy_config *config,
                                struct chy_registry *registry,
                                struct chy_prepared_instance *instance)
{
    CHY_TRY(chy_registry_load(registry, op, instance->config->plugin, &instance->plugin));
    if (!chy_loaded_plugin_has(instance->plugin, instance->interface)) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "%.*s:%u: '%.*s': expected a plugin with the interface %s, found '%.*s'",
                        (int)config->file.len, (const char *)config->file.ptr,
                        instance->config->line, (int)instance->config->name.len,
                        (const char *)instance->config->name.ptr,
                        chy_interface_name(instance->interface), (int)instance->config->plugin.len,
                        (const char *)instance->config->plugin.ptr);
    }
    return chy_config_instance_options(op, config, instance->config,
                                       instance->plugin->descriptor.options, &instance->options);
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
