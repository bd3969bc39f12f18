#include "access/application_member.h"

#include "access/identity.h"
#include "resource/collections.h"

#define ROLE_SHAPE "{\"type\":\"string\",\"enum\":[\"admin\",\"operator\",\"auditor\"]}"

/** A list is bounded, so membership is. */
#define MEMBERS_MAX 1000U

/* ------------------------------------------------------------------------------------------------
 * The application and the member
 */

/** require_application asks for the action's permission where the application is. */
static chy_status require_application(struct chy_call *call)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_APPLICATIONS,
                                         CHY_KEY(chy_value_uuid(&call->id)),
                                         CHY_FIELDS(CHY_APPLICATION_PROJECT_ID), &row);
    CHY_TRY(chy_or_not_found(call->op, status, "application"));
    call->project_id = chy_row_uuid(&row, 0);
    struct chy_place place = {.project_id = call->project_id, .application_id = call->id};
    return chy_require_at(call->op, &place, CHY_SUBJECT_APPLICATIONS, call->action->permission,
                          "application");
}

/** A member as the document names it. */
struct member {
    struct chy_uuid identity_id;
    struct chy_storage_row row; /**< every field, by enum chy_application_member_field */
};

/** read_member: its identityId's shape was checked. */
static chy_status read_member(struct chy_call *call, struct member *member)
{
    if (!chy_call_uuid(call, "identityId", &member->identity_id)) {
        return chy_not_found(call->op, "identity");
    }
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_APPLICATION_MEMBERS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&member->identity_id)),
                         chy_call_fields(call), &member->row);
    return chy_or_not_found(call->op, status, "identity");
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

static chy_status member_json(struct chy_call *call, const struct chy_storage_row *row,
                              json_t **out_object)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_APP_MEMBER_IDENTITY_ID);
    struct chy_slice name;
    json_t *object = chy_json_object(call->op);
    CHY_TRY(chy_call_name(call, CHY_C_IDENTITIES, CHY_IDENTITY_NAME, &id, &name));
    // Within its application a membership is known by the identity.
    bool fine =
        object != NULL && chy_json_set_uuid(object, "id", &id) &&
        chy_json_set_uuid(object, "membershipId", &id) &&
        chy_json_set_uuid(object, "applicationId", &call->id) &&
        chy_json_set_uuid(object, "actorIdentityId", &id) &&
        chy_json_set_null(object, "actorUserId") && chy_json_set_null(object, "actorGroupId") &&
        chy_json_set_text(object, "name", name) &&
        chy_json_set_text(object, "role", chy_row_text(row, CHY_APP_MEMBER_ROLE)) &&
        chy_json_set_time(object, "createdAt", chy_row_time(row, CHY_APP_MEMBER_CREATED_AT)) &&
        chy_json_set_time(object, "updatedAt", chy_row_time(row, CHY_APP_MEMBER_UPDATED_AT));
    *out_object = object;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status answer_member(struct chy_call *call, const struct chy_storage_row *row)
{
    json_t *object;
    CHY_TRY(member_json(call, row, &object));
    return chy_call_answer(call, object);
}

static chy_status answer_stored(struct chy_call *call, struct member *member)
{
    CHY_TRY(read_member(call, member));
    return answer_member(call, &member->row);
}

