#include "catalog.h"

#include "auto.h"

#include <stdio.h>

static const char columns_sql[] =
    "SELECT c.relname::text, a.attname::text, format_type(a.atttypid, a.atttypmod) || "
    "CASE WHEN a.attcollation = 0 THEN '' ELSE ' COLLATE \"' || l.collname || '\"' END, "
    "CASE WHEN a.attnotnull THEN CASE WHEN a.atthasdef THEN 'd' ELSE 'n' END ELSE '' END "
    "FROM pg_class AS c JOIN pg_namespace AS s ON s.oid = c.relnamespace "
    "JOIN pg_attribute AS a ON a.attrelid = c.oid "
    "LEFT JOIN pg_collation AS l ON l.oid = a.attcollation "
    "WHERE c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped AND s.nspname = ";

static const char indexes_sql[] =
    "SELECT t.relname::text, i.relname::text, "
    "CASE WHEN x.indisunique THEN 'u' ELSE '' END || "
    "CASE WHEN x.indpred IS NOT NULL OR x.indexprs IS NOT NULL THEN 'x' ELSE '' END, "
    "CASE WHEN x.indisvalid AND x.indisready THEN '' ELSE 'i' END, "
    "(SELECT string_agg(a.attname || CASE x.indoption[(k.n - 1)::int] & 3 WHEN 0 THEN '' "
    "WHEN 2 THEN ' NULLS FIRST' ELSE ' DESC' END, ', ' ORDER BY k.n) "
    "FROM unnest(x.indkey::int2[]) WITH ORDINALITY AS k(att, n) "
    "JOIN pg_attribute AS a ON a.attrelid = t.oid AND a.attnum = k.att) "
    "FROM pg_index AS x JOIN pg_class AS i ON i.oid = x.indexrelid "
    "JOIN pg_class AS t ON t.oid = x.indrelid JOIN pg_namespace AS s ON s.oid = t.relnamespace "
    "WHERE s.nspname = ";

/** What the comparison has in hand. */
struct comparison {
    struct chy_op *op;
    const struct pgs_model *model;
    const PGresult *columns; // table, column, type, "n": not null, "d": not null but with default
    const PGresult *indexes; // table, index, "u" unique and "x" partial, "i": unfinished, columns
    struct pgs_catalog *catalog;
    uint32_t room;
};

static struct chy_slice text_at(const PGresult *result, int row, int column)
{
    return chy_slice_of(PQgetvalue(result, row, column),
                        (uint64_t)PQgetlength(result, row, column));
}

static int find_pair(const PGresult *result, struct chy_slice first, struct chy_slice second)
{
    for (int row = 0; row < PQntuples(result); row++) {
        if (chy_slice_equal(text_at(result, row, 1), second) &&
            chy_slice_equal(text_at(result, row, 0), first)) {
            return row;
        }
    }
    return -1;
}

static bool has_table(const struct comparison *c, struct chy_slice table)
{
    for (int row = 0; row < PQntuples(c->columns); row++) {
        if (chy_slice_equal(text_at(c->columns, row, 0), table)) {
            return true;
        }
    }
    return false;
}

/** Appends a gap and says what it is: "<what> '<table>.<part>' <how>". */
static chy_status add_gap(struct comparison *c, const struct pgs_gap *gap, const char *what,
                          struct chy_slice part, const char *how)
{
    struct pgs_catalog *catalog = c->catalog;
    if (catalog->gap_count == c->room) {
        uint32_t room = c->room == 0 ? 16 : c->room * 2;
        struct pgs_gap *grown = chy_alloc(c->op, room * sizeof *grown);
        if (grown == NULL) {
            return chy_fail_memory(c->op);
        }
        if (catalog->gap_count != 0) {
            memcpy(grown, catalog->gaps, catalog->gap_count * sizeof *grown);
        }
        catalog->gaps = grown;
        c->room = room;
    }
    struct pgs_text text;
    pgs_text_init(&text, c->op);
    pgs_text_add(&text, what);
    pgs_text_add(&text, " '");
    pgs_text_add_bytes(&text, (const char *)gap->table->name.ptr, gap->table->name.len);
    if (part.len != 0) {
        pgs_text_add(&text, ".");
        pgs_text_add_bytes(&text, (const char *)part.ptr, part.len);
    }
    pgs_text_add(&text, "' ");
    pgs_text_add(&text, how);
    if (text.failed) {
        return chy_fail_memory(c->op);
    }
    catalog->gaps[catalog->gap_count] = *gap;
    catalog->gaps[catalog->gap_count++].text = text.ptr;
    return CHY_OK;
}

