#include "enroll/revoke.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "enroll/blocked_key.h"
#include "enroll/crl.h"
#include "enroll/revoke_state.h"
#include "enroll/statistics.h"
#include "resource/collections.h"
#include "x509/crl.h"

/** Other nodes revoke on the same CRL at the same time; each time, one of them goes ahead. */
#define ATTEMPTS 64

enum {
    ENTRY_REASON,
    ENTRY_REVOKED_AT,
    ENTRY_LIFTED
};
#define ENTRY_FIELDS \
    CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_REVOKED_AT, CHY_REVOCATION_LIFTED)

/* ------------------------------------------------------------------------------------------------
 * What may follow what
 */

static chy_status read_entry(struct chy_revocation *w)
{
    const struct chy_revoke_target *t = &w->target;
    chy_status status =
        chy_storage_read(w->runtime->storage, w->op, CHY_C_REVOCATIONS,
                         CHY_KEY(chy_value_uuid(&t->generation_id), chy_value_text(t->serial)),
                         ENTRY_FIELDS, &w->entry);
    w->has_entry = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status refuse_twice(struct chy_revocation *w, uint32_t reason)
{
    const char *word = chy_crl_reason_word(reason);
    const char *next = "; only KEY_COMPROMISE can take its place";
    char text[CHY_TIME_TEXT_SIZE];
    if (reason == CHY_CRL_CERTIFICATE_HOLD) {
        next = "; a hold takes another reason, or REMOVE_FROM_CRL which ends it";
    } else if (reason == CHY_CRL_KEY_COMPROMISE) {
        next = ", which no other takes the place of";
    }
    chy_time_format(chy_row_time(&w->entry, ENTRY_REVOKED_AT), text);
    return chy_fail(w->op, CHY_BAD_INPUT, 0,
                    "the certificate is revoked already, since %s with the reason %s%s", text,
                    word == NULL ? "unknown" : word, next);
}

/** decide finds out what becomes of the entry: `revoked_at` and `lifts`. */
static chy_status decide(struct chy_revocation *w)
{
    int64_t now = chy_now(w->op);
    int64_t at = w->wish != NULL && w->wish->revoked_at != 0 ? w->wish->revoked_at : now;
    bool stands = w->has_entry && !chy_row_bool(&w->entry, ENTRY_LIFTED);
    uint32_t before = stands ? (uint32_t)chy_row_int(&w->entry, ENTRY_REASON) : 0;
    bool held = stands && before == CHY_CRL_CERTIFICATE_HOLD;
    w->lifts = w->reason == CHY_CRL_REMOVE_FROM_CRL;
    if (w->lifts) {
        w->revoked_at = 0;
        return held ? CHY_OK
                    : chy_fail(w->op, CHY_BAD_INPUT, 0,
                               "REMOVE_FROM_CRL ends a hold, and the certificate is not on hold");
    }
    bool fits = !stands || (held && w->reason != CHY_CRL_CERTIFICATE_HOLD) ||
                (w->reason == CHY_CRL_KEY_COMPROMISE && before != CHY_CRL_KEY_COMPROMISE);
    if (!fits) {
        return refuse_twice(w, before);
    }
    w->revoked_at =
        stands ? chy_row_time(&w->entry, ENTRY_REVOKED_AT) : at - at % CHY_US_PER_SECOND;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The rows
 */

static void write_entry(struct chy_revocation *w, struct chy_batch *batch, int64_t revision)
{
    const struct chy_revoke_target *t = &w->target;
    struct chy_value key[] = {chy_value_uuid(&t->generation_id), chy_value_text(t->serial)};
    struct chy_view key_view = chy_view_of(key, 2, sizeof key[0]);
    struct chy_write *write;
    if (w->has_entry) {
        write = chy_batch_update(batch, CHY_C_REVOCATIONS, key_view);
        chy_write_guard_revision(write, w->entry.revision);
    } else {
        write = chy_batch_insert(batch, CHY_C_REVOCATIONS, key_view);
        chy_write_set(write, CHY_REVOCATION_SHARD, chy_value_int(t->shard));
        chy_write_set(write, CHY_REVOCATION_NOT_AFTER, chy_value_time(t->not_after));
        chy_write_set(write, CHY_REVOCATION_CERTIFICATE_ID,
                      chy_value_uuid_or_null(&t->certificate_id));
    }
    chy_write_set(write, CHY_REVOCATION_REVISION, chy_value_int(revision));
    chy_write_set(write, CHY_REVOCATION_LIFTED, chy_value_bool(w->lifts));
    if (!w->lifts) {
        chy_write_set(write, CHY_REVOCATION_REASON, chy_value_int(w->reason));
        chy_write_set(write, CHY_REVOCATION_REVOKED_AT, chy_value_time(w->revoked_at));
    }
}

/** write_shard moves the shard on, which makes its CRL due; the entry has the new revision. */
static chy_status write_shard(struct chy_revocation *w, struct chy_batch *batch)
{
    const struct chy_revoke_target *t = &w->target;
    struct chy_value key[] = {chy_value_uuid(&t->generation_id), chy_value_int(t->shard)};
    struct chy_view key_view = chy_view_of(key, 2, sizeof key[0]);
    struct chy_storage_row row;
    chy_status status = chy_storage_read(w->runtime->storage, w->op, CHY_C_CRL_SHARDS, key_view,
                                         CHY_FIELDS(CHY_SHARD_REVISION), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_fail(w->op, CHY_NOT_FOUND, 0, "the key generation has no CRL shard %lld",
                        (long long)t->shard);
    }
    CHY_TRY(status);
    int64_t revision = chy_row_int(&row, 0);
    struct chy_write *write = chy_batch_update(batch, CHY_C_CRL_SHARDS, key_view);
    // Not the row's own revision: places are taken in it all the time.
    chy_write_guard_equals(write, CHY_SHARD_REVISION, chy_value_int(revision));
    chy_write_set(write, CHY_SHARD_REVISION, chy_value_int(revision + 1));
    write_entry(w, batch, revision + 1);
    return CHY_OK;
}

static chy_status write_row(struct chy_revocation *w, struct chy_batch *batch)
{
    const struct chy_revoke_target *t = &w->target;
    struct chy_counted before = chy_counted_of_row(&t->row);
    struct chy_counted after = before;
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(&t->certificate_id)));
    chy_write_guard_revision(write, t->row.revision);
    chy_write_set(write, CHY_CERT_STATUS,
                  chy_value_text(chy_text(w->lifts ? "active" : "revoked")));
    chy_write_set(write, CHY_CERT_REVOKED_AT,
                  w->lifts ? chy_value_null() : chy_value_time(w->revoked_at));
    chy_write_set(write, CHY_CERT_REVOCATION_REASON,
                  w->lifts ? chy_value_null() : chy_value_int(w->reason));
    chy_write_set(write, CHY_CERT_UPDATED_AT, chy_value_time(chy_now(w->op)));
    after.revoked = !w->lifts;
    return chy_statistics_count(w->runtime, batch, &before, &after);
}

