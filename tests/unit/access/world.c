#include "world.h"

#include "access/identity.h"
#include "access/universal_auth.h"
#include "access/user.h"
#include "base/op.h"
#include "resource/project.h"

#include <check.h>
#include <stdarg.h>

static const struct chy_kind *const kinds[] = {
    &chy_kind_project,        &chy_kind_identity,      &chy_kind_identity_membership,
    &chy_kind_universal_auth, &chy_kind_client_secret, &chy_kind_access_token,
    &chy_kind_user,
};

const char *text_of(const char *format, ...)
{
    static char texts[8][1024];
    static unsigned next;
    char *text = texts[next++ % 8];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof texts[0], format, arguments);
    va_end(arguments);
    ck_assert_int_lt(len, (int)sizeof texts[0]);
    return text;
}

static struct word word_of(const char *text)
{
    struct word word;
    ck_assert_uint_lt(strlen(text), sizeof word.text);
    (void)snprintf(word.text, sizeof word.text, "%s", text);
    return word;
}

/** made makes something as the administrator and gives one member of the answer. */
static struct word made(struct world *world, const char *kind, const char *action, const char *id,
                        const char *document, const char *member)
{
    json_t *answer;
    struct chy_op *op = test_runtime_op_as(world->test, test_runtime_admin());
    ck_assert_msg(test_call(world->test, op, kind, action, id, document, &answer) == CHY_OK,
                  "%s %s: %s", kind, action, test_message(op));
    struct word word = word_of(test_text(answer, member));
    test_runtime_op_end(op);
    return word;
}

void world_open(struct world *world)
{
    world->test = test_runtime_new(kinds, sizeof kinds / sizeof kinds[0]);
    world->runtime = test_runtime_of(world->test);
    world->project = world_project(world, "first");
}

void world_close(struct world *world)
{
    test_runtime_free(world->test);
}

struct word world_project(struct world *world, const char *name)
{
    return made(world, "projects", "create", NULL, text_of("{\"projectName\":\"%s\"}", name),
                "project.id");
}

struct word world_identity(struct world *world, const char *project, const char *role)
{
    return made(
        world, "identities", "create-in-project", NULL,
        text_of("{\"name\":\"machine\",\"role\":\"%s\",\"projectId\":\"%s\"}", role, project),
        "identity.id");
}

struct word world_auth(struct world *world, const char *identity, const char *settings)
{
    return made(world, "universal-auth", "create", identity, settings,
                "identityUniversalAuth.clientId");
}

struct word world_secret(struct world *world, const char *identity, const char *settings,
                         struct word *out_id)
{
    json_t *answer;
    struct chy_op *op = test_runtime_op_as(world->test, test_runtime_admin());
    ck_assert_int_eq(
        test_call(world->test, op, "client-secrets", "create", identity, settings, &answer),
        CHY_OK);
    struct word secret = word_of(test_text(answer, "clientSecret"));
    if (out_id != NULL) {
        *out_id = word_of(test_text(answer, "clientSecretData.id"));
    }
    test_runtime_op_end(op);
    return secret;
}

chy_status world_login(struct world *world, const char *client_id, const char *secret,
                       const char *peer, struct word *out_token)
{
    json_t *answer;
    struct chy_op *op = test_runtime_op(world->test);
    if (peer != NULL) {
        chy_operation_of(op)->peer = chy_text(peer);
    }
    chy_status status = test_call(
        world->test, op, "universal-auth", "login", NULL,
        text_of("{\"clientId\":\"%s\",\"clientSecret\":\"%s\"}", client_id, secret), &answer);
    *out_token = word_of(status == CHY_OK ? test_text(answer, "accessToken") : "");
    test_runtime_op_end(op);
    return status;
}

struct word world_token(struct world *world, const char *project, const char *role)
{
    struct word identity = world_identity(world, project, role);
    struct word client_id = world_auth(world, identity.text, NULL);
    struct word secret = world_secret(world, identity.text, NULL, NULL);
    struct word token;
    ck_assert_int_eq(world_login(world, client_id.text, secret.text, NULL, &token), CHY_OK);
    return token;
}

chy_status world_use(struct world *world, const char *token, const char *peer, uint32_t *out_reason)
{
    struct chy_op *op = test_runtime_op(world->test);
    chy_status status = chy_access_authenticate(world->runtime, op, chy_text(token),
                                                chy_text(peer == NULL ? TEST_RUNTIME_PEER : peer));
    ck_assert_int_eq(chy_principal_of(op) != NULL, status == CHY_OK);
    *out_reason = status == CHY_OK ? 0 : test_reason(op);
    test_runtime_op_end(op);
    return status;
}

struct chy_op *world_as(struct world *world, const char *token)
{
    struct chy_op *op = test_runtime_op(world->test);
    ck_assert_int_eq(
        chy_access_authenticate(world->runtime, op, chy_text(token), chy_text(TEST_RUNTIME_PEER)),
        CHY_OK);
    return op;
}

chy_status world_call(struct world *world, const char *kind, const char *action, const char *id,
                      const char *document)
{
    struct chy_op *op = test_runtime_op_as(world->test, test_runtime_admin());
    chy_status status = test_call(world->test, op, kind, action, id, document, NULL);
    test_runtime_op_end(op);
    return status;
}
