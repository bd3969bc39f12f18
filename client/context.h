/**
 * Contexts: what `chancery login` keeps, a file for each in XDG_CONFIG_HOME/chancery/contexts,
 * which only its owner may read.
 */
#ifndef CLIENT_CONTEXT_H
#define CLIENT_CONTEXT_H

#include "client/session.h"

#define CLIENT_CONTEXT_DEFAULT "default"

/** client_context_path is where a context's file is.  Names are words of letters, digits, '.', '_'
 *  and '-'. */
CHY_MUST_USE chy_status client_context_path(struct chy_cli *cli, const char *name,
                                            const char **out_path);

/** client_context_read reads one.  A file that others may read is refused. */
CHY_MUST_USE chy_status client_context_read(struct chy_cli *cli, const char *name,
                                            struct client_session *out_session);

/** client_context_write makes or replaces the context that the session names. */
CHY_MUST_USE chy_status client_context_write(struct chy_cli *cli,
                                             const struct client_session *session);

/** client_context_remove takes it away.  It need not be there. */
CHY_MUST_USE chy_status client_context_remove(struct chy_cli *cli, const char *name);

#endif
