#include "access/credential.h"

#include "test_main.h"
#include "world.h"

static struct world world;

static void open_world(void)
{
    world_open(&world);
}

START_TEST(a_credential_is_read_back)
{
    uint8_t bytes[CHY_CREDENTIAL_LEN] = {0};
    uint8_t again[CHY_CREDENTIAL_LEN] = {0};
    struct chy_slice text;
    open_world();
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(chy_credential_new(world.runtime, op, CHY_CREDENTIAL_TOKEN, &text), CHY_OK);
    ck_assert_uint_eq(text.len, 4 + 48);
    ck_assert_int_eq(memcmp(text.ptr, "chy_", 4), 0);
    ck_assert(chy_credential_read(CHY_CREDENTIAL_TOKEN, text, bytes));
    ck_assert(!chy_credential_read(CHY_CREDENTIAL_SECRET, text, again));
    ck_assert(chy_credential_read(CHY_CREDENTIAL_TOKEN, text, again));
    ck_assert_int_eq(memcmp(bytes, again, sizeof bytes), 0);
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(two_credentials_differ)
{
    struct chy_slice a;
    struct chy_slice b;
    open_world();
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(chy_credential_new(world.runtime, op, CHY_CREDENTIAL_SECRET, &a), CHY_OK);
    ck_assert_int_eq(chy_credential_new(world.runtime, op, CHY_CREDENTIAL_SECRET, &b), CHY_OK);
    ck_assert(!chy_slice_equal(a, b));
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

START_TEST(every_single_changed_character_is_noticed)
{
    uint8_t bytes[CHY_CREDENTIAL_LEN];
    struct chy_slice text;
    char changed[64];
    open_world();
    struct chy_op *op = test_runtime_op(world.test);
    ck_assert_int_eq(chy_credential_new(world.runtime, op, CHY_CREDENTIAL_TOKEN, &text), CHY_OK);
    for (uint64_t i = 0; i < text.len; i++) {
        memcpy(changed, text.ptr, (size_t)text.len);
        changed[i] = changed[i] == 'A' ? 'B' : 'A';
        ck_assert_msg(
            !chy_credential_read(CHY_CREDENTIAL_TOKEN, chy_slice_of(changed, text.len), bytes),
            "character %u", (unsigned)i);
    }
    test_runtime_op_end(op);
    world_close(&world);
}
END_TEST

static const char *const foreign[] = {
    "",
    "chy_",
    "chy_AAAA",
    "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    "chy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "CHY_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
    "chy_================================================",
};

START_TEST(what_we_did_not_make_is_unreadable)
{
    uint8_t bytes[CHY_CREDENTIAL_LEN];
    ck_assert(!chy_credential_read(CHY_CREDENTIAL_TOKEN, chy_text(foreign[_i]), bytes));
}
END_TEST

// CRC-32 of 32 zero bytes is 190a55ad.
START_TEST(the_checksum_is_crc_32)
{
    uint8_t bytes[CHY_CREDENTIAL_LEN];
    const char *zeros = "chy_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAZClWt";
    ck_assert(chy_credential_read(CHY_CREDENTIAL_TOKEN, chy_text(zeros), bytes));
}
END_TEST

TEST_MAIN("access credential", TEST(a_credential_is_read_back), TEST(two_credentials_differ),
          TEST(every_single_changed_character_is_noticed),
          TEST_EACH(what_we_did_not_make_is_unreadable, foreign), TEST(the_checksum_is_crc_32))
