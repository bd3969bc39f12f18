/**
 * Passwords of people, and what is kept of them.
 *
 * Kept is a PHC string: "$argon2id$v=19$m=65536,t=3,p=4$salt$hash" (RFC 9106).  What is hashed is
 * not the password but its MAC, together with the identity's id, under a key that is not in the
 * database (resource/keyring.h): who has only the database can neither try passwords, nor put the
 * hash of one person into the row of another.
 */
#ifndef CHY_ACCESS_PASSWORD_H
#define CHY_ACCESS_PASSWORD_H

#include "resource/runtime.h"

#include <stdbool.h>

#define CHY_PASSWORD_LENGTH_MIN 12U /**< characters */
#define CHY_PASSWORD_BYTES_MAX 1024U

/** CHY_PASSWORD_SHAPE is the JSON Schema of a new one. */
#define CHY_PASSWORD_SHAPE                                      \
    "{\"type\":\"string\",\"minLength\":12,\"maxLength\":1024," \
    "\"examples\":[\"correct horse battery staple\"]}"

/** chy_password_check holds a new password to what its shape cannot say.  BAD_INPUT with
 *  CHY_REASON_VALIDATION: longer than CHY_PASSWORD_BYTES_MAX, or `username`, in any case, which may
 *  be empty.  `path` names the member. */
CHY_MUST_USE chy_status chy_password_check(struct chy_op *op, struct chy_slice password,
                                           struct chy_slice username, const char *path);

/**
 * chy_password_hash makes the PHC string of the password of the identity `id`.
 *   UNSUPPORTED              no crypto provider here has Argon2id
 *   TRY_LATER                too many wait for it
 */
CHY_MUST_USE chy_status chy_password_hash(struct chy_runtime *runtime, struct chy_op *op,
                                          const struct chy_uuid *id, struct chy_slice password,
                                          struct chy_slice *out_phc);

/** What chy_password_verify() finds. */
struct chy_password_verdict {
    bool is_right;
    bool is_outdated; /**< right, and its hash costs something else than new ones do */
};

/** chy_password_verify compares a password with what is kept.  An empty `phc` is nobody's: that
 *  costs as much, and is wrong.  It fails as chy_password_hash() does. */
CHY_MUST_USE chy_status chy_password_verify(struct chy_runtime *runtime, struct chy_op *op,
                                            const struct chy_uuid *id, struct chy_slice phc,
                                            struct chy_slice password,
                                            struct chy_password_verdict *out_verdict);

#endif
