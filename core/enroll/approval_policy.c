#include "enroll/approval_policy.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval.h"
#include "enroll/approval_change.h"
#include "enroll/approval_notice.h"
#include "enroll/approval_policy_state.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/delete_all.h"
#include "resource/outline.h"

#define PROFILES_MAX 100U
#define PATH_SIZE 96

#define STEPS_SHAPE                                                                            \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":10,\"items\":{\"type\":\"object\","       \
    "\"required\":[\"requiredApprovals\"],\"properties\":{\"name\":{\"type\":[\"string\","     \
    "\"null\"],\"maxLength\":255},\"requiredApprovals\":{\"type\":\"integer\",\"minimum\":1,"  \
    "\"maximum\":20},\"notifyApprovers\":{\"type\":\"boolean\"},\"approvers\":{\"type\":"      \
    "\"array\",\"maxItems\":50,\"items\":{\"type\":"                                           \
    "\"object\",\"required\":[\"type\",\"id\"],\"properties\":{\"type\":{\"type\":\"string\"," \
    "\"enum\":[\"user\",\"identity\",\"group\"]},\"id\":{\"type\":\"string\",\"format\":"      \
    "\"uuid\"}}}}}}}"
#define CONDITIONS_SHAPE                                                                         \
    "{\"type\":\"array\",\"minItems\":1,\"maxItems\":20,\"items\":{\"type\":\"object\","         \
    "\"properties\":{\"profileNames\":{\"type\":\"array\",\"maxItems\":100,\"items\":{\"type\":" \
    "\"string\",\"minLength\":1,\"maxLength\":64}},\"profileIds\":{\"type\":\"array\","          \
    "\"maxItems\":100,\"items\":{\"type\":\"string\",\"format\":\"uuid\"}}}}}"

