#include "resource/application_profile.h"

#include "base/slice.h"
#include "resource/collections.h"
#include "resource/method_config.h"

#define PROFILES_MAX 100

const char chy_application_add_profiles_shape[] =
    "{\"type\":\"object\",\"required\":[\"profileIds\"],"
    "\"properties\":{\"profileIds\":" CHY_PROFILE_IDS_SHAPE "}}";
const char chy_application_profile_shape[] =
    "{\"type\":\"object\",\"required\":[\"profileId\"],\"properties\":{\"profileId\":" CHY_SHAPE_ID
    "}}";
const char chy_application_method_shape[] =
    "{\"type\":\"object\",\"required\":[\"profileId\",\"method\"],\"properties\":{"
    "\"profileId\":" CHY_SHAPE_ID ",\"method\":{\"type\":\"string\",\"maxLength\":48}}}";

/* ------------------------------------------------------------------------------------------------
 * Reading
 */

static chy_status find_profiles(struct chy_call *call, const struct chy_uuid *application_id,
                                struct chy_storage_page *out_page)
{
    struct chy_query query;
    chy_query_init(&query, call->op, CHY_C_APPLICATION_PROFILES,
                   chy_core_fields(CHY_C_APPLICATION_PROFILES), PROFILES_MAX);
    chy_query_eq(&query, CHY_APP_PROFILE_APPLICATION_ID, chy_value_uuid(application_id));
    return chy_query_run(&query, call->runtime->storage, out_page);
}

/** One use of a profile, as the document names it. */
struct use {
    struct chy_uuid profile_id;
    struct chy_storage_row row; /**< every field, by enum chy_application_profile_field */
};

/** read_use reads the application, then its use of the document's `profileId`. */
static chy_status read_use(struct chy_call *call, struct use *out_use)
{
    struct chy_storage_row application;
    CHY_TRY(chy_call_row(call, &call->id, &application));
    if (!chy_call_uuid(call, "profileId", &out_use->profile_id)) {
        return chy_not_found(call->op, "certificate profile"); // its shape was checked
    }
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_APPLICATION_PROFILES,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&out_use->profile_id)),
                         chy_core_fields(CHY_C_APPLICATION_PROFILES), &out_use->row);
    return status == CHY_NOT_FOUND
               ? chy_fail(call->op, CHY_NOT_FOUND, 0,
                          "certificate profile not found in the application: add it to the "
                          "application first")
               : status;
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

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
    CHY_TRY(find_profiles(call, &call->id, &page));
    if (list == NULL || call->answer == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        CHY_TRY(append_profile(call, chy_page_row(&page, i), list));
    }
    return json_object_set(call->answer, "profiles", list) == 0 ? CHY_OK
                                                                : chy_fail_memory(call->op);
}

chy_status chy_application_profiles(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return answer_profiles(call);
}

