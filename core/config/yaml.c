#include "config/yaml.h"

#include "base/auto.h"

#include <assert.h>
#include <yaml.h>

/** More keys than any map of a configuration has; searching for duplicates is quadratic. */
#define MAP_KEYS_MAX 1000U

/** A child that was read, before its parent knows how many there are. */
struct child {
    struct chy_yaml_pair pair; /**< in a list only `value` is used */
    struct child *next;
};

/** A list or map that is not closed yet. */
struct level {
    struct chy_yaml_node *node;
    struct child *first;
    struct child *last;
    bool has_key;
    struct chy_yaml_pair key; /**< waits for its value */
};

struct reader {
    struct chy_op *op;
    struct chy_slice name;
    yaml_parser_t parser;
    struct level levels[CHY_YAML_DEPTH_MAX];
    uint32_t depth;
    const struct chy_yaml_node *root;
    uint32_t documents;
};

/** An event of libyaml that is deleted at the end of its scope. */
struct event {
    yaml_event_t event;
    bool is_there;
};

static void event_fini(struct event *event)
{
    if (event->is_there) {
        yaml_event_delete(&event->event);
    }
}
CHY_DEFINE_AUTO_FINI(struct event, event_fini);

static chy_status fail_at(const struct reader *r, const yaml_mark_t *mark, const char *what)
{
    return chy_fail(r->op, CHY_BAD_INPUT, 0, "%.*s:%zu:%zu: %s", (int)r->name.len,
                    (const char *)r->name.ptr, mark->line + 1, mark->column + 1, what);
}

static chy_status fail_syntax(const struct reader *r)
{
    const yaml_parser_t *p = &r->parser;
    char text[CHY_MESSAGE_MAX / 2];
    if (p->error == YAML_MEMORY_ERROR) {
        return chy_fail_memory(r->op);
    }
    if (p->error == YAML_READER_ERROR) {
        return chy_fail(r->op, CHY_BAD_INPUT, p->problem_value, "%.*s: byte %zu: %s",
                        (int)r->name.len, (const char *)r->name.ptr, p->problem_offset,
                        p->problem == NULL ? "not readable as UTF-8" : p->problem);
    }
    (void)snprintf(text, sizeof text, "not valid YAML: %s%s%s",
                   p->problem == NULL ? "syntax error" : p->problem, p->context == NULL ? "" : ", ",
                   p->context == NULL ? "" : p->context);
    return fail_at(r, &p->problem_mark, text);
}

static struct chy_yaml_node *new_node(const struct reader *r, enum chy_yaml_kind kind,
                                      const yaml_mark_t *mark)
{
    struct chy_yaml_node *node = chy_alloc(r->op, sizeof *node);
    if (node != NULL) {
        node->kind = kind;
        node->line = (uint32_t)mark->line + 1;
        node->column = (uint32_t)mark->column + 1;
    }
    return node;
}

static chy_status append(const struct reader *r, struct level *level,
                         const struct chy_yaml_pair *pair)
{
    struct child *child = chy_alloc(r->op, sizeof *child);
    if (child == NULL) {
        return chy_fail_memory(r->op);
    }
    child->pair = *pair;
    if (level->last == NULL) {
        level->first = child;
    } else {
        level->last->next = child;
    }
    level->last = child;
    level->node->count++;
    return CHY_OK;
}

/** Puts a node where it belongs: the root, an item of a list, or the value of a key. */
static chy_status place(struct reader *r, const struct chy_yaml_node *node)
{
    if (r->depth == 0) {
        r->root = node;
        return CHY_OK;
    }
    struct level *level = &r->levels[r->depth - 1];
    struct chy_yaml_pair pair = level->key;
    level->has_key = false;
    pair.value = node;
    return append(r, level, &pair);
}

