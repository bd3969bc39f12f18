#include "base/slice.h"

#include "base/arena.h"

#include "test_main.h"
#include "test_op.h"

#define T(literal) chy_slice_of("" literal, sizeof(literal) - 1)
#define NONE chy_slice_of(NULL, 0)

START_TEST(finds_parts)
{
    ck_assert(chy_slice_starts_with(T("Bearer x"), T("Bearer ")));
    ck_assert(!chy_slice_starts_with(T("Bear"), T("Bearer ")));
    ck_assert(chy_slice_starts_with(NONE, NONE));
    ck_assert(chy_slice_ends_with(T("a.crl"), T(".crl")));
    ck_assert(!chy_slice_ends_with(T("crl"), T(".crl")));
    ck_assert(!chy_slice_ends_with(T("a.crl "), T(".crl")));
    ck_assert(chy_slice_ends_with(T("x"), NONE));
    ck_assert(chy_slice_contains(T("a needle b"), T("needle")));
    ck_assert(!chy_slice_contains(T("needl"), T("needle")));
    ck_assert(chy_slice_contains(NONE, NONE));
    ck_assert(!chy_slice_contains(NONE, T("x")));
}
END_TEST

START_TEST(finds_bytes)
{
    uint64_t index = 99;
    ck_assert(!chy_slice_find(T("abc"), 'x', &index));
    ck_assert(!chy_slice_find(NONE, 'x', &index));
    ck_assert(!chy_slice_find_last(NONE, 'x', &index));
    ck_assert_uint_eq(index, 99);
    ck_assert(chy_slice_find(T("axbx"), 'x', &index));
    ck_assert_uint_eq(index, 1);
    ck_assert(chy_slice_find_last(T("axbx"), 'x', &index));
    ck_assert_uint_eq(index, 3);
}
END_TEST

START_TEST(cuts_and_trims)
{
    struct chy_slice before = T("old");
    struct chy_slice after = T("old");
    ck_assert(!chy_slice_cut(T("abc"), '=', &before, &after));
    ck_assert(chy_slice_is(before, "old") && chy_slice_is(after, "old"));
    ck_assert(chy_slice_cut(T("a=b=c"), '=', &before, &after));
    ck_assert(chy_slice_is(before, "a") && chy_slice_is(after, "b=c"));
    ck_assert(chy_slice_cut(T("="), '=', &before, &after));
    ck_assert(before.len == 0 && after.len == 0);
    ck_assert(chy_slice_is(chy_slice_trim(T(" \t a b\r\n")), "a b"));
    ck_assert_uint_eq(chy_slice_trim(T(" \n ")).len, 0);
    ck_assert_uint_eq(chy_slice_trim(NONE).len, 0);
    ck_assert(chy_slice_is(chy_slice_first(T("abc"), 2), "ab"));
    ck_assert(chy_slice_is(chy_slice_first(T("abc"), 9), "abc"));
    ck_assert(chy_slice_is(chy_slice_skip(T("abc"), 2), "c"));
    ck_assert_uint_eq(chy_slice_skip(T("abc"), 9).len, 0);
    ck_assert_uint_eq(chy_slice_skip(NONE, 9).len, 0);
}
END_TEST

START_TEST(orders_bytewise)
{
    ck_assert_int_lt(chy_slice_compare(T("a"), T("ab")), 0);
    ck_assert_int_gt(chy_slice_compare(T("b"), T("ab")), 0);
    ck_assert_int_eq(chy_slice_compare(T("ab"), T("ab")), 0);
    ck_assert_int_eq(chy_slice_compare(NONE, NONE), 0);
    ck_assert_int_lt(chy_slice_compare(NONE, T("a")), 0);
    ck_assert_int_gt(chy_slice_compare(T("\xff"), T("a")), 0);
}
END_TEST

START_TEST(ignores_ascii_case_only)
{
    ck_assert(chy_slice_is_nocase(T("Content-TYPE"), "content-type"));
    ck_assert(!chy_slice_is_nocase(T("content"), "content-type"));
    ck_assert(!chy_slice_is_nocase(T("a@"), "a`"));
    ck_assert(!chy_slice_is_nocase(T("[x"), "{x"));
    ck_assert(!chy_slice_is_nocase(T("\xc3\x84"), "\xc3\xa4"));
    struct chy_op *op = test_op_new();
    struct chy_slice lower = NONE;
    ck_assert_int_eq(chy_slice_lower(op, T("AbZ@[\xc3\x84"), &lower), CHY_OK);
    ck_assert(chy_slice_is(lower, "abz@[\xc3\x84"));
    ck_assert_uint_eq(lower.ptr[lower.len], 0);
    test_op_free(op);
}
END_TEST

