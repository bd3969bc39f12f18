/**
 * Who acts, and what they may do.
 *
 * access finds out who a caller is and puts a principal on the operation; here stands the one
 * question that every service asks before it does something.  The route's check is only the first
 * gate.
 */
#ifndef CHY_RESOURCE_PRINCIPAL_H
#define CHY_RESOURCE_PRINCIPAL_H

#include "base/uuid.h"
#include "resource/cache.h"
#include "resource/permission.h"

#include <chancery/host.h>

enum chy_principal_kind {
    CHY_PRINCIPAL_MACHINE = 1,
    CHY_PRINCIPAL_USER = 2,
    CHY_PRINCIPAL_SYSTEM = 3 /**< a job, or a command line on this machine */
};

struct chy_membership {
    struct chy_uuid project_id;
    struct chy_held_role held;
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
    enum chy_role role; /**< in the whole instance, built in: an admin is admin of each project */
    struct chy_membership *memberships;
    uint32_t membership_count;
    struct chy_application_membership *applications;
    uint32_t application_count;
};

/** chy_principal_of returns who the operation acts for, or NULL. */
const struct chy_principal *chy_principal_of(struct chy_op *op);

/** chy_principal_role returns the role in a project. */
struct chy_held_role chy_principal_role(const struct chy_principal *principal,
                                        const struct chy_uuid *project_id);

/** chy_principal_is_member tells whether the project exists for the principal. */
CHY_MUST_USE bool chy_principal_is_member(const struct chy_principal *principal,
                                          const struct chy_uuid *project_id);

/** chy_principal_allows tells whether the role in the whole instance has a permission. */
CHY_MUST_USE bool chy_principal_allows(const struct chy_principal *principal, const char *subject,
                                       const char *action);

/** chy_may_anywhere tells whether the operation's principal has a permission at all, in the
 *  instance or in any project, be it for some things only. */
CHY_MUST_USE bool chy_may_anywhere(struct chy_op *op, const char *subject, const char *action);

/** chy_may tells whether the operation's principal has a permission in a project, for all of it. */
CHY_MUST_USE bool chy_may(struct chy_op *op, const struct chy_uuid *project_id, const char *subject,
                          const char *action);

/** chy_may_some tells whether it has a permission for something there, by a role in the project or
 *  in one of its applications: for what, says chy_may_at(). */
CHY_MUST_USE bool chy_may_some(struct chy_op *op, const struct chy_uuid *project_id,
                               const char *subject, const char *action);

/** Where a thing is, whose, and what is known of it: what a role in an application, and the reach
 *  of a permission, go by. */
struct chy_place {
    struct chy_uuid project_id;
    struct chy_uuid application_id; /**< nil: of none */
    struct chy_uuid owner_id;       /**< who asked for it; nil: nobody known */
    const struct chy_facts *facts;  /**< for conditions; NULL: none hold */
};

/** chy_may_at tells whether it has a permission for one thing. */
CHY_MUST_USE bool chy_may_at(struct chy_op *op, const struct chy_place *place, const char *subject,
                             const char *action);

/** chy_principal_may_at is that of a principal that does not ask itself; NULL: nobody. */
CHY_MUST_USE bool chy_principal_may_at(const struct chy_principal *principal,
                                       const struct chy_place *place, const char *subject,
                                       const char *action);

/** chy_application_allows tells whether a membership gives a permission in `project_id`, in its
 *  application. */
CHY_MUST_USE bool chy_application_allows(const struct chy_application_membership *membership,
                                         const struct chy_uuid *project_id, const char *subject,
                                         const char *action);

/**
 * chy_require is chy_may as a status.  NOT_FOUND: the project does not exist for the principal (the
 * message speaks of `what`).  DENIED, CHY_REASON_PERMISSION: it does, but the permission is
 * missing; message and details name it.  `project_id` NULL asks for the role in the whole instance.
 */
CHY_MUST_USE chy_status chy_require(struct chy_op *op, const struct chy_uuid *project_id,
                                    const char *subject, const char *action, const char *what);

/** chy_require_some is chy_may_some as a status. */
CHY_MUST_USE chy_status chy_require_some(struct chy_op *op, const struct chy_uuid *project_id,
                                         const char *subject, const char *action, const char *what);

/** chy_require_at is chy_may_at as a status. */
CHY_MUST_USE chy_status chy_require_at(struct chy_op *op, const struct chy_place *place,
                                       const char *subject, const char *action, const char *what);

/** chy_covers tells whether the principal has at `place` whatever `granted` gives, by a role in the
 *  project or in the application. */
CHY_MUST_USE bool chy_covers(struct chy_op *op, const struct chy_place *place,
                             const struct chy_held_role *granted, enum chy_role_use use);

/** chy_require_covers asks that the principal has at `place` whatever `granted` gives: nobody hands
 *  out what they lack.  DENIED else. */
CHY_MUST_USE chy_status chy_require_covers(struct chy_op *op, const struct chy_place *place,
                                           const struct chy_held_role *granted);

/** chy_not_found is the one way to say that `what` with an id is not there, or not the caller's. */
CHY_MUST_USE chy_status chy_not_found(struct chy_op *op, const char *what);
/** chy_or_not_found passes on how a read went, and says so of a row that is not there. */
CHY_MUST_USE chy_status chy_or_not_found(struct chy_op *op, chy_status status, const char *what);

#endif
