#include "access/user.h"

#include "base/op.h"
#include "base/time.h"
#include "resource/collections.h"
#include "test_main.h"
#include "world.h"

#define PASSWORD "correct horse battery"
#define WRONG CHY_REASON_UNAUTHENTICATED

static struct world world;
static struct word alice;

static void open_world(void)
{
    json_t *answer;
    world_open(&world);
    struct chy_op *op = test_runtime_op_as(world.test, test_runtime_admin());
    ck_assert_msg(test_call(world.test, op, "users", "create", NULL,
                            "{\"username\":\"Alice\",\"role\":\"auditor\",\"password\":\"" PASSWORD
                            "\"}",
                            &answer) == CHY_OK,
                  "%s", test_message(op));
    ck_assert_str_eq(test_text(answer, "user.username"), "alice");
    ck_assert_str_eq(test_text(answer, "user.name"), "alice");
    (void)snprintf(alice.text, sizeof alice.text, "%s", test_text(answer, "user.id"));
    test_runtime_op_end(op);
}

/** log_in tries from `peer` and gives the reason of a refusal, 0 when it worked. */
static uint32_t log_in(const char *username, const char *password, const char *peer,
                       struct word *out_token)
{
    json_t *answer;
    struct chy_op *op = test_runtime_op(world.test);
    if (peer != NULL) {
        chy_operation_of(op)->peer = chy_text(peer);
    }
    chy_status status = test_call(
        world.test, op, "users", "login", NULL,
        text_of("{\"username\":\"%s\",\"password\":\"%s\"}", username, password), &answer);
    ck_assert_msg(status == CHY_OK || status == CHY_DENIED, "%d: %s", status, test_message(op));
    uint32_t reason = status == CHY_OK ? 0 : test_reason(op);
    if (out_token != NULL && status == CHY_OK) {
        (void)snprintf(out_token->text, sizeof out_token->text, "%s",
                       test_text(answer, "accessToken"));
    }
    test_runtime_op_end(op);
    return reason;
}

static uint64_t audited(const char *action)
{
    return test_count(world.test, CHY_C_AUDIT_EVENTS, CHY_AUDIT_ACTION, action);
}

/** stored is what is kept of alice's password. */
static const char *stored(void)
{
    static char text[256];
    struct chy_storage_row row;
    struct chy_uuid id;
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert(chy_uuid_parse(chy_text(alice.text), &id));
    ck_assert_int_eq(chy_storage_read(world.runtime->storage, op, CHY_C_PASSWORDS,
                                      CHY_KEY(chy_value_uuid(&id)), CHY_FIELDS(CHY_PASSWORD_PHC),
                                      &row),
                     CHY_OK);
    struct chy_slice phc = chy_row_text(&row, 0);
    (void)snprintf(text, sizeof text, "%.*s", (int)phc.len, (const char *)phc.ptr);
    test_runtime_op_end(op);
    return text;
}

START_TEST(a_person_logs_in_by_any_case_of_the_username)
{
    struct word token;
    uint32_t reason;
    open_world();
    ck_assert_uint_eq(log_in("ALICE", PASSWORD, NULL, &token), 0);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    ck_assert_uint_eq(audited("user.login"), 1);
    world_close(&world);
}
END_TEST

START_TEST(a_session_ends)
{
    struct word token;
    uint32_t reason;
    open_world();
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, &token), 0);
    chy_clock_manual_advance(test_runtime_clock(world.test), 3599 * CHY_US_PER_SECOND);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    chy_clock_manual_advance(test_runtime_clock(world.test), CHY_US_PER_SECOND);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    world_close(&world);
}
END_TEST

START_TEST(a_log_in_renews_a_hash_that_is_too_cheap)
{
    open_world();
    ck_assert_ptr_nonnull(strstr(stored(), "$m=128,t=1,p=2$"));
    world.runtime->access.password_cost.passes = 2;
    ck_assert_uint_eq(log_in("alice", "wrong horse battery", NULL, NULL), WRONG);
    ck_assert_ptr_nonnull(strstr(stored(), "$m=128,t=1,p=2$"));
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), 0);
    ck_assert_ptr_nonnull(strstr(stored(), "$m=128,t=2,p=2$"));
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), 0);
    world_close(&world);
}
END_TEST

static const char *const names[] = {"alice", "nobody"};

