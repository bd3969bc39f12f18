#include "enroll/approval_request.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval_issue.h"
#include "enroll/approval_policy.h"
#include "enroll/permit.h"
#include "plugin/view.h"
#include "resource/collections.h"

static const struct chy_member members[] = {
    {"id", CHY_APPROVAL_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_APPROVAL_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"type", CHY_APPROVAL_KIND, CHY_MEMBER_DERIVED, NULL},
    {"policyId", CHY_APPROVAL_POLICY, CHY_MEMBER_DERIVED, NULL},
    {"policyName", CHY_APPROVAL_NAME, CHY_MEMBER_DERIVED, NULL},
    {"certificateRequestId", CHY_APPROVAL_REQUEST_ID, CHY_MEMBER_DERIVED, NULL},
    {"profileId", CHY_APPROVAL_PROFILE, CHY_MEMBER_DERIVED, NULL},
    {"requesterId", CHY_APPROVAL_REQUESTER_ID, CHY_MEMBER_DERIVED, NULL},
    {"status", CHY_APPROVAL_STATUS, CHY_MEMBER_DERIVED, NULL},
    {"currentStep", CHY_APPROVAL_STEP, CHY_MEMBER_DERIVED, NULL},
    {"steps", CHY_APPROVAL_STEPS, CHY_MEMBER_DERIVED, NULL},
    {"selfApproval", CHY_APPROVAL_SELF, CHY_MEMBER_DERIVED, NULL},
    {"votes", CHY_APPROVAL_VOTES, CHY_MEMBER_DERIVED, NULL},
    {"change", CHY_APPROVAL_CHANGE, CHY_MEMBER_DERIVED, NULL},
    {"expiresAt", CHY_APPROVAL_EXPIRES_AT, CHY_MEMBER_DERIVED, NULL},
    {"createdAt", CHY_APPROVAL_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_APPROVAL_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

static bool is_about_certificate(const struct chy_storage_row *row)
{
    return !chy_row_is_null(row, CHY_APPROVAL_REQUEST_ID);
}

/** facts: conditions of permissions are held against the certificate request. */
static chy_status facts(struct chy_call *call, const struct chy_storage_row *row,
                        struct chy_uuid *out_owner, struct chy_facts *out_facts)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    memset(out_facts, 0, sizeof *out_facts);
    out_facts->names.stride = sizeof(struct chy_slice);
    out_facts->metadata.stride = sizeof(struct chy_pair);
    *out_owner = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    return is_about_certificate(row)
               ? chy_permit_request_facts(call->runtime, call->op, &id, out_owner, out_facts)
               : CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

/** add_data shows what is approved: the decision of the request, frozen. */
static chy_status add_data(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_APPROVAL_REQUEST_ID);
    struct chy_uuid profile_id = chy_row_uuid(row, CHY_APPROVAL_PROFILE);
    struct chy_storage_row request;
    struct chy_slice profile;
    json_t *decision;
    json_t *data = chy_json_object(call->op);
    CHY_TRY(chy_call_name(call, CHY_C_PROFILES, CHY_PROFILE_SLUG, &profile_id, &profile));
    chy_status status = chy_storage_read(
        call->runtime->storage, call->op, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&id)),
        CHY_FIELDS(CHY_REQUEST_STATUS, CHY_REQUEST_DECISION, CHY_REQUEST_METADATA), &request);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&request, 1), &decision));
    json_t *metadata = chy_value_to_json(call->op, chy_row_value(&request, 2));
    bool fine = data != NULL && chy_json_set_uuid(data, "profileId", &profile_id) &&
                chy_json_set_text(data, "profileName", profile) &&
                chy_json_set_uuid(data, "certificateRequestId", &id) &&
                chy_json_set_text(data, "status", chy_row_text(&request, 0)) &&
                json_object_set(data, "certificateRequest", decision) == 0 &&
                json_object_set_new(data, "metadata", metadata) == 0 &&
                json_object_set(object, "requestData", data) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status answer_row(struct chy_call *call, const struct chy_storage_row *row)
{
    json_t *object;
    CHY_TRY(chy_call_object(call, row, &object));
    if (is_about_certificate(row)) {
        CHY_TRY(add_data(call, row, object));
    }
    json_t *wrapper = chy_json_object(call->op);
    if (wrapper == NULL || json_object_set(wrapper, "request", object) != 0) {
        return chy_fail_memory(call->op);
    }
    call->answer = wrapper;
    return CHY_OK;
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return answer_row(call, &row);
}

