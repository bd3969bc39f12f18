#include "access/password.h"

#include "base/slice.h"
#include "test_main.h"
#include "world.h"

static const struct chy_uuid somebody = {{1}};
static const struct chy_uuid other = {{2}};

static struct world world;
static struct chy_op *op;

static void open_world(void)
{
    world_open(&world);
    op = test_runtime_op(world.test);
}

static void close_world(void)
{
    test_runtime_op_end(op);
    world_close(&world);
}

static struct chy_slice hash(const char *password)
{
    struct chy_slice phc;
    ck_assert_int_eq(chy_password_hash(world.runtime, op, &somebody, chy_text(password), &phc),
                     CHY_OK);
    return phc;
}

static struct chy_password_verdict verify(const struct chy_uuid *id, struct chy_slice phc,
                                          const char *password)
{
    struct chy_password_verdict verdict = {false, false};
    ck_assert_int_eq(chy_password_verify(world.runtime, op, id, phc, chy_text(password), &verdict),
                     CHY_OK);
    return verdict;
}

START_TEST(a_password_is_told_from_others)
{
    open_world();
    struct chy_slice phc = hash("correct horse battery");
    ck_assert(chy_slice_starts_with(phc, chy_text("$argon2id$v=19$m=128,t=1,p=2$")));
    ck_assert_uint_eq(phc.len, strlen("$argon2id$v=19$m=128,t=1,p=2$") + 22 + 1 + 43);
    ck_assert(verify(&somebody, phc, "correct horse battery").is_right);
    ck_assert(!verify(&somebody, phc, "correct horse batterY").is_right);
    ck_assert(!verify(&somebody, phc, "correct horse battery ").is_right);
    ck_assert(!verify(&somebody, phc, "").is_right);
    close_world();
}
END_TEST

START_TEST(the_same_password_is_kept_differently)
{
    open_world();
    ck_assert(!chy_slice_equal(hash("correct horse battery"), hash("correct horse battery")));
    close_world();
}
END_TEST

START_TEST(a_hash_is_of_one_identity_only)
{
    open_world();
    ck_assert(!verify(&other, hash("correct horse battery"), "correct horse battery").is_right);
    close_world();
}
END_TEST

START_TEST(a_hash_that_costs_less_than_new_ones_is_outdated)
{
    open_world();
    struct chy_slice phc = hash("correct horse battery");
    world.runtime->access.password_cost =
        (struct chy_password_cost){.memory = 65536, .passes = 3, .lanes = 4};
    ck_assert(verify(&somebody, phc, "correct horse battery").is_outdated);
    ck_assert(!verify(&somebody, phc, "wrong horse battery").is_outdated);
    phc = hash("correct horse battery");
    ck_assert(chy_slice_starts_with(phc, chy_text("$argon2id$v=19$m=65536,t=3,p=4$")));
    ck_assert(verify(&somebody, phc, "correct horse battery").is_right);
    ck_assert(!verify(&somebody, phc, "correct horse battery").is_outdated);
    close_world();
}
END_TEST

START_TEST(nobodys_password_is_never_right)
{
    open_world();
    ck_assert(!verify(&somebody, chy_slice_of(NULL, 0), "").is_right);
    ck_assert(!verify(&somebody, chy_slice_of(NULL, 0), "correct horse battery").is_right);
    close_world();
}
END_TEST

#define SALT "AAAAAAAAAAAAAAAAAAAAAA"
#define HASH "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
static const char *const broken_cases[] = {
    "x",
    "$argon2i$v=19$m=64,t=1,p=1$" SALT "$" HASH,
    "$argon2id$v=16$m=64,t=1,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=1$" SALT "$" HASH,
    "$argon2id$v=19$m=,t=1,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=99999999999,t=1,p=1$" SALT "$" HASH,
    "$argon2id$v=19$m=64,t=1,p=1$" SALT,
    "$argon2id$v=19$m=64,t=1,p=1$" SALT "$" HASH "A",
    "$argon2id$v=19$m=64,t=1,p=1$" SALT "=$" HASH,
    "$argon2id$v=19$m=64,t=1,p=1$" SALT "$AAAA",
};

START_TEST(a_damaged_hash_is_told)
{
    struct chy_password_verdict verdict;
    open_world();
    ck_assert_int_eq(chy_password_verify(world.runtime, op, &somebody, chy_text(broken_cases[_i]),
                                         chy_text("correct horse battery"), &verdict),
                     CHY_BROKEN);
    close_world();
}
END_TEST

START_TEST(without_argon2id_there_are_no_passwords)
{
    struct chy_slice phc;
    open_world();
    uint32_t count = world.runtime->services->crypto_count;
    world.runtime->services->crypto_count = 0;
    ck_assert_int_eq(
        chy_password_hash(world.runtime, op, &somebody, chy_text("correct horse battery"), &phc),
        CHY_UNSUPPORTED);
    ck_assert_ptr_nonnull(strstr(test_message(op), "Argon2id"));
    world.runtime->services->crypto_count = count;
    close_world();
}
END_TEST

START_TEST(what_is_no_new_password)
{
    static char longest[CHY_PASSWORD_BYTES_MAX + 2];
    open_world();
    memset(longest, 'a', sizeof longest - 1);
    ck_assert_int_eq(chy_password_check(op, chy_text(longest), chy_text("alice"), "/password"),
                     CHY_BAD_INPUT);
    ck_assert(test_has_issue(op, "/password"));
    ck_assert_int_eq(
        chy_password_check(op, chy_text("Alice@Example.com"), chy_text("alice@example.com"), "/p"),
        CHY_BAD_INPUT);
    longest[CHY_PASSWORD_BYTES_MAX] = '\0';
    ck_assert_int_eq(chy_password_check(op, chy_text(longest), chy_text("alice"), "/password"),
                     CHY_OK);
    close_world();
}
END_TEST

TEST_MAIN("access_password", TEST(a_password_is_told_from_others),
          TEST(the_same_password_is_kept_differently), TEST(a_hash_is_of_one_identity_only),
          TEST(a_hash_that_costs_less_than_new_ones_is_outdated),
          TEST(nobodys_password_is_never_right), TEST_EACH(a_damaged_hash_is_told, broken_cases),
          TEST(without_argon2id_there_are_no_passwords), TEST(what_is_no_new_password))
