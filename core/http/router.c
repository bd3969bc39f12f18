#include "http/router.h"

#include "http/head.h"

#include "base/slice.h"

#include <stdlib.h>

enum {
    METHODS_MAX = 16
};

/** A registered route at its node. */
struct entry {
    struct entry *next;      // at its node
    struct entry *next_made; // of all that the router owns, refused ones too
    uint32_t method;         // index in the router's list
    uint32_t listeners;
    const void *target;
    char *owner;
    char *pattern;
    uint32_t parameter_count;
    struct chy_slice names[CHY_HTTP_PARAMETERS_MAX]; // in `pattern`
    uint32_t places[CHY_HTTP_PARAMETERS_MAX];        // which segment each is
};

struct node;

struct literal {
    struct chy_slice text; // in the pattern of the entry that made it
    struct node *child;
};

struct node {
    struct literal *literals; // ordered
    uint32_t literal_count;
    struct node *named; // the {name} branch
    struct entry *entries;
};

struct chy_router {
    struct node root;
    struct entry *made;
    char methods[METHODS_MAX][16];
    uint32_t method_count;
};

struct chy_router *chy_router_new(void)
{
    return calloc(1, sizeof(struct chy_router));
}

static void entry_free(struct entry *entry)
{
    free(entry->owner);
    free(entry->pattern);
    free(entry);
}

/** Frees what is below a node; patterns are at most CHY_HTTP_SEGMENTS_MAX deep. */
static void node_clear(struct node *node)
{
    for (uint32_t i = 0; i < node->literal_count; i++) {
        node_clear(node->literals[i].child);
        free(node->literals[i].child);
    }
    free(node->literals);
    if (node->named != NULL) {
        node_clear(node->named);
        free(node->named);
    }
}

void chy_router_free(struct chy_router *router)
{
    if (router != NULL) {
        node_clear(&router->root);
        while (router->made != NULL) {
            struct entry *next = router->made->next_made;
            entry_free(router->made);
            router->made = next;
        }
        free(router);
    }
}

static bool find_method(const struct chy_router *router, struct chy_slice name, uint32_t *out_index)
{
    for (uint32_t i = 0; i < router->method_count; i++) {
        if (chy_slice_is(name, router->methods[i])) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

static chy_status intern_method(struct chy_router *router, struct chy_op *op, struct chy_slice name,
                                uint32_t *out_index)
{
    if (find_method(router, name, out_index)) {
        return CHY_OK;
    }
    bool is_upper = chy_http_is_token(name) && name.len < sizeof router->methods[0];
    for (uint64_t i = 0; is_upper && i < name.len; i++) {
        is_upper = name.ptr[i] < 'a' || name.ptr[i] > 'z';
    }
    if (!is_upper || router->method_count == METHODS_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "'%.*s' is not a method in upper case, or one too many", (int)name.len,
                        (const char *)name.ptr);
    }
    memcpy(router->methods[router->method_count], name.ptr, (size_t)name.len);
    *out_index = router->method_count++;
    return CHY_OK;
}

static bool is_name(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t lower = chy_ascii_lower(text.ptr[i]);
        if ((lower < 'a' || lower > 'z') && (lower < '0' || lower > '9') && lower != '_') {
            return false;
        }
    }
    return text.len != 0;
}

/** Reads one segment of a pattern: a {name}, whose place is noted, or a literal. */
static const char *parse_segment(struct entry *entry, struct chy_slice segment, uint32_t place,
                                 bool *out_is_name)
{
    uint64_t brace;
    *out_is_name = segment.len > 2 && segment.ptr[0] == '{' && segment.ptr[segment.len - 1] == '}';
    if (!*out_is_name) {
        bool is_odd = chy_slice_find(segment, '{', &brace) || chy_slice_find(segment, '}', &brace);
        return is_odd ? "a brace that is not around a whole segment" : NULL;
    }
    struct chy_slice name = chy_slice_of(segment.ptr + 1, segment.len - 2);
    if (!is_name(name)) {
        return "a {name} with other than letters, digits and '_'";
    }
    if (entry->parameter_count == CHY_HTTP_PARAMETERS_MAX) {
        return "too many {names}";
    }
    for (uint32_t i = 0; i < entry->parameter_count; i++) {
        if (chy_slice_equal(entry->names[i], name)) {
            return "the same {name} twice";
        }
    }
    entry->names[entry->parameter_count] = name;
    entry->places[entry->parameter_count] = place;
    entry->parameter_count++;
    return NULL;
}