static chy_status answer_stored(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_REQUESTS,
                             CHY_KEY(chy_value_uuid(&call->id)), chy_call_fields(call), &row));
    return answer_row(call, &row);
}

static chy_status list(struct chy_call *call)
{
    json_t *id = json_object_get(call->document, "id"); // of the scope, which is a project
    if (id != NULL && json_object_get(call->document, "projectId") == NULL &&
        json_object_set(call->document, "projectId", id) != 0) {
        return chy_fail_memory(call->op);
    }
    (void)json_object_del(call->document, "id");
    return chy_kind_list(call);
}

/* ------------------------------------------------------------------------------------------------
 * Voting
 */

/** A vote under way. */
struct vote {
    struct chy_storage_row row;
    const struct chy_principal *voter;
    char voter_text[CHY_UUID_TEXT_SIZE];
    json_t *votes; /**< of all steps */
    const json_t *steps;
    const json_t *step; /**< the one under way */
    int64_t number;     /**< its number */
};

static chy_status refuse_decided(struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_slice status = chy_row_text(row, CHY_APPROVAL_STATUS);
    if (!chy_slice_is(status, "open")) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the approval request is %.*s already",
                        (int)status.len, (const char *)status.ptr);
    }
    if (!chy_row_is_null(row, CHY_APPROVAL_EXPIRES_AT) &&
        chy_now(op) >= chy_row_time(row, CHY_APPROVAL_EXPIRES_AT)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the approval request is expired already");
    }
    return CHY_OK;
}

static bool names(const json_t *approvers, struct chy_slice id)
{
    for (size_t i = 0; i < json_array_size(approvers); i++) {
        if (chy_slice_equal_nocase(chy_json_member(json_array_get(approvers, i), "id"), id)) {
            return true;
        }
    }
    return json_array_size(approvers) == 0;
}

/** votes_in counts the approvals of the step, and tells whether the voter's is among them. */
static int64_t votes_in(const struct vote *v, bool *out_voted)
{
    int64_t count = 0;
    *out_voted = false;
    for (size_t i = 0; i < json_array_size(v->votes); i++) {
        const json_t *one = json_array_get(v->votes, i);
        if (json_integer_value(json_object_get(one, "step")) == v->number) {
            count++;
            *out_voted =
                *out_voted || chy_slice_is(chy_json_member(one, "identityId"), v->voter_text);
        }
    }
    return count;
}

/** may_vote asks, after the permission, for what the policy asks for. */
static chy_status may_vote(struct chy_call *call, const struct vote *v)
{
    struct chy_uuid requester = chy_row_uuid(&v->row, CHY_APPROVAL_REQUESTER_ID);
    bool voted;
    if (chy_uuid_compare(&requester, &v->voter->id) == 0 &&
        !chy_row_bool(&v->row, CHY_APPROVAL_SELF)) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "nobody approves or rejects what they asked for themselves: "
                               "another one has to");
    }
    if (!names(json_object_get(v->step, "approvers"), chy_text(v->voter_text))) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "the approval policy lists others for step %lld",
                               (long long)v->number + 1);
    }
    (void)votes_in(v, &voted);
    return voted ? chy_fail(call->op, CHY_BAD_INPUT, 0,
                            "you have approved this step already: another one has to")
                 : CHY_OK;
}

static chy_status begin_vote(struct chy_call *call, struct vote *v)
{
    json_t *steps;
    CHY_TRY(chy_call_row(call, &call->id, &v->row));
    CHY_TRY(refuse_decided(call->op, &v->row));
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&v->row, CHY_APPROVAL_VOTES), &v->votes));
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&v->row, CHY_APPROVAL_STEPS), &steps));
    v->steps = steps;
    v->number = chy_row_int(&v->row, CHY_APPROVAL_STEP);
    v->step = json_array_get(steps, (size_t)v->number);
    v->voter = chy_principal_of(call->op);
    chy_uuid_format(&v->voter->id, v->voter_text);
    return may_vote(call, v);
}

