#include "access/lockout.h"
#include "access/password.h"
#include "access/token_state.h"
#include "access/user_state.h"
#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "resource/audit.h"
#include "resource/collections.h"

/** Lock-outs of people are kept beside those of machines, whose client ids are UUIDs. */
#define LOCKOUT_PREFIX "user:"
#define LOCKOUT_KEY_MAX 160

static const struct chy_lockout_rule rule = {
    .enabled = true,
    .threshold = 5,
    .duration = 5 * CHY_US_PER_MINUTE,
    .reset = 15 * CHY_US_PER_MINUTE,
};

/** Somebody who says who they are, and is to prove it. */
struct entry {
    struct chy_call *call;
    const char *audit; /**< the action of a failure */
    struct chy_slice username;
    struct chy_slice password;
    struct chy_slice peer;
    struct chy_uuid id; /**< nil: nobody has the username */
    uint64_t identity_revision;
    bool is_disabled;
    uint64_t password_revision; /**< 0: there is no password */
    struct chy_slice phc;
    struct chy_password_verdict verdict;
    struct chy_lockout lockout;
};

static chy_status entry_init(struct entry *entry, struct chy_call *call, const char *audit)
{
    memset(entry, 0, sizeof *entry);
    entry->call = call;
    entry->audit = audit;
    entry->password = chy_json_member(call->document, "password");
    entry->peer = chy_operation_of(call->op)->peer;
    return chy_slice_lower(call->op, chy_json_member(call->document, "username"), &entry->username);
}

/* ------------------------------------------------------------------------------------------------
 * Proving: the same work, whoever it is
 */

static chy_status refuse(const struct entry *entry, const char *message)
{
    return chy_fail_reason(entry->call->op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED, "%s", message);
}

static chy_status find_identity(struct entry *entry)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, entry->call->op, CHY_C_IDENTITIES,
                   CHY_FIELDS(CHY_IDENTITY_ID, CHY_IDENTITY_DISABLED), 1);
    chy_query_eq(&query, CHY_IDENTITY_USERNAME, chy_value_text(entry->username));
    CHY_TRY(chy_query_run(&query, entry->call->runtime->storage, &page));
    if (page.rows.count != 0) {
        const struct chy_storage_row *row = chy_page_row(&page, 0);
        entry->id = chy_row_uuid(row, 0);
        entry->is_disabled = chy_row_bool(row, 1);
        entry->identity_revision = row->revision;
    }
    return CHY_OK;
}

static chy_status find_password(struct entry *entry)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(entry->call->runtime->storage, entry->call->op, CHY_C_PASSWORDS,
                         CHY_KEY(chy_value_uuid(&entry->id)), CHY_FIELDS(CHY_PASSWORD_PHC), &row);
    if (status == CHY_OK) {
        entry->phc = chy_row_text(&row, 0);
        entry->password_revision = row.revision;
    }
    return status == CHY_NOT_FOUND ? CHY_OK : status;
}

/** look_for_lock also finds a lock on a name that nobody has: it tells nothing. */
static chy_status look_for_lock(struct entry *entry)
{
    struct chy_op *op = entry->call->op;
    char *key = chy_alloc(op, LOCKOUT_KEY_MAX);
    if (key == NULL) {
        return chy_fail_memory(op);
    }
    int len = snprintf(key, LOCKOUT_KEY_MAX, LOCKOUT_PREFIX "%.*s", (int)entry->username.len,
                       (const char *)entry->username.ptr);
    CHY_TRY(chy_lockout_read(entry->call->runtime, op, chy_slice_of(key, (uint64_t)len),
                             entry->peer, &entry->lockout));
    return chy_lockout_check(op, &entry->lockout, &rule, "username");
}

/** count_failure leaves no audit row for a name that nobody has: strangers could make any number.
 *  Its lock-out is kept like any other's, for a while. */
static chy_status count_failure(struct entry *entry)
{
    struct chy_audit_event event = {
        .action = entry->audit,
        .target_kind = "users",
        .outcome = CHY_AUDIT_FAILED,
        .detail = chy_text("{\"reason\":\"wrong password\"}"),
    };
    bool is_somebody = !chy_uuid_is_nil(&entry->id);
    CHY_TRY(chy_uuid_text(entry->call->op, &entry->id, &event.target));
    return chy_lockout_count(entry->call->runtime, entry->call->op, &entry->lockout, entry->peer,
                             &rule, is_somebody ? &event : NULL);
}

/** prove: many who try at once all find the door open, so it is looked at again afterwards. */
static chy_status prove(struct entry *entry)
{
    CHY_TRY(look_for_lock(entry));
    CHY_TRY(find_identity(entry));
    CHY_TRY(find_password(entry));
    CHY_TRY(chy_password_verify(entry->call->runtime, entry->call->op, &entry->id, entry->phc,
                                entry->password, &entry->verdict));
    CHY_TRY(look_for_lock(entry));
    if (!entry->verdict.is_right) {
        CHY_TRY(count_failure(entry));
        return refuse(entry, "the username or the password is wrong");
    }
    return entry->is_disabled ? refuse(entry, "the user is disabled; an administrator can help")
                              : CHY_OK;
}