/** set_ids starts an answer about one use of a profile. */
static chy_status set_ids(struct chy_call *call, const struct use *use)
{
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && chy_json_set_uuid(call->answer, "applicationId", &call->id) &&
                   chy_json_set_uuid(call->answer, "profileId", &use->profile_id)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/** set_config adds the configuration of the application's own; without one there is no member. */
static chy_status set_config(struct chy_call *call, const struct chy_uuid *id,
                             struct chy_slice config)
{
    json_t *json;
    CHY_TRY(chy_json_parse(call->op, config, &json));
    return chy_json_set_uuid(json, "id", id) && json_object_set(call->answer, "api", json) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

chy_status chy_application_enrollment(struct chy_call *call)
{
    struct use use;
    CHY_TRY(read_use(call, &use));
    CHY_TRY(set_ids(call, &use));
    if (!chy_row_is_null(&use.row, CHY_APP_PROFILE_API_CONFIG)) {
        struct chy_uuid id = chy_row_uuid(&use.row, CHY_APP_PROFILE_API_CONFIG_ID);
        CHY_TRY(set_config(call, &id, chy_row_json(&use.row, CHY_APP_PROFILE_API_CONFIG)));
    }
    return chy_json_set_bool(call->answer, "estConfigured", false) &&
                   chy_json_set_bool(call->answer, "acmeConfigured", false) &&
                   chy_json_set_bool(call->answer, "scepConfigured", false)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * Attaching and detaching
 */

static bool has_profile(const struct chy_storage_page *page, const struct chy_uuid *id)
{
    for (uint64_t i = 0; page != NULL && i < page->rows.count; i++) {
        struct chy_uuid known = chy_row_uuid(chy_page_row(page, i), CHY_APP_PROFILE_PROFILE_ID);
        if (chy_uuid_compare(&known, id) == 0) {
            return true;
        }
    }
    return false;
}

static bool has_id(const struct chy_uuid *ids, uint64_t count, const struct chy_uuid *id)
{
    for (uint64_t i = 0; i < count; i++) {
        if (chy_uuid_compare(&ids[i], id) == 0) {
            return true;
        }
    }
    return false;
}

/** require_issue: members of the application can issue by a profile that it is given, so whoever
 *  gives it can issue by that themselves: nobody hands out what they lack. */
static chy_status require_issue(struct chy_call *call, struct chy_slice profile_slug)
{
    const struct chy_facts facts = {.profile_slug = profile_slug,
                                    .names = {NULL, 0, sizeof(struct chy_slice)},
                                    .metadata = {NULL, 0, sizeof(struct chy_pair)}};
    const struct chy_place place = {.project_id = call->project_id, .facts = &facts};
    return chy_require_at(call->op, &place, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_ISSUE,
                          "certificate profile");
}

/** insert_profile adds a use, if the profile is still there by then. */
static chy_status insert_profile(struct chy_call *call, struct chy_batch *batch,
                                 const struct chy_uuid *id, bool has_members)
{
    struct chy_storage_row profile;
    CHY_TRY(chy_call_reference(call, id, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID,
                               CHY_FIELDS(CHY_PROFILE_SLUG), "certificate profile", &profile));
    if (has_members) {
        CHY_TRY(require_issue(call, chy_row_text(&profile, 0)));
    }
    struct chy_write *there = chy_batch_check(batch, CHY_C_PROFILES, CHY_KEY(chy_value_uuid(id)));
    chy_write_guard_present(there);
    struct chy_write *write = chy_batch_insert(
        batch, CHY_C_APPLICATION_PROFILES, CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(id)));
    chy_write_set(write, CHY_APP_PROFILE_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_write_set(write, CHY_APP_PROFILE_CREATED_AT, chy_value_time(chy_now(call->op)));
    chy_write_set(write, CHY_APP_PROFILE_UPDATED_AT, chy_value_time(chy_now(call->op)));
    return CHY_OK;
}

/** insert_profiles adds what the document lists and is not `known`; NULL: nothing is. */
static chy_status insert_profiles(struct chy_call *call, struct chy_batch *batch,
                                  const struct chy_storage_page *known)
{
    const json_t *listed = json_object_get(call->document, "profileIds");
    uint64_t count = known == NULL ? 0 : known->rows.count;
    uint64_t taken = 0;
    // The batch borrows the ids.
    struct chy_uuid *ids = chy_alloc(call->op, (json_array_size(listed) + 1) * sizeof *ids);
    if (ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < json_array_size(listed); i++) {
        struct chy_uuid *id = &ids[taken];
        if (!chy_uuid_parse(chy_json_text(json_array_get(listed, i)), id) ||
            has_profile(known, id) || has_id(ids, taken, id)) {
            continue; // its shape was checked
        }
        if (++count > PROFILES_MAX) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "an application has at most %d profiles",
                            PROFILES_MAX);
        }
        CHY_TRY(insert_profile(call, batch, id, known != NULL));
        taken++;
    }
    return CHY_OK;
}

chy_status chy_application_attach(struct chy_call *call, struct chy_batch *batch)
{
    return insert_profiles(call, batch, NULL);
}

/** require_project: by which profiles an application enrolls is not for its own members to say. */
static chy_status require_project(struct chy_call *call)
{
    return chy_require(call->op, &call->project_id, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_EDIT,
                       call->kind->what);
}

chy_status chy_application_add_profiles(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_storage_page known;
    struct chy_batch batch;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(require_project(call));
    CHY_TRY(find_profiles(call, &call->id, &known));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *there =
        chy_batch_check(&batch, CHY_C_APPLICATIONS, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_present(there);
    CHY_TRY(insert_profiles(call, &batch, &known));
    CHY_TRY(chy_call_commit(call, &batch, "add-profiles", &call->id));
    return answer_profiles(call);
}

/** note_profile lets the audit row say which profile it was. */
static chy_status note_profile(struct chy_call *call, const struct use *use)
{
    json_t *detail = chy_json_object(call->op);
    if (detail == NULL || !chy_json_set_uuid(detail, "profileId", &use->profile_id)) {
        return chy_fail_memory(call->op);
    }
    return chy_json_write(call->op, detail, &call->audit_detail);
}

/** What was issued stays, and is renewed by the profile alone. */
chy_status chy_application_remove_profile(struct chy_call *call)
{
    struct use use;
    struct chy_batch batch;
    CHY_TRY(read_use(call, &use));
    CHY_TRY(require_project(call));
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, CHY_C_APPLICATION_PROFILES,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&use.profile_id)));
    chy_write_guard_revision(write, use.row.revision);
    CHY_TRY(note_profile(call, &use));
    CHY_TRY(chy_call_commit(call, &batch, "remove-profile", &call->id));
    return answer_profiles(call);
}

