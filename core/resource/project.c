#include "resource/project.h"

#include "base/slice.h"
#include "resource/collections.h"

#define SLUG_SHAPE                                                                                 \
    "{\"type\":\"string\",\"minLength\":5,\"maxLength\":36,\"pattern\":\"^[a-z0-9]+(-[a-z0-9]+)*$" \
    "\",\"description\":\"lower-case letters and digits, with single dashes between them\"}"

/** The bodies of the contract say projectName; answers say name (rest-api: 2.10). */
static const struct chy_member members[] = {
    {"id", CHY_PROJECT_ID, CHY_MEMBER_DERIVED, NULL},
    {"name", CHY_PROJECT_NAME, 0, "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"},
    {"slug", CHY_PROJECT_SLUG, 0, SLUG_SHAPE},
    {"description", CHY_PROJECT_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"type", CHY_PROJECT_TYPE, CHY_MEMBER_FIXED,
     "{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}"},
    {"createdAt", CHY_PROJECT_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_PROJECT_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

/** make_slug makes a slug of a name: what is not a letter or digit becomes a hyphen, and a random
 *  tail keeps names that read alike apart. */
static chy_status make_slug(struct chy_call *call, struct chy_slice name,
                            struct chy_slice *out_slug)
{
    struct chy_uuid random;
    char text[CHY_UUID_TEXT_SIZE];
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &random));
    chy_uuid_format(&random, text);
    struct chy_buf buf;
    chy_buf_init(&buf, call->op, 64);
    bool hyphen = true; // none at the beginning
    for (uint64_t i = 0; i < name.len && buf.len < 24; i++) {
        uint8_t c = chy_ascii_lower(name.ptr[i]);
        bool fits = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fits) {
            chy_buf_add_u8(&buf, c);
        } else if (!hyphen) {
            chy_buf_add_u8(&buf, '-');
        }
        hyphen = !fits;
    }
    if (!hyphen) {
        chy_buf_add_u8(&buf, '-');
    }
    chy_buf_add(&buf, chy_slice_of(text + CHY_UUID_TEXT_LEN - 6, 6));
    *out_slug = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, call->op, "the slug");
}

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    (void)batch;
    if (chy_json_member(call->document, "slug").len == 0) {
        struct chy_slice slug;
        CHY_TRY(make_slug(call, chy_json_member(call->document, "name"), &slug));
        chy_write_set(write, CHY_PROJECT_SLUG, chy_value_text(slug));
    }
    if (chy_json_member(call->document, "type").len == 0) {
        chy_write_set(write, CHY_PROJECT_TYPE, chy_value_text(chy_text("cert-manager")));
    }
    call->project_id = call->id;
    return CHY_OK;
}

/** rename_member makes of a member as the body has it one of the object. */
static chy_status rename_member(struct chy_call *call, const char *from, const char *to)
{
    json_t *value = json_object_get(call->document, from);
    if (value == NULL) {
        (void)json_object_del(call->document, to); // the shape has not seen it
        return CHY_OK;
    }
    return json_object_set(call->document, to, value) == 0 ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status create(struct chy_call *call)
{
    CHY_TRY(rename_member(call, "projectName", "name"));
    CHY_TRY(rename_member(call, "projectDescription", "description"));
    return chy_kind_create(call);
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    (void)index;
    return chy_fail_reason(call->op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "a project with this slug exists already; choose another slug");
}

/** by_slug answers a bare project, as the certificate agent reads it. */
static chy_status by_slug(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row_by(call, CHY_PROJECT_SLUG, "slug", &row));
    call->id = chy_row_uuid(&row, CHY_PROJECT_ID);
    CHY_TRY(chy_require(call->op, &call->id, call->kind->subject, call->action->permission,
                        call->kind->what));
    return chy_call_object(call, &row, &call->answer);
}

static chy_status append_project(struct chy_call *call, const struct chy_storage_row *row,
                                 json_t *list)
{
    struct chy_uuid id = chy_row_uuid(row, CHY_PROJECT_ID);
    if (!chy_may(call->op, &id, CHY_SUBJECT_PROJECTS, CHY_ACTION_READ)) {
        return CHY_OK;
    }
    json_t *object;
    CHY_TRY(chy_call_object(call, row, &object));
    return json_array_append(list, object) == 0 ? CHY_OK : chy_fail_memory(call->op);
}

/** list_own shows a member its projects: as many as it has memberships. */
static chy_status list_own(struct chy_call *call, const struct chy_principal *principal,
                           json_t *list)
{
    for (uint32_t i = 0; i < principal->membership_count; i++) {
        struct chy_storage_row row;
        chy_status status =
            chy_storage_read(call->runtime->storage, call->op, CHY_C_PROJECTS,
                             CHY_KEY(chy_value_uuid(&principal->memberships[i].project_id)),
                             chy_call_fields(call), &row);
        if (status != CHY_NOT_FOUND) {
            CHY_TRY(status);
            CHY_TRY(append_project(call, &row, list));
        }
    }
    return CHY_OK;
}

#define LIST_MAX 1000

static chy_status list_all(struct chy_call *call, json_t *list)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROJECTS, chy_call_fields(call), LIST_MAX);
    chy_query_order(&query, CHY_PROJECT_CREATED_AT, true);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    for (uint64_t i = 0; i < page.rows.count; i++) {
        CHY_TRY(append_project(call, chy_page_row(&page, i), list));
    }
    return CHY_OK;
}

