#include "config/options.h"

#include "base/slice.h"
#include "config/expand.h"
#include "config/option_text.h"

#include <assert.h>

#define NAMES_MAX 320U
#define ITEMS_MAX 1000U

/** A map while its options are read. */
struct reading {
    struct chy_op *op;
    struct chy_options_source *source;
    struct chy_view table;
    const struct chy_slice *others;
    size_t other_count;
    struct chy_slice path;
};

static const struct chy_option *option_at(const struct reading *r, uint64_t index)
{
    const struct chy_option *option = chy_view_at(r->table, index);
    assert(option != NULL);
    return option;
}

/** The path of a key, in the arena; the map's own if memory is short. */
static struct chy_slice key_path(const struct reading *r, struct chy_slice key)
{
    uint64_t len = r->path.len + 1 + key.len;
    uint8_t *text = r->path.len == 0 ? NULL : chy_alloc(r->op, len);
    if (text == NULL) {
        return r->path.len == 0 ? key : r->path;
    }
    memcpy(text, r->path.ptr, (size_t)r->path.len);
    text[r->path.len] = '.';
    memcpy(text + r->path.len + 1, key.ptr, (size_t)key.len);
    return chy_slice_of(text, len);
}

static void add_problem(const struct reading *r, const char *code,
                        const struct chy_config_place *place, const char *what)
{
    chy_problems_add(r->source->problems, code, place->line, place->column, place->path, "%s",
                     what);
}

static void refuse_kind(const struct reading *r, const struct chy_option *option,
                        const struct chy_config_place *place, enum chy_yaml_kind kind)
{
    chy_problems_add(r->source->problems, "invalid_type", place->line, place->column, place->path,
                     "expected %s, found %s", chy_option_type_phrase(option->type),
                     chy_yaml_kind_name(kind));
}

/** Reads one scalar; false: a problem was recorded. */
static bool read_text(const struct reading *r, const struct chy_option *option,
                      const struct chy_config_place *place, struct chy_slice text,
                      struct chy_option_value *out_value)
{
    char expected[CHY_MESSAGE_MAX];
    bool is_secret = (option->flags & CHY_OPTION_SECRET) != 0;
    struct chy_slice plain = {NULL, 0};
    if (is_secret ? !chy_secret_read(r->op, r->source, place, text, &plain)
                  : !chy_expand(r->op, r->source, place, text, false, &plain)) {
        return false;
    }
    if (!chy_option_parse(option, plain, out_value, expected)) {
        add_problem(r, "invalid_value", place,
                    is_secret && option->type != CHY_OPTION_TEXT ? "the secret is not of its type"
                                                                 : expected);
        return false;
    }
    if (option->type == CHY_OPTION_PATH) {
        return chy_path_from(r->op, r->source, place, plain, &out_value->text);
    }
    return true;
}

static bool check_list_length(const struct reading *r, const struct chy_option *option,
                              const struct chy_config_place *place, uint64_t count)
{
    int64_t maximum = option->maximum == 0 ? (int64_t)ITEMS_MAX : option->maximum;
    if ((int64_t)count < option->minimum || (int64_t)count > maximum) {
        chy_problems_add(r->source->problems, "invalid_value", place->line, place->column,
                         place->path, "expected a list of %lld to %lld texts, found %llu",
                         (long long)option->minimum, (long long)maximum, (unsigned long long)count);
        return false;
    }
    return true;
}

static bool read_list(const struct reading *r, const struct chy_option *option,
                      const struct chy_config_place *place, const struct chy_yaml_node *node,
                      struct chy_option_value *out_value)
{
    // The option's range is that of the list's length, not of its texts'.
    struct chy_option item_option = *option;
    item_option.minimum = 0;
    item_option.maximum = 0;
    if (!check_list_length(r, option, place, node->count)) {
        return false;
    }
    struct chy_slice *items = chy_alloc(r->op, node->count * sizeof *items);
    if (items == NULL) {
        add_problem(r, "too_big", place, "no memory for the list");
        return false;
    }
    for (uint32_t i = 0; i < node->count; i++) {
        const struct chy_yaml_node *item = node->items[i];
        const struct chy_config_place item_place = {item->line, item->column, place->path};
        struct chy_option_value value;
        if (item->kind != CHY_YAML_SCALAR) {
            chy_problems_add(r->source->problems, "invalid_type", item->line, item->column,
                             place->path, "expected a text in the list, found %s",
                             chy_yaml_kind_name(item->kind));
            return false;
        }
        if (!read_text(r, &item_option, &item_place, item->text, &value)) {
            return false;
        }
        items[i] = value.text;
    }
    out_value->list = (struct chy_view){items, node->count, sizeof *items};
    return true;
}

