#include "enroll/approval_request.h"

#include "enroll/approval.h"
#include "enroll/approval_decide.h"
#include "enroll/approval_notice.h"
#include "enroll/approval_vote.h"
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
    {"enforcementLevel", CHY_APPROVAL_ENFORCEMENT, CHY_MEMBER_DERIVED, NULL},
    {"bypassReason", CHY_APPROVAL_BYPASS_REASON, CHY_MEMBER_DERIVED, NULL},
    {"grantStatus", CHY_APPROVAL_GRANT, CHY_MEMBER_DERIVED, NULL},
    {"expiresAt", CHY_APPROVAL_EXPIRES_AT, CHY_MEMBER_DERIVED, NULL},
    {"createdAt", CHY_APPROVAL_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_APPROVAL_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/** facts: conditions of permissions are held against the certificate request. */
static chy_status facts(struct chy_call *call, const struct chy_storage_row *row,
                        struct chy_uuid *out_owner, struct chy_facts *out_facts)
{
    return chy_approval_facts(call->runtime, call->op, row, out_owner, out_facts);
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
    if (!chy_row_is_null(row, CHY_APPROVAL_REQUEST_ID)) {
        CHY_TRY(add_data(call, row, object));
    }
    CHY_TRY(chy_approval_notice_show(call, object));
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

/* ------------------------------------------------------------------------------------------------
 * Deciding
 */

static chy_status approve(struct chy_call *call)
{
    CHY_TRY(chy_approval_approve(call));
    return answer_stored(call);
}

static chy_status reject(struct chy_call *call)
{
    CHY_TRY(chy_approval_reject(call));
    return answer_stored(call);
}

static chy_status cancel(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(chy_approval_cancel(call, &call->id));
    return answer_stored(call);
}

#define LIST_SHAPE                                                                              \
    CHY_APPROVAL_LIST_SHAPE(",\"status\":{\"type\":\"string\",\"enum\":[\"open\",\"approved\"," \
                            "\"rejected\",\"cancelled\",\"expired\"]}")
#define COMMENT "\"comment\":{\"type\":[\"string\",\"null\"],\"maxLength\":255}"
#define APPROVE_SHAPE                                                                       \
    "{\"type\":\"object\",\"properties\":{" COMMENT                                         \
    ",\"bypassReason\":{\"type\":[\"string\",\"null\"],\"minLength\":10,\"maxLength\":500," \
    "\"x-trim\":true,\"description\":\"approves in an emergency, past all steps\"}}}"
#define REJECT_SHAPE "{\"type\":\"object\",\"properties\":{" COMMENT "}}"
#define NOTHING "{\"type\":\"object\",\"properties\":{}}"

static const struct chy_action actions[] = {
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_SHAPE, chy_approval_list},
    {"approve", CHY_ACTION_APPROVE, CHY_ACTION_NEEDS_ID, APPROVE_SHAPE, approve},
    {"reject", CHY_ACTION_APPROVE, CHY_ACTION_NEEDS_ID, REJECT_SHAPE, reject},
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
                  "'metadata': 'any'}, 'notifications?': " CHY_APPROVAL_NOTICES_OUTLINE "}",
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.facts = facts},
};
