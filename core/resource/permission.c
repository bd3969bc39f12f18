#include "resource/permission.h"

#include "base/slice.h"
#include "resource/condition.h"
#include "resource/json.h"
#include "resource/shape.h"

#include <stdio.h>
#include <string.h>

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))
#define PATH_MAX_LEN 128

static const struct {
    const char *name;
    enum chy_role role;
} role_names[] = {
    {"no-access", CHY_ROLE_NO_ACCESS}, {"viewer", CHY_ROLE_VIEWER},
    {"auditor", CHY_ROLE_AUDITOR},     {"issuer", CHY_ROLE_ISSUER},
    {"approver", CHY_ROLE_APPROVER},   {"operator", CHY_ROLE_OPERATOR},
    {"admin", CHY_ROLE_ADMIN},
};

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

static const struct {
    const char *name;
    enum chy_role role;
} application_role_names[] = {
    {"auditor", CHY_ROLE_APPLICATION_AUDITOR},
    {"operator", CHY_ROLE_APPLICATION_OPERATOR},
    {"admin", CHY_ROLE_APPLICATION_ADMIN},
};

enum chy_role chy_application_role_find(struct chy_slice name)
{
    for (size_t i = 0; i < COUNT_OF(application_role_names); i++) {
        if (chy_slice_is(name, application_role_names[i].name)) {
            return application_role_names[i].role;
        }
    }
    return CHY_ROLE_NONE;
}

/* ------------------------------------------------------------------------------------------------
 * What there is, and who has it
 */

/** Who of the built-in roles has a permission: the admin has all.  `own`: for what they asked for
 *  themselves. */
enum holder {
    VIEWER = 1U << 0,
    AUDITOR = 1U << 1,
    ISSUER = 1U << 2,
    APPROVER = 1U << 3,
    OPERATOR = 1U << 4,
    READERS = VIEWER | AUDITOR | ISSUER | APPROVER | OPERATOR,
    APP_AUDITOR = 1U << 5, /**< in one application, and so on */
    APP_OPERATOR = 1U << 6,
    APP_ADMIN = 1U << 7,
    APP_ALL = APP_AUDITOR | APP_OPERATOR | APP_ADMIN
};

