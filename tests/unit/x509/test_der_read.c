#include "x509/der_read.h"

#include "x509_data.h"

/* Each case: octets, whether they are accepted, and what is left over or yielded. */

struct element_case {
    const char *name;
    const char *in;
    bool ok;
    uint64_t contents_len;
    uint64_t rest_len;
};

static const struct element_case element_cases[] = {
    {"nothing", "", false, 0, 0},
    {"tag alone", "04", false, 0, 1},
    {"empty contents", "0400", true, 0, 0},
    {"short form", "0401aa", true, 1, 0},
    {"short form with more after it", "0401aa05", true, 1, 1},
    {"contents cut off", "0402aa", false, 0, 3},
    {"another tag", "0201aa", false, 0, 3},
    {"indefinite length", "0480aa0000", false, 0, 5},
    {"long form where short fits", "048101aa", false, 0, 4},
    {"long form, 127 where short fits", "04817f", false, 0, 3},
    {"leading zero in a long length", "0482008100", false, 0, 5},
    {"length octets cut off", "048201", false, 0, 3},
    {"five length octets", "04850100000000", false, 0, 7},
    {"reserved length", "04ffaa", false, 0, 3},
    {"four gibibytes promised", "0484ffffffff00", false, 0, 7},
};

START_TEST(takes_elements)
{
    const struct element_case *c = &element_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, c->in));
    struct chy_slice contents = {NULL, 99};
    ck_assert_msg(chy_der_take(&der, CHY_DER_OCTET_STRING, &contents) == c->ok, "%s", c->name);
    ck_assert_msg(contents.len == (c->ok ? c->contents_len : 99), "%s: output", c->name);
    ck_assert_msg(der.rest.len == c->rest_len, "%s: cursor", c->name);
    test_op_free(op);
}
END_TEST

START_TEST(takes_long_elements)
{
    struct chy_op *op = test_op_new();
    for (uint64_t len = 126; len < 70000; len += len < 300 ? 1 : 9973) {
        uint8_t *octets = chy_alloc(op, len + 5);
        struct chy_slice contents = {0};
        uint64_t at = 0;
        octets[at++] = 0x30;
        if (len < 0x80) {
            octets[at++] = (uint8_t)len;
        } else {
            uint64_t count = len < 0x100 ? 1 : len < 0x10000 ? 2 : 3;
            octets[at++] = (uint8_t)(0x80 | count);
            for (uint64_t i = count; i > 0; i--) {
                octets[at++] = (uint8_t)(len >> (8 * (i - 1)));
            }
        }
        struct chy_der der = chy_der_of(chy_slice_of(octets, at + len));
        struct chy_der cut = chy_der_of(chy_slice_of(octets, at + len - 1));
        struct chy_slice whole = {0};
        struct chy_der again = der;
        ck_assert(chy_der_take(&der, CHY_DER_SEQUENCE, &contents));
        ck_assert_uint_eq(contents.len, len);
        ck_assert(chy_der_done(&der));
        ck_assert(chy_der_whole(&again, &whole));
        ck_assert_uint_eq(whole.len, at + len);
        ck_assert(!chy_der_take(&cut, CHY_DER_SEQUENCE, &contents));
    }
    test_op_free(op);
}
END_TEST

START_TEST(refuses_tags_of_many_octets)
{
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, "1f810101aa"));
    uint8_t tag = 77;
    struct chy_slice contents = {NULL, 99};
    ck_assert(!chy_der_any(&der, &tag, &contents));
    ck_assert_uint_eq(tag, 77);
    ck_assert_uint_eq(contents.len, 99);
    ck_assert(!chy_der_whole(&der, &contents));
    test_op_free(op);
}
END_TEST

START_TEST(optional_elements_may_be_absent_but_not_broken)
{
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, "020101"));
    struct chy_der inner = {0};
    bool present = true;
    ck_assert(chy_der_optional(&der, CHY_DER_CONTEXT_SET(0), &present, &inner));
    ck_assert(!present);
    ck_assert_uint_eq(der.rest.len, 3);
    der = chy_der_of(x509_hex(op, "a003020101"));
    ck_assert(chy_der_optional(&der, CHY_DER_CONTEXT_SET(0), &present, &inner));
    ck_assert(present);
    ck_assert_uint_eq(inner.rest.len, 3);
    der = chy_der_of(x509_hex(op, "a004020101"));
    ck_assert(!chy_der_optional(&der, CHY_DER_CONTEXT_SET(0), &present, &inner));
    test_op_free(op);
}
END_TEST

