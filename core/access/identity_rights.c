#include "access/identity.h"
#include "access/role.h"
#include "base/op.h"
#include "resource/collections.h"

#include <stdlib.h>

/** An identity of more projects than this acts in the first so many. */
#define MEMBERSHIPS_MAX 10000U

static chy_status append_page(struct chy_runtime *runtime, struct chy_op *op,
                              const struct chy_storage_page *page, struct chy_view *memberships)
{
    uint64_t count = memberships->count + page->rows.count;
    struct chy_membership *all = chy_alloc(op, (count + 1) * sizeof *all);
    if (all == NULL) {
        return chy_fail_memory(op);
    }
    if (memberships->count != 0) {
        memcpy(all, memberships->ptr, (size_t)memberships->count * sizeof *all);
    }
    for (uint64_t i = 0; i < page->rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(page, i);
        all[memberships->count + i].project_id = chy_row_uuid(row, 0);
        struct chy_uuid role_id = chy_row_uuid(row, 2);
        CHY_TRY(chy_role_of_membership(runtime, op, chy_row_text(row, 1), &role_id,
                                       &all[memberships->count + i].held));
    }
    memberships->ptr = all;
    memberships->count = count;
    return CHY_OK;
}

chy_status chy_identity_memberships(struct chy_runtime *runtime, struct chy_op *op,
                                    const struct chy_uuid *id, struct chy_view *out_memberships)
{
    struct chy_view memberships = {NULL, 0, sizeof(struct chy_membership)};
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(
        &query, op, CHY_C_MEMBERSHIPS,
        CHY_FIELDS(CHY_MEMBERSHIP_PROJECT_ID, CHY_MEMBERSHIP_ROLE, CHY_MEMBERSHIP_ROLE_ID),
        CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_MEMBERSHIP_IDENTITY_ID, chy_value_uuid(id));
    do {
        CHY_TRY(chy_query_run(&query, runtime->storage, &page));
        CHY_TRY(append_page(runtime, op, &page, &memberships));
        query.find.cursor = page.cursor;
    } while (page.more != 0 && memberships.count < MEMBERSHIPS_MAX);
    *out_memberships = memberships;
    return CHY_OK;
}

chy_status chy_identity_applications(struct chy_runtime *runtime, struct chy_op *op,
                                     const struct chy_uuid *id, struct chy_view *out_applications)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(
        &query, op, CHY_C_APPLICATION_MEMBERS,
        CHY_FIELDS(CHY_APP_MEMBER_APPLICATION_ID, CHY_APP_MEMBER_PROJECT_ID, CHY_APP_MEMBER_ROLE),
        CHY_IDENTITY_APPLICATIONS_MAX);
    chy_query_eq(&query, CHY_APP_MEMBER_IDENTITY_ID, chy_value_uuid(id));
    CHY_TRY(chy_query_run(&query, runtime->storage, &page));
    struct chy_application_membership *all = chy_alloc(op, (page.rows.count + 1) * sizeof *all);
    if (all == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < page.rows.count; i++) {
        const struct chy_storage_row *row = chy_page_row(&page, i);
        all[i].application_id = chy_row_uuid(row, 0);
        all[i].project_id = chy_row_uuid(row, 1);
        all[i].role = chy_application_role_find(chy_row_text(row, 2));
    }
    *out_applications = chy_view_of(all, page.rows.count, sizeof *all);
    return CHY_OK;
}

static const struct chy_membership *membership_at(struct chy_view memberships, uint64_t index)
{
    return (const struct chy_membership *)chy_view_at(memberships, index);
}

/** may_see: whoever may read identities in one of its projects. */
static bool may_see(struct chy_op *op, struct chy_view memberships)
{
    if (chy_principal_allows(chy_principal_of(op), CHY_SUBJECT_IDENTITIES, CHY_ACTION_READ)) {
        return true;
    }
    for (uint64_t i = 0; i < memberships.count; i++) {
        if (chy_may(op, &membership_at(memberships, i)->project_id, CHY_SUBJECT_IDENTITIES,
                    CHY_ACTION_READ)) {
            return true;
        }
    }
    return false;
}