START_TEST(known_and_unknown_names_are_locked_alike)
{
    open_world();
    for (int i = 0; i < 5; i++) {
        ck_assert_uint_eq(log_in(names[_i], "wrong horse battery", NULL, NULL), WRONG);
    }
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(
        test_call(world.test, op, "users", "login", NULL,
                  text_of("{\"username\":\"%s\",\"password\":\"" PASSWORD "\"}", names[_i]), NULL),
        CHY_DENIED);
    ck_assert_ptr_nonnull(strstr(test_message(op), "locked"));
    test_runtime_op_end(op);
    ck_assert_uint_eq(test_count(world.test, CHY_C_LOCKOUTS, 0, NULL), 1);
    ck_assert_uint_eq(audited("user.login"), _i == 0 ? 5 : 0);
    // Another network is not locked out with it, and the lock ends.
    ck_assert_uint_eq(log_in("alice", PASSWORD, "203.0.113.9", NULL), 0);
    chy_clock_manual_advance(test_runtime_clock(world.test), 300 * CHY_US_PER_SECOND);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), 0);
    world_close(&world);
}
END_TEST

START_TEST(a_password_that_is_set_ends_tokens_and_the_one_before)
{
    struct word token;
    uint32_t reason;
    open_world();
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, &token), 0);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    ck_assert_int_eq(world_call(&world, "users", "set-password", alice.text,
                                "{\"password\":\"another one entirely\"}"),
                     CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(test_count(world.test, CHY_C_ACCESS_TOKENS, 0, NULL), 0);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), WRONG);
    ck_assert_uint_eq(log_in("alice", "another one entirely", NULL, NULL), 0);
    world_close(&world);
}
END_TEST

START_TEST(who_is_disabled_is_out_at_once)
{
    struct word token;
    uint32_t reason;
    open_world();
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, &token), 0);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_OK);
    ck_assert_int_eq(world_call(&world, "users", "update", alice.text, "{\"disabled\":true}"),
                     CHY_OK);
    ck_assert_int_eq(world_use(&world, token.text, NULL, &reason), CHY_DENIED);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), WRONG);
    ck_assert_int_eq(world_call(&world, "users", "update", alice.text, "{\"disabled\":false}"),
                     CHY_OK);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), 0);
    world_close(&world);
}
END_TEST

START_TEST(with_a_person_goes_the_password)
{
    open_world();
    ck_assert_uint_eq(test_count(world.test, CHY_C_PASSWORDS, 0, NULL), 1);
    ck_assert_int_eq(world_call(&world, "identities", "delete", alice.text, NULL), CHY_OK);
    ck_assert_uint_eq(test_count(world.test, CHY_C_PASSWORDS, 0, NULL), 0);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), WRONG);
    world_close(&world);
}
END_TEST

START_TEST(a_machine_is_no_user)
{
    open_world();
    struct word machine = world_identity(&world, world.project.text, "issuer");
    ck_assert_int_eq(world_call(&world, "users", "get", machine.text, NULL), CHY_NOT_FOUND);
    ck_assert_int_eq(world_call(&world, "users", "delete", machine.text, NULL), CHY_NOT_FOUND);
    ck_assert_int_eq(world_call(&world, "users", "set-password", machine.text,
                                "{\"password\":\"another one entirely\"}"),
                     CHY_NOT_FOUND);
    world_close(&world);
}
END_TEST

START_TEST(two_try_at_once_and_few_wait)
{
    open_world();
    ck_assert_int_eq(chy_permits_acquire(world.runtime->passwords, INT64_MAX), CHY_PERMIT_GIVEN);
    ck_assert_int_eq(chy_permits_acquire(world.runtime->passwords, INT64_MAX), CHY_PERMIT_GIVEN);
    struct chy_op *op = test_runtime_op(world.test);
    chy_operation_of(op)->deadline = 1; // long past
    ck_assert_int_eq(test_call(world.test, op, "users", "login", NULL,
                               "{\"username\":\"alice\",\"password\":\"" PASSWORD "\"}", NULL),
                     CHY_TRY_LATER);
    ck_assert_uint_eq(test_reason(op), CHY_REASON_TIMEOUT);
    test_runtime_op_end(op);
    chy_permits_release(world.runtime->passwords);
    chy_permits_release(world.runtime->passwords);
    ck_assert_uint_eq(log_in("alice", PASSWORD, NULL, NULL), 0);
    world_close(&world);
}
END_TEST

TEST_MAIN("access_user", TEST(a_person_logs_in_by_any_case_of_the_username), TEST(a_session_ends),
          TEST(a_log_in_renews_a_hash_that_is_too_cheap),
          TEST_EACH(known_and_unknown_names_are_locked_alike, names),
          TEST(a_password_that_is_set_ends_tokens_and_the_one_before),
          TEST(who_is_disabled_is_out_at_once), TEST(with_a_person_goes_the_password),
          TEST(a_machine_is_no_user), TEST(two_try_at_once_and_few_wait))
