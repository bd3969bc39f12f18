#include "enroll/revoke.h"

#include "base/encode.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/blocked_key.h"
#include "enroll/certificate_view.h"
#include "enroll/crl.h"
#include "enroll/permit.h"
#include "enroll/serials.h"
#include "enroll/statistics.h"
#include "resource/collections.h"
#include "x509/certificate.h"
#include "x509/crl.h"

/** Other nodes revoke on the same CRL at the same time; each time, one of them goes ahead. */
#define ATTEMPTS 64

/** What is revoked, read anew for each attempt. */
struct target {
    struct chy_uuid certificate_id; /**< nil: no row is left */
    struct chy_uuid project_id;
    struct chy_uuid generation_id;
    struct chy_slice serial;
    int64_t shard;
    int64_t not_after;
    struct chy_slice spki_sha256; /**< empty: not known */
    struct chy_storage_row row;   /**< of CHY_C_CERTIFICATES, every field, with `has_row` */
    bool has_row;
    bool is_authority; /**< a CA's own: CHY_C_AUTHORITY_CERTIFICATES */
    struct chy_uuid authority_id;
    bool of_active_key;          /**< the CA signs with the key of that certificate */
    bool stops_authority;        /**< the CA issues with it, and is active */
    uint64_t authority_revision; /**< of the CA's row */
};

/** A revocation under way. */
struct work {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_uuid *certificate_id; /**< NULL: `wish` says what */
    const struct chy_revoke_wish *wish;
    uint32_t reason;
    struct target target;
    struct chy_storage_row entry; /**< of CHY_C_REVOCATIONS, with `has_entry` */
    bool has_entry;
    bool lifts;
    int64_t revoked_at; /**< 0: it is not */
};

enum {
    ENTRY_REASON,
    ENTRY_REVOKED_AT,
    ENTRY_LIFTED
};
#define ENTRY_FIELDS \
    CHY_FIELDS(CHY_REVOCATION_REASON, CHY_REVOCATION_REVOKED_AT, CHY_REVOCATION_LIFTED)

/* ------------------------------------------------------------------------------------------------
 * What is meant
 */

static chy_status refuse_unanswered(struct chy_op *op, bool imported)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "%s",
                    imported ? "the certificate was imported: only the CA that signed it can "
                               "revoke it"
                             : "the certificate is self-signed: no CRL could show that it is "
                               "revoked; delete it and make those who trust it trust it no more");
}

static chy_status target_of_row(struct work *w)
{
    struct target *t = &w->target;
    const struct chy_storage_row *row = &t->row;
    t->has_row = true;
    t->project_id = chy_row_uuid(row, CHY_CERT_PROJECT_ID);
    // Who is suspected must not be able to lift the hold that an administrator put.
    CHY_TRY(w->reason == CHY_CRL_REMOVE_FROM_CRL
                ? chy_require(w->op, &t->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_REVOKE,
                              "certificate")
                : chy_permit_require(w->runtime, w->op, row, CHY_ACTION_REVOKE));
    t->generation_id = chy_row_uuid(row, CHY_CERT_GENERATION_ID);
    t->authority_id = chy_row_uuid(row, CHY_CERT_AUTHORITY_ID);
    t->serial = chy_row_text(row, CHY_CERT_SERIAL);
    t->shard = chy_row_int(row, CHY_CERT_SHARD);
    t->not_after = chy_row_time(row, CHY_CERT_NOT_AFTER);
    t->spki_sha256 = chy_row_blob(row, CHY_CERT_SPKI_SHA256);
    bool imported = !chy_slice_is(chy_row_text(row, CHY_CERT_SOURCE), "issued");
    return imported || chy_uuid_is_nil(&t->generation_id) ? refuse_unanswered(w->op, imported)
                                                          : CHY_OK;
}

