#include "access/identity.h"

#include "resource/collections.h"
#include "test_main.h"
#include "world.h"

static struct world world;

/** try_call makes a call with a token and gives the status; `out_reason` may be NULL. */
static chy_status try_call(const char *token, const char *kind, const char *action, const char *id,
                           const char *document, uint32_t *out_reason)
{
    struct chy_op *op = world_as(&world, token);
    chy_status status = test_call(world.test, op, kind, action, id, document, NULL);
    if (out_reason != NULL) {
        *out_reason = status == CHY_OK ? 0 : test_reason(op);
    }
    test_runtime_op_end(op);
    return status;
}

START_TEST(the_instance_makes_identities)
{
    json_t *answer;
    world_open(&world);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(test_call(world.test, op, "identities", "create", NULL,
                               "{\"name\":\"  deployer \",\"organizationId\":\"x\"}", &answer),
                     CHY_OK);
    struct json_t *identity = json_object_get(answer, "identity");
    ck_assert_str_eq(test_text(identity, "name"), "deployer");
    ck_assert_str_eq(test_text(identity, "role"), "no-access");
    ck_assert_str_eq(test_text(identity, "type"), "machine");
    const char *id = test_text(identity, "id");
    ck_assert_int_eq(test_call(world.test, op, "identities", "update", id,
                               "{\"name\":\"other\",\"role\":\"auditor\"}", &answer),
                     CHY_OK);
    ck_assert_str_eq(test_text(answer, "identity.name"), "other");
    ck_assert_str_eq(test_text(answer, "identity.role"), "auditor");
    ck_assert_int_eq(test_call(world.test, op, "identities", "list", NULL, NULL, &answer), CHY_OK);
    ck_assert_int_eq(test_number(answer, "totalCount"), 1);
    ck_assert_int_eq(test_call(world.test, op, "identities", "delete", id, NULL, &answer), CHY_OK);
    ck_assert_int_eq(test_call(world.test, op, "identities", "get", id, NULL, &answer),
                     CHY_NOT_FOUND);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

static const struct invalid_case {
    const char *action;
    const char *document;
    const char *path;
} invalid_cases[] = {
    {"create", "{}", "/name"},
    {"create", "{\"name\":\" \"}", "/name"},
    {"create", "{\"name\":\"a\",\"role\":\"owner\"}", "/role"},
    {"create-in-project", "{\"projectId\":\"7\",\"name\":\"a\"}", "/projectId"},
    {"create-in-project", "{\"name\":\"a\",\"role\":3}", "/role"},
};

START_TEST(an_ill_formed_identity_is_refused)
{
    const struct invalid_case *c = &invalid_cases[_i];
    world_open(&world);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(test_call(world.test, op, "identities", c->action, NULL, c->document, NULL),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_VALIDATION);
    ck_assert(test_has_issue(op, c->path));
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

/* Who may do what to an identity of the first project. */
static const struct rights_case {
    const char *role;
    bool in_project; /**< else the caller belongs to another one */
    const char *kind;
    const char *action;
    const char *document; /**< %s: the first project */
    chy_status status;
} rights_cases[] = {
    {"admin", true, "identities", "get", "{}", CHY_OK},
    {"auditor", true, "identities", "get", "{}", CHY_OK},
    {"issuer", true, "identities", "get", "{}", CHY_NOT_FOUND},
    {"no-access", true, "identities", "get", "{}", CHY_NOT_FOUND},
    {"admin", false, "identities", "get", "{}", CHY_NOT_FOUND},
    {"admin", true, "identities", "update", "{\"name\":\"new\"}", CHY_OK},
    {"auditor", true, "identities", "update", "{\"name\":\"new\"}", CHY_DENIED},
    {"admin", false, "identities", "update", "{\"name\":\"new\"}", CHY_NOT_FOUND},
    {"admin", true, "identities", "update", "{\"role\":\"admin\"}", CHY_DENIED},
    {"admin", true, "identities", "update", "{\"role\":\"auditor\"}", CHY_DENIED},
    {"admin", true, "identities", "update", "{\"role\":\"no-access\"}", CHY_OK},
    {"admin", true, "identities", "delete", "{}", CHY_OK},
    {"auditor", true, "identities", "delete", "{}", CHY_DENIED},
    {"admin", false, "identities", "delete", "{}", CHY_NOT_FOUND},
    {"admin", true, "universal-auth", "create", "{}", CHY_OK},
    {"auditor", true, "universal-auth", "create", "{}", CHY_DENIED},
    {"issuer", true, "universal-auth", "create", "{}", CHY_NOT_FOUND},
    {"admin", false, "universal-auth", "create", "{}", CHY_NOT_FOUND},
    {"admin", true, "identity-memberships", "update", "{\"projectId\":\"%s\",\"role\":\"admin\"}",
     CHY_OK},
    {"auditor", true, "identity-memberships", "update", "{\"projectId\":\"%s\",\"role\":\"admin\"}",
     CHY_DENIED},
    {"issuer", true, "identity-memberships", "update", "{\"projectId\":\"%s\",\"role\":\"issuer\"}",
     CHY_DENIED},
    {"admin", false, "identity-memberships", "update", "{\"projectId\":\"%s\",\"role\":\"admin\"}",
     CHY_NOT_FOUND},
    {"auditor", true, "identity-memberships", "get", "{\"projectId\":\"%s\"}", CHY_OK},
    {"issuer", true, "identity-memberships", "get", "{\"projectId\":\"%s\"}", CHY_DENIED},
    {"admin", false, "identity-memberships", "get", "{\"projectId\":\"%s\"}", CHY_NOT_FOUND},
    {"admin", true, "identity-memberships", "delete", "{\"projectId\":\"%s\"}", CHY_OK},
    {"auditor", true, "identity-memberships", "delete", "{\"projectId\":\"%s\"}", CHY_DENIED},
};

START_TEST(rights_over_an_identity_come_from_its_projects)
{
    const struct rights_case *c = &rights_cases[_i];
    char document[256];
    uint32_t reason;
    world_open(&world);
    struct word other = world_project(&world, "other");
    struct word target = world_identity(&world, world.project.text, "no-access");
    struct word token =
        world_token(&world, c->in_project ? world.project.text : other.text, c->role);
    const char *hole = strstr(c->document, "%s");
    (void)snprintf(document, sizeof document, "%.*s%s%s",
                   hole == NULL ? (int)strlen(c->document) : (int)(hole - c->document), c->document,
                   hole == NULL ? "" : world.project.text, hole == NULL ? "" : hole + 2);
    chy_status status = try_call(token.text, c->kind, c->action, target.text, document, &reason);
    ck_assert_msg(status == c->status, "%s %s %s as %s: %d", c->kind, c->action, document, c->role,
                  status);
    ck_assert_uint_eq(reason, status == CHY_DENIED ? CHY_REASON_PERMISSION : 0);
    world_close(&world);
}
END_TEST

START_TEST(only_the_instance_makes_identities_of_the_instance)
{
    uint32_t reason;
    world_open(&world);
    struct word token = world_token(&world, world.project.text, "admin");
    ck_assert_int_eq(
        try_call(token.text, "identities", "create", NULL, "{\"name\":\"a\"}", &reason),
        CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_PERMISSION);
    ck_assert_int_eq(try_call(token.text, "identities", "list", NULL, NULL, &reason), CHY_DENIED);
    ck_assert_int_eq(try_call(token.text, "identities", "create-in-project", NULL,
                              text_of("{\"name\":\"a\",\"projectId\":\"%s\",\"role\":\"admin\"}",
                                      world.project.text),
                              NULL),
                     CHY_OK);
    world_close(&world);
}
END_TEST

START_TEST(an_identity_of_two_projects_is_changed_by_neither_alone)
{
    uint32_t reason;
    world_open(&world);
    struct word other = world_project(&world, "other");
    struct word target = world_identity(&world, world.project.text, "issuer");
    struct word client_id = world_auth(&world, target.text, NULL);
    struct word token = world_token(&world, world.project.text, "admin");
    ck_assert_int_eq(try_call(token.text, "client-secrets", "create", target.text, NULL, NULL),
                     CHY_OK);
    ck_assert_int_eq(world_call(&world, "identity-memberships", "create", target.text,
                                text_of("{\"projectId\":\"%s\",\"role\":\"admin\"}", other.text)),
                     CHY_OK);
    ck_assert_int_eq(try_call(token.text, "client-secrets", "create", target.text, NULL, &reason),
                     CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_PERMISSION);
    ck_assert_int_eq(try_call(token.text, "identities", "get", target.text, NULL, NULL), CHY_OK);
    ck_assert_int_ne(client_id.text[0], '\0');
    world_close(&world);
}
END_TEST

START_TEST(an_identity_with_a_role_in_the_instance_is_the_instances)
{
    uint32_t reason;
    world_open(&world);
    struct word target = world_identity(&world, world.project.text, "issuer");
    ck_assert_int_eq(
        world_call(&world, "identities", "update", target.text, "{\"role\":\"admin\"}"), CHY_OK);
    struct word token = world_token(&world, world.project.text, "admin");
    ck_assert_int_eq(try_call(token.text, "universal-auth", "create", target.text, NULL, &reason),
                     CHY_DENIED);
    ck_assert_int_eq(try_call(token.text, "identities", "delete", target.text, NULL, &reason),
                     CHY_DENIED);
    world_close(&world);
}
END_TEST

START_TEST(a_changed_role_holds_at_once)
{
    world_open(&world);
    struct word target = world_identity(&world, world.project.text, "issuer");
    struct word client_id = world_auth(&world, target.text, NULL);
    struct word secret = world_secret(&world, target.text, NULL, NULL);
    struct word token;
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    const char *document = text_of("{\"projectId\":\"%s\"}", world.project.text);
    ck_assert_int_eq(try_call(token.text, "identity-memberships", "list", NULL, document, NULL),
                     CHY_DENIED);
    ck_assert_int_eq(
        world_call(&world, "identity-memberships", "update", target.text,
                   text_of("{\"projectId\":\"%s\",\"role\":\"auditor\"}", world.project.text)),
        CHY_OK);
    ck_assert_int_eq(try_call(token.text, "identity-memberships", "list", NULL, document, NULL),
                     CHY_OK);
    ck_assert_int_eq(world_call(&world, "identity-memberships", "delete", target.text, document),
                     CHY_OK);
    ck_assert_int_eq(try_call(token.text, "identity-memberships", "list", NULL, document, NULL),
                     CHY_NOT_FOUND);
    world_close(&world);
}
END_TEST

START_TEST(memberships_are_listed_with_their_identities)
{
    json_t *answer;
    world_open(&world);
    struct word other = world_project(&world, "other");
    struct word target = world_identity(&world, world.project.text, "auditor");
    (void)world_identity(&world, other.text, "issuer");
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(test_call(world.test, op, "identity-memberships", "list", NULL,
                               text_of("{\"projectId\":\"%s\"}", world.project.text), &answer),
                     CHY_OK);
    ck_assert_int_eq(test_number(answer, "totalCount"), 1);
    const json_t *first = json_array_get(json_object_get(answer, "identityMemberships"), 0);
    ck_assert_str_eq(test_text(first, "identityId"), target.text);
    ck_assert_str_eq(test_text(first, "projectId"), world.project.text);
    ck_assert_str_eq(test_text(first, "role"), "auditor");
    ck_assert_str_eq(test_text(first, "identity.name"), "machine");
    ck_assert_int_eq(
        test_call(world.test, op, "identity-memberships", "create", target.text,
                  text_of("{\"projectId\":\"%s\",\"role\":\"issuer\"}", world.project.text), NULL),
        CHY_BAD_INPUT);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(a_project_admin_adds_only_identities_that_it_sees)
{
    world_open(&world);
    struct word other = world_project(&world, "other");
    struct word stranger = world_identity(&world, other.text, "issuer");
    struct word token = world_token(&world, world.project.text, "admin");
    ck_assert_int_eq(
        try_call(token.text, "identity-memberships", "create", stranger.text,
                 text_of("{\"projectId\":\"%s\",\"role\":\"issuer\"}", world.project.text), NULL),
        CHY_NOT_FOUND);
    world_close(&world);
}
END_TEST

START_TEST(deleting_an_identity_ends_all_that_it_has)
{
    uint32_t reason;
    struct word token;
    world_open(&world);
    struct word target = world_identity(&world, world.project.text, "issuer");
    struct word client_id = world_auth(&world, target.text, NULL);
    struct word secret = world_secret(&world, target.text, NULL, NULL);
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    ck_assert_int_eq(world_call(&world, "identities", "delete", target.text, NULL), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_TOKEN);
    ck_assert_uint_eq(test_count(world.test, CHY_C_MEMBERSHIPS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_UNIVERSAL_AUTH, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_CLIENT_SECRETS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 0);
    struct word again;
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &again), CHY_DENIED);
    world_close(&world);
}
END_TEST

START_TEST(an_administrator_cannot_leave_nobody_behind)
{
    uint32_t reason;
    struct chy_slice token;
    char id[CHY_UUID_TEXT_SIZE];
    world_open(&world);
    struct chy_op *op = test_runtime_op(world.test);
    chy_access_as_system(op);
    ck_assert_int_eq(chy_access_administrator(world.runtime, op, chy_text("t"), 0, &token), CHY_OK);
    struct chy_op *as_admin = world_as(&world, (const char *)token.ptr);
    chy_uuid_format(&chy_principal_of(as_admin)->id, id);
    test_runtime_op_end(as_admin);
    ck_assert_int_eq(try_call((const char *)token.ptr, "identities", "delete", id, NULL, &reason),
                     CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_BOUNDARY);
    ck_assert_int_eq(try_call((const char *)token.ptr, "identities", "update", id,
                              "{\"role\":\"issuer\"}", &reason),
                     CHY_DENIED);
    ck_assert_int_eq(try_call((const char *)token.ptr, "identities", "update", id,
                              "{\"name\":\"root\",\"role\":\"admin\"}", &reason),
                     CHY_OK);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(nobody_is_somebody_without_a_token)
{
    world_open(&world);
    struct word target = world_identity(&world, world.project.text, "issuer");
    static const char *const kinds[] = {"identities", "universal-auth", "client-secrets"};
    static const char *const actions[] = {"get", "get", "list"};
    for (int i = 0; i < 3; i++) {
        struct chy_op *op = test_runtime_op(world.test);
        ck_assert_int_eq(test_call(world.test, op, kinds[i], actions[i], target.text, NULL, NULL),
                         CHY_DENIED);
        ck_assert_uint_eq(test_reason(op), CHY_REASON_UNAUTHENTICATED);
        test_runtime_op_end(op);
    }
    world_close(&world);
}
END_TEST

START_TEST(changes_and_refusals_are_audited)
{
    world_open(&world);
    struct word token = world_token(&world, world.project.text, "issuer");
    ck_assert_uint_eq(
        test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "identity.create"), 1);
    ck_assert_uint_eq(
        test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "universal-auth.create"), 1);
    ck_assert_uint_eq(
        test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "client-secret.create"), 1);
    ck_assert_int_eq(try_call(token.text, "identities", "list", NULL, NULL, NULL), CHY_DENIED);
    ck_assert_uint_eq(test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_OUTCOME, "denied"), 1);
    world_close(&world);
}
END_TEST

TEST_MAIN("access identity", TEST(the_instance_makes_identities),
          TEST_EACH(an_ill_formed_identity_is_refused, invalid_cases),
          TEST_EACH(rights_over_an_identity_come_from_its_projects, rights_cases),
          TEST(only_the_instance_makes_identities_of_the_instance),
          TEST(an_identity_of_two_projects_is_changed_by_neither_alone),
          TEST(an_identity_with_a_role_in_the_instance_is_the_instances),
          TEST(a_changed_role_holds_at_once), TEST(memberships_are_listed_with_their_identities),
          TEST(a_project_admin_adds_only_identities_that_it_sees),
          TEST(deleting_an_identity_ends_all_that_it_has),
          TEST(an_administrator_cannot_leave_nobody_behind),
          TEST(nobody_is_somebody_without_a_token), TEST(changes_and_refusals_are_audited))