/** A number in quotes is a text; but `"${PORT}"` has quotes for YAML's sake. */
static bool is_quoted_number(const struct chy_option *option, const struct chy_yaml_node *node)
{
    return node->quoted && (option->type == CHY_OPTION_INT || option->type == CHY_OPTION_BOOL) &&
           !chy_expand_used(node->text);
}

static void read_value(const struct reading *r, const struct chy_option *option,
                       const struct chy_yaml_node *node, struct chy_option_value *out_value)
{
    const struct chy_config_place place = {node->line, node->column, key_path(r, option->name)};
    struct chy_option_value value;
    bool ok = false;
    memset(&value, 0, sizeof value);
    if (option->type == CHY_OPTION_TEXT_LIST) {
        if (node->kind != CHY_YAML_LIST) {
            refuse_kind(r, option, &place, node->kind);
            return;
        }
        ok = read_list(r, option, &place, node, &value);
    } else if (node->kind != CHY_YAML_SCALAR) {
        refuse_kind(r, option, &place, node->kind);
    } else if (is_quoted_number(option, node)) {
        chy_problems_add(r->source->problems, "invalid_type", place.line, place.column, place.path,
                         "expected %s without quotes, found a text",
                         chy_option_type_phrase(option->type));
    } else {
        ok = read_text(r, option, &place, node->text, &value);
    }
    if (ok) {
        value.given = 1;
        *out_value = value;
    }
}

/** "a, b" or nothing: the default of a list. */
static bool default_list(const struct reading *r, const struct chy_option *option,
                         struct chy_option_value *out_value)
{
    struct chy_slice rest = option->default_text;
    struct chy_slice *items = chy_alloc(r->op, (rest.len / 2 + 1) * sizeof *items);
    uint64_t count = 0;
    if (items == NULL) {
        return false;
    }
    while (rest.len != 0) {
        struct chy_slice item = rest;
        struct chy_slice after = {NULL, 0};
        if (!chy_slice_cut(rest, ',', &item, &after)) {
            after.len = 0;
        }
        item = chy_slice_trim(item);
        if (item.len != 0 && chy_copy(r->op, item, &items[count]) == CHY_OK) {
            count++;
        }
        rest = after;
    }
    out_value->list = (struct chy_view){items, count, sizeof *items};
    return true;
}

static void read_default(const struct reading *r, const struct chy_option *option,
                         struct chy_option_value *out_value)
{
    const struct chy_config_place place = {0, 0, key_path(r, option->name)};
    struct chy_option_value value;
    memset(&value, 0, sizeof value);
    if (option->type == CHY_OPTION_TEXT_LIST) {
        if (!default_list(r, option, &value)) {
            add_problem(r, "too_big", &place, "no memory for the default");
        }
    } else if (option->default_text.len == 0) {
        // An option without a value is an empty text, which is NUL-terminated like any other.
        value.text = chy_text("");
    } else {
        char expected[CHY_MESSAGE_MAX];
        struct chy_slice copy = {NULL, 0};
        if (chy_copy(r->op, option->default_text, &copy) != CHY_OK) {
            add_problem(r, "too_big", &place, "no memory for the default");
        } else if (!chy_option_parse(option, copy, &value, expected)) {
            chy_problems_add(r->source->problems, "invalid_default", 0, 0, place.path,
                             "the plugin's own default is wrong: %s", expected);
        } else if (option->type == CHY_OPTION_PATH &&
                   !chy_path_from(r->op, r->source, &place, copy, &value.text)) {
            return;
        }
    }
    *out_value = value;
}

