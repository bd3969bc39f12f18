#include "x509/name.h"

#include "x509_data.h"

struct type_case {
    const char *word;
    int type; // -1: unknown
};

static const struct type_case type_cases[] = {
    {"common_name", CHY_NAME_COMMON_NAME},
    {"commonName", CHY_NAME_COMMON_NAME},
    {"cn", CHY_NAME_COMMON_NAME},
    {"ORGANIZATION", CHY_NAME_ORGANIZATION},
    {"O", CHY_NAME_ORGANIZATION},
    {"organizationalUnit", CHY_NAME_ORGANIZATIONAL_UNIT},
    {"ou", CHY_NAME_ORGANIZATIONAL_UNIT},
    {"country", CHY_NAME_COUNTRY},
    {"C", CHY_NAME_COUNTRY},
    {"province", CHY_NAME_STATE},
    {"ST", CHY_NAME_STATE},
    {"state", CHY_NAME_STATE},
    {"locality", CHY_NAME_LOCALITY},
    {"domain_component", CHY_NAME_DOMAIN_COMPONENT},
    {"DC", CHY_NAME_DOMAIN_COMPONENT},
    {"email", -1},
    {"", -1},
};

START_TEST(finds_types_by_word)
{
    const struct type_case *c = &type_cases[_i];
    enum chy_name_type type = CHY_NAME_COMMON_NAME;
    bool found = chy_name_type_find(chy_text(c->word), &type);
    ck_assert_msg(found == (c->type >= 0), "%s", c->word);
    ck_assert(!found || (int)type == c->type);
}
END_TEST

#define X16 "xxxxxxxxxxxxxxxx"
#define X64 X16 X16 X16 X16
#define U16 "üüüüüüüüüüüüüüüü"
#define U64 U16 U16 U16 U16

struct value_case {
    enum chy_name_type type;
    const char *value;
    const char *canonical; // NULL: refused
    const char *message;
};

static const struct value_case value_cases[] = {
    {CHY_NAME_COMMON_NAME, "Service.Acme.com", "Service.Acme.com", NULL},
    {CHY_NAME_COMMON_NAME, "Zürich \"AG\" + Söhne, #1", "Zürich \"AG\" + Söhne, #1", NULL},
    {CHY_NAME_COMMON_NAME, X64, X64, NULL},
    {CHY_NAME_COMMON_NAME, U64, U64, NULL}, // characters count, not octets
    {CHY_NAME_COMMON_NAME, X64 "x", NULL, "common_name has 65 characters: at most 64"},
    {CHY_NAME_ORGANIZATION, X64 "x", NULL, "organization has 65"},
    {CHY_NAME_ORGANIZATIONAL_UNIT, X64 "x", NULL, "organizational_unit has 65"},
    {CHY_NAME_LOCALITY, X64 X64, X64 X64, NULL},
    {CHY_NAME_LOCALITY, X64 X64 "x", NULL, "locality has 129 characters: at most 128"},
    {CHY_NAME_STATE, X64 X64 "x", NULL, "state has 129"},
    {CHY_NAME_COUNTRY, "DE", "DE", NULL},
    {CHY_NAME_COUNTRY, "de", "de", NULL},
    {CHY_NAME_COUNTRY, "D", NULL, "two letters"},
    {CHY_NAME_COUNTRY, "DEU", NULL, "two letters"},
    {CHY_NAME_COUNTRY, "D1", NULL, "two letters"},
    {CHY_NAME_DOMAIN_COMPONENT, "Example", "example", NULL},
    {CHY_NAME_DOMAIN_COMPONENT, "a.b", NULL, "one label"},
    {CHY_NAME_DOMAIN_COMPONENT, "münchen", NULL, "one label"},
    {CHY_NAME_DOMAIN_COMPONENT, X64, NULL, "at most 63"},
    {CHY_NAME_COMMON_NAME, "", NULL, "common_name is empty"},
    {CHY_NAME_COMMON_NAME, "  ", NULL, "common_name is empty"},
    {CHY_NAME_COMMON_NAME, " admin ", "admin", NULL}, // one name for who compares as RFC 4518 says
    {CHY_NAME_COMMON_NAME, "a b", "a b", NULL},
    {CHY_NAME_COMMON_NAME, "a\n", NULL, "control or bidirectional"},
    {CHY_NAME_COMMON_NAME, "a\nb", NULL, "control or bidirectional"},
    {CHY_NAME_COMMON_NAME, "a\x7f", NULL, "control or bidirectional"},
    {CHY_NAME_COMMON_NAME, "a\xc2\x85", NULL, "control or bidirectional"},
    {CHY_NAME_COMMON_NAME, "a\xe2\x80\xae", NULL, "control or bidirectional"},
    {CHY_NAME_COMMON_NAME, "caf\xe9", NULL, "not valid UTF-8"},
};