/** Every permission there is.  What is not here no role can have, custom ones included. */
static const struct {
    const char *subject;
    const char *action;
    uint32_t all; /**< enum holder */
    uint32_t own;
} catalogue[] = {
    {CHY_SUBJECT_PROJECTS, CHY_ACTION_READ, READERS, 0},
    {CHY_SUBJECT_PROJECTS, CHY_ACTION_CREATE, 0, 0},
    {CHY_SUBJECT_PROJECTS, CHY_ACTION_EDIT, 0, 0},
    {CHY_SUBJECT_PROJECTS, CHY_ACTION_DELETE, 0, 0},

    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_READ, READERS, 0},
    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_CREATE, 0, 0},
    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_EDIT, 0, 0},
    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_DELETE, 0, 0},
    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_REVOKE, 0, 0},
    {CHY_SUBJECT_AUTHORITIES, CHY_ACTION_SIGN_INTERMEDIATE, 0, 0},

    {CHY_SUBJECT_POLICIES, CHY_ACTION_READ, READERS, 0},
    {CHY_SUBJECT_POLICIES, CHY_ACTION_CREATE, OPERATOR, 0},
    {CHY_SUBJECT_POLICIES, CHY_ACTION_EDIT, OPERATOR, 0},
    {CHY_SUBJECT_POLICIES, CHY_ACTION_DELETE, OPERATOR, 0},

    {CHY_SUBJECT_PROFILES, CHY_ACTION_READ, READERS | APP_ALL, 0},
    {CHY_SUBJECT_PROFILES, CHY_ACTION_CREATE, OPERATOR, 0},
    {CHY_SUBJECT_PROFILES, CHY_ACTION_EDIT, OPERATOR, 0},
    {CHY_SUBJECT_PROFILES, CHY_ACTION_DELETE, OPERATOR, 0},

    {CHY_SUBJECT_APPLICATIONS, CHY_ACTION_READ, READERS | APP_ALL, 0},
    {CHY_SUBJECT_APPLICATIONS, CHY_ACTION_CREATE, OPERATOR, 0},
    {CHY_SUBJECT_APPLICATIONS, CHY_ACTION_EDIT, OPERATOR | APP_ADMIN, 0},
    {CHY_SUBJECT_APPLICATIONS, CHY_ACTION_DELETE, OPERATOR, 0},

    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ, READERS | APP_ALL, 0},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_CREATE, OPERATOR | APP_ADMIN, 0},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_EDIT, OPERATOR | APP_ADMIN, 0},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_DELETE, OPERATOR | APP_ADMIN, 0},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_ISSUE, ISSUER | OPERATOR | APP_OPERATOR | APP_ADMIN, 0},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_RENEW, OPERATOR | APP_OPERATOR | APP_ADMIN, ISSUER},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_REVOKE, OPERATOR | APP_OPERATOR | APP_ADMIN, ISSUER},
    {CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ_PRIVATE_KEY, APP_ADMIN,
     ISSUER | OPERATOR | APP_OPERATOR},

    {CHY_SUBJECT_REQUESTS, CHY_ACTION_READ, READERS | APP_ALL, 0},
    {CHY_SUBJECT_REQUESTS, CHY_ACTION_APPROVE, APPROVER, 0},
    {CHY_SUBJECT_REQUESTS, CHY_ACTION_BYPASS, 0, 0},

    {CHY_SUBJECT_APPROVALS, CHY_ACTION_READ, READERS, 0},
    {CHY_SUBJECT_APPROVALS, CHY_ACTION_CREATE, 0, 0},
    {CHY_SUBJECT_APPROVALS, CHY_ACTION_EDIT, 0, 0},
    {CHY_SUBJECT_APPROVALS, CHY_ACTION_DELETE, 0, 0},

    {CHY_SUBJECT_IDENTITIES, CHY_ACTION_READ, VIEWER | AUDITOR | APPROVER | OPERATOR, 0},
    {CHY_SUBJECT_IDENTITIES, CHY_ACTION_CREATE, 0, 0},
    {CHY_SUBJECT_IDENTITIES, CHY_ACTION_EDIT, 0, 0},
    {CHY_SUBJECT_IDENTITIES, CHY_ACTION_DELETE, 0, 0},

    {CHY_SUBJECT_ROLES, CHY_ACTION_READ, VIEWER | AUDITOR | APPROVER | OPERATOR, 0},
    {CHY_SUBJECT_ROLES, CHY_ACTION_CREATE, 0, 0},
    {CHY_SUBJECT_ROLES, CHY_ACTION_EDIT, 0, 0},
    {CHY_SUBJECT_ROLES, CHY_ACTION_DELETE, 0, 0},

    {CHY_SUBJECT_AUDIT_LOGS, CHY_ACTION_READ, AUDITOR, 0},

    {CHY_SUBJECT_ALERTS, CHY_ACTION_READ, VIEWER | AUDITOR | OPERATOR, 0},
    {CHY_SUBJECT_ALERTS, CHY_ACTION_CREATE, OPERATOR, 0},
    {CHY_SUBJECT_ALERTS, CHY_ACTION_EDIT, OPERATOR, 0},
    {CHY_SUBJECT_ALERTS, CHY_ACTION_DELETE, OPERATOR, 0},
};

const char *chy_permission_action(const char *subject, size_t index)
{
    for (size_t i = 0; i < COUNT_OF(catalogue); i++) {
        if (strcmp(catalogue[i].subject, subject) == 0 && index-- == 0) {
            return catalogue[i].action;
        }
    }
    return NULL;
}

static uint32_t holder_of(enum chy_role role)
{
    switch (role) {
    case CHY_ROLE_VIEWER: return VIEWER;
    case CHY_ROLE_AUDITOR: return AUDITOR;
    case CHY_ROLE_ISSUER: return ISSUER;
    case CHY_ROLE_APPROVER: return APPROVER;
    case CHY_ROLE_OPERATOR: return OPERATOR;
    case CHY_ROLE_APPLICATION_AUDITOR: return APP_AUDITOR;
    case CHY_ROLE_APPLICATION_OPERATOR: return APP_OPERATOR;
    case CHY_ROLE_APPLICATION_ADMIN: return APP_ADMIN;
    case CHY_ROLE_NONE:
    case CHY_ROLE_NO_ACCESS:
    case CHY_ROLE_ADMIN:
    case CHY_ROLE_CUSTOM: return 0;
    }
    return 0;
}

static bool find_permission(const char *subject, const char *action, size_t *out_index)
{
    for (size_t i = 0; i < COUNT_OF(catalogue); i++) {
        if (strcmp(catalogue[i].subject, subject) == 0 &&
            strcmp(catalogue[i].action, action) == 0) {
            *out_index = i;
            return true;
        }
    }
    return false;
}

/* ------------------------------------------------------------------------------------------------
 * Asking
 */

static bool speaks_of(const json_t *permission, const char *subject, const char *action)
{
    return chy_slice_is(chy_json_member(permission, "subject"), subject) &&
           chy_json_has_text(json_object_get(permission, "action"), chy_text(action));
}

