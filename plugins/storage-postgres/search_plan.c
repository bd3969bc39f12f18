// Which predicates are a range of which index; pgs_search_plan() of search.h.
#include "search.h"

#define SCAN_MAX 1000000U

static bool is_fixing(const struct chy_predicate *p)
{
    return (p->kind == CHY_WHERE_EQ && p->low.type != CHY_VALUE_NULL) || p->kind == CHY_WHERE_NULL;
}

static bool is_interval(const struct chy_predicate *p)
{
    return p->kind == CHY_WHERE_RANGE || p->kind == CHY_WHERE_PREFIX ||
           p->kind == CHY_WHERE_NOT_NULL;
}

/** Do the predicates allow one value of the field only? */
static bool is_fixed(const struct chy_storage_find *find, uint32_t field)
{
    for (uint64_t i = 0; i < find->where.count; i++) {
        const struct chy_predicate *p = pgs_at(find->where, i);
        if (p->field == field && is_fixing(p)) {
            return true;
        }
    }
    return false;
}

static bool is_never_met(const struct chy_predicate *p)
{
    if (p->kind == CHY_WHERE_EQ) {
        return p->low.type == CHY_VALUE_NULL;
    }
    bool any = p->kind != CHY_WHERE_IN;
    for (uint64_t i = 0; !any && i < p->values.count; i++) {
        any = ((const struct chy_value *)pgs_at(p->values, i))->type != CHY_VALUE_NULL;
    }
    return !any;
}

/** One index, seen as a way through the rows. */
struct way {
    const uint32_t *fields;
    uint32_t count;
    uint32_t fixed;  // leading fields of which the predicates allow one value
    uint32_t sorted; // terms of the order that it gives
    bool whole;      // it gives all of them, or finds at most one row
};

static struct way way_of(const struct pgs_search *s, const uint32_t *fields, uint32_t count,
                         bool unique)
{
    struct way way = {fields, count, 0, 0, false};
    while (way.fixed < count && is_fixed(s->find, fields[way.fixed])) {
        way.fixed++;
    }
    for (uint32_t at = way.fixed; at < count && way.sorted < s->order_count; at++) {
        const struct chy_order *term = &s->order[way.sorted];
        if (fields[at] == term->field && term->descending == s->order[0].descending) {
            way.sorted++;
        } else if (!is_fixed(s->find, fields[at])) {
            break;
        }
    }
    way.whole = way.sorted == s->order_count || (unique && way.fixed == count);
    return way;
}

/** An index that gives none of the order is no way; then the one that narrows most is best. */
static bool is_better(const struct way *a, const struct way *b)
{
    bool a_fits = a->whole || a->sorted != 0;
    bool b_fits = b->whole || b->sorted != 0;
    if (a_fits != b_fits) {
        return a_fits;
    }
    if (a->fixed != b->fixed) {
        return a->fixed > b->fixed;
    }
    return a->sorted > b->sorted;
}

static struct way best_way(const struct pgs_search *s)
{
    struct way best = way_of(s, s->table->key, s->table->key_count, true);
    for (uint32_t i = 0; i < s->table->index_count; i++) {
        const struct pgs_index *index = &s->table->indexes[i];
        struct way way = way_of(s, index->fields, index->count, index->unique);
        if (is_better(&way, &best)) {
            best = way;
        }
    }
    return best;
}

static bool is_pushed(const struct pgs_search *s, const struct way *way,
                      const struct chy_predicate *p)
{
    for (uint32_t i = 0; i < way->fixed; i++) {
        if (way->fields[i] == p->field && is_fixing(p)) {
            return true;
        }
    }
    return way->fixed < way->count && way->fields[way->fixed] == p->field && is_interval(p) &&
           (s->order_count == 0 || s->order[0].field == p->field);
}

/** Predicates being listed. */
struct list {
    struct chy_predicate *items;
    uint64_t count;
};

static chy_status make_list(struct chy_op *op, uint64_t room, struct list *out_list)
{
    out_list->items = chy_alloc(op, (room + 1) * sizeof *out_list->items);
    out_list->count = 0;
    return out_list->items != NULL ? CHY_OK : chy_fail_memory(op);
}

static void append(struct list *list, const struct chy_predicate *p)
{
    list->items[list->count++] = *p;
}

static struct chy_view view_of(const struct list *list)
{
    return (struct chy_view){list->items, list->count, sizeof *list->items};
}

static bool is_equal_to_one(const struct chy_storage_find *find, uint32_t field)
{
    for (uint64_t i = 0; i < find->where.count; i++) {
        const struct chy_predicate *p = pgs_at(find->where, i);
        if (p->field == field && p->kind == CHY_WHERE_EQ) {
            return true;
        }
    }
    return false;
}

static void lay_sort(struct pgs_search *s, const struct way *way)
{
    for (uint32_t i = 0; i < way->fixed && s->order_count != 0; i++) {
        if (!is_equal_to_one(s->find, way->fields[i])) {
            s->sort[s->sort_count++] = (struct chy_order){way->fields[i], s->order[0].descending};
        }
    }
    memcpy(&s->sort[s->sort_count], s->order, (size_t)s->order_count * sizeof s->order[0]);
    s->sort_count += s->order_count;
}

