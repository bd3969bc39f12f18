/** The writes of one batch, done one after the other within a transaction. */
#include "tally.h"
#include "work.h"

/* --- preparation, on the caller's thread -------------------------------------------------------*/

/** store_sets gives assignments of sets their stored form beside their sorted items. */
static chy_status store_sets(struct chy_op *op, struct chy_storage_write *write)
{
    bool has_set = false;
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_storage_at(write->fields, i);
        has_set = has_set || a->value.type == CHY_VALUE_MANY;
    }
    if (!has_set) {
        return CHY_OK;
    }
    struct chy_assignment *fields = chy_alloc(op, write->fields.count * sizeof *fields);
    if (fields == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        fields[i] = *(const struct chy_assignment *)chy_storage_at(write->fields, i);
        if (fields[i].value.type == CHY_VALUE_MANY) {
            struct chy_slice *items = NULL;
            uint64_t count = 0;
            CHY_TRY(chy_storage_items_sorted(op, &fields[i].value, &items, &count));
            CHY_TRY(items_encode(op, items, count, &fields[i].value.bytes));
            fields[i].value.items = (struct chy_view){items, count, sizeof *items};
        }
    }
    write->fields = (struct chy_view){fields, write->fields.count, sizeof *fields};
    return CHY_OK;
}

chy_status job_init(struct job *job, struct chy_op *op, const struct chy_storage_batch *batch,
                    const uint32_t *sequence)
{
    uint64_t count = batch->writes.count;
    struct chy_storage_write *writes = chy_alloc(op, (count + 1) * sizeof *writes);
    struct chy_write_result *results = chy_alloc(op, (count + 1) * sizeof *results);
    if (writes == NULL || results == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        writes[i] = *(const struct chy_storage_write *)chy_storage_at(batch->writes, sequence[i]);
        CHY_TRY(store_sets(op, &writes[i]));
    }
    *job = (struct job){.op = op,
                        .writes = writes,
                        .sequence = sequence,
                        .count = count,
                        .is_joinable = (batch->flags & CHY_BATCH_JOINABLE) != 0,
                        .results = results};
    return CHY_OK;
}

/* --- one write, one batch ----------------------------------------------------------------------*/

static bool guard_holds(const struct work *work)
{
    const struct chy_storage_write *write = work->write;
    switch ((enum chy_guard_kind)write->guard) {
    case CHY_GUARD_NONE: return true;
    case CHY_GUARD_ABSENT: return !work->is_there;
    case CHY_GUARD_PRESENT: return work->is_there;
    case CHY_GUARD_REVISION: return work->is_there && work->revision == write->guard_revision;
    case CHY_GUARD_EQUALS:
        return work->is_there &&
               chy_storage_value_compare(&work->values[0], &write->guard_value) == 0;
    }
    return false;
}

static chy_status add_to_row(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    uint64_t extra = write->guard == CHY_GUARD_EQUALS ? 1 : 0;
    struct chy_value sum = {.type = CHY_VALUE_INT};
    int64_t before = work->is_there ? work->values[extra].number : 0; // null's number is 0
    if (__builtin_add_overflow(before, write->delta, &sum.number) ||
        (write->has_maximum != 0 && sum.number > write->maximum)) {
        return chy_fail(work->job->op, CHY_CONFLICT, 0, "the sum in %s passes its maximum",
                        work->table->name);
    }
    const struct chy_value *values[] = {&sum};
    work->result->number = sum.number;
    return work->is_there ? work_set(work, &write->add_field, values, 1) : work_insert(work, &sum);
}

/** run_write does the write that `work` is about, without regard to other batches. */
static chy_status run_write(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    if (write->kind == CHY_WRITE_DELETE_RANGE) {
        return work_delete_range(work);
    }
    // An insert needs no look at the row: its key is unique, whatever the guard "absent" says.
    bool looks = write->kind != CHY_WRITE_INSERT || write->guard > CHY_GUARD_ABSENT;
    if (looks) {
        work->extra_count = 0;
        CHY_TRY(work_look_up(work));
        if (!guard_holds(work)) {
            return chy_fail(work->job->op, CHY_CONFLICT, 0, "the guard on a row of %s says no",
                            work->table->name);
        }
    }
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT: return work_insert(work, NULL);
    case CHY_WRITE_UPSERT: return work->is_there ? work_update(work) : work_insert(work, NULL);
    case CHY_WRITE_UPDATE:
        return work->is_there ? work_update(work)
                              : chy_fail(work->job->op, CHY_CONFLICT, 0, "no such row in %s",
                                         work->table->name);
    case CHY_WRITE_DELETE: return work->is_there ? work_delete(work) : CHY_OK;
    case CHY_WRITE_ADD: return add_to_row(work);
    case CHY_WRITE_CHECK: work->result->revision = work->revision; return CHY_OK;
    case CHY_WRITE_DELETE_RANGE: return CHY_OK; // above
    }
    return CHY_OK;
}

/** run_tallied does it for a group: what its batches have in common is done once. */
static chy_status run_tallied(struct work *work, struct tally *tally)
{
    bool known = false;
    bool holds = false;
    if (work->write->kind == CHY_WRITE_CHECK) {
        if (tally_check(tally, work, &holds)) {
            return holds ? CHY_OK
                         : chy_fail(work->job->op, CHY_CONFLICT, 0,
                                    "the guard on a row of %s says no", work->table->name);
        }
        CHY_TRY(tally_look(tally, work));
        chy_status status = run_write(work);
        if (status == CHY_OK || status == CHY_CONFLICT) {
            tally_checked(tally, work, status == CHY_OK);
        }
        return status;
    }
    if (work->write->kind == CHY_WRITE_ADD) {
        CHY_TRY(tally_add(tally, work, &known));
        return known ? CHY_OK : run_write(work);
    }
    CHY_TRY(tally_touch(tally, work));
    return run_write(work);
}

/** work_init does not initialise the room for looked-up values: it is large and rarely used. */
static void work_init(struct work *work, struct store *store, struct connection *connection,
                      struct job *job)
{
    work->store = store;
    work->connection = connection;
    work->job = job;
    work->is_there = false;
    work->row = 0;
    work->revision = 0;
    work->extra_count = 0;
}

void job_run(struct store *store, struct connection *connection, struct tally *tally,
             struct job *job)
{
    job->status = CHY_OK;
    job->has_written = false;
    job->has_broken = false;
    job->failed_index = NULL;
    for (uint64_t i = 0; i < job->count && job->status == CHY_OK; i++) {
        struct work work;
        work_init(&work, store, connection, job);
        work.write = &job->writes[i];
        work.table = &store->tables[work.write->collection];
        work.result = &job->results[job->sequence[i]];
        *work.result = (struct chy_write_result){0};
        job->status = tally == NULL ? run_write(&work) : run_tallied(&work, tally);
        job->failed_write = job->sequence[i];
    }
}

bool jobs_settle(struct store *store, struct connection *connection, struct tally *tally,
                 struct job *job)
{
    struct work work;
    work_init(&work, store, connection, job);
    return tally_write(tally, &work) == CHY_OK;
}
