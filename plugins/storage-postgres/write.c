// write: one batch, joined with others or alone, and what is said when it is refused.
#include "commit.h"
#include "group.h"
#include "store.h"

static chy_status conflict(struct chy_op *op, const struct pgs_write *write,
                           struct chy_slice failed_index, const char *why,
                           struct chy_storage_outcome *out_outcome)
{
    out_outcome->failed_write = write->number;
    out_outcome->failed_index = failed_index;
    out_outcome->results = (struct chy_view){NULL, 0, sizeof(struct chy_write_result)};
    return chy_fail(op, CHY_CONFLICT, 0, "write %u on '%.*s': %s", write->number,
                    (int)write->table->name.len, (const char *)write->table->name.ptr, why);
}

/** Which write it was, and why: nothing was written. */
static chy_status refused(struct chy_op *op, const struct pgs_step *step,
                          const struct pgs_failure *failure,
                          struct chy_storage_outcome *out_outcome)
{
    const struct chy_slice no_index = {NULL, 0};
    if (step == NULL || step->write_count == 0) {
        return pgs_fail(op, failure, "writing a batch");
    }
    const struct pgs_write *write = step->writes[0];
    if (step->guarded && pgs_failure_is(failure, "22012")) {
        return conflict(op, write, no_index,
                        write->given->has_maximum != 0 ? "its guard or maximum does not hold"
                                                       : "its guard does not hold",
                        out_outcome);
    }
    if (step->answer == PGS_SUM && pgs_failure_is(failure, "22003")) {
        return conflict(op, write, no_index, "the sum passes what a number can be", out_outcome);
    }
    if (pgs_failure_is(failure, "23505")) {
        const struct pgs_index *index = pgs_index_of(write->table, failure->constraint);
        if (index != NULL) {
            return conflict(op, write, index->name, "a unique index has the value already",
                            out_outcome);
        }
        if (chy_slice_is(write->table->key_relation, failure->constraint)) {
            return conflict(op, write, no_index, "the row is there already", out_outcome);
        }
    }
    return pgs_fail(op, failure, "writing a batch");
}

static chy_status give_outcome(const struct pgs_batch *batch,
                               struct chy_storage_outcome *out_outcome)
{
    out_outcome->failed_write = CHY_NO_WRITE;
    out_outcome->failed_index = chy_slice_of(NULL, 0);
    out_outcome->results = (struct chy_view){batch->results, batch->count, sizeof *batch->results};
    return CHY_OK;
}

static chy_status write_once(struct pgs_store *store, struct chy_op *op,
                             const struct pgs_batch *batch, bool merge, bool *out_again,
                             struct chy_storage_outcome *out_outcome)
{
    struct pgs_write **writes =
        chy_alloc(op, (batch->count + UINT64_C(1)) * sizeof(struct pgs_write *));
    if (writes == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < batch->count; i++) {
        writes[i] = &batch->writes[i];
    }
    struct pgs_steps steps = {.op = op, .statements = &store->statements, .merge = merge};
    CHY_TRY(pgs_steps_add(&steps, writes, batch->count));
    struct pgs_commit commit = {op, store, &store->pool, &steps, pgs_until(op)};
    struct pgs_failure failure;
    if (pgs_commit_run(&commit, &failure) == PGS_DONE) {
        pgs_steps_results(&steps);
        pgs_steps_clear(&steps);
        atomic_fetch_add(&store->batches, 1);
        return give_outcome(batch, out_outcome);
    }
    if (failure.end != PGS_REFUSED) {
        return pgs_fail(op, &failure, "writing a batch");
    }
    const struct pgs_step *step = failure.call < steps.count ? &steps.items[failure.call] : NULL;
    // A step that stands for several writes does not tell which of them it was.
    *out_again = merge && step != NULL && step->write_count > 1;
    return *out_again ? CHY_CONFLICT : refused(op, step, &failure, out_outcome);
}

static chy_status write_alone(struct pgs_store *store, struct chy_op *op,
                              const struct pgs_batch *batch,
                              struct chy_storage_outcome *out_outcome)
{
    bool again = false;
    chy_status status = write_once(store, op, batch, true, &again, out_outcome);
    return again ? write_once(store, op, batch, false, &again, out_outcome) : status;
}

chy_status pgs_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                     struct chy_storage_outcome *out_outcome)
{
    struct pgs_store *store = self;
    struct pgs_batch laid;
    struct pgs_failure failure;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    CHY_TRY(pgs_batch_new(op, store->model, batch, &laid));
    if (atomic_load(&store->draining)) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_OVERLOAD,
                               "this program is being stopped");
    }
    if (laid.count == 0) {
        return give_outcome(&laid, out_outcome);
    }
    if ((batch->flags & CHY_BATCH_JOINABLE) == 0) {
        return write_alone(store, op, &laid, out_outcome);
    }
    switch (pgs_group_write(store, op, &laid, &failure)) {
    case PGS_JOINED: return give_outcome(&laid, out_outcome);
    case PGS_RUN_ALONE:
        atomic_fetch_add(&store->reruns, 1);
        return write_alone(store, op, &laid, out_outcome);
    case PGS_LEFT:
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "the deadline passed before the batch was joined to a commit");
    case PGS_JOIN_FAILED: return pgs_fail(op, &failure, "writing joined batches");
    }
    return CHY_BROKEN;
}