static enum chy_reach reach_of(const json_t *permission)
{
    return json_is_true(json_object_get(permission, "ownOnly")) ? CHY_REACH_OWN : CHY_REACH_ALL;
}

static enum chy_reach custom_reach(const json_t *permissions, const char *subject,
                                   const char *action, const struct chy_facts *facts)
{
    enum chy_reach reach = CHY_REACH_NONE;
    size_t index;
    const json_t *permission;
    json_array_foreach(permissions, index, permission)
    {
        if (reach_of(permission) > reach && speaks_of(permission, subject, action) &&
            chy_conditions_hold(json_object_get(permission, "conditions"), facts)) {
            reach = reach_of(permission);
        }
    }
    return reach;
}

enum chy_reach chy_role_reach(const struct chy_held_role *held, const char *subject,
                              const char *action, const struct chy_facts *facts)
{
    size_t index;
    if (!find_permission(subject, action, &index)) {
        return CHY_REACH_NONE;
    }
    if (held->role == CHY_ROLE_ADMIN) {
        return CHY_REACH_ALL;
    }
    if (held->role == CHY_ROLE_CUSTOM) {
        return custom_reach(held->permissions, subject, action, facts);
    }
    uint32_t holder = holder_of(held->role);
    return (catalogue[index].all & holder) != 0   ? CHY_REACH_ALL
           : (catalogue[index].own & holder) != 0 ? CHY_REACH_OWN
                                                  : CHY_REACH_NONE;
}

static bool custom_has(const json_t *permissions, const char *subject, const char *action)
{
    size_t index;
    const json_t *permission;
    json_array_foreach(permissions, index, permission)
    {
        if (speaks_of(permission, subject, action)) {
            return true;
        }
    }
    return false;
}

bool chy_role_has(const struct chy_held_role *held, const char *subject, const char *action)
{
    return held->role == CHY_ROLE_CUSTOM
               ? custom_has(held->permissions, subject, action)
               : chy_role_reach(held, subject, action, NULL) != CHY_REACH_NONE;
}

