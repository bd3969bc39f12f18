// What a call is about: its object, its project, and others that it names.

#include "plugin/schema.h"
#include "resource/collections.h"
#include "resource/kind.h"

struct chy_view chy_call_fields(const struct chy_call *call)
{
    return chy_core_fields(call->kind->collection);
}

bool chy_call_uuid(const struct chy_call *call, const char *name, struct chy_uuid *out_uuid)
{
    return chy_uuid_parse(chy_json_member(call->document, name), out_uuid);
}

/** require_row asks for the action's permission where the object is, and for this one if it reaches
 *  only some. */
static chy_status require_row(struct chy_call *call, const struct chy_storage_row *row)
{
    const struct chy_kind *kind = call->kind;
    const char *action = call->action->permission;
    struct chy_facts facts;
    if (kind->project_field == CHY_NO_FIELD) {
        return chy_require(call->op, NULL, kind->subject, action, kind->what);
    }
    struct chy_place place = {.project_id = call->project_id};
    if (kind->has_application) {
        place.application_id = chy_row_uuid(row, kind->application_field);
    }
    if (kind->hooks.facts != NULL && !chy_may_at(call->op, &place, kind->subject, action)) {
        CHY_TRY(chy_require_some(call->op, &place.project_id, kind->subject, action, kind->what));
        CHY_TRY(kind->hooks.facts(call, row, &place.owner_id, &facts));
        place.facts = &facts;
    }
    return chy_require_at(call->op, &place, kind->subject, action, kind->what);
}

chy_status chy_call_row(struct chy_call *call, const struct chy_uuid *id,
                        struct chy_storage_row *out_row)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, call->kind->collection,
                                         CHY_KEY(chy_value_uuid(id)), chy_call_fields(call), &row);
    CHY_TRY(chy_or_not_found(call->op, status, call->kind->what));
    bool of_project = call->kind->project_field != CHY_NO_FIELD;
    if (of_project) {
        call->project_id = chy_row_uuid(&row, call->kind->project_field);
    }
    *out_row = row;
    return call->action->permission == NULL ? CHY_OK : require_row(call, &row);
}

/**
 * only_project finds the one project of a caller who may see all; false: there are more, or none.
 */
static chy_status only_project(struct chy_call *call, struct chy_uuid *out_project, bool *out_found)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    struct chy_query query;
    struct chy_storage_page page;
    *out_found = false;
    if (principal == NULL) {
        return CHY_OK;
    }
    if (principal->role != CHY_ROLE_ADMIN) {
        *out_found = principal->membership_count == 1;
        if (*out_found) {
            *out_project = principal->memberships[0].project_id;
        }
        return CHY_OK;
    }
    chy_query_init(&query, call->op, CHY_C_PROJECTS, CHY_FIELDS(CHY_PROJECT_ID), 2);
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    *out_found = page.rows.count == 1;
    if (*out_found) {
        *out_project = chy_row_uuid(chy_page_row(&page, 0), 0);
    }
    return CHY_OK;
}

static chy_status active_project(struct chy_call *call, struct chy_uuid *out_project)
{
    struct chy_storage_row row;
    bool found;
    CHY_TRY(only_project(call, out_project, &found));
    if (found) {
        return CHY_OK;
    }
    chy_status status = chy_storage_read(call->runtime->storage, call->op, CHY_C_SETTINGS,
                                         CHY_KEY(chy_value_text(chy_text("active-project"))),
                                         CHY_FIELDS(CHY_SETTING_BLOB), &row);
    struct chy_slice kept = status == CHY_OK ? chy_row_blob(&row, 0) : chy_slice_of(NULL, 0);
    if (kept.ptr != NULL && kept.len == sizeof out_project->bytes) {
        memcpy(out_project->bytes, kept.ptr, sizeof out_project->bytes);
        return CHY_OK;
    }
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "projectId is missing, and you belong to more than one project with none of "
                    "them active: name the project");
}

/** project_by_slug finds the project that an older client names by its slug. */
static chy_status project_by_slug(struct chy_call *call, struct chy_slice slug)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_PROJECTS, CHY_FIELDS(CHY_PROJECT_ID), 1);
    chy_query_eq(&query, CHY_PROJECT_SLUG, chy_value_text(slug));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return chy_not_found(call->op, "project");
    }
    call->project_id = chy_row_uuid(chy_page_row(&page, 0), 0);
    return CHY_OK;
}

static chy_status find_project(struct chy_call *call)
{
    struct chy_slice slug = chy_json_member(call->document, "projectSlug");
    const json_t *id = json_object_get(call->document, "projectId");
    if (chy_call_uuid(call, "projectId", &call->project_id)) {
        return CHY_OK;
    }
    if (id != NULL && !json_is_null(id)) { // or the active project would stand for a wrong one
        return chy_shape_refuse_one(call->op, "invalid_string", "/projectId", "expected a UUID");
    }
    return slug.len != 0 ? project_by_slug(call, slug) : active_project(call, &call->project_id);
}

