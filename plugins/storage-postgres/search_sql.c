// A search as SQL; pgs_search_sql() of search.h.
#include "search.h"

static void add_column(struct pgs_query *query, const char *lead, const struct pgs_field *field)
{
    pgs_query_add(query, lead);
    pgs_query_add(query, field->quoted);
}

static void add_number(struct pgs_query *query, const char *lead, uint64_t number)
{
    pgs_query_add(query, lead);
    pgs_text_add_number(&query->sql, number);
}

static void add_set(struct pgs_query *query, const struct pgs_table *table,
                    const struct pgs_field *field)
{
    pgs_query_add(query, "ARRAY (SELECT c.\"value$\" FROM ");
    pgs_query_add(query, field->child);
    pgs_query_add(query, " AS c WHERE ");
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct pgs_field *key = &table->fields[table->key[i]];
        add_column(query, i == 0 ? "c." : " AND c.", key);
        add_column(query, " = t.", key);
    }
    pgs_query_add(query, " ORDER BY c.\"value$\")");
}

void pgs_add_fields(struct pgs_query *query, const struct pgs_table *table, struct chy_view fields)
{
    for (uint64_t i = 0; i < fields.count; i++) {
        const struct pgs_field *field = pgs_field_at(table, chy_storage_number_at(fields, i));
        if (field->many) {
            add_set(query, table, field);
        } else {
            add_column(query, "t.", field);
        }
        pgs_query_add(query, ", ");
    }
}

/** The columns that the outer parts of the query refer to. */
static void add_needed(const struct pgs_search *s, struct pgs_query *query)
{
    bool needed[CHY_STORAGE_FIELDS_MAX] = {false};
    for (uint64_t i = 0; i < s->find->fields.count; i++) {
        needed[chy_storage_number_at(s->find->fields, i)] = true;
    }
    for (uint64_t i = 0; i < s->term_count; i++) {
        needed[s->terms[i].field] = true; // the key is among them
    }
    for (uint64_t i = 0; i < s->sort_count; i++) {
        needed[s->sort[i].field] = true;
    }
    for (uint64_t i = 0; s->mode != PGS_PLAIN && i < s->find->where.count; i++) {
        needed[((const struct chy_predicate *)pgs_at(s->find->where, i))->field] = true;
    }
    for (uint32_t i = 0; i < s->table->field_count; i++) {
        if (needed[i] && !s->table->fields[i].many) {
            add_column(query, "t.", &s->table->fields[i]);
            pgs_query_add(query, ", ");
        }
    }
    pgs_query_add(query, "t.\"revision$\"");
}

static void add_source(const struct pgs_search *s, struct pgs_query *query)
{
    pgs_query_add(query, "SELECT ");
    add_needed(s, query);
    pgs_query_add(query, " FROM ");
    pgs_query_add(query, s->table->quoted);
    pgs_query_add(query, " AS t WHERE ");
}

/** A page never asks the server for a number of its own: few shapes, few statements to prepare. */
static uint64_t rounded_limit(uint64_t limit)
{
    static const uint64_t steps[] = {3, 12, 27, 52, 102, 202, 502};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        // Two more than asked for: one tells that rows follow, one is SCAN's last row.
        if (limit + 2 <= steps[i]) {
            return steps[i];
        }
    }
    return CHY_STORAGE_PAGE_MAX + 2;
}

/** One part of the rows behind the place, or all rows, in order: as many as may be needed. */
static chy_status add_part(const struct pgs_search *s, struct pgs_query *query,
                           const struct pgs_branch *branch)
{
    add_source(s, query);
    CHY_TRY(pgs_where_all(query, s->table, s->pushed));
    if (branch != NULL) {
        pgs_query_add(query, " AND ");
        CHY_TRY(pgs_where_branch(query, s->table, s->order, s->place, *branch));
    }
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    if (s->mode == PGS_SCAN) {
        add_number(query, " LIMIT ", s->scan_limit + 1);
        return CHY_OK;
    }
    add_number(query, " LIMIT ", rounded_limit(s->find->limit));
    if (s->find->skip != 0) {
        pgs_query_add(query, " OFFSET ");
        pgs_query_int(query, (int64_t)s->find->skip);
    }
    return CHY_OK;
}

