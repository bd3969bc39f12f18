/** What stands behind an access token: shared by the files of access that handle tokens. */
#ifndef CHY_ACCESS_TOKEN_STATE_H
#define CHY_ACCESS_TOKEN_STATE_H

#include "access/token.h"

#include <stdatomic.h>

#define CHY_TOKEN_HASH_LEN 32

/** A token as the cache has it.  Immutable but for its end, which renewing moves. */
struct chy_access_token {
    struct chy_principal principal; /**< first member, whose first member is the cached object */
    uint8_t hash[CHY_TOKEN_HASH_LEN];
    _Atomic int64_t expires_at; /**< µs UTC; INT64_MAX: never */
    int64_t uses_limit;         /**< 0: none */
    struct chy_view networks;   /**< of struct chy_network; empty: any address */
};

/** chy_access_token_hash makes the key under which a token is kept.  DENIED with
 *  CHY_REASON_UNAUTHENTICATED: the text is no token. */
CHY_MUST_USE chy_status chy_access_token_hash(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice text, struct chy_slice *out_hash);

/** chy_access_token_find finds a token that may be used now and from `peer`; its uses are not
 *  counted.  It fails as chy_access_authenticate() does. */
CHY_MUST_USE chy_status chy_access_token_find(struct chy_runtime *runtime, struct chy_op *op,
                                              struct chy_slice text, struct chy_slice peer,
                                              struct chy_access_token **out_token);

/** chy_access_token_refuse is what is said of a token that is not there, or not any more. */
CHY_MUST_USE chy_status chy_access_token_refuse(struct chy_op *op);

/** chy_access_act_as lets the operation act for the identity `id`, which has just proved itself,
 *  without any permission: for the audit row of the log-in. */
CHY_MUST_USE chy_status chy_access_act_as(struct chy_op *op, enum chy_principal_kind kind,
                                          const struct chy_uuid *id);

/** CHY_ACCESS_TOKEN_OUTLINE is what it looks like. */
#define CHY_ACCESS_TOKEN_OUTLINE                                        \
    "{'accessToken': 'text', 'expiresIn': 'int', 'accessTokenMaxTTL': " \
    "'int', 'tokenType': '=Bearer'}"
/** chy_access_token_answer is the secret answer of a log-in and of renewing.  In seconds; 0: no
 *  end. */
CHY_MUST_USE chy_status chy_access_token_answer(struct chy_call *call, struct chy_slice token,
                                                int64_t expires_in, int64_t max_ttl);

#endif
