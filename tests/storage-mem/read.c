/** get and find. */
#include "mem.h"

#include <stdlib.h>

/* --- predicates --------------------------------------------------------------------------------*/

static bool is_null(const struct chy_value *value)
{
    return value->type == CHY_VALUE_NULL;
}

/** equals: null equals nothing. */
static bool equals(const struct chy_value *value, const struct chy_value *other)
{
    return !is_null(value) && !is_null(other) && chy_storage_value_compare(value, other) == 0;
}

static bool begins_with(struct chy_slice text, struct chy_slice start)
{
    return text.len >= start.len && chy_slice_equal(chy_slice_of(text.ptr, start.len), start);
}

static bool in_range(const struct chy_value *value, const struct chy_predicate *p)
{
    return !is_null(value) &&
           (is_null(&p->low) || chy_storage_value_compare(value, &p->low) >= 0) &&
           (is_null(&p->high) || chy_storage_value_compare(value, &p->high) < 0);
}

static bool is_one_of(const struct chy_value *value, struct chy_view values)
{
    for (uint64_t i = 0; i < values.count; i++) {
        if (equals(value, chy_storage_at(values, i))) {
            return true;
        }
    }
    return false;
}

static bool has(const struct chy_value *value, const struct chy_predicate *p)
{
    for (uint64_t i = 0; i < value->items.count; i++) {
        struct chy_slice item = *(const struct chy_slice *)chy_storage_at(value->items, i);
        if (p->kind == CHY_WHERE_HAS ? chy_slice_equal(item, p->low.bytes)
                                     : begins_with(item, p->low.bytes)) {
            return true;
        }
    }
    return false;
}

static bool holds(const struct row *row, const struct chy_predicate *p)
{
    const struct chy_value *value = &row->values[p->field];
    switch ((enum chy_predicate_kind)p->kind) {
    case CHY_WHERE_EQ: return equals(value, &p->low);
    case CHY_WHERE_IN: return is_one_of(value, p->values);
    case CHY_WHERE_RANGE: return in_range(value, p);
    case CHY_WHERE_PREFIX: return !is_null(value) && begins_with(value->bytes, p->low.bytes);
    case CHY_WHERE_NULL: return is_null(value);
    case CHY_WHERE_NOT_NULL: return !is_null(value);
    case CHY_WHERE_HAS:
    case CHY_WHERE_HAS_PREFIX: return has(value, p);
    }
    return false;
}

bool row_matches(const struct row *row, struct chy_view where)
{
    for (uint64_t i = 0; i < where.count; i++) {
        if (!holds(row, chy_storage_at(where, i))) {
            return false;
        }
    }
    return true;
}

/* --- answers -----------------------------------------------------------------------------------*/

static chy_status copy_value(struct chy_op *op, const struct chy_value *value,
                             struct chy_value *out_value)
{
    struct chy_value copy = *value;
    struct chy_slice *items = chy_alloc(op, (value->items.count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < value->items.count; i++) {
        const struct chy_slice *item = chy_storage_at(value->items, i);
        CHY_TRY(chy_copy(op, *item, &items[i]));
    }
    CHY_TRY(chy_copy(op, value->bytes, &copy.bytes));
    copy.items = (struct chy_view){items, value->items.count, sizeof *items};
    *out_value = copy;
    return CHY_OK;
}

static chy_status copy_row(struct chy_op *op, const struct row *row, struct chy_view fields,
                           struct chy_storage_row *out_row)
{
    struct chy_value *values = chy_alloc(op, (fields.count + 1) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < fields.count; i++) {
        CHY_TRY(copy_value(op, &row->values[chy_storage_number_at(fields, i)], &values[i]));
    }
    out_row->values = (struct chy_view){values, fields.count, sizeof *values};
    out_row->revision = row->revision;
    return CHY_OK;
}

static chy_status get_locked(struct mem *mem, struct chy_op *op, const struct chy_storage_get *get,
                             struct chy_storage_row *out_row)
{
    CHY_TRY(mem_ready(mem, op));
    const struct table *table = &mem->tables[get->collection];
    uint64_t place = 0;
    if (!table_place(table, get->key, &place)) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "no such row");
    }
    return copy_row(op, table->rows[place], get->fields, out_row);
}