/** add_guards: what was found is still so when the batch is written. */
static void add_identity_guard(const struct entry *entry, struct chy_batch *batch)
{
    struct chy_write *write =
        chy_batch_check(batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&entry->id)));
    chy_write_guard_revision(write, entry->identity_revision);
}

/* ------------------------------------------------------------------------------------------------
 * Logging in
 */

/** keep_password guards the password, and keeps it at what passwords cost now.  If that is not to
 *  be had at this moment, the next log-in does it. */
static void keep_password(const struct entry *entry, struct chy_batch *batch)
{
    struct chy_slice phc;
    if (entry->verdict.is_outdated &&
        chy_password_hash(entry->call->runtime, entry->call->op, &entry->id, entry->password,
                          &phc) == CHY_OK) {
        struct chy_write *write =
            chy_batch_update(batch, CHY_C_PASSWORDS, CHY_KEY(chy_value_uuid(&entry->id)));
        chy_write_guard_revision(write, entry->password_revision);
        chy_write_set(write, CHY_PASSWORD_PHC, chy_value_text(phc));
        return;
    }
    struct chy_write *check =
        chy_batch_check(batch, CHY_C_PASSWORDS, CHY_KEY(chy_value_uuid(&entry->id)));
    chy_write_guard_revision(check, entry->password_revision);
}

static chy_status grant_token(struct entry *entry, const struct chy_token_grant *grant,
                              struct chy_slice *out_token)
{
    struct chy_runtime *runtime = entry->call->runtime;
    struct chy_op *op = entry->call->op;
    struct chy_audit_event event = {
        .action = entry->audit, .target_kind = "users", .outcome = CHY_AUDIT_OK};
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    CHY_TRY(chy_access_issue_token(runtime, &batch, grant, out_token));
    add_identity_guard(entry, &batch);
    keep_password(entry, &batch);
    chy_lockout_forget(&batch, &entry->lockout);
    CHY_TRY(chy_access_act_as(op, CHY_PRINCIPAL_USER, &entry->id));
    CHY_TRY(chy_uuid_text(op, &entry->id, &event.target));
    CHY_TRY(chy_audit_add(runtime, &batch, &event));
    chy_status status = chy_batch_commit(&batch, runtime->storage, NULL);
    return status == CHY_CONFLICT
               ? refuse(entry, "the user was changed in the meantime; log in again")
               : status;
}

chy_status chy_user_login(struct chy_call *call)
{
    const struct chy_access_settings *settings = &call->runtime->access;
    int64_t max_ttl = settings->session_max_ttl;
    int64_t ttl = settings->session_ttl < max_ttl ? settings->session_ttl : max_ttl;
    struct entry entry;
    struct chy_slice token;
    CHY_TRY(entry_init(&entry, call, "user.login"));
    CHY_TRY(prove(&entry));
    struct chy_token_grant grant = {.identity_id = &entry.id, .ttl = ttl, .max_ttl = max_ttl};
    CHY_TRY(grant_token(&entry, &grant, &token));
    return chy_access_token_answer(call, token, ttl / CHY_US_PER_SECOND,
                                   max_ttl / CHY_US_PER_SECOND);
}

/* ------------------------------------------------------------------------------------------------
 * Changing the password
 */

static chy_status put_new_password(struct entry *entry, struct chy_slice password)
{
    struct chy_call *call = entry->call;
    struct chy_slice phc;
    struct chy_batch batch;
    CHY_TRY(chy_password_hash(call->runtime, call->op, &entry->id, password, &phc));
    chy_batch_init(&batch, call->op, 0);
    add_identity_guard(entry, &batch);
    chy_user_put_password(&batch, &entry->id, entry->password_revision, phc);
    chy_user_end_tokens(&batch, &entry->id);
    chy_runtime_bump(&batch);
    chy_lockout_forget(&batch, &entry->lockout);
    CHY_TRY(chy_access_act_as(call->op, CHY_PRINCIPAL_USER, &entry->id));
    CHY_TRY(chy_call_commit(call, &batch, "change-password", &entry->id));
    return chy_user_end_other_tokens(call, &entry->id);
}

chy_status chy_user_change_password(struct chy_call *call)
{
    struct chy_slice password = chy_json_member(call->document, "newPassword");
    struct entry entry;
    CHY_TRY(entry_init(&entry, call, "user.change-password"));
    CHY_TRY(chy_password_check(call->op, password, entry.username, "/newPassword"));
    if (chy_slice_equal(password, entry.password)) {
        return chy_shape_refuse_one(call->op, "custom", "/newPassword",
                                    "expected another password than the one before");
    }
    CHY_TRY(prove(&entry));
    CHY_TRY(put_new_password(&entry, password));
    call->answer = chy_json_object(call->op);
    return call->answer != NULL &&
                   chy_json_set_text(call->answer, "message",
                                     chy_text("the password is changed; log in again"))
               ? CHY_OK
               : chy_fail_memory(call->op);
}
