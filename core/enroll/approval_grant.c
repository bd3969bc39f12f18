#include "enroll/approval_grant.h"

#include "base/slice.h"
#include "enroll/approval.h"
#include "enroll/approval_vote.h"
#include "resource/collections.h"

/** How often who was overtaken looks again. */
#define ATTEMPTS 8

static const struct chy_member members[] = {
    {"id", CHY_APPROVAL_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_APPROVAL_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"requestId", CHY_APPROVAL_ID, CHY_MEMBER_DERIVED, NULL},
    {"type", CHY_APPROVAL_KIND, CHY_MEMBER_DERIVED, NULL},
    {"status", CHY_APPROVAL_GRANT, CHY_MEMBER_DERIVED, NULL},
    {"granteeId", CHY_APPROVAL_REQUESTER_ID, CHY_MEMBER_DERIVED, NULL},
    {"certificateRequestId", CHY_APPROVAL_REQUEST_ID, CHY_MEMBER_DERIVED, NULL},
    {"profileId", CHY_APPROVAL_PROFILE, CHY_MEMBER_DERIVED, NULL},
    {"policyId", CHY_APPROVAL_POLICY, CHY_MEMBER_DERIVED, NULL},
    {"bypassReason", CHY_APPROVAL_BYPASS_REASON, CHY_MEMBER_DERIVED, NULL},
    {"createdAt", CHY_APPROVAL_GRANTED_AT, CHY_MEMBER_DERIVED, NULL},
    {"endedAt", CHY_APPROVAL_GRANT_ENDED_AT, CHY_MEMBER_DERIVED, NULL},
    {"revokedById", CHY_APPROVAL_REVOKED_BY, CHY_MEMBER_DERIVED, NULL},
    {"revocationReason", CHY_APPROVAL_REVOCATION_REASON, CHY_MEMBER_DERIVED, NULL},
};

static chy_status facts(struct chy_call *call, const struct chy_storage_row *row,
                        struct chy_uuid *out_owner, struct chy_facts *out_facts)
{
    return chy_approval_facts(call->runtime, call->op, row, out_owner, out_facts);
}

/** read_grant reads the grant that the call names: not each approval request gave one. */
static chy_status read_grant(struct chy_call *call, struct chy_storage_row *out_row)
{
    CHY_TRY(chy_call_row(call, &call->id, out_row));
    return chy_row_is_null(out_row, CHY_APPROVAL_GRANT) ? chy_not_found(call->op, call->kind->what)
                                                        : CHY_OK;
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(read_grant(call, &row));
    return chy_call_answer_row(call, &row);
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    (void)call;
    chy_query_eq(query, CHY_APPROVAL_KIND, chy_value_text(chy_text("cert-request")));
    chy_query_eq(query, CHY_APPROVAL_STATUS, chy_value_text(chy_text("approved")));
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Revoking
 */

/** A reason of 256 characters, and a few words. */
#define REASON_ROOM 2048U

static chy_status end_request(struct chy_call *call, struct chy_batch *batch,
                              const struct chy_storage_row *row, struct chy_slice reason)
{
    struct chy_buf message;
    struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the batch borrows it
    if (id == NULL) {
        return chy_fail_memory(call->op);
    }
    *id = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    chy_buf_init(&message, call->op, REASON_ROOM);
    chy_buf_add_text(&message,
                     reason.len == 0 ? "the approval was revoked" : "the approval was revoked: ");
    chy_buf_add(&message, reason);
    if (!chy_buf_ok(&message)) {
        return chy_buf_fail(&message, call->op, "the reason");
    }
    struct chy_write *write = chy_batch_update(batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(id)));
    // Who issues has the same guard: of the two one writes.
    chy_write_guard_equals(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("pending")));
    chy_write_set(write, CHY_REQUEST_STATUS, chy_value_text(chy_text("rejected")));
    chy_write_set(write, CHY_REQUEST_ERROR, chy_value_text(chy_buf_slice(&message)));
    chy_write_set(write, CHY_REQUEST_UPDATED_AT, chy_value_time(chy_now(call->op)));
    return CHY_OK;
}

static chy_status try_revoke(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    struct chy_slice reason = chy_json_member(call->document, "revocationReason");
    CHY_TRY(read_grant(call, &row));
    struct chy_slice status = chy_row_text(&row, CHY_APPROVAL_GRANT);
    if (!chy_slice_is(status, "active")) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "the grant is %.*s already", (int)status.len,
                        (const char *)status.ptr);
    }
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_equals(write, CHY_APPROVAL_GRANT, chy_value_text(chy_text("active")));
    chy_write_set(write, CHY_APPROVAL_GRANT, chy_value_text(chy_text("revoked")));
    chy_write_set(write, CHY_APPROVAL_GRANT_ENDED_AT, chy_value_time(chy_now(call->op)));
    chy_write_set(write, CHY_APPROVAL_REVOKED_BY, chy_value_uuid(&chy_principal_of(call->op)->id));
    chy_write_set(write, CHY_APPROVAL_REVOCATION_REASON, chy_value_text_or_null(reason));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    chy_write_set(write, CHY_APPROVAL_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(end_request(call, &batch, &row, reason));
    if (reason.len != 0) {
        call->audit_detail = chy_audit_reason(call->op, reason);
    }
    return chy_call_commit(call, &batch, "revoke", &call->id);
}

static chy_status revoke(struct chy_call *call)
{
    chy_status status = CHY_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        status = try_revoke(call);
    }
    CHY_TRY(status);
    return get(call);
}

#define LIST_SHAPE                                                                            \
    CHY_APPROVAL_LIST_SHAPE(",\"status\":{\"type\":\"string\",\"enum\":[\"active\",\"used\"," \
                            "\"revoked\",\"failed\"]}")
#define REVOKE_SHAPE                                                                   \
    "{\"type\":\"object\",\"properties\":{\"revocationReason\":{\"type\":[\"string\"," \
    "\"null\"],\"maxLength\":256}}}"

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_SHAPE, chy_approval_list},
    {"revoke", CHY_ACTION_APPROVE, CHY_ACTION_NEEDS_ID, REVOKE_SHAPE, revoke},
};

static const struct chy_kind_answer answers[] = {
    {"revoke", "{'grant': '#ApprovalGrant'}", NULL},
};

const struct chy_kind chy_kind_approval_grant = {
    .name = "approval-grants",
    .singular = "grant",
    .plural = "grants",
    .what = "approval grant",
    .subject = CHY_SUBJECT_REQUESTS,
    .audit = "approval-grant",
    .collection = CHY_C_APPROVAL_REQUESTS,
    .id_field = CHY_APPROVAL_ID,
    .project_field = CHY_APPROVAL_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_APPROVAL_CREATED_AT,
    .updated_field = CHY_APPROVAL_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.narrow = narrow, .facts = facts},
};
