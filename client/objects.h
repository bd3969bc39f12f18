/** The managed objects that people name by a word: profiles, policies, CAs. */
#ifndef CLIENT_OBJECTS_H
#define CLIENT_OBJECTS_H

#include "client/session.h"

/** client_profile_id finds a profile's id by its slug; an id is taken as it is. */
CHY_MUST_USE chy_status client_profile_id(struct chy_cli *cli, struct client_session *session,
                                          const char *text, const char **out_id);

/** client_issue_under says in the body of a request under which profile it asks and, unless it is
 *  NULL, under which application: by id, or by slug and name.  Who has a role in the application
 *  alone finds both. */
CHY_MUST_USE chy_status client_issue_under(struct chy_cli *cli, struct client_session *session,
                                           const char *application, const char *profile,
                                           json_t *body);

/** client_authority_id does the same for a CA's name. */
CHY_MUST_USE chy_status client_authority_id(struct chy_cli *cli, struct client_session *session,
                                            const char *text, const char **out_id);

#endif
