/**
 * Universal auth: how a machine identity logs in, with a client id and a client secret.
 *
 * Seconds and limits of 0 mean: none.  A token whose accessTokenPeriod is set lives for the period
 * and may be renewed for ever; else it lives for accessTokenTTL and no longer than
 * accessTokenMaxTTL.
 */
#ifndef CHY_ACCESS_UNIVERSAL_AUTH_H
#define CHY_ACCESS_UNIVERSAL_AUTH_H

#include "resource/kind.h"

/**
 * "universal-auth": "create" (attach), "get", "update", "delete", each with the identity's id; and
 * "login", which needs no principal: {"clientId", "clientSecret"} to {"accessToken", "expiresIn",
 * "accessTokenMaxTTL", "tokenType"}, a secret answer.
 *   DENIED, CHY_REASON_UNAUTHENTICATED  wrong id or secret, an ended secret, locked out (401)
 *   DENIED, CHY_REASON_BOUNDARY         not from this address (403)
 */
extern const struct chy_kind chy_kind_universal_auth;

/**
 * "client-secrets": "create" and "list" with the identity's id; "get" and "revoke" with the
 * secret's id and a document that names the identityId.  The answer to "create" is secret.
 */
extern const struct chy_kind chy_kind_client_secret;

#endif