chy_status mem_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                   struct chy_storage_row *out_row)
{
    struct mem *mem = self;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_get(op, mem->schema, get));
    pthread_mutex_lock(&mem->lock);
    chy_status status = get_locked(mem, op, get, out_row);
    pthread_mutex_unlock(&mem->lock);
    return status;
}

/* --- find --------------------------------------------------------------------------------------*/

/** The total order of one find. */
struct order {
    struct chy_order terms[CHY_STORAGE_TERMS_MAX];
    uint64_t count;
};

/** compare_to orders a row against the values that a cursor carries. */
static int compare_to(const struct order *order, const struct row *row,
                      const struct chy_value *values)
{
    for (uint64_t i = 0; i < order->count; i++) {
        int result = chy_storage_value_compare(&row->values[order->terms[i].field], &values[i]);
        if (result != 0) {
            return order->terms[i].descending != 0 ? -result : result;
        }
    }
    return 0;
}

static void position_of(const struct order *order, const struct row *row,
                        struct chy_value *out_values)
{
    for (uint64_t i = 0; i < order->count; i++) {
        out_values[i] = row->values[order->terms[i].field];
    }
}

static int compare_rows(const void *a, const void *b, void *context)
{
    struct chy_value values[CHY_STORAGE_TERMS_MAX];
    position_of(context, *(struct row *const *)b, values);
    return compare_to(context, *(struct row *const *)a, values);
}

/** pick_rows walks the sorted rows from `at`, and says where it stopped. */
static chy_status pick_rows(struct chy_op *op, const struct chy_storage_find *find,
                            struct row *const *rows, uint64_t count, uint64_t *at,
                            struct chy_storage_page *page)
{
    struct chy_storage_row *found = chy_alloc(op, find->limit * sizeof *found);
    if (found == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t skip = find->skip;
    page->rows = (struct chy_view){found, 0, sizeof *found};
    while (*at < count && page->scanned < find->scan_limit && page->rows.count < find->limit) {
        const struct row *row = rows[(*at)++];
        page->scanned++;
        if (!row_matches(row, find->where)) {
            continue;
        }
        if (skip > 0) {
            skip--;
            continue;
        }
        CHY_TRY(copy_row(op, row, find->fields, &found[page->rows.count]));
        page->rows.count++;
    }
    return CHY_OK;
}

static chy_status find_locked(struct mem *mem, struct chy_op *op,
                              const struct chy_storage_find *find,
                              struct chy_storage_page *out_page)
{
    CHY_TRY(mem_ready(mem, op));
    const struct table *table = &mem->tables[find->collection];
    struct order order;
    order.count = chy_storage_terms(table->collection, find->order, order.terms);
    struct row **rows = chy_alloc(op, (table->count + 1) * sizeof(struct row *));
    if (rows == NULL) {
        return chy_fail_memory(op);
    }
    if (table->count != 0) {
        memcpy(rows, table->rows, (size_t)table->count * sizeof(struct row *));
    }
    qsort_r(rows, (size_t)table->count, sizeof(struct row *), compare_rows, &order);
    uint64_t at = 0;
    if (find->cursor.len != 0) {
        struct chy_value values[CHY_STORAGE_TERMS_MAX];
        CHY_TRY(chy_storage_cursor_read(op, table->collection, order.terms, order.count,
                                        find->cursor, values));
        while (at < table->count && compare_to(&order, rows[at], values) <= 0) {
            at++;
        }
    }
    struct chy_storage_page page = {.struct_size = sizeof page};
    CHY_TRY(pick_rows(op, find, rows, table->count, &at, &page));
    if (at < table->count) {
        struct chy_value values[CHY_STORAGE_TERMS_MAX];
        position_of(&order, rows[at - 1], values);
        CHY_TRY(chy_storage_cursor_write(op, table->collection, order.terms, order.count, values,
                                         &page.cursor));
        page.more = 1;
    }
    *out_page = page;
    return CHY_OK;
}

chy_status mem_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                    struct chy_storage_page *out_page)
{
    struct mem *mem = self;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_find(op, mem->schema, find));
    pthread_mutex_lock(&mem->lock);
    chy_status status = find_locked(mem, op, find, out_page);
    pthread_mutex_unlock(&mem->lock);
    return status;
}
