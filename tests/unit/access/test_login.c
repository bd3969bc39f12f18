#include "access/universal_auth.h"

#include "base/op.h"
#include "base/time.h"
#include "resource/collections.h"
#include "test_main.h"
#include "world.h"

static struct world world;
static struct word identity;
static struct word client_id;
static struct word secret;
static struct word secret_id;

/** open_machine makes a world with one machine that can log in. */
static void open_machine(const char *auth_settings, const char *secret_settings)
{
    world_open(&world);
    identity = world_identity(&world, world.project.text, "issuer");
    client_id = world_auth(&world, identity.text, auth_settings);
    secret = world_secret(&world, identity.text, secret_settings, &secret_id);
}

static void move_clock(int64_t seconds)
{
    chy_clock_manual_advance(test_runtime_clock(world.test), seconds * CHY_US_PER_SECOND);
}

/** log_in tries and gives the reason of a refusal, 0 when it worked. */
static uint32_t log_in(const char *with_client_id, const char *with_secret, const char *peer)
{
    struct chy_op *op = test_runtime_op(world.test);
    if (peer != NULL) {
        chy_operation_of(op)->peer = chy_text(peer);
    }
    chy_status status = test_call(
        world.test, op, "universal-auth", "login", NULL,
        text_of("{\"clientId\":\"%s\",\"clientSecret\":\"%s\"}", with_client_id, with_secret),
        NULL);
    ck_assert_msg(status == CHY_OK || status == CHY_DENIED, "%d: %s", status, test_message(op));
    uint32_t reason = status == CHY_OK ? 0 : test_reason(op);
    test_runtime_op_end(op);
    return reason;
}

#define WRONG CHY_REASON_UNAUTHENTICATED
#define OTHER "chys_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZClWt"

START_TEST(a_log_in_answers_as_the_contract_says)
{
    json_t *answer;
    open_machine("{\"accessTokenTTL\":1800,\"accessTokenMaxTTL\":7200}", NULL);
    struct chy_op *op = test_runtime_op(world.test);
    struct chy_resource_call call = {
        .struct_size = sizeof call,
        .kind = chy_text("universal-auth"),
        .action = chy_text("login"),
        .document = chy_text(text_of("{\"clientId\":\" %s \",\"clientSecret\":\"\\t%s\\n\","
                                     "\"organizationSlug\":\"any\"}",
                                     client_id.text, secret.text)),
    };
    struct chy_resource_answer raw = {.struct_size = sizeof raw};
    ck_assert_int_eq(chy_kinds_call(world.runtime, op, &call, &raw), CHY_OK);
    ck_assert_uint_eq(raw.flags, CHY_RESOURCE_SECRET);
    ck_assert_int_eq(chy_json_parse(op, raw.document, &answer), CHY_OK);
    ck_assert_uint_eq(json_object_size(answer), 4);
    ck_assert_int_eq(strncmp(test_text(answer, "accessToken"), "chy_", 4), 0);
    ck_assert_int_eq(test_number(answer, "expiresIn"), 1800);
    ck_assert_int_eq(test_number(answer, "accessTokenMaxTTL"), 7200);
    ck_assert_str_eq(test_text(answer, "tokenType"), "Bearer");
    test_runtime_op_end(op);
    ck_assert_uint_eq(
        test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "universal-auth.login"), 1);
    ck_assert_uint_eq(test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTOR_KIND, "machine"),
                      1);
    world_close(&world);
}
END_TEST

static const struct incomplete_case {
    const char *document;
    const char *path;
} incomplete_cases[] = {
    {"{}", "/clientId"},
    {"{\"clientId\":\"a\"}", "/clientSecret"},
    {"{\"clientId\":7,\"clientSecret\":\"b\"}", "/clientId"},
    {"{\"clientId\":\" \",\"clientSecret\":\"b\"}", "/clientId"},
};

