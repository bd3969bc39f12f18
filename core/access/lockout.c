#include "access/lockout.h"

#include "access/network.h"
#include "base/time.h"
#include "resource/collections.h"

/** How often a failure is counted again when another one came in between. */
#define COUNT_TRIES 4

chy_status chy_lockout_read(struct chy_runtime *runtime, struct chy_op *op,
                            struct chy_slice client_id, struct chy_slice peer,
                            struct chy_lockout *out_lockout)
{
    struct chy_lockout lockout = {.client_id = client_id};
    struct chy_storage_row row;
    CHY_TRY(chy_network_of_source(op, peer, &lockout.network));
    chy_status status = chy_storage_read(
        runtime->storage, op, CHY_C_LOCKOUTS,
        CHY_KEY(chy_value_text(client_id), chy_value_text(lockout.network)),
        CHY_FIELDS(CHY_LOCKOUT_FAILURES, CHY_LOCKOUT_LAST_AT, CHY_LOCKOUT_UNTIL), &row);
    if (status == CHY_OK) {
        lockout.has_row = true;
        lockout.revision = row.revision;
        lockout.failures = chy_row_int(&row, 0);
        lockout.last_at = chy_row_time(&row, 1);
        lockout.until = chy_row_time(&row, 2);
    } else if (status != CHY_NOT_FOUND) {
        return status;
    }
    *out_lockout = lockout;
    return CHY_OK;
}

void chy_lockout_add(struct chy_batch *batch, const struct chy_lockout *lockout,
                     const struct chy_lockout_rule *rule)
{
    int64_t now = chy_now(batch->op);
    // A lock that has ended starts the count anew, like a pause that was long enough.
    bool anew = now - lockout->last_at >= rule->reset || lockout->until != 0;
    int64_t failures = anew ? 1 : lockout->failures + 1;
    bool locks = failures >= rule->threshold;
    struct chy_write *write = chy_batch_upsert(
        batch, CHY_C_LOCKOUTS,
        CHY_KEY(chy_value_text(lockout->client_id), chy_value_text(lockout->network)));
    if (lockout->has_row) {
        chy_write_guard_revision(write, lockout->revision);
    } else {
        chy_write_guard_absent(write);
    }
    chy_write_set(write, CHY_LOCKOUT_FAILURES, chy_value_int(failures));
    chy_write_set(write, CHY_LOCKOUT_LAST_AT, chy_value_time(now));
    chy_write_set(write, CHY_LOCKOUT_UNTIL,
                  locks ? chy_value_time(now + rule->duration) : chy_value_null());
}

static bool is_locked(struct chy_op *op, const struct chy_lockout *lockout,
                      const struct chy_lockout_rule *rule)
{
    return rule->enabled && chy_now(op) < lockout->until;
}

chy_status chy_lockout_check(struct chy_op *op, const struct chy_lockout *lockout,
                             const struct chy_lockout_rule *rule, const char *what)
{
    if (!is_locked(op, lockout, rule)) {
        return CHY_OK;
    }
    int64_t left = lockout->until - chy_now(op);
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                           "log-in with this %s is locked for your network after too many "
                           "failures; try again in %lld s",
                           what, (long long)(left / CHY_US_PER_SECOND + 1));
}

static chy_status count_once(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_lockout *lockout, const struct chy_lockout_rule *rule,
                             const struct chy_audit_event *event)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    chy_lockout_add(&batch, lockout, rule);
    if (event != NULL) {
        CHY_TRY(chy_audit_add(runtime, &batch, event));
    }
    return chy_batch_commit(&batch, runtime->storage, NULL);
}

chy_status chy_lockout_count(struct chy_runtime *runtime, struct chy_op *op,
                             struct chy_lockout *lockout, struct chy_slice peer,
                             const struct chy_lockout_rule *rule,
                             const struct chy_audit_event *event)
{
    chy_status status = CHY_CONFLICT;
    for (int i = 0; i < COUNT_TRIES && status == CHY_CONFLICT; i++) {
        status = count_once(runtime, op, lockout, rule, event);
        if (status == CHY_CONFLICT) { // another failure came in between
            CHY_TRY(chy_lockout_read(runtime, op, lockout->client_id, peer, lockout));
            if (is_locked(op, lockout, rule)) {
                return CHY_OK;
            }
        }
    }
    return status == CHY_CONFLICT ? CHY_OK : status;
}

void chy_lockout_forget(struct chy_batch *batch, const struct chy_lockout *lockout)
{
    if (lockout->has_row) {
        (void)chy_batch_delete(
            batch, CHY_C_LOCKOUTS,
            CHY_KEY(chy_value_text(lockout->client_id), chy_value_text(lockout->network)));
    }
}
