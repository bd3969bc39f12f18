/** Atomic batches: each change leaves a note by which it can be undone. */
#include "mem.h"

#include <stdlib.h>

/** One change: `before` was there (or NULL), `after` is there now (or NULL). */
struct change {
    struct table *table;
    struct row *before;
    struct row *after;
};

/** What one batch has done so far. */
struct work {
    struct mem *mem;
    struct chy_op *op;
    struct change *changes;
    uint64_t change_count;
    uint64_t change_room;
    struct chy_write_result *results;
    const struct chy_index *failed_index; /**< set with CONFLICT by a unique index */
};

static struct table *table_of(struct work *work, const struct chy_storage_write *write)
{
    return &work->mem->tables[write->collection];
}

static chy_status note(struct work *work, struct table *table, struct row *before,
                       struct row *after)
{
    if (work->change_count == work->change_room) {
        uint64_t room = work->change_room * 2 + 64;
        struct change *changes = realloc(work->changes, (size_t)room * sizeof *changes);
        if (changes == NULL) {
            return chy_fail_memory(work->op);
        }
        work->changes = changes;
        work->change_room = room;
    }
    work->changes[work->change_count++] = (struct change){table, before, after};
    return CHY_OK;
}

/** forget frees what is gone for good: the old rows after a success, the new ones after a
 *  failure. */
static void forget(struct work *work, bool keep_new)
{
    for (uint64_t i = 0; i < work->change_count; i++) {
        free(keep_new ? work->changes[i].before : work->changes[i].after);
    }
    free(work->changes);
}

static void undo(struct work *work)
{
    for (uint64_t i = work->change_count; i > 0; i--) {
        const struct change *change = &work->changes[i - 1];
        const struct row *row = change->after != NULL ? change->after : change->before;
        struct chy_value room[CHY_STORAGE_KEY_FIELDS_MAX];
        uint64_t place = 0;
        (void)table_place(change->table, key_of(change->table, row, room), &place);
        if (change->before == NULL) {
            table_take_out(change->table, place);
        } else if (change->after == NULL) {
            // Cannot fail: the array had this row before.
            (void)table_put(change->table, place, change->before);
        } else {
            change->table->rows[place] = change->before;
        }
    }
}

/* --- changes -----------------------------------------------------------------------------------*/

static bool collides(const struct chy_index *index, const struct row *a, const struct row *b)
{
    for (uint64_t i = 0; i < index->fields.count; i++) {
        uint32_t field = chy_storage_number_at(index->fields, i);
        if (a->values[field].type == CHY_VALUE_NULL ||
            chy_storage_value_compare(&a->values[field], &b->values[field]) != 0) {
            return false;
        }
    }
    return true;
}

static chy_status check_unique(struct work *work, const struct table *table, const struct row *row,
                               const struct row *replaced)
{
    for (uint64_t i = 0; i < table->collection->indexes.count; i++) {
        const struct chy_index *index = chy_storage_at(table->collection->indexes, i);
        for (uint64_t r = 0; (index->flags & CHY_INDEX_UNIQUE) != 0 && r < table->count; r++) {
            if (table->rows[r] != replaced && collides(index, row, table->rows[r])) {
                work->failed_index = index;
                return chy_fail(work->op, CHY_CONFLICT, 0, "the unique index '%.*s' has it already",
                                (int)index->name.len, (const char *)index->name.ptr);
            }
        }
    }
    return CHY_OK;
}

/** put_row makes `values` the row at `place`, in the place of `before` when there is one. */
static chy_status put_row(struct work *work, struct table *table, uint64_t place,
                          struct row *before, const struct chy_value *values)
{
    uint64_t revision = before == NULL ? 1 : before->revision + 1;
    struct row *row = row_new(table->collection, values, revision);
    if (row == NULL) {
        return chy_fail_memory(work->op);
    }
    chy_status status = check_unique(work, table, row, before);
    if (status == CHY_OK && before == NULL && !table_put(table, place, row)) {
        status = chy_fail_memory(work->op);
    }
    if (status != CHY_OK) {
        free(row);
        return status;
    }
    table->rows[place] = row;
    status = note(work, table, before, row);
    if (status != CHY_OK) {
        // Without its note this change is undone here.
        if (before == NULL) {
            table_take_out(table, place);
        } else {
            table->rows[place] = before;
        }
        free(row);
    }
    return status;
}

/** assign builds a row's values: those of `before`, then the key, then what the write gives. */
static chy_status assign(struct work *work, const struct table *table,
                         const struct chy_storage_write *write, const struct row *before,
                         struct chy_value *values)
{
    for (uint32_t i = 0; i < table->collection->fields.count; i++) {
        bool many = chy_storage_is_many(chy_storage_field(table->collection, i));
        values[i] = before != NULL
                        ? before->values[i]
                        : (struct chy_value){.type = many ? CHY_VALUE_MANY : CHY_VALUE_NULL};
    }
    for (uint64_t i = 0; i < write->key.count; i++) {
        values[chy_storage_number_at(table->collection->key, i)] =
            *(const struct chy_value *)chy_storage_at(write->key, i);
    }
    if (write->kind == CHY_WRITE_ADD && before != NULL) {
        return CHY_OK; // its fields are for a row that it makes
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_storage_at(write->fields, i);
        values[a->field] = a->value;
        if (a->value.type == CHY_VALUE_MANY) {
            struct chy_slice *items = NULL;
            uint64_t count = 0;
            CHY_TRY(chy_storage_items_sorted(work->op, &a->value, &items, &count));
            values[a->field].items = (struct chy_view){items, count, sizeof *items};
        }
    }
    return CHY_OK;
}

