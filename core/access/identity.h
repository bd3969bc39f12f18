/**
 * Identities: the machines and people that act, and their roles in projects.
 *
 * Who may change an identity, or give it a way to log in, could act as it.  So that takes the
 * permission in every project that the identity is a member of, all that its roles there and in
 * applications give, and the administrator of the whole instance when it has a role there.  Whoever
 * may read identities in one of its projects may read it.
 */
#ifndef CHY_ACCESS_IDENTITY_H
#define CHY_ACCESS_IDENTITY_H

#include "resource/kind.h"

/**
 * "identities": the ordinary actions, and "create-in-project", whose document names the projectId,
 * and the role there (default no-access).
 */
extern const struct chy_kind chy_kind_identity;

/**
 * "identity-memberships": "create", "get", "update" and "delete" with the identity's id and a
 * document with projectId (and role); "list" with projectId.
 */
extern const struct chy_kind chy_kind_identity_membership;

/** chy_identity_require asks whether the caller may do `action` (CHY_ACTION_READ or _EDIT …) to the
 *  identity `id`, and reads its row whole.  NOT_FOUND: it may not even see it. */
CHY_MUST_USE chy_status chy_identity_require(struct chy_call *call, const struct chy_uuid *id,
                                             const char *action, struct chy_storage_row *out_row);

/**
 * chy_identity_require_acting is that for giving the identity a secret, by which the caller can act
 * as it: whatever the identity may do with what it asked for itself the caller must be allowed to
 * do with all of it, and where an approval policy lists the identity, the caller must be listed.
 * It is granted to the identity itself, and to the administrator of the whole instance.
 */
CHY_MUST_USE chy_status chy_identity_require_acting(struct chy_call *call,
                                                    const struct chy_uuid *id,
                                                    struct chy_storage_row *out_row);

/**
 * chy_identity_may_at tells whether the identity `id` has a permission for a thing, without that it
 * asks now.  One that is not there, or disabled, has none.
 */
CHY_MUST_USE chy_status chy_identity_may_at(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_uuid *id,
                                            const struct chy_place *place, const char *subject,
                                            const char *action, bool *out_may);

/** chy_identity_memberships reads all of an identity's memberships: a view of struct
 *  chy_membership. */
CHY_MUST_USE chy_status chy_identity_memberships(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_uuid *id,
                                                 struct chy_view *out_memberships);

/** chy_identity_act_as lets the operation act for an identity that does not ask now, with the
 *  rights that it has today.  NOT_FOUND: it is not there; DENIED: it is disabled. */
CHY_MUST_USE chy_status chy_identity_act_as(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_uuid *id);

/** CHY_IDENTITY_APPLICATIONS_MAX bounds in how many applications an identity has a role. */
#define CHY_IDENTITY_APPLICATIONS_MAX 100U

/** chy_identity_applications reads its roles in applications: a view of struct
 *  chy_application_membership. */
CHY_MUST_USE chy_status chy_identity_applications(struct chy_runtime *runtime, struct chy_op *op,
                                                  const struct chy_uuid *id,
                                                  struct chy_view *out_applications);

/** chy_identity_covers_applications tells whether the caller has what each of its roles in
 *  applications gives, there, for `use`.  `project_id` not NULL: in those of that project alone. */
CHY_MUST_USE chy_status chy_identity_covers_applications(struct chy_call *call,
                                                         const struct chy_uuid *id,
                                                         const struct chy_uuid *project_id,
                                                         enum chy_role_use use, bool *out_covers);

#endif
