/** Asking for certificates. */
#ifndef CLIENT_ISSUE_H
#define CLIENT_ISSUE_H

#include "client/files.h"
#include "client/http.h"

/** client_finish writes and prints the outcome of a command that gives a certificate. */
CHY_MUST_USE chy_status client_finish(struct chy_cli *cli, const struct chy_given *given,
                                      struct client_session *session,
                                      const struct client_answer *answer,
                                      const struct client_files *files, const char *wait);

/** client_patience_check reads --wait before anything is asked of a server. */
CHY_MUST_USE chy_status client_patience_check(struct chy_cli *cli, const char *text,
                                              int64_t *out_patience);

/** CLIENT_CSR_MAX is the longest CSR that a server takes. */
#define CLIENT_CSR_MAX ((size_t)64 << 10)

#endif