static bool is_other(const struct reading *r, struct chy_slice key)
{
    for (size_t i = 0; i < r->other_count; i++) {
        if (chy_slice_equal(r->others[i], key)) {
            return true;
        }
    }
    return false;
}

static bool is_option(const struct reading *r, struct chy_slice key)
{
    for (uint64_t i = 0; i < r->table.count; i++) {
        if (chy_slice_equal(option_at(r, i)->name, key)) {
            return true;
        }
    }
    return false;
}

static void refuse_unknown(const struct reading *r, const struct chy_yaml_pair *pair)
{
    struct chy_slice names[NAMES_MAX];
    size_t count = 0;
    for (uint64_t i = 0; i < r->table.count && count < NAMES_MAX; i++) {
        names[count++] = option_at(r, i)->name;
    }
    for (size_t i = 0; i < r->other_count && count < NAMES_MAX; i++) {
        names[count++] = r->others[i];
    }
    struct chy_slice near = chy_nearest_name(pair->key, names, count);
    chy_problems_add(r->source->problems, "unrecognized_key", pair->line, pair->column,
                     key_path(r, pair->key), "unknown key%s%.*s%s",
                     near.len == 0 ? "" : "; did you mean '", (int)near.len, (const char *)near.ptr,
                     near.len == 0 ? "" : "'?");
}

static void check_keys(const struct reading *r, const struct chy_yaml_node *map)
{
    for (uint32_t i = 0; i < map->count; i++) {
        const struct chy_yaml_pair *pair = &map->pairs[i];
        if (!is_option(r, pair->key) && !is_other(r, pair->key)) {
            refuse_unknown(r, pair);
        }
    }
}

static void require(const struct reading *r, const struct chy_option *option,
                    const struct chy_yaml_node *map)
{
    if ((option->flags & CHY_OPTION_REQUIRED) != 0) {
        chy_problems_add(r->source->problems, "required", map == NULL ? 0 : map->line,
                         map == NULL ? 0 : map->column, key_path(r, option->name),
                         "it is required: %.*s", (int)option->help.len,
                         (const char *)option->help.ptr);
    }
}

static chy_status read_table(const struct reading *r, const struct chy_yaml_node *map,
                             struct chy_options *out_options)
{
    struct chy_option_value *values = chy_alloc(r->op, r->table.count * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(r->op);
    }
    bool is_wrong = map != NULL && map->kind != CHY_YAML_MAP && map->kind != CHY_YAML_NULL;
    if (is_wrong) {
        chy_problems_add(r->source->problems, "invalid_type", map->line, map->column, r->path,
                         "expected a map of options, found %s", chy_yaml_kind_name(map->kind));
    }
    if (map != NULL && map->kind != CHY_YAML_MAP) {
        map = NULL;
    }
    if (map != NULL) {
        check_keys(r, map);
    }
    for (uint64_t i = 0; i < r->table.count; i++) {
        const struct chy_option *option = option_at(r, i);
        const struct chy_yaml_node *node = chy_yaml_find(map, option->name);
        if (node != NULL) {
            read_value(r, option, node, &values[i]);
        } else {
            if (!is_wrong) {
                require(r, option, map);
            }
            read_default(r, option, &values[i]);
        }
    }
    memset(out_options, 0, sizeof *out_options);
    out_options->struct_size = (uint32_t)sizeof *out_options;
    out_options->values = (struct chy_view){values, r->table.count, sizeof *values};
    return CHY_OK;
}

chy_status chy_options_read_beside(struct chy_op *op, struct chy_options_source *source,
                                   struct chy_view table, const struct chy_slice *others,
                                   size_t other_count, const struct chy_yaml_node *map,
                                   struct chy_slice path, struct chy_options *out_options)
{
    const struct reading r = {op, source, table, others, other_count, path};
    return read_table(&r, map, out_options);
}

chy_status chy_options_read(struct chy_op *op, struct chy_options_source *source,
                            struct chy_view table, const struct chy_yaml_node *map,
                            struct chy_slice path, struct chy_options *out_options)
{
    const struct reading r = {op, source, table, NULL, 0, path};
    return read_table(&r, map, out_options);
}
