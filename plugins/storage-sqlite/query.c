/** SQL with its parameters, and predicates in it. */
#include "query.h"

void query_add(struct query *query, const char *text)
{
    sql_add(&query->sql, text);
}

void query_bind(struct query *query, const struct chy_value *value)
{
    sql_add(&query->sql, "?");
    if (query->bind_count == query->bind_room) {
        uint64_t room = query->bind_room * 2 + 32;
        const struct chy_value **binds =
            chy_alloc(query->op, room * sizeof(const struct chy_value *));
        if (binds == NULL) {
            query->has_failed = true;
            return;
        }
        if (query->bind_count != 0) {
            memcpy(binds, query->binds,
                   (size_t)query->bind_count * sizeof(const struct chy_value *));
        }
        query->binds = binds;
        query->bind_room = room;
    }
    query->binds[query->bind_count++] = value;
}

void query_fini(struct query *query)
{
    sql_fini(&query->sql);
}

chy_status query_open(struct query *query, struct connection *connection, sqlite3_stmt **out_stmt)
{
    if (query->has_failed) {
        return chy_fail_memory(query->op);
    }
    struct chy_slice key = chy_slice_of(query->sql.ptr, query->sql.len);
    sqlite3_stmt *stmt = statement_find(connection, key);
    if (stmt == NULL) {
        CHY_TRY(statement_keep(query->op, connection, key, &query->sql, &stmt));
    }
    for (uint64_t i = 0; i < query->bind_count; i++) {
        bind_value(stmt, (int)i + 1, query->binds[i]);
    }
    *out_stmt = stmt;
    return CHY_OK;
}

/* --- predicates --------------------------------------------------------------------------------*/

bool where_never(struct chy_view where)
{
    for (uint64_t i = 0; i < where.count; i++) {
        const struct chy_predicate *p = chy_storage_at(where, i);
        bool never = p->kind == CHY_WHERE_EQ && p->low.type == CHY_VALUE_NULL;
        if (p->kind == CHY_WHERE_IN) {
            never = true;
            for (uint64_t v = 0; v < p->values.count; v++) {
                const struct chy_value *value = chy_storage_at(p->values, v);
                never = never && value->type == CHY_VALUE_NULL;
            }
        }
        if (never) {
            return true;
        }
    }
    return false;
}

/** copy_value keeps a computed value in the operation. */
static const struct chy_value *copy_value(struct query *query, struct chy_value value)
{
    struct chy_value *copy = chy_alloc(query->op, sizeof *copy);
    if (copy == NULL) {
        query->has_failed = true;
        return NULL;
    }
    *copy = value;
    return copy;
}

/** end_of_prefix gives the first text behind all that begin with `prefix`, which is not empty. */
static const struct chy_value *end_of_prefix(struct query *query, struct chy_slice prefix)
{
    struct chy_value end = {.type = CHY_VALUE_TEXT};
    if (chy_copy(query->op, prefix, &end.bytes) != CHY_OK) {
        query->has_failed = true;
        return NULL;
    }
    // UTF-8 has no byte 0xFF, so the last byte can always grow.  The result need not be UTF-8.
    uint8_t *last = (uint8_t *)(uintptr_t)end.bytes.ptr + end.bytes.len - 1;
    *last = (uint8_t)(*last + 1);
    return copy_value(query, end);
}

static void add_in(struct query *query, const char *column, struct chy_view values)
{
    // The count is rounded up to a power of two, so that few statements serve all counts.
    uint64_t count = 1;
    while (count < values.count) {
        count *= 2;
    }
    query_add(query, column);
    query_add(query, " IN (");
    for (uint64_t i = 0; i < count; i++) {
        query_add(query, i == 0 ? "" : ",");
        query_bind(query, chy_storage_at(values, i < values.count ? i : values.count - 1));
    }
    query_add(query, ")");
}

/** add_between adds `low <= column < high` with what is given of it. */
static void add_between(struct query *query, const char *column, const struct chy_value *low,
                        const struct chy_value *high)
{
    bool has_low = low != NULL && low->type != CHY_VALUE_NULL;
    bool has_high = high != NULL && high->type != CHY_VALUE_NULL;
    if (!has_low && !has_high) {
        query_add(query, column);
        query_add(query, " IS NOT NULL");
        return;
    }
    if (has_low) {
        query_add(query, column);
        query_add(query, ">=");
        query_bind(query, low);
    }
    query_add(query, has_low && has_high ? " AND " : "");
    if (has_high) {
        query_add(query, column);
        query_add(query, "<");
        query_bind(query, high);
    }
}

static void add_prefix(struct query *query, const char *column, const struct chy_value *prefix)
{
    bool open = prefix->bytes.len == 0;
    add_between(query, column, open ? NULL : prefix,
                open ? NULL : end_of_prefix(query, prefix->bytes));
}

void query_children(struct query *query, const struct table *table,
                    const struct chy_predicate *predicate)
{
    query_add(query, "SELECT \"row\" FROM ");
    query_add(query, table->children[predicate->field]);
    query_add(query, " WHERE ");
    if (predicate->kind == CHY_WHERE_HAS) {
        query_add(query, "\"value\"=");
        query_bind(query, &predicate->low);
    } else {
        add_prefix(query, "\"value\"", &predicate->low);
    }
}

void query_predicate(struct query *query, const struct table *table,
                     const struct chy_predicate *predicate)
{
    const char *column = table->columns[predicate->field];
    switch ((enum chy_predicate_kind)predicate->kind) {
    case CHY_WHERE_EQ:
        query_add(query, column);
        query_add(query, "=");
        query_bind(query, &predicate->low);
        break;
    case CHY_WHERE_IN: add_in(query, column, predicate->values); break;
    case CHY_WHERE_RANGE: add_between(query, column, &predicate->low, &predicate->high); break;
    case CHY_WHERE_PREFIX: add_prefix(query, column, &predicate->low); break;
    case CHY_WHERE_NULL:
    case CHY_WHERE_NOT_NULL:
        query_add(query, column);
        query_add(query, predicate->kind == CHY_WHERE_NULL ? " IS NULL" : " IS NOT NULL");
        break;
    case CHY_WHERE_HAS:
    case CHY_WHERE_HAS_PREFIX:
        // The row's own copy of the set: its cost is the set's size, however many rows share a
        // text.
        query_add(query,
                  predicate->kind == CHY_WHERE_HAS ? HAS_FUNCTION "(" : HAS_PREFIX_FUNCTION "(");
        query_add(query, column);
        query_add(query, ",");
        query_bind(query, &predicate->low);
        query_add(query, ")");
        break;
    }
}
