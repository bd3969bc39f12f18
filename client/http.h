/**
 * Requests to a server: bounded in time and size, TLS checked, no redirects followed.
 */
#ifndef CLIENT_HTTP_H
#define CLIENT_HTTP_H

#include "client/session.h"

/** What a server answered.  Everything lives as long as the operation. */
struct client_answer {
    long status;
    struct chy_slice body; /**< in the secret arena, as it may hold a key; NUL-terminated */
    json_t *json;          /**< NULL: it is no JSON */
};

/** client_url_check refuses what is no address of a server, and plain HTTP to other machines unless
 *  `insecure_http`.  `out_url` has no slash at its end. */
CHY_MUST_USE chy_status client_url_check(struct chy_cli *cli, const char *url, bool insecure_http,
                                         const char **out_url);

/** client_path puts `id` between two parts of a path, escaped. */
const char *client_path(struct chy_cli *cli, const char *before, const char *id, const char *after);

/**
 * client_call asks the session's server.  `body` is sent as JSON, NULL is no body.  Success is a
 * 200 with JSON (or, with client_fetch, with whatever).  A token that has ended is replaced by
 * logging in again, if the session knows how.  A refusal stands in `cli->refusal`.
 */
CHY_MUST_USE chy_status client_call(struct chy_cli *cli, struct client_session *session,
                                    const char *method, const char *path, const json_t *body,
                                    struct client_answer *out_answer);
CHY_MUST_USE chy_status client_fetch(struct chy_cli *cli, struct client_session *session,
                                     const char *method, const char *path, const json_t *body,
                                     struct client_answer *out_answer);

/** client_http_send is one exchange, whatever it brings. */
CHY_MUST_USE chy_status client_http_send(struct chy_cli *cli, const struct client_session *session,
                                         const char *method, const char *path, const json_t *body,
                                         struct client_answer *out_answer);

#endif
