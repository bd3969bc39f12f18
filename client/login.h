/** Logging in.  Another way to log in is another row of `ways` in login.c. */
#ifndef CLIENT_LOGIN_H
#define CLIENT_LOGIN_H

#include "client/session.h"

/** client_log_in_again replaces the session's token, by its client id and the file with the secret,
 *  and keeps it in the context. */
CHY_MUST_USE chy_status client_log_in_again(struct chy_cli *cli, struct client_session *session);

#endif