START_TEST(c_strings_have_no_nul_inside)
{
    struct chy_op *op = test_op_new();
    const char *text = "untouched";
    ck_assert_int_eq(chy_slice_to_cstring(op, T("good.example\0.evil"), &text), CHY_BAD_INPUT);
    ck_assert_str_eq(text, "untouched");
    ck_assert_str_eq(test_op_message(op), "a text of 18 bytes has a NUL at byte 12");
    ck_assert_int_eq(chy_slice_to_cstring(op, T("x\0"), &text), CHY_BAD_INPUT);
    ck_assert_int_eq(chy_slice_to_cstring(op, T("good.example"), &text), CHY_OK);
    ck_assert_str_eq(text, "good.example");
    ck_assert_int_eq(chy_slice_to_cstring(op, NONE, &text), CHY_OK);
    ck_assert_str_eq(text, "");
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_slice_to_cstring(op, T("x"), &text), CHY_NO_MEMORY);
    chy_test_fail_alloc_at(1);
    struct chy_slice lower;
    ck_assert_int_eq(chy_slice_lower(op, T("x"), &lower), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *text;
    int64_t minimum;
    int64_t maximum;
    bool ok;
    int64_t number;
} number_cases[] = {
    {"0", 0, 10, true, 0},
    {"-0", 0, 10, true, 0},
    {"10", 0, 10, true, 10},
    {"11", 0, 10, false, 0},
    {"007", 0, 10, true, 7},
    {"-5", -5, 10, true, -5},
    {"-6", -5, 10, false, 0},
    {"", 0, 10, false, 0},
    {"-", -1, 10, false, 0},
    {"+1", 0, 10, false, 0},
    {" 1", 0, 10, false, 0},
    {"1 ", 0, 10, false, 0},
    {"1x", 0, 10, false, 0},
    {"0x1", 0, 10, false, 0},
    {"9223372036854775807", INT64_MIN, INT64_MAX, true, INT64_MAX},
    {"9223372036854775808", INT64_MIN, INT64_MAX, false, 0},
    {"-9223372036854775808", INT64_MIN, INT64_MAX, true, INT64_MIN},
    {"-9223372036854775809", INT64_MIN, INT64_MAX, false, 0},
    {"99999999999999999999999", INT64_MIN, INT64_MAX, false, 0},
};

START_TEST(reads_numbers)
{
    int64_t number = 77;
    bool ok = chy_slice_parse_i64(chy_text(number_cases[_i].text), number_cases[_i].minimum,
                                  number_cases[_i].maximum, &number);
    ck_assert_msg(ok == number_cases[_i].ok, "'%s'", number_cases[_i].text);
    ck_assert_int_eq(number, ok ? number_cases[_i].number : 77);
}
END_TEST

START_TEST(reads_unsigned_numbers)
{
    uint64_t number = 77;
    ck_assert(!chy_slice_parse_u64(T("18446744073709551616"), UINT64_MAX, &number));
    ck_assert(!chy_slice_parse_u64(T("-1"), UINT64_MAX, &number));
    ck_assert(!chy_slice_parse_u64(NONE, UINT64_MAX, &number));
    ck_assert(!chy_slice_parse_u64(T("7"), 5, &number));
    ck_assert(!chy_slice_parse_u64(T("1"), 0, &number));
    ck_assert_uint_eq(number, 77);
    ck_assert(chy_slice_parse_u64(T("18446744073709551615"), UINT64_MAX, &number));
    ck_assert(number == UINT64_MAX);
    ck_assert(chy_slice_parse_u64(T("5"), 5, &number));
    ck_assert_uint_eq(number, 5);
}
END_TEST

