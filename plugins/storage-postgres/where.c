#include "where.h"

static void add_column(struct pgs_query *query, const char *alias, const struct pgs_field *field)
{
    pgs_query_add(query, alias);
    pgs_query_add(query, field->quoted);
}

/** add_value adds a parameter whose cell lives in the arena. */
static chy_status add_value(struct pgs_query *query, uint32_t type, const struct chy_value *value)
{
    struct pgs_cell *cell = chy_alloc(query->sql.op, sizeof *cell);
    if (cell == NULL) {
        return chy_fail_memory(query->sql.op);
    }
    pgs_cell_of(value, cell);
    pgs_query_value(query, pgs_oid_of(type), cell);
    return CHY_OK;
}

static chy_status add_text(struct pgs_query *query, struct chy_slice text)
{
    struct chy_value value = {.type = CHY_VALUE_TEXT, .bytes = text};
    return add_value(query, CHY_VALUE_TEXT, &value);
}

/** The last character of `text`, which is valid UTF-8 and not empty, and where it begins. */
static uint32_t last_character(struct chy_slice text, uint64_t *out_start)
{
    uint64_t start = text.len - 1;
    while (start > 0 && (text.ptr[start] & 0xC0) == 0x80) {
        start--;
    }
    static const uint8_t lead_bits[] = {0x7F, 0x1F, 0x0F, 0x07};
    uint64_t length = text.len - start;
    uint32_t character = text.ptr[start] & lead_bits[length - 1];
    for (uint64_t i = 1; i < length; i++) {
        character = character << 6 | (text.ptr[start + i] & 0x3F);
    }
    *out_start = start;
    return character;
}

static uint64_t put_character(uint8_t *out, uint32_t character)
{
    if (character < 0x80) {
        out[0] = (uint8_t)character;
        return 1;
    }
    uint64_t length = character < 0x800 ? 2 : character < 0x10000 ? 3 : 4;
    static const uint8_t leads[] = {0, 0, 0xC0, 0xE0, 0xF0};
    for (uint64_t i = length - 1; i > 0; i--) {
        out[i] = (uint8_t)(0x80 | (character & 0x3F));
        character >>= 6;
    }
    out[0] = (uint8_t)(leads[length] | character);
    return length;
}

/**
 * The least text behind all that begin with `prefix`: the order of characters is that of their
 * bytes. Empty when there is none.
 */
static chy_status end_of_prefix(struct chy_op *op, struct chy_slice prefix,
                                struct chy_slice *out_end)
{
    while (prefix.len != 0) {
        uint64_t start = 0;
        uint32_t character = last_character(prefix, &start) + 1;
        if (character <= 0x10FFFF) {
            if (character >= 0xD800 && character <= 0xDFFF) {
                character = 0xE000; // surrogates are no characters
            }
            uint8_t *end = chy_alloc(op, start + 4);
            if (end == NULL) {
                return chy_fail_memory(op);
            }
            memcpy(end, prefix.ptr, (size_t)start);
            *out_end = chy_slice_of(end, start + put_character(end + start, character));
            return CHY_OK;
        }
        prefix.len = start;
    }
    *out_end = prefix;
    return CHY_OK;
}

static chy_status where_prefix(struct pgs_query *query, const char *alias, const char *column,
                               struct chy_slice prefix)
{
    struct chy_slice end = {NULL, 0};
    CHY_TRY(end_of_prefix(query->sql.op, prefix, &end));
    pgs_query_add(query, alias);
    pgs_query_add(query, column);
    pgs_query_add(query, " >= ");
    CHY_TRY(add_text(query, prefix));
    if (end.len != 0) {
        pgs_query_add(query, " AND ");
        pgs_query_add(query, alias);
        pgs_query_add(query, column);
        pgs_query_add(query, " < ");
        CHY_TRY(add_text(query, end));
    }
    return CHY_OK;
}