static chy_status check_project(struct chy_call *call)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, CHY_C_PROJECTS,
                         CHY_KEY(chy_value_uuid(&call->project_id)), CHY_NO_FIELDS, &row);
    return chy_or_not_found(call->op, status, "project");
}

chy_status chy_call_project(struct chy_call *call)
{
    CHY_TRY(find_project(call));
    CHY_TRY(chy_require(call->op, &call->project_id, call->kind->subject, call->action->permission,
                        "project"));
    return check_project(call);
}

static bool in_application(const struct chy_call *call,
                           const struct chy_application_membership *membership)
{
    return chy_application_allows(membership, &call->project_id, call->kind->subject,
                                  call->action->permission);
}

chy_status chy_call_project_partly(struct chy_call *call)
{
    CHY_TRY(find_project(call));
    CHY_TRY(chy_require_some(call->op, &call->project_id, call->kind->subject,
                             call->action->permission, "project"));
    return check_project(call);
}

chy_status chy_call_narrow_applications(struct chy_call *call, struct chy_query *query,
                                        uint32_t field)
{
    const struct chy_principal *principal = chy_principal_of(call->op);
    uint64_t count = 0;
    struct chy_held_role held = chy_principal_role(principal, &call->project_id);
    // With conditions the caller looks at each row, of applications too.
    if (chy_role_has(&held, call->kind->subject, call->action->permission)) {
        return CHY_OK;
    }
    // The query borrows the ids, and the operation keeps the principal.
    struct chy_value *ids = chy_alloc(call->op, (principal->application_count + 1) * sizeof *ids);
    if (ids == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint32_t i = 0; i < principal->application_count && count < CHY_STORAGE_IN_MAX; i++) {
        if (in_application(call, &principal->applications[i])) {
            ids[count++] = chy_value_uuid(&principal->applications[i].application_id);
        }
    }
    chy_query_in(query, field, chy_view_of(ids, count, sizeof *ids));
    return CHY_OK;
}

chy_status chy_call_row_by(struct chy_call *call, uint32_t field, const char *name,
                           struct chy_storage_row *out_row)
{
    const struct chy_kind *kind = call->kind;
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, kind->collection, chy_call_fields(call), 1);
    if (chy_kind_is_in_project(kind)) {
        chy_query_eq(&query, kind->project_field, chy_value_uuid(&call->project_id));
    }
    if (kind->has_application) {
        CHY_TRY(chy_call_narrow_applications(call, &query, kind->application_field));
    }
    chy_query_eq(&query, field, chy_value_text(chy_json_member(call->document, name)));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    if (page.rows.count == 0) {
        return chy_not_found(call->op, kind->what);
    }
    *out_row = *chy_page_row(&page, 0);
    return CHY_OK;
}

chy_status chy_call_reference(struct chy_call *call, const struct chy_uuid *id, uint32_t collection,
                              uint32_t project_field, struct chy_view fields, const char *what,
                              struct chy_storage_row *out_row)
{
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(call->runtime->storage, call->op, collection, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(project_field), &row);
    CHY_TRY(chy_or_not_found(call->op, status, what));
    struct chy_uuid project_id = chy_row_uuid(&row, 0);
    if (chy_uuid_compare(&project_id, &call->project_id) != 0) {
        return chy_not_found(call->op, what);
    }
    return chy_storage_read(call->runtime->storage, call->op, collection,
                            CHY_KEY(chy_value_uuid(id)), fields, out_row);
}

chy_status chy_call_name(struct chy_call *call, uint32_t collection, uint32_t name_field,
                         const struct chy_uuid *id, struct chy_slice *out_name)
{
    for (const struct chy_named *named = call->named; named != NULL; named = named->next) {
        if (chy_uuid_compare(&named->id, id) == 0) {
            *out_name = named->name;
            return CHY_OK;
        }
    }
    struct chy_storage_row row;
    chy_status status = chy_storage_read(call->runtime->storage, call->op, collection,
                                         CHY_KEY(chy_value_uuid(id)), CHY_FIELDS(name_field), &row);
    struct chy_named *named = chy_alloc(call->op, sizeof *named);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (named == NULL) {
        return chy_fail_memory(call->op);
    }
    named->id = *id;
    named->name = status == CHY_OK ? chy_row_text(&row, 0) : chy_slice_of(NULL, 0);
    named->next = call->named;
    call->named = named;
    *out_name = named->name;
    return CHY_OK;
}
