/**
 * Permissions: subject × action × conditions.  A role is a list of them.
 *
 * The built-in roles stand in permission.c as a table; a project's own roles are stored as JSON
 * (access/role.h) and evaluated as it is, because they are few and short.  Nothing is allowed
 * that no permission allows: there are no rules that forbid.
 */
#ifndef CHY_RESOURCE_PERMISSION_H
#define CHY_RESOURCE_PERMISSION_H

#include "base/uuid.h"

#include <chancery/host.h>

#include <jansson.h>

enum chy_role {
    CHY_ROLE_NONE = 0,  /**< not a member: nothing here exists for them */
    CHY_ROLE_NO_ACCESS, /**< "no-access": a member who may do nothing */
    CHY_ROLE_VIEWER,    /**< "viewer": sees everything but private keys and the audit */
    CHY_ROLE_AUDITOR,   /**< "auditor": sees everything but private keys */
    CHY_ROLE_ISSUER,   /**< "issuer": issues; reads keys of, renews and revokes what it asked for */
    CHY_ROLE_APPROVER, /**< "approver": a viewer who may approve */
    CHY_ROLE_OPERATOR, /**< "operator": runs certificates, profiles, policies and applications */
    CHY_ROLE_ADMIN,    /**< "admin" */
    CHY_ROLE_CUSTOM,   /**< one of the project's own; it has no name here */
    /** In one application, besides the role in its project: */
    CHY_ROLE_APPLICATION_AUDITOR,  /**< "auditor": sees everything but private keys */
    CHY_ROLE_APPLICATION_OPERATOR, /**< "operator": issues; renews, revokes; keys of what it asked
                                      for */
    CHY_ROLE_APPLICATION_ADMIN     /**< "admin": all of it, and its members */
};

/** chy_role_name returns the wire word; chy_role_find finds it, CHY_ROLE_NONE: not built in. */
const char *chy_role_name(enum chy_role role);
enum chy_role chy_role_find(struct chy_slice name);
/** chy_application_role_find finds the role in an application of a wire word. */
enum chy_role chy_application_role_find(struct chy_slice name);

/** What is acted on, as permissions name it. */
#define CHY_SUBJECT_PROJECTS "projects"
#define CHY_SUBJECT_AUTHORITIES "certificate-authorities"
#define CHY_SUBJECT_POLICIES "certificate-policies"
#define CHY_SUBJECT_PROFILES "certificate-profiles"
#define CHY_SUBJECT_CERTIFICATES "certificates"
#define CHY_SUBJECT_REQUESTS "certificate-requests"
#define CHY_SUBJECT_IDENTITIES "identities"
#define CHY_SUBJECT_AUDIT_LOGS "audit-logs"
#define CHY_SUBJECT_APPLICATIONS "applications"
#define CHY_SUBJECT_ROLES "roles"
#define CHY_SUBJECT_APPROVALS "approval-policies"
#define CHY_SUBJECT_ALERTS "pki-alerts"

#define CHY_ACTION_READ "read"
#define CHY_ACTION_CREATE "create"
#define CHY_ACTION_EDIT "edit"
#define CHY_ACTION_DELETE "delete"
#define CHY_ACTION_ISSUE "issue"
#define CHY_ACTION_READ_PRIVATE_KEY "read-private-key"
#define CHY_ACTION_SIGN_INTERMEDIATE "sign-intermediate"
#define CHY_ACTION_RENEW "renew"
#define CHY_ACTION_REVOKE "revoke"
#define CHY_ACTION_APPROVE "approve"
#define CHY_ACTION_BYPASS "bypass"

/** chy_permission_action lists the actions there are on a subject: the one with the number `index`,
 *  from 0, or NULL behind the last. */
const char *chy_permission_action(const char *subject, size_t index);

/** A role that somebody holds. */
struct chy_held_role {
    enum chy_role role;
    const json_t *permissions; /**< of CHY_ROLE_CUSTOM: what chy_permissions_check() left */
};

/** How far a permission reaches. */
enum chy_reach {
    CHY_REACH_NONE = 0,
    CHY_REACH_OWN, /**< to what the principal asked for itself */
    CHY_REACH_ALL
};

/** What conditions are held against: what is known of a certificate, or is going to be. */
struct chy_facts {
    struct chy_slice profile_slug; /**< empty: of no profile */
    struct chy_slice common_name;  /**< empty: there is none */
    struct chy_view names;         /**< of struct chy_slice: common and alternative names */
    struct chy_view metadata;      /**< of struct chy_pair */
};

/** chy_role_reach: how far the role has the permission.  Permissions with conditions count where
 *  `facts` fulfil them; with NULL they do not count at all. */
enum chy_reach chy_role_reach(const struct chy_held_role *held, const char *subject,
                              const char *action, const struct chy_facts *facts);

/** chy_role_has tells whether the role has the permission at all, be it for some things only. */
CHY_MUST_USE bool chy_role_has(const struct chy_held_role *held, const char *subject,
                               const char *action);

/** chy_role_conditions gives the conditions under which a role has a permission: a JSON array to be
 *  let go with json_decref(); empty: none; NULL: out of memory. */
json_t *chy_role_conditions(const struct chy_held_role *held, const char *subject,
                            const char *action);

/** What one role is held against another for. */
enum chy_role_use {
    CHY_ROLE_HAND_OUT, /**< what is for one's own is for the own of who gets it */
    CHY_ROLE_ACT_FOR   /**< it is for what somebody else asked for */
};

/** chy_role_covers tells whether whoever holds `role` may hand out `other`, or act for one who has
 *  it: there is nothing in `other` that is not, under the same conditions, in `role`. */
CHY_MUST_USE bool chy_role_covers(const struct chy_held_role *role,
                                  const struct chy_held_role *other, enum chy_role_use use);

/** chy_role_covers_slug tells whether whoever holds `role` may give a profile another slug: what
 *  some of `permissions` then reach, and did not before, `role` has without conditions. */
CHY_MUST_USE bool chy_role_covers_slug(const struct chy_held_role *role, const json_t *permissions,
                                       struct chy_slice before, struct chy_slice after);

/** CHY_PERMISSIONS_SHAPE is the JSON Schema of a role's permissions, as far as one can say it. */
#define CHY_PERMISSIONS_SHAPE                                                                     \
    "{\"type\":\"array\",\"maxItems\":100,\"items\":{\"type\":\"object\",\"required\":["          \
    "\"subject\",\"action\"],\"properties\":{\"subject\":{\"type\":\"string\",\"maxLength\":64"   \
    "},\"action\":{\"type\":[\"string\",\"array\"],\"minItems\":1,\"maxItems\":20,\"maxLength\":" \
    "64,\"items\":{\"type\":\"string\",\"maxLength\":64}},\"ownOnly\":{\"type\":\"boolean\"},"    \
    "\"inverted\":{\"type\":\"boolean\"},\"conditions\":{\"type\":[\"object\",\"null\"]}}}}"

/**
 * chy_permissions_check holds the permissions of a role, which have the shape above, to what there
 * is: subjects, actions, conditions.  It leaves each action as a list.  BAD_INPUT with
 * CHY_REASON_VALIDATION and an issue for each thing that is wrong, below /permissions.
 */
CHY_MUST_USE chy_status chy_permissions_check(struct chy_op *op, json_t *permissions);

#endif
