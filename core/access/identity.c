#include "access/identity.h"

#include "access/identity_state.h"
#include "access/role.h"
#include "resource/collections.h"
#include "resource/delete_all.h"

#define MEMBER_ROLE_SHAPE "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"
#define NAME_SHAPE CHY_IDENTITY_NAME_SHAPE("build-server")

static const struct chy_member members[] = {
    {"id", CHY_IDENTITY_ID, CHY_MEMBER_DERIVED, NULL},
    {"name", CHY_IDENTITY_NAME, CHY_MEMBER_REQUIRED, NAME_SHAPE},
    {"type", CHY_IDENTITY_KIND, CHY_MEMBER_DERIVED, NULL},
    {"role", CHY_IDENTITY_ROLE, 0, CHY_IDENTITY_ROLE_SHAPE},
    {"createdAt", CHY_IDENTITY_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_IDENTITY_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

static struct chy_value no_access(void)
{
    return chy_value_text(chy_text(chy_role_name(CHY_ROLE_NO_ACCESS)));
}

/* ------------------------------------------------------------------------------------------------
 * Making
 */

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    (void)batch;
    chy_write_set(write, CHY_IDENTITY_KIND, chy_value_text(chy_text("machine")));
    if (json_object_get(call->document, "role") == NULL) {
        chy_write_set(write, CHY_IDENTITY_ROLE, no_access());
    }
    return CHY_OK;
}

/** insert_member makes a machine without a role in the instance, and its role in the project. */
static void insert_member(struct chy_call *call, const struct chy_role_choice *choice,
                          struct chy_slice role, struct chy_batch *batch)
{
    int64_t now = chy_now(call->op);
    struct chy_write *write =
        chy_batch_insert(batch, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_set(write, CHY_IDENTITY_KIND, chy_value_text(chy_text("machine")));
    chy_write_set(write, CHY_IDENTITY_NAME,
                  chy_value_text(chy_json_member(call->document, "name")));
    chy_write_set(write, CHY_IDENTITY_ROLE, no_access());
    chy_write_set(write, CHY_IDENTITY_CREATED_AT, chy_value_time(now));
    chy_write_set(write, CHY_IDENTITY_UPDATED_AT, chy_value_time(now));
    write = chy_batch_insert(batch, CHY_C_MEMBERSHIPS,
                             CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&call->project_id)));
    chy_write_set(write, CHY_MEMBERSHIP_ROLE, chy_value_text(role));
    chy_write_set(write, CHY_MEMBERSHIP_ROLE_ID, chy_value_uuid_or_null(&choice->id));
    chy_write_set(write, CHY_MEMBERSHIP_CREATED_AT, chy_value_time(now));
}

static chy_status create_in_project(struct chy_call *call)
{
    struct chy_slice role = chy_json_member(call->document, "role");
    struct chy_role_choice choice;
    struct chy_storage_row row;
    struct chy_batch batch;
    role = role.len == 0 ? chy_text(chy_role_name(CHY_ROLE_NO_ACCESS)) : role;
    CHY_TRY(chy_call_project(call));
    CHY_TRY(chy_role_choose(call, role, &choice));
    CHY_TRY(chy_role_require_covers(call, &choice.held));
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &call->id));
    chy_batch_init(&batch, call->op, 0);
    insert_member(call, &choice, role, &batch);
    CHY_TRY(chy_call_commit(call, &batch, "create", &call->id));
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_READ, &row));
    return chy_call_answer_row(call, &row);
}

/* ------------------------------------------------------------------------------------------------
 * Seeing, changing, deleting
 */

static chy_status get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_READ, &row));
    return chy_call_answer_row(call, &row);
}

chy_status chy_identity_refuse_self(struct chy_call *call, const char *what)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    if (principal->kind == CHY_PRINCIPAL_SYSTEM ||
        chy_uuid_compare(&principal->id, &call->id) != 0) {
        return CHY_OK;
    }
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "you cannot %s; another administrator can", what);
}

