/** A session: which server is spoken to, and as whom. */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include "client/cli.h"

/** What is known of a server.  Text belongs to an operation that outlives the session. */
struct client_session {
    const char *context;            /**< its name; NULL: from the environment, kept nowhere */
    const char *url;                /**< without a slash at its end */
    const char *token;              /**< NULL: not logged in */
    const char *ca_file;            /**< NULL: those of the system */
    const char *project;            /**< id or slug; NULL: not said */
    const char *username;           /**< of the person who logged in; NULL: nobody did */
    const char *client_id;          /**< with the next, for logging in again; NULL: cannot */
    const char *client_secret_file; /**< its path */
    bool insecure_http;             /**< plain HTTP to other machines too */
};

/** The arguments that every command has first, in this order. */
#define CLIENT_ARGUMENTS                                                                          \
    {"context", "NAME", "which log-in; CHANCERY_CONTEXT or 'default' if not given", NULL, false}, \
        {"project", "ID|SLUG", "the project; that of the log-in if not given", NULL, false},      \
    {                                                                                             \
        "json", NULL, "print the server's answer as it is", NULL, false                           \
    }
enum {
    CLIENT_CONTEXT = 0,
    CLIENT_PROJECT = 1,
    CLIENT_JSON = 2,
    CLIENT_COUNT = 3
};

/** client_session_of finds the session that a command line means. */
CHY_MUST_USE chy_status client_session_of(struct chy_cli *cli, const struct chy_given *given,
                                          struct client_session *out_session);

/** client_session_open reads a context by name, NULL for the usual one, or the environment's
 *  CHANCERY_URL and CHANCERY_TOKEN. */
CHY_MUST_USE chy_status client_session_open(struct chy_cli *cli, const char *context,
                                            struct client_session *out_session);

/** client_project_id finds the id of the session's project; without one, the only project. */
CHY_MUST_USE chy_status client_project_id(struct chy_cli *cli, struct client_session *session,
                                          const char **out_id);

#endif