static chy_status check_key(const struct reader *r, const struct level *level, struct chy_slice key,
                            const yaml_mark_t *mark)
{
    char text[CHY_MESSAGE_MAX / 2];
    if (level->node->count >= MAP_KEYS_MAX) {
        return fail_at(r, mark, "a map has more than 1000 keys");
    }
    for (const struct child *child = level->first; child != NULL; child = child->next) {
        if (chy_slice_equal(child->pair.key, key)) {
            (void)snprintf(text, sizeof text, "the key '%.*s' stands here twice, first in line %u",
                           key.len > 64 ? 64 : (int)key.len, (const char *)key.ptr,
                           child->pair.line);
            return fail_at(r, mark, text);
        }
    }
    return CHY_OK;
}

static bool is_null_word(struct chy_slice text)
{
    return text.len == 0 || chy_slice_is(text, "~") || chy_slice_is(text, "null") ||
           chy_slice_is(text, "Null") || chy_slice_is(text, "NULL");
}

static chy_status read_scalar(struct reader *r, const yaml_event_t *event)
{
    struct chy_slice text = {NULL, 0};
    const yaml_mark_t *mark = &event->start_mark;
    bool quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    struct chy_slice value = chy_slice_of(event->data.scalar.value, event->data.scalar.length);
    if (value.len != 0 && memchr(value.ptr, 0, (size_t)value.len) != NULL) {
        return fail_at(r, mark, "a value has a NUL in it");
    }
    CHY_TRY(chy_copy(r->op, value, &text));
    struct level *level = r->depth == 0 ? NULL : &r->levels[r->depth - 1];
    if (level != NULL && level->node->kind == CHY_YAML_MAP && !level->has_key) {
        CHY_TRY(check_key(r, level, text, mark));
        level->key.key = text;
        level->key.line = (uint32_t)mark->line + 1;
        level->key.column = (uint32_t)mark->column + 1;
        level->has_key = true;
        return CHY_OK;
    }
    bool is_null = !quoted && is_null_word(text);
    struct chy_yaml_node *node = new_node(r, is_null ? CHY_YAML_NULL : CHY_YAML_SCALAR, mark);
    if (node == NULL) {
        return chy_fail_memory(r->op);
    }
    node->text = text;
    node->quoted = quoted;
    return place(r, node);
}

static chy_status open_level(struct reader *r, enum chy_yaml_kind kind, const yaml_mark_t *mark)
{
    struct level *parent = r->depth == 0 ? NULL : &r->levels[r->depth - 1];
    if (parent != NULL && parent->node->kind == CHY_YAML_MAP && !parent->has_key) {
        return fail_at(r, mark, "expected a word as the key of a map, found a list or map");
    }
    if (r->depth == CHY_YAML_DEPTH_MAX) {
        return fail_at(r, mark, "lists and maps are nested more than 32 deep");
    }
    struct level *level = &r->levels[r->depth];
    memset(level, 0, sizeof *level);
    level->node = new_node(r, kind, mark);
    if (level->node == NULL) {
        return chy_fail_memory(r->op);
    }
    r->depth++;
    return CHY_OK;
}

static chy_status close_level(struct reader *r)
{
    assert(r->depth > 0);
    struct level *level = &r->levels[r->depth - 1];
    struct chy_yaml_node *node = level->node;
    struct chy_yaml_pair *pairs = NULL;
    const struct chy_yaml_node **items = NULL;
    if (node->kind == CHY_YAML_MAP) {
        pairs = chy_alloc(r->op, node->count * sizeof *pairs);
    } else {
        items = chy_alloc(r->op, node->count * sizeof *items);
    }
    if (pairs == NULL && items == NULL) {
        return chy_fail_memory(r->op);
    }
    uint32_t i = 0;
    for (const struct child *child = level->first; child != NULL; child = child->next, i++) {
        if (pairs != NULL) {
            pairs[i] = child->pair;
        } else {
            items[i] = child->pair.value;
        }
    }
    node->pairs = pairs;
    node->items = items;
    r->depth--;
    return place(r, node);
}

static chy_status refuse_decoration(const struct reader *r, const yaml_event_t *event,
                                    const yaml_char_t *anchor, const yaml_char_t *tag)
{
    if (anchor != NULL) {
        return fail_at(r, &event->start_mark, "anchors (&) are not supported");
    }
    if (tag != NULL) {
        return fail_at(r, &event->start_mark, "tags (!) are not supported");
    }
    return CHY_OK;
}

