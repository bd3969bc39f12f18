#include "access/role.h"

#include "base/slice.h"
#include "resource/collections.h"

static const struct chy_member members[] = {
    {"id", CHY_ROLE_FIELD_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_ROLE_FIELD_PROJECT_ID, CHY_MEMBER_FIXED,
     "{\"type\":\"string\",\"format\":\"uuid\"}"},
    {"slug", CHY_ROLE_FIELD_SLUG, CHY_MEMBER_REQUIRED | CHY_MEMBER_FIXED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"pattern\":"
     "\"^[a-z0-9]+(-[a-z0-9]+)*$\"}"},
    {"name", CHY_ROLE_FIELD_NAME, CHY_MEMBER_REQUIRED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"x-trim\":true}"},
    {"description", CHY_ROLE_FIELD_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"permissions", CHY_ROLE_FIELD_PERMISSIONS, CHY_MEMBER_REQUIRED, CHY_PERMISSIONS_SHAPE},
    {"createdAt", CHY_ROLE_FIELD_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_ROLE_FIELD_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/* ------------------------------------------------------------------------------------------------
 * Looking up
 */

static chy_status held_of(struct chy_op *op, struct chy_slice permissions,
                          struct chy_held_role *out_held)
{
    json_t *list;
    CHY_TRY(chy_json_parse(op, permissions, &list));
    out_held->role = CHY_ROLE_CUSTOM;
    out_held->permissions = list;
    return CHY_OK;
}

chy_status chy_role_choose(struct chy_call *call, struct chy_slice slug,
                           struct chy_role_choice *out_choice)
{
    struct chy_query query;
    struct chy_storage_page page;
    memset(out_choice, 0, sizeof *out_choice);
    out_choice->held.role = chy_role_find(slug);
    if (out_choice->held.role != CHY_ROLE_NONE) {
        return CHY_OK;
    }
    chy_query_init(&query, call->op, CHY_C_ROLES,
                   CHY_FIELDS(CHY_ROLE_FIELD_ID, CHY_ROLE_FIELD_PERMISSIONS), 1);
    chy_query_eq(&query, CHY_ROLE_FIELD_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_eq(&query, CHY_ROLE_FIELD_SLUG, chy_value_text(slug));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return chy_shape_refuse_one(call->op, "invalid_enum_value", "/role",
                                    "there is no such role: expected admin, operator, issuer, "
                                    "approver, auditor, viewer, no-access, or the slug of one of "
                                    "the project's own");
    }
    out_choice->id = chy_row_uuid(chy_page_row(&page, 0), 0);
    return held_of(call->op, chy_row_json(chy_page_row(&page, 0), 1), &out_choice->held);
}

chy_status chy_role_require_covers(struct chy_call *call, const struct chy_held_role *held)
{
    const struct chy_place place = {.project_id = call->project_id};
    return chy_require_covers(call->op, &place, held);
}

chy_status chy_role_of_membership(struct chy_runtime *runtime, struct chy_op *op,
                                  struct chy_slice role, const struct chy_uuid *id,
                                  struct chy_held_role *out_held)
{
    struct chy_storage_row row;
    out_held->permissions = NULL;
    if (chy_uuid_is_nil(id)) {
        out_held->role = chy_role_find(role);
        return CHY_OK;
    }
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_ROLES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_ROLE_FIELD_PERMISSIONS), &row);
    if (status == CHY_NOT_FOUND) {
        out_held->role = CHY_ROLE_NO_ACCESS;
        return CHY_OK;
    }
    CHY_TRY(status);
    return held_of(op, chy_row_json(&row, 0), out_held);
}

/* ------------------------------------------------------------------------------------------------
 * The kind
 */

/** check_permissions holds what the document gives to what there is, and to what the caller has; it
 *  leaves them as they are stored. */
static chy_status check_permissions(struct chy_call *call)
{
    json_t *permissions = json_object_get(call->document, "permissions");
    struct chy_held_role wanted = {CHY_ROLE_CUSTOM, permissions};
    if (permissions == NULL) {
        return CHY_OK;
    }
    CHY_TRY(chy_permissions_check(call->op, permissions));
    return chy_role_require_covers(call, &wanted);
}

