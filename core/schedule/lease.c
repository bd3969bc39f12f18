#include "schedule/lease.h"

#include "base/slice.h"
#include "base/time.h"
#include "resource/collections.h"

void chy_lease_init(struct chy_lease *lease, struct chy_runtime *runtime, struct chy_slice name,
                    struct chy_slice holder, int64_t ttl)
{
    memset(lease, 0, sizeof *lease);
    lease->runtime = runtime;
    lease->name = name;
    lease->holder = holder;
    lease->ttl = ttl;
    chy_mutex_init(&lease->lock);
    lease->hold.collection = CHY_C_LEASES;
    lease->hold.field = CHY_LEASE_EPOCH;
    lease->hold.key = name;
    lease->hold.lost_message = "another node took over the lease of this job: it ends here";
    atomic_init(&lease->hold.is_lost, false);
}

void chy_lease_fini(struct chy_lease *lease)
{
    chy_mutex_fini(&lease->lock);
}

/* ------------------------------------------------------------------------------------------------
 * Taking
 */

/** A lease's row as read. */
struct row {
    bool is_there;
    uint64_t revision;
    struct chy_slice holder;
    int64_t epoch;
    int64_t beat;
    int64_t ran_at; /**< 0: never */
};

static chy_status read_row(struct chy_lease *lease, struct chy_op *op, struct row *out_row)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        lease->runtime->storage, op, CHY_C_LEASES, CHY_KEY(chy_value_text(lease->name)),
        CHY_FIELDS(CHY_LEASE_HOLDER, CHY_LEASE_EPOCH, CHY_LEASE_BEAT, CHY_LEASE_RAN_AT), &row);
    memset(out_row, 0, sizeof *out_row);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    *out_row = (struct row){
        .is_there = true,
        .revision = row.revision,
        .holder = chy_row_text(&row, 0),
        .epoch = chy_row_int(&row, 1),
        .beat = chy_row_int(&row, 2),
        .ran_at = chy_row_time(&row, 3),
    };
    return CHY_OK;
}

/** is_stale tells whether the holder showed no sign of life for the time to live. */
static bool is_stale_locked(struct chy_lease *lease, struct chy_op *op, const struct row *row)
{
    int64_t now = chy_monotonic(op);
    bool is_same =
        lease->is_seen && lease->seen_epoch == row->epoch && lease->seen_beat == row->beat;
    if (!is_same) {
        lease->is_seen = true;
        lease->seen_epoch = row->epoch;
        lease->seen_beat = row->beat;
        lease->seen_since = now;
    }
    return is_same && now - lease->seen_since >= lease->ttl;
}

/** CONFLICT: another node was quicker. */
static chy_status write_holder(struct chy_lease *lease, struct chy_op *op, const struct row *row)
{
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_view key = CHY_KEY(chy_value_text(lease->name));
    chy_batch_init(&batch, op, 0);
    if (row->is_there) {
        write = chy_batch_update(&batch, CHY_C_LEASES, key);
        chy_write_guard_revision(write, row->revision);
    } else {
        write = chy_batch_insert(&batch, CHY_C_LEASES, key);
    }
    chy_write_set(write, CHY_LEASE_HOLDER, chy_value_text(lease->holder));
    chy_write_set(write, CHY_LEASE_EPOCH, chy_value_int(row->epoch + 1));
    chy_write_set(write, CHY_LEASE_BEAT, chy_value_int(0));
    return chy_batch_commit(&batch, lease->runtime->storage, NULL);
}

/** A time in the future is of a clock that was wrong: the work is due then. */
static bool is_done(struct chy_op *op, const struct row *row, int64_t period)
{
    int64_t now = chy_now(op);
    return row->ran_at != 0 && row->ran_at <= now && now - row->ran_at < period;
}

