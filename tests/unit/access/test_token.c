#include "access/token.h"

#include "base/op.h"
#include "base/time.h"
#include "resource/collections.h"
#include "test_main.h"
#include "world.h"

static struct world world;

static void move_clock(int64_t seconds)
{
    chy_clock_manual_advance(test_runtime_clock(world.test), seconds * CHY_US_PER_SECOND);
}

/** machine makes a machine whose tokens have `settings`, and logs it in. */
static struct word machine(const char *settings)
{
    struct word identity = world_identity(&world, world.project.text, "issuer");
    struct word client_id = world_auth(&world, identity.text, settings);
    struct word secret = world_secret(&world, identity.text, NULL, NULL);
    struct word token;
    ck_assert_int_eq(world_login(&world, client_id.text, secret.text, NULL, &token), CHY_OK);
    return token;
}

static void expect_use(const char *token, chy_status status, uint32_t reason)
{
    uint32_t found;
    ck_assert_int_eq(world_use(&world, token, NULL, &found), status);
    ck_assert_uint_eq(found, reason);
}

static chy_status send_token(const char *action, const char *token, json_t **out_answer,
                             struct chy_op *op)
{
    return test_call(world.test, op, "access-tokens", action, NULL,
                     text_of("{\"accessToken\":\"%s\"}", token), out_answer);
}

static const struct bad_case {
    const char *token;
    uint32_t reason;
} bad_cases[] = {
    {"", CHY_REASON_UNAUTHENTICATED},
    {"nonsense", CHY_REASON_UNAUTHENTICATED},
    {"chy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", CHY_REASON_UNAUTHENTICATED},
    {"chy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZClWt", CHY_REASON_TOKEN},
};

START_TEST(an_ill_formed_token_is_told_from_an_unknown_one)
{
    world_open(&world);
    expect_use(bad_cases[_i].token, CHY_DENIED, bad_cases[_i].reason);
    world_close(&world);
}
END_TEST

