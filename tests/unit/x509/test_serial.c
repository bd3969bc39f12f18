#include "x509/certificate.h"

#include "base/encode.h"
#include "x509_data.h"

struct make_case {
    const char *random;
    const char *serial;
};

static const struct make_case make_cases[] = {
    {"00112233445566778899aabbccddeeff", "10112233445566778899aabbccddeeff"},
    {"0f112233445566778899aabbccddeeff", "1f112233445566778899aabbccddeeff"},
    {"80112233445566778899aabbccddeeff", "10112233445566778899aabbccddeeff"},
    {"ff112233445566778899aabbccddeeff", "7f112233445566778899aabbccddeeff"},
    {"4a112233445566778899aabbccddee00", "4a112233445566778899aabbccddee00"},
};

START_TEST(a_serial_of_ours_has_32_digits)
{
    const struct make_case *c = &make_cases[_i];
    struct chy_op *op = test_op_new();
    uint8_t serial[CHY_SERIAL_SIZE];
    char text[CHY_SERIAL_TEXT_SIZE];
    chy_serial_make(x509_hex(op, c->random).ptr, serial);
    chy_serial_text(chy_slice_of(serial, sizeof serial), text);
    ck_assert_str_eq(text, c->serial);
    test_op_free(op);
}
END_TEST

START_TEST(writes_other_serials)
{
    struct chy_op *op = test_op_new();
    char text[CHY_SERIAL_TEXT_SIZE];
    chy_serial_text(chy_slice_of(NULL, 0), text);
    ck_assert_str_eq(text, "00");
    chy_serial_text(x509_hex(op, "0a01"), text);
    ck_assert_str_eq(text, "0a01");
    chy_serial_text(x509_hex(op, "ffffffffffffffffffffffffffffffffffffffff"), text);
    ck_assert_str_eq(text, "ffffffffffffffffffffffffffffffffffffffff");
    test_op_free(op);
}
END_TEST

struct parse_case {
    const char *text;
    const char *octets; // NULL: refused
};

static const struct parse_case parse_cases[] = {
    {"4a1b", "4a1b"},
    {"4A:1B", "4a1b"},
    {" 4a 1b ", "4a1b"},
    {"0x4a1B", "4a1b"},
    {"0X0004a", "4a"},
    {"a", "0a"},
    {"abc", "0abc"},
    {"00:00:ab:cd", "abcd"},
    {"0", ""},
    {"0x0", ""},
    {"ffffffffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffffffffffff"},
    {"00ffffffffffffffffffffffffffffffffffffffff", "ffffffffffffffffffffffffffffffffffffffff"},
    {"1ffffffffffffffffffffffffffffffffffffffff", NULL},
    {"", NULL},
    {"0x", NULL},
    {":", NULL},
    {"4a1g", NULL},
    {"-4a", NULL},
};

START_TEST(reads_what_people_paste)
{
    const struct parse_case *c = &parse_cases[_i];
    struct chy_op *op = test_op_new();
    uint8_t octets[20];
    uint64_t len = 99;
    bool ok = chy_serial_parse(chy_text(c->text), octets, &len);
    ck_assert_msg(ok == (c->octets != NULL), "%s", c->text);
    if (ok) {
        x509_assert_octets(op, chy_slice_of(octets, len), c->octets, c->text);
    } else {
        ck_assert_uint_eq(len, 99);
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_serial", TEST_EACH(a_serial_of_ours_has_32_digits, make_cases),
          TEST(writes_other_serials), TEST_EACH(reads_what_people_paste, parse_cases))
