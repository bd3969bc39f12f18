// Writes of every kind but plain inserts; pgs_change_row() of step.h.
#include "change.h"

void pgs_change_add(struct pgs_change *c, const char *words)
{
    pgs_query_add(&c->query, words);
}

void pgs_change_begin(struct pgs_change *c)
{
    pgs_query_init(&c->query, c->steps->op);
}

chy_status pgs_change_end(struct pgs_change *c, enum pgs_answer answer, bool guarded)
{
    return pgs_step_query(c->steps, answer, guarded, c->writes, c->count, &c->query);
}

/** A statement that serves the one before; nobody is blamed for it. */
static chy_status finish_silent(struct pgs_change *c)
{
    return pgs_step_query(c->steps, PGS_SILENT, false, NULL, 0, &c->query);
}

void pgs_change_where(struct pgs_change *c)
{
    pgs_change_add(c, " WHERE ");
    pgs_where_key(&c->query, c->table, c->write->key);
}

void pgs_change_guard(struct pgs_change *c)
{
    const struct chy_storage_write *given = c->write->given;
    if (given->guard == CHY_GUARD_REVISION) {
        pgs_change_add(c, " AND t.\"revision$\" = ");
        pgs_query_int(&c->query, (int64_t)given->guard_revision);
    } else if (given->guard == CHY_GUARD_EQUALS) {
        const struct pgs_field *field = pgs_field_at(c->table, given->guard_field);
        pgs_change_add(c, " AND t.");
        pgs_change_add(c, field->quoted);
        if (c->write->guard.ptr == NULL) {
            pgs_change_add(c, " IS NULL"); // null = null, for a guard
        } else {
            pgs_change_add(c, " = ");
            pgs_query_value(&c->query, pgs_oid_of(field->type), &c->write->guard);
        }
    }
}

/** Adds `, "field" = …` for every column that the write gives, each behind the revision. */
static void add_assignments(struct pgs_change *c, bool from_excluded)
{
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        const struct pgs_field *field = &c->table->fields[i];
        if (!c->write->assigned[i] || field->many) {
            continue;
        }
        pgs_change_add(c, ", ");
        pgs_change_add(c, field->quoted);
        pgs_change_add(c, " = ");
        if (from_excluded) {
            pgs_change_add(c, "EXCLUDED.");
            pgs_change_add(c, field->quoted);
        } else {
            pgs_query_value(&c->query, pgs_oid_of(field->type), &c->write->cells[i]);
        }
    }
}

/** Adds the values of a whole row, without the revision's. */
static void add_row(struct pgs_change *c)
{
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        const struct pgs_field *field = &c->table->fields[i];
        if (!field->many) {
            pgs_query_value(&c->query, pgs_oid_of(field->type), &c->write->cells[i]);
            pgs_change_add(c, ", ");
        }
    }
}

void pgs_change_insert_into(struct pgs_change *c)
{
    pgs_change_add(c, "INSERT INTO ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t (");
    pgs_add_columns(&c->query, c->table);
    pgs_change_add(c, ") ");
}

void pgs_change_on_conflict(struct pgs_change *c)
{
    pgs_change_add(c, " ON CONFLICT (");
    pgs_key_columns(&c->query, c->table, "");
    pgs_change_add(c, ") DO UPDATE SET \"revision$\" = t.\"revision$\" + EXCLUDED.\"revision$\"");
}

chy_status pgs_change_set_array(struct pgs_change *c, const struct pgs_set *set,
                                struct pgs_cell **out_array)
{
    struct pgs_cell *array = chy_alloc(c->steps->op, sizeof *array);
    if (array == NULL) {
        return chy_fail_memory(c->steps->op);
    }
    CHY_TRY(pgs_cell_array(c->steps->op, CHY_VALUE_TEXT, set->items, set->count, array));
    *out_array = array;
    return CHY_OK;
}

void pgs_change_insert_items(struct pgs_change *c, const struct pgs_field *field,
                             const struct pgs_cell *array)
{
    pgs_change_add(c, "INSERT INTO ");
    pgs_change_add(c, field->child);
    pgs_change_add(c, " (");
    pgs_key_columns(&c->query, c->table, "");
    pgs_change_add(c, ", \"value$\") SELECT ");
    for (uint32_t i = 0; i < c->table->key_count; i++) {
        pgs_query_value(&c->query, pgs_oid_of(c->table->fields[c->table->key[i]].type),
                        &c->write->key[i]);
        pgs_change_add(c, ", ");
    }
    pgs_change_add(c, "v FROM unnest(");
    pgs_query_value(&c->query, PGS_TEXTS, array);
    pgs_change_add(c, ") AS v");
}