static chy_status where_in(struct pgs_query *query, const struct pgs_field *field,
                           struct chy_view values)
{
    struct pgs_cell *cells = chy_alloc(query->sql.op, (values.count + 1) * sizeof *cells);
    struct pgs_cell *array = chy_alloc(query->sql.op, sizeof *array);
    if (cells == NULL || array == NULL) {
        return chy_fail_memory(query->sql.op);
    }
    uint64_t count = 0;
    for (uint64_t i = 0; i < values.count; i++) {
        const struct chy_value *value = pgs_at(values, i);
        if (value->type != CHY_VALUE_NULL) { // null equals nothing
            pgs_cell_of(value, &cells[count++]);
        }
    }
    CHY_TRY(pgs_cell_array(query->sql.op, field->type, cells, count, array));
    add_column(query, "t.", field);
    pgs_query_add(query, " = ANY (");
    pgs_query_value(query, pgs_array_oid_of(field->type), array);
    pgs_query_add(query, ")");
    return CHY_OK;
}

static chy_status where_range(struct pgs_query *query, const struct pgs_field *field,
                              const struct chy_predicate *predicate)
{
    add_column(query, "t.", field);
    pgs_query_add(query, " IS NOT NULL");
    if (predicate->low.type != CHY_VALUE_NULL) {
        pgs_query_add(query, " AND ");
        add_column(query, "t.", field);
        pgs_query_add(query, " >= ");
        CHY_TRY(add_value(query, field->type, &predicate->low));
    }
    if (predicate->high.type != CHY_VALUE_NULL) {
        pgs_query_add(query, " AND ");
        add_column(query, "t.", field);
        pgs_query_add(query, " < ");
        CHY_TRY(add_value(query, field->type, &predicate->high));
    }
    return CHY_OK;
}

chy_status pgs_where_child(struct pgs_query *query, const struct chy_predicate *predicate)
{
    if (predicate->kind == CHY_WHERE_HAS) {
        pgs_query_add(query, "c.\"value$\" = ");
        return add_text(query, predicate->low.bytes);
    }
    return where_prefix(query, "c.", "\"value$\"", predicate->low.bytes);
}

static chy_status where_has(struct pgs_query *query, const struct pgs_table *table,
                            const struct pgs_field *field, const struct chy_predicate *predicate)
{
    pgs_query_add(query, "EXISTS (SELECT 1 FROM ");
    pgs_query_add(query, field->child);
    pgs_query_add(query, " AS c WHERE ");
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct pgs_field *key = &table->fields[table->key[i]];
        add_column(query, "c.", key);
        add_column(query, " = t.", key);
        pgs_query_add(query, " AND ");
    }
    CHY_TRY(pgs_where_child(query, predicate));
    // OFFSET 0 keeps the planner from reading all sets at once for the few rows that it looks at.
    pgs_query_add(query, " OFFSET 0)");
    return CHY_OK;
}

chy_status pgs_where_one(struct pgs_query *query, const struct pgs_table *table,
                         const struct chy_predicate *predicate)
{
    const struct pgs_field *field = pgs_field_at(table, predicate->field);
    switch ((enum chy_predicate_kind)predicate->kind) {
    case CHY_WHERE_EQ:
        add_column(query, "t.", field);
        pgs_query_add(query, " = ");
        return add_value(query, field->type, &predicate->low);
    case CHY_WHERE_IN: return where_in(query, field, predicate->values);
    case CHY_WHERE_RANGE: return where_range(query, field, predicate);
    case CHY_WHERE_PREFIX: return where_prefix(query, "t.", field->quoted, predicate->low.bytes);
    case CHY_WHERE_NULL:
        add_column(query, "t.", field);
        pgs_query_add(query, " IS NULL");
        return CHY_OK;
    case CHY_WHERE_NOT_NULL:
        add_column(query, "t.", field);
        pgs_query_add(query, " IS NOT NULL");
        return CHY_OK;
    case CHY_WHERE_HAS:
    case CHY_WHERE_HAS_PREFIX: return where_has(query, table, field, predicate);
    }
    return chy_fail(query->sql.op, CHY_BAD_INPUT, 0, "unknown predicate %u", predicate->kind);
}

