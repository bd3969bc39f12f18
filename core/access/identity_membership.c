#include "access/identity.h"
#include "access/role.h"
#include "resource/collections.h"

#define ROLE_SHAPE "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"

static const struct chy_member members[] = {
    {"identityId", CHY_MEMBERSHIP_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_MEMBERSHIP_PROJECT_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID},
    {"role", CHY_MEMBERSHIP_ROLE, CHY_MEMBER_REQUIRED, ROLE_SHAPE},
    {"createdAt", CHY_MEMBERSHIP_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/** decorate adds the identity as lists show it. */
static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_MEMBERSHIP_IDENTITY_ID);
    struct chy_storage_row found;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_IDENTITIES,
                                         CHY_KEY(chy_value_uuid(&id)),
                                         CHY_FIELDS(CHY_IDENTITY_NAME, CHY_IDENTITY_KIND), &found);
    if (status == CHY_NOT_FOUND) {
        return CHY_OK; // it is just being deleted
    }
    CHY_TRY(status);
    json_t *identity = chy_json_object(call->op);
    return identity != NULL && chy_json_set_uuid(identity, "id", &id) &&
                   chy_json_set_text(identity, "name", chy_row_text(&found, 0)) &&
                   chy_json_set_text(identity, "type", chy_row_text(&found, 1)) &&
                   json_object_set(object, "identity", identity) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static chy_status read_row(struct chy_call *call, struct chy_storage_row *out_row)
{
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_MEMBERSHIPS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&call->project_id)),
                         chy_call_fields(call), out_row);
    return chy_or_not_found(call->op, status, "identity");
}

static chy_status answer_stored(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(read_row(call, &row));
    return chy_call_answer_row(call, &row);
}

static chy_status refuse_member(struct chy_call *call)
{
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "the identity is a member of the project already; change its role instead");
}

/** choose_role finds the role that the document wants, which the caller may hand out. */
static chy_status choose_role(struct chy_call *call, struct chy_role_choice *out_choice)
{
    CHY_TRY(chy_role_choose(call, chy_json_member(call->document, "role"), out_choice));
    return chy_role_require_covers(call, &out_choice->held);
}

static void set_role(struct chy_call *call, const struct chy_role_choice *choice,
                     struct chy_write *write)
{
    chy_write_set(write, CHY_MEMBERSHIP_ROLE,
                  chy_value_text(chy_json_member(call->document, "role")));
    chy_write_set(write, CHY_MEMBERSHIP_ROLE_ID, chy_value_uuid_or_null(&choice->id));
}

/** require_as_it_is: nobody takes a role away, or changes it, that gives more than their own. */
static chy_status require_as_it_is(struct chy_call *call, const struct chy_storage_row *row)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_MEMBERSHIP_ROLE_ID);
    struct chy_held_role held;
    CHY_TRY(chy_role_of_membership(call->runtime, call->op, chy_row_text(row, CHY_MEMBERSHIP_ROLE),
                                   &id, &held));
    return chy_role_require_covers(call, &held);
}

static chy_status create(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    struct chy_role_choice choice;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(choose_role(call, &choice));
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_READ, &row));
    chy_status status = read_row(call, &row);
    if (status == CHY_OK) {
        return refuse_member(call);
    }
    if (status != CHY_NOT_FOUND) {
        return status;
    }
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *identity =
        chy_batch_check(&batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_present(identity);
    struct chy_write *write =
        chy_batch_insert(&batch, CHY_C_MEMBERSHIPS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&call->project_id)));
    set_role(call, &choice, write);
    chy_write_set(write, CHY_MEMBERSHIP_CREATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(chy_call_commit(call, &batch, "create", &call->id));
    return answer_stored(call);
}

static chy_status get(struct chy_call *call)
{
    CHY_TRY(chy_call_project(call));
    return answer_stored(call);
}

static chy_status update(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    struct chy_role_choice choice;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(read_row(call, &row));
    CHY_TRY(require_as_it_is(call, &row));
    CHY_TRY(choose_role(call, &choice));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_MEMBERSHIPS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&call->project_id)));
    chy_write_guard_revision(write, row.revision);
    set_role(call, &choice, write);
    CHY_TRY(chy_call_commit(call, &batch, "update", &call->id));
    return answer_stored(call);
}

/** require_applications: who leaves the project loses roles in its applications as well. */
static chy_status require_applications(struct chy_call *call)
{
    bool covers;
    CHY_TRY(chy_identity_covers_applications(call, &call->id, &call->project_id, CHY_ROLE_HAND_OUT,
                                             &covers));
    return covers ? CHY_OK
                  : chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                                    "the identity has roles in applications of the project with "
                                    "permissions that you lack there: nobody can take those away "
                                    "who could not hand them out");
}

/** leave_applications: nobody is left in an application of a project that they have left. */
static void leave_applications(struct chy_call *call, struct chy_batch *batch)
{
    struct chy_query query;
    chy_query_init(&query, call->op, CHY_C_APPLICATION_MEMBERS, CHY_NO_FIELDS,
                   CHY_STORAGE_DELETE_RANGE_MAX);
    chy_query_eq(&query, CHY_APP_MEMBER_IDENTITY_ID, chy_value_uuid(&call->id));
    chy_query_eq(&query, CHY_APP_MEMBER_PROJECT_ID, chy_value_uuid(&call->project_id));
    (void)chy_batch_delete_range(batch, &query, CHY_STORAGE_DELETE_RANGE_MAX);
}

static chy_status delete_membership(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(read_row(call, &row));
    CHY_TRY(require_as_it_is(call, &row));
    CHY_TRY(require_applications(call));
    chy_batch_init(&batch, call->op, 0);
    (void)chy_batch_delete(&batch, CHY_C_MEMBERSHIPS,
                           CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&call->project_id)));
    leave_applications(call, &batch);
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    return chy_call_answer_row(call, &row);
}

#define ROLE_DOCUMENT                                                             \
    "{\"type\":\"object\",\"required\":[\"projectId\",\"role\"],\"properties\":{" \
    "\"projectId\":" CHY_SHAPE_ID ",\"role\":" ROLE_SHAPE "}}"
#define DOCUMENT                                                         \
    "{\"type\":\"object\",\"required\":[\"projectId\"],\"properties\":{" \
    "\"projectId\":" CHY_SHAPE_ID "}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, CHY_ACTION_NEEDS_ID, ROLE_DOCUMENT, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, DOCUMENT, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, chy_kind_list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, ROLE_DOCUMENT, update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, DOCUMENT, delete_membership},
};

const struct chy_kind chy_kind_identity_membership = {
    .name = "identity-memberships",
    .singular = "identityMembership",
    .plural = "identityMemberships",
    .what = "membership",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "identity-membership",
    .collection = CHY_C_MEMBERSHIPS,
    .id_field = CHY_MEMBERSHIP_IDENTITY_ID,
    .project_field = CHY_MEMBERSHIP_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_MEMBERSHIP_CREATED_AT,
    .updated_field = CHY_NO_FIELD,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = "{'identity?': {'id': 'id', 'name': 'text', 'type': 'text'}}",
    .hooks = {.decorate = decorate},
};
