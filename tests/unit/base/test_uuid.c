#include "base/uuid.h"

#include "base/arena.h"

#include "test_main.h"
#include "test_op.h"

START_TEST(both_cases_are_read_lower_is_written)
{
    struct chy_uuid uuid;
    ck_assert(chy_uuid_parse(chy_text("0190A3f4-5b6C-7d8e-9F00-112233445566"), &uuid));
    static const uint8_t bytes[16] = {0x01, 0x90, 0xa3, 0xf4, 0x5b, 0x6c, 0x7d, 0x8e,
                                      0x9f, 0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66};
    ck_assert_mem_eq(uuid.bytes, bytes, 16);
    char text[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&uuid, text);
    ck_assert_str_eq(text, "0190a3f4-5b6c-7d8e-9f00-112233445566");
    struct chy_op *op = test_op_new();
    struct chy_slice slice;
    ck_assert_int_eq(chy_uuid_text(op, &uuid, &slice), CHY_OK);
    ck_assert(chy_slice_is(slice, text));
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_uuid_text(op, &uuid, &slice), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

static const char *const malformed[] = {
    "",
    "0190a3f4-5b6c-7d8e-9f00-11223344556",
    "0190a3f4-5b6c-7d8e-9f00-1122334455667",
    "0190a3f45b6c7d8e9f00112233445566",
    "{190a3f4-5b6c-7d8e-9f00-11223344556}",
    "0190a3f4+5b6c-7d8e-9f00-112233445566",
    "0190a3f45-b6c-7d8e-9f00-112233445566",
    "0190a3g4-5b6c-7d8e-9f00-112233445566",
    "0190a3f4-5b6c-7d8e-9f00-11223344556 ",
};

START_TEST(malformed_is_refused)
{
    struct chy_uuid uuid = {{9}};
    ck_assert_msg(!chy_uuid_parse(chy_text(malformed[_i]), &uuid), "%s", malformed[_i]);
    ck_assert_uint_eq(uuid.bytes[0], 9);
}
END_TEST

START_TEST(version_7_is_as_in_rfc_9562)
{
    // RFC 9562 appendix A.6: 2022-02-22 19:22:22 UTC, rand_a 0xcc3, rand_b 0x18c4dc0c0c07398f.
    static const uint8_t random[10] = {0x0c, 0xc3, 0x18, 0xc4, 0xdc, 0x0c, 0x0c, 0x07, 0x39, 0x8f};
    struct chy_uuid uuid = chy_uuid_v7(INT64_C(1645557742000), random);
    char text[CHY_UUID_TEXT_SIZE];
    chy_uuid_format(&uuid, text);
    ck_assert_str_eq(text, "017f22e2-79b0-7cc3-98c4-dc0c0c07398f");
    static const uint8_t ones[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    uuid = chy_uuid_v7(-5, ones);
    chy_uuid_format(&uuid, text);
    ck_assert_str_eq(text, "00000000-0000-7fff-bfff-ffffffffffff");
}
END_TEST

START_TEST(order_follows_time)
{
    static const uint8_t low[10] = {0};
    static const uint8_t high[10] = {255, 255, 255, 255, 255, 255, 255, 255, 255, 255};
    struct chy_uuid earlier = chy_uuid_v7(1000, high);
    struct chy_uuid later = chy_uuid_v7(1001, low);
    ck_assert_int_lt(chy_uuid_compare(&earlier, &later), 0);
    ck_assert_int_gt(chy_uuid_compare(&later, &earlier), 0);
    ck_assert_int_eq(chy_uuid_compare(&later, &later), 0);
    struct chy_uuid nil = {{0}};
    ck_assert(chy_uuid_is_nil(&nil));
    ck_assert(!chy_uuid_is_nil(&later));
}
END_TEST

TEST_MAIN("uuid", TEST(both_cases_are_read_lower_is_written),
          TEST_EACH(malformed_is_refused, malformed), TEST(version_7_is_as_in_rfc_9562),
          TEST(order_follows_time))
