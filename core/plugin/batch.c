#include "plugin/batch.h"

#include "plugin/view.h"

void chy_batch_init(struct chy_batch *batch, struct chy_op *op, uint32_t flags)
{
    memset(batch, 0, sizeof *batch);
    batch->op = op;
    batch->flags = flags;
    batch->sink.batch = batch;
    batch->sink.index = CHY_NO_WRITE;
}

/** What a builder hands out after a failure: it takes everything and is never written. */
static struct chy_write *fail(struct chy_batch *batch)
{
    batch->failed = true;
    return &batch->sink;
}

static bool copy_key(struct chy_op *op, struct chy_view key, struct chy_view *out_key)
{
    struct chy_value *copy = chy_alloc(op, key.count * sizeof *copy);
    if (copy == NULL) {
        return false;
    }
    for (uint64_t i = 0; i < key.count; i++) {
        memcpy(&copy[i], chy_view_item(key, i), sizeof copy[i]);
    }
    *out_key = chy_view_of(copy, key.count, sizeof *copy);
    return true;
}

static struct chy_write *append(struct chy_batch *batch, enum chy_write_kind kind,
                                uint32_t collection, struct chy_view key)
{
    if (batch->failed) {
        return &batch->sink;
    }
    // One piece of memory: the write, and the list of assignments that nearly every write fits in.
    struct {
        struct chy_write write;
        struct chy_assignment assignments[CHY_WRITE_ASSIGNMENTS];
    } *made = chy_alloc(batch->op, sizeof *made);
    if (made == NULL) {
        return fail(batch);
    }
    struct chy_write *write = &made->write;
    write->batch = batch;
    write->assignments = made->assignments;
    write->assignment_size = CHY_WRITE_ASSIGNMENTS;
    write->write.kind = (uint32_t)kind;
    write->write.collection = collection;
    if (key.count != 0 && !copy_key(batch->op, key, &write->write.key)) {
        return fail(batch);
    }
    write->index = batch->count++;
    if (batch->last == NULL) {
        batch->first = write;
    } else {
        batch->last->next = write;
    }
    batch->last = write;
    return write;
}

struct chy_write *chy_batch_insert(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key)
{
    return append(batch, CHY_WRITE_INSERT, collection, key);
}

struct chy_write *chy_batch_upsert(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key)
{
    return append(batch, CHY_WRITE_UPSERT, collection, key);
}

struct chy_write *chy_batch_update(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key)
{
    return append(batch, CHY_WRITE_UPDATE, collection, key);
}

struct chy_write *chy_batch_delete(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key)
{
    return append(batch, CHY_WRITE_DELETE, collection, key);
}

struct chy_write *chy_batch_check(struct chy_batch *batch, uint32_t collection, struct chy_view key)
{
    return append(batch, CHY_WRITE_CHECK, collection, key);
}

struct chy_write *chy_batch_add(struct chy_batch *batch, uint32_t collection, struct chy_view key,
                                uint32_t field, int64_t delta)
{
    struct chy_write *write = append(batch, CHY_WRITE_ADD, collection, key);
    write->write.add_field = field;
    write->write.delta = delta;
    return write;
}

struct chy_write *chy_batch_delete_range(struct chy_batch *batch, const struct chy_query *query,
                                         uint64_t limit)
{
    if (query->failed) {
        // Without one of its conditions it would delete more than was meant.
        return fail(batch);
    }
    struct chy_write *write =
        append(batch, CHY_WRITE_DELETE_RANGE, query->find.collection, chy_view_of(NULL, 0, 0));
    write->write.where =
        chy_view_of(query->predicates, query->predicate_count, sizeof *query->predicates);
    write->write.limit = limit;
    return write;
}

static bool grow_assignments(struct chy_write *write)
{
    uint32_t size = write->assignment_size * 2;
    struct chy_assignment *grown = chy_alloc(write->batch->op, size * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    memcpy(grown, write->assignments, write->assignment_count * sizeof *grown);
    write->assignments = grown;
    write->assignment_size = size;
    return true;
}

void chy_write_set(struct chy_write *write, uint32_t field, struct chy_value value)
{
    if (write->batch->failed) {
        return;
    }
    if (write->assignment_count == write->assignment_size && !grow_assignments(write)) {
        write->batch->failed = true;
        return;
    }
    struct chy_assignment *assignment = &write->assignments[write->assignment_count++];
    assignment->field = field;
    assignment->value = value;
}

void chy_write_maximum(struct chy_write *write, int64_t maximum)
{
    write->write.has_maximum = 1;
    write->write.maximum = maximum;
}

void chy_write_guard_absent(struct chy_write *write)
{
    write->write.guard = CHY_GUARD_ABSENT;
}

void chy_write_guard_present(struct chy_write *write)
{
    write->write.guard = CHY_GUARD_PRESENT;
}

void chy_write_guard_revision(struct chy_write *write, uint64_t revision)
{
    write->write.guard = CHY_GUARD_REVISION;
    write->write.guard_revision = revision;
}

void chy_write_guard_equals(struct chy_write *write, uint32_t field, struct chy_value value)
{
    write->write.guard = CHY_GUARD_EQUALS;
    write->write.guard_field = field;
    write->write.guard_value = value;
}

chy_status chy_batch_commit(struct chy_batch *batch, struct chy_storage *storage,
                            struct chy_storage_outcome *out_outcome)
{
    struct chy_storage_batch whole;
    struct chy_storage_write *writes = NULL;
    if (!batch->failed) {
        writes = chy_alloc(batch->op, batch->count * sizeof *writes);
    }
    if (writes == NULL) {
        return chy_fail_memory(batch->op);
    }
    for (struct chy_write *write = batch->first; write != NULL; write = write->next) {
        writes[write->index] = write->write;
        writes[write->index].fields =
            chy_view_of(write->assignments, write->assignment_count, sizeof *write->assignments);
    }
    memset(&whole, 0, sizeof whole);
    whole.struct_size = (uint32_t)sizeof whole;
    whole.flags = batch->flags;
    whole.writes = chy_view_of(writes, batch->count, sizeof *writes);
    return chy_storage_write(storage, batch->op, &whole, out_outcome);
}
