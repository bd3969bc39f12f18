/** Identities in applications: roles beside that in the project, for what is the application's. */
#ifndef CHY_ACCESS_APPLICATION_MEMBER_H
#define CHY_ACCESS_APPLICATION_MEMBER_H

#include "resource/kind.h"

/**
 * "application-members": "create", "update", "delete" with the application's id and a document
 * with identityId (and role), "list" with the application's id.  People are identities too, and
 * there are no groups: "list-others" is empty, "refuse-user" and "refuse-group" say so.
 */
extern const struct chy_kind chy_kind_application_member;

#endif