static chy_status take_locked(struct chy_lease *lease, struct chy_op *op, int64_t period,
                              enum chy_lease_state *out_state, int64_t *out_ran_at)
{
    struct row row;
    chy_mutex_assert_held(&lease->lock);
    CHY_TRY(read_row(lease, op, &row));
    if (is_done(op, &row, period)) {
        *out_state = CHY_LEASE_DONE;
        *out_ran_at = row.ran_at;
        return CHY_OK;
    }
    // Its own name stands there when the answer to taking or giving back got lost.
    bool is_free = row.holder.len == 0 || chy_slice_equal(row.holder, lease->holder);
    if (!is_free && !is_stale_locked(lease, op, &row)) {
        *out_state = CHY_LEASE_BUSY;
        return CHY_OK;
    }
    chy_status status = write_holder(lease, op, &row);
    if (status == CHY_CONFLICT) {
        *out_state = CHY_LEASE_BUSY;
        return CHY_OK;
    }
    CHY_TRY(status);
    lease->is_held = true;
    lease->is_seen = false;
    lease->epoch = row.epoch + 1;
    lease->beat = 0;
    lease->hold.number = lease->epoch;
    atomic_store(&lease->hold.is_lost, false);
    *out_state = CHY_LEASE_TAKEN;
    return CHY_OK;
}

chy_status chy_lease_take(struct chy_lease *lease, struct chy_op *op, int64_t period,
                          enum chy_lease_state *out_state, int64_t *out_ran_at)
{
    chy_mutex_lock(&lease->lock);
    chy_status status = take_locked(lease, op, period, out_state, out_ran_at);
    chy_mutex_unlock(&lease->lock);
    return status;
}

void chy_lease_bind(struct chy_lease *lease, struct chy_op *op)
{
    chy_operation_of(op)->hold = &lease->hold;
}

/* ------------------------------------------------------------------------------------------------
 * Holding and giving back
 */

/** update_own starts a write to the row, which happens only while this node holds the lease. */
static struct chy_write *update_own(struct chy_lease *lease, struct chy_batch *batch)
{
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_LEASES, CHY_KEY(chy_value_text(lease->name)));
    chy_write_guard_equals(write, CHY_LEASE_EPOCH, chy_value_int(lease->epoch));
    return write;
}

static chy_status beat_locked(struct chy_lease *lease, struct chy_op *op)
{
    struct chy_batch batch;
    chy_mutex_assert_held(&lease->lock);
    if (!lease->is_held) {
        return CHY_OK;
    }
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = update_own(lease, &batch);
    chy_write_set(write, CHY_LEASE_BEAT, chy_value_int(lease->beat + 1));
    chy_status status = chy_batch_commit(&batch, lease->runtime->storage, NULL);
    if (status == CHY_CONFLICT) {
        lease->is_held = false;
        atomic_store(&lease->hold.is_lost, true);
        return chy_fail(op, CHY_DENIED, 0, "%s", lease->hold.lost_message);
    }
    // An uncertain beat may have been written: the next must differ from it all the same.
    lease->beat++;
    return status;
}

chy_status chy_lease_beat(struct chy_lease *lease, struct chy_op *op)
{
    chy_mutex_lock(&lease->lock);
    chy_status status = beat_locked(lease, op);
    chy_mutex_unlock(&lease->lock);
    return status;
}

static chy_status give_back_locked(struct chy_lease *lease, struct chy_op *op, int64_t ran_at)
{
    struct chy_batch batch;
    chy_mutex_assert_held(&lease->lock);
    if (!lease->is_held) {
        return CHY_OK;
    }
    lease->is_held = false;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = update_own(lease, &batch);
    chy_write_set(write, CHY_LEASE_HOLDER, chy_value_text(chy_text("")));
    if (ran_at != 0) {
        chy_write_set(write, CHY_LEASE_RAN_AT, chy_value_time(ran_at));
    }
    chy_status status = chy_batch_commit(&batch, lease->runtime->storage, NULL);
    return status == CHY_CONFLICT ? CHY_OK : status;
}

chy_status chy_lease_give_back(struct chy_lease *lease, struct chy_op *op, int64_t ran_at)
{
    chy_mutex_lock(&lease->lock);
    chy_status status = give_back_locked(lease, op, ran_at);
    chy_mutex_unlock(&lease->lock);
    return status;
}