static void add_delete_items(struct pgs_change *c, const struct pgs_field *field)
{
    pgs_change_add(c, "DELETE FROM ");
    pgs_change_add(c, field->child);
    pgs_change_add(c, " AS t");
    pgs_change_where(c);
}

/**
 * The sets that the write gives take the place of those that are there.  Statements of their own,
 * after the one that locked the row: each sees what was committed before the lock was had.
 */
static chy_status replace_sets(struct pgs_change *c)
{
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        const struct pgs_field *field = &c->table->fields[i];
        if (!field->many || !c->write->assigned[i]) {
            continue;
        }
        struct pgs_cell *array = NULL;
        CHY_TRY(pgs_change_set_array(c, &c->write->sets[i], &array));
        pgs_change_begin(c);
        add_delete_items(c, field);
        pgs_change_add(c, " AND NOT (t.\"value$\" = ANY (");
        pgs_query_value(&c->query, PGS_TEXTS, array);
        pgs_change_add(c, "))");
        CHY_TRY(finish_silent(c));
        pgs_change_begin(c);
        pgs_change_insert_items(c, field, array);
        pgs_change_add(c, " ON CONFLICT DO NOTHING");
        CHY_TRY(finish_silent(c));
    }
    return CHY_OK;
}

static chy_status upsert(struct pgs_change *c)
{
    pgs_change_begin(c);
    pgs_change_insert_into(c);
    pgs_change_add(c, "VALUES (");
    add_row(c);
    pgs_change_add(c, "1)");
    pgs_change_on_conflict(c);
    add_assignments(c, true);
    pgs_change_add(c, " RETURNING \"revision$\"");
    CHY_TRY(pgs_change_end(c, PGS_REVISION, false));
    return replace_sets(c);
}

void pgs_change_require_row(struct pgs_change *c, const char *columns)
{
    pgs_change_add(c, ") SELECT ");
    pgs_change_add(c, columns);
    pgs_change_add(c, ", 1 / (SELECT count(*) FROM w)");
}

static chy_status update(struct pgs_change *c)
{
    pgs_change_begin(c);
    pgs_change_add(c, "WITH w AS (UPDATE ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t SET \"revision$\" = t.\"revision$\" + 1");
    add_assignments(c, false);
    pgs_change_where(c);
    pgs_change_guard(c);
    pgs_change_add(c, " RETURNING t.\"revision$\" AS r");
    pgs_change_require_row(c, "(SELECT r FROM w)");
    CHY_TRY(pgs_change_end(c, PGS_REVISION, true));
    return replace_sets(c);
}

static chy_status delete_row(struct pgs_change *c)
{
    bool guarded = c->write->given->guard != CHY_GUARD_NONE;
    pgs_change_begin(c);
    pgs_change_add(c, guarded ? "WITH w AS (DELETE FROM " : "DELETE FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t");
    pgs_change_where(c);
    pgs_change_guard(c);
    if (guarded) {
        pgs_change_add(c, " RETURNING 1");
        pgs_change_require_row(c, "(SELECT count(*) FROM w)");
    }
    CHY_TRY(pgs_change_end(c, guarded ? PGS_REMOVED_COUNT : PGS_REMOVED, guarded));
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        if (c->table->fields[i].many) {
            pgs_change_begin(c);
            add_delete_items(c, &c->table->fields[i]);
            CHY_TRY(finish_silent(c));
        }
    }
    return CHY_OK;
}

static chy_status check(struct pgs_change *c, bool exclusive)
{
    bool guarded = c->write->given->guard != CHY_GUARD_NONE;
    pgs_change_begin(c);
    pgs_change_add(c, guarded ? "WITH w AS (" : "");
    pgs_change_add(c, "SELECT t.\"revision$\" AS r FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t");
    pgs_change_where(c);
    pgs_change_guard(c);
    pgs_change_add(c, exclusive ? " FOR NO KEY UPDATE" : " FOR SHARE");
    if (guarded) {
        pgs_change_require_row(c, "(SELECT r FROM w)");
    }
    return pgs_change_end(c, PGS_REVISION, guarded);
}