static const struct chy_member members[] = {
    {"id", CHY_APPROVAL_POLICY_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_APPROVAL_POLICY_PROJECT_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID},
    {"name", CHY_APPROVAL_POLICY_NAME, CHY_MEMBER_REQUIRED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"x-trim\":true}"},
    {"maxRequestTtl", CHY_APPROVAL_POLICY_MAX_TTL, 0,
     "{\"type\":[\"string\",\"null\"],\"maxLength\":32}"},
    {"steps", CHY_APPROVAL_POLICY_STEPS, CHY_MEMBER_REQUIRED, STEPS_SHAPE},
    {"bypassForMachineIdentities", CHY_APPROVAL_POLICY_BYPASS, 0, "{\"type\":\"boolean\"}"},
    {"selfApproval", CHY_APPROVAL_POLICY_SELF, 0, "{\"type\":\"boolean\"}"},
    {"conditions", CHY_APPROVAL_POLICY_CONDITIONS, CHY_MEMBER_REQUIRED, CONDITIONS_SHAPE},
    {"enforcementLevel", CHY_APPROVAL_POLICY_ENFORCEMENT, 0,
     "{\"type\":\"string\",\"enum\":[\"hard\",\"soft\"]}"},
    {"createdAt", CHY_APPROVAL_POLICY_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_APPROVAL_POLICY_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * What a document says
 */

static chy_status check_approver(struct chy_call *call, const json_t *approver, const char *path)
{
    struct chy_uuid id;
    struct chy_storage_row row;
    if (chy_slice_is(chy_json_member(approver, "type"), "group")) {
        return chy_shape_refuse_one(call->op, "invalid_enum_value", path,
                                    "there are no groups here: name users or identities");
    }
    if (!chy_uuid_parse(chy_json_member(approver, "id"), &id)) {
        return chy_not_found(call->op, "identity"); // its shape was checked
    }
    chy_status status = chy_storage_read(
        call->runtime->storage, call->op, CHY_C_MEMBERSHIPS,
        CHY_KEY(chy_value_uuid(&id), chy_value_uuid(&call->project_id)), CHY_NO_FIELDS, &row);
    if (status == CHY_NOT_FOUND) {
        return chy_shape_refuse_one(call->op, "custom", path,
                                    "no member of the project has this id");
    }
    return status;
}

/** check_steps wants steps that can be fulfilled. */
static chy_status check_steps(struct chy_call *call)
{
    char path[PATH_SIZE];
    size_t number;
    json_t *step;
    json_array_foreach(json_object_get(call->document, "steps"), number, step)
    {
        const json_t *approvers = json_object_get(step, "approvers");
        json_int_t wanted = json_integer_value(json_object_get(step, "requiredApprovals"));
        for (size_t i = 0; i < json_array_size(approvers); i++) {
            (void)snprintf(path, sizeof path, "/steps/%zu/approvers/%zu", number, i);
            CHY_TRY(check_approver(call, json_array_get(approvers, i), path));
            for (size_t k = 0; k < i; k++) {
                if (chy_slice_equal_nocase(chy_json_member(json_array_get(approvers, i), "id"),
                                           chy_json_member(json_array_get(approvers, k), "id"))) {
                    return chy_shape_refuse_one(call->op, "custom", path, "this id is there twice");
                }
            }
        }
        if (json_array_size(approvers) != 0 && wanted > (json_int_t)json_array_size(approvers)) {
            (void)snprintf(path, sizeof path, "/steps/%zu/requiredApprovals", number);
            return chy_shape_refuse_one(call->op, "custom", path,
                                        "more approvals are required than the step has approvers");
        }
        if (approvers == NULL && json_object_set_new(step, "approvers", json_array()) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return CHY_OK;
}

static chy_status check_ttl(struct chy_call *call)
{
    int64_t wait;
    const json_t *ttl = json_object_get(call->document, "maxRequestTtl");
    return !json_is_string(ttl) || chy_duration_parse_request(chy_json_text(ttl), &wait)
               ? CHY_OK
               : chy_shape_refuse_one(call->op, "custom", "/maxRequestTtl",
                                      "expected a number and ms, s, m, h, d, w or y, such as 7d");
}

static chy_status find_by_name(struct chy_call *call, struct chy_slice slug, const char *path,
                               struct chy_uuid *out_id)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROFILES, CHY_FIELDS(CHY_PROFILE_ID), 1);
    chy_query_eq(&query, CHY_PROFILE_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_eq(&query, CHY_PROFILE_SLUG, chy_value_text(slug));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return chy_shape_refuse_one(call->op, "custom", path,
                                    "the project has no certificate profile '%.*s'", (int)slug.len,
                                    (const char *)slug.ptr);
    }
    *out_id = chy_row_uuid(chy_page_row(&page, 0), 0);
    return CHY_OK;
}

static chy_status add_profile(struct chy_call *call, json_t *ids, const struct chy_uuid *id)
{
    struct chy_storage_row row;
    char text[CHY_UUID_TEXT_SIZE];
    CHY_TRY(chy_call_reference(call, id, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID, CHY_NO_FIELDS,
                               "certificate profile", &row));
    chy_uuid_format(id, text);
    if (chy_json_has_text(ids, chy_slice_of(text, CHY_UUID_TEXT_LEN))) {
        return CHY_OK;
    }
    if (json_array_size(ids) >= PROFILES_MAX) {
        return chy_shape_refuse_one(call->op, "too_big", "/conditions",
                                    "more than %u certificate profiles", PROFILES_MAX);
    }
    return json_array_append_new(ids, json_string(text)) == 0 ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status add_condition(struct chy_call *call, size_t number, const json_t *condition,
                                json_t *ids)
{
    char path[PATH_SIZE];
    struct chy_uuid id;
    const json_t *names = json_object_get(condition, "profileNames");
    const json_t *given = json_object_get(condition, "profileIds");
    for (size_t i = 0; i < json_array_size(names); i++) {
        (void)snprintf(path, sizeof path, "/conditions/%zu/profileNames/%zu", number, i);
        CHY_TRY(find_by_name(call, chy_json_text(json_array_get(names, i)), path, &id));
        CHY_TRY(add_profile(call, ids, &id));
    }
    for (size_t i = 0; i < json_array_size(given); i++) {
        if (!chy_uuid_parse(chy_json_text(json_array_get(given, i)), &id)) {
            return chy_not_found(call->op, "certificate profile"); // its shape was checked
        }
        CHY_TRY(add_profile(call, ids, &id));
    }
    return CHY_OK;
}

/** resolve_conditions makes ids of the profiles' names: [{profileIds}]. */
static chy_status resolve_conditions(struct chy_call *call)
{
    json_t *conditions = json_object_get(call->document, "conditions");
    json_t *ids = chy_json_array(call->op);
    if (conditions == NULL) {
        return CHY_OK;
    }
    if (ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < json_array_size(conditions); i++) {
        CHY_TRY(add_condition(call, i, json_array_get(conditions, i), ids));
    }
    if (json_array_size(ids) == 0) {
        return chy_shape_refuse_one(call->op, "too_small", "/conditions",
                                    "name at least one certificate profile");
    }
    json_t *one = json_pack("{s:O}", "profileIds", ids);
    json_t *list = one == NULL ? NULL : json_pack("[o]", one);
    return list != NULL && json_object_set_new(call->document, "conditions", list) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

chy_status chy_approval_policy_check(struct chy_call *call)
{
    CHY_TRY(chy_require(call->op, &call->project_id, CHY_SUBJECT_REQUESTS, CHY_ACTION_APPROVE,
                        "approval policy"));
    CHY_TRY(check_ttl(call));
    CHY_TRY(check_steps(call));
    if (chy_approval_notice_wanted(json_object_get(call->document, "steps")) &&
        !chy_approval_mail_works(call->runtime, call->op)) {
        chy_log_warning(call->op, "approval.no-mail", "%s", CHY_APPROVAL_NO_MAIL);
    }
    return resolve_conditions(call);
}

/* ------------------------------------------------------------------------------------------------
 * The profiles of a policy
 */

static const json_t *profiles_of(const json_t *conditions)
{
    return json_object_get(json_array_get(conditions, 0), "profileIds");
}

static chy_status refuse_taken(struct chy_call *call, const struct chy_uuid *profile_id,
                               const struct chy_uuid *policy_id)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_PROFILES,
                                         CHY_KEY(chy_value_uuid(profile_id)),
                                         CHY_FIELDS(CHY_APPROVAL_PROFILE_POLICY_ID), &row);
    if (status != CHY_OK) {
        return status == CHY_NOT_FOUND ? CHY_OK : status;
    }
    struct chy_uuid other = chy_row_uuid(&row, 0);
    return chy_uuid_compare(&other, policy_id) == 0
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "another approval policy has one of the certificate profiles already: "
                          "change that one");
}

chy_status chy_approval_policy_bind(struct chy_call *call, struct chy_batch *batch,
                                    const struct chy_uuid *policy_id, const json_t *before,
                                    const json_t *after)
{
    const json_t *old = profiles_of(before);
    const json_t *new = profiles_of(after);
    struct chy_uuid *ids =
        chy_alloc(call->op, (json_array_size(old) + json_array_size(new) + 1) * sizeof *ids);
    struct chy_uuid *next = ids; // the batch borrows them
    if (ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < json_array_size(old); i++) {
        struct chy_slice id = chy_json_text(json_array_get(old, i));
        if (!chy_json_has_text(new, id) && chy_uuid_parse(id, next)) {
            chy_delete_in(batch, CHY_C_APPROVAL_PROFILES, CHY_APPROVAL_PROFILE_ID, next++);
        }
    }
    for (size_t i = 0; i < json_array_size(new); i++) {
        struct chy_slice id = chy_json_text(json_array_get(new, i));
        if (chy_json_has_text(old, id) || !chy_uuid_parse(id, next)) {
            continue;
        }
        CHY_TRY(refuse_taken(call, next, policy_id));
        struct chy_write *write =
            chy_batch_insert(batch, CHY_C_APPROVAL_PROFILES, CHY_KEY(chy_value_uuid(next++)));
        chy_write_set(write, CHY_APPROVAL_PROFILE_PROJECT_ID, chy_value_uuid(&call->project_id));
        chy_write_set(write, CHY_APPROVAL_PROFILE_POLICY_ID, chy_value_uuid(policy_id));
    }
    return CHY_OK;
}

chy_status chy_approval_policy_conditions(struct chy_op *op, const struct chy_storage_row *row,
                                          json_t **out_conditions)
{
    return chy_json_parse(op, chy_row_json(row, CHY_APPROVAL_POLICY_CONDITIONS), out_conditions);
}

/* ------------------------------------------------------------------------------------------------
 * Making
 */

static chy_status default_false(struct chy_call *call, const char *name)
{
    return json_object_get(call->document, name) != NULL ||
                   json_object_set_new(call->document, name, json_false()) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static chy_status create(struct chy_call *call)
{
    CHY_TRY(chy_call_project(call));
    CHY_TRY(default_false(call, "bypassForMachineIdentities"));
    CHY_TRY(default_false(call, "selfApproval"));
    if (json_object_get(call->document, "enforcementLevel") == NULL &&
        !chy_json_set_text(call->document, "enforcementLevel", chy_text("hard"))) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_approval_policy_check(call));
    return chy_kind_create(call);
}

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    (void)write;
    return chy_approval_policy_bind(call, batch, &call->id, NULL,
                                    json_object_get(call->document, "conditions"));
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

/** warn: what clients have always been able to ask for is taken, and not kept silent about. */
static chy_status warn(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    json_t *steps;
    CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_APPROVAL_POLICY_STEPS), &steps));
    if (!chy_approval_notice_wanted(steps) || chy_approval_mail_works(call->runtime, call->op)) {
        return CHY_OK;
    }
    return json_object_set_new(object, "warnings", json_pack("[s]", CHY_APPROVAL_NO_MAIL)) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/** decorate shows each profile by the name that it has now. */