static chy_status answer_list(struct chy_call *call, json_t *list)
{
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && list != NULL &&
                   json_object_set(call->answer, call->kind->plural, list) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

static chy_status list(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    json_t *members = chy_json_array(call->op);
    CHY_TRY(require_application(call));
    chy_query_init(&query, call->op, CHY_C_APPLICATION_MEMBERS, chy_call_fields(call), MEMBERS_MAX);
    chy_query_eq(&query, CHY_APP_MEMBER_APPLICATION_ID, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        json_t *object;
        CHY_TRY(member_json(call, chy_page_row(&page, i), &object));
        if (json_array_append(members, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return answer_list(call, members);
}

/* ------------------------------------------------------------------------------------------------
 * Changing
 */

/** note lets the audit row say who it was, and the role. */
static chy_status note(struct chy_call *call, const struct member *member, struct chy_slice role)
{
    json_t *detail = chy_json_object(call->op);
    if (detail == NULL || !chy_json_set_uuid(detail, "identityId", &member->identity_id) ||
        !chy_json_set_text(detail, "role", role)) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write(call->op, detail, &call->audit_detail);
}

/** count_rows tells how many rows of members have a field of that id, as far as `limit`. */
static chy_status count_rows(struct chy_call *call, uint32_t field, const struct chy_uuid *id,
                             uint64_t limit, uint64_t *out_count)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_APPLICATION_MEMBERS, CHY_NO_FIELDS, limit);
    chy_query_eq(&query, field, chy_value_uuid(id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    *out_count = page.rows.count;
    return CHY_OK;
}

static chy_status check_room(struct chy_call *call, const struct member *member)
{
    uint64_t count;
    CHY_TRY(count_rows(call, CHY_APP_MEMBER_APPLICATION_ID, &call->id, MEMBERS_MAX, &count));
    if (count >= MEMBERS_MAX) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "an application has at most %u members",
                        MEMBERS_MAX);
    }
    CHY_TRY(count_rows(call, CHY_APP_MEMBER_IDENTITY_ID, &member->identity_id,
                       CHY_IDENTITY_APPLICATIONS_MAX, &count));
    return count < CHY_IDENTITY_APPLICATIONS_MAX
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "an identity has a role in at most %u applications: give it a role in "
                          "the project instead",
                          CHY_IDENTITY_APPLICATIONS_MAX);
}

/** may_add tells whether the caller could make the identity a member of the project as well. */
static bool may_add(struct chy_call *call)
{
    return chy_may(call->op, &call->project_id, CHY_SUBJECT_IDENTITIES, CHY_ACTION_CREATE);
}

/**
 * join_project: whoever is in an application is in its project.  An administrator of the project
 * adds whom they may see, with no access beyond the application; others add who is there already.
 */
static chy_status join_project(struct chy_call *call, struct member *member,
                               struct chy_batch *batch)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        call->runtime->storage, call->op, CHY_C_MEMBERSHIPS,
        CHY_KEY(chy_value_uuid(&member->identity_id), chy_value_uuid(&call->project_id)),
        CHY_NO_FIELDS, &row);
    if (status == CHY_OK) {
        struct chy_write *there = chy_batch_check(
            batch, CHY_C_MEMBERSHIPS,
            CHY_KEY(chy_value_uuid(&member->identity_id), chy_value_uuid(&call->project_id)));
        chy_write_guard_present(there);
        return CHY_OK;
    }
    if (status != CHY_NOT_FOUND) {
        return status;
    }
    if (!may_add(call)) {
        return chy_not_found(call->op, "identity");
    }
    CHY_TRY(chy_identity_require(call, &member->identity_id, CHY_ACTION_READ, &row));
    struct chy_write *identity =
        chy_batch_check(batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&member->identity_id)));
    chy_write_guard_present(identity);
    struct chy_write *write = chy_batch_insert(
        batch, CHY_C_MEMBERSHIPS,
        CHY_KEY(chy_value_uuid(&member->identity_id), chy_value_uuid(&call->project_id)));
    chy_write_set(write, CHY_MEMBERSHIP_ROLE,
                  chy_value_text(chy_text(chy_role_name(CHY_ROLE_NO_ACCESS))));
    chy_write_set(write, CHY_MEMBERSHIP_CREATED_AT, chy_value_time(chy_now(call->op)));
    return CHY_OK;
}

static void insert(struct chy_call *call, struct member *member, struct chy_batch *batch)
{
    struct chy_write *there =
        chy_batch_check(batch, CHY_C_APPLICATIONS, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_present(there);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_APPLICATION_MEMBERS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&member->identity_id)));
    chy_write_set(write, CHY_APP_MEMBER_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(write, CHY_APP_MEMBER_ROLE,
                  chy_value_text(chy_json_member(call->document, "role")));
    chy_write_set(write, CHY_APP_MEMBER_CREATED_AT, chy_value_time(chy_now(call->op)));
    chy_write_set(write, CHY_APP_MEMBER_UPDATED_AT, chy_value_time(chy_now(call->op)));
}

/** require_role asks that the caller has what a role in the application gives, which the document
 *  names or a member has. */
static chy_status require_role(struct chy_call *call, struct chy_slice role)
{
    const struct chy_place place = {.project_id = call->project_id, .application_id = call->id};
    const struct chy_held_role held = {chy_application_role_find(role), NULL};
    return chy_require_covers(call->op, &place, &held);
}

static chy_status create(struct chy_call *call)
{
    struct member member;
    struct chy_batch batch;
    CHY_TRY(require_application(call));
    CHY_TRY(require_role(call, chy_json_member(call->document, "role")));
    chy_status status = read_member(call, &member);
    if (status == CHY_OK) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0,
                        "the identity is a member of the application already; change its role "
                        "instead");
    }
    if (status != CHY_NOT_FOUND) {
        return status;
    }
    CHY_TRY(check_room(call, &member));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(join_project(call, &member, &batch));
    insert(call, &member, &batch);
    CHY_TRY(note(call, &member, chy_json_member(call->document, "role")));
    CHY_TRY(chy_call_commit(call, &batch, "create", &call->id));
    return answer_stored(call, &member);
}