static chy_status check_absent(struct pgs_change *c)
{
    pgs_change_begin(c);
    pgs_change_add(c, "SELECT 0::bigint, 1 / (1 - (SELECT count(*) FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t");
    pgs_change_where(c);
    pgs_change_add(c, "))");
    return pgs_change_end(c, PGS_REVISION, true);
}

static chy_status lock_range(struct pgs_change *c)
{
    pgs_change_add(c, "SELECT ");
    pgs_key_columns(&c->query, c->table, "t.");
    pgs_change_add(c, " FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t WHERE ");
    CHY_TRY(pgs_where_all(&c->query, c->table, c->write->given->where));
    pgs_change_add(c, " ORDER BY ");
    pgs_key_columns(&c->query, c->table, "t.");
    pgs_change_add(c, " LIMIT ");
    pgs_query_int(&c->query, (int64_t)c->write->given->limit);
    pgs_change_add(c, " FOR UPDATE");
    return CHY_OK;
}

/** Adds ` USING v WHERE t.k1 = v.k1 AND …`. */
static void add_using(struct pgs_change *c, const char *source)
{
    pgs_change_add(c, " USING ");
    pgs_change_add(c, source);
    for (uint32_t i = 0; i < c->table->key_count; i++) {
        const struct pgs_field *field = &c->table->fields[c->table->key[i]];
        pgs_change_add(c, i == 0 ? " WHERE t." : " AND t.");
        pgs_change_add(c, field->quoted);
        pgs_change_add(c, " = ");
        pgs_change_add(c, source);
        pgs_change_add(c, ".");
        pgs_change_add(c, field->quoted);
    }
}

static chy_status delete_range(struct pgs_change *c)
{
    if (c->table->many_count != 0) {
        // Locks first, in a statement of its own: the next one then sees each row's sets as they
        // are.
        pgs_change_begin(c);
        CHY_TRY(lock_range(c));
        CHY_TRY(finish_silent(c));
    }
    pgs_change_begin(c);
    pgs_change_add(c, "WITH v AS (");
    CHY_TRY(lock_range(c));
    pgs_change_add(c, "), d AS (DELETE FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " AS t");
    add_using(c, "v");
    pgs_change_add(c, " RETURNING ");
    pgs_key_columns(&c->query, c->table, "t.");
    pgs_change_add(c, ")");
    for (uint32_t i = 0; i < c->table->field_count; i++) {
        if (c->table->fields[i].many) {
            pgs_change_add(c, ", c");
            pgs_text_add_number(&c->query.sql, i);
            pgs_change_add(c, " AS (DELETE FROM ");
            pgs_change_add(c, c->table->fields[i].child);
            pgs_change_add(c, " AS t");
            add_using(c, "d");
            pgs_change_add(c, ")");
        }
    }
    pgs_change_add(c, " SELECT count(*) FROM d");
    return pgs_change_end(c, PGS_REMOVED_COUNT, false);
}

/** A statement that always fails as a guard does. */
static chy_status never(struct pgs_change *c)
{
    pgs_change_begin(c);
    pgs_change_add(c, "SELECT 1 / (SELECT count(*) FROM ");
    pgs_change_add(c, c->table->quoted);
    pgs_change_add(c, " WHERE false)");
    return pgs_change_end(c, PGS_SILENT, true);
}

chy_status pgs_change_row(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count,
                          bool exclusive)
{
    struct pgs_change c = {.steps = steps, .writes = writes, .count = count};
    c.write = writes[0];
    c.table = writes[0]->table;
    switch (c.write->deed) {
    case PGS_INSERT: return pgs_insert_rows(steps, writes, count);
    case PGS_UPSERT: return upsert(&c);
    case PGS_UPDATE: return update(&c);
    case PGS_DELETE: return delete_row(&c);
    case PGS_CHECK: return check(&c, exclusive);
    case PGS_CHECK_ABSENT: return check_absent(&c);
    case PGS_ADD:
    case PGS_ADD_TO: return pgs_change_counter(&c);
    case PGS_DELETE_RANGE: return delete_range(&c);
    case PGS_CONTRADICTION: return never(&c);
    }
    return CHY_OK;
}
