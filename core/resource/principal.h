/**
 * Who acts, and what they may do.
 *
 * access finds out who a caller is and puts a principal on the operation; here stand the built-in
 * roles and the one question that every service asks before it does something.  The route's check
 * is only the first gate.
 */
#ifndef CHY_RESOURCE_PRINCIPAL_H
#define CHY_RESOURCE_PRINCIPAL_H

#include "base/uuid.h"
#include "resource/cache.h"

#include <chancery/host.h>

enum chy_role {
    CHY_ROLE_NONE = 0,  /**< not a member: nothing here exists for them */
    CHY_ROLE_NO_ACCESS, /**< "no-access": a member who may do nothing */
    CHY_ROLE_AUDITOR,   /**< "auditor": sees everything but private keys */
    CHY_ROLE_ISSUER, /**< "issuer": issues; reads keys of, renews and revokes what it asked for */
    CHY_ROLE_ADMIN,  /**< "admin" */
    /** In one application, besides the role in its project: */
    CHY_ROLE_APPLICATION_AUDITOR,  /**< "auditor": sees everything but private keys */
    CHY_ROLE_APPLICATION_OPERATOR, /**< "operator": issues; renews, revokes; keys of what it asked
                                      for */
    CHY_ROLE_APPLICATION_ADMIN     /**< "admin": all of it, and its members */
};

/** chy_role_name returns the wire word; chy_role_find finds it, CHY_ROLE_NONE: unknown. */
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

#define CHY_ACTION_READ "read"
#define CHY_ACTION_CREATE "create"
#define CHY_ACTION_EDIT "edit"
#define CHY_ACTION_DELETE "delete"
#define CHY_ACTION_ISSUE "issue"
#define CHY_ACTION_READ_PRIVATE_KEY "read-private-key"
#define CHY_ACTION_SIGN_INTERMEDIATE "sign-intermediate"
#define CHY_ACTION_RENEW "renew"
#define CHY_ACTION_REVOKE "revoke"

enum chy_principal_kind {
    CHY_PRINCIPAL_MACHINE = 1,
    CHY_PRINCIPAL_USER = 2,
    CHY_PRINCIPAL_SYSTEM = 3 /**< a job, or a command line on this machine */
};

struct chy_membership {
    struct chy_uuid project_id;
    enum chy_role role;
};

struct chy_application_membership {
    struct chy_uuid application_id;
    struct chy_uuid project_id;
    enum chy_role role; /**< CHY_ROLE_APPLICATION_… */
};

/** Immutable.  Shared between operations through the cache. */
struct chy_principal {
    struct chy_cached cached; /**< first member */
    enum chy_principal_kind kind;
    struct chy_uuid id;
    enum chy_role role; /**< in the whole instance: an admin is admin of each project */
    struct chy_membership *memberships;
    uint32_t membership_count;
    struct chy_application_membership *applications;
    uint32_t application_count;
};

/** chy_principal_of returns who the operation acts for, or NULL. */
const struct chy_principal *chy_principal_of(struct chy_op *op);

/** chy_principal_role returns the role in a project. */
enum chy_role chy_principal_role(const struct chy_principal *principal,
                                 const struct chy_uuid *project_id);

/** How far a permission of a role reaches. */
enum chy_reach {
    CHY_REACH_NONE = 0,
    CHY_REACH_OWN, /**< to what the principal asked for itself */
    CHY_REACH_ALL
};

enum chy_reach chy_role_reach(enum chy_role role, const char *subject, const char *action);

/** chy_role_allows tells whether a role has a permission without limit (CHY_REACH_ALL). */
CHY_MUST_USE bool chy_role_allows(enum chy_role role, const char *subject, const char *action);

/** chy_may tells whether the operation's principal has a permission in a project. */
CHY_MUST_USE bool chy_may(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
                          const char *action);

/**
 * chy_require is chy_may as a status.  NOT_FOUND: the project does not exist for the principal (the
 * message speaks of `what`).  DENIED, CHY_REASON_PERMISSION: it does, but the permission is
 * missing; message and details name it.  `project_id` NULL asks for the role in the whole instance.
 */
CHY_MUST_USE chy_status chy_require(struct chy_op *op, const struct chy_uuid *project_id,
                                    const char *subject, const char *action, const char *what);

/** Where a thing is, and whose: what a role in an application, and the reach of a permission, go
 *  by. */
struct chy_place {
    struct chy_uuid project_id;
    struct chy_uuid application_id; /**< nil: of none */
    struct chy_uuid owner_id;       /**< who asked for it; nil: nobody known */
};

/** chy_principal_may_at tells whether a principal, NULL: nobody, has a permission for one thing. */
CHY_MUST_USE bool chy_principal_may_at(const struct chy_principal *principal,
                                       const struct chy_place *place, const char *subject,
                                       const char *action);

/** chy_may_at is chy_may for one thing. */
CHY_MUST_USE bool chy_may_at(struct chy_op *op, const struct chy_place *place, const char *subject,
                             const char *action);

/** chy_require_at is chy_require for one thing. */
CHY_MUST_USE chy_status chy_require_at(struct chy_op *op, const struct chy_place *place,
                                       const char *subject, const char *action, const char *what);

/** chy_application_allows tells whether a membership gives a permission in `project_id`, in its
 *  application. */
CHY_MUST_USE bool chy_application_allows(const struct chy_application_membership *membership,
                                         const struct chy_uuid *project_id, const char *subject,
                                         const char *action);

/** chy_not_found is the one way to say that `what` with an id is not there, or not the caller's. */
CHY_MUST_USE chy_status chy_not_found(struct chy_op *op, const char *what);

#endif