static chy_status create(struct chy_call *call)
{
    struct chy_slice slug = chy_json_member(call->document, "slug");
    if (chy_role_find(slug) != CHY_ROLE_NONE) {
        return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "'%.*s' is a built-in role; choose another slug", (int)slug.len,
                               (const char *)slug.ptr);
    }
    CHY_TRY(chy_call_project(call));
    CHY_TRY(check_permissions(call));
    return chy_kind_create(call);
}

/** find reads the role, which must be of the project that the path names. */
static chy_status find(struct chy_call *call, struct chy_storage_row *out_row)
{
    struct chy_uuid project_id;
    CHY_TRY(chy_call_row(call, &call->id, out_row));
    bool is_named = json_object_get(call->document, "projectId") != NULL;
    bool is_of_it = chy_call_uuid(call, "projectId", &project_id) &&
                    chy_uuid_compare(&project_id, &call->project_id) == 0;
    return is_named && !is_of_it ? chy_not_found(call->op, call->kind->what) : CHY_OK;
}

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(find(call, &row));
    return chy_call_answer_row(call, &row);
}

static chy_status update(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(find(call, &row));
    CHY_TRY(check_permissions(call));
    return chy_kind_update(call);
}

static chy_status delete_role(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(find(call, &row));
    return chy_kind_delete(call);
}

/** require_as_it_is: who changes or deletes a role must have had what it gave. */
static chy_status require_as_it_is(struct chy_call *call, const struct chy_storage_row *row)
{
    struct chy_held_role held;
    CHY_TRY(held_of(call->op, chy_row_json(row, CHY_ROLE_FIELD_PERMISSIONS), &held));
    return chy_role_require_covers(call, &held);
}

static chy_status before_update(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch, struct chy_write *write)
{
    (void)batch;
    (void)write;
    return require_as_it_is(call, row);
}

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    struct chy_query query;
    struct chy_storage_page page;
    (void)batch;
    CHY_TRY(require_as_it_is(call, row));
    chy_query_init(&query, call->op, CHY_C_MEMBERSHIPS, CHY_NO_FIELDS, 1);
    chy_query_eq(&query, CHY_MEMBERSHIP_ROLE_ID, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    return page.rows.count == 0 ? CHY_OK
                                : chy_fail(call->op, CHY_BAD_INPUT, 0,
                                           "identities of the project still have the role: give "
                                           "them another one first");
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "a role with this slug exists already in the project; choose another "
                           "slug");
}

static chy_status by_slug(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(chy_call_row_by(call, CHY_ROLE_FIELD_SLUG, "slug", &row));
    return chy_call_answer_row(call, &row);
}

#define IN_PROJECT                          \
    "{\"type\":\"object\",\"properties\":{" \
    "\"projectId\":" CHY_SHAPE_ID "}}"
#define SLUG_QUERY                                                     \
    "{\"type\":\"object\",\"required\":[\"slug\"],\"properties\":{"    \
    "\"slug\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}," \
    "\"projectId\":" CHY_SHAPE_ID "}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, NULL, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, IN_PROJECT, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, chy_kind_list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, IN_PROJECT, delete_role},
    {"by-slug", CHY_ACTION_READ, CHY_ACTION_QUERY, SLUG_QUERY, by_slug},
};

static const struct chy_kind_answer answers[] = {{"by-slug", "{'role': '#Role'}", NULL}};

const struct chy_kind chy_kind_role = {
    .name = "roles",
    .singular = "role",
    .plural = "roles",
    .what = "role",
    .subject = CHY_SUBJECT_ROLES,
    .audit = "role",
    .collection = CHY_C_ROLES,
    .id_field = CHY_ROLE_FIELD_ID,
    .project_field = CHY_ROLE_FIELD_PROJECT_ID,
    .search_field = CHY_ROLE_FIELD_NAME,
    .created_field = CHY_ROLE_FIELD_CREATED_AT,
    .updated_field = CHY_ROLE_FIELD_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_update = before_update,
              .before_delete = before_delete,
              .on_conflict = on_conflict},
};