static const struct {
    const char *name;
    const char *text;
    size_t len;
    bool valid;
    bool clean;
    const char *sanitised;
} text_cases[] = {
    {"empty", "", 0, true, true, ""},
    {"ascii", "a b~", 4, true, true, "a b~"},
    {"two, three, four bytes", "\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91", 9, true, true,
     "\xc3\xbc\xe2\x82\xac\xf0\x9f\x94\x91"},
    {"nul", "a\0b", 3, true, false, "a?b"},
    {"newline", "a\nb", 3, true, false, "a?b"},
    {"DEL", "a\x7f", 2, true, false, "a?"},
    {"C1", "a\xc2\x85", 3, true, false, "a?"},
    {"no-break space, after C1", "\xc2\xa0", 2, true, true, "\xc2\xa0"},
    {"right-to-left override",
     "a\xe2\x80\xae"
     "b",
     5, true, false, "a?b"},
    {"left-to-right mark", "\xe2\x80\x8e", 3, true, false, "?"},
    {"zero-width joiner is no control", "\xe2\x80\x8d", 3, true, true, "\xe2\x80\x8d"},
    {"isolate", "\xe2\x81\xa6", 3, true, false, "?"},
    {"Arabic letter mark", "\xd8\x9c", 2, true, false, "?"},
    {"line separator", "\xe2\x80\xa8", 3, true, false, "?"},
    {"last character", "\xf4\x8f\xbf\xbf", 4, true, true, "\xf4\x8f\xbf\xbf"},
    {"beyond the last", "\xf4\x90\x80\x80", 4, false, false, "????"},
    {"surrogate", "\xed\xa0\x80", 3, false, false, "???"},
    {"overlong slash", "\xc0\xaf", 2, false, false, "??"},
    {"overlong, three bytes", "\xe0\x80\xaf", 3, false, false, "???"},
    {"overlong, four bytes", "\xf0\x80\x80\xaf", 4, false, false, "????"},
    {"continuation alone",
     "\x80"
     "a",
     2, false, false, "?a"},
    {"cut off", "a\xe2\x82", 3, false, false, "a??"},
    {"wrong continuation",
     "\xc3"
     "a",
     2, false, false, "?a"},
    {"no such first byte", "\xff", 1, false, false, "?"},
};

START_TEST(knows_utf8)
{
    struct chy_slice text = chy_slice_of(text_cases[_i].text, text_cases[_i].len);
    ck_assert_msg(chy_utf8_is_valid(text) == text_cases[_i].valid, "%s", text_cases[_i].name);
    ck_assert_msg(chy_text_is_clean(text) == text_cases[_i].clean, "%s", text_cases[_i].name);
    char out[16];
    size_t len = chy_text_sanitise(text, out, sizeof out);
    ck_assert_msg(chy_slice_is(chy_slice_of(out, len), text_cases[_i].sanitised), "%s: '%.*s'",
                  text_cases[_i].name, (int)len, out);
    ck_assert(chy_text_is_clean(chy_slice_of(out, len)));
}
END_TEST

START_TEST(sanitising_cuts_between_characters_and_works_in_place)
{
    char out[8];
    ck_assert_uint_eq(chy_text_sanitise(T("ab\xe2\x82\xac"), out, 4), 2);
    ck_assert_uint_eq(chy_text_sanitise(T("ab\xe2\x82\xac"), out, 5), 5);
    ck_assert_uint_eq(chy_text_sanitise(T("abc"), out, 0), 0);
    char text[] = "a\xff\xe2\x80\xae\xc3\xbc"
                  "b";
    size_t len = chy_text_sanitise(chy_slice_of(text, sizeof text - 1), text, sizeof text - 1);
    ck_assert(chy_slice_is(chy_slice_of(text, len), "a??\xc3\xbc"
                                                    "b"));
}
END_TEST

START_TEST(walks_characters)
{
    struct chy_slice text = T("a\xe2\x82\xac");
    uint64_t at = 0;
    uint32_t character = 0;
    ck_assert(chy_utf8_next(text, &at, &character) && character == 'a' && at == 1);
    ck_assert(chy_utf8_next(text, &at, &character) && character == 0x20ac && at == 4);
    ck_assert(!chy_utf8_next(text, &at, &character) && character == 0x20ac && at == 4);
}
END_TEST

TEST_MAIN("slice", TEST(finds_parts), TEST(finds_bytes), TEST(cuts_and_trims),
          TEST(orders_bytewise), TEST(ignores_ascii_case_only), TEST(c_strings_have_no_nul_inside),
          TEST_EACH(reads_numbers, number_cases), TEST(reads_unsigned_numbers),
          TEST_EACH(knows_utf8, text_cases),
          TEST(sanitising_cuts_between_characters_and_works_in_place), TEST(walks_characters))
