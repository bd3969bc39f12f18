#include "plugin/registry.h"

#include "base/op.h"
#include "base/slice.h"
#include "plugin/registry_state.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

/** What names, paths and the schema may take. */
#define MEMORY_MAX ((size_t)8 << 20)

struct chy_visit chy_visit_begin(struct chy_op *op, struct chy_instance *instance)
{
    struct chy_operation *operation = chy_operation_of(op);
    struct chy_visit visit = {operation->instance, operation->instance_name};
    operation->instance = instance;
    operation->instance_name = instance->name;
    return visit;
}

void chy_visit_end(struct chy_op *op, struct chy_visit visit)
{
    struct chy_operation *operation = chy_operation_of(op);
    operation->instance = visit.instance;
    operation->instance_name = visit.instance_name;
}

struct chy_slice chy_registry_keep(struct chy_registry *registry, struct chy_slice text)
{
    uint8_t *copy = chy_arena_alloc(registry->arena, text.len + 1);
    if (copy != NULL && text.len != 0) {
        memcpy(copy, text.ptr, (size_t)text.len);
    }
    return chy_slice_of(copy, text.len);
}

struct chy_registry *chy_registry_new(const struct chy_registry_config *config)
{
    CHY_AUTO(chy_arena_free) struct chy_arena *arena = chy_arena_new(MEMORY_MAX);
    struct chy_registry *registry = arena == NULL ? NULL : chy_arena_alloc(arena, sizeof *registry);
    if (registry == NULL) {
        return NULL;
    }
    registry->arena = arena;
    registry->config = *config;
    registry->config.plugin_directory =
        (const char *)chy_registry_keep(registry, chy_text(config->plugin_directory)).ptr;
    registry->config.data_directory =
        (const char *)chy_registry_keep(registry, chy_text(config->data_directory)).ptr;
    if (registry->config.plugin_directory == NULL || registry->config.data_directory == NULL) {
        return NULL;
    }
    (void)CHY_TAKE(arena);
    return registry;
}

static void destroy(struct chy_instance *instance)
{
    assert(instance->state == CHY_INSTANCE_CREATED || instance->state == CHY_INSTANCE_STOPPED);
    if (instance->self != NULL) {
        instance->plugin->descriptor.destroy(instance->self);
        instance->self = NULL;
    }
    chy_mutex_fini(&instance->lock);
}

void chy_registry_free(struct chy_registry *registry)
{
    if (registry == NULL) {
        return;
    }
    for (size_t i = registry->instance_count; i > 0; i--) {
        destroy(registry->instances[i - 1]);
    }
    for (size_t i = 0; i < registry->plugin_count; i++) {
        chy_loaded_plugin_free(registry->plugins[i]);
    }
    chy_arena_free(registry->arena);
}

const char *chy_registry_directory(const struct chy_registry *registry)
{
    return registry->config.plugin_directory;
}

chy_status chy_registry_load(struct chy_registry *registry, struct chy_op *op,
                             struct chy_slice name, const struct chy_loaded_plugin **out_plugin)
{
    for (size_t i = 0; i < registry->plugin_count; i++) {
        if (chy_slice_equal(registry->plugins[i]->descriptor.name, name)) {
            *out_plugin = registry->plugins[i];
            return CHY_OK;
        }
    }
    if (registry->plugin_count == CHY_PLUGINS_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "more than %u plugins are not loaded",
                        CHY_PLUGINS_MAX);
    }
    struct chy_loader_config config = {
        registry->config.plugin_directory, registry->config.trust_owner, {NULL, 0}};
    for (size_t i = 0; i < registry->config.pin_count; i++) {
        if (chy_slice_equal(registry->config.pins[i].plugin, name)) {
            config.pin = registry->config.pins[i].sha256;
        }
    }
    struct chy_loaded_plugin *plugin = NULL;
    CHY_TRY(chy_loader_load(op, &config, name, &plugin));
    registry->plugins[registry->plugin_count++] = plugin;
    *out_plugin = plugin;
    return CHY_OK;
}

