#include "resource/principal.h"

#include "base/op.h"
#include "base/slice.h"
#include "resource/json.h"

const struct chy_principal *chy_principal_of(struct chy_op *op)
{
    return chy_operation_of(op)->principal;
}

struct chy_held_role chy_principal_role(const struct chy_principal *principal,
                                        const struct chy_uuid *project_id)
{
    struct chy_held_role held = {CHY_ROLE_NONE, NULL};
    if (principal == NULL) {
        return held;
    }
    if (principal->role == CHY_ROLE_ADMIN) {
        held.role = CHY_ROLE_ADMIN;
        return held;
    }
    for (uint32_t i = 0; i < principal->membership_count; i++) {
        if (chy_uuid_compare(&principal->memberships[i].project_id, project_id) == 0) {
            return principal->memberships[i].held;
        }
    }
    return held;
}

bool chy_principal_is_member(const struct chy_principal *principal,
                             const struct chy_uuid *project_id)
{
    return chy_principal_role(principal, project_id).role != CHY_ROLE_NONE;
}

static struct chy_held_role instance_role(const struct chy_principal *principal)
{
    struct chy_held_role held = {principal->role, NULL};
    return held;
}

bool chy_principal_allows(const struct chy_principal *principal, const char *subject,
                          const char *action)
{
    struct chy_held_role held = instance_role(principal);
    return chy_role_reach(&held, subject, action, NULL) == CHY_REACH_ALL;
}

bool chy_may_anywhere(struct chy_op *op, const char *subject, const char *action)
{
    const struct chy_principal *principal = chy_principal_of(op);
    if (principal == NULL) {
        return false;
    }
    struct chy_held_role held = instance_role(principal);
    bool may = chy_role_has(&held, subject, action);
    for (uint32_t i = 0; i < principal->membership_count && !may; i++) {
        may = chy_role_has(&principal->memberships[i].held, subject, action);
    }
    for (uint32_t i = 0; i < principal->application_count && !may; i++) {
        held.role = principal->applications[i].role;
        may = chy_role_has(&held, subject, action);
    }
    return may;
}

bool chy_application_allows(const struct chy_application_membership *membership,
                            const struct chy_uuid *project_id, const char *subject,
                            const char *action)
{
    struct chy_held_role held = {membership->role, NULL};
    return chy_uuid_compare(&membership->project_id, project_id) == 0 &&
           chy_role_reach(&held, subject, action, NULL) == CHY_REACH_ALL;
}

/** reach_in_application: whoever has left the project has left its applications. */
static enum chy_reach reach_in_application(const struct chy_principal *principal,
                                           const struct chy_place *place, const char *subject,
                                           const char *action)
{
    enum chy_reach reach = CHY_REACH_NONE;
    if (chy_uuid_is_nil(&place->application_id) ||
        !chy_principal_is_member(principal, &place->project_id)) {
        return CHY_REACH_NONE;
    }
    for (uint32_t i = 0; i < principal->application_count; i++) {
        const struct chy_application_membership *membership = &principal->applications[i];
        struct chy_held_role held = {membership->role, NULL};
        if (chy_uuid_compare(&membership->application_id, &place->application_id) == 0 &&
            chy_uuid_compare(&membership->project_id, &place->project_id) == 0) {
            enum chy_reach there = chy_role_reach(&held, subject, action, NULL);
            reach = there > reach ? there : reach;
        }
    }
    return reach;
}

bool chy_principal_may_at(const struct chy_principal *principal, const struct chy_place *place,
                          const char *subject, const char *action)
{
    if (principal == NULL) {
        return false;
    }
    struct chy_held_role held = chy_principal_role(principal, &place->project_id);
    enum chy_reach reach = chy_role_reach(&held, subject, action, place->facts);
    enum chy_reach there = reach_in_application(principal, place, subject, action);
    switch (there > reach ? there : reach) {
    case CHY_REACH_NONE: return false;
    case CHY_REACH_OWN:
        return !chy_uuid_is_nil(&place->owner_id) &&
               chy_uuid_compare(&principal->id, &place->owner_id) == 0;
    case CHY_REACH_ALL: return true;
    }
    return false;
}

bool chy_may_at(struct chy_op *op, const struct chy_place *place, const char *subject,
                const char *action)
{
    return chy_principal_may_at(chy_principal_of(op), place, subject, action);
}

bool chy_may(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
             const char *action)
{
    struct chy_held_role held = chy_principal_role(chy_principal_of(op), project_id);
    return chy_role_reach(&held, subject, action, NULL) == CHY_REACH_ALL;
}

bool chy_may_some(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
                  const char *action)
{
    const struct chy_principal *principal = chy_principal_of(op);
    struct chy_held_role held = chy_principal_role(principal, project_id);
    bool may = chy_role_has(&held, subject, action);
    if (held.role == CHY_ROLE_NONE) {
        return false;
    }
    for (uint32_t i = 0; i < principal->application_count && !may; i++) {
        may = chy_application_allows(&principal->applications[i], project_id, subject, action);
    }
    return may;
}

/* ------------------------------------------------------------------------------------------------
 * As a status
 */

chy_status chy_not_found(struct chy_op *op, const char *what)
{
    return chy_fail(op, CHY_NOT_FOUND, 0, "%s not found", what);
}