START_TEST(an_incomplete_log_in_is_invalid)
{
    open_machine(NULL, NULL);
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(test_call(world.test, op, "universal-auth", "login", NULL,
                               incomplete_cases[_i].document, NULL),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_VALIDATION);
    ck_assert(test_has_issue(op, incomplete_cases[_i].path));
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(a_wrong_id_and_a_wrong_secret_sound_alike)
{
    const char *messages[2];
    open_machine(NULL, NULL);
    struct chy_op *ops[2] = {test_runtime_op(world.test), test_runtime_op(world.test)};
    const char *documents[2] = {
        text_of("{\"clientId\":\"%s\",\"clientSecret\":\"%s\"}", client_id.text, OTHER),
        text_of("{\"clientId\":\"%s\",\"clientSecret\":\"%s\"}", identity.text, secret.text),
    };
    for (int i = 0; i < 2; i++) {
        ck_assert_int_eq(
            test_call(world.test, ops[i], "universal-auth", "login", NULL, documents[i], NULL),
            CHY_DENIED);
        ck_assert_uint_eq(test_reason(ops[i]), WRONG);
        messages[i] = test_message(ops[i]);
    }
    ck_assert_str_eq(messages[0], messages[1]);
    test_runtime_op_end(ops[0]);
    test_runtime_op_end(ops[1]);
    world_close(&world);
}
END_TEST

START_TEST(a_secret_is_of_its_own_identity_only)
{
    open_machine(NULL, NULL);
    struct word other = world_identity(&world, world.project.text, "admin");
    struct word other_client = world_auth(&world, other.text, NULL);
    ck_assert_uint_eq(log_in(other_client.text, secret.text, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    world_close(&world);
}
END_TEST

/* --- lock-out ---------------------------------------------------------------------- */

START_TEST(three_failures_lock_for_five_minutes)
{
    open_machine(NULL, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    }
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    move_clock(299);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    move_clock(1);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_LOCKOUTS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_OUTCOME, "failed"), 3);
    world_close(&world);
}
END_TEST

START_TEST(a_success_forgets_the_failures)
{
    open_machine(NULL, NULL);
    for (int round = 0; round < 3; round++) {
        ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
        ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
        ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    }
    world_close(&world);
}
END_TEST

START_TEST(failures_are_forgotten_after_a_pause)
{
    open_machine(NULL, NULL);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    move_clock(30);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    move_clock(29);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    world_close(&world);
}
END_TEST

START_TEST(a_stranger_locks_only_its_own_network_out)
{
    open_machine(NULL, NULL);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(log_in(client_id.text, OTHER, "203.0.113.7"), WRONG);
    }
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "203.0.113.200"), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "203.0.114.7"), 0);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "2001:db8::1"), 0);
    world_close(&world);
}
END_TEST

START_TEST(lock_out_follows_its_settings)
{
    open_machine("{\"lockoutThreshold\":1,\"lockoutDurationSeconds\":30}", NULL);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    move_clock(30);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    ck_assert_int_eq(
        world_call(&world, "universal-auth", "update", identity.text, "{\"lockoutEnabled\":false}"),
        CHY_OK);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0); // that lifts the lock
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(log_in(client_id.text, OTHER, NULL), WRONG);
    }
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    world_close(&world);
}
END_TEST

START_TEST(strangers_leave_no_rows_for_clients_that_are_not_there)
{
    open_machine(NULL, NULL);
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(log_in(identity.text, OTHER, NULL), WRONG);
    }
    ck_assert_uint_eq(test_count(world.test, CHY_C_LOCKOUTS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_OUTCOME, "failed"), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_DENIALS, 0, NULL), 1);
    world_close(&world);
}
END_TEST

/* --- the ends of a secret -------------------------------------------------------------------- */

START_TEST(a_limited_secret_ends_with_its_last_use)
{
    open_machine(NULL, "{\"numUsesLimit\":2}");
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 2);
    world_close(&world);
}
END_TEST

START_TEST(a_secret_ends_with_its_time)
{
    open_machine(NULL, "{\"ttl\":60}");
    move_clock(59);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    move_clock(1);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    world_close(&world);
}
END_TEST

START_TEST(a_secret_is_used_from_its_networks_only)
{
    open_machine("{\"clientSecretTrustedIps\":[{\"ipAddress\":\"192.0.2.0/28\"},"
                 "{\"ipAddress\":\"2001:db8::/32\"}]}",
                 NULL);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "192.0.2.15"), 0);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "2001:db8:5::1"), 0);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, "192.0.2.16"), CHY_REASON_BOUNDARY);
    // Who does not have the secret is not told which networks are trusted.
    ck_assert_uint_eq(log_in(client_id.text, OTHER, "192.0.2.16"), WRONG);
    world_close(&world);
}
END_TEST

