#include "base/encode.h"

#include "base/arena.h"

#include "test_main.h"
#include "test_op.h"

START_TEST(hex_both_ways)
{
    char text[CHY_HEX_LEN(4)];
    chy_hex_encode(chy_slice_of("\x00\x7f\xab\xff", 4), text);
    ck_assert(chy_slice_is(chy_slice_of(text, sizeof text), "007fabff"));
    uint8_t bytes[4];
    size_t len = 99;
    struct chy_buffer out = {bytes, sizeof bytes};
    ck_assert(chy_hex_decode(chy_text("007fABfF"), out, &len));
    ck_assert_uint_eq(len, 4);
    ck_assert_mem_eq(bytes, "\x00\x7f\xab\xff", 4);
    ck_assert(chy_hex_decode(chy_text(""), out, &len));
    ck_assert_uint_eq(len, 0);
}
END_TEST

static const char *const bad_hex[] = {"0",     "0g", "g0", "0x",        " 00",
                                      "00:11", "@0", "`0", "0011223344"};

START_TEST(bad_hex_is_refused)
{
    uint8_t bytes[4] = {9, 9, 9, 9};
    size_t len = 99;
    ck_assert_msg(!chy_hex_decode(chy_text(bad_hex[_i]), (struct chy_buffer){bytes, 4}, &len), "%s",
                  bad_hex[_i]);
    ck_assert_uint_eq(len, 99);
    ck_assert_uint_eq(bytes[0], 9);
}
END_TEST

/* RFC 4648 section 10, and the two digits in which the alphabets differ. */
static const struct {
    const char *bytes;
    const char *base64;
    const char *base64url;
} base64_cases[] = {
    {"", "", ""},
    {"f", "Zg==", "Zg"},
    {"fo", "Zm8=", "Zm8"},
    {"foo", "Zm9v", "Zm9v"},
    {"foob", "Zm9vYg==", "Zm9vYg"},
    {"fooba", "Zm9vYmE=", "Zm9vYmE"},
    {"foobar", "Zm9vYmFy", "Zm9vYmFy"},
    {"\xfb\xff\xbe", "+/++", "-_--"},
};

START_TEST(base64_both_ways)
{
    struct chy_slice bytes = chy_text(base64_cases[_i].bytes);
    char text[16];
    uint8_t decoded[8];
    size_t len = 99;
    struct chy_buffer out = {decoded, bytes.len}; // exactly as long as needed
    chy_base64_encode(bytes, text);
    ck_assert(chy_slice_is(chy_slice_of(text, CHY_BASE64_LEN(bytes.len)), base64_cases[_i].base64));
    ck_assert(chy_base64_decode(chy_text(base64_cases[_i].base64), out, &len));
    ck_assert(chy_slice_equal(chy_slice_of(decoded, len), bytes));
    chy_base64url_encode(bytes, text);
    ck_assert(
        chy_slice_is(chy_slice_of(text, CHY_BASE64URL_LEN(bytes.len)), base64_cases[_i].base64url));
    ck_assert(chy_base64url_decode(chy_text(base64_cases[_i].base64url), out, &len));
    ck_assert(chy_slice_equal(chy_slice_of(decoded, len), bytes));
}
END_TEST

static const struct {
    const char *text;
    bool url;
} bad_base64[] = {
    {"Zg", false},
    {"Zg=", false},
    {"Zg===", false},
    {"Z===", false},
    {"====", false},
    {"Zh==", false},
    {"Zm9=", false},
    {"Zm9v\n", false},
    {"Zm 9v", false},
    {"Zm-v", false},
    {"Zg==Zg==", false},
    {"=Zg=", false},
    {"Zg==", true},
    {"Zh", true},
    {"Zm9", true},
    {"Z", true},
    {"Zm+v", true},
    {"Zm9vZ", true},
    {"Zm9vYmFyZm9vYmFy", true}, // too long for `out`
};

START_TEST(bad_base64_is_refused)
{
    uint8_t bytes[8] = {9};
    size_t len = 99;
    struct chy_buffer out = {bytes, sizeof bytes};
    struct chy_slice text = chy_text(bad_base64[_i].text);
    bool ok = bad_base64[_i].url ? chy_base64url_decode(text, out, &len)
                                 : chy_base64_decode(text, out, &len);
    ck_assert_msg(!ok, "%s", bad_base64[_i].text);
    ck_assert_uint_eq(len, 99);
    ck_assert_uint_eq(bytes[0], 9);
}
END_TEST

START_TEST(buffers_get_what_encode_writes)
{
    uint8_t bytes[1000];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (uint8_t)(i * 7);
    }
    static const size_t lens[] = {0, 1, 2, 191, 192, 193, 385, 1000};
    for (size_t i = 0; i < sizeof lens / sizeof lens[0]; i++) {
        struct chy_slice slice = chy_slice_of(bytes, lens[i]);
        char text[2048];
        struct chy_buf buf;
        chy_buf_init(&buf, NULL, 4096);
        chy_hex_add(&buf, slice);
        chy_hex_encode(slice, text);
        ck_assert(chy_slice_equal(chy_buf_slice(&buf), chy_slice_of(text, CHY_HEX_LEN(lens[i]))));
        buf.len = 0;
        chy_base64_add(&buf, slice);
        chy_base64_encode(slice, text);
        ck_assert(
            chy_slice_equal(chy_buf_slice(&buf), chy_slice_of(text, CHY_BASE64_LEN(lens[i]))));
        buf.len = 0;
        chy_base64url_add(&buf, slice);
        chy_base64url_encode(slice, text);
        ck_assert(
            chy_slice_equal(chy_buf_slice(&buf), chy_slice_of(text, CHY_BASE64URL_LEN(lens[i]))));
        chy_buf_fini(&buf);
    }
    struct chy_buf small;
    chy_buf_init(&small, NULL, 100);
    chy_base64_add(&small, chy_slice_of(bytes, 76));
    ck_assert(!chy_buf_ok(&small));
    chy_buf_fini(&small);
}
END_TEST

START_TEST(hex_text_lives_in_the_arena)
{
    struct chy_op *op = test_op_new();
    struct chy_slice text = {NULL, 0};
    ck_assert_int_eq(chy_hex_text(op, chy_text("az"), &text), CHY_OK);
    ck_assert_str_eq((const char *)text.ptr, "617a");
    ck_assert_uint_eq(text.len, 4);
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_hex_text(op, chy_text("az"), &text), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

TEST_MAIN("encode", TEST(hex_both_ways), TEST_EACH(bad_hex_is_refused, bad_hex),
          TEST_EACH(base64_both_ways, base64_cases), TEST_EACH(bad_base64_is_refused, bad_base64),
          TEST(buffers_get_what_encode_writes), TEST(hex_text_lives_in_the_arena))