START_TEST(a_token_acts_for_its_identity)
{
    world_open(&world);
    struct word token = machine(NULL);
    struct chy_op *op = world_as(&world, token.text);
    const struct chy_principal *principal = chy_principal_of(op);
    struct chy_uuid project;
    ck_assert(chy_uuid_parse(chy_text(world.project.text), &project));
    ck_assert_int_eq(principal->kind, CHY_PRINCIPAL_MACHINE);
    ck_assert_int_eq(principal->role, CHY_ROLE_NO_ACCESS);
    ck_assert_uint_eq(principal->membership_count, 1);
    ck_assert_int_eq(chy_principal_role(principal, &project).role, CHY_ROLE_ISSUER);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(the_database_does_not_hold_the_token)
{
    world_open(&world);
    struct word token = machine(NULL);
    struct chy_query query;
    struct chy_storage_page page;
    struct chy_op *op = test_runtime_op(world.test);
    chy_query_init(&query, op, CHY_C_ACCESS_TOKENS, CHY_FIELDS(CHY_TOKEN_HASH), 10);
    ck_assert_int_eq(chy_query_run(&query, world.runtime->storage, &page), CHY_OK);
    ck_assert_uint_eq(page.rows.count, 1);
    struct chy_slice hash = chy_row_blob(chy_page_row(&page, 0), 0);
    ck_assert_uint_eq(hash.len, 32);
    ck_assert_ptr_null(memmem(token.text, strlen(token.text), hash.ptr, (size_t)hash.len));
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

static const struct life_case {
    const char *settings;
    int64_t lives; /**< seconds; 0: no end */
} life_cases[] = {
    {"{\"accessTokenTTL\":600,\"accessTokenMaxTTL\":3600}", 600},
    {"{\"accessTokenTTL\":600,\"accessTokenMaxTTL\":0}", 600},
    {"{\"accessTokenTTL\":0,\"accessTokenMaxTTL\":900}", 900},
    {"{\"accessTokenTTL\":0,\"accessTokenMaxTTL\":0}", 0},
    {"{\"accessTokenPeriod\":120}", 120},
};

START_TEST(a_token_lives_as_long_as_it_was_set)
{
    const struct life_case *c = &life_cases[_i];
    world_open(&world);
    struct word token = machine(c->settings);
    if (c->lives == 0) {
        move_clock(INT64_C(3153600000));
        expect_use(token.text, CHY_OK, 0);
    } else {
        move_clock(c->lives - 1);
        expect_use(token.text, CHY_OK, 0);
        move_clock(1);
        expect_use(token.text, CHY_DENIED, CHY_REASON_TOKEN);
    }
    world_close(&world);
}
END_TEST

START_TEST(a_limited_token_ends_with_its_last_use)
{
    world_open(&world);
    struct word token = machine("{\"accessTokenNumUsesLimit\":2}");
    expect_use(token.text, CHY_OK, 0);
    expect_use(token.text, CHY_OK, 0);
    expect_use(token.text, CHY_DENIED, CHY_REASON_TOKEN);
    world_close(&world);
}
END_TEST

START_TEST(a_token_is_used_from_its_networks_only)
{
    uint32_t reason;
    world_open(&world);
    struct word token = machine("{\"accessTokenTrustedIps\":[{\"ipAddress\":\"192.0.2.0/24\"}]}");
    expect_use(token.text, CHY_OK, 0);
    ck_assert_int_eq(world_use(&world, token.text, "198.51.100.1", &reason), CHY_DENIED);
    ck_assert_uint_eq(reason, CHY_REASON_BOUNDARY);
    ck_assert_int_eq(world_use(&world, token.text, "::ffff:192.0.2.9", &reason), CHY_OK);
    world_close(&world);
}
END_TEST

START_TEST(renewing_prolongs_a_token_up_to_its_maximum)
{
    json_t *answer;
    world_open(&world);
    struct word token = machine("{\"accessTokenTTL\":600,\"accessTokenMaxTTL\":900}");
    expect_use(token.text, CHY_OK, 0);
    move_clock(500);
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(send_token("renew", token.text, &answer, op), CHY_OK);
    ck_assert_str_eq(test_text(answer, "accessToken"), token.text);
    ck_assert_int_eq(test_number(answer, "expiresIn"), 400);
    ck_assert_int_eq(test_number(answer, "accessTokenMaxTTL"), 900);
    test_runtime_op_end(op);
    move_clock(399);
    expect_use(token.text, CHY_OK, 0);
    move_clock(1);
    expect_use(token.text, CHY_DENIED, CHY_REASON_TOKEN);
    op = test_runtime_op(world.test);
    ck_assert_int_eq(send_token("renew", token.text, NULL, op), CHY_DENIED);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_TOKEN);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(another_node_sees_that_a_token_was_renewed)
{
    world_open(&world);
    struct test_runtime *beside = test_runtime_beside(world.test);
    struct word token = machine("{\"accessTokenTTL\":600,\"accessTokenMaxTTL\":0}");
    struct chy_op *op = test_runtime_op(beside);
    ck_assert_int_eq(chy_access_authenticate(test_runtime_of(beside), op, chy_text(token.text),
                                             chy_text(TEST_RUNTIME_PEER)),
                     CHY_OK);
    test_runtime_op_end(op);
    move_clock(500);
    op = test_runtime_op(world.test);
    ck_assert_int_eq(send_token("renew", token.text, NULL, op), CHY_OK);
    test_runtime_op_end(op);
    move_clock(200);
    op = test_runtime_op(beside);
    ck_assert_int_eq(chy_access_authenticate(test_runtime_of(beside), op, chy_text(token.text),
                                             chy_text(TEST_RUNTIME_PEER)),
                     CHY_OK);
    test_runtime_op_end(op);
    test_runtime_free(beside);
    world_close(&world);
}
END_TEST

START_TEST(a_revoked_token_ends_here_at_once_and_elsewhere_within_a_second)
{
    world_open(&world);
    struct test_runtime *beside = test_runtime_beside(world.test);
    struct word token = machine(NULL);
    expect_use(token.text, CHY_OK, 0);
    struct chy_op *op = test_runtime_op(beside);
    ck_assert_int_eq(chy_access_authenticate(test_runtime_of(beside), op, chy_text(token.text),
                                             chy_text(TEST_RUNTIME_PEER)),
                     CHY_OK);
    test_runtime_op_end(op);
    op = test_runtime_op(world.test);
    ck_assert_int_eq(send_token("revoke", token.text, NULL, op), CHY_OK);
    test_runtime_op_end(op);
    expect_use(token.text, CHY_DENIED, CHY_REASON_TOKEN);
    move_clock(1);
    op = test_runtime_op(beside);
    ck_assert_int_eq(chy_access_authenticate(test_runtime_of(beside), op, chy_text(token.text),
                                             chy_text(TEST_RUNTIME_PEER)),
                     CHY_DENIED);
    test_runtime_op_end(op);
    ck_assert_uint_eq(
        test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, "access-token.revoke"), 1);
    test_runtime_free(beside);
    world_close(&world);
}
END_TEST

START_TEST(a_stranger_who_tries_tokens_is_counted_and_not_kept)
{
    world_open(&world);
    for (int i = 0; i < 5; i++) {
        expect_use(bad_cases[3].token, CHY_DENIED, CHY_REASON_TOKEN);
    }
    expect_use("", CHY_DENIED, CHY_REASON_UNAUTHENTICATED);
    struct chy_op *op = test_runtime_op(world.test);
    struct chy_storage_row row;
    int64_t minute = TEST_RUNTIME_NOW / CHY_US_PER_MINUTE;
    ck_assert_int_eq(
        chy_storage_read(world.runtime->storage, op, CHY_C_DENIALS,
                         CHY_KEY(chy_value_text(chy_text(TEST_RUNTIME_PEER)), chy_value_int(minute),
                                 chy_value_text(chy_text("node-1"))),
                         CHY_FIELDS(CHY_DENIAL_COUNT), &row),
        CHY_OK);
    ck_assert_int_eq(chy_row_int(&row, 0), 5);
    test_runtime_op_end(op);
    ck_assert_uint_eq(test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTOR_KIND, "anonymous"),
                      0);
    world_close(&world);
}
END_TEST