/**
 * write_authority: a CA whose certificate nobody may trust any more issues nothing.  Its row moves
 * in any case, so that who enables or renews it at the same time looks again.
 */
static void write_authority(struct chy_revocation *w, struct chy_batch *batch)
{
    struct chy_write *write = chy_batch_update(batch, CHY_C_AUTHORITIES,
                                               CHY_KEY(chy_value_uuid(&w->target.authority_id)));
    chy_write_guard_revision(write, w->target.authority_revision);
    if (w->target.stops_authority) {
        chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(chy_text("disabled")));
    }
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(chy_now(w->op)));
}

static chy_status audit(struct chy_revocation *w, struct chy_batch *batch)
{
    const struct chy_revoke_target *t = &w->target;
    struct chy_audit_event event = {.action = "certificate.revoke",
                                    .target_kind = "certificates",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &t->project_id};
    struct chy_slice generation;
    struct chy_buf detail;
    CHY_TRY(chy_uuid_text(w->op, &t->generation_id, &generation));
    chy_buf_init(&detail, w->op, 512);
    chy_buf_add_text(&detail, "{\"serialNumber\":");
    chy_buf_add_json_string(&detail, t->serial);
    chy_buf_add_text(&detail, ",\"generationId\":");
    chy_buf_add_json_string(&detail, generation);
    chy_buf_add_text(&detail, ",\"reason\":");
    chy_buf_add_json_string(&detail, chy_text(chy_crl_reason_word(w->reason)));
    chy_buf_add_text(&detail,
                     t->stops_authority && !w->lifts ? ",\"authority\":\"disabled\"}" : "}");
    if (!chy_buf_ok(&detail)) {
        return chy_buf_fail(&detail, w->op, "the audit row");
    }
    event.detail = chy_buf_slice(&detail);
    if (!chy_uuid_is_nil(&t->certificate_id)) {
        CHY_TRY(chy_uuid_text(w->op, &t->certificate_id, &event.target));
    }
    return chy_audit_add(w->runtime, batch, &event);
}

