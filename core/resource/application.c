#include "resource/application.h"

#include "resource/application_profile.h"
#include "resource/collections.h"
#include "resource/delete_all.h"

#define NAME_SHAPE "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"

static const struct chy_member members[] = {
    {"id", CHY_APPLICATION_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_APPLICATION_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"name", CHY_APPLICATION_NAME, CHY_MEMBER_REQUIRED, NAME_SHAPE},
    {"description", CHY_APPLICATION_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"createdAt", CHY_APPLICATION_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_APPLICATION_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "an application with this name exists already; choose another name");
}

static chy_status by_name(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_project_partly(call));
    CHY_TRY(chy_call_row_by(call, CHY_APPLICATION_NAME, "name", &row));
    return chy_call_answer_row(call, &row);
}

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    (void)write;
    return chy_application_attach(call, batch);
}

/** Certificates of the application stay; they are no application's from then on. */
static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    (void)row;
    chy_delete_in(batch, CHY_C_APPLICATION_PROFILES, CHY_APP_PROFILE_APPLICATION_ID, &call->id);
    chy_delete_in(batch, CHY_C_APPLICATION_MEMBERS, CHY_APP_MEMBER_APPLICATION_ID, &call->id);
    return CHY_OK;
}

#define CREATE_SHAPE                                                                    \
    "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{\"name\":" NAME_SHAPE \
    ",\"description\":" CHY_SHAPE_DESCRIPTION ",\"profileIds\":" CHY_PROFILE_IDS_SHAPE  \
    ",\"projectId\":" CHY_SHAPE_ID "}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE_SHAPE, chy_kind_create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, chy_kind_list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, chy_kind_update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_kind_delete},
    {"by-name", CHY_ACTION_READ, CHY_ACTION_QUERY,
     "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{"
     "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
     "\"projectId\":" CHY_SHAPE_ID "}}",
     by_name},
    CHY_APPLICATION_PROFILE_ACTIONS,
};

static const struct chy_kind_answer answers[] = {
    {"by-name", "{'application': '#Application'}", NULL},
    CHY_APPLICATION_PROFILE_ANSWERS,
};

const struct chy_kind chy_kind_application = {
    .name = "applications",
    .singular = "application",
    .plural = "applications",
    .what = "application",
    .subject = CHY_SUBJECT_APPLICATIONS,
    .audit = "application",
    .collection = CHY_C_APPLICATIONS,
    .id_field = CHY_APPLICATION_ID,
    .project_field = CHY_APPLICATION_PROJECT_ID,
    .has_application = true,
    .application_field = CHY_APPLICATION_ID,
    .search_field = CHY_APPLICATION_NAME,
    .created_field = CHY_APPLICATION_CREATED_AT,
    .updated_field = CHY_APPLICATION_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_create = before_create,
              .before_delete = before_delete,
              .on_conflict = on_conflict},
};
