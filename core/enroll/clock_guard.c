#include "enroll/clock_guard.h"

#include "base/time.h"
#include "resource/collections.h"

#include <stdatomic.h>
#include <stdlib.h>

#define SETTING "high-water-time"

struct chy_clock_guard {
    _Atomic int64_t high_water; /**< µs UTC */
    _Atomic int64_t stored;     /**< what storage has */
};

chy_status chy_clock_guard_new(struct chy_runtime *runtime, struct chy_op *op,
                               struct chy_clock_guard **out_guard)
{
    struct chy_storage_row row;
    int64_t stored = 0;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text(SETTING))),
                                         CHY_FIELDS(CHY_SETTING_NUMBER), &row);
    if (status == CHY_OK) {
        stored = chy_row_int(&row, 0);
    } else if (status != CHY_NOT_FOUND) {
        return status;
    }
    struct chy_clock_guard *guard = calloc(1, sizeof *guard);
    if (guard == NULL) {
        return chy_fail_memory(op);
    }
    atomic_init(&guard->high_water, stored);
    atomic_init(&guard->stored, stored);
    *out_guard = guard;
    return CHY_OK;
}

void chy_clock_guard_free(struct chy_clock_guard *guard)
{
    free(guard);
}

/** try_store keeps the high-water time unless another node has kept a later one.  CONFLICT: another
 *  node is at it. */
static chy_status try_store(struct chy_runtime *runtime, struct chy_op *op, int64_t now)
{
    struct chy_view key = CHY_KEY(chy_value_text(chy_text(SETTING)));
    struct chy_storage_row row;
    struct chy_batch batch;
    chy_status status = chy_storage_read(runtime->storage, op, CHY_C_SETTINGS, key,
                                         CHY_FIELDS(CHY_SETTING_NUMBER), &row);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    bool is_there = status == CHY_OK;
    if (is_there && chy_row_int(&row, 0) >= now) {
        return CHY_OK;
    }
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_upsert(&batch, CHY_C_SETTINGS, key);
    if (is_there) {
        chy_write_guard_revision(write, row.revision);
    } else {
        chy_write_guard_absent(write);
    }
    chy_write_set(write, CHY_SETTING_NUMBER, chy_value_int(now));
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

/** store keeps the high-water time.  Failing is no reason not to sign: memory has it. */
static void store(struct chy_runtime *runtime, struct chy_op *op, int64_t now)
{
    chy_status status = try_store(runtime, op, now);
    if (status != CHY_OK && status != CHY_CONFLICT) {
        chy_log_warning(op, "clock.not-stored", "the high-water time could not be stored");
    }
}

chy_status chy_clock_guard(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_clock_guard *guard = runtime->clock_guard;
    int64_t now = chy_now(op);
    int64_t high = atomic_load_explicit(&guard->high_water, memory_order_relaxed);
    if (now < high - runtime->pki.clock_back_tolerance) {
        char seen[CHY_TIME_TEXT_SIZE];
        char last[CHY_TIME_TEXT_SIZE];
        chy_time_format(now, seen);
        chy_time_format(high, last);
        return chy_fail(op, CHY_TRY_LATER, 0,
                        "the clock says %s, but something was signed at %s: signing has stopped; "
                        "set the clock right",
                        seen, last);
    }
    while (now > high &&
           !atomic_compare_exchange_weak_explicit(&guard->high_water, &high, now,
                                                  memory_order_relaxed, memory_order_relaxed)) {
    }
    int64_t stored = atomic_load_explicit(&guard->stored, memory_order_relaxed);
    if (now - stored >= CHY_US_PER_MINUTE &&
        atomic_compare_exchange_strong_explicit(&guard->stored, &stored, now, memory_order_relaxed,
                                                memory_order_relaxed)) {
        store(runtime, op, now);
    }
    return CHY_OK;
}