static chy_status write_all(struct chy_revocation *w, struct chy_batch *batch)
{
    const struct chy_revoke_target *t = &w->target;
    CHY_TRY(write_shard(w, batch));
    if (t->has_row) {
        CHY_TRY(write_row(w, batch));
    }
    if (t->has_row && !w->lifts) {
        CHY_TRY(chy_alert_event_add(w->runtime, batch, CHY_ALERT_REVOCATION, &t->project_id,
                                    &t->certificate_id));
    }
    if (t->of_active_key && !w->lifts) {
        write_authority(w, batch);
    }
    if (w->reason == CHY_CRL_KEY_COMPROMISE && t->spki_sha256.len != 0) {
        chy_blocked_key_enter(batch, t->spki_sha256, CHY_BLOCKED_COMPROMISED);
    }
    return audit(w, batch);
}

static chy_status decide_and_write(struct chy_revocation *w)
{
    struct chy_batch batch;
    CHY_TRY(read_entry(w));
    CHY_TRY(decide(w));
    chy_batch_init(&batch, w->op, 0);
    CHY_TRY(write_all(w, &batch));
    return chy_runtime_commit(w->runtime, &batch, NULL);
}

static chy_status attempt(struct chy_revocation *w)
{
    struct chy_flight turn;
    memset(&w->target, 0, sizeof w->target);
    CHY_TRY(w->certificate_id != NULL ? chy_revoke_target_of_id(w, w->certificate_id)
                                      : chy_revoke_target_of_serial(w));
    // One of this node at a time: of many at once each but one would write in vain.
    CHY_TRY(
        chy_crl_turn_begin(w->runtime, w->op, &w->target.generation_id, w->target.shard, &turn));
    chy_status status = decide_and_write(w);
    chy_crl_turn_end(w->runtime, &turn);
    return status;
}

/** settle finds out what became of a write that nobody knows of: does the entry say it? */
static chy_status settle(struct chy_revocation *w)
{
    struct chy_error error;
    w->op->host->last_error(w->op, &error);
    if (read_entry(w) == CHY_OK && w->has_entry) {
        bool lifted = chy_row_bool(&w->entry, ENTRY_LIFTED);
        bool same = chy_row_int(&w->entry, ENTRY_REASON) == (int64_t)w->reason &&
                    chy_row_time(&w->entry, ENTRY_REVOKED_AT) == w->revoked_at;
        if (w->lifts ? lifted : !lifted && same) {
            return CHY_OK;
        }
    }
    return chy_fail(w->op, CHY_UNCERTAIN, error.native_code,
                    "it is not known whether the certificate was revoked; look at it before "
                    "asking again");
}

chy_status chy_revoke_run(struct chy_revocation *w, struct chy_revoke_answer *out_answer)
{
    chy_status status = CHY_CONFLICT;
    if (chy_crl_reason_word(w->reason) == NULL) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0, "%u is no reason for revoking (RFC 5280 5.3.1)",
                        w->reason);
    }
    for (int i = 0; i < ATTEMPTS && status == CHY_CONFLICT && chy_cancelled(w->op) == 0; i++) {
        status = attempt(w);
    }
    if (status == CHY_CONFLICT) {
        return chy_fail(w->op, CHY_TRY_LATER, 0,
                        "too many revocations on one CRL at once; ask again");
    }
    CHY_TRY(status == CHY_UNCERTAIN ? settle(w) : status);
    struct chy_revoke_answer answer = {.struct_size = sizeof answer, .revoked_at = w->revoked_at};
    CHY_TRY(chy_copy(w->op, w->target.serial, &answer.serial_number));
    *out_answer = answer;
    return CHY_OK;
}

chy_status chy_revoke_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                  const struct chy_uuid *certificate_id, uint32_t reason,
                                  struct chy_revoke_answer *out_answer)
{
    struct chy_revocation w = {
        .runtime = runtime, .op = op, .certificate_id = certificate_id, .reason = reason};
    return chy_revoke_run(&w, out_answer);
}

chy_status chy_revoke_serial(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_revoke_wish *wish,
                             struct chy_revoke_answer *out_answer)
{
    struct chy_revocation w = {.runtime = runtime, .op = op, .wish = wish, .reason = wish->reason};
    return chy_revoke_run(&w, out_answer);
}
