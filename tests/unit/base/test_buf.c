#include "base/buf.h"

#include "base/arena.h"
#include "base/sanitize.h"
#include "base/slice.h"

#include "test_main.h"
#include "test_op.h"

#define CHECK_TEXT(buf, expected) \
    ck_assert_msg(chy_slice_is(chy_buf_slice(buf), (expected)), "%.*s", (int)(buf)->len, (buf)->ptr)

enum kind {
    ON_HEAP = 0,
    IN_ARENA = 1,
    IN_SECRETS = 2
};

static const enum kind kinds[] = {ON_HEAP, IN_ARENA, IN_SECRETS};

static void start(struct chy_buf *buf, struct chy_op *op, enum kind kind, size_t max)
{
    if (kind == IN_SECRETS) {
        chy_buf_init_secret(buf, op, max);
    } else {
        chy_buf_init(buf, kind == ON_HEAP ? NULL : op, max);
    }
}

START_TEST(adds_join)
{
    struct chy_op *op = test_op_new();
    struct chy_buf buf;
    start(&buf, op, kinds[_i], 1 << 20);
    chy_buf_add_text(&buf, "one ");
    chy_buf_add(&buf, chy_slice_of(NULL, 0));
    chy_buf_add_u8(&buf, '2');
    chy_buf_add_format(&buf, " %s%03d", "x", 7);
    chy_buf_add_u8(&buf, ' ');
    chy_buf_add_i64(&buf, INT64_MIN);
    chy_buf_add_u8(&buf, ' ');
    chy_buf_add_u64(&buf, UINT64_MAX);
    chy_buf_add_u8(&buf, ' ');
    chy_buf_add_i64(&buf, 0);
    ck_assert(chy_buf_ok(&buf));
    CHECK_TEXT(&buf, "one 2 x007 -9223372036854775808 18446744073709551615 0");
    chy_buf_fini(&buf);
    ck_assert_ptr_null(buf.ptr);
    test_op_free(op);
}
END_TEST

START_TEST(growing_keeps_the_bytes)
{
    struct chy_op *op = test_op_new();
    struct chy_buf buf;
    start(&buf, op, kinds[_i], 100000);
    for (uint32_t i = 0; i < 100000; i++) {
        chy_buf_add_u8(&buf, (uint8_t)(i * 31 >> 3));
    }
    ck_assert(chy_buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 100000);
    uint32_t kept = 0;
    while (kept < 100000 && buf.ptr[kept] == (uint8_t)(kept * 31 >> 3)) {
        kept++;
    }
    ck_assert_uint_eq(kept, 100000);
    chy_buf_add_u8(&buf, 0);
    ck_assert(!chy_buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 100000);
    chy_buf_fini(&buf);
    test_op_free(op);
}
END_TEST

START_TEST(failure_sticks)
{
    struct chy_op *op = test_op_new();
    struct chy_buf buf;
    start(&buf, op, kinds[_i], 8);
    chy_buf_add_text(&buf, "12345");
    chy_buf_add_text(&buf, "6789");
    ck_assert(!chy_buf_ok(&buf));
    chy_buf_add_text(&buf, "x");
    chy_buf_add_u8(&buf, 'x');
    chy_buf_add_format(&buf, "x");
    chy_buf_add_json_string(&buf, chy_text("x"));
    CHECK_TEXT(&buf, "12345");
    ck_assert_int_eq(chy_buf_fail(&buf, op, "the answer"), CHY_NO_MEMORY);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "the answer does not fit into 8 bytes"));
    chy_buf_fini(&buf);
    test_op_free(op);
}
END_TEST

START_TEST(zero_ceiling_accepts_nothing)
{
    struct chy_buf buf = {0};
    chy_buf_add(&buf, chy_slice_of(NULL, 0));
    ck_assert(chy_buf_ok(&buf));
    chy_buf_add_u8(&buf, 1);
    ck_assert(!chy_buf_ok(&buf));
    ck_assert_uint_eq(buf.len, 0);
    chy_buf_fini(&buf);
    ck_assert(chy_buf_ok(&buf));
    chy_buf_add_text(&buf, "after its end it is empty again");
    ck_assert(!chy_buf_ok(&buf));
}
END_TEST

START_TEST(long_formats_fit_up_to_the_ceiling)
{
    struct chy_op *op = test_op_new();
    for (int len = 510; len <= 514; len++) {
        struct chy_buf buf;
        start(&buf, op, kinds[_i], (size_t)len);
        chy_buf_add_format(&buf, "%*d", len, 7);
        ck_assert(chy_buf_ok(&buf));
        ck_assert_uint_eq(buf.len, (size_t)len);
        ck_assert_uint_eq(buf.ptr[len - 1], '7');
        ck_assert_uint_eq(buf.ptr[len - 2], ' ');
        chy_buf_fini(&buf);
        start(&buf, op, kinds[_i], (size_t)len - 1);
        chy_buf_add_format(&buf, "%*d", len, 7);
        ck_assert(!chy_buf_ok(&buf));
        ck_assert_uint_eq(buf.len, 0);
        chy_buf_fini(&buf);
    }
    test_op_free(op);
}
END_TEST