chy_status chy_or_not_found(struct chy_op *op, chy_status status, const char *what)
{
    return status == CHY_NOT_FOUND ? chy_not_found(op, what) : status;
}

/** details_of names the permission as the contract does; `conditions` is an array or NULL. */
static chy_status details_of(struct chy_op *op, const char *subject, const char *action,
                             json_t *conditions, struct chy_slice *out_details)
{
    json_t *list = chy_json_array(op);
    json_t *entry = chy_json_object(op);
    json_t *none = chy_json_object(op);
    size_t count = json_array_size(conditions);
    json_t *shown = count == 0 ? none : count == 1 ? json_array_get(conditions, 0) : conditions;
    bool fine = list != NULL && entry != NULL && none != NULL &&
                chy_json_set_text(entry, "action", chy_text(action)) &&
                chy_json_set_bool(entry, "inverted", false) &&
                chy_json_set_text(entry, "subject", chy_text(subject)) &&
                json_object_set(entry, "conditions", shown) == 0 &&
                json_array_append(list, entry) == 0;
    return fine ? chy_json_write(op, list, out_details) : chy_fail_memory(op);
}

static chy_status deny(struct chy_op *op, const struct chy_held_role *held, const char *subject,
                       const char *action)
{
    char message[CHY_MESSAGE_MAX];
    struct chy_slice details;
    json_t *conditions = chy_role_conditions(held, subject, action);
    if (conditions == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_json_own(op, conditions));
    json_decref(conditions);
    bool narrow = chy_role_has(held, subject, action);
    (void)snprintf(message, sizeof message,
                   narrow ? "your permission to %s %s does not reach this one: the conditions of "
                            "your role, or that it be your own, do not hold for it"
                          : "you lack the permission to %s %s; ask an administrator of the project "
                            "for a role that has it",
                   action, subject);
    CHY_TRY(details_of(op, subject, action, conditions, &details));
    struct chy_error error = {.struct_size = sizeof error,
                              .status = CHY_DENIED,
                              .reason = CHY_REASON_PERMISSION,
                              .message = chy_text(message),
                              .details = details};
    return op->host->fail_with(op, &error);
}

/** find_role: which role is to be asked, if the project exists for the principal at all. */
static chy_status find_role(struct chy_op *op, const struct chy_uuid *project_id, const char *what,
                            struct chy_held_role *out_held)
{
    const struct chy_principal *principal = chy_principal_of(op);
    if (principal == NULL) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "this needs an access token: send 'Authorization: Bearer <token>'");
    }
    *out_held =
        project_id == NULL ? instance_role(principal) : chy_principal_role(principal, project_id);
    return project_id != NULL && out_held->role == CHY_ROLE_NONE ? chy_not_found(op, what) : CHY_OK;
}

chy_status chy_require(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
                       const char *action, const char *what)
{
    struct chy_held_role held;
    CHY_TRY(find_role(op, project_id, what, &held));
    return chy_role_reach(&held, subject, action, NULL) == CHY_REACH_ALL
               ? CHY_OK
               : deny(op, &held, subject, action);
}

chy_status chy_require_some(struct chy_op *op, const struct chy_uuid *project_id,
                            const char *subject, const char *action, const char *what)
{
    struct chy_held_role held;
    CHY_TRY(find_role(op, project_id, what, &held));
    return chy_may_some(op, project_id, subject, action) ? CHY_OK
                                                         : deny(op, &held, subject, action);
}

chy_status chy_require_at(struct chy_op *op, const struct chy_place *place, const char *subject,
                          const char *action, const char *what)
{
    struct chy_held_role held;
    CHY_TRY(find_role(op, &place->project_id, what, &held));
    return chy_may_at(op, place, subject, action) ? CHY_OK : deny(op, &held, subject, action);
}

/** covers_in_application: a role in the application hands out what it has itself. */
static bool covers_in_application(const struct chy_principal *principal,
                                  const struct chy_place *place,
                                  const struct chy_held_role *granted, enum chy_role_use use)
{
    for (uint32_t i = 0; i < principal->application_count; i++) {
        const struct chy_application_membership *membership = &principal->applications[i];
        struct chy_held_role held = {membership->role, NULL};
        if (chy_uuid_compare(&membership->application_id, &place->application_id) == 0 &&
            chy_role_covers(&held, granted, use)) {
            return true;
        }
    }
    return false;
}

bool chy_covers(struct chy_op *op, const struct chy_place *place,
                const struct chy_held_role *granted, enum chy_role_use use)
{
    const struct chy_principal *principal = chy_principal_of(op);
    struct chy_held_role held = chy_principal_role(principal, &place->project_id);
    return held.role != CHY_ROLE_NONE && (chy_role_covers(&held, granted, use) ||
                                          covers_in_application(principal, place, granted, use));
}

chy_status chy_require_covers(struct chy_op *op, const struct chy_place *place,
                              const struct chy_held_role *granted)
{
    struct chy_held_role held;
    CHY_TRY(find_role(op, &place->project_id, "project", &held));
    if (chy_covers(op, place, granted, CHY_ROLE_HAND_OUT)) {
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_BOUNDARY,
                           "that role has permissions which you do not have there: nobody can hand "
                           "out what they lack");
}
