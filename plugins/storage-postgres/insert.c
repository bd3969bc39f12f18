// Rows by multi-row INSERTs, in chunks of 32, 16 … 1; pgs_insert_rows() of step.h.
#include "step.h"

void pgs_add_columns(struct pgs_query *query, const struct pgs_table *table)
{
    for (uint32_t i = 0; i < table->field_count; i++) {
        if (!table->fields[i].many) {
            pgs_query_add(query, table->fields[i].quoted);
            pgs_query_add(query, ", ");
        }
    }
    pgs_query_add(query, "\"revision$\"");
}

/** The largest chunk that `count` rows of `columns` parameters fill: its size is 2^result. */
static uint32_t chunk_of(uint64_t count, uint32_t columns)
{
    uint32_t power = PGS_CHUNKS - 1;
    while (power > 0 &&
           ((UINT64_C(1) << power) > count || (columns << power) > PGS_PARAMETERS_MAX)) {
        power--;
    }
    return power;
}

/** The words of the statement; the parameters are in the query already, and give the types. */
static void add_row_values(struct pgs_query *query, uint32_t rows, uint32_t columns,
                           const char *last)
{
    uint32_t number = 0;
    for (uint32_t row = 0; row < rows; row++) {
        pgs_query_add(query, row == 0 ? " VALUES (" : ", (");
        for (uint32_t column = 0; column < columns; column++) {
            pgs_query_add(query, column == 0 ? "$" : ", $");
            pgs_text_add_number(&query->sql, ++number);
        }
        pgs_query_add(query, last);
        pgs_query_add(query, ")");
    }
}

static void add_table_words(struct pgs_query *query, const struct pgs_table *table, uint32_t rows)
{
    pgs_query_add(query, "INSERT INTO ");
    pgs_query_add(query, table->quoted);
    pgs_query_add(query, " (");
    pgs_add_columns(query, table);
    pgs_query_add(query, ")");
    add_row_values(query, rows, table->column_count, ", 1");
}

static void add_child_words(struct pgs_query *query, const struct pgs_table *table,
                            const struct pgs_field *field, uint32_t rows)
{
    pgs_query_add(query, "INSERT INTO ");
    pgs_query_add(query, field->child);
    pgs_query_add(query, " (");
    for (uint32_t i = 0; i < table->key_count; i++) {
        pgs_query_add(query, table->fields[table->key[i]].quoted);
        pgs_query_add(query, ", ");
    }
    pgs_query_add(query, "\"value$\")");
    add_row_values(query, rows, table->key_count + 1, "");
    pgs_query_add(query, " ON CONFLICT DO NOTHING");
}

/**
 * Appends a step like `like` for one chunk, whose cells the query holds.  The statement is made
 * once; its words are thousands of bytes.
 */
static chy_status finish_chunk(struct pgs_steps *steps, struct pgs_query *query,
                               const struct pgs_table *table, const struct pgs_field *child,
                               uint32_t power, const struct pgs_step *like)
{
    struct pgs_chunks *chunks = child == NULL ? table->inserts : child->child_inserts;
    if (query->sql.failed) {
        return chy_fail_memory(steps->op);
    }
    const struct pgs_statement *statement = atomic_load(&chunks->of[power]);
    if (statement == NULL) {
        if (child == NULL) {
            add_table_words(query, table, UINT32_C(1) << power);
        } else {
            add_child_words(query, table, child, UINT32_C(1) << power);
        }
        CHY_TRY(pgs_query_statement(steps->statements, query, &statement));
        if (statement->named) {
            atomic_store(&chunks->of[power], statement);
        }
    }
    struct pgs_step step = *like;
    step.call = pgs_call_of(statement, query);
    return pgs_step_add(steps, &step);
}

static chy_status insert_chunk(struct pgs_steps *steps, struct pgs_write **writes, uint32_t power)
{
    const struct pgs_table *table = writes[0]->table;
    struct pgs_query query;
    pgs_query_init(&query, steps->op);
    for (uint32_t row = 0; row < UINT32_C(1) << power; row++) {
        for (uint32_t i = 0; i < table->field_count; i++) {
            if (!table->fields[i].many) {
                pgs_query_push(&query, pgs_oid_of(table->fields[i].type), &writes[row]->cells[i]);
            }
        }
    }
    const struct pgs_step rows = {
        .answer = PGS_FRESH, .writes = writes, .write_count = UINT32_C(1) << power};
    return finish_chunk(steps, &query, table, NULL, power, &rows);
}

/** One text of a set of one row. */
struct item {
    const struct pgs_write *write;
    const struct pgs_cell *value;
};

static chy_status insert_items(struct pgs_steps *steps, const struct pgs_table *table,
                               const struct pgs_field *field, const struct item *items,
                               uint64_t count)
{
    const struct pgs_step texts = {.answer = PGS_SILENT};
    for (uint64_t at = 0; at < count;) {
        uint32_t power = chunk_of(count - at, table->key_count + 1);
        struct pgs_query query;
        pgs_query_init(&query, steps->op);
        for (uint64_t i = at; i < at + (UINT64_C(1) << power); i++) {
            for (uint32_t k = 0; k < table->key_count; k++) {
                pgs_query_push(&query, pgs_oid_of(table->fields[table->key[k]].type),
                               &items[i].write->key[k]);
            }
            pgs_query_push(&query, PGS_TEXT, items[i].value);
        }
        CHY_TRY(finish_chunk(steps, &query, table, field, power, &texts));
        at += UINT64_C(1) << power;
    }
    return CHY_OK;
}

static chy_status insert_sets(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count,
                              uint32_t field)
{
    uint64_t total = 0;
    for (uint32_t i = 0; i < count; i++) {
        total += writes[i]->sets[field].count;
    }
    struct item *items = chy_alloc(steps->op, (total + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(steps->op);
    }
    uint64_t at = 0;
    for (uint32_t i = 0; i < count; i++) {
        for (uint64_t n = 0; n < writes[i]->sets[field].count; n++) {
            items[at++] = (struct item){writes[i], &writes[i]->sets[field].items[n]};
        }
    }
    const struct pgs_table *table = writes[0]->table;
    return insert_items(steps, table, &table->fields[field], items, total);
}

chy_status pgs_insert_rows(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count)
{
    const struct pgs_table *table = writes[0]->table;
    for (uint32_t at = 0; at < count;) {
        uint32_t power = chunk_of(count - at, table->column_count);
        CHY_TRY(insert_chunk(steps, &writes[at], power));
        at += UINT32_C(1) << power;
    }
    for (uint32_t i = 0; i < table->field_count; i++) {
        if (table->fields[i].many) {
            CHY_TRY(insert_sets(steps, writes, count, i));
        }
    }
    return CHY_OK;
}