json_t *chy_role_conditions(const struct chy_held_role *held, const char *subject,
                            const char *action)
{
    json_t *list = json_array();
    size_t index;
    const json_t *permission;
    if (list == NULL || held->role != CHY_ROLE_CUSTOM) {
        return list;
    }
    json_array_foreach(held->permissions, index, permission)
    {
        json_t *conditions = json_object_get(permission, "conditions");
        if (speaks_of(permission, subject, action) && !chy_conditions_are_none(conditions) &&
            json_array_append(list, conditions) != 0) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

/* ------------------------------------------------------------------------------------------------
 * Handing out
 */

/** needed: what is one's own is not another's, so who acts for somebody needs it for all. */
static enum chy_reach needed(enum chy_reach reach, enum chy_role_use use)
{
    return use == CHY_ROLE_ACT_FOR && reach == CHY_REACH_OWN ? CHY_REACH_ALL : reach;
}

/** has_same: has the role one of these permissions as far, and under the same conditions? */
static bool has_same(const struct chy_held_role *held, const char *subject, const char *action,
                     const json_t *wanted, enum chy_role_use use)
{
    size_t index;
    const json_t *permission;
    const json_t *conditions = json_object_get(wanted, "conditions");
    const enum chy_reach reach = needed(reach_of(wanted), use);
    if (chy_role_reach(held, subject, action, NULL) >= reach) {
        return true;
    }
    if (held->role != CHY_ROLE_CUSTOM) {
        return false;
    }
    json_array_foreach(held->permissions, index, permission)
    {
        if (speaks_of(permission, subject, action) && reach_of(permission) >= reach &&
            json_equal(json_object_get(permission, "conditions"), conditions)) {
            return true;
        }
    }
    return false;
}

static bool covers_custom(const struct chy_held_role *role, const json_t *permissions,
                          enum chy_role_use use)
{
    size_t index;
    const json_t *permission;
    json_array_foreach(permissions, index, permission)
    {
        size_t number;
        const json_t *action;
        const char *subject = json_string_value(json_object_get(permission, "subject"));
        json_array_foreach(json_object_get(permission, "action"), number, action)
        {
            if (!has_same(role, subject, json_string_value(action), permission, use)) {
                return false;
            }
        }
    }
    return true;
}

bool chy_role_covers(const struct chy_held_role *role, const struct chy_held_role *other,
                     enum chy_role_use use)
{
    if (other->role == CHY_ROLE_CUSTOM) {
        return covers_custom(role, other->permissions, use);
    }
    for (size_t i = 0; i < COUNT_OF(catalogue); i++) {
        const char *subject = catalogue[i].subject;
        const char *action = catalogue[i].action;
        if (chy_role_reach(role, subject, action, NULL) <
            needed(chy_role_reach(other, subject, action, NULL), use)) {
            return false;
        }
    }
    return true;
}

bool chy_role_covers_slug(const struct chy_held_role *role, const json_t *permissions,
                          struct chy_slice before, struct chy_slice after)
{
    size_t index;
    const json_t *permission;
    json_array_foreach(permissions, index, permission)
    {
        size_t number;
        const json_t *action;
        const char *subject = json_string_value(json_object_get(permission, "subject"));
        const json_t *conditions = json_object_get(permission, "conditions");
        bool widens = chy_conditions_want_slug(conditions, after) &&
                      !chy_conditions_want_slug(conditions, before);
        json_array_foreach(json_object_get(permission, "action"), number, action)
        {
            if (widens && chy_role_reach(role, subject, json_string_value(action), NULL) <
                              reach_of(permission)) {
                return false;
            }
        }
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------
 * Checking
 */

static bool refuse(struct chy_op *op, size_t index, const char *member, const char *text)
{
    char path[PATH_MAX_LEN];
    (void)snprintf(path, sizeof path, "/permissions/%zu%s%s", index, *member == '\0' ? "" : "/",
                   member);
    chy_shape_issue(op, "custom", path, "%s", text);
    return false;
}

/** takes_conditions: of what there are names, a profile and metadata to speak of. */
static bool takes_conditions(const char *subject, const char *action)
{
    return (strcmp(subject, CHY_SUBJECT_CERTIFICATES) == 0 &&
            strcmp(action, CHY_ACTION_CREATE) != 0) ||
           strcmp(subject, CHY_SUBJECT_REQUESTS) == 0;
}

/** takes_metadata: metadata is whatever the asker writes, so it never grants issuing. */
static bool takes_metadata(const char *action)
{
    return strcmp(action, CHY_ACTION_ISSUE) != 0 && strcmp(action, CHY_ACTION_RENEW) != 0 &&
           strcmp(action, CHY_ACTION_EDIT) != 0;
}

static bool check_action(struct chy_op *op, size_t index, const json_t *permission,
                         const char *action)
{
    const char *subject = json_string_value(json_object_get(permission, "subject"));
    const json_t *conditions = json_object_get(permission, "conditions");
    bool own = json_is_true(json_object_get(permission, "ownOnly"));
    size_t known;
    if (!find_permission(subject, action, &known)) {
        return refuse(op, index, "action", "there is no such permission of this subject");
    }
    if ((own || !chy_conditions_are_none(conditions)) && !takes_conditions(subject, action)) {
        return refuse(op, index, "conditions",
                      "only permissions of certificates and certificate-requests that exist, or "
                      "are asked for, can have conditions");
    }
    if (json_object_get(conditions, "metadata") != NULL && !takes_metadata(action)) {
        return refuse(op, index, "conditions/metadata",
                      "metadata is what the caller writes: it grants neither issuing nor renewing "
                      "nor changing");
    }
    if (own && strcmp(action, CHY_ACTION_ISSUE) == 0) {
        return refuse(op, index, "ownOnly", "whatever is issued is the caller's own");
    }
    return true;
}

/** as_list makes a list of a single action. */
static bool as_list(json_t *permission)
{
    json_t *action = json_object_get(permission, "action");
    if (json_is_array(action)) {
        return true;
    }
    json_t *list = json_array();
    return list != NULL && json_array_append(list, action) == 0
               ? json_object_set_new(permission, "action", list) == 0
               : (json_decref(list), false);
}

static bool check_one(struct chy_op *op, size_t index, json_t *permission)
{
    char path[PATH_MAX_LEN];
    size_t number;
    const json_t *action;
    const json_t *conditions = json_object_get(permission, "conditions");
    bool fine = true;
    if (json_is_true(json_object_get(permission, "inverted"))) {
        return refuse(op, index, "inverted",
                      "there are no permissions that forbid: leave out what shall not be allowed");
    }
    json_array_foreach(json_object_get(permission, "action"), number, action)
    {
        fine = check_action(op, index, permission, json_string_value(action)) && fine;
    }
    (void)snprintf(path, sizeof path, "/permissions/%zu/conditions", index);
    return chy_conditions_check(op, conditions, path) && fine;
}

chy_status chy_permissions_check(struct chy_op *op, json_t *permissions)
{
    bool fine = true;
    size_t index;
    json_t *permission;
    json_array_foreach(permissions, index, permission)
    {
        if (!as_list(permission)) {
            return chy_fail_memory(op);
        }
        fine = check_one(op, index, permission) && fine;
    }
    return fine ? CHY_OK : chy_shape_refuse(op);
}