chy_status chy_application_narrow_profiles(struct chy_call *call, struct chy_query *query)
{
    struct chy_uuid id;
    struct chy_storage_page page;
    uint64_t count = 0;
    if (!chy_call_uuid(call, "applicationId", &id)) {
        return CHY_OK;
    }
    CHY_TRY(find_profiles(call, &id, &page));
    struct chy_uuid *ids = chy_alloc(call->op, (page.rows.count + 1) * sizeof *ids);
    struct chy_value *values = chy_alloc(call->op, (page.rows.count + 1) * sizeof *values);
    if (ids == NULL || values == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++, count++) {
        ids[count] = chy_row_uuid(chy_page_row(&page, i), CHY_APP_PROFILE_PROFILE_ID);
        values[count] = chy_value_uuid(&ids[count]);
    }
    if (count == 0) { // no profile has the id of none
        memset(&ids[0], 0, sizeof ids[0]);
        values[count++] = chy_value_uuid(&ids[0]);
    }
    chy_query_in(query, CHY_PROFILE_ID, chy_view_of(values, count, sizeof *values));
    return CHY_OK;
}

/** How many uses of a profile are looked through. */
#define USES_MAX 1000

chy_status chy_application_require_profile(struct chy_call *call, const struct chy_uuid *profile_id)
{
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_place place = {.project_id = call->project_id};
    if (chy_may_at(call->op, &place, CHY_SUBJECT_PROFILES, CHY_ACTION_READ)) {
        return CHY_OK;
    }
    chy_query_init(&query, call->op, CHY_C_APPLICATION_PROFILES,
                   CHY_FIELDS(CHY_APP_PROFILE_APPLICATION_ID), USES_MAX);
    chy_query_eq(&query, CHY_APP_PROFILE_PROFILE_ID, chy_value_uuid(profile_id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        place.application_id = chy_row_uuid(chy_page_row(&page, i), 0);
        if (chy_may_at(call->op, &place, CHY_SUBJECT_PROFILES, CHY_ACTION_READ)) {
            return CHY_OK;
        }
    }
    return chy_not_found(call->op, "certificate profile");
}

/* ------------------------------------------------------------------------------------------------
 * How an application enrolls by a profile
 */

static const char *const offered = "api";

/** check_method refuses methods that are not set here: by clients' names of them, or by none. */
static chy_status check_method(struct chy_call *call)
{
    static const char *const known[] = {"est", "acme", "scep"};
    struct chy_slice method = chy_json_member(call->document, "method");
    if (chy_slice_is(method, offered)) {
        return CHY_OK;
    }
    for (size_t i = 0; i < CHY_COUNT_OF(known); i++) {
        if (chy_slice_is(method, known[i])) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0,
                            "enrollment by '%s' is not offered by this server: applications "
                            "enroll by '%s'",
                            known[i], offered);
        }
    }
    return chy_not_found(call->op, "enrollment method");
}