static chy_status add_ordered_rows(const struct pgs_search *s, struct pgs_query *query)
{
    struct pgs_branch branches[2 * CHY_STORAGE_TERMS_MAX];
    uint32_t count =
        s->has_place ? pgs_branches(s->table, s->order, s->order_count, s->place, branches) : 0;
    if (count <= 1) {
        return add_part(s, query, count == 0 ? NULL : &branches[0]);
    }
    // Each part is a range of the index; together they follow each other in order.
    pgs_query_add(query, "SELECT * FROM (");
    for (uint32_t i = 0; i < count; i++) {
        pgs_query_add(query, i == 0 ? "(" : " UNION ALL (");
        CHY_TRY(add_part(s, query, &branches[i]));
        pgs_query_add(query, ")");
    }
    pgs_query_add(query, ") AS t");
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    add_number(query, " LIMIT ",
               s->mode == PGS_SCAN ? s->scan_limit + 1 : rounded_limit(s->find->limit));
    return CHY_OK;
}

static void add_terms(const struct pgs_search *s, struct pgs_query *query)
{
    pgs_query_add(query, "t.\"revision$\"");
    for (uint64_t i = 0; i < s->term_count; i++) {
        add_column(query, ", t.", &s->table->fields[s->terms[i].field]);
    }
}

static chy_status add_scan(const struct pgs_search *s, struct pgs_query *query)
{
    pgs_query_add(query, ", t.\"n$\", t.\"hit$\"");
    if (s->find->skip != 0) {
        pgs_query_add(query, " AND t.\"h$\" > ");
        pgs_query_int(query, (int64_t)s->find->skip);
    }
    pgs_query_add(query, " FROM (SELECT t.*, row_number() OVER (");
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    pgs_query_add(query, ") AS \"n$\", coalesce(");
    CHY_TRY(pgs_where_all(query, s->table, s->residual));
    pgs_query_add(query, ", false) AS \"hit$\"");
    if (s->find->skip != 0) {
        pgs_query_add(query, ", count(*) FILTER (WHERE ");
        CHY_TRY(pgs_where_all(query, s->table, s->residual));
        pgs_query_add(query, ") OVER (");
        pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
        pgs_query_add(query, " ROWS UNBOUNDED PRECEDING) AS \"h$\"");
    }
    pgs_query_add(query, " FROM (");
    CHY_TRY(add_ordered_rows(s, query));
    add_number(query, ") AS t) AS t WHERE t.\"n$\" >= ", s->scan_limit);
    add_number(query, " OR (t.\"hit$\" AND t.\"n$\" < ", s->scan_limit);
    if (s->find->skip != 0) {
        pgs_query_add(query, " AND t.\"h$\" > ");
        pgs_query_int(query, (int64_t)s->find->skip);
    }
    pgs_query_add(query, ")");
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    add_number(query, " LIMIT ", rounded_limit(s->find->limit));
    return CHY_OK;
}

static chy_status add_plain(const struct pgs_search *s, struct pgs_query *query)
{
    pgs_query_add(query, " FROM (");
    CHY_TRY(add_ordered_rows(s, query));
    pgs_query_add(query, ") AS t");
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    return CHY_OK;
}

