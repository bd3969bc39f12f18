#include "config/print.h"

#include "base/slice.h"
#include "config/option_text.h"
#include "config/sections.h"

#include <assert.h>

/** How deep a line stands: two spaces each. */
#define INDENT "  "
/** Short lines align their comments here. */
#define COMMENT_COLUMN 40U

struct printing {
    struct chy_op *op;
    struct chy_config *config;
    chy_config_table_fn *table_of;
    void *context;
    struct chy_buf *out;
};

static void add_indent(struct chy_buf *out, unsigned depth)
{
    for (unsigned i = 0; i < depth; i++) {
        chy_buf_add_text(out, INDENT);
    }
}

/** A secret is shown only as the place it comes from. */
static void add_secret(struct chy_buf *out, const struct chy_yaml_node *written)
{
    bool has_place = written != NULL && written->kind == CHY_YAML_SCALAR &&
                     (chy_slice_starts_with(written->text, chy_text("file:")) ||
                      chy_slice_starts_with(written->text, chy_text("credential:")));
    if (has_place) {
        chy_yaml_text_add(out, written->text);
    } else {
        chy_buf_add_text(out, "\"********\"");
    }
}

static void end_line(struct chy_buf *out, size_t line_start, const char *comment)
{
    if (comment != NULL) {
        size_t len = out->len - line_start;
        do {
            chy_buf_add_u8(out, ' ');
            len++;
        } while (len < COMMENT_COLUMN && chy_buf_ok(out));
        chy_buf_add_text(out, " # ");
        chy_buf_add_text(out, comment);
    }
    chy_buf_add_u8(out, '\n');
}

/** A number without a default is nothing; a text may have got its value elsewhere. */
static bool has_value(const struct chy_option *option, const struct chy_option_value *value)
{
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH: return value->text.len != 0;
    case CHY_OPTION_INT:
    case CHY_OPTION_BOOL:
    case CHY_OPTION_DURATION:
    case CHY_OPTION_SIZE:
    case CHY_OPTION_CHOICE: return option->default_text.len != 0;
    case CHY_OPTION_TEXT_LIST: return true;
    }
    return false;
}

static void add_option(struct chy_buf *out, unsigned depth, const struct chy_option *option,
                       const struct chy_option_value *value, const struct chy_yaml_node *written)
{
    size_t line_start = out->len;
    bool is_unset = written == NULL && !has_value(option, value);
    add_indent(out, depth);
    if (is_unset) {
        chy_buf_add_text(out, "# ");
    }
    chy_buf_add(out, option->name);
    chy_buf_add_text(out, ":");
    if (is_unset) {
        end_line(out, line_start, "not set");
        return;
    }
    chy_buf_add_text(out, " ");
    if ((option->flags & CHY_OPTION_SECRET) != 0) {
        add_secret(out, written);
        end_line(out, line_start, "secret");
        return;
    }
    chy_option_value_add(out, option, value);
    end_line(out, line_start, written == NULL ? "default" : NULL);
}

/** The value of a key as struct chy_config has it: the reverse of how it got there. */
static struct chy_option_value value_of(const struct chy_config *config,
                                        const struct chy_config_key *key)
{
    struct chy_option_value value;
    const void *member = (const uint8_t *)config + key->offset;
    bool yes = false;
    memset(&value, 0, sizeof value);
    switch ((enum chy_option_type)key->option.type) {
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH: memcpy(&value.text, member, sizeof value.text); break;
    case CHY_OPTION_INT:
    case CHY_OPTION_DURATION:
    case CHY_OPTION_SIZE: memcpy(&value.number, member, sizeof value.number); break;
    case CHY_OPTION_CHOICE: {
        memcpy(&value.number, member, sizeof value.number);
        const struct chy_slice *choice = chy_view_at(key->option.choices, (uint64_t)value.number);
        assert(choice != NULL);
        value.text = *choice;
        break;
    }
    case CHY_OPTION_BOOL:
        memcpy(&yes, member, sizeof yes);
        value.number = yes ? 1 : 0;
        break;
    case CHY_OPTION_TEXT_LIST: memcpy(&value.list, member, sizeof value.list); break;
    }
    return value;
}

static void add_pins(const struct printing *p)
{
    if (p->config->plugins.pin_count == 0) {
        return;
    }
    chy_buf_add_text(p->out, INDENT "pins:\n");
    for (uint64_t i = 0; i < p->config->plugins.pin_count; i++) {
        add_indent(p->out, 2);
        chy_buf_add(p->out, p->config->plugins.pins[i].plugin);
        chy_buf_add_text(p->out, ": ");
        chy_buf_add(p->out, p->config->plugins.pins[i].sha256);
        chy_buf_add_u8(p->out, '\n');
    }
}

