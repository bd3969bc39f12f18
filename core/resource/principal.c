#include "resource/principal.h"

#include "base/op.h"
#include "base/slice.h"

static const struct {
    const char *name;
    enum chy_role role;
} role_names[] = {
    {"no-access", CHY_ROLE_NO_ACCESS},
    {"auditor", CHY_ROLE_AUDITOR},
    {"issuer", CHY_ROLE_ISSUER},
    {"admin", CHY_ROLE_ADMIN},
};

/** What each role may do.  "*" stands for every action but those that must be named
 *  (must_be_named): what makes CAs is not enrollment. */
static const struct {
    enum chy_role role;
    const char *subject;
    const char *action;
    enum chy_reach reach;
} grants[] = {
    {CHY_ROLE_AUDITOR, "*", CHY_ACTION_READ, CHY_REACH_ALL},

    {CHY_ROLE_ISSUER, CHY_SUBJECT_PROJECTS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_POLICIES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_PROFILES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_ISSUE, CHY_REACH_ALL},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ_PRIVATE_KEY, CHY_REACH_OWN},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_RENEW, CHY_REACH_OWN},
    {CHY_ROLE_ISSUER, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_REVOKE, CHY_REACH_OWN},

    {CHY_ROLE_APPLICATION_AUDITOR, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_AUDITOR, CHY_SUBJECT_PROFILES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_AUDITOR, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_AUDITOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ, CHY_REACH_ALL},

    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_PROFILES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_ISSUE, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_RENEW, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_REVOKE, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_OPERATOR, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ_PRIVATE_KEY,
     CHY_REACH_OWN},

    {CHY_ROLE_APPLICATION_ADMIN, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_ADMIN, CHY_SUBJECT_APPLICATIONS, CHY_ACTION_EDIT, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_ADMIN, CHY_SUBJECT_PROFILES, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_ADMIN, CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, CHY_REACH_ALL},
    {CHY_ROLE_APPLICATION_ADMIN, CHY_SUBJECT_CERTIFICATES, "*", CHY_REACH_ALL},

    {CHY_ROLE_ADMIN, "*", "*", CHY_REACH_ALL},
    {CHY_ROLE_ADMIN, CHY_SUBJECT_AUTHORITIES, CHY_ACTION_SIGN_INTERMEDIATE, CHY_REACH_ALL},
};

static const struct {
    const char *name;
    enum chy_role role;
} application_role_names[] = {
    {"auditor", CHY_ROLE_APPLICATION_AUDITOR},
    {"operator", CHY_ROLE_APPLICATION_OPERATOR},
    {"admin", CHY_ROLE_APPLICATION_ADMIN},
};

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

const char *chy_role_name(enum chy_role role)
{
    for (size_t i = 0; i < COUNT_OF(role_names); i++) {
        if (role_names[i].role == role) {
            return role_names[i].name;
        }
    }
    return "none";
}

enum chy_role chy_role_find(struct chy_slice name)
{
    for (size_t i = 0; i < COUNT_OF(role_names); i++) {
        if (chy_slice_is(name, role_names[i].name)) {
            return role_names[i].role;
        }
    }
    return CHY_ROLE_NONE;
}

enum chy_role chy_application_role_find(struct chy_slice name)
{
    for (size_t i = 0; i < COUNT_OF(application_role_names); i++) {
        if (chy_slice_is(name, application_role_names[i].name)) {
            return application_role_names[i].role;
        }
    }
    return CHY_ROLE_NONE;
}

const struct chy_principal *chy_principal_of(struct chy_op *op)
{
    return chy_operation_of(op)->principal;
}

enum chy_role chy_principal_role(const struct chy_principal *principal,
                                 const struct chy_uuid *project_id)
{
    if (principal == NULL) {
        return CHY_ROLE_NONE;
    }
    if (principal->role == CHY_ROLE_ADMIN) {
        return CHY_ROLE_ADMIN;
    }
    for (uint32_t i = 0; i < principal->membership_count; i++) {
        if (chy_uuid_compare(&principal->memberships[i].project_id, project_id) == 0) {
            return principal->memberships[i].role;
        }
    }
    return CHY_ROLE_NONE;
}