static chy_status make_directory(struct chy_op *op, const char *path)
{
    struct stat info;
    if (mkdir(path, 0700) != 0 && errno != EEXIST) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot make the directory '%s': %s", path,
                        strerror(errno));
    }
    if (stat(path, &info) != 0 || !S_ISDIR(info.st_mode)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%s' is not a directory", path);
    }
    return CHY_OK;
}

static chy_status name_data_directory(struct chy_registry *registry, struct chy_op *op,
                                      struct chy_instance *instance)
{
    const char *parent = registry->config.data_directory;
    size_t size = strlen(parent) + 1 + (size_t)instance->name.len + 1;
    char *path = chy_arena_alloc(registry->arena, size);
    if (path == NULL) {
        return chy_fail_memory(op);
    }
    (void)snprintf(path, size, "%s/%.*s", parent, (int)instance->name.len,
                   (const char *)instance->name.ptr);
    instance->data_directory = chy_text(path);
    return CHY_OK;
}

static chy_status check_new_name(struct chy_registry *registry, struct chy_op *op,
                                 struct chy_slice name)
{
    if (!chy_plugin_name_is_valid(name)) {
        return chy_fail(
            op, CHY_BAD_INPUT, 0,
            "'%.*s' is no name of an instance: expected a lower-case letter, then letters, "
            "digits, '-' and '_', at most %u",
            (int)chy_slice_first(name, CHY_PLUGIN_NAME_MAX).len, (const char *)name.ptr,
            CHY_PLUGIN_NAME_MAX);
    }
    if (chy_registry_find(registry, name) != NULL) {
        return chy_fail(op, CHY_CONFLICT, 0, "two plugin instances are called '%.*s'",
                        (int)name.len, (const char *)name.ptr);
    }
    if (registry->instance_count == CHY_INSTANCES_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "more than %u plugin instances are not made",
                        CHY_INSTANCES_MAX);
    }
    return CHY_OK;
}

static chy_status create(struct chy_op *op, struct chy_instance *instance,
                         const struct chy_options *given)
{
    const struct chy_plugin *plugin = &instance->plugin->descriptor;
    struct chy_options options = *given;
    options.struct_size = (uint32_t)sizeof options;
    options.instance_name = instance->name;
    options.data_directory = instance->data_directory;
    if (options.values.count != plugin->options.count) {
        return chy_fail(
            op, CHY_BROKEN, 0, "instance '%.*s' was given %llu options, its plugin has %llu",
            (int)instance->name.len, (const char *)instance->name.ptr,
            (unsigned long long)options.values.count, (unsigned long long)plugin->options.count);
    }
    struct chy_visit visit = chy_visit_begin(op, instance);
    chy_status status = plugin->create(instance->host, instance, op, &options, &instance->self);
    status = chy_instance_result(instance, op, "create", status);
    chy_visit_end(op, visit);
    return status;
}

/** outline makes an instance that its plugin has not seen yet. */
static chy_status outline(struct chy_registry *registry, struct chy_op *op,
                          const struct chy_loaded_plugin *plugin, struct chy_slice name,
                          struct chy_instance **out_instance)
{
    CHY_TRY(check_new_name(registry, op, name));
    struct chy_instance *instance = chy_arena_alloc(registry->arena, sizeof *instance);
    if (instance == NULL) {
        return chy_fail_memory(op);
    }
    instance->name = chy_registry_keep(registry, name);
    if (instance->name.ptr == NULL) {
        return chy_fail_memory(op);
    }
    instance->plugin = plugin;
    instance->host = registry->config.host;
    instance->one_at_a_time = plugin->descriptor.threading == CHY_THREADS_ONE;
    instance->state = CHY_INSTANCE_CREATED;
    *out_instance = instance;
    return name_data_directory(registry, op, instance);
}

chy_status chy_registry_add(struct chy_registry *registry, struct chy_op *op,
                            const struct chy_loaded_plugin *plugin,
                            const struct chy_options *options, struct chy_instance **out_instance)
{
    struct chy_instance *instance = NULL;
    CHY_TRY(outline(registry, op, plugin, options->instance_name, &instance));
    CHY_TRY(make_directory(op, registry->config.data_directory));
    CHY_TRY(make_directory(op, (const char *)instance->data_directory.ptr));
    chy_mutex_init(&instance->lock);
    chy_status status = create(op, instance, options);
    if (status != CHY_OK) {
        destroy(instance);
        return status;
    }
    registry->instances[registry->instance_count++] = instance;
    *out_instance = instance;
    return CHY_OK;
}

