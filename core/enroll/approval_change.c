#include "enroll/approval_change.h"

#include "enroll/approval.h"
#include "enroll/approval_loosen.h"
#include "enroll/approval_policy.h"
#include "enroll/approval_policy_state.h"
#include "plugin/view.h"
#include "resource/collections.h"

/* ------------------------------------------------------------------------------------------------
 * What a change writes
 */

static chy_status set_changes(struct chy_call *call, struct chy_write *write, const json_t *change)
{
    const struct chy_kind *kind = &chy_kind_approval_policy;
    struct chy_slice text;
    const json_t *given;
    for (size_t i = 0; i < kind->member_count; i++) {
        given = json_object_get(change, kind->members[i].name);
        if (given == NULL ||
            (kind->members[i].flags & (CHY_MEMBER_DERIVED | CHY_MEMBER_FIXED)) != 0) {
            continue;
        }
        struct chy_value value = chy_value_null();
        if (json_is_string(given)) {
            value = chy_value_text(chy_json_text(given));
        } else if (json_is_boolean(given)) {
            value = chy_value_bool(json_is_true(given));
        } else if (!json_is_null(given)) {
            CHY_TRY(chy_json_write(call->op, given, &text));
            value = chy_value_json(text);
        }
        chy_write_set(write, kind->members[i].field, value);
    }
    chy_write_set(write, CHY_APPROVAL_POLICY_UPDATED_AT, chy_value_time(chy_now(call->op)));
    return CHY_OK;
}

/** write_change puts a change, or the end if it is `{"delete": true}`, into the batch. */
static chy_status write_change(struct chy_call *call, struct chy_batch *batch,
                               const struct chy_storage_row *row, const json_t *change)
{
    json_t *old;
    struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the batch borrows it
    if (id == NULL) {
        return chy_fail_memory(call->op);
    }
    *id = chy_row_uuid(row, CHY_APPROVAL_POLICY_ID);
    CHY_TRY(chy_approval_policy_conditions(call->op, row, &old));
    bool ends = json_is_true(json_object_get(change, "delete"));
    const json_t *conditions = json_object_get(change, "conditions");
    struct chy_view key = CHY_KEY(chy_value_uuid(id));
    struct chy_write *write = ends ? chy_batch_delete(batch, CHY_C_APPROVAL_POLICIES, key)
                                   : chy_batch_update(batch, CHY_C_APPROVAL_POLICIES, key);
    chy_write_guard_revision(write, row->revision);
    if (!ends) {
        CHY_TRY(set_changes(call, write, change));
    }
    return ends || conditions != NULL ? chy_approval_policy_bind(call, batch, id, old, conditions)
                                      : CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * At once, or when it is approved
 */

/** ask_approval lets the change wait for those who approve by the policy as it is. */
static chy_status ask_approval(struct chy_call *call, const struct chy_storage_row *row,
                               json_t *change, struct chy_uuid *out_id)
{
    struct chy_batch batch;
    struct chy_approval_wish wish = {.id = out_id, .policy = row};
    if (!chy_json_set_int(change, "revision", (int64_t)row->revision)) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, out_id));
    CHY_TRY(chy_json_write(call->op, change, &wish.change));
    CHY_TRY(chy_crypto_digest(call->runtime->leaf_crypto, call->op, CHY_DIGEST_SHA256, wish.change,
                              &wish.digest));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_approval_enter(call->runtime, &batch, &wish));
    chy_status status = chy_runtime_commit(call->runtime, &batch, NULL);
    return status == CHY_CONFLICT
               ? chy_fail(call->op, CHY_CONFLICT, 0,
                          "the approval policy was changed by someone else in the meantime; read "
                          "it again")
               : status;
}

/** change_or_ask makes the change; a nil `out_waits` says that it was made. */
static chy_status change_or_ask(struct chy_call *call, const struct chy_storage_row *row,
                                json_t *change, const char *verb, struct chy_uuid *out_waits)
{
    struct chy_batch batch;
    json_t *policy;
    CHY_TRY(chy_kind_object(call->op, &chy_kind_approval_policy, row, &policy));
    bool looser = chy_approval_loosens(policy, change);
    const struct chy_principal *principal = chy_principal_of(call->op);
    if (looser && principal->role != CHY_ROLE_ADMIN) {
        return ask_approval(call, row, change, out_waits);
    }
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(write_change(call, &batch, row, change));
    if (looser) {
        call->audit_detail = chy_text("{\"loosened\":true}");
    }
    return chy_call_commit(call, &batch, verb, &call->id);
}

static chy_status add_waiting(struct chy_call *call, const struct chy_uuid *waits)
{
    return chy_uuid_is_nil(waits) || chy_json_set_uuid(call->answer, "approvalRequestId", waits)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

chy_status chy_approval_policy_update(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_uuid waits = {{0}};
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(chy_approval_policy_check(call));
    (void)json_object_del(call->document, "projectId");
    CHY_TRY(change_or_ask(call, &row, call->document, "update", &waits));
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_POLICIES,
                             CHY_KEY(chy_value_uuid(&call->id)), chy_call_fields(call), &row));
    CHY_TRY(chy_call_answer_row(call, &row));
    return add_waiting(call, &waits);
}

chy_status chy_approval_policy_delete(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_uuid waits = {{0}};
    json_t *change = chy_json_object(call->op);
    CHY_TRY(chy_call_row(call, &call->id, &row));
    call->answer = chy_json_object(call->op);
    if (change == NULL || call->answer == NULL || !chy_json_set_bool(change, "delete", true) ||
        !chy_json_set_uuid(call->answer, "policyId", &call->id)) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(change_or_ask(call, &row, change, "delete", &waits));
    return add_waiting(call, &waits);
}

chy_status chy_approval_policy_apply(struct chy_call *call, struct chy_batch *batch,
                                     const struct chy_storage_row *approval)
{
    struct chy_uuid id = chy_row_uuid(approval, CHY_APPROVAL_POLICY);
    struct chy_storage_row row;
    json_t *change;
    CHY_TRY(chy_json_parse(call->op, chy_row_json(approval, CHY_APPROVAL_CHANGE), &change));
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_POLICIES,
                                         CHY_KEY(chy_value_uuid(&id)),
                                         chy_core_fields(CHY_C_APPROVAL_POLICIES), &row);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (status == CHY_NOT_FOUND ||
        json_integer_value(json_object_get(change, "revision")) != (json_int_t)row.revision) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the approval policy was changed since this change of it was asked for: "
                        "cancel the request and ask again");
    }
    return write_change(call, batch, &row, change);
}