/** add_vote keeps the vote with the request, and tells the audit of it. */
static chy_status add_vote(struct chy_call *call, struct vote *v, const char *word,
                           struct chy_slice *out_votes)
{
    json_t *one = chy_json_object(call->op);
    struct chy_slice comment = chy_json_member(call->document, "comment");
    bool fine = one != NULL && chy_json_set_int(one, "step", v->number) &&
                chy_json_set_text(one, "identityId", chy_text(v->voter_text)) &&
                chy_json_set_text(one, "decision", chy_text(word)) &&
                (comment.len == 0 ? chy_json_set_null(one, "comment")
                                  : chy_json_set_text(one, "comment", comment));
    if (!fine) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_json_write(call->op, one, &call->audit_detail));
    if (!chy_json_set_time(one, "at", chy_now(call->op)) || json_array_append(v->votes, one) != 0) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write(call->op, v->votes, out_votes);
}

/** pass_step goes on to the next step, and says whether the last one was passed. */
static bool pass_step(struct vote *v)
{
    bool voted;
    int64_t wanted = json_integer_value(json_object_get(v->step, "requiredApprovals"));
    if (votes_in(v, &voted) >= wanted) {
        v->number++;
    }
    return v->number >= (int64_t)json_array_size(v->steps);
}

static chy_status write_approval(struct chy_call *call, struct vote *v, struct chy_slice votes,
                                 bool passed)
{
    struct chy_batch batch;
    struct chy_write *write;
    chy_batch_init(&batch, call->op, 0);
    if (passed) {
        CHY_TRY(chy_approval_end(&batch, &v->row, "approved", "pending", chy_slice_of(NULL, 0),
                                 &write));
        bool waits = is_about_certificate(&v->row);
        chy_write_set(write, CHY_APPROVAL_DUE_AT,
                      waits ? chy_value_time(chy_now(call->op) + CHY_APPROVAL_LEASE)
                            : chy_value_null());
        if (!waits) {
            CHY_TRY(chy_approval_policy_apply(call, &batch, &v->row));
        }
    } else {
        write =
            chy_batch_update(&batch, CHY_C_APPROVAL_REQUESTS, CHY_KEY(chy_value_uuid(&call->id)));
        chy_write_guard_revision(write, v->row.revision);
        chy_write_set(write, CHY_APPROVAL_UPDATED_AT, chy_value_time(chy_now(call->op)));
    }
    chy_write_set(write, CHY_APPROVAL_STEP, chy_value_int(v->number));
    chy_write_set(write, CHY_APPROVAL_VOTES, chy_value_json(votes));
    return chy_call_commit(call, &batch, "approve", &call->id);
}

#define ATTEMPTS 8

/** vote approves once; another's vote in the same moment makes it look again. */
static chy_status vote(struct chy_call *call, struct vote *v, bool *out_passed)
{
    struct chy_slice votes;
    chy_status status = CHY_CONFLICT;
    for (int attempt = 0; attempt < ATTEMPTS && status == CHY_CONFLICT; attempt++) {
        CHY_TRY(begin_vote(call, v));
        CHY_TRY(add_vote(call, v, "approved", &votes));
        *out_passed = pass_step(v);
        status = write_approval(call, v, votes, *out_passed);
    }
    return status;
}

static chy_status approve(struct chy_call *call)
{
    struct vote v;
    bool passed = false;
    CHY_TRY(vote(call, &v, &passed));
    if (passed && is_about_certificate(&v.row) &&
        chy_approval_issue(call->runtime, call->op, &call->id) != CHY_OK) {
        // It is approved whatever came of it: a job issues it.
        chy_log_warning(call->op, "approval.later", "an approved request is issued later");
    }
    return answer_stored(call);
}

/** A comment of 255 characters, and a few words. */
#define COMMENT_ROOM 2048U

static chy_status reject(struct chy_call *call)
{
    struct vote v;
    struct chy_slice votes;
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_slice comment = chy_json_member(call->document, "comment");
    struct chy_buf message;
    CHY_TRY(begin_vote(call, &v));
    CHY_TRY(add_vote(call, &v, "rejected", &votes));
    chy_buf_init(&message, call->op, COMMENT_ROOM);
    chy_buf_add_text(&message,
                     comment.len == 0 ? "the request was rejected" : "the request was rejected: ");
    chy_buf_add(&message, comment);
    if (!chy_buf_ok(&message)) {
        return chy_buf_fail(&message, call->op, "the reason");
    }
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(
        chy_approval_end(&batch, &v.row, "rejected", "rejected", chy_buf_slice(&message), &write));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    chy_write_set(write, CHY_APPROVAL_VOTES, chy_value_json(votes));
    CHY_TRY(chy_call_commit(call, &batch, "reject", &call->id));
    return answer_stored(call);
}