START_TEST(makes_values_canonical)
{
    const struct value_case *c = &value_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice value = {0};
    chy_status status = chy_name_canonical(op, c->type, chy_text(c->value), &value);
    if (c->canonical != NULL) {
        ck_assert_int_eq(status, CHY_OK);
        x509_assert_text(value, c->canonical);
    } else {
        ck_assert_int_eq(status, CHY_BAD_INPUT);
        x509_assert_says(op, c->message, c->value);
        ck_assert(value.ptr == NULL);
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_nul_in_a_value_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice value;
    ck_assert_int_eq(
        chy_name_canonical(op, CHY_NAME_COMMON_NAME, chy_slice_of("good\0evil", 9), &value),
        CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

static struct chy_name_attribute attribute(enum chy_name_type type, const char *value)
{
    return (struct chy_name_attribute){type, chy_text(value)};
}

START_TEST(encodes_each_type_in_its_string)
{
    struct chy_op *op = test_op_new();
    const struct chy_name_attribute attributes[] = {
        attribute(CHY_NAME_DOMAIN_COMPONENT, "ex"),
        attribute(CHY_NAME_COUNTRY, "DE"),
        attribute(CHY_NAME_COMMON_NAME, "ü"),
    };
    struct chy_name name = {attributes, 3};
    struct chy_slice der = {0};
    ck_assert_int_eq(chy_name_encode(op, &name, &der), CHY_OK);
    x509_assert_octets(op, der,
                       "302e"
                       "31123010 060a0992268993f22c640119 16026578"
                       "310b3009 0603550406 13024445"
                       "310b3009 06035504 03 0c02c3bc",
                       "name");
    struct chy_name again;
    ck_assert_int_eq(chy_name_parse(op, der, &again), CHY_OK);
    ck_assert_uint_eq(again.count, 3);
    for (uint64_t i = 0; i < again.count; i++) {
        ck_assert(again.attributes[i].type == attributes[i].type);
        ck_assert(chy_slice_equal(again.attributes[i].value, attributes[i].value));
    }
    test_op_free(op);
}
END_TEST

START_TEST(an_empty_name_is_a_name)
{
    struct chy_op *op = test_op_new();
    struct chy_name name = {NULL, 0};
    struct chy_slice der = {0};
    struct chy_slice text = {0};
    ck_assert_int_eq(chy_name_encode(op, &name, &der), CHY_OK);
    x509_assert_octets(op, der, "3000", "empty");
    ck_assert(chy_name_is_empty(der));
    ck_assert(chy_name_well_formed(der));
    ck_assert_int_eq(chy_name_parse(op, der, &name), CHY_OK);
    ck_assert_uint_eq(name.count, 0);
    ck_assert_int_eq(chy_name_text(op, der, &text), CHY_OK);
    ck_assert_uint_eq(text.len, 0);
    test_op_free(op);
}
END_TEST

START_TEST(sorts_and_keeps_the_order_within_a_type)
{
    struct chy_name_attribute attributes[] = {
        attribute(CHY_NAME_COMMON_NAME, "cn"),      attribute(CHY_NAME_ORGANIZATIONAL_UNIT, "one"),
        attribute(CHY_NAME_COUNTRY, "DE"),          attribute(CHY_NAME_ORGANIZATIONAL_UNIT, "two"),
        attribute(CHY_NAME_DOMAIN_COMPONENT, "dc"),
    };
    static const char *const want[] = {"dc", "DE", "one", "two", "cn"};
    struct chy_name name = {attributes, 5};
    struct chy_slice value;
    chy_name_sort(attributes, 5);
    for (size_t i = 0; i < 5; i++) {
        x509_assert_text(attributes[i].value, want[i]);
    }
    ck_assert(chy_name_get(&name, CHY_NAME_ORGANIZATIONAL_UNIT, &value));
    x509_assert_text(value, "one");
    ck_assert(!chy_name_get(&name, CHY_NAME_LOCALITY, &value));
}
END_TEST

START_TEST(only_units_and_components_repeat)
{
    struct chy_op *op = test_op_new();
    for (int type = 0; type < CHY_NAME_TYPE_COUNT; type++) {
        const struct chy_name_attribute twice[] = {attribute((enum chy_name_type)type, "xx"),
                                                   attribute((enum chy_name_type)type, "yy")};
        struct chy_name name = {twice, 2};
        bool repeats = type == CHY_NAME_ORGANIZATIONAL_UNIT || type == CHY_NAME_DOMAIN_COMPONENT;
        ck_assert_int_eq(chy_name_check(op, &name), repeats ? CHY_OK : CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

struct der_case {
    const char *der;
    bool well_formed;
    const char *text;    // RFC 4514, if it is
    const char *message; // of chy_name_parse, NULL: fine
};

#define CN_A "310a3008 0603550403 0c0161"
#define OU_B "310a3008 060355040b 0c0162"

static const struct der_case der_cases[] = {
    {"300c" CN_A, true, "CN=a", NULL},
    {"3018" CN_A OU_B, true, "OU=b,CN=a", NULL},
    {"3016 3114 3008 0603550403 0c0161 3008 060355040b 0c0162", true, "CN=a+OU=b", "multi-valued"},
    {"300c 310a3008 0603550403 160161", true, "CN=a", NULL},
    {"300c 310a3008 0603550403 130161", true, "CN=a", NULL},
    {"300d 310b3009 0603550403 1e020061", true, "CN=a", NULL},
    {"300f 310d300b 0603550403 1e0420ac00fc", true, "CN=€ü", NULL},
    {"300f 310d300b 0603550403 1c0400000061", true, "CN=a", "string type 28"},
    {"300c 310a3008 0603550403 1401fc", true, "CN=ü", "string type 20"},
    {"300c 310a3008 0603550403 020161", true, "CN=#020161", "string type 2"},
    {"300b 31093007 06022a03 0c0161", true, "1.2.3=#0c0161", "1.2.3"},
    {"3011 310f300d 06092a864886f70d010901 160161", false, NULL, "malformed"},
    {"3014 31123010 06092a864886f70d010901 1603614062", true, "emailAddress=a@b",
     "1.2.840.113549.1.9.1 emailAddress"},
    {"300c 310a3008 0603550403 0c0100", false, NULL, "NUL"},
    {"300d 310b3009 0603550403 1e020000", false, NULL, "NUL"},
    {"300c 310a3008 0603550403 1e0161", false, NULL, "NUL"},
    {"300d 310b3009 0603550403 1e02d800", false, NULL, "NUL"},
    {"300c 310a3008 0603550403 130123", false, NULL, "NUL"},
    {"300c 310a3008 0603550403 1601e4", false, NULL, "NUL"},
    {"300c 310a3008 0603550403 0c01e4", false, NULL, "NUL"},
    {"300d 310b3009 0603550403 0c02200a", true, "CN=\\ \\0A", "control"},
    {"3012 3110300e 0603550403 0c07 232c2b223c3e5c", true, "CN=\\#\\,\\+\\\"\\<\\>\\\\", NULL},
    {"300d 310b3009 0603550403 0c022020", true, "CN=\\ \\ ", "is empty"},
    {"300c" CN_A "00", false, NULL, "malformed"},
    {"300d" CN_A, false, NULL, "malformed"},
    {"3002 3100", false, NULL, "malformed"},
    {"3100", false, NULL, "malformed"},
    {"", false, NULL, "malformed"},
};

START_TEST(reads_names)
{
    const struct der_case *c = &der_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_hex(op, c->der);
    struct chy_slice text = {0};
    struct chy_name name = {NULL, 99};
    ck_assert_msg(chy_name_well_formed(der) == c->well_formed, "%s", c->der);
    chy_status status = chy_name_text(op, der, &text);
    ck_assert_msg(status == (c->well_formed ? CHY_OK : CHY_BAD_INPUT), "%s", c->der);
    if (c->well_formed) {
        x509_assert_text(text, c->text);
    }
    status = chy_name_parse(op, der, &name);
    ck_assert_msg(status == (c->message == NULL ? CHY_OK : CHY_BAD_INPUT), "%s: %s", c->der,
                  test_op_message(op));
    if (c->message != NULL) {
        x509_assert_says(op, c->message, c->der);
        ck_assert_uint_eq(name.count, 99);
    }
    test_op_free(op);
}
END_TEST

START_TEST(takes_what_it_knows_of_any_name)
{
    struct chy_op *op = test_op_new();
    struct chy_name name = {NULL, 99};
    for (size_t i = 0; i < sizeof der_cases / sizeof der_cases[0]; i++) {
        struct chy_slice der = x509_hex(op, der_cases[i].der);
        ck_assert_msg(chy_name_known(op, der, &name) ==
                          (der_cases[i].well_formed ? CHY_OK : CHY_BAD_INPUT),
                      "%s", der_cases[i].der);
    }
    // CN=a+OU=b, 1.2.3=x
    const char *mixed = "3023 3114 3008 0603550403 0c0161 3008 060355040b 0c0162"
                        "310b 3009 0602 2a03 0c0378797a";
    ck_assert_int_eq(chy_name_known(op, x509_hex(op, mixed), &name), CHY_OK);
    ck_assert_uint_eq(name.count, 2);
    ck_assert_int_eq(name.attributes[0].type, CHY_NAME_ORGANIZATIONAL_UNIT);
    x509_assert_text(name.attributes[0].value, "b");
    x509_assert_text(name.attributes[1].value, "a");
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_name", TEST_EACH(finds_types_by_word, type_cases),
          TEST_EACH(makes_values_canonical, value_cases), TEST(a_nul_in_a_value_is_refused),
          TEST(encodes_each_type_in_its_string), TEST(an_empty_name_is_a_name),
          TEST(sorts_and_keeps_the_order_within_a_type), TEST(only_units_and_components_repeat),
          TEST_EACH(reads_names, der_cases), TEST(takes_what_it_knows_of_any_name))