static chy_status compare_column(struct comparison *c, const struct pgs_table *table,
                                 const struct pgs_field *field)
{
    struct pgs_gap gap = {.kind = PGS_GAP_COLUMN, .table = table, .field = field};
    int row = find_pair(c->columns, table->name, field->name);
    if (row < 0) {
        return add_gap(c, &gap, "field", field->name, "is missing");
    }
    gap.kind = PGS_GAP_CLASH;
    if (!chy_slice_is(text_at(c->columns, row, 2), pgs_type_name(field->type))) {
        return add_gap(c, &gap, "field", field->name, "has another type");
    }
    if ((PQgetlength(c->columns, row, 3) == 0) != field->nullable) {
        return add_gap(c, &gap, "field", field->name,
                       field->nullable ? "must not be null" : "may be null");
    }
    return CHY_OK;
}

void pgs_index_columns(struct pgs_text *text, const struct pgs_table *table,
                       const struct pgs_index *index, bool quoted)
{
    for (uint32_t i = 0; i < index->count; i++) {
        const struct pgs_field *field = &table->fields[index->fields[i]];
        pgs_text_add(text, i == 0 ? "" : ", ");
        if (quoted) {
            pgs_text_add(text, field->quoted);
        } else {
            pgs_text_add_bytes(text, (const char *)field->name.ptr, field->name.len);
        }
        pgs_text_add(text, field->nullable ? " NULLS FIRST" : "");
    }
}

static chy_status compare_index(struct comparison *c, const struct pgs_table *table,
                                const struct pgs_index *index)
{
    struct pgs_gap gap = {.kind = PGS_GAP_INDEX, .table = table, .index = index};
    int row = find_pair(c->indexes, table->name, index->relation);
    if (row < 0) {
        return add_gap(c, &gap, "index", index->name, "is missing");
    }
    gap.invalid = PQgetlength(c->indexes, row, 3) != 0;
    if (gap.invalid) {
        return add_gap(c, &gap, "index", index->name, "is unfinished");
    }
    struct pgs_text columns;
    pgs_text_init(&columns, c->op);
    pgs_index_columns(&columns, table, index, false);
    if (columns.failed) {
        return chy_fail_memory(c->op);
    }
    if (!chy_slice_is(text_at(c->indexes, row, 2), index->unique ? "u" : "") ||
        !chy_slice_is(text_at(c->indexes, row, 4), columns.ptr)) {
        gap.kind = PGS_GAP_CLASH;
        return add_gap(c, &gap, "index", index->name, "has other fields");
    }
    return CHY_OK;
}

static chy_status compare_key(struct comparison *c, const struct pgs_table *table)
{
    struct pgs_index key = {.count = table->key_count, .fields = table->key};
    struct pgs_gap gap = {.kind = PGS_GAP_CLASH, .table = table};
    struct pgs_text columns;
    pgs_text_init(&columns, c->op);
    pgs_index_columns(&columns, table, &key, false);
    if (columns.failed) {
        return chy_fail_memory(c->op);
    }
    int row = find_pair(c->indexes, table->name, table->key_relation);
    if (row < 0 || !chy_slice_is(text_at(c->indexes, row, 4), columns.ptr)) {
        return add_gap(c, &gap, "the key of", (struct chy_slice){NULL, 0}, "is another one");
    }
    return CHY_OK;
}

static chy_status compare_set(struct comparison *c, const struct pgs_table *table,
                              const struct pgs_field *field)
{
    struct pgs_gap gap = {.kind = PGS_GAP_SET, .table = table, .field = field};
    if (!has_table(c, field->child_name)) {
        return add_gap(c, &gap, "field", field->name, "is missing");
    }
    gap.kind = PGS_GAP_VALUE_INDEX;
    int row = find_pair(c->indexes, field->child_name, field->child_index);
    if (row < 0) {
        return add_gap(c, &gap, "the index of field", field->name, "is missing");
    }
    gap.invalid = PQgetlength(c->indexes, row, 3) != 0;
    return gap.invalid ? add_gap(c, &gap, "the index of field", field->name, "is unfinished")
                       : CHY_OK;
}

/** A column that a newer program added is fine, unless each row must give it. */
static chy_status compare_strangers(struct comparison *c, const struct pgs_table *table)
{
    for (int row = 0; row < PQntuples(c->columns); row++) {
        struct chy_slice name = text_at(c->columns, row, 1);
        if (!chy_slice_equal(text_at(c->columns, row, 0), table->name) ||
            !chy_slice_is(text_at(c->columns, row, 3), "n") || chy_slice_is(name, "revision$")) {
            continue;
        }
        bool known = false;
        for (uint32_t i = 0; i < table->field_count; i++) {
            known = known || chy_slice_equal(table->fields[i].name, name);
        }
        if (!known) {
            struct pgs_gap gap = {.kind = PGS_GAP_CLASH, .table = table};
            CHY_TRY(add_gap(c, &gap, "field", name, "is unknown and must not be null"));
        }
    }
    return CHY_OK;
}