START_TEST(a_stranger_with_many_addresses_is_counted_as_one)
{
    static const char *const peers[] = {"2001:db8:1:2300::1", "2001:db8:1:2300:ffff::2",
                                        "2001:db8:1:23ff::3"};
    world_open(&world);
    for (size_t i = 0; i < sizeof peers / sizeof peers[0]; i++) {
        struct chy_op *op = test_runtime_op(world.test);
        chy_operation_of(op)->peer = chy_text(peers[i]);
        ck_assert_int_eq(chy_access_authenticate(world.runtime, op, chy_text(bad_cases[3].token),
                                                 chy_text(peers[i])),
                         CHY_DENIED);
        test_runtime_op_end(op);
    }
    ck_assert_uint_eq(test_count(world.test, CHY_C_DENIALS, 0, NULL), 1);
    world_close(&world);
}
END_TEST

/* --- the administrator ---------------------------------------------------------------------- */

START_TEST(the_administrator_is_made_once)
{
    world_open(&world);
    struct chy_slice first;
    struct chy_slice second;
    struct chy_op *op = test_runtime_op(world.test);
    chy_access_as_system(op);
    ck_assert_int_eq(chy_access_administrator(world.runtime, op, chy_text("init"), 0, &first),
                     CHY_OK);
    ck_assert_int_eq(
        chy_access_administrator(world.runtime, op, chy_text("again"), CHY_US_PER_HOUR, &second),
        CHY_OK);
    ck_assert(!chy_slice_equal(first, second));
    ck_assert_uint_eq(test_count(world.test, CHY_C_IDENTITIES, CHY_IDENTITY_NAME, "admin"), 1);

    struct chy_op *as_admin = world_as(&world, (const char *)first.ptr);
    const struct chy_principal *principal = chy_principal_of(as_admin);
    ck_assert_int_eq(principal->kind, CHY_PRINCIPAL_USER);
    ck_assert_int_eq(principal->role, CHY_ROLE_ADMIN);
    test_runtime_op_end(as_admin);

    move_clock(3600);
    expect_use((const char *)second.ptr, CHY_DENIED, CHY_REASON_TOKEN);
    move_clock(INT64_C(3153600000));
    expect_use((const char *)first.ptr, CHY_OK, 0);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(nobody_else_makes_an_administrators_token)
{
    world_open(&world);
    struct chy_slice token = {NULL, 0};
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(chy_access_administrator(world.runtime, op, chy_text("init"), 0, &token),
                     CHY_DENIED);
    struct word machine_token = world_token(&world, world.project.text, "admin");
    struct chy_op *as_machine = world_as(&world, machine_token.text);
    ck_assert_int_eq(
        chy_access_administrator(world.runtime, as_machine, chy_text("init"), 0, &token),
        CHY_DENIED);
    ck_assert_ptr_null(token.ptr);
    test_runtime_op_end(as_machine);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(cleaning_deletes_what_has_ended_only)
{
    world_open(&world);
    struct word short_lived = machine("{\"accessTokenTTL\":60}");
    struct word long_lived = machine(NULL);
    expect_use(bad_cases[3].token, CHY_DENIED, CHY_REASON_TOKEN);
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(chy_access_clean(world.runtime, op), CHY_OK);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 2);
    ck_assert_uint_eq(test_count(world.test, CHY_C_DENIALS, 0, NULL), 1);
    move_clock(60);
    ck_assert_int_eq(chy_access_clean(world.runtime, op), CHY_OK);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 1);
    expect_use(short_lived.text, CHY_DENIED, CHY_REASON_TOKEN);
    expect_use(long_lived.text, CHY_OK, 0);
    chy_clock_manual_advance(test_runtime_clock(world.test), 31 * CHY_US_PER_DAY);
    ck_assert_int_eq(chy_access_clean(world.runtime, op), CHY_OK);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 0);
    ck_assert_uint_eq(test_count(world.test, CHY_C_DENIALS, 0, NULL), 0);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

TEST_MAIN("access token", TEST_EACH(an_ill_formed_token_is_told_from_an_unknown_one, bad_cases),
          TEST(a_token_acts_for_its_identity), TEST(the_database_does_not_hold_the_token),
          TEST_EACH(a_token_lives_as_long_as_it_was_set, life_cases),
          TEST(a_limited_token_ends_with_its_last_use),
          TEST(a_token_is_used_from_its_networks_only),
          TEST(renewing_prolongs_a_token_up_to_its_maximum),
          TEST(another_node_sees_that_a_token_was_renewed),
          TEST(a_revoked_token_ends_here_at_once_and_elsewhere_within_a_second),
          TEST(a_stranger_who_tries_tokens_is_counted_and_not_kept),
          TEST(a_stranger_with_many_addresses_is_counted_as_one),
          TEST(the_administrator_is_made_once), TEST(nobody_else_makes_an_administrators_token),
          TEST(cleaning_deletes_what_has_ended_only))
