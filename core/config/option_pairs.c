#include "config/options.h"

#include "base/slice.h"

/** Makes of `name=value` words the map that a file would have had. */
struct making {
    struct chy_op *op;
    struct chy_options_source *source;
    struct chy_view table;
    struct chy_yaml_pair *pairs;
    uint32_t count;
};

static bool is_list(const struct making *m, struct chy_slice name)
{
    for (uint64_t i = 0; i < m->table.count; i++) {
        const struct chy_option *option = chy_view_at(m->table, i);
        if (option != NULL && chy_slice_equal(option->name, name)) {
            return option->type == CHY_OPTION_TEXT_LIST;
        }
    }
    return false;
}

static struct chy_yaml_node *scalar(struct chy_op *op, struct chy_slice text)
{
    struct chy_yaml_node *node = chy_alloc(op, sizeof *node);
    if (node != NULL) {
        node->kind = CHY_YAML_SCALAR;
        node->text = text;
    }
    return node;
}

static const struct chy_yaml_pair *find(const struct making *m, struct chy_slice name)
{
    for (uint32_t i = 0; i < m->count; i++) {
        if (chy_slice_equal(m->pairs[i].key, name)) {
            return &m->pairs[i];
        }
    }
    return NULL;
}

/** A list of what the words so far gave, and one more. */
static const struct chy_yaml_node *longer_list(const struct making *m,
                                               const struct chy_yaml_node *list,
                                               const struct chy_yaml_node *item)
{
    uint32_t count = list == NULL ? 0 : list->count;
    struct chy_yaml_node *node = chy_alloc(m->op, sizeof *node);
    const struct chy_yaml_node **items = chy_alloc(m->op, (count + 1) * sizeof *items);
    if (node == NULL || items == NULL) {
        return NULL;
    }
    for (uint32_t i = 0; i < count; i++) {
        items[i] = list->items[i];
    }
    items[count] = item;
    node->kind = CHY_YAML_LIST;
    node->items = items;
    node->count = count + 1;
    return node;
}

static chy_status add_word(struct making *m, const char *word)
{
    struct chy_slice name = {NULL, 0};
    struct chy_slice value = {NULL, 0};
    if (!chy_slice_cut(chy_text(word), '=', &name, &value)) {
        chy_problems_add(m->source->problems, "invalid_word", 0, 0, chy_slice_of(NULL, 0),
                         "expected name=value, found '%.100s'", word);
        return CHY_OK;
    }
    const struct chy_yaml_node *node = scalar(m->op, value);
    const struct chy_yaml_pair *earlier = find(m, name);
    if (node != NULL && is_list(m, name)) {
        node = longer_list(m, earlier == NULL ? NULL : earlier->value, node);
    } else if (earlier != NULL) {
        chy_problems_add(m->source->problems, "duplicate_key", 0, 0, name, "it is given twice");
        return CHY_OK;
    }
    if (node == NULL) {
        return chy_fail_memory(m->op);
    }
    uint32_t index = earlier == NULL ? m->count++ : (uint32_t)(earlier - m->pairs);
    m->pairs[index].key = name;
    m->pairs[index].value = node;
    return CHY_OK;
}

chy_status chy_options_from_pairs(struct chy_op *op, struct chy_options_source *source,
                                  struct chy_view table, const char *const *pairs, size_t count,
                                  struct chy_options *out_options)
{
    struct making m = {op, source, table, chy_alloc(op, count * sizeof(struct chy_yaml_pair)), 0};
    struct chy_yaml_node *map = chy_alloc(op, sizeof *map);
    if (m.pairs == NULL || map == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < count; i++) {
        CHY_TRY(add_word(&m, pairs[i]));
    }
    map->kind = CHY_YAML_MAP;
    map->pairs = m.pairs;
    map->count = m.count;
    return chy_options_read(op, source, table, map, chy_slice_of(NULL, 0), out_options);
}