static bool must_be_named(const char *action)
{
    return strcmp(action, CHY_ACTION_SIGN_INTERMEDIATE) == 0;
}

enum chy_reach chy_role_reach(enum chy_role role, const char *subject, const char *action)
{
    enum chy_reach reach = CHY_REACH_NONE;
    for (size_t i = 0; i < COUNT_OF(grants); i++) {
        bool any_action = strcmp(grants[i].action, "*") == 0 && !must_be_named(action);
        if (grants[i].role == role &&
            (strcmp(grants[i].subject, "*") == 0 || strcmp(grants[i].subject, subject) == 0) &&
            (any_action || strcmp(grants[i].action, action) == 0) && grants[i].reach > reach) {
            reach = grants[i].reach;
        }
    }
    return reach;
}

bool chy_role_allows(enum chy_role role, const char *subject, const char *action)
{
    return chy_role_reach(role, subject, action) == CHY_REACH_ALL;
}

bool chy_may(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
             const char *action)
{
    return chy_role_allows(chy_principal_role(chy_principal_of(op), project_id), subject, action);
}

chy_status chy_not_found(struct chy_op *op, const char *what)
{
    return chy_fail(op, CHY_NOT_FOUND, 0, "%s not found", what);
}

static chy_status deny(struct chy_op *op, const char *subject, const char *action)
{
    char message[CHY_MESSAGE_MAX];
    char details[CHY_MESSAGE_MAX];
    (void)snprintf(message, sizeof message,
                   "you lack the permission to %s %s; ask an administrator of the project for a "
                   "role that has it",
                   action, subject);
    (void)snprintf(details, sizeof details,
                   "[{\"action\":\"%s\",\"inverted\":false,\"subject\":\"%s\",\"conditions\":{}}]",
                   action, subject);
    struct chy_error error = {.struct_size = sizeof error,
                              .status = CHY_DENIED,
                              .reason = CHY_REASON_PERMISSION,
                              .message = chy_text(message),
                              .details = chy_text(details)};
    return op->host->fail_with(op, &error);
}

chy_status chy_require(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
                       const char *action, const char *what)
{
    const struct chy_principal *principal = chy_principal_of(op);
    if (principal == NULL) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "this needs an access token: send 'Authorization: Bearer <token>'");
    }
    if (project_id == NULL) {
        return chy_role_allows(principal->role, subject, action) ? CHY_OK
                                                                 : deny(op, subject, action);
    }
    enum chy_role role = chy_principal_role(principal, project_id);
    if (role == CHY_ROLE_NONE) {
        return chy_not_found(op, what);
    }
    return chy_role_allows(role, subject, action) ? CHY_OK : deny(op, subject, action);
}

bool chy_application_allows(const struct chy_application_membership *membership,
                            const struct chy_uuid *project_id, const char *subject,
                            const char *action)
{
    return chy_uuid_compare(&membership->project_id, project_id) == 0 &&
           chy_role_allows(membership->role, subject, action);
}

/** reach_at: whoever has left the project has left its applications. */
static enum chy_reach reach_at(const struct chy_principal *principal, const struct chy_place *place,
                               const char *subject, const char *action)
{
    enum chy_role role = chy_principal_role(principal, &place->project_id);
    enum chy_reach reach = chy_role_reach(role, subject, action);
    bool has_application = role != CHY_ROLE_NONE && !chy_uuid_is_nil(&place->application_id);
    for (uint32_t i = 0; has_application && i < principal->application_count; i++) {
        const struct chy_application_membership *membership = &principal->applications[i];
        if (chy_uuid_compare(&membership->application_id, &place->application_id) == 0 &&
            chy_uuid_compare(&membership->project_id, &place->project_id) == 0) {
            enum chy_reach there = chy_role_reach(membership->role, subject, action);
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
    switch (reach_at(principal, place, subject, action)) {
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

chy_status chy_require_at(struct chy_op *op, const struct chy_place *place, const char *subject,
                          const char *action, const char *what)
{
    return chy_may_at(op, place, subject, action)
               ? CHY_OK
               : chy_require(op, &place->project_id, subject, action, what);
}