chy_status chy_registry_try(struct chy_registry *registry, struct chy_op *op,
                            const struct chy_loaded_plugin *plugin,
                            const struct chy_options *options)
{
    struct chy_instance *instance = NULL;
    CHY_TRY(outline(registry, op, plugin, options->instance_name, &instance));
    chy_mutex_init(&instance->lock);
    chy_status status = create(op, instance, options);
    destroy(instance);
    return status;
}

static void stop(struct chy_op *op, struct chy_instance *instance)
{
    struct chy_visit visit = chy_visit_begin(op, instance);
    instance->plugin->descriptor.stop(instance->self, op);
    chy_visit_end(op, visit);
    instance->state = CHY_INSTANCE_STOPPED;
}

static chy_status start(struct chy_op *op, struct chy_instance *instance)
{
    struct chy_visit visit = chy_visit_begin(op, instance);
    chy_status status = instance->plugin->descriptor.start(instance->self, op);
    status = chy_instance_result(instance, op, "start", status);
    chy_visit_end(op, visit);
    if (status == CHY_OK) {
        instance->state = CHY_INSTANCE_STARTED;
    } else {
        stop(op, instance);
    }
    return status;
}

chy_status chy_registry_start(struct chy_registry *registry, struct chy_op *op)
{
    bool started[CHY_INSTANCES_MAX] = {false};
    for (size_t i = 0; i < registry->instance_count; i++) {
        if (registry->instances[i]->state != CHY_INSTANCE_CREATED) {
            continue;
        }
        chy_status status = start(op, registry->instances[i]);
        if (status != CHY_OK) {
            for (size_t k = i; k > 0; k--) {
                if (started[k - 1]) {
                    stop(op, registry->instances[k - 1]);
                }
            }
            return status;
        }
        started[i] = true;
    }
    return CHY_OK;
}

chy_status chy_registry_drain(struct chy_registry *registry, struct chy_op *op)
{
    chy_status first = CHY_OK;
    for (size_t i = registry->instance_count; i > 0; i--) {
        struct chy_instance *instance = registry->instances[i - 1];
        if (instance->state != CHY_INSTANCE_STARTED) {
            continue;
        }
        struct chy_visit visit = chy_visit_begin(op, instance);
        chy_status status = instance->plugin->descriptor.drain(instance->self, op);
        status = chy_instance_result(instance, op, "drain", status);
        chy_visit_end(op, visit);
        instance->state = CHY_INSTANCE_DRAINED;
        first = first == CHY_OK ? status : first;
    }
    return first;
}

void chy_registry_stop(struct chy_registry *registry, struct chy_op *op)
{
    for (size_t i = registry->instance_count; i > 0; i--) {
        struct chy_instance *instance = registry->instances[i - 1];
        if (instance->state == CHY_INSTANCE_STARTED || instance->state == CHY_INSTANCE_DRAINED) {
            stop(op, instance);
        }
    }
}

struct chy_instance *chy_registry_find(const struct chy_registry *registry, struct chy_slice name)
{
    for (size_t i = 0; i < registry->instance_count; i++) {
        if (chy_slice_equal(registry->instances[i]->name, name)) {
            return registry->instances[i];
        }
    }
    return NULL;
}

struct chy_instance *chy_registry_find_with(const struct chy_registry *registry,
                                            enum chy_interface_id id, struct chy_slice name)
{
    struct chy_instance *instance = chy_registry_find(registry, name);
    return instance != NULL && chy_loaded_plugin_has(instance->plugin, id) ? instance : NULL;
}

size_t chy_registry_count(const struct chy_registry *registry)
{
    return registry->instance_count;
}

struct chy_instance *chy_registry_at(const struct chy_registry *registry, size_t index)
{
    return index < registry->instance_count ? registry->instances[index] : NULL;
}