chy_status chy_identity_update_row(struct chy_call *call, const struct chy_storage_row *row)
{
    struct chy_slice role = chy_json_member(call->document, "role");
    if (role.len != 0 && !chy_slice_equal(role, chy_row_text(row, CHY_IDENTITY_ROLE))) {
        CHY_TRY(chy_require(call->op, NULL, CHY_SUBJECT_IDENTITIES, CHY_ACTION_EDIT, "identity"));
        CHY_TRY(chy_identity_refuse_self(call, "change your own role"));
    }
    return chy_kind_update(call);
}

static chy_status update(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_EDIT, &row));
    return chy_identity_update_row(call, &row);
}

chy_status chy_identity_before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                      struct chy_batch *batch)
{
    (void)row;
    (void)chy_batch_delete(batch, CHY_C_UNIVERSAL_AUTH, CHY_KEY(chy_value_uuid(&call->id)));
    (void)chy_batch_delete(batch, CHY_C_PASSWORDS, CHY_KEY(chy_value_uuid(&call->id)));
    chy_delete_in(batch, CHY_C_MEMBERSHIPS, CHY_MEMBERSHIP_IDENTITY_ID, &call->id);
    chy_delete_in(batch, CHY_C_APPLICATION_MEMBERS, CHY_APP_MEMBER_IDENTITY_ID, &call->id);
    chy_delete_in(batch, CHY_C_CLIENT_SECRETS, CHY_SECRET_IDENTITY_ID, &call->id);
    chy_delete_in(batch, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, &call->id);
    return CHY_OK;
}

chy_status chy_identity_delete_row(struct chy_call *call)
{
    struct chy_runtime *runtime = call->runtime;
    CHY_TRY(chy_identity_refuse_self(call, "delete yourself"));
    CHY_TRY(chy_kind_delete(call));
    CHY_TRY(chy_delete_all(runtime, call->op, CHY_C_MEMBERSHIPS, CHY_MEMBERSHIP_IDENTITY_ID,
                           &call->id));
    CHY_TRY(
        chy_delete_all(runtime, call->op, CHY_C_CLIENT_SECRETS, CHY_SECRET_IDENTITY_ID, &call->id));
    return chy_delete_all(runtime, call->op, CHY_C_ACCESS_TOKENS, CHY_TOKEN_IDENTITY_ID, &call->id);
}

static chy_status delete_identity(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_identity_require(call, &call->id, CHY_ACTION_DELETE, &row));
    return chy_identity_delete_row(call);
}

#define MEMBER_SHAPE                                                                    \
    "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":" NAME_SHAPE \
    ",\"role\":" MEMBER_ROLE_SHAPE ",\"projectId\":{\"type\":\"string\",\"format\":\"uuid\"}}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, NULL, chy_kind_create},
    {"create-in-project", CHY_ACTION_CREATE, 0, MEMBER_SHAPE, create_in_project},
    {"get", NULL, CHY_ACTION_NEEDS_ID, NULL, get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, chy_kind_list},
    {"update", NULL, CHY_ACTION_NEEDS_ID, NULL, update},
    {"delete", NULL, CHY_ACTION_NEEDS_ID, NULL, delete_identity},
};

static const struct chy_kind_answer answers[] = {
    {"create-in-project", "{'identity': '#Identity'}", NULL},
};

const struct chy_kind chy_kind_identity = {
    .name = "identities",
    .singular = "identity",
    .plural = "identities",
    .what = "identity",
    .subject = CHY_SUBJECT_IDENTITIES,
    .audit = "identity",
    .collection = CHY_C_IDENTITIES,
    .id_field = CHY_IDENTITY_ID,
    .project_field = CHY_NO_FIELD,
    .search_field = CHY_IDENTITY_NAME,
    .created_field = CHY_IDENTITY_CREATED_AT,
    .updated_field = CHY_IDENTITY_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_create = before_create, .before_delete = chy_identity_before_delete},
};