/** The branch for a literal; NULL, and where it belongs: there is none. */
static struct node *find_literal(const struct node *node, struct chy_slice text,
                                 uint32_t *out_place)
{
    uint32_t low = 0;
    uint32_t high = node->literal_count;
    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        int order = chy_slice_compare(node->literals[middle].text, text);
        if (order == 0) {
            return node->literals[middle].child;
        }
        if (order < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    *out_place = low;
    return NULL;
}

/** The branch for a literal, made when it is not there.  NULL: out of memory. */
static struct node *literal_branch(struct node *node, struct chy_slice text)
{
    uint32_t place = 0;
    struct node *found = find_literal(node, text, &place);
    if (found != NULL) {
        return found;
    }
    struct literal *grown =
        realloc(node->literals, (node->literal_count + 1) * sizeof *node->literals);
    if (grown == NULL) {
        return NULL;
    }
    node->literals = grown;
    // The entry that brings the text may be refused later, so the branch owns a copy behind its
    // node.
    struct node *child = calloc(1, sizeof *child + (size_t)text.len);
    if (child == NULL) {
        return NULL;
    }
    memcpy(child + 1, text.ptr, (size_t)text.len);
    memmove(&grown[place + 1], &grown[place], (node->literal_count - place) * sizeof *grown);
    grown[place].text = chy_slice_of(child + 1, text.len);
    grown[place].child = child;
    node->literal_count++;
    return child;
}

static struct node *named_branch(struct node *node)
{
    if (node->named == NULL) {
        node->named = calloc(1, sizeof *node->named);
    }
    return node->named;
}

static chy_status fail_pattern(struct chy_op *op, const struct chy_router_entry *entry,
                               const char *problem)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "route '%.*s %.*s' of '%.*s': %s", (int)entry->method.len,
                    (const char *)entry->method.ptr, (int)entry->pattern.len,
                    (const char *)entry->pattern.ptr, (int)entry->owner.len,
                    (const char *)entry->owner.ptr, problem);
}

/** Walks from the root down the pattern, making branches, to the node where it ends. */
static chy_status descend(struct chy_op *op, const struct chy_router_entry *given,
                          struct entry *entry, struct node **node)
{
    struct chy_slice rest = chy_slice_of(entry->pattern, given->pattern.len);
    if (rest.len == 0 || rest.ptr[0] != '/') {
        return fail_pattern(op, given, "the pattern does not start with '/'");
    }
    bool more = rest.len > 1;
    rest = chy_slice_skip(rest, 1);
    for (uint32_t place = 0; more; place++) {
        struct chy_slice segment = rest;
        more = chy_slice_cut(rest, '/', &segment, &rest);
        bool is_named = false;
        if (segment.len == 0) {
            return fail_pattern(op, given, "the pattern has an empty segment");
        }
        if (place == CHY_HTTP_SEGMENTS_MAX) {
            return fail_pattern(op, given, "the pattern has too many segments");
        }
        const char *problem = parse_segment(entry, segment, place, &is_named);
        if (problem != NULL) {
            return fail_pattern(op, given, problem);
        }
        struct node *next = is_named ? named_branch(*node) : literal_branch(*node, segment);
        if (next == NULL) {
            return chy_fail_memory(op);
        }
        *node = next;
    }
    return CHY_OK;
}

static char *copy_text(struct chy_slice text)
{
    return strndup(text.len == 0 ? "" : (const char *)text.ptr, (size_t)text.len);
}

/** Fills the entry and hangs it into the tree. */
static chy_status insert(struct chy_router *router, struct chy_op *op,
                         const struct chy_router_entry *given, struct entry *entry)
{
    entry->listeners = given->listeners;
    entry->target = given->target;
    entry->owner = copy_text(given->owner);
    entry->pattern = copy_text(given->pattern);
    if (entry->owner == NULL || entry->pattern == NULL) {
        return chy_fail_memory(op);
    }
    if (strlen(entry->pattern) != given->pattern.len) {
        return fail_pattern(op, given, "the pattern has a NUL");
    }
    CHY_TRY(intern_method(router, op, given->method, &entry->method));
    struct node *node = &router->root;
    CHY_TRY(descend(op, given, entry, &node));
    for (const struct entry *other = node->entries; other != NULL; other = other->next) {
        if (other->method == entry->method && (other->listeners & entry->listeners) != 0) {
            return chy_fail(op, CHY_CONFLICT, 0, "route '%.*s %s' of '%s' is taken by '%s' of '%s'",
                            (int)given->method.len, (const char *)given->method.ptr, entry->pattern,
                            entry->owner, other->pattern, other->owner);
        }
    }
    entry->next = node->entries;
    node->entries = entry;
    return CHY_OK;
}