static chy_status divide(struct pgs_search *s)
{
    const struct chy_view where = s->find->where;
    struct way way = best_way(s);
    lay_sort(s, &way);
    struct list pushed;
    struct list residual;
    CHY_TRY(make_list(s->op, where.count, &pushed));
    CHY_TRY(make_list(s->op, where.count, &residual));
    for (uint64_t i = 0; i < where.count; i++) {
        const struct chy_predicate *p = pgs_at(where, i);
        append(is_pushed(s, &way, p) ? &pushed : &residual, p);
    }
    s->pushed = view_of(&pushed);
    s->residual = view_of(&residual);
    s->mode = s->residual.count == 0 ? PGS_PLAIN : PGS_SCAN;
    return CHY_OK;
}

/** How few rows a predicate may be hoped to find: less is better, 0 is no hope at all. */
static int rank(const struct chy_predicate *p)
{
    switch ((enum chy_predicate_kind)p->kind) {
    case CHY_WHERE_EQ: return 1;
    case CHY_WHERE_HAS: return 2;
    case CHY_WHERE_IN: return 3;
    case CHY_WHERE_PREFIX: return p->low.bytes.len == 0 ? 0 : 4;
    case CHY_WHERE_HAS_PREFIX: return p->low.bytes.len == 0 ? 0 : 5;
    case CHY_WHERE_RANGE: return 6;
    case CHY_WHERE_NULL:
    case CHY_WHERE_NOT_NULL: return 0;
    }
    return 0;
}

/** The leading fields of an index on which fixing predicates stand, before one on `field`. */
static bool leads_to(const struct pgs_search *s, const uint32_t *fields, uint32_t count,
                     uint32_t field, uint32_t *out_before)
{
    for (uint32_t i = 0; i < count; i++) {
        if (fields[i] == field) {
            *out_before = i;
            return true;
        }
        if (!is_fixed(s->find, fields[i])) {
            return false;
        }
    }
    return false;
}

/** The driver of `p`: with it, the fixing predicates that stand before it in the index. */
static chy_status driver_of(const struct pgs_search *s, const struct chy_predicate *p,
                            struct pgs_driver *out_driver)
{
    const uint32_t *fields = NULL;
    uint32_t count = s->table->key_count;
    uint32_t before = 0;
    bool many = s->table->fields[p->field].many;
    if (!many && leads_to(s, s->table->key, s->table->key_count, p->field, &before)) {
        fields = s->table->key;
    }
    for (uint32_t i = 0; !many && fields == NULL && i < s->table->index_count; i++) {
        const struct pgs_index *index = &s->table->indexes[i];
        if (leads_to(s, index->fields, index->count, p->field, &before)) {
            fields = index->fields;
            count = index->count;
        }
    }
    if (!many && fields == NULL) {
        return CHY_OK;
    }
    struct list list;
    CHY_TRY(make_list(s->op, s->find->where.count, &list));
    append(&list, p);
    if (!many) {
        out_driver->fields = fields + before;
        out_driver->field_count = count - before;
    }
    for (uint64_t i = 0; i < s->find->where.count; i++) {
        const struct chy_predicate *other = pgs_at(s->find->where, i);
        for (uint32_t f = 0; is_fixing(other) && f < before; f++) {
            if (fields[f] == other->field) {
                append(&list, other);
            }
        }
    }
    out_driver->where = view_of(&list);
    return CHY_OK;
}

static chy_status find_drivers(struct pgs_search *s)
{
    for (int wanted = 1; wanted <= 6; wanted++) {
        for (uint64_t i = 0; i < s->residual.count; i++) {
            const struct chy_predicate *p = pgs_at(s->residual, i);
            if (rank(p) != wanted || s->driver_count == PGS_DRIVERS_MAX) {
                continue;
            }
            CHY_TRY(driver_of(s, p, &s->drivers[s->driver_count]));
            s->driver_count += s->drivers[s->driver_count].where.count != 0;
        }
    }
    return CHY_OK;
}

/** The order without the terms that the predicates hold fixed, and the cursor's place in it. */
static chy_status lay_order(struct pgs_search *s)
{
    const struct chy_collection *collection = s->table->declared;
    struct chy_value place[CHY_STORAGE_TERMS_MAX];
    s->term_count = chy_storage_terms(collection, s->find->order, s->terms);
    s->has_place = s->find->cursor.len != 0;
    if (s->has_place) {
        CHY_TRY(chy_storage_cursor_read(s->op, collection, s->terms, s->term_count, s->find->cursor,
                                        place));
    }
    for (uint64_t i = 0; i < s->term_count; i++) {
        if (!is_fixed(s->find, s->terms[i].field)) {
            if (s->has_place) {
                s->place[s->order_count] = place[i];
            }
            s->order[s->order_count++] = s->terms[i];
        }
    }
    struct pgs_branch branches[2 * CHY_STORAGE_TERMS_MAX];
    if (s->has_place && pgs_branches(s->table, s->order, s->order_count, s->place, branches) == 0) {
        s->nothing = true;
    }
    return CHY_OK;
}

chy_status pgs_search_plan(struct chy_op *op, const struct pgs_table *table,
                           const struct chy_storage_find *find, struct pgs_search *out_search)
{
    struct pgs_search *s = out_search;
    memset(s, 0, sizeof *s);
    s->op = op;
    s->table = table;
    s->find = find;
    s->scan_limit = find->scan_limit < SCAN_MAX ? find->scan_limit : SCAN_MAX;
    for (uint64_t i = 0; i < find->where.count; i++) {
        s->nothing = s->nothing || is_never_met(pgs_at(find->where, i));
    }
    CHY_TRY(lay_order(s));
    CHY_TRY(divide(s));
    return find_drivers(s);
}
