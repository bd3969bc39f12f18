// Counters that grow; pgs_change_counter() of change.h.
#include "change.h"

static int64_t sum_of_deltas(const struct pgs_change *c)
{
    int64_t sum = 0;
    for (uint32_t i = 0; i < c->count; i++) {
        sum += c->writes[i]->given->delta; // merged only where the sum exists
    }
    return sum;
}

/** Adds the counter's next value. */
static void add_sum(struct pgs_change *c, int64_t delta)
{
    pgs_change_add(c, "coalesce(t.");
    pgs_change_add(c, pgs_field_at(c->table, c->write->given->add_field)->quoted);
    pgs_change_add(c, ", 0) + ");
    pgs_query_int(&c->query, delta);
}

/** Adds `, "counter" = …`. */
static void add_counter(struct pgs_change *c, int64_t delta)
{
    pgs_change_add(c, ", ");
    pgs_change_add(c, pgs_field_at(c->table, c->write->given->add_field)->quoted);
    pgs_change_add(c, " = ");
    add_sum(c, delta);
}

static void add_returning_counter(struct pgs_change *c)
{
    pgs_change_add(c, " RETURNING t.");
    pgs_change_add(c, pgs_field_at(c->table, c->write->given->add_field)->quoted);
    pgs_change_add(c, " AS s, t.\"revision$\" AS r");
}

static chy_status add_to(struct pgs_change *c)
{
    const struct chy_storage_write *given = c->write->given;
    pgs_change_begin(c);
    pgs_change_add(c, "WITH w AS (UPDATE ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t SET \"revision$\" = t.\"revision$\" + 1");
    add_counter(c, given->delta);
    pgs_change_where(c);
    pgs_change_guard(c);
    if (given->has_maximum != 0) {
        pgs_change_add(c, " AND ");
        add_sum(c, given->delta);
        pgs_change_add(c, " <= ");
        pgs_query_int(&c->query, given->maximum);
    }
    add_returning_counter(c);
    pgs_change_require_row(c, "(SELECT s FROM w), (SELECT r FROM w)");
    return pgs_change_end(c, PGS_SUM, true);
}

/** The sets of a row that an add makes: only if it made it, which its revision tells. */
static void add_sets_of_fresh_row(struct pgs_change *c, const struct pgs_cell *const *arrays)
{
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        if (arrays[i] == NULL) {
            continue;
        }
        pgs_change_add(c, ", c");
        pgs_text_add_number(&c->query.sql, i);
        pgs_change_add(c, " AS (");
        pgs_change_insert_items(c, &c->table->fields[i], arrays[i]);
        pgs_change_add(c, ", w WHERE w.r = ");
        pgs_query_int(&c->query, c->count);
        pgs_change_add(c, " ON CONFLICT DO NOTHING)");
    }
}

/** One parameter for each set that is not empty; NULL, with the failure recorded: no memory. */
static const struct pgs_cell **arrays_of_sets(struct pgs_change *c)
{
    const struct pgs_cell **arrays =
        chy_alloc(c->steps->op, c->table->field_count * sizeof(struct pgs_cell *));
    if (arrays == NULL) {
        (void)chy_fail_memory(c->steps->op);
        return NULL;
    }
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        if (c->table->fields[i].many && c->write->sets[i].count != 0) {
            struct pgs_cell *array = NULL;
            if (pgs_change_set_array(c, &c->write->sets[i], &array) != CHY_OK) {
                return NULL;
            }
            arrays[i] = array;
        }
    }
    return arrays;
}

static void add_row_with_counter(struct pgs_change *c, int64_t delta)
{
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        const struct pgs_field *field = &c->table->fields[i];
        if (field->many) {
            continue;
        }
        if (i == c->write->given->add_field) {
            pgs_query_int(&c->query, delta);
        } else {
            pgs_query_value(&c->query, pgs_oid_of(field->type), &c->write->cells[i]);
        }
        pgs_change_add(c, ", ");
    }
    pgs_query_int(&c->query, c->count); // the revision: one for each add
}

/** A maximum holds for a row that is made, too. */
static void add_within_maximum(struct pgs_change *c)
{
    const struct chy_storage_write *given = c->write->given;
    pgs_change_add(c, " WHERE ");
    pgs_query_int(&c->query, given->delta);
    pgs_change_add(c, " <= ");
    pgs_query_int(&c->query, given->maximum);
    pgs_change_add(c, " OR EXISTS (SELECT 1 FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t");
    pgs_change_where(c);
    pgs_change_add(c, ")");
}

static chy_status add_or_make(struct pgs_change *c)
{
    const struct chy_storage_write *given = c->write->given;
    int64_t delta = sum_of_deltas(c);
    const struct pgs_cell **arrays = arrays_of_sets(c);
    if (arrays == NULL) {
        return CHY_NO_MEMORY;
    }
    pgs_change_begin(c);
    pgs_change_add(c, "WITH w AS (");
    pgs_change_insert_into(c);
    pgs_change_add(c, "SELECT ");
    add_row_with_counter(c, delta);
    if (given->has_maximum != 0) {
        add_within_maximum(c);
    } else {
        pgs_change_add(c, " WHERE true"); // without it ON reads as the condition of a join
    }
    pgs_change_on_conflict(c);
    add_counter(c, delta);
    if (given->has_maximum != 0) {
        pgs_change_add(c, " WHERE ");
        add_sum(c, given->delta);
        pgs_change_add(c, " <= ");
        pgs_query_int(&c->query, given->maximum);
    }
    add_returning_counter(c);
    pgs_change_add(c, ")");
    add_sets_of_fresh_row(c, arrays);
    pgs_change_add(c, " SELECT (SELECT s FROM w), (SELECT r FROM w), 1 / (SELECT count(*) FROM w)");
    return pgs_change_end(c, PGS_SUM, true);
}

chy_status pgs_change_counter(struct pgs_change *c)
{
    return c->write->deed == PGS_ADD ? add_or_make(c) : add_to(c);
}