/** look_at_authority finds out what hangs on a CA's own certificate: its key, and its issuing. */
static chy_status look_at_authority(struct work *w, const struct chy_uuid *generation_id)
{
    struct target *t = &w->target;
    struct chy_storage_row generation = {.revision = 0};
    struct chy_storage_row authority;
    CHY_TRY(chy_storage_read(
        w->runtime->storage, w->op, CHY_C_GENERATIONS, CHY_KEY(chy_value_uuid(generation_id)),
        CHY_FIELDS(CHY_GENERATION_SPKI_SHA256, CHY_GENERATION_CERTIFICATE_ID), &generation));
    CHY_TRY(chy_storage_read(
        w->runtime->storage, w->op, CHY_C_AUTHORITIES, CHY_KEY(chy_value_uuid(&t->authority_id)),
        CHY_FIELDS(CHY_AUTHORITY_GENERATION_ID, CHY_AUTHORITY_STATUS), &authority));
    struct chy_uuid used = chy_row_uuid(&generation, 1);
    struct chy_uuid active = chy_row_uuid(&authority, 0);
    t->spki_sha256 = chy_row_blob(&generation, 0);
    t->of_active_key = chy_uuid_compare(&active, generation_id) == 0;
    t->stops_authority = t->of_active_key && chy_uuid_compare(&used, &t->certificate_id) == 0 &&
                         chy_slice_is(chy_row_text(&authority, 1), "active");
    t->authority_revision = authority.revision;
    return CHY_OK;
}

static chy_status target_of_authority(struct work *w)
{
    struct target *t = &w->target;
    struct chy_storage_row row;
    chy_status status = chy_storage_read(w->runtime->storage, w->op, CHY_C_AUTHORITY_CERTIFICATES,
                                         CHY_KEY(chy_value_uuid(&t->certificate_id)),
                                         chy_core_fields(CHY_C_AUTHORITY_CERTIFICATES), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_not_found(w->op, "certificate");
    }
    CHY_TRY(status);
    t->project_id = chy_row_uuid(&row, CHY_ACERT_PROJECT_ID);
    CHY_TRY(chy_require(w->op, &t->project_id, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_REVOKE,
                        "certificate"));
    struct chy_uuid own = chy_row_uuid(&row, CHY_ACERT_GENERATION_ID);
    t->is_authority = true;
    t->generation_id = chy_row_uuid(&row, CHY_ACERT_PARENT_GENERATION_ID);
    t->authority_id = chy_row_uuid(&row, CHY_ACERT_AUTHORITY_ID);
    t->serial = chy_row_text(&row, CHY_ACERT_SERIAL);
    t->shard = chy_row_int(&row, CHY_ACERT_SHARD);
    t->not_after = chy_row_time(&row, CHY_ACERT_NOT_AFTER);
    if (chy_uuid_is_nil(&t->generation_id)) {
        return refuse_unanswered(w->op, chy_row_blob(&row, CHY_ACERT_CHAIN).len != 0);
    }
    return look_at_authority(w, &own);
}

static chy_status read_row(struct work *w, const struct chy_uuid *id)
{
    w->target.certificate_id = *id;
    return chy_storage_read(w->runtime->storage, w->op, CHY_C_CERTIFICATES,
                            CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_CERTIFICATES),
                            &w->target.row);
}

static chy_status target_of_id(struct work *w, const struct chy_uuid *id)
{
    chy_status status = read_row(w, id);
    if (status == CHY_NOT_FOUND) {
        return target_of_authority(w);
    }
    CHY_TRY(status);
    return target_of_row(w);
}

static chy_status read_generation(struct work *w, struct chy_storage_row *out_row)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        w->runtime->storage, w->op, CHY_C_GENERATIONS,
        CHY_KEY(chy_value_uuid(w->wish->generation_id)),
        CHY_FIELDS(CHY_GENERATION_PROJECT_ID, CHY_GENERATION_CERTIFICATE_ID), &row);
    if (status == CHY_NOT_FOUND) {
        return chy_not_found(w->op, "key generation");
    }
    CHY_TRY(status);
    w->target.project_id = chy_row_uuid(&row, 0);
    CHY_TRY(chy_require(w->op, &w->target.project_id, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_REVOKE,
                        "key generation"));
    *out_row = row;
    return CHY_OK;
}

/** end_of_authority: no certificate of a CA outlives the CA's own. */
static chy_status end_of_authority(struct work *w, const struct chy_storage_row *generation,
                                   int64_t *out_end)
{
    struct chy_uuid id = chy_row_uuid(generation, 1);
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(w->runtime->storage, w->op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(&id)), CHY_FIELDS(CHY_ACERT_NOT_AFTER), &row));
    *out_end = chy_row_time(&row, 0);
    return CHY_OK;
}