static void add_section(const struct printing *p, const struct chy_config_section *section)
{
    unsigned depth = 0;
    const struct chy_yaml_node *map = p->config->root;
    if (section->name[0] != '\0') {
        map = chy_yaml_find(p->config->root, chy_text(section->name));
        chy_buf_add_text(p->out, section->name);
        chy_buf_add_text(p->out, ":\n");
        depth = 1;
    }
    for (size_t i = 0; i < section->key_count; i++) {
        struct chy_option_value value = value_of(p->config, &section->keys[i]);
        add_option(p->out, depth, &section->keys[i].option, &value,
                   chy_yaml_find(map, section->keys[i].option.name));
    }
    if (strcmp(section->name, "plugins") == 0) {
        add_pins(p);
    }
}

/* --- instances ------------------------------------------------------------------------------- */

/** Without the plugin nobody knows what is secret: names only. */
static void add_unknown_options(const struct printing *p, unsigned depth,
                                const struct chy_config_instance *instance)
{
    const struct chy_yaml_node *map = instance->options;
    if (map == NULL || map->kind != CHY_YAML_MAP || map->count == 0) {
        return;
    }
    add_indent(p->out, depth);
    chy_buf_add_text(p->out, "options:\n");
    for (uint32_t i = 0; i < map->count; i++) {
        size_t line_start = p->out->len;
        add_indent(p->out, depth + 1);
        chy_yaml_text_add(p->out, map->pairs[i].key);
        chy_buf_add_text(p->out, ": \"********\"");
        end_line(p->out, line_start, "its plugin is not loaded");
    }
}

static chy_status add_known_options(const struct printing *p, unsigned depth,
                                    const struct chy_config_instance *instance,
                                    struct chy_view table)
{
    struct chy_options options;
    CHY_TRY(chy_config_instance_options(p->op, p->config, instance, table, &options));
    add_indent(p->out, depth);
    chy_buf_add_text(p->out, "options:\n");
    for (uint64_t i = 0; i < table.count; i++) {
        const struct chy_option *option = chy_view_at(table, i);
        if (option != NULL) {
            add_option(p->out, depth + 1, option, chy_option_at(&options, i),
                       chy_yaml_find(instance->options, option->name));
        }
    }
    return CHY_OK;
}

static chy_status add_instance(const struct printing *p, unsigned depth, const char *lead,
                               const struct chy_config_instance *instance)
{
    size_t line_start = p->out->len;
    struct chy_view table = {NULL, 0, 0};
    if (p->table_of != NULL) {
        table = p->table_of(p->context, instance->plugin);
    }
    chy_buf_add_text(p->out, lead);
    chy_buf_add_text(p->out, "name: ");
    chy_buf_add(p->out, instance->name);
    end_line(p->out, line_start, instance->line == 0 ? "default" : NULL);
    add_indent(p->out, depth);
    chy_buf_add_text(p->out, "plugin: ");
    chy_buf_add(p->out, instance->plugin);
    chy_buf_add_u8(p->out, '\n');
    if (table.count == 0) {
        add_unknown_options(p, depth, instance);
        return CHY_OK;
    }
    return add_known_options(p, depth, instance, table);
}

static chy_status add_list(const struct printing *p, const char *key,
                           const struct chy_config_instance *instances, uint32_t count)
{
    chy_buf_add_text(p->out, key);
    chy_buf_add_text(p->out, count == 0 ? ": []\n" : ":\n");
    for (uint32_t i = 0; i < count; i++) {
        CHY_TRY(add_instance(p, 2, INDENT "- ", &instances[i]));
    }
    return CHY_OK;
}

chy_status chy_config_print(struct chy_op *op, struct chy_config *config,
                            chy_config_table_fn *table_of, void *context, struct chy_buf *out)
{
    const struct printing p = {op, config, table_of, context, out};
    size_t section_count = 0;
    const struct chy_config_section *sections = chy_config_sections(&section_count);
    add_section(&p, &sections[0]);
    chy_buf_add_text(out, "storage:\n");
    CHY_TRY(add_instance(&p, 1, INDENT, &config->storage));
    CHY_TRY(add_list(&p, "crypto", config->crypto, config->crypto_count));
    CHY_TRY(add_list(&p, "enrollment", config->enrollment, config->enrollment_count));
    CHY_TRY(add_list(&p, "notifier", config->notifier, config->notifier_count));
    for (size_t i = 1; i < section_count; i++) {
        add_section(&p, &sections[i]);
    }
    return chy_buf_ok(out) ? CHY_OK : chy_buf_fail(out, op, "the configuration");
}