START_TEST(no_memory_is_a_failure)
{
    struct chy_op *op = test_op_new();
    for (long n = 1;; n++) {
        struct chy_buf buf;
        chy_test_fail_alloc_at(n);
        start(&buf, op, kinds[_i], 1 << 20);
        for (int i = 0; i < 100; i++) {
            chy_buf_add_format(&buf, "%*d", 600, i);
        }
        bool fired = chy_test_fail_alloc_fired();
        chy_test_fail_alloc_at(0);
        // One failure of a doubled size is made good by asking for less.
        ck_assert(chy_buf_ok(&buf) || fired);
        ck_assert_uint_eq(buf.len % 600, 0);
        chy_buf_fini(&buf);
        if (!fired) {
            ck_assert_int_gt(n, 1);
            break;
        }
    }
    test_op_free(op);
}
END_TEST

START_TEST(operation_ceiling_is_a_failure)
{
    struct chy_op *op = test_op_new_with(2000);
    struct chy_buf buf;
    chy_buf_init(&buf, op, 1 << 20);
    for (int i = 0; i < 3000; i++) {
        chy_buf_add_u8(&buf, 'x');
    }
    ck_assert(!chy_buf_ok(&buf));
    ck_assert_uint_ge(buf.len, 512);
    test_op_free(op);
}
END_TEST

START_TEST(reserve_keeps_bytes_in_place)
{
    struct chy_buf buf;
    chy_buf_init(&buf, NULL, 5000);
    chy_buf_add_text(&buf, "x");
    chy_buf_reserve(&buf, 4999);
    const uint8_t *ptr = buf.ptr;
    for (int i = 0; i < 4999; i++) {
        chy_buf_add_u8(&buf, 'y');
    }
    ck_assert(chy_buf_ok(&buf));
    ck_assert_ptr_eq(buf.ptr, ptr);
    chy_buf_reserve(&buf, 1);
    ck_assert(!chy_buf_ok(&buf));
    chy_buf_fini(&buf);
}
END_TEST

START_TEST(growing_wipes_the_old_secret)
{
    struct chy_op *op = test_op_new();
    struct chy_buf buf;
    chy_buf_init_secret(&buf, op, 10000);
    chy_buf_add_text(&buf, "a private key");
    const uint8_t *old = buf.ptr;
    while (buf.ptr == old) {
        chy_buf_add_u8(&buf, '.');
    }
    for (size_t i = 0; i < 13; i++) {
        ck_assert_uint_eq(old[i], 0);
    }
    const uint8_t *last = buf.ptr;
    ck_assert_uint_eq(last[0], 'a');
    chy_buf_fini(&buf);
    ck_assert_uint_eq(last[0], 0);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *json;
} json_cases[] = {
    {"", 0, "\"\""},
    {"plain text", 10, "\"plain text\""},
    {"a\"b\\c", 5, "\"a\\\"b\\\\c\""},
    {"\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
    {"\0\x01\x1f\x7f", 4, "\"\\u0000\\u0001\\u001f\\u007f\""},
    {"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x91", 11, "\"gr\xc3\xbc\xc3\x9f \xf0\x9f\x94\x91\""},
    {"a\xff"
     "b\xc3",
     4,
     "\"a\xef\xbf\xbd"
     "b\xef\xbf\xbd\""},
    {"\xed\xa0\x80", 3, "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\""},
};

START_TEST(json_strings_are_escaped)
{
    struct chy_buf buf;
    chy_buf_init(&buf, NULL, 1000);
    chy_buf_add_json_string(&buf, chy_slice_of(json_cases[_i].text, json_cases[_i].len));
    CHECK_TEXT(&buf, json_cases[_i].json);
    chy_buf_fini(&buf);
}
END_TEST

TEST_MAIN("buf", TEST_EACH(adds_join, kinds), TEST_EACH(growing_keeps_the_bytes, kinds),
          TEST_EACH(failure_sticks, kinds), TEST(zero_ceiling_accepts_nothing),
          TEST_EACH(long_formats_fit_up_to_the_ceiling, kinds),
          TEST_EACH(no_memory_is_a_failure, kinds), TEST(operation_ceiling_is_a_failure),
          TEST(reserve_keeps_bytes_in_place), TEST(growing_wipes_the_old_secret),
          TEST_EACH(json_strings_are_escaped, json_cases))
