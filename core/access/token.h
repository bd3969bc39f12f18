/**
 * Access tokens: opaque, random, kept as a MAC.
 *
 * A token acts for an identity until it ends: by time, by use, by revoking it, its client secret
 * or its identity.  An ending made on any node is seen by every other within a second
 * (resource/cache.h). A time to live or a limit of 0 means: none.
 */
#ifndef CHY_ACCESS_TOKEN_H
#define CHY_ACCESS_TOKEN_H

#include "resource/kind.h"

/**
 * chy_access_authenticate lets the operation act for whom `token` stands: the credentials of an
 * 'Authorization: Bearer' header without that word.  `peer` is the caller's address as text.
 *   DENIED, CHY_REASON_UNAUTHENTICATED  no token, or a word that is none of ours (401)
 *   DENIED, CHY_REASON_TOKEN            unknown, expired, revoked or used up (403)
 *   DENIED, CHY_REASON_BOUNDARY         not from this address (403)
 * The operation's principal is set on OK only.
 */
CHY_MUST_USE chy_status chy_access_authenticate(struct chy_runtime *runtime, struct chy_op *op,
                                                struct chy_slice token, struct chy_slice peer);

/** chy_access_as_system lets the operation act as this instance itself, with every permission: for
 *  jobs, and for the command line on this machine. */
void chy_access_as_system(struct chy_op *op);

/** What a new token may do, and for how long. */
struct chy_token_grant {
    const struct chy_uuid *identity_id;
    const struct chy_uuid *secret_id; /**< the client secret that it came from, or NULL */
    struct chy_slice name;            /**< of an administrator's token, or empty */
    int64_t ttl;                      /**< µs; 0: as long as max_ttl */
    int64_t max_ttl;                  /**< µs, which renewing does not pass; 0: no end */
    int64_t uses_limit;               /**< 0: none */
    struct chy_slice trusted_ips;     /**< JSON (CHY_NETWORKS_SHAPE); empty: any address */
};

/** chy_access_issue_token puts a new token into `batch`; it works once that is committed.
 *  `out_token` is its text, in the secret arena: the only time that it is to be had. */
CHY_MUST_USE chy_status chy_access_issue_token(struct chy_runtime *runtime, struct chy_batch *batch,
                                               const struct chy_token_grant *grant,
                                               struct chy_slice *out_token);

/** chy_access_administrator makes a token for the administrator: the user "admin", role admin of
 *  the
 *   whole instance, who is made first if there is none.  `name` is shown to people who look for old
 *   tokens; `ttl` 0: it never expires. */
CHY_MUST_USE chy_status chy_access_administrator(struct chy_runtime *runtime, struct chy_op *op,
                                                 struct chy_slice name, int64_t ttl,
                                                 struct chy_slice *out_token);

/** "access-tokens": "renew" and "revoke" with {"accessToken"}, for whoever holds the token. */
extern const struct chy_kind chy_kind_access_token;

/** chy_access_clean deletes what has ended: tokens, lock-outs, old counters of denials.  For a job;
 *  what one call leaves, because there is too much of it, the next takes. */
CHY_MUST_USE chy_status chy_access_clean(struct chy_runtime *runtime, struct chy_op *op);

#endif
