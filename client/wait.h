/** Waiting for a certificate that is not there at once. */
#ifndef CLIENT_WAIT_H
#define CLIENT_WAIT_H

#include "client/files.h"
#include "client/session.h"

/** CLIENT_REQUESTS is where certificate requests are. */
#define CLIENT_REQUESTS "/api/v1/cert-manager/certificates/certificate-requests/"

/** The states of a request, as far as who waits must tell them apart. */
enum client_state {
    CLIENT_STATE_ISSUED,
    CLIENT_STATE_WAITING,
    CLIENT_STATE_APPROVAL, /**< somebody has to approve it first */
    CLIENT_STATE_OVER,     /**< failed: it never comes; another request may */
    CLIENT_STATE_REJECTED  /**< somebody said no, and would say it again */
};

/** client_state_word tells what the server's word for a status means. */
enum client_state client_state_word(const char *status);

/** client_fail_pending fails with CLIENT_EXIT_PENDING and says how to come back. */
chy_status client_fail_pending(struct chy_cli *cli, const char *request_id,
                               enum client_state state);

/** client_request_look asks once what became of a request.  The last two are a failure, with the
 *  server's reason. */
CHY_MUST_USE chy_status client_request_look(struct chy_cli *cli, struct client_session *session,
                                            const char *request_id, enum client_state *out_state,
                                            struct client_bundle *out_bundle);

/** client_wait looks until the certificate is there, for at most `patience` µs.  Then it fails as
 *  client_fail_pending(). */
CHY_MUST_USE chy_status client_wait(struct chy_cli *cli, struct client_session *session,
                                    const char *request_id, int64_t patience,
                                    struct client_bundle *out_bundle);

#endif
