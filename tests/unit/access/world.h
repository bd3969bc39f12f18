/** A small world for the tests of access: a runtime with its kinds, and short ways to fill it. */
#ifndef ACCESS_WORLD_H
#define ACCESS_WORLD_H

#include "access/token.h"
#include "test_runtime.h"

/** An id or a credential as text. */
struct word {
    char text[128];
};

struct world {
    struct test_runtime *test;
    struct chy_runtime *runtime;
    struct word project;
};

/** world_open makes a runtime and one project in it. */
void world_open(struct world *world);
void world_close(struct world *world);

/** world_project makes one more project. */
struct word world_project(struct world *world, const char *name);
/** world_identity makes a machine with a role in `project`. */
struct word world_identity(struct world *world, const char *project, const char *role);
/** world_auth attaches universal auth with `settings`, JSON or NULL, and gives the client id. */
struct word world_auth(struct world *world, const char *identity, const char *settings);
/** world_secret makes a client secret; `out_id` may be NULL. */
struct word world_secret(struct world *world, const char *identity, const char *settings,
                         struct word *out_id);
/** world_login logs in from `peer` (NULL: TEST_RUNTIME_PEER); the token is empty when it fails. */
chy_status world_login(struct world *world, const char *client_id, const char *secret,
                       const char *peer, struct word *out_token);
/** world_token makes a machine with a role and logs it in. */
struct word world_token(struct world *world, const char *project, const char *role);
/** world_use authenticates and tells the status and the reason; 0 reason on CHY_OK. */
chy_status world_use(struct world *world, const char *token, const char *peer,
                     uint32_t *out_reason);
/** world_as makes an operation that acts for a token. */
struct chy_op *world_as(struct world *world, const char *token);
/** world_call makes a call as the administrator, without looking at the answer. */
chy_status world_call(struct world *world, const char *kind, const char *action, const char *id,
                      const char *document);

/** text_of formats into a buffer that the next calls but 7 leave alone. */
const char *text_of(const char *format, ...) CHY_PRINTF(1, 2);

#endif