static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    json_t *conditions;
    json_t *names = chy_json_array(call->op);
    CHY_TRY(chy_approval_policy_conditions(call->op, row, &conditions));
    const json_t *ids = profiles_of(conditions);
    for (size_t i = 0; names != NULL && i < json_array_size(ids); i++) {
        struct chy_uuid id;
        struct chy_slice name = {NULL, 0};
        if (chy_uuid_parse(chy_json_text(json_array_get(ids, i)), &id)) {
            CHY_TRY(chy_call_name(call, CHY_C_PROFILES, CHY_PROFILE_SLUG, &id, &name));
        }
        if (name.len != 0 && // a profile that was deleted has none
            json_array_append_new(names, json_stringn((const char *)name.ptr, (size_t)name.len)) !=
                0) {
            return chy_fail_memory(call->op);
        }
    }
    json_t *shown = json_pack("[{s:O,s:O}]", "profileNames", names, "profileIds", ids);
    return shown != NULL && json_object_set_new(object, "conditions", shown) == 0
               ? warn(call, row, object)
               : chy_fail_memory(call->op);
}

/** describe: what is answered of the conditions says more than what is given. */
static chy_status describe(const struct chy_runtime *runtime, struct chy_op *op, bool is_answer,
                           json_t *schema)
{
    json_t *shown;
    (void)runtime;
    if (!is_answer) {
        return CHY_OK;
    }
    CHY_TRY(chy_outline_schema(
        op, "{'conditions': [{'profileNames': ['text'], 'profileIds': ['id']}]}", &shown));
    return json_object_update(json_object_get(schema, "properties"),
                              json_object_get(shown, "properties")) == 0
               ? CHY_OK
               : chy_fail_memory(op);
}