START_TEST(revoking_a_secret_ends_its_tokens)
{
    struct word token;
    struct word kept;
    uint32_t reason;
    json_t *answer;
    open_machine(NULL, NULL);
    struct word other = world_secret(&world, identity.text, NULL, NULL);
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    ck_assert_int_eq(world_login(&world, client_id.text, other.text, NULL, &kept), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(test_call(world.test, op, "client-secrets", "revoke", secret_id.text,
                               text_of("{\"identityId\":\"%s\"}", identity.text), &answer),
                     CHY_OK);
    ck_assert(json_is_true(
        json_object_get(json_object_get(answer, "clientSecretData"), "isClientSecretRevoked")));
    test_runtime_op_end(op);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_TOKEN);
    ck_assert_int_eq(world_use(&world, kept.text, NULL, &reason), CHY_OK);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, other.text, NULL), 0);
    world_close(&world);
}
END_TEST

START_TEST(detaching_ends_secrets_and_tokens_for_good)
{
    struct word token;
    uint32_t reason;
    open_machine(NULL, NULL);
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    ck_assert_int_eq(world_call(&world, "universal-auth", "delete", identity.text, NULL), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(test_count(world.test, CHY_C_CLIENT_SECRETS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 0);
    struct word again = world_auth(&world, identity.text, NULL);
    ck_assert_uint_eq(log_in(again.text, secret.text, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    world_close(&world);
}
END_TEST

/** read_secret gives the whole row of the client secret, as an operation reads it. */
static void read_secret(struct chy_op *op, struct chy_storage_row *out_row)
{
    static const uint32_t fields[CHY_SECRET_FIELDS] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
    struct chy_view view = CHY_VIEW_INIT(fields);
    struct chy_uuid id;
    ck_assert(chy_uuid_parse(chy_text(secret_id.text), &id));
    ck_assert_int_eq(chy_storage_read(world.runtime->storage, op, CHY_C_CLIENT_SECRETS,
                                      CHY_KEY(chy_value_uuid(&id)), view, out_row),
                     CHY_OK);
}

// A batch deletes a thousand secrets: what is left of more is dead all the same.
START_TEST(a_secret_that_is_left_over_opens_nothing)
{
    struct chy_storage_row row;
    struct chy_batch batch;
    open_machine(NULL, NULL);
    struct chy_op *op = test_runtime_op(world.test);
    read_secret(op, &row);
    ck_assert_int_eq(world_call(&world, "universal-auth", "delete", identity.text, NULL), CHY_OK);
    struct word again = world_auth(&world, identity.text, NULL);
    chy_batch_init(&batch, op, 0);
    struct chy_write *write = chy_batch_insert(&batch, CHY_C_CLIENT_SECRETS,
                                               CHY_KEY(*chy_row_value(&row, CHY_SECRET_ID)));
    for (uint32_t i = 1; i < CHY_SECRET_FIELDS; i++) {
        chy_write_set(write, i, *chy_row_value(&row, i));
    }
    ck_assert_int_eq(chy_batch_commit(&batch, world.runtime->storage, NULL), CHY_OK);
    ck_assert_uint_eq(log_in(again.text, secret.text, NULL), WRONG);
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), WRONG);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(a_token_that_is_left_over_ends_with_its_secret)
{
    struct word token;
    struct chy_uuid id;
    struct chy_batch batch;
    uint32_t reason;
    open_machine(NULL, NULL);
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    ck_assert(chy_uuid_parse(chy_text(secret_id.text), &id));
    struct chy_op *op = test_runtime_op(world.test);
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, CHY_C_CLIENT_SECRETS, CHY_KEY(chy_value_uuid(&id)));
    chy_write_set(write, CHY_SECRET_REVOKED, chy_value_bool(true));
    ck_assert_int_eq(chy_batch_commit(&batch, world.runtime->storage, NULL), CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_TOKEN);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

/* --- settings ---------------------------------------------------------------------- */

START_TEST(settings_have_the_documented_defaults)
{
    json_t *answer;
    open_machine(NULL, NULL);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(
        test_call(world.test, op, "universal-auth", "get", identity.text, NULL, &answer), CHY_OK);
    const json_t *auth = json_object_get(answer, "identityUniversalAuth");
    ck_assert_str_eq(test_text(auth, "clientId"), client_id.text);
    ck_assert_int_eq(test_number(auth, "accessTokenTTL"), 2592000);
    ck_assert_int_eq(test_number(auth, "accessTokenMaxTTL"), 2592000);
    ck_assert_int_eq(test_number(auth, "accessTokenNumUsesLimit"), 0);
    ck_assert_int_eq(test_number(auth, "accessTokenPeriod"), 0);
    ck_assert_int_eq(test_number(auth, "lockoutThreshold"), 3);
    ck_assert_int_eq(test_number(auth, "lockoutDurationSeconds"), 300);
    ck_assert_int_eq(test_number(auth, "lockoutCounterResetSeconds"), 30);
    ck_assert(json_is_true(json_object_get(auth, "lockoutEnabled")));
    const json_t *networks = json_object_get(auth, "accessTokenTrustedIps");
    ck_assert_uint_eq(json_array_size(networks), 2);
    ck_assert_str_eq(test_text(json_array_get(networks, 0), "ipAddress"), "0.0.0.0/0");
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

static const struct settings_case {
    const char *document;
    const char *path;
} settings_cases[] = {
    {"{\"accessTokenTTL\":-1}", "/accessTokenTTL"},
    {"{\"accessTokenTTL\":315360001,\"accessTokenMaxTTL\":0}", "/accessTokenTTL"},
    {"{\"accessTokenMaxTTL\":315360001}", "/accessTokenMaxTTL"},
    {"{\"accessTokenTTL\":3601,\"accessTokenMaxTTL\":3600}", "/accessTokenTTL"},
    {"{\"accessTokenMaxTTL\":60}", "/accessTokenTTL"},
    {"{\"accessTokenTTL\":\"60\"}", "/accessTokenTTL"},
    {"{\"accessTokenNumUsesLimit\":-1}", "/accessTokenNumUsesLimit"},
    {"{\"lockoutThreshold\":0}", "/lockoutThreshold"},
    {"{\"lockoutThreshold\":31}", "/lockoutThreshold"},
    {"{\"lockoutDurationSeconds\":29}", "/lockoutDurationSeconds"},
    {"{\"lockoutDurationSeconds\":86401}", "/lockoutDurationSeconds"},
    {"{\"lockoutCounterResetSeconds\":4}", "/lockoutCounterResetSeconds"},
    {"{\"lockoutCounterResetSeconds\":3601}", "/lockoutCounterResetSeconds"},
    {"{\"accessTokenTrustedIps\":[]}", "/accessTokenTrustedIps"},
    {"{\"accessTokenTrustedIps\":[{\"ipAddress\":\"::/0\"},{\"ipAddress\":\"10.0.0.0/33\"}]}",
     "/accessTokenTrustedIps/1/ipAddress"},
    {"{\"clientSecretTrustedIps\":[{}]}", "/clientSecretTrustedIps/0/ipAddress"},
};

START_TEST(settings_outside_their_range_are_refused)
{
    const struct settings_case *c = &settings_cases[_i];
    static const char *const actions[] = {"create", "update"};
    open_machine(NULL, NULL);
    struct word bare = world_identity(&world, world.project.text, "issuer");
    const char *const ids[] = {bare.text, identity.text};
    for (int i = 0; i < 2; i++) {
        struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
        ck_assert_int_eq(
            test_call(world.test, op, "universal-auth", actions[i], ids[i], c->document, NULL),
            CHY_BAD_INPUT);
        ck_assert_uint_eq(test_reason(op), CHY_REASON_VALIDATION);
        ck_assert_msg(test_has_issue(op, c->path), "%s: no issue at %s", c->document, c->path);
        test_runtime_op_end(op);
    }
    ck_assert_uint_eq(test_count(world.test, CHY_C_UNIVERSAL_AUTH, 0, NULL), 1);
    world_close(&world);
}
END_TEST

START_TEST(universal_auth_is_attached_once_and_to_machines)
{
    struct chy_slice token;
    open_machine(NULL, NULL);
    ck_assert_int_eq(world_call(&world, "universal-auth", "create", identity.text, NULL),
                     CHY_BAD_INPUT);
    struct chy_op *op = test_runtime_op(world.test);
    chy_access_as_system(op);
    ck_assert_int_eq(chy_access_administrator(world.runtime, op, chy_text(""), 0, &token), CHY_OK);
    struct chy_op *as_admin = world_as(&world, (const char *)token.ptr);
    char admin[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&chy_principal_of(as_admin)->id, admin);
    ck_assert_int_eq(world_call(&world, "universal-auth", "create", admin, NULL), CHY_BAD_INPUT);
    test_runtime_op_end(as_admin);
    test_runtime_op_end(op);
    struct word bare = world_identity(&world, world.project.text, "issuer");
    ck_assert_int_eq(world_call(&world, "universal-auth", "get", bare.text, NULL), CHY_NOT_FOUND);
    ck_assert_int_eq(world_call(&world, "client-secrets", "create", bare.text, NULL),
                     CHY_NOT_FOUND);
    world_close(&world);
}
END_TEST

START_TEST(a_client_secret_is_shown_once)
{
    json_t *answer;
    open_machine(NULL, "{\"description\":\"ci\",\"ttl\":3600,\"numUsesLimit\":5}");
    ck_assert_uint_eq(log_in(client_id.text, secret.text, NULL), 0);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_int_eq(
        test_call(world.test, op, "client-secrets", "list", identity.text, NULL, &answer), CHY_OK);
    const json_t *list = json_object_get(answer, "clientSecretData");
    ck_assert_uint_eq(json_array_size(list), 1);
    const json_t *shown = json_array_get(list, 0);
    ck_assert_str_eq(test_text(shown, "id"), secret_id.text);
    ck_assert_str_eq(test_text(shown, "identityUAId"), identity.text);
    ck_assert_str_eq(test_text(shown, "description"), "ci");
    ck_assert_int_eq(strncmp(test_text(shown, "clientSecretPrefix"), secret.text + 5, 4), 0);
    ck_assert_uint_eq(strlen(test_text(shown, "clientSecretPrefix")), 4);
    ck_assert_int_eq(test_number(shown, "clientSecretNumUses"), 1);
    ck_assert_int_eq(test_number(shown, "clientSecretNumUsesLimit"), 5);
    ck_assert_int_eq(test_number(shown, "clientSecretTTL"), 3600);
    ck_assert(json_is_false(json_object_get(shown, "isClientSecretRevoked")));
    ck_assert_ptr_null(json_object_get(shown, "clientSecret"));
    struct word other = world_identity(&world, world.project.text, "issuer");
    ck_assert_int_eq(test_call(world.test, op, "client-secrets", "get", secret_id.text,
                               text_of("{\"identityId\":\"%s\"}", identity.text), NULL),
                     CHY_OK);
    ck_assert_int_eq(test_call(world.test, op, "client-secrets", "get", secret_id.text,
                               text_of("{\"identityId\":\"%s\"}", other.text), NULL),
                     CHY_NOT_FOUND);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

TEST_MAIN("access login", TEST(a_log_in_answers_as_the_contract_says),
          TEST_EACH(an_incomplete_log_in_is_invalid, incomplete_cases),
          TEST(a_wrong_id_and_a_wrong_secret_sound_alike),
          TEST(a_secret_is_of_its_own_identity_only), TEST(three_failures_lock_for_five_minutes),
          TEST(a_success_forgets_the_failures), TEST(failures_are_forgotten_after_a_pause),
          TEST(a_stranger_locks_only_its_own_network_out), TEST(lock_out_follows_its_settings),
          TEST(strangers_leave_no_rows_for_clients_that_are_not_there),
          TEST(a_limited_secret_ends_with_its_last_use), TEST(a_secret_ends_with_its_time),
          TEST(a_secret_is_used_from_its_networks_only), TEST(revoking_a_secret_ends_its_tokens),
          TEST(detaching_ends_secrets_and_tokens_for_good),
          TEST(a_secret_that_is_left_over_opens_nothing),
          TEST(a_token_that_is_left_over_ends_with_its_secret),
          TEST(settings_have_the_documented_defaults),
          TEST_EACH(settings_outside_their_range_are_refused, settings_cases),
          TEST(universal_auth_is_attached_once_and_to_machines),
          TEST(a_client_secret_is_shown_once))