/** check_profile: a configuration that nothing reads would only look as if it meant something. */
static chy_status check_profile(struct chy_call *call, const struct use *use)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_reference(call, &use->profile_id, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID,
                               CHY_FIELDS(CHY_PROFILE_METHOD), "certificate profile", &row));
    struct chy_slice method = chy_row_text(&row, 0);
    return chy_slice_is(method, offered)
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "the certificate profile enrolls by '%.*s', not by '%s'", (int)method.len,
                          (const char *)method.ptr, offered);
}

static struct chy_write *update_use(struct chy_call *call, struct chy_batch *batch,
                                    const struct use *use)
{
    chy_batch_init(batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(batch, CHY_C_APPLICATION_PROFILES,
                         CHY_KEY(chy_value_uuid(&call->id), chy_value_uuid(&use->profile_id)));
    chy_write_guard_revision(write, use->row.revision);
    chy_write_set(write, CHY_APP_PROFILE_UPDATED_AT, chy_value_time(chy_now(call->op)));
    return write;
}

/** answer_config answers {applicationId, profileId, api}. */
static chy_status answer_config(struct chy_call *call, const struct use *use,
                                const struct chy_uuid *id, struct chy_slice config)
{
    CHY_TRY(set_ids(call, use));
    return set_config(call, id, config);
}

chy_status chy_application_set_enrollment(struct chy_call *call)
{
    struct use use;
    struct chy_batch batch;
    json_t *config;
    struct chy_slice text;
    CHY_TRY(read_use(call, &use));
    CHY_TRY(check_method(call));
    CHY_TRY(check_profile(call, &use));
    const struct chy_method *method = chy_runtime_method(call->runtime, chy_text(offered));
    if (method == NULL) {
        return chy_fail(call->op, CHY_BAD_INPUT, 0, "no enrollment method '%s' is loaded", offered);
    }
    CHY_TRY(chy_method_config_check(call->op, method, "", call->document, NULL, &config));
    CHY_TRY(chy_json_write(call->op, config, &text));
    struct chy_uuid id = chy_row_uuid(&use.row, CHY_APP_PROFILE_API_CONFIG_ID);
    if (chy_uuid_is_nil(&id)) {
        CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &id));
    }
    struct chy_write *write = update_use(call, &batch, &use);
    chy_write_set(write, CHY_APP_PROFILE_API_CONFIG_ID, chy_value_uuid(&id));
    chy_write_set(write, CHY_APP_PROFILE_API_CONFIG, chy_value_json(text));
    CHY_TRY(note_profile(call, &use));
    CHY_TRY(chy_call_commit(call, &batch, "set-enrollment", &call->id));
    return answer_config(call, &use, &id, text);
}

chy_status chy_application_clear_enrollment(struct chy_call *call)
{
    struct use use;
    struct chy_batch batch;
    CHY_TRY(read_use(call, &use));
    CHY_TRY(check_method(call));
    if (chy_row_is_null(&use.row, CHY_APP_PROFILE_API_CONFIG)) {
        return chy_fail(call->op, CHY_NOT_FOUND, 0,
                        "configuration not found: the application enrolls as the certificate "
                        "profile says");
    }
    struct chy_uuid id = chy_row_uuid(&use.row, CHY_APP_PROFILE_API_CONFIG_ID);
    struct chy_write *write = update_use(call, &batch, &use);
    chy_write_set(write, CHY_APP_PROFILE_API_CONFIG_ID, chy_value_null());
    chy_write_set(write, CHY_APP_PROFILE_API_CONFIG, chy_value_null());
    CHY_TRY(note_profile(call, &use));
    CHY_TRY(chy_call_commit(call, &batch, "clear-enrollment", &call->id));
    return answer_config(call, &use, &id, chy_row_json(&use.row, CHY_APP_PROFILE_API_CONFIG));
}