/* ------------------------------------------------------------------------------------------------
 * Cancelling
 */

static chy_status may_cancel(struct chy_op *op, const struct chy_storage_row *row)
{
    struct chy_uuid requester = chy_row_uuid(row, CHY_APPROVAL_REQUESTER_ID);
    struct chy_uuid project_id = chy_row_uuid(row, CHY_APPROVAL_PROJECT_ID);
    if (chy_uuid_compare(&requester, &chy_principal_of(op)->id) == 0 ||
        chy_may(op, &project_id, CHY_SUBJECT_REQUESTS, CHY_ACTION_APPROVE)) {
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "only who asked for it, or may approve it, cancels a request");
}

chy_status chy_approval_cancel(struct chy_call *call, const struct chy_uuid *id)
{
    struct chy_batch batch;
    struct chy_write *write;
    struct chy_storage_row row;
    struct chy_uuid project_id;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_REQUESTS,
                             CHY_KEY(chy_value_uuid(id)), chy_core_fields(CHY_C_APPROVAL_REQUESTS),
                             &row));
    CHY_TRY(may_cancel(call->op, &row));
    CHY_TRY(refuse_decided(call->op, &row));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_approval_end(&batch, &row, "cancelled", "cancelled",
                             chy_text("the request was cancelled"), &write));
    chy_write_set(write, CHY_APPROVAL_DUE_AT, chy_value_null());
    project_id = chy_row_uuid(&row, CHY_APPROVAL_PROJECT_ID);
    struct chy_audit_event event = {.action = "approval-request.cancel",
                                    .target_kind = "approval-requests",
                                    .outcome = CHY_AUDIT_OK,
                                    .project_id = &project_id};
    CHY_TRY(chy_uuid_text(call->op, id, &event.target));
    return chy_call_commit_event(call, &batch, &event);
}

static chy_status cancel(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(chy_approval_cancel(call, &call->id));
    return answer_stored(call);
}

#define LIST_SHAPE                                                                               \
    CHY_LIST_SHAPE_WITH(",\"scope\":{\"type\":\"string\",\"enum\":[\"project\"]},\"id\""         \
                        ":{\"type\":\"string\",\"format\":\"uuid\"},\"status\":{\"type\":"       \
                        "\"string\",\"enum\":[\"open\",\"approved\",\"rejected\",\"cancelled\"," \
                        "\"expired\"]}")
#define VOTE_SHAPE                                                            \
    "{\"type\":\"object\",\"properties\":{\"comment\":{\"type\":[\"string\"," \
    "\"null\"],\"maxLength\":255}}}"
#define NOTHING "{\"type\":\"object\",\"properties\":{}}"

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_SHAPE, list},
    {"approve", CHY_ACTION_APPROVE, CHY_ACTION_NEEDS_ID, VOTE_SHAPE, approve},
    {"reject", CHY_ACTION_APPROVE, CHY_ACTION_NEEDS_ID, VOTE_SHAPE, reject},
    {"cancel", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NOTHING, cancel},
};

static const struct chy_kind_answer answers[] = {
    {"approve", "{'request': '#ApprovalRequest'}", NULL},
    {"reject", "{'request': '#ApprovalRequest'}", NULL},
    {"cancel", "{'request': '#ApprovalRequest'}", NULL},
};

const struct chy_kind chy_kind_approval_request = {
    .name = "approval-requests",
    .singular = "request",
    .plural = "requests",
    .what = "approval request",
    .subject = CHY_SUBJECT_REQUESTS,
    .audit = "approval-request",
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
    .decoration = "{'requestData?': {'profileId': 'id', 'profileName': 'text', "
                  "'certificateRequestId': 'id', 'status': 'text', 'certificateRequest': 'any', "
                  "'metadata': 'any'}}",
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.facts = facts},
};