START_TEST(a_reader_may_descend)
{
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, "3005 3103 020107 0500"));
    uint64_t value = 0;
    ck_assert(chy_der_enter(&der, CHY_DER_SEQUENCE, &der));
    ck_assert_uint_eq(der.rest.len, 5);
    ck_assert(chy_der_enter(&der, CHY_DER_SET, &der));
    ck_assert(chy_der_u64(&der, &value) && chy_der_done(&der));
    ck_assert_uint_eq(value, 7);
    test_op_free(op);
}
END_TEST

struct integer_case {
    const char *in;
    bool integer;   // chy_der_integer accepts
    bool magnitude; // chy_der_magnitude accepts
    bool fits;      // chy_der_u64 accepts
    uint64_t value; // if it fits
};

static const struct integer_case integer_cases[] = {
    {"0200", false, false, false, 0},
    {"020100", true, true, true, 0},
    {"020101", true, true, true, 1},
    {"02017f", true, true, true, 127},
    {"020180", true, false, false, 0},
    {"02020080", true, true, true, 128},
    {"0202007f", false, false, false, 0},
    {"02020000", false, false, false, 0},
    {"0202ff80", false, false, false, 0},
    {"0202ff7f", true, false, false, 0},
    {"0208"
     "7fffffffffffffff",
     true, true, true, INT64_MAX},
    {"0209"
     "00ffffffffffffffff",
     true, true, true, UINT64_MAX},
    {"0209"
     "010000000000000000",
     true, true, false, 0},
    {"0402"
     "0101",
     false, false, false, 0},
};

START_TEST(takes_integers)
{
    const struct integer_case *c = &integer_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, c->in));
    struct chy_der a = der;
    struct chy_der b = der;
    struct chy_der d = der;
    struct chy_slice contents = {0};
    uint64_t value = 4711;
    ck_assert_msg(chy_der_integer(&a, &contents) == c->integer, "%s", c->in);
    ck_assert_msg(chy_der_magnitude(&b, &contents) == c->magnitude, "%s", c->in);
    ck_assert_msg(chy_der_u64(&d, &value) == c->fits, "%s", c->in);
    ck_assert_uint_eq(value, c->fits ? c->value : 4711);
    ck_assert_uint_eq(b.rest.len, c->magnitude ? 0 : der.rest.len);
    test_op_free(op);
}
END_TEST

START_TEST(a_magnitude_has_no_leading_zero)
{
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, "02020080 020100"));
    struct chy_slice magnitude = {0};
    ck_assert(chy_der_magnitude(&der, &magnitude));
    x509_assert_octets(op, magnitude, "80", "128");
    ck_assert(chy_der_magnitude(&der, &magnitude));
    ck_assert_uint_eq(magnitude.len, 0);
    test_op_free(op);
}
END_TEST

struct simple_case {
    const char *in;
    bool ok;
    uint32_t value;
};

static const struct simple_case boolean_cases[] = {
    {"0101ff", true, 1}, {"010100", true, 0},    {"010101", false, 0},
    {"0100", false, 0},  {"0102ffff", false, 0}, {"0201ff", false, 0},
};

START_TEST(takes_booleans)
{
    const struct simple_case *c = &boolean_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, c->in));
    bool value = false;
    ck_assert_msg(chy_der_boolean(&der, &value) == c->ok, "%s", c->in);
    ck_assert_msg(value == (c->ok && c->value == 1), "%s", c->in);
    test_op_free(op);
}
END_TEST

START_TEST(a_default_boolean_is_absent_or_true)
{
    struct chy_op *op = test_op_new();
    bool value = true;
    struct chy_der der = chy_der_of(x509_hex(op, "020101"));
    ck_assert(chy_der_boolean_default(&der, &value) && !value);
    ck_assert_uint_eq(der.rest.len, 3);
    der = chy_der_of(x509_hex(op, "0101ff"));
    ck_assert(chy_der_boolean_default(&der, &value) && value);
    der = chy_der_of(x509_hex(op, "010100"));
    ck_assert(!chy_der_boolean_default(&der, &value));
    test_op_free(op);
}
END_TEST

static const struct simple_case oid_cases[] = {
    {"0603550403", true, 0}, {"0600", false, 0},        {"060155", true, 0},
    {"060281", false, 0},    {"06032a8001", false, 0},  {"06038037ff", false, 0},
    {"06022a86", false, 0},  {"06042a868d00", true, 0}, {"0403550403", false, 0},
};

START_TEST(takes_object_identifiers)
{
    const struct simple_case *c = &oid_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, c->in));
    struct chy_slice contents = {0};
    ck_assert_msg(chy_der_oid(&der, &contents) == c->ok, "%s", c->in);
    test_op_free(op);
}
END_TEST