static chy_status update(struct chy_call *call)
{
    struct member member;
    struct chy_batch batch;
    struct chy_slice role = chy_json_member(call->document, "role");
    CHY_TRY(require_application(call));
    CHY_TRY(read_member(call, &member));
    CHY_TRY(require_role(call, role));
    CHY_TRY(require_role(call, chy_row_text(&member.row, CHY_APP_MEMBER_ROLE)));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_APPLICATION_MEMBERS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&member.identity_id)));
    chy_write_guard_revision(write, member.row.revision);
    chy_write_set(write, CHY_APP_MEMBER_ROLE, chy_value_text(role));
    chy_write_set(write, CHY_APP_MEMBER_UPDATED_AT, chy_value_time(chy_now(call->op)));
    CHY_TRY(note(call, &member, role));
    CHY_TRY(chy_call_commit(call, &batch, "update", &call->id));
    return answer_stored(call, &member);
}

static chy_status delete_member(struct chy_call *call)
{
    struct member member;
    struct chy_batch batch;
    CHY_TRY(require_application(call));
    CHY_TRY(read_member(call, &member));
    CHY_TRY(require_role(call, chy_row_text(&member.row, CHY_APP_MEMBER_ROLE)));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, CHY_C_APPLICATION_MEMBERS,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&member.identity_id)));
    chy_write_guard_revision(write, member.row.revision);
    CHY_TRY(note(call, &member, chy_row_text(&member.row, CHY_APP_MEMBER_ROLE)));
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    return answer_member(call, &member.row);
}

/* ------------------------------------------------------------------------------------------------
 * People and groups
 */

static chy_status list_others(struct chy_call *call)
{
    CHY_TRY(require_application(call));
    return answer_list(call, chy_json_array(call->op));
}

static chy_status refuse(struct chy_call *call, const char *what)
{
    CHY_TRY(require_application(call));
    return chy_fail(call->op, CHY_NOT_FOUND, 0,
                    "%s not found: people and machines are identities here; add one by its id "
                    "under /identities",
                    what);
}

static chy_status refuse_user(struct chy_call *call)
{
    return refuse(call, "user");
}

static chy_status refuse_group(struct chy_call *call)
{
    return refuse(call, "group");
}

#define ROLE_DOCUMENT                                                              \
    "{\"type\":\"object\",\"required\":[\"identityId\",\"role\"],\"properties\":{" \
    "\"identityId\":" CHY_SHAPE_ID ",\"role\":" ROLE_SHAPE "}}"
#define DOCUMENT                                                          \
    "{\"type\":\"object\",\"required\":[\"identityId\"],\"properties\":{" \
    "\"identityId\":" CHY_SHAPE_ID "}}"
#define OTHER "{\"type\":\"object\",\"properties\":{\"otherId\":" CHY_SHAPE_ID "}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, ROLE_DOCUMENT, create},
    {"list", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, ROLE_DOCUMENT, update},
    {"delete", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, DOCUMENT, delete_member},
    {"list-others", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, list_others},
    {"refuse-user", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, OTHER, refuse_user},
    {"refuse-group", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, OTHER, refuse_group},
};

#define OBJECT                                                                            \
    "{'id': 'id', 'membershipId': 'id', 'applicationId': 'id', 'actorIdentityId': 'id', " \
    "'actorUserId': 'id?', 'actorGroupId': 'id?', 'name': 'text', 'role': 'text', "       \
    "'createdAt': 'time', 'updatedAt': 'time'}"
#define LIST "{'memberships': ['#ApplicationMember']}"

static const struct chy_kind_answer answers[] = {
    {"list", LIST, NULL},
    {"list-others", LIST, NULL},
    {"refuse-user", "'any'", NULL}, // never answered
    {"refuse-group", "'any'", NULL},
};

const struct chy_kind chy_kind_application_member = {
    .name = "application-members",
    .singular = "membership",
    .plural = "memberships",
    .what = "membership",
    .subject = CHY_SUBJECT_APPLICATIONS,
    .audit = "application-member",
    .collection = CHY_C_APPLICATION_MEMBERS,
    .id_field = CHY_APP_MEMBER_APPLICATION_ID,
    .project_field = CHY_APP_MEMBER_PROJECT_ID,
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_APP_MEMBER_CREATED_AT,
    .updated_field = CHY_APP_MEMBER_UPDATED_AT,
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = OBJECT,
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
};
