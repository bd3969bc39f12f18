/**
 * A project's own roles: lists of permissions, some of them under conditions
 * (resource/permission.h).
 *
 * A membership holds a role by its id, so that a role made later under the same slug gives nothing
 * to those who held the one before.  Nobody makes, changes or hands out a role that has more than
 * their own.
 */
#ifndef CHY_ACCESS_ROLE_H
#define CHY_ACCESS_ROLE_H

#include "resource/kind.h"

/** "roles": the ordinary actions, and "by-slug". */
extern const struct chy_kind chy_kind_role;

/** A role as a membership holds it. */
struct chy_role_choice {
    struct chy_held_role held;
    struct chy_uuid id; /**< nil: built in */
};

/** chy_role_choose finds the role that a document's member "role" names in the call's project:
 *  built in, or one of the project's own.  BAD_INPUT, CHY_REASON_VALIDATION: there is none. */
CHY_MUST_USE chy_status chy_role_choose(struct chy_call *call, struct chy_slice slug,
                                        struct chy_role_choice *out_choice);

/** chy_role_require_covers asks that the caller has in the call's project all that a role gives. */
CHY_MUST_USE chy_status chy_role_require_covers(struct chy_call *call,
                                                const struct chy_held_role *held);

/** chy_role_of_membership gives the role that a row of memberships holds: its text and id.  One
 *  that was deleted gives nothing. */
CHY_MUST_USE chy_status chy_role_of_membership(struct chy_runtime *runtime, struct chy_op *op,
                                               struct chy_slice role, const struct chy_uuid *id,
                                               struct chy_held_role *out_held);

#endif