chy_status pgs_where_all(struct pgs_query *query, const struct pgs_table *table,
                         struct chy_view where)
{
    for (uint64_t i = 0; i < where.count; i++) {
        pgs_query_add(query, i == 0 ? "" : " AND ");
        CHY_TRY(pgs_where_one(query, table, pgs_at(where, i)));
    }
    if (where.count == 0) {
        pgs_query_add(query, "true");
    }
    return CHY_OK;
}

void pgs_where_key(struct pgs_query *query, const struct pgs_table *table,
                   const struct pgs_cell *key)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        const struct pgs_field *field = &table->fields[table->key[i]];
        add_column(query, i == 0 ? "t." : " AND t.", field);
        pgs_query_add(query, " = ");
        pgs_query_value(query, pgs_oid_of(field->type), &key[i]);
    }
}

void pgs_key_columns(struct pgs_query *query, const struct pgs_table *table, const char *alias)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        pgs_query_add(query, i == 0 ? "" : ", ");
        add_column(query, alias, &table->fields[table->key[i]]);
    }
}

void pgs_order_by(struct pgs_query *query, const struct pgs_table *table, const char *alias,
                  const struct chy_order *terms, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        const struct pgs_field *field = &table->fields[terms[i].field];
        pgs_query_add(query, i == 0 ? " ORDER BY " : ", ");
        add_column(query, alias, field);
        // As the indexes have it (model.h): otherwise they could not give the order.
        if (terms[i].descending != 0) {
            pgs_query_add(query, field->nullable ? " DESC NULLS LAST" : " DESC");
        } else {
            pgs_query_add(query, field->nullable ? " NULLS FIRST" : "");
        }
    }
}

uint32_t pgs_branches(const struct pgs_table *table, const struct chy_order *terms, uint64_t count,
                      const struct chy_value *place, struct pgs_branch *out_branches)
{
    uint32_t found = 0;
    for (uint32_t depth = (uint32_t)count; depth-- > 0;) {
        bool null = place[depth].type == CHY_VALUE_NULL;
        bool down = terms[depth].descending != 0;
        if (!null || !down) { // behind null, going down, there is nothing
            out_branches[found++] = (struct pgs_branch){depth, false};
        }
        if (!null && down && table->fields[terms[depth].field].nullable) {
            out_branches[found++] = (struct pgs_branch){depth, true};
        }
    }
    return found;
}

static chy_status where_same(struct pgs_query *query, const struct pgs_field *field,
                             const struct chy_value *value)
{
    add_column(query, "t.", field);
    if (value->type == CHY_VALUE_NULL) {
        pgs_query_add(query, " IS NULL");
        return CHY_OK;
    }
    pgs_query_add(query, " = ");
    return add_value(query, field->type, value);
}

chy_status pgs_where_branch(struct pgs_query *query, const struct pgs_table *table,
                            const struct chy_order *terms, const struct chy_value *place,
                            struct pgs_branch branch)
{
    for (uint32_t i = 0; i < branch.depth; i++) {
        CHY_TRY(where_same(query, &table->fields[terms[i].field], &place[i]));
        pgs_query_add(query, " AND ");
    }
    const struct pgs_field *field = &table->fields[terms[branch.depth].field];
    const struct chy_value *value = &place[branch.depth];
    add_column(query, "t.", field);
    if (branch.null) {
        pgs_query_add(query, " IS NULL");
        return CHY_OK;
    }
    if (value->type == CHY_VALUE_NULL) {
        pgs_query_add(query, " IS NOT NULL");
        return CHY_OK;
    }
    pgs_query_add(query, terms[branch.depth].descending != 0 ? " < " : " > ");
    return add_value(query, field->type, value);
}