/** may_in tells whether the caller has the permission in a project, and all that the identity's
 *  role there gives. */
static bool may_in(struct chy_op *op, const struct chy_membership *membership, const char *action)
{
    struct chy_held_role held = chy_principal_role(chy_principal_of(op), &membership->project_id);
    return chy_may(op, &membership->project_id, CHY_SUBJECT_IDENTITIES, action) &&
           chy_role_covers(&held, &membership->held, CHY_ROLE_HAND_OUT);
}

/** may_everywhere: who could act as the identity afterwards gains nothing by it in any project. */
static bool may_everywhere(struct chy_op *op, enum chy_role role, struct chy_view memberships,
                           const char *action)
{
    if (role != CHY_ROLE_NO_ACCESS || memberships.count == 0) {
        return false;
    }
    for (uint64_t i = 0; i < memberships.count; i++) {
        if (!may_in(op, membership_at(memberships, i), action)) {
            return false;
        }
    }
    return true;
}

chy_status chy_identity_covers_applications(struct chy_call *call, const struct chy_uuid *id,
                                            const struct chy_uuid *project_id,
                                            enum chy_role_use use, bool *out_covers)
{
    struct chy_view applications;
    bool covers = true;
    CHY_TRY(chy_identity_applications(call->runtime, call->op, id, &applications));
    for (uint64_t i = 0; i < applications.count && covers; i++) {
        const struct chy_application_membership *membership =
            (const struct chy_application_membership *)chy_view_at(applications, i);
        const struct chy_place place = {.project_id = membership->project_id,
                                        .application_id = membership->application_id};
        const struct chy_held_role held = {membership->role, NULL};
        covers =
            (project_id != NULL && chy_uuid_compare(&membership->project_id, project_id) != 0) ||
            chy_covers(call->op, &place, &held, use);
    }
    *out_covers = covers;
    return CHY_OK;
}

/** find_may_change: nor does who could act as the identity gain anything in its applications. */
static chy_status find_may_change(struct chy_call *call, const struct chy_storage_row *row,
                                  struct chy_view memberships, const char *action, bool *out_may)
{
    struct chy_op *op = call->op;
    struct chy_uuid id = chy_row_uuid(row, CHY_IDENTITY_ID);
    enum chy_role role = chy_role_find(chy_row_text(row, CHY_IDENTITY_ROLE));
    *out_may = chy_principal_allows(chy_principal_of(op), CHY_SUBJECT_IDENTITIES, action);
    if (*out_may || !may_everywhere(op, role, memberships, action)) {
        return CHY_OK;
    }
    return chy_identity_covers_applications(call, &id, NULL, CHY_ROLE_HAND_OUT, out_may);
}

chy_status chy_identity_require(struct chy_call *call, const struct chy_uuid *id,
                                const char *action, struct chy_storage_row *out_row)
{
    struct chy_op *op = call->op;
    struct chy_storage_row row;
    struct chy_view memberships;
    if (chy_principal_of(op) == NULL) {
        return chy_require(op, NULL, CHY_SUBJECT_IDENTITIES, action, "identity");
    }
    chy_status status =
        chy_storage_read(call->runtime->storage, op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)),
                         chy_core_fields(CHY_C_IDENTITIES), &row);
    CHY_TRY(chy_or_not_found(op, status, "identity"));
    CHY_TRY(chy_identity_memberships(call->runtime, op, id, &memberships));
    if (!may_see(op, memberships)) {
        return chy_not_found(op, "identity");
    }
    bool may = strcmp(action, CHY_ACTION_READ) == 0;
    if (!may) {
        CHY_TRY(find_may_change(call, &row, memberships, action, &may));
    }
    if (!may) {
        return chy_require(op, NULL, CHY_SUBJECT_IDENTITIES, action, "identity");
    }
    *out_row = row;
    return CHY_OK;
}