/** target_without_row is of a number of which only the register knows, or nobody. */
static chy_status target_without_row(struct work *w, const struct chy_serial_entry *entry,
                                     const struct chy_storage_row *generation)
{
    struct target *t = &w->target;
    t->certificate_id = (struct chy_uuid){{0}};
    t->generation_id = *w->wish->generation_id;
    t->shard = entry != NULL && entry->shard != 0 ? entry->shard : w->wish->shard;
    t->not_after = entry != NULL ? entry->not_after : w->wish->not_after;
    if (t->shard <= 0) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "no certificate of this serial number is known, so its CRL is not known "
                        "either: name the shard, which is the number at the end of the "
                        "certificate's CRL distribution point");
    }
    return t->not_after != 0 ? CHY_OK : end_of_authority(w, generation, &t->not_after);
}

static chy_status target_of_serial(struct work *w)
{
    struct chy_storage_row generation = {.revision = 0};
    struct chy_view entries;
    const struct chy_serial_entry *found = NULL;
    uint8_t octets[20];
    uint64_t len;
    char number[CHY_SERIAL_TEXT_SIZE];
    CHY_TRY(read_generation(w, &generation));
    if (!chy_serial_parse(w->wish->serial, octets, &len)) {
        return chy_fail(w->op, CHY_BAD_INPUT, 0,
                        "a serial number is written as at most 40 hexadecimal digits");
    }
    chy_serial_text(chy_slice_of(octets, len), number);
    CHY_TRY(chy_copy(w->op, chy_text(number), &w->target.serial));
    CHY_TRY(chy_serial_find(w->runtime, w->op, &w->target.project_id, w->wish->serial, &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry = chy_view_at(entries, i);
        found = chy_uuid_compare(entry->signer, w->wish->generation_id) == 0 ? entry : found;
    }
    if (found != NULL) {
        struct chy_slice serial = w->target.serial;
        chy_status status = target_of_id(w, found->certificate_id);
        if (status != CHY_NOT_FOUND) {
            return status;
        }
        w->target.serial = serial; // deleted since: the register remembers
    }
    return target_without_row(w, found, &generation);
}

/* ------------------------------------------------------------------------------------------------
 * What may follow what
 */

static chy_status read_entry(struct work *w)
{
    const struct target *t = &w->target;
    chy_status status =
        chy_storage_read(w->runtime->storage, w->op, CHY_C_REVOCATIONS,
                         CHY_KEY(chy_value_uuid(&t->generation_id), chy_value_text(t->serial)),
                         ENTRY_FIELDS, &w->entry);
    w->has_entry = status == CHY_OK;
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

static chy_status refuse_twice(struct work *w, uint32_t reason)
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
static chy_status decide(struct work *w)
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

static void write_entry(struct work *w, struct chy_batch *batch, int64_t revision)
{
    const struct target *t = &w->target;
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
static chy_status write_shard(struct work *w, struct chy_batch *batch)
{
    const struct target *t = &w->target;
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

static chy_status write_row(struct work *w, struct chy_batch *batch)
{
    const struct target *t = &w->target;
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
static void write_authority(struct work *w, struct chy_batch *batch)
{
    struct chy_write *write = chy_batch_update(batch, CHY_C_AUTHORITIES,
                                               CHY_KEY(chy_value_uuid(&w->target.authority_id)));
    chy_write_guard_revision(write, w->target.authority_revision);
    if (w->target.stops_authority) {
        chy_write_set(write, CHY_AUTHORITY_STATUS, chy_value_text(chy_text("disabled")));
    }
    chy_write_set(write, CHY_AUTHORITY_UPDATED_AT, chy_value_time(chy_now(w->op)));
}

static chy_status audit(struct work *w, struct chy_batch *batch)
{
    const struct target *t = &w->target;
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

static chy_status write_all(struct work *w, struct chy_batch *batch)
{
    const struct target *t = &w->target;
    CHY_TRY(write_shard(w, batch));
    if (t->has_row) {
        CHY_TRY(write_row(w, batch));
    }
    if (t->of_active_key && !w->lifts) {
        write_authority(w, batch);
    }
    if (w->reason == CHY_CRL_KEY_COMPROMISE && t->spki_sha256.len != 0) {
        chy_blocked_key_enter(batch, t->spki_sha256, CHY_BLOCKED_COMPROMISED);
    }
    return audit(w, batch);
}

static chy_status decide_and_write(struct work *w)
{
    struct chy_batch batch;
    CHY_TRY(read_entry(w));
    CHY_TRY(decide(w));
    chy_batch_init(&batch, w->op, 0);
    CHY_TRY(write_all(w, &batch));
    return chy_runtime_commit(w->runtime, &batch, NULL);
}

static chy_status attempt(struct work *w)
{
    struct chy_flight turn;
    memset(&w->target, 0, sizeof w->target);
    CHY_TRY(w->certificate_id != NULL ? target_of_id(w, w->certificate_id) : target_of_serial(w));
    // One of this node at a time: of many at once each but one would write in vain.
    CHY_TRY(
        chy_crl_turn_begin(w->runtime, w->op, &w->target.generation_id, w->target.shard, &turn));
    chy_status status = decide_and_write(w);
    chy_crl_turn_end(w->runtime, &turn);
    return status;
}

/** settle finds out what became of a write that nobody knows of: does the entry say it? */
static chy_status settle(struct work *w)
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

static chy_status revoke(struct work *w, struct chy_revoke_answer *out_answer)
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
    struct work w = {
        .runtime = runtime, .op = op, .certificate_id = certificate_id, .reason = reason};
    return revoke(&w, out_answer);
}

chy_status chy_revoke_serial(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_revoke_wish *wish,
                             struct chy_revoke_answer *out_answer)
{
    struct work w = {.runtime = runtime, .op = op, .wish = wish, .reason = wish->reason};
    return revoke(&w, out_answer);
}

/* ------------------------------------------------------------------------------------------------
 * As a service and as an action
 */

/** is_of_caller tells whether an id is of a certificate, not deleted, that exists for the
 *  caller. */
static chy_status is_of_caller(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id, bool *out_is)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_CERTIFICATES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_CERT_PROJECT_ID), &row);
    if (status == CHY_NOT_FOUND) {
        status =
            chy_storage_read(runtime->storage, op, CHY_C_AUTHORITY_CERTIFICATES,
                             CHY_KEY(chy_value_uuid(id)), CHY_FIELDS(CHY_ACERT_PROJECT_ID), &row);
    }
    *out_is = false;
    if (status == CHY_OK) {
        struct chy_uuid project_id = chy_row_uuid(&row, 0);
        *out_is = chy_principal_is_member(chy_principal_of(op), &project_id);
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/** count_in counts the certificates of a number in a project; NULL: in all that there are. */
static chy_status count_in(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_uuid *project_id, struct chy_slice text,
                           struct chy_uuid *out_id, uint32_t *count)
{
    struct chy_view entries;
    CHY_TRY(chy_serial_find(runtime, op, project_id, text, &entries));
    for (uint64_t i = 0; i < entries.count; i++) {
        const struct chy_serial_entry *entry = chy_view_at(entries, i);
        bool is;
        CHY_TRY(is_of_caller(runtime, op, entry->certificate_id, &is));
        if (is) {
            *out_id = *entry->certificate_id;
            (*count)++;
        }
    }
    return CHY_OK;
}

static chy_status find_by_serial(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_slice text, struct chy_uuid *out_id)
{
    const struct chy_principal *principal = chy_principal_of(op);
    uint32_t count = 0;
    if (principal != NULL && principal->role == CHY_ROLE_ADMIN) { // of each project
        CHY_TRY(count_in(runtime, op, NULL, text, out_id, &count));
    } else if (principal != NULL) {
        for (uint32_t i = 0; i < principal->membership_count && count < 2; i++) {
            CHY_TRY(
                count_in(runtime, op, &principal->memberships[i].project_id, text, out_id, &count));
        }
    }
    if (count > 1) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "several certificates have this serial number: name one by its id");
    }
    return count == 1 ? CHY_OK : chy_not_found(op, "certificate");
}

#define SHA1_DIGITS 40
#define SHA256_DIGITS 64

chy_status chy_revoke_find(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice text,
                           struct chy_uuid *out_id)
{
    uint8_t octets[SHA256_DIGITS / 2];
    struct chy_buffer room = {octets, sizeof octets};
    uint64_t serial_len;
    size_t len;
    if (chy_uuid_parse(text, out_id)) {
        return CHY_OK;
    }
    bool is_digest =
        (text.len == SHA1_DIGITS || text.len == SHA256_DIGITS) && chy_hex_decode(text, room, &len);
    bool is_serial = chy_serial_parse(text, octets, &serial_len);
    chy_status status = is_serial ? find_by_serial(runtime, op, text, out_id) : CHY_NOT_FOUND;
    if (is_digest && status == CHY_NOT_FOUND) {
        return chy_fail(op, CHY_BAD_INPUT, 0,
                        "certificates are not found by thumbprint here: give the certificate's "
                        "id or its serial number");
    }
    if (!is_serial) {
        return chy_shape_refuse_one(op, "invalid_string", "/id",
                                    "a certificate is named by its id, a UUID, or by its serial "
                                    "number");
    }
    return status;
}

chy_status chy_revoke_requested(struct chy_runtime *runtime, struct chy_op *op,
                                const struct chy_revoke_request *request,
                                struct chy_revoke_answer *out_answer)
{
    struct chy_uuid id;
    if (request->certificate_id.len != 0 || request->generation_id.len == 0) {
        struct chy_slice name =
            request->certificate_id.len != 0 ? request->certificate_id : request->serial_number;
        CHY_TRY(chy_revoke_find(runtime, op, name, &id));
        return chy_revoke_certificate(runtime, op, &id, request->reason, out_answer);
    }
    if (!chy_uuid_parse(request->generation_id, &id)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the id of a key generation is a UUID");
    }
    struct chy_revoke_wish wish = {
        .generation_id = &id, .serial = request->serial_number, .reason = request->reason};
    return chy_revoke_serial(runtime, op, &wish, out_answer);
}

static chy_status read_reason(struct chy_call *call, uint32_t *out_reason)
{
    struct chy_slice word = chy_json_member(call->document, "revocationReason");
    uint32_t reason;
    if (chy_slice_equal_nocase(word, chy_text("REMOVE_FROM_CRL"))) {
        *out_reason = CHY_CRL_REMOVE_FROM_CRL;
        return CHY_OK;
    }
    if (!chy_crl_reason_find(word, &reason)) {
        return chy_shape_refuse_one(
            call->op, "invalid_enum_value", "/revocationReason",
            "'%.*s' is no reason; expected one of: UNSPECIFIED, KEY_COMPROMISE, CA_COMPROMISE, "
            "AFFILIATION_CHANGED, SUPERSEDED, CESSATION_OF_OPERATION, CERTIFICATE_HOLD, "
            "PRIVILEGE_WITHDRAWN, A_A_COMPROMISE, REMOVE_FROM_CRL",
            (int)word.len, (const char *)word.ptr);
    }
    *out_reason = reason;
    return CHY_OK;
}

chy_status chy_revoke_action(struct chy_call *call)
{
    struct chy_revoke_answer answer;
    struct work w = {.runtime = call->runtime, .op = call->op, .certificate_id = &call->id};
    CHY_TRY(chy_revoke_find(call->runtime, call->op, call->id_text, &call->id));
    CHY_TRY(read_reason(call, &w.reason));
    chy_status status = revoke(&w, &answer);
    call->project_id = w.target.project_id; // where a refusal is recorded
    CHY_TRY(status);
    const char *message =
        w.lifts ? "The hold of the certificate ended" : "The certificate was revoked";
    call->answer = chy_json_object(call->op);
    bool fine =
        call->answer != NULL && chy_json_set_text(call->answer, "message", chy_text(message)) &&
        chy_json_set_text(call->answer, "serialNumber", answer.serial_number) &&
        (answer.revoked_at == 0 ? chy_json_set_null(call->answer, "revokedAt")
                                : chy_json_set_time(call->answer, "revokedAt", answer.revoked_at));
    return fine ? CHY_OK : chy_fail_memory(call->op);
}
