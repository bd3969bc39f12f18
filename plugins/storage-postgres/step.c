#include "step.h"

#include <stdlib.h>

chy_status pgs_step_add(struct pgs_steps *steps, const struct pgs_step *step)
{
    if (steps->count == steps->size) {
        uint32_t size = steps->size == 0 ? 32 : steps->size * 2;
        struct pgs_step *grown = chy_alloc(steps->op, size * sizeof *grown);
        if (grown == NULL) {
            return chy_fail_memory(steps->op);
        }
        if (steps->count != 0) {
            memcpy(grown, steps->items, steps->count * sizeof *grown);
        }
        steps->items = grown;
        steps->size = size;
    }
    steps->items[steps->count++] = *step;
    return CHY_OK;
}

chy_status pgs_step_query(struct pgs_steps *steps, enum pgs_answer answer, bool guarded,
                          struct pgs_write **writes, uint32_t count, const struct pgs_query *query)
{
    const struct pgs_statement *statement = NULL;
    CHY_TRY(pgs_query_statement(steps->statements, query, &statement));
    struct pgs_step step = {.call = pgs_call_of(statement, query),
                            .answer = answer,
                            .guarded = guarded,
                            .writes = writes,
                            .write_count = count};
    return pgs_step_add(steps, &step);
}

/** Two parameters of one field: null equals null. */
static bool same_cell(const struct pgs_cell *a, const struct pgs_cell *b)
{
    if (a->ptr == NULL || b->ptr == NULL) {
        return a->ptr == b->ptr;
    }
    return a->len == b->len && memcmp(a->ptr, b->ptr, (size_t)a->len) == 0;
}

static bool same_guard(const struct pgs_write *a, const struct pgs_write *b)
{
    const struct chy_storage_write *x = a->given;
    const struct chy_storage_write *y = b->given;
    if (x->guard != y->guard) {
        return false;
    }
    if (x->guard == CHY_GUARD_REVISION) {
        return x->guard_revision == y->guard_revision;
    }
    return x->guard != CHY_GUARD_EQUALS ||
           (x->guard_field == y->guard_field && same_cell(&a->guard, &b->guard));
}

/** The sum of both deltas must exist for their order not to matter. */
static bool adds_merge(const struct pgs_write *const *run, uint32_t count,
                       const struct pgs_write *next)
{
    const struct pgs_write *first = run[0];
    int64_t sum = next->given->delta;
    for (uint32_t i = 0; i < count; i++) {
        if (__builtin_add_overflow(sum, run[i]->given->delta, &sum)) {
            return false;
        }
    }
    return pgs_write_same_row(first, next) && first->given->add_field == next->given->add_field &&
           first->given->has_maximum == 0 && next->given->has_maximum == 0;
}

/** May `next` join the steps of the run? */
static bool merges(const struct pgs_write *const *run, uint32_t count, const struct pgs_write *next)
{
    const struct pgs_write *first = run[0];
    if (first->deed != next->deed || first->table != next->table ||
        (first->given->kind == CHY_WRITE_ADD) != (next->given->kind == CHY_WRITE_ADD)) {
        return false;
    }
    switch (first->deed) {
    case PGS_INSERT: return true;
    case PGS_ADD: return adds_merge(run, count, next);
    case PGS_CHECK:
    case PGS_CHECK_ABSENT: return pgs_write_same_row(first, next) && same_guard(first, next);
    case PGS_UPSERT:
    case PGS_UPDATE:
    case PGS_DELETE:
    case PGS_ADD_TO:
    case PGS_DELETE_RANGE:
    case PGS_CONTRADICTION: return false;
    }
    return false;
}

/** Will a later write of these change the row that `check` locks? */
static bool is_changed_later(const struct pgs_write *check, struct pgs_write *const *later,
                             uint32_t count)
{
    for (uint32_t i = count; i-- > 0 && later[i]->given->kind == CHY_WRITE_ADD;) {
        if (pgs_write_same_row(check, later[i])) {
            return true;
        }
    }
    return false;
}

chy_status pgs_steps_add(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count)
{
    for (uint32_t at = 0; at < count;) {
        uint32_t run = 1;
        while (steps->merge && at + run < count &&
               merges((const struct pgs_write *const *)&writes[at], run, writes[at + run])) {
            run++;
        }
        if (writes[at]->deed == PGS_INSERT) {
            CHY_TRY(pgs_insert_rows(steps, &writes[at], run));
        } else {
            // Two that share a lock and then both want to write would wait for each other.
            bool exclusive = writes[at]->deed == PGS_CHECK &&
                             is_changed_later(writes[at], &writes[at + run], count - at - run);
            CHY_TRY(pgs_change_row(steps, &writes[at], run, exclusive));
        }
        at += run;
    }
    return CHY_OK;
}

static int64_t removed(const struct pgs_step *step)
{
    PGresult *result = step->call.result;
    return result == NULL ? 0 : (int64_t)strtoll(PQcmdTuples(result), NULL, 10);
}

/** Each add's own sum and revision: as if the merged ones had been made one after the other. */
static void give_sums(const struct pgs_step *step)
{
    int64_t sum = pgs_result_int(step->call.result, 0, 0);
    int64_t revision = pgs_result_int(step->call.result, 0, 1);
    for (uint32_t i = step->write_count; i-- > 0;) {
        step->writes[i]->result->number = sum;
        step->writes[i]->result->revision = (uint64_t)revision;
        // In a world where each add had been alone no sum passes the limits, so neither does this.
        sum = (int64_t)((uint64_t)sum - (uint64_t)step->writes[i]->given->delta);
        revision--;
    }
}

static void give_result(const struct pgs_step *step, struct pgs_write *write)
{
    switch (step->answer) {
    case PGS_SILENT:
    case PGS_SUM: return;
    case PGS_FRESH:
        write->result->revision = 1;
        write->result->number = write->given->kind == CHY_WRITE_ADD ? write->given->delta : 0;
        return;
    case PGS_REVISION:
        write->result->revision = (uint64_t)pgs_result_int(step->call.result, 0, 0);
        return;
    case PGS_REMOVED: write->result->number = removed(step); return;
    case PGS_REMOVED_COUNT: write->result->number = pgs_result_int(step->call.result, 0, 0); return;
    }
}

void pgs_steps_results(const struct pgs_steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        const struct pgs_step *step = &steps->items[i];
        if (step->answer == PGS_SUM) {
            give_sums(step);
        }
        for (uint32_t w = 0; w < step->write_count; w++) {
            give_result(step, step->writes[w]);
        }
    }
}

bool pgs_steps_answered(const struct pgs_steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        const struct pgs_step *step = &steps->items[i];
        if (step->answer != PGS_SILENT && step->answer != PGS_FRESH && step->call.result == NULL) {
            return false;
        }
    }
    return true;
}

void pgs_steps_clear(struct pgs_steps *steps)
{
    for (uint32_t i = 0; i < steps->count; i++) {
        pgs_calls_clear(&steps->items[i].call, 1);
    }
}
