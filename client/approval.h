/** Requests that others have to approve. */
#ifndef CLIENT_APPROVAL_H
#define CLIENT_APPROVAL_H

#include "client/session.h"

extern const struct chy_command client_command_approve;
extern const struct chy_command client_command_reject;

/** client_approval_show prints what is to be approved, by whom, and the votes, of the request that
 *  the command line names. */
CHY_MUST_USE chy_status client_approval_show(struct chy_cli *cli, const struct chy_given *given,
                                             struct client_session *session);

#endif