/** check_match tells whether what is asked for by a profile has to be approved, and by what. */
static chy_status check_match(struct chy_call *call)
{
    struct chy_uuid profile_id;
    struct chy_storage_row row;
    json_t *object = NULL;
    const json_t *inputs = json_object_get(call->document, "inputs");
    CHY_TRY(chy_call_project(call));
    CHY_TRY(find_by_name(call, chy_json_member(inputs, "profileName"), "/inputs/profileName",
                         &profile_id));
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_PROFILES,
                                         CHY_KEY(chy_value_uuid(&profile_id)),
                                         CHY_FIELDS(CHY_APPROVAL_PROFILE_POLICY_ID), &row);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (status == CHY_OK) {
        struct chy_uuid id = chy_row_uuid(&row, 0);
        CHY_TRY(chy_storage_read(call->runtime->storage, call->op, CHY_C_APPROVAL_POLICIES,
                                 CHY_KEY(chy_value_uuid(&id)), chy_call_fields(call), &row));
        CHY_TRY(chy_call_object(call, &row, &object));
    }
    call->answer = chy_json_object(call->op);
    bool fine = call->answer != NULL &&
                chy_json_set_bool(call->answer, "requiresApproval", object != NULL) &&
                (object == NULL ? chy_json_set_null(call->answer, "policy")
                                : json_object_set(call->answer, "policy", object) == 0);
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, NULL, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_APPROVAL_LIST_SHAPE(""), chy_approval_list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, chy_approval_policy_update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_approval_policy_delete},
    {"check-match", CHY_ACTION_READ, 0,
     "{\"type\":\"object\",\"required\":[\"inputs\"],\"properties\":{\"projectId\":{\"type\":"
     "\"string\",\"format\":\"uuid\"},\"inputs\":{\"type\":\"object\",\"required\":["
     "\"profileName\"],\"properties\":{\"profileName\":{\"type\":\"string\",\"minLength\":1,"
     "\"maxLength\":64}}}}}",
     check_match},
};

static const struct chy_kind_answer answers[] = {
    {"update", "{'policy': '#ApprovalPolicy', 'approvalRequestId?': 'id'}", NULL},
    {"delete", "{'policyId': 'id', 'approvalRequestId?': 'id'}", NULL},
    {"check-match", "{'requiresApproval': 'bool', 'policy': '#ApprovalPolicy?'}", NULL},
};

const struct chy_kind chy_kind_approval_policy = {
    .name = "approval-policies",
    .singular = "policy",
    .plural = "policies",
    .what = "approval policy",
    .subject = CHY_SUBJECT_APPROVALS,
    .audit = "approval-policy",
    .collection = CHY_C_APPROVAL_POLICIES,
    .id_field = CHY_APPROVAL_POLICY_ID,
    .project_field = CHY_APPROVAL_POLICY_PROJECT_ID,
    .search_field = CHY_APPROVAL_POLICY_NAME,
    .created_field = CHY_APPROVAL_POLICY_CREATED_AT,
    .updated_field = CHY_APPROVAL_POLICY_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = "{'warnings?': ['text']}",
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_create = before_create, .decorate = decorate, .describe = describe},
};
