#include "x509/oid.h"

#include "x509/der_read.h"
#include "x509_data.h"

START_TEST(finds_each_known_one_again)
{
    for (int i = 1; i < CHY_OID_COUNT; i++) {
        struct chy_slice contents = chy_oid_contents((enum chy_oid)i);
        ck_assert_msg(chy_der_oid_valid(contents), "%d is no valid OID", i);
        ck_assert_msg((int)chy_oid_find(contents) == i, "%d (%s) is found as %d", i,
                      chy_oid_name((enum chy_oid)i), (int)chy_oid_find(contents));
    }
}
END_TEST

START_TEST(does_not_find_others)
{
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(chy_oid_find(chy_slice_of(NULL, 0)), CHY_OID_UNKNOWN);
    ck_assert_int_eq(chy_oid_find(x509_hex(op, "55")), CHY_OID_UNKNOWN);
    ck_assert_int_eq(chy_oid_find(x509_hex(op, "550470")), CHY_OID_UNKNOWN);
    ck_assert_int_eq(chy_oid_find(x509_hex(op, "2b0601040182371402037f7f7f")), CHY_OID_UNKNOWN);
    ck_assert_uint_eq(chy_oid_contents(CHY_OID_UNKNOWN).len, 0);
    test_op_free(op);
}
END_TEST

struct text_case {
    const char *octets;
    const char *text;
};

static const struct text_case text_cases[] = {
    {"550403", "2.5.4.3"},
    {"2a864886f70d01010b", "1.2.840.113549.1.1.11"},
    {"2b0601040182371402 03", "1.3.6.1.4.1.311.20.2.3"},
    {"0992268993f22c640119", "0.9.2342.19200300.100.1.25"},
    {"8837", "2.999"},
    {"27", "0.39"},
    {"28", "1.0"},
    {"4f", "1.39"},
    {"50", "2.0"},
    {"", "..."},
    {"2a86", "1.2..."},
    {"2affffffffffffffffff7f", "1.2..."},
};

START_TEST(writes_dotted_text)
{
    const struct text_case *c = &text_cases[_i];
    struct chy_op *op = test_op_new();
    char text[CHY_OID_TEXT_SIZE];
    ck_assert_str_eq(chy_oid_text(x509_hex(op, c->octets), text), c->text);
    test_op_free(op);
}
END_TEST

START_TEST(cuts_a_very_long_one)
{
    char text[CHY_OID_TEXT_SIZE];
    uint8_t octets[200];
    memset(octets, 0x7f, sizeof octets);
    const char *written = chy_oid_text(chy_slice_of(octets, sizeof octets), text);
    ck_assert_uint_lt(strlen(written), CHY_OID_TEXT_SIZE);
    ck_assert_str_eq(written + strlen(written) - 3, "...");
}
END_TEST

START_TEST(describes_by_name_or_number)
{
    struct chy_op *op = test_op_new();
    char text[CHY_OID_TEXT_SIZE];
    ck_assert_str_eq(chy_oid_describe(x509_hex(op, "551d13"), text), "basicConstraints");
    ck_assert_str_eq(chy_oid_describe(x509_hex(op, "551d7f"), text), "2.5.29.127");
    test_op_free(op);
}
END_TEST

/* The dotted forms, apart from the octets in the source. */
static const struct {
    enum chy_oid oid;
    const char *text;
} numbers[] = {
    {CHY_OID_COMMON_NAME, "2.5.4.3"},
    {CHY_OID_EMAIL_ADDRESS, "1.2.840.113549.1.9.1"},
    {CHY_OID_SUBJECT_ALT_NAME, "2.5.29.17"},
    {CHY_OID_ISSUING_DISTRIBUTION_POINT, "2.5.29.28"},
    {CHY_OID_AUTHORITY_INFO_ACCESS, "1.3.6.1.5.5.7.1.1"},
    {CHY_OID_OCSP_NO_CHECK, "1.3.6.1.5.5.7.48.1.5"},
    {CHY_OID_ANY_EXTENDED_KEY_USAGE, "2.5.29.37.0"},
    {CHY_OID_OCSP_SIGNING, "1.3.6.1.5.5.7.3.9"},
    {CHY_OID_ACCESS_CA_ISSUERS, "1.3.6.1.5.5.7.48.2"},
    {CHY_OID_UPN, "1.3.6.1.4.1.311.20.2.3"},
    {CHY_OID_EXTENSION_REQUEST, "1.2.840.113549.1.9.14"},
    {CHY_OID_MICROSOFT_EXTENSION_REQUEST, "1.3.6.1.4.1.311.2.1.14"},
    {CHY_OID_P521, "1.3.132.0.35"},
    {CHY_OID_ED448, "1.3.101.113"},
    {CHY_OID_ML_DSA_44, "2.16.840.1.101.3.4.3.17"},
    {CHY_OID_ML_DSA_87, "2.16.840.1.101.3.4.3.19"},
    {CHY_OID_SHA512_ECDSA, "1.2.840.10045.4.3.4"},
    {CHY_OID_SHA384, "2.16.840.1.101.3.4.2.2"},
};

START_TEST(octets_are_the_numbers_of_the_standards)
{
    char text[CHY_OID_TEXT_SIZE];
    ck_assert_str_eq(chy_oid_text(chy_oid_contents(numbers[_i].oid), text), numbers[_i].text);
}
END_TEST

TEST_MAIN("x509_oid", TEST(finds_each_known_one_again), TEST(does_not_find_others),
          TEST_EACH(writes_dotted_text, text_cases), TEST(cuts_a_very_long_one),
          TEST(describes_by_name_or_number),
          TEST_EACH(octets_are_the_numbers_of_the_standards, numbers))
