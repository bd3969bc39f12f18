#include "resource/application.h"

#include "resource/collections.h"

#define PROFILES_MAX 100

static const struct chy_member members[] = {
    {"id", CHY_APPLICATION_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_APPLICATION_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"name", CHY_APPLICATION_NAME, CHY_MEMBER_REQUIRED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"},
    {"description", CHY_APPLICATION_DESCRIPTION, CHY_MEMBER_CLEARABLE,
     "{\"type\":[\"string\",\"null\"],\"maxLength\":1000}"},
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
    struct chy_query query;
    struct chy_storage_page page;
    json_t *object;
    CHY_TRY(chy_call_project(call));
    chy_query_init(&query, call->op, CHY_C_APPLICATIONS, chy_call_fields(call), 1);
    chy_query_eq(&query, CHY_APPLICATION_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_eq(&query, CHY_APPLICATION_NAME,
                 chy_value_text(chy_json_member(call->document, "name")));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return chy_not_found(call->op, call->kind->what);
    }
    CHY_TRY(chy_call_object(call, chy_page_row(&page, 0), &object));
    return chy_call_answer(call, object);
}

/* ------------------------------------------------------------------------------------------------
 * Profiles
 */

static chy_status find_profiles(struct chy_call *call, struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, call->op, CHY_C_APPLICATION_PROFILES,
                   chy_core_fields(CHY_C_APPLICATION_PROFILES), PROFILES_MAX);
    chy_query_eq(&query, CHY_APP_PROFILE_APPLICATION_ID, chy_value_uuid(&call->id));
    return chy_query_run(&query, call->runtime->storage, out_page);
}

static chy_status append_profile(struct chy_call *call, const struct chy_storage_row *row,
                                 json_t *list)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_APP_PROFILE_PROFILE_ID);
    struct chy_storage_row profile;
    chy_status status = chy_storage_read(
        call->runtime->storage, call->op, CHY_C_PROFILES, CHY_KEY(chy_value_uuid(&id)),
        CHY_FIELDS(CHY_PROFILE_SLUG, CHY_PROFILE_DESCRIPTION, CHY_PROFILE_CONFIG_ID), &profile);
    if (status == CHY_NOT_FOUND) { // deleted since
        return CHY_OK;
    }
    CHY_TRY(status);
    struct chy_uuid own = chy_row_uuid(row, CHY_APP_PROFILE_API_CONFIG_ID);
    struct chy_uuid config = chy_uuid_is_nil(&own) ? chy_row_uuid(&profile, 2) : own;
    json_t *object = chy_json_object(call->op);
    bool fine =
        object != NULL && chy_json_set_uuid(object, "applicationId", &call->id) &&
        chy_json_set_uuid(object, "profileId", &id) &&
        chy_json_set_text(object, "profileSlug", chy_row_text(&profile, 0)) &&
        (chy_row_is_null(&profile, 1)
             ? chy_json_set_null(object, "profileDescription")
             : chy_json_set_text(object, "profileDescription", chy_row_text(&profile, 1))) &&
        (chy_uuid_is_nil(&config) ? chy_json_set_null(object, "apiConfigId")
                                  : chy_json_set_uuid(object, "apiConfigId", &config)) &&
        chy_json_set_time(object, "createdAt", chy_row_time(row, CHY_APP_PROFILE_CREATED_AT)) &&
        chy_json_set_time(object, "updatedAt", chy_row_time(row, CHY_APP_PROFILE_UPDATED_AT)) &&
        json_array_append(list, object) == 0;
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status answer_profiles(struct chy_call *call)
{
    struct chy_storage_page page;
    json_t *list = chy_json_array(call->op);
    call->answer = chy_json_object(call->op);
    CHY_TRY(find_profiles(call, &page));
    if (list == NULL || call->answer == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        CHY_TRY(append_profile(call, chy_page_row(&page, i), list));
    }
    return json_object_set(call->answer, "profiles", list) == 0 ? CHY_OK
                                                                : chy_fail_memory(call->op);
}

static chy_status profiles(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return answer_profiles(call);
}

static bool has_profile(const struct chy_storage_page *page, const struct chy_uuid *id)
{
    for (uint64_t i = 0; i < page->rows.count; i++) {
        struct chy_uuid known = chy_row_uuid(chy_page_row(page, i), CHY_APP_PROFILE_PROFILE_ID);
        if (chy_uuid_compare(&known, id) == 0) {
            return true;
        }
    }
    return false;
}

/** insert_profiles adds what the document lists and is not there yet. */
static chy_status insert_profiles(struct chy_call *call, struct chy_batch *batch,
                                  const struct chy_storage_page *known)
{
    const json_t *ids = json_object_get(call->document, "profileIds");
    uint64_t count = known->rows.count;
    int64_t now = chy_now(call->op);
    for (size_t i = 0; i < json_array_size(ids); i++) {
        struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the batch borrows it
        struct chy_storage_row profile;
        if (id == NULL) {
            return chy_fail_memory(call->op);
        }
        if (!chy_uuid_parse(chy_json_text(json_array_get(ids, i)), id) || has_profile(known, id)) {
            continue; // its shape was checked
        }
        if (++count > PROFILES_MAX) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "an application has at most %d profiles",
                            PROFILES_MAX);
        }
        CHY_TRY(chy_call_reference(call, id, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID, CHY_NO_FIELDS,
                                   "certificate profile", &profile));
        struct chy_write *write =
            chy_batch_insert(batch, CHY_C_APPLICATION_PROFILES,
                             CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(id)));
        chy_write_set(write, CHY_APP_PROFILE_PROJECT_ID, chy_value_uuid(&call->project_id));
        chy_write_set(write, CHY_APP_PROFILE_CREATED_AT, chy_value_time(now));
        chy_write_set(write, CHY_APP_PROFILE_UPDATED_AT, chy_value_time(now));
    }
    return CHY_OK;
}

static chy_status add_profiles(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_storage_page known;
    struct chy_batch batch;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(find_profiles(call, &known));
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(insert_profiles(call, &batch, &known));
    CHY_TRY(chy_call_commit(call, &batch, "add-profiles", &call->id));
    return answer_profiles(call);
}

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    struct chy_storage_page page;
    (void)row;
    CHY_TRY(find_profiles(call, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the batch borrows it
        if (id == NULL) {
            return chy_fail_memory(call->op);
        }
        *id = chy_row_uuid(chy_page_row(&page, i), CHY_APP_PROFILE_PROFILE_ID);
        (void)chy_batch_delete(batch, CHY_C_APPLICATION_PROFILES,
                               CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(id)));
    }
    return CHY_OK;
}

static const struct chy_action actions[] = {
    CHY_ORDINARY_ACTIONS,
    {"by-name", CHY_ACTION_READ, CHY_ACTION_QUERY,
     "{\"type\":\"object\",\"required\":[\"name\"],\"properties\":{"
     "\"name\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64},"
     "\"projectId\":{\"type\":\"string\",\"format\":\"uuid\"}}}",
     by_name},
    {"profiles", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, profiles},
    {"add-profiles", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID,
     "{\"type\":\"object\",\"required\":[\"profileIds\"],\"properties\":{\"profileIds\":{"
     "\"type\":\"array\",\"maxItems\":100,\"items\":{\"type\":\"string\",\"format\":\"uuid\"}}}}",
     add_profiles},
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
    .search_field = CHY_APPLICATION_NAME,
    .created_field = CHY_APPLICATION_CREATED_AT,
    .updated_field = CHY_APPLICATION_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .hooks = {.before_delete = before_delete, .on_conflict = on_conflict},
};