static chy_status take(struct reader *r, const yaml_event_t *event)
{
    switch (event->type) {
    case YAML_NO_EVENT:
    case YAML_STREAM_START_EVENT:
    case YAML_STREAM_END_EVENT:
    case YAML_DOCUMENT_END_EVENT: return CHY_OK;
    case YAML_DOCUMENT_START_EVENT:
        r->documents++;
        return r->documents > 1 ? fail_at(r, &event->start_mark, "expected one document, found two")
                                : CHY_OK;
    case YAML_ALIAS_EVENT: return fail_at(r, &event->start_mark, "aliases (*) are not supported");
    case YAML_SCALAR_EVENT:
        CHY_TRY(refuse_decoration(r, event, event->data.scalar.anchor, event->data.scalar.tag));
        return read_scalar(r, event);
    case YAML_SEQUENCE_START_EVENT:
        CHY_TRY(refuse_decoration(r, event, event->data.sequence_start.anchor,
                                  event->data.sequence_start.tag));
        return open_level(r, CHY_YAML_LIST, &event->start_mark);
    case YAML_MAPPING_START_EVENT:
        CHY_TRY(refuse_decoration(r, event, event->data.mapping_start.anchor,
                                  event->data.mapping_start.tag));
        return open_level(r, CHY_YAML_MAP, &event->start_mark);
    case YAML_SEQUENCE_END_EVENT:
    case YAML_MAPPING_END_EVENT: return close_level(r);
    }
    return fail_at(r, &event->start_mark, "not understood");
}

static chy_status read_all(struct reader *r)
{
    yaml_event_type_t type = YAML_NO_EVENT;
    while (type != YAML_STREAM_END_EVENT) {
        CHY_AUTO(event_fini) struct event e = {.is_there = false};
        if (yaml_parser_parse(&r->parser, &e.event) == 0) {
            return fail_syntax(r);
        }
        e.is_there = true;
        type = e.event.type;
        CHY_TRY(take(r, &e.event));
    }
    return CHY_OK;
}

chy_status chy_yaml_parse(struct chy_op *op, struct chy_slice name, struct chy_slice text,
                          const struct chy_yaml_node **out_root)
{
    if (text.len > CHY_YAML_SIZE_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "%.*s: expected at most %zu bytes, found %llu",
                        (int)name.len, (const char *)name.ptr, CHY_YAML_SIZE_MAX,
                        (unsigned long long)text.len);
    }
    struct reader *r = chy_alloc(op, sizeof *r);
    if (r == NULL || yaml_parser_initialize(&r->parser) == 0) {
        return chy_fail_memory(op);
    }
    r->op = op;
    r->name = name;
    yaml_parser_set_encoding(&r->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&r->parser, text.len == 0 ? (const uint8_t *)"" : text.ptr,
                                 (size_t)text.len);
    chy_status status = read_all(r);
    yaml_parser_delete(&r->parser);
    CHY_TRY(status);
    if (r->root == NULL) {
        const yaml_mark_t start = {0, 0, 0};
        r->root = new_node(r, CHY_YAML_NULL, &start);
    }
    if (r->root == NULL) {
        return chy_fail_memory(op);
    }
    *out_root = r->root;
    return CHY_OK;
}

const struct chy_yaml_node *chy_yaml_find(const struct chy_yaml_node *map, struct chy_slice key)
{
    if (map == NULL || map->kind != CHY_YAML_MAP) {
        return NULL;
    }
    for (uint32_t i = 0; i < map->count; i++) {
        if (chy_slice_equal(map->pairs[i].key, key)) {
            return map->pairs[i].value;
        }
    }
    return NULL;
}

const char *chy_yaml_kind_name(enum chy_yaml_kind kind)
{
    switch (kind) {
    case CHY_YAML_NULL: return "nothing";
    case CHY_YAML_SCALAR: return "a single value";
    case CHY_YAML_LIST: return "a list";
    case CHY_YAML_MAP: return "a map";
    }
    return "nothing";
}