static chy_status list(struct chy_call *call)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    json_t *projects = chy_json_array(call->op);
    json_t *answer = chy_json_object(call->op);
    if (projects == NULL || answer == NULL ||
        json_object_set(answer, call->kind->plural, projects) != 0) {
        return chy_fail_memory(call->op);
    }
    if (principal == NULL) {
        return chy_require(call->op, NULL, CHY_SUBJECT_PROJECTS, CHY_ACTION_READ, "project");
    }
    CHY_TRY(principal->role == CHY_ROLE_ADMIN ? list_all(call, projects)
                                              : list_own(call, principal, projects));
    call->answer = answer;
    return CHY_OK;
}

static chy_status refuse_used(struct chy_call *call, uint32_t collection, uint32_t project_field,
                              const char *what)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, collection, CHY_NO_FIELDS, 1);
    chy_query_eq(&query, project_field, chy_value_uuid(&call->id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    return page.rows.count == 0 ? CHY_OK
                                : chy_fail(call->op, CHY_BAD_INPUT, 0,
                                           "the project still has %s; delete them first", what);
}

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    (void)row;
    CHY_TRY(refuse_used(call, CHY_C_CERTIFICATES, CHY_CERT_PROJECT_ID, "certificates"));
    CHY_TRY(refuse_used(call, CHY_C_PROFILES, CHY_PROFILE_PROJECT_ID, "certificate profiles"));
    CHY_TRY(refuse_used(call, CHY_C_POLICIES, CHY_POLICY_PROJECT_ID, "certificate policies"));
    CHY_TRY(
        refuse_used(call, CHY_C_AUTHORITIES, CHY_AUTHORITY_PROJECT_ID, "certificate authorities"));
    CHY_TRY(refuse_used(call, CHY_C_APPLICATIONS, CHY_APPLICATION_PROJECT_ID, "applications"));
    CHY_TRY(refuse_used(call, CHY_C_ALERTS, CHY_ALERT_PROJECT_ID, "alerts"));
    struct chy_query joined;
    chy_query_init(&joined, call->op, CHY_C_MEMBERSHIPS, CHY_NO_FIELDS, 1);
    chy_query_eq(&joined, CHY_MEMBERSHIP_PROJECT_ID, chy_value_uuid(&call->id));
    (void)chy_batch_delete_range(batch, &joined, CHY_STORAGE_DELETE_RANGE_MAX);
    return CHY_OK;
}

/** activate makes a project the one that requests without a projectId mean. */
static chy_status activate(struct chy_call *call)
{
    CHY_TRY(chy_require(call->op, NULL, CHY_SUBJECT_PROJECTS, CHY_ACTION_EDIT, "project"));
    if (!chy_call_uuid(call, "projectId", &call->project_id)) {
        return chy_not_found(call->op, call->kind->what);
    }
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_PROJECTS,
                         CHY_KEY(chy_value_uuid(&call->project_id)), CHY_NO_FIELDS, &row);
    CHY_TRY(chy_or_not_found(call->op, status, call->kind->what));
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write = chy_batch_upsert(&batch, CHY_C_SETTINGS,
                                               CHY_KEY(chy_value_text(chy_text("active-project"))));
    chy_write_set(
        write, CHY_SETTING_BLOB,
        chy_value_blob(chy_slice_of(call->project_id.bytes, sizeof call->project_id.bytes)));
    CHY_TRY(chy_call_commit(call, &batch, "activate", &call->project_id));
    call->answer = chy_json_object(call->op);
    return call->answer != NULL && chy_json_set_uuid(call->answer, "projectId", &call->project_id)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

#define CREATE_SHAPE                                                                         \
    "{\"type\":\"object\",\"required\":[\"projectName\"],\"properties\":{"                   \
    "\"projectName\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64,\"x-trim\":true," \
    "\"examples\":[\"Payments\"]},"                                                          \
    "\"projectDescription\":" CHY_SHAPE_DESCRIPTION ","                                      \
    "\"slug\":" SLUG_SHAPE ",\"type\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":64}}}"

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE_SHAPE, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, CHY_LIST_SHAPE, list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, NULL, chy_kind_update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, chy_kind_delete},
    {"by-slug", CHY_ACTION_READ, CHY_ACTION_QUERY,
     "{\"type\":\"object\",\"required\":[\"slug\"],\"properties\":{"
     "\"slug\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":36}}}",
     by_slug},
    {"activate", CHY_ACTION_EDIT, 0,
     "{\"type\":\"object\",\"required\":[\"projectId\"],\"properties\":{"
     "\"projectId\":" CHY_SHAPE_ID "}}",
     activate},
};

static const struct chy_kind_answer answers[] = {
    {"list", "{'projects': ['#Project']}", NULL},
    {"by-slug", "'#Project'", NULL},
    {"activate", "{'projectId': 'id'}", NULL},
};

const struct chy_kind chy_kind_project = {
    .name = "projects",
    .singular = "project",
    .plural = "projects",
    .what = "project",
    .subject = CHY_SUBJECT_PROJECTS,
    .audit = "project",
    .collection = CHY_C_PROJECTS,
    .id_field = CHY_PROJECT_ID,
    .project_field = CHY_PROJECT_ID, // a project is in itself
    .search_field = CHY_NO_FIELD,
    .created_field = CHY_PROJECT_CREATED_AT,
    .updated_field = CHY_PROJECT_UPDATED_AT,
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