static const struct simple_case named_bits_cases[] = {
    {"030100", true, 0},
    {"03020780", true, 1},
    {"030205a0", true, 5},
    {"030204a0", false, 0},
    {"030207c0", false, 0},
    {"03020080", false, 0},
    {"03020001", true, 0x80},
    {"0303070080", true, 0x100},
    {"0303000080", false, 0},
    {"030107", false, 0},
    {"03020880", false, 0},
    {"0300", false, 0},
    {"03050000000180", false, 0},
    {"03050000000001", true, UINT32_C(0x80000000)},
    {"0306000000000001", false, 0},
};

START_TEST(takes_named_bits)
{
    const struct simple_case *c = &named_bits_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der der = chy_der_of(x509_hex(op, c->in));
    uint32_t mask = 99;
    ck_assert_msg(chy_der_named_bits(&der, CHY_DER_BIT_STRING, &mask) == c->ok, "%s", c->in);
    ck_assert_msg(mask == (c->ok ? c->value : 99), "%s: %x", c->in, mask);
    test_op_free(op);
}
END_TEST

START_TEST(takes_bits_octets_and_null)
{
    struct chy_op *op = test_op_new();
    struct chy_slice octets = {0};
    struct chy_der der = chy_der_of(x509_hex(op, "030300aabb 0402ccdd 0500"));
    ck_assert(chy_der_bits(&der, &octets));
    x509_assert_octets(op, octets, "aabb", "bits");
    ck_assert(chy_der_octets(&der, &octets));
    x509_assert_octets(op, octets, "ccdd", "octets");
    ck_assert(chy_der_null(&der));
    ck_assert(chy_der_done(&der));
    der = chy_der_of(x509_hex(op, "030304aab0"));
    ck_assert(!chy_der_bits(&der, &octets));
    der = chy_der_of(x509_hex(op, "0300"));
    ck_assert(!chy_der_bits(&der, &octets));
    der = chy_der_of(x509_hex(op, "050100"));
    ck_assert(!chy_der_null(&der));
    test_op_free(op);
}
END_TEST

struct time_case {
    uint8_t tag;
    const char *text;
    bool ok;
    int64_t seconds;
};

/* RFC 5280 4.1.2.5.1 and 4.1.2.5.2 */
static const struct time_case time_cases[] = {
    {0x17, "700101000000Z", true, 0},
    {0x17, "491231235959Z", true, INT64_C(2524607999)},
    {0x17, "500101000000Z", true, INT64_C(-631152000)},
    {0x17, "240229120000Z", true, INT64_C(1709208000)},
    {0x17, "230229120000Z", false, 0},
    {0x17, "700101000060Z", false, 0},
    {0x17, "700101240000Z", false, 0},
    {0x17, "701301000000Z", false, 0},
    {0x17, "7001010000Z", false, 0},
    {0x17, "700101000000", false, 0},
    {0x17, "700101000000+0000", false, 0},
    {0x17, "70010100000 Z", false, 0},
    {0x17, "7001010000-1Z", false, 0},
    {0x18, "20500101000000Z", true, INT64_C(2524608000)},
    {0x18, "99991231235959Z", true, INT64_C(253402300799)},
    {0x18, "20491231235959Z", false, 0},
    {0x18, "20500101000000.5Z", false, 0},
    {0x18, "2050010100Z", false, 0},
    {0x18, "20500101000000", false, 0},
    {0x13, "700101000000Z", false, 0},
};

START_TEST(takes_times)
{
    const struct time_case *c = &time_cases[_i];
    struct chy_op *op = test_op_new();
    uint64_t len = strlen(c->text);
    uint8_t *octets = chy_alloc(op, 2 + len);
    octets[0] = c->tag;
    octets[1] = (uint8_t)len;
    memcpy(octets + 2, c->text, len);
    struct chy_der der = chy_der_of(chy_slice_of(octets, 2 + len));
    int64_t time = 4711;
    ck_assert_msg(chy_der_time(&der, &time) == c->ok, "%s", c->text);
    ck_assert_msg(time == (c->ok ? c->seconds * 1000000 : 4711), "%s", c->text);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_der_read", TEST_EACH(takes_elements, element_cases), TEST(takes_long_elements),
          TEST(refuses_tags_of_many_octets), TEST(optional_elements_may_be_absent_but_not_broken),
          TEST(a_reader_may_descend), TEST_EACH(takes_integers, integer_cases),
          TEST(a_magnitude_has_no_leading_zero), TEST_EACH(takes_booleans, boolean_cases),
          TEST(a_default_boolean_is_absent_or_true), TEST_EACH(takes_object_identifiers, oid_cases),
          TEST_EACH(takes_named_bits, named_bits_cases), TEST(takes_bits_octets_and_null),
          TEST_EACH(takes_times, time_cases))