static chy_status compare_table(struct comparison *c, const struct pgs_table *table)
{
    if (!has_table(c, table->name)) {
        struct pgs_gap gap = {.kind = PGS_GAP_TABLE, .table = table};
        return add_gap(c, &gap, "collection", (struct chy_slice){NULL, 0}, "is missing");
    }
    for (uint32_t i = 0; i < table->field_count; i++) {
        const struct pgs_field *field = &table->fields[i];
        CHY_TRY(field->many ? compare_set(c, table, field) : compare_column(c, table, field));
    }
    CHY_TRY(compare_key(c, table));
    for (uint32_t i = 0; i < table->index_count; i++) {
        CHY_TRY(compare_index(c, table, &table->indexes[i]));
    }
    return compare_strangers(c, table);
}

static chy_status ask_catalog(struct pgs_store *store, struct chy_op *op, const char *sql,
                              PGresult **out_result)
{
    struct pgs_query query;
    pgs_query_init(&query, op);
    pgs_query_add(&query, sql);
    pgs_query_bytes(&query, PGS_TEXT, (const char *)store->model->schema.ptr,
                    (int)store->model->schema.len);
    return pgs_ask(store, op, &query, "looking at the schema", out_result);
}

static bool has_meta(const PGresult *columns)
{
    return find_pair(columns, chy_text("chancery$meta"), chy_text("version")) >= 0;
}

static chy_status read_version(struct pgs_store *store, struct chy_op *op,
                               struct pgs_catalog *catalog)
{
    struct pgs_query query;
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    pgs_query_init(&query, op);
    pgs_query_add(&query, "SELECT version, min_compatible FROM ");
    pgs_query_add(&query, store->model->meta);
    CHY_TRY(pgs_ask(store, op, &query, "reading the schema's version", &result));
    catalog->made = PQntuples(result) != 0;
    catalog->version = pgs_result_int(result, 0, 0);
    catalog->min_compatible = pgs_result_int(result, 0, 1);
    return CHY_OK;
}

chy_status pgs_catalog_read(struct pgs_store *store, struct chy_op *op,
                            struct pgs_catalog *out_catalog)
{
    struct pgs_catalog catalog;
    memset(&catalog, 0, sizeof catalog);
    PGS_AUTO(pgs_clear) PGresult *columns = NULL;
    PGS_AUTO(pgs_clear) PGresult *indexes = NULL;
    CHY_TRY(ask_catalog(store, op, columns_sql, &columns));
    CHY_TRY(ask_catalog(store, op, indexes_sql, &indexes));
    if (has_meta(columns)) {
        CHY_TRY(read_version(store, op, &catalog));
    }
    struct comparison c = {op, store->model, columns, indexes, &catalog, 0};
    for (uint32_t i = 0; i < store->model->table_count; i++) {
        CHY_TRY(compare_table(&c, &store->model->tables[i]));
    }
    *out_catalog = catalog;
    return CHY_OK;
}

enum chy_schema_state_value pgs_catalog_state(const struct pgs_store *store,
                                              const struct pgs_catalog *catalog)
{
    if (!catalog->made) {
        return CHY_SCHEMA_EMPTY;
    }
    if (catalog->version < store->model->version) {
        return CHY_SCHEMA_OLDER;
    }
    if (catalog->version > store->model->version &&
        catalog->min_compatible > store->model->version) {
        return CHY_SCHEMA_TOO_NEW;
    }
    if (catalog->gap_count != 0) {
        return CHY_SCHEMA_DIFFERS;
    }
    return catalog->version > store->model->version ? CHY_SCHEMA_NEWER : CHY_SCHEMA_CURRENT;
}

chy_status pgs_catalog_text(struct chy_op *op, const struct pgs_catalog *catalog,
                            struct chy_slice *out_text)
{
    const uint32_t most = 8;
    struct pgs_text text;
    pgs_text_init(&text, op);
    pgs_text_add(&text, "");
    for (uint32_t i = 0; i < catalog->gap_count && i < most; i++) {
        pgs_text_add(&text, i == 0 ? "" : "; ");
        pgs_text_add(&text, catalog->gaps[i].text);
    }
    if (catalog->gap_count > most) {
        pgs_text_add(&text, "; and ");
        pgs_text_add_number(&text, catalog->gap_count - most);
        pgs_text_add(&text, " more");
    }
    if (text.failed) {
        return chy_fail_memory(op);
    }
    *out_text = chy_slice_of(text.ptr, text.len);
    return CHY_OK;
}