/** Adds what a driver finds: predicates on columns, or one on a set. */
static chy_status where_driver(const struct pgs_search *s, const struct pgs_driver *driver,
                               struct pgs_query *query)
{
    const struct chy_predicate *p = driver->where.ptr;
    const struct pgs_field *field = &s->table->fields[p->field];
    if (!field->many) {
        return pgs_where_all(query, s->table, driver->where);
    }
    pgs_query_add(query, "(");
    pgs_key_columns(query, s->table, "t.");
    pgs_query_add(query, ") IN (SELECT ");
    pgs_key_columns(query, s->table, "c.");
    pgs_query_add(query, " FROM ");
    pgs_query_add(query, field->child);
    pgs_query_add(query, " AS c WHERE ");
    CHY_TRY(pgs_where_child(query, p));
    pgs_query_add(query, ")");
    return CHY_OK;
}

static chy_status add_driven(const struct pgs_search *s, struct pgs_query *query)
{
    pgs_query_add(query, " FROM (");
    add_source(s, query);
    CHY_TRY(where_driver(s, s->driver, query));
    // OFFSET 0 keeps the planner from choosing another way than the one that was probed.
    pgs_query_add(query, " OFFSET 0) AS t WHERE ");
    CHY_TRY(pgs_where_all(query, s->table, s->find->where));
    if (s->has_place) {
        struct pgs_branch branches[2 * CHY_STORAGE_TERMS_MAX];
        uint32_t count = pgs_branches(s->table, s->order, s->order_count, s->place, branches);
        for (uint32_t i = 0; i < count; i++) {
            pgs_query_add(query, i == 0 ? " AND ((" : ") OR (");
            CHY_TRY(pgs_where_branch(query, s->table, s->order, s->place, branches[i]));
        }
        pgs_query_add(query, count == 0 ? " AND false" : "))");
    }
    pgs_order_by(query, s->table, "t.", s->sort, s->sort_count);
    add_number(query, " LIMIT ", rounded_limit(s->find->limit));
    if (s->find->skip != 0) {
        pgs_query_add(query, " OFFSET ");
        pgs_query_int(query, (int64_t)s->find->skip);
    }
    return CHY_OK;
}

chy_status pgs_search_sql(const struct pgs_search *search, struct pgs_query *query)
{
    pgs_query_add(query, "SELECT ");
    pgs_add_fields(query, search->table, search->find->fields);
    add_terms(search, query);
    switch (search->mode) {
    case PGS_PLAIN: return add_plain(search, query);
    case PGS_SCAN: return add_scan(search, query);
    case PGS_DRIVEN: return add_driven(search, query);
    }
    return CHY_OK;
}

/** The index's order, so that the planner takes no other way: that one might read everything. */
static void add_driver_order(const struct pgs_search *s, const struct pgs_driver *driver,
                             struct pgs_query *query)
{
    if (driver->fields == NULL) {
        pgs_query_add(query, " ORDER BY c.\"value$\", ");
        pgs_key_columns(query, s->table, "c.");
        return;
    }
    struct chy_order terms[CHY_STORAGE_TERMS_MAX];
    uint32_t count = 0;
    for (; count < driver->field_count && count < CHY_STORAGE_TERMS_MAX; count++) {
        terms[count] = (struct chy_order){driver->fields[count], 0};
    }
    pgs_order_by(query, s->table, "t.", terms, count);
}

chy_status pgs_search_probe_sql(const struct pgs_search *search, const struct pgs_driver *driver,
                                struct pgs_query *query)
{
    const struct chy_predicate *p = driver->where.ptr;
    const struct pgs_field *field = &search->table->fields[p->field];
    pgs_query_add(query, "SELECT count(*) FROM (SELECT 1 FROM ");
    pgs_query_add(query, field->many ? field->child : search->table->quoted);
    pgs_query_add(query, field->many ? " AS c WHERE " : " AS t WHERE ");
    CHY_TRY(field->many ? pgs_where_child(query, p)
                        : pgs_where_all(query, search->table, driver->where));
    add_driver_order(search, driver, query);
    add_number(query, " LIMIT ", search->scan_limit + 1);
    pgs_query_add(query, ") AS found");
    return CHY_OK;
}
