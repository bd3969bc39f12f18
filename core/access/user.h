/**
 * People: identities that log in with a username and a password.
 *
 * A username is kept in lower case and unique in the instance.  What is true of identities is true
 * of people (access/identity.h): who may change one, and their memberships.
 */
#ifndef CHY_ACCESS_USER_H
#define CHY_ACCESS_USER_H

#include "resource/kind.h"

/**
 * "users": the ordinary actions; "set-password" with {"password"}, for who may change the person;
 * "login" with {"username", "password"} to what universal auth answers, a secret answer; and
 * "change-password" with {"username", "password", "newPassword"}.  The last two need no principal.
 *   DENIED, CHY_REASON_UNAUTHENTICATED  wrong username or password, disabled, locked out (401)
 * A wrong one is refused in the same words, and after the same work, whichever half is wrong; and
 * a username that nobody has is locked like any other.  A changed password, and disabling, end all
 * of the person's tokens.
 */
extern const struct chy_kind chy_kind_user;

#endif
