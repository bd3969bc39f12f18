#include "config/instances.h"

#include "base/slice.h"

#include <inttypes.h>

#define NAME_MAX_LEN 40
#define HASH_LEN 64U
#define PINS_MAX 64U
/** The key that stands beside `name` and `plugin`. */
static const struct chy_slice options_key[] = {CHY_TEXT_INIT("options")};

enum instance_option {
    OPTION_NAME = 0,
    OPTION_PLUGIN
};

static const struct chy_option instance_table[] = {
    {CHY_TEXT_INIT("name"),
     CHY_OPTION_TEXT,
     0,
     0,
     NAME_MAX_LEN,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("name of the instance; its plugin's if not given")},
    {CHY_TEXT_INIT("plugin"),
     CHY_OPTION_TEXT,
     CHY_OPTION_REQUIRED,
     1,
     NAME_MAX_LEN,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("name of the plugin's file without .so")},
};

static bool is_name(struct chy_slice name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_inner = i > 0 && ((c >= '0' && c <= '9') || c == '-' || c == '_');
        if (!is_letter && !is_inner) {
            return false;
        }
    }
    return name.len > 0 && name.len <= NAME_MAX_LEN;
}

static void check_name(struct chy_config *config, const struct chy_yaml_node *node,
                       struct chy_slice path, struct chy_slice name)
{
    if (name.len != 0 && !is_name(name)) {
        chy_problems_add(
            &config->problems, "invalid_name", node->line, node->column, path,
            "expected a name of a lower-case letter, then letters, digits, '-' and '_', "
            "at most %d, found '%.*s'",
            NAME_MAX_LEN, (int)chy_slice_first(name, 60).len, (const char *)name.ptr);
    }
}

static chy_status sub_path(struct chy_op *op, struct chy_slice path, const char *part,
                           struct chy_slice *out_path)
{
    char text[128];
    (void)snprintf(text, sizeof text, "%.*s.%s", (int)chy_slice_first(path, 100).len,
                   (const char *)path.ptr, part);
    return chy_copy(op, chy_text(text), out_path);
}

static chy_status read_instance(struct chy_op *op, struct chy_config *config,
                                const struct chy_yaml_node *node, struct chy_slice path,
                                struct chy_config_instance *out_instance)
{
    struct chy_options options;
    struct chy_config_instance instance;
    const struct chy_view table = CHY_VIEW_INIT(instance_table);
    CHY_TRY(
        chy_options_read_beside(op, &config->source, table, options_key, 1, node, path, &options));
    memset(&instance, 0, sizeof instance);
    instance.name = chy_option_at(&options, OPTION_NAME)->text;
    instance.plugin = chy_option_at(&options, OPTION_PLUGIN)->text;
    if (instance.name.len == 0) {
        instance.name = instance.plugin;
    }
    instance.options = chy_yaml_find(node, options_key[0]);
    const struct chy_yaml_node *plugin = chy_yaml_find(node, chy_text("plugin"));
    instance.line = plugin == NULL ? node->line : plugin->line;
    instance.column = plugin == NULL ? node->column : plugin->column;
    CHY_TRY(sub_path(op, path, "options", &instance.path));
    check_name(config, node, path, instance.name);
    check_name(config, node, path, instance.plugin);
    *out_instance = instance;
    return CHY_OK;
}

static struct chy_config_instance default_instance(const char *plugin, const char *path)
{
    struct chy_config_instance instance;
    memset(&instance, 0, sizeof instance);
    instance.name = chy_text(plugin);
    instance.plugin = chy_text(plugin);
    instance.path = chy_text(path);
    return instance;
}

/** read_list reads a list of instances; without a default it may be empty. */
static chy_status read_list(struct chy_op *op, struct chy_config *config, const char *key,
                            const char *default_plugin, struct chy_config_instance *instances,
                            uint32_t *out_count)
{
    char text[64];
    uint32_t least = default_plugin == NULL ? 0 : 1;
    const struct chy_yaml_node *list = chy_yaml_find(config->root, chy_text(key));
    if (list == NULL && default_plugin == NULL) {
        *out_count = 0;
        return CHY_OK;
    }
    if (list == NULL) {
        (void)snprintf(text, sizeof text, "%s[0].options", key);
        struct chy_slice path = {NULL, 0};
        CHY_TRY(chy_copy(op, chy_text(text), &path));
        instances[0] = default_instance(default_plugin, (const char *)path.ptr);
        *out_count = 1;
        return CHY_OK;
    }
    if (list->kind != CHY_YAML_LIST || list->count < least ||
        list->count > CHY_CONFIG_INSTANCES_MAX) {
        chy_problems_add(&config->problems, "invalid_type", list->line, list->column, chy_text(key),
                         "expected a list of %u to %u instances (- plugin: …), found %s", least,
                         CHY_CONFIG_INSTANCES_MAX, chy_yaml_kind_name(list->kind));
        return CHY_OK;
    }
    for (uint32_t i = 0; i < list->count; i++) {
        struct chy_slice path = {NULL, 0};
        (void)snprintf(text, sizeof text, "%s[%u]", key, i);
        CHY_TRY(chy_copy(op, chy_text(text), &path));
        CHY_TRY(read_instance(op, config, list->items[i], path, &instances[i]));
    }
    *out_count = list->count;
    return CHY_OK;
}

