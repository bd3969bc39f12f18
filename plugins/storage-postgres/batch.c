#include "batch.h"

static bool makes_a_row(enum pgs_deed deed)
{
    return deed == PGS_INSERT || deed == PGS_UPSERT || deed == PGS_ADD;
}

static enum pgs_deed deed_of(const struct chy_storage_write *write)
{
    bool none = write->guard == CHY_GUARD_NONE;
    bool absent = write->guard == CHY_GUARD_ABSENT;
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT: return none || absent ? PGS_INSERT : PGS_CONTRADICTION;
    case CHY_WRITE_UPSERT: return none ? PGS_UPSERT : absent ? PGS_INSERT : PGS_UPDATE;
    case CHY_WRITE_UPDATE: return absent ? PGS_CONTRADICTION : PGS_UPDATE;
    case CHY_WRITE_DELETE: return absent ? PGS_CHECK_ABSENT : PGS_DELETE;
    case CHY_WRITE_CHECK: return absent ? PGS_CHECK_ABSENT : PGS_CHECK;
    case CHY_WRITE_DELETE_RANGE: return PGS_DELETE_RANGE;
    case CHY_WRITE_ADD: break;
    }
    if (absent) {
        bool over = write->has_maximum != 0 && write->delta > write->maximum;
        return over ? PGS_CONTRADICTION : PGS_INSERT;
    }
    return none ? PGS_ADD : PGS_ADD_TO;
}

static chy_status lay_set(struct chy_op *op, const struct chy_value *value, struct pgs_set *set)
{
    struct chy_slice *items = NULL;
    CHY_TRY(chy_storage_items_sorted(op, value, &items, &set->count));
    struct pgs_cell *cells = chy_alloc(op, (set->count + 1) * sizeof *cells);
    if (cells == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < set->count; i++) {
        struct chy_value item = {.type = CHY_VALUE_TEXT, .bytes = items[i]};
        pgs_cell_of(&item, &cells[i]);
    }
    set->items = cells;
    set->given = true;
    return CHY_OK;
}

static chy_status lay_fields(struct chy_op *op, struct pgs_write *w)
{
    uint32_t count = w->table->field_count;
    w->cells = chy_alloc(op, count * sizeof *w->cells);
    w->assigned = chy_alloc(op, count * sizeof *w->assigned);
    w->sets = w->table->many_count == 0 ? NULL : chy_alloc(op, count * sizeof *w->sets);
    if (w->cells == NULL || w->assigned == NULL || (w->table->many_count != 0 && w->sets == NULL)) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < w->table->key_count; i++) {
        pgs_cell_of(pgs_at(w->given->key, i), &w->cells[w->table->key[i]]);
    }
    for (uint64_t i = 0; i < w->given->fields.count; i++) {
        const struct chy_assignment *a = pgs_at(w->given->fields, i);
        w->assigned[a->field] = true;
        if (a->value.type == CHY_VALUE_MANY) {
            CHY_TRY(lay_set(op, &a->value, &w->sets[a->field]));
        } else {
            pgs_cell_of(&a->value, &w->cells[a->field]);
        }
    }
    if (w->given->kind == CHY_WRITE_ADD) {
        struct chy_value delta = {.type = CHY_VALUE_INT, .number = w->given->delta};
        pgs_cell_of(&delta, &w->cells[w->given->add_field]);
    }
    return CHY_OK;
}

static chy_status lay_write(struct chy_op *op, const struct pgs_model *model,
                            const struct chy_storage_write *given, struct pgs_write *w)
{
    w->given = given;
    w->table = pgs_table_at(model, given->collection);
    w->deed = deed_of(given);
    for (uint32_t i = 0; i < given->key.count; i++) {
        pgs_cell_of(pgs_at(given->key, i), &w->key[i]);
    }
    if (given->guard == CHY_GUARD_EQUALS) {
        pgs_cell_of(&given->guard_value, &w->guard);
    }
    return makes_a_row(w->deed) || w->deed == PGS_UPDATE ? lay_fields(op, w) : CHY_OK;
}

static uint64_t bytes_of(const struct chy_storage_write *write)
{
    uint64_t bytes = 64;
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *a = pgs_at(write->fields, i);
        bytes += 16 + a->value.bytes.len;
        for (uint64_t item = 0; item < a->value.items.count; item++) {
            bytes += 32 + ((const struct chy_slice *)pgs_at(a->value.items, item))->len;
        }
    }
    return bytes;
}

chy_status pgs_batch_new(struct chy_op *op, const struct pgs_model *model,
                         const struct chy_storage_batch *given, struct pgs_batch *out_batch)
{
    uint32_t *sequence = NULL;
    CHY_TRY(chy_storage_check_batch(op, model->declared, given, &sequence));
    struct pgs_batch batch;
    memset(&batch, 0, sizeof batch);
    batch.count = (uint32_t)given->writes.count;
    batch.writes = chy_alloc(op, (batch.count + UINT64_C(1)) * sizeof *batch.writes);
    batch.results = chy_alloc(op, (batch.count + UINT64_C(1)) * sizeof *batch.results);
    if (batch.writes == NULL || batch.results == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < batch.count; i++) {
        const struct chy_storage_write *write = pgs_at(given->writes, sequence[i]);
        batch.writes[i].number = sequence[i];
        batch.writes[i].result = &batch.results[sequence[i]];
        batch.bytes += bytes_of(write);
        CHY_TRY(lay_write(op, model, write, &batch.writes[i]));
    }
    *out_batch = batch;
    return CHY_OK;
}

int pgs_write_compare(const struct pgs_write *a, const struct pgs_write *b)
{
    bool a_adds = a->given->kind == CHY_WRITE_ADD;
    bool b_adds = b->given->kind == CHY_WRITE_ADD;
    if (a_adds != b_adds) {
        return a_adds ? 1 : -1;
    }
    if (a->table != b->table) {
        return a->table->number < b->table->number ? -1 : 1;
    }
    uint64_t common =
        a->given->key.count < b->given->key.count ? a->given->key.count : b->given->key.count;
    for (uint64_t i = 0; i < common; i++) {
        int order = chy_storage_value_compare(pgs_at(a->given->key, i), pgs_at(b->given->key, i));
        if (order != 0) {
            return order;
        }
    }
    return (a->given->key.count > b->given->key.count) -
           (a->given->key.count < b->given->key.count);
}

bool pgs_write_same_row(const struct pgs_write *a, const struct pgs_write *b)
{
    if (a->table != b->table || a->given->key.count == 0 || b->given->key.count == 0) {
        return false;
    }
    for (uint32_t i = 0; i < a->table->key_count; i++) {
        if (a->key[i].len != b->key[i].len ||
            memcmp(a->key[i].ptr, b->key[i].ptr, (size_t)a->key[i].len) != 0) {
            return false;
        }
    }
    return true;
}