chy_status chy_router_add(struct chy_router *router, struct chy_op *op,
                          const struct chy_router_entry *entry)
{
    struct entry *made = calloc(1, sizeof *made);
    if (made == NULL) {
        return chy_fail_memory(op);
    }
    made->next_made = router->made;
    router->made = made;
    return insert(router, op, entry, made);
}

/** One look-up under way. */
struct search {
    const struct chy_http_path *path;
    uint32_t listener_bit;
    bool knows_method;
    bool knows_get;
    bool is_head;
    uint32_t method;
    uint32_t get;
    uint32_t allowed; // bit set of methods that the path has
};

static const struct entry *match_entries(const struct node *node, struct search *search)
{
    const struct entry *for_head = NULL;
    for (const struct entry *entry = node->entries; entry != NULL; entry = entry->next) {
        if ((entry->listeners & search->listener_bit) == 0) {
            continue;
        }
        if (search->knows_method && entry->method == search->method) {
            return entry;
        }
        if (search->is_head && search->knows_get && entry->method == search->get) {
            for_head = entry;
        }
        search->allowed |= 1U << entry->method;
    }
    return for_head;
}

/** Looks below `node` for the segments from `depth` on: each node is seen once at most. */
static const struct entry *walk(const struct node *node, struct search *search, uint32_t depth)
{
    if (depth == search->path->segment_count) {
        return match_entries(node, search);
    }
    struct chy_slice segment = search->path->segments[depth];
    const struct entry *found = NULL;
    uint32_t place;
    const struct node *literal = find_literal(node, segment, &place);
    if (literal != NULL) {
        found = walk(literal, search, depth + 1);
    }
    // A {name} stands for at least one byte.
    if (found == NULL && node->named != NULL && segment.len != 0) {
        found = walk(node->named, search, depth + 1);
    }
    return found;
}

static void add_allowed(struct chy_router_match *match, const char *method)
{
    size_t left = sizeof match->allow - match->allow_len;
    int len = snprintf(match->allow + match->allow_len, left, "%s%s",
                       match->allow_len == 0 ? "" : ", ", method);
    if (len > 0 && (size_t)len < left) {
        match->allow_len += (uint32_t)len;
    }
}

static void write_allowed(const struct chy_router *router, const struct search *search,
                          struct chy_router_match *match)
{
    uint32_t head;
    bool has_head =
        find_method(router, chy_text("HEAD"), &head) && (search->allowed & 1U << head) != 0;
    for (uint32_t i = 0; i < router->method_count; i++) {
        if ((search->allowed & 1U << i) == 0) {
            continue;
        }
        add_allowed(match, router->methods[i]);
        if (search->knows_get && i == search->get && !has_head) {
            add_allowed(match, "HEAD");
        }
    }
}

enum chy_router_outcome chy_router_find(const struct chy_router *router, uint32_t listener,
                                        struct chy_slice method, const struct chy_http_path *path,
                                        struct chy_router_match *out_match)
{
    out_match->target = NULL;
    out_match->parameter_count = 0;
    out_match->head_for_get = false;
    out_match->allow_len = 0;
    out_match->allow[0] = '\0';
    struct search search = {.path = path, .listener_bit = 1U << listener};
    search.knows_method = find_method(router, method, &search.method);
    search.knows_get = find_method(router, chy_text("GET"), &search.get);
    search.is_head = chy_slice_is(method, "HEAD");
    const struct entry *found = walk(&router->root, &search, 0);
    if (found == NULL) {
        write_allowed(router, &search, out_match);
        return search.allowed == 0 ? CHY_ROUTER_NO_PATH : CHY_ROUTER_NO_METHOD;
    }
    out_match->target = found->target;
    out_match->head_for_get =
        search.is_head && (!search.knows_method || found->method != search.method);
    out_match->parameter_count = found->parameter_count;
    for (uint32_t i = 0; i < found->parameter_count; i++) {
        out_match->parameters[i].name = found->names[i];
        out_match->parameters[i].value = path->segments[found->places[i]];
    }
    return CHY_ROUTER_FOUND;
}