static chy_status read_storage(struct chy_op *op, struct chy_config *config)
{
    const struct chy_yaml_node *node = chy_yaml_find(config->root, chy_text("storage"));
    if (node == NULL) {
        config->storage = default_instance("storage-sqlite", "storage.options");
        return CHY_OK;
    }
    if (node->kind != CHY_YAML_MAP) {
        chy_problems_add(&config->problems, "invalid_type", node->line, node->column,
                         chy_text("storage"), "expected a map with plugin and options, found %s",
                         chy_yaml_kind_name(node->kind));
        return CHY_OK;
    }
    return read_instance(op, config, node, chy_text("storage"), &config->storage);
}

/* --- names ----------------------------------------------------------------------------------- */

static const struct chy_config_instance *all_at(const struct chy_config *config, uint32_t index)
{
    if (index == 0) {
        return &config->storage;
    }
    index--;
    if (index < config->crypto_count) {
        return &config->crypto[index];
    }
    index -= config->crypto_count;
    return index < config->enrollment_count ? &config->enrollment[index]
                                            : &config->notifier[index - config->enrollment_count];
}

static void check_unique(struct chy_config *config)
{
    uint32_t count = 1 + config->crypto_count + config->enrollment_count + config->notifier_count;
    for (uint32_t i = 0; i < count; i++) {
        const struct chy_config_instance *instance = all_at(config, i);
        for (uint32_t k = 0; k < i; k++) {
            const struct chy_config_instance *earlier = all_at(config, k);
            if (instance->name.len != 0 && chy_slice_equal(instance->name, earlier->name)) {
                chy_problems_add(&config->problems, "duplicate_name", instance->line,
                                 instance->column, instance->path,
                                 "two instances are called '%.*s': give one a name",
                                 (int)instance->name.len, (const char *)instance->name.ptr);
            }
        }
    }
}

static void check_role(struct chy_config *config, const char *role, struct chy_slice *name)
{
    struct chy_slice names[CHY_CONFIG_INSTANCES_MAX];
    if (config->crypto_count == 0) {
        return; // the list itself was wrong
    }
    if (name->len == 0) {
        *name = config->crypto[0].name;
        return;
    }
    for (uint32_t i = 0; i < config->crypto_count; i++) {
        names[i] = config->crypto[i].name;
        if (chy_slice_equal(names[i], *name)) {
            return;
        }
    }
    char path[32];
    (void)snprintf(path, sizeof path, "roles.%s", role);
    const struct chy_yaml_node *roles = chy_yaml_find(config->root, chy_text("roles"));
    const struct chy_yaml_node *node = chy_yaml_find(roles, chy_text(role));
    struct chy_slice near = chy_nearest_name(*name, names, config->crypto_count);
    chy_problems_add(&config->problems, "unknown_instance", node == NULL ? 0 : node->line,
                     node == NULL ? 0 : node->column, chy_text(path),
                     "expected the name of a crypto instance, found '%.*s'%s%.*s%s",
                     (int)chy_slice_first(*name, 60).len, (const char *)name->ptr,
                     near.len == 0 ? "" : "; did you mean '", (int)near.len, (const char *)near.ptr,
                     near.len == 0 ? "" : "'?");
}

/* --- pins ------------------------------------------------------------------------------------ */

static bool is_hash(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = chy_ascii_lower(text.ptr[i]);
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) {
            return false;
        }
    }
    return text.len == HASH_LEN;
}

static chy_status read_pin(struct chy_op *op, struct chy_config *config,
                           const struct chy_yaml_pair *pair, struct chy_config_pin *out_pin)
{
    const struct chy_yaml_node *node = pair->value;
    if (!is_name(pair->key) || node->kind != CHY_YAML_SCALAR || !is_hash(node->text)) {
        chy_problems_add(&config->problems, "invalid_value", pair->line, pair->column,
                         chy_text("plugins.pins"),
                         "expected the name of a plugin and 64 hexadecimal digits (sha256sum)");
        return CHY_OK;
    }
    out_pin->plugin = pair->key;
    return chy_slice_lower(op, node->text, &out_pin->sha256);
}

static chy_status read_pins(struct chy_op *op, struct chy_config *config)
{
    const struct chy_yaml_node *plugins = chy_yaml_find(config->root, chy_text("plugins"));
    const struct chy_yaml_node *map = chy_yaml_find(plugins, chy_text("pins"));
    if (map == NULL) {
        return CHY_OK;
    }
    if (map->kind != CHY_YAML_MAP || map->count > PINS_MAX) {
        chy_problems_add(&config->problems, "invalid_type", map->line, map->column,
                         chy_text("plugins.pins"),
                         "expected a map from plugins to SHA-256 of at most %u, found %s", PINS_MAX,
                         chy_yaml_kind_name(map->kind));
        return CHY_OK;
    }
    struct chy_config_pin *pins = chy_alloc(op, map->count * sizeof *pins);
    if (pins == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < map->count; i++) {
        CHY_TRY(read_pin(op, config, &map->pairs[i], &pins[i]));
    }
    config->plugins.pins = pins;
    config->plugins.pin_count = map->count;
    return CHY_OK;
}

chy_status chy_instances_read(struct chy_op *op, struct chy_config *config)
{
    CHY_TRY(read_storage(op, config));
    CHY_TRY(
        read_list(op, config, "crypto", "crypto-wolfssl", config->crypto, &config->crypto_count));
    CHY_TRY(
        read_list(op, config, "enrollment", "api", config->enrollment, &config->enrollment_count));
    CHY_TRY(read_list(op, config, "notifier", NULL, config->notifier, &config->notifier_count));
    check_unique(config);
    check_role(config, "ca", &config->roles.ca);
    check_role(config, "leaf", &config->roles.leaf);
    check_role(config, "seal", &config->roles.seal);
    return read_pins(op, config);
}