chy_status chy_identity_may_at(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id, const struct chy_place *place,
                               const char *subject, const char *action, bool *out_may)
{
    struct chy_membership membership = {.project_id = place->project_id};
    struct chy_principal who = {.id = *id, .memberships = &membership};
    struct chy_view applications;
    struct chy_storage_row row;
    chy_status status =
        chy_storage_read(runtime->storage, op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)),
                         CHY_FIELDS(CHY_IDENTITY_ROLE, CHY_IDENTITY_DISABLED), &row);
    *out_may = false;
    if (status == CHY_NOT_FOUND) {
        return CHY_OK;
    }
    CHY_TRY(status);
    if (chy_row_bool(&row, 1)) {
        return CHY_OK;
    }
    who.role = chy_role_find(chy_row_text(&row, 0));
    status = chy_storage_read(runtime->storage, op, CHY_C_MEMBERSHIPS,
                              CHY_KEY(chy_value_uuid(id), chy_value_uuid(&place->project_id)),
                              CHY_FIELDS(CHY_MEMBERSHIP_ROLE, CHY_MEMBERSHIP_ROLE_ID), &row);
    if (status == CHY_OK) {
        struct chy_uuid role_id = chy_row_uuid(&row, 1);
        CHY_TRY(
            chy_role_of_membership(runtime, op, chy_row_text(&row, 0), &role_id, &membership.held));
        who.membership_count = 1;
    } else if (status != CHY_NOT_FOUND) {
        return status;
    }
    CHY_TRY(chy_identity_applications(runtime, op, id, &applications));
    struct chy_application_membership *roles =
        chy_alloc(op, (applications.count + 1) * sizeof *roles);
    if (roles == NULL) {
        return chy_fail_memory(op);
    }
    if (applications.count != 0) {
        memcpy(roles, applications.ptr, (size_t)applications.count * sizeof *roles);
    }
    who.applications = roles;
    who.application_count = (uint32_t)applications.count;
    *out_may = chy_principal_may_at(&who, place, subject, action);
    return CHY_OK;
}

/** copy_of makes the elements of a view changeable, as a principal has them.  NULL: no memory. */
static void *copy_of(struct chy_op *op, struct chy_view view)
{
    void *copy = chy_alloc(op, (view.count + 1) * view.stride);
    if (copy != NULL && view.count != 0) {
        memcpy(copy, view.ptr, (size_t)(view.count * view.stride));
    }
    return copy;
}

chy_status chy_identity_act_as(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id)
{
    struct chy_storage_row row;
    struct chy_view memberships;
    struct chy_view applications;
    struct chy_principal *principal = chy_alloc(op, sizeof *principal);
    CHY_TRY(chy_storage_read(
        runtime->storage, op, CHY_C_IDENTITIES, CHY_KEY(chy_value_uuid(id)),
        CHY_FIELDS(CHY_IDENTITY_KIND, CHY_IDENTITY_ROLE, CHY_IDENTITY_DISABLED), &row));
    if (chy_row_bool(&row, 2)) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                               "the identity that asked is disabled");
    }
    CHY_TRY(chy_identity_memberships(runtime, op, id, &memberships));
    CHY_TRY(chy_identity_applications(runtime, op, id, &applications));
    if (principal == NULL) {
        return chy_fail_memory(op);
    }
    principal->kind =
        chy_slice_is(chy_row_text(&row, 0), "user") ? CHY_PRINCIPAL_USER : CHY_PRINCIPAL_MACHINE;
    principal->role = chy_role_find(chy_row_text(&row, 1));
    principal->id = *id;
    principal->memberships = copy_of(op, memberships);
    principal->membership_count = (uint32_t)memberships.count;
    principal->applications = copy_of(op, applications);
    principal->application_count = (uint32_t)applications.count;
    if (principal->memberships == NULL || principal->applications == NULL) {
        return chy_fail_memory(op);
    }
    chy_operation_of(op)->principal = principal;
    return CHY_OK;
}