static chy_status add(struct work *work, const struct chy_storage_write *write,
                      struct chy_value *value)
{
    int64_t now = value->type == CHY_VALUE_NULL ? 0 : value->number;
    int64_t sum = 0;
    if (__builtin_add_overflow(now, write->delta, &sum) ||
        (write->has_maximum != 0 && sum > write->maximum)) {
        return chy_fail(work->op, CHY_CONFLICT, 0, "the sum passes its maximum");
    }
    *value = (struct chy_value){.type = CHY_VALUE_INT, .number = sum};
    return CHY_OK;
}

static chy_status take_out(struct work *work, struct table *table, uint64_t place)
{
    CHY_TRY(note(work, table, table->rows[place], NULL));
    table_take_out(table, place);
    return CHY_OK;
}

/* --- writes ------------------------------------------------------------------------------------*/

static bool guard_holds(const struct chy_storage_write *write, const struct row *row)
{
    switch ((enum chy_guard_kind)write->guard) {
    case CHY_GUARD_NONE: return true;
    case CHY_GUARD_ABSENT: return row == NULL;
    case CHY_GUARD_PRESENT: return row != NULL;
    case CHY_GUARD_REVISION: return row != NULL && row->revision == write->guard_revision;
    case CHY_GUARD_EQUALS:
        return row != NULL && chy_storage_value_compare(&row->values[write->guard_field],
                                                        &write->guard_value) == 0;
    }
    return false;
}

static chy_status set_row(struct work *work, const struct chy_storage_write *write, uint64_t place,
                          struct row *before, struct chy_write_result *result)
{
    struct table *table = table_of(work, write);
    struct chy_value values[CHY_STORAGE_FIELDS_MAX];
    CHY_TRY(assign(work, table, write, before, values));
    if (write->kind == CHY_WRITE_ADD) {
        CHY_TRY(add(work, write, &values[write->add_field]));
        result->number = values[write->add_field].number;
    }
    CHY_TRY(put_row(work, table, place, before, values));
    result->revision = table->rows[place]->revision;
    return CHY_OK;
}

static chy_status delete_range(struct work *work, const struct chy_storage_write *write,
                               struct chy_write_result *result)
{
    struct table *table = table_of(work, write);
    for (uint64_t i = 0; i < table->count && (uint64_t)result->number < write->limit;) {
        if (row_matches(table->rows[i], write->where)) {
            CHY_TRY(take_out(work, table, i));
            result->number++;
        } else {
            i++;
        }
    }
    return CHY_OK;
}

static chy_status apply(struct work *work, const struct chy_storage_write *write,
                        struct chy_write_result *result)
{
    if (write->kind == CHY_WRITE_DELETE_RANGE) {
        return delete_range(work, write, result);
    }
    struct table *table = table_of(work, write);
    uint64_t place = 0;
    struct row *row = table_place(table, write->key, &place) ? table->rows[place] : NULL;
    if (!guard_holds(write, row)) {
        return chy_fail(work->op, CHY_CONFLICT, 0, "the guard on the row does not hold");
    }
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT:
    case CHY_WRITE_UPDATE:
        if ((row == NULL) != (write->kind == CHY_WRITE_INSERT)) {
            return chy_fail(work->op, CHY_CONFLICT, 0, "the row is %s",
                            row == NULL ? "not there" : "there already");
        }
        return set_row(work, write, place, row, result);
    case CHY_WRITE_UPSERT:
    case CHY_WRITE_ADD: return set_row(work, write, place, row, result);
    case CHY_WRITE_DELETE:
        result->number = row != NULL;
        return row == NULL ? CHY_OK : take_out(work, table, place);
    case CHY_WRITE_CHECK: result->revision = row == NULL ? 0 : row->revision; return CHY_OK;
    case CHY_WRITE_DELETE_RANGE: return CHY_OK; // above
    }
    return CHY_OK;
}

static chy_status write_locked(struct work *work, const struct chy_storage_batch *batch,
                               const uint32_t *sequence, struct chy_storage_outcome *out_outcome)
{
    CHY_TRY(mem_ready(work->mem, work->op));
    for (uint64_t i = 0; i < batch->writes.count; i++) {
        chy_status status =
            apply(work, chy_storage_at(batch->writes, sequence[i]), &work->results[sequence[i]]);
        if (status == CHY_OK) {
            continue;
        }
        undo(work);
        if (status == CHY_CONFLICT) {
            out_outcome->failed_write = sequence[i];
            out_outcome->failed_index =
                work->failed_index == NULL ? chy_text("") : work->failed_index->name;
            out_outcome->results = (struct chy_view){0};
        }
        return status;
    }
    work->mem->commits++;
    out_outcome->failed_write = CHY_NO_WRITE;
    out_outcome->failed_index = chy_text("");
    out_outcome->results =
        (struct chy_view){work->results, batch->writes.count, sizeof *work->results};
    return CHY_OK;
}

chy_status mem_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                     struct chy_storage_outcome *out_outcome)
{
    struct mem *mem = self;
    struct work work = {.mem = mem, .op = op};
    uint32_t *sequence = NULL;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_batch(op, mem->schema, batch, &sequence));
    work.results = chy_alloc(op, (batch->writes.count + 1) * sizeof *work.results);
    if (work.results == NULL) {
        return chy_fail_memory(op);
    }
    pthread_mutex_lock(&mem->lock);
    chy_status status = write_locked(&work, batch, sequence, out_outcome);
    forget(&work, status == CHY_OK);
    pthread_mutex_unlock(&mem->lock);
    return status;
}
