#include "x509/name_constraints.h"

#include "x509/name.h"
#include "x509/san.h"
#include "x509_data.h"

/* GeneralName tags. */
enum {
    EMAIL = 0x81,
    DNS = 0x82,
    DIRECTORY = 0xa4,
    URI = 0x86,
    IP = 0x87,
    REGISTERED = 0x88
};

struct judge_case {
    const char *name;
    uint8_t kind;
    const char *base;
    bool base_is_hex;
    const char *value;
    bool value_is_hex;
    bool within; // permitted alone allows it, and excluded alone refuses it
};

/* RFC 5280 4.2.1.10 */
static const struct judge_case judge_cases[] = {
    {"the host itself", DNS, "example.com", false, "example.com", false, true},
    {"labels on the left", DNS, "example.com", false, "a.b.example.com", false, true},
    {"any case", DNS, "Example.COM", false, "A.EXAMPLE.com", false, true},
    {"not a label", DNS, "example.com", false, "badexample.com", false, false},
    {"the other way round", DNS, "a.example.com", false, "example.com", false, false},
    {"leading dot", DNS, ".example.com", false, "a.example.com", false, true},
    {"leading dot is not the host", DNS, ".example.com", false, "example.com", false, false},
    {"wildcard below", DNS, "example.com", false, "*.example.com", false, true},
    {"an empty base is everything", DNS, "", false, "x.test", false, true},

    {"mailbox", EMAIL, "joe@example.com", false, "joe@EXAMPLE.com", false, true},
    {"mailbox, case of the local part", EMAIL, "joe@example.com", false, "Joe@example.com", false,
     false},
    {"all mailboxes of a host", EMAIL, "example.com", false, "x@example.com", false, true},
    {"not of a host below", EMAIL, "example.com", false, "x@a.example.com", false, false},
    {"all hosts below", EMAIL, ".example.com", false, "x@a.example.com", false, true},
    {"not the host itself", EMAIL, ".example.com", false, "x@example.com", false, false},

    {"host of a URI", URI, "host.example", false, "https://u@HOST.example:8443/p", false, true},
    {"not below", URI, "host.example", false, "https://a.host.example/", false, false},
    {"below", URI, ".example", false, "https://a.host.example/", false, true},
    {"nothing before the dot", URI, ".example", false, "https://.example/", false, false},
    {"query", URI, ".example", false, "https://a.example?x=.test", false, true},
    {"deceiving query", URI, ".example", false, "https://a.test?x=.example", false, false},
    {"deceiving user", URI, ".example", false, "https://a.example@b.test/", false, false},

    {"IPv4 network", IP, "c0000200ffffff00", true, "c0000205", true, true},
    {"another IPv4 network", IP, "c0000200ffffff00", true, "c0000305", true, false},
    {"all of IPv4", IP, "0000000000000000", true, "c0000305", true, true},
    {"IPv6 network", IP, "20010db8000000000000000000000000ffffffff000000000000000000000000", true,
     "20010db8000000000000000000000001", true, true},
    {"another IPv6 network", IP, "20010db8000000000000000000000000ffffffff000000000000000000000000",
     true, "20010db9000000000000000000000001", true, false},
    {"IPv6 in an IPv4 network", IP, "0000000000000000", true, "20010db9000000000000000000000001",
     true, false},

    {"directory", DIRECTORY, "300d310b30090603550406130244 45", true,
     "3019310b3009060355040613024445310a300806035504030c0161", true, true},
    {"directory, other case and string", DIRECTORY, "300d310b30090603550406130244 45", true,
     "300d310b3009060355040 60c026465", true, true},
    {"another directory", DIRECTORY, "300d310b30090603550406130244 45", true,
     "300d310b300906035504061302 4652", true, false},
    {"directory, a number is not a text", DIRECTORY, "300c310a30080603550403020161", true,
     "300c310a300806035504030c0161", true, false},
    {"directory, one value of two", DIRECTORY, "300c310a300806035504030c0161", true,
     "3016 3114 3008 0603550403 0c0161 3008 060355040b 0c0162", true, false},
    {"directory, two values", DIRECTORY, "3016 3114 3008 0603550403 0c0161 3008 060355040b 0c0162",
     true, "3016 3114 3008 0603550403 0c0141 3008 060355040b 130142", true, true},
    {"a shorter directory", DIRECTORY, "3019310b3009060355040613024445310a300806035504030c0161",
     true, "300d310b3009060355040613024445", true, false},
};

static struct chy_slice octets(struct chy_op *op, const char *text, bool is_hex)
{
    return is_hex ? x509_hex(op, text) : chy_text(text);
}

/** Makes GeneralNames of one name: what a SAN extension contains. */
static struct chy_slice san_of(struct chy_op *op, uint8_t kind, struct chy_slice value)
{
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice der = {0};
    uint64_t names = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, kind, value);
    chy_der_close(&w, names);
    ck_assert(chy_der_written(&w, &der));
    return der;
}

/** Makes NameConstraints with one base in either list, and reads them. */
static struct chy_name_constraints constraints_of(struct chy_op *op, bool excluded, uint8_t kind,
                                                  struct chy_slice base)
{
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice der = {0};
    struct chy_name_constraints constraints = {{NULL, 0}, {NULL, 0}};
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t list = chy_der_open(&w, CHY_DER_CONTEXT_SET(excluded ? 1 : 0));
    uint64_t subtree = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, kind, base);
    chy_der_close(&w, subtree);
    chy_der_close(&w, list);
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    ck_assert(chy_name_constraints_read(der, &constraints));
    return constraints;
}

START_TEST(judges_names)
{
    const struct judge_case *c = &judge_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice base = octets(op, c->base, c->base_is_hex);
    struct chy_slice san = san_of(op, c->kind, octets(op, c->value, c->value_is_hex));
    struct chy_slice subject = x509_hex(op, "3000");
    struct chy_name_constraints permitted = constraints_of(op, false, c->kind, base);
    struct chy_name_constraints excluded = constraints_of(op, true, c->kind, base);
    ck_assert_msg(chy_name_constraints_allow(op, &permitted, subject, san) ==
                      (c->within ? CHY_OK : CHY_BAD_INPUT),
                  "permitted: %s", c->name);
    ck_assert_msg(chy_name_constraints_allow(op, &excluded, subject, san) ==
                      (c->within ? CHY_BAD_INPUT : CHY_OK),
                  "excluded: %s", c->name);
    test_op_free(op);
}
END_TEST

START_TEST(the_subject_is_a_directory_name)
{
    struct chy_op *op = test_op_new();
    struct chy_slice germany = x509_hex(op, "300d310b3009060355040613024445");
    struct chy_slice france = x509_hex(op, "300d310b3009060355040613024652");
    struct chy_slice none = {0};
    struct chy_name_constraints only = constraints_of(op, false, DIRECTORY, germany);
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, germany, none), CHY_OK);
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, france, none), CHY_BAD_INPUT);
    x509_assert_says(op, "C=FR", "subject");
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, x509_hex(op, "3000"), none), CHY_OK);
    test_op_free(op);
}
END_TEST

START_TEST(an_email_in_the_subject_counts_without_a_san)
{
    struct chy_op *op = test_op_new();
    struct chy_slice subject =
        x509_hex(op, "3014 31123010 06092a864886f70d010901 1603614062"); // a@b
    struct chy_name_constraints only = constraints_of(op, false, EMAIL, chy_text("c"));
    struct chy_slice none = {0};
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, subject, none), CHY_BAD_INPUT);
    x509_assert_says(op, "a@b", "email");
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, subject, san_of(op, DNS, chy_text("x"))),
                     CHY_OK);
    test_op_free(op);
}
END_TEST

START_TEST(other_kinds_are_not_concerned)
{
    struct chy_op *op = test_op_new();
    struct chy_slice subject = x509_hex(op, "3000");
    struct chy_name_constraints only = constraints_of(op, false, DNS, chy_text("example"));
    ck_assert_int_eq(
        chy_name_constraints_allow(op, &only, subject, san_of(op, EMAIL, chy_text("a@b"))), CHY_OK);
    test_op_free(op);
}
END_TEST

START_TEST(what_cannot_be_judged_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice subject = x509_hex(op, "3000");
    struct chy_name_constraints uris = constraints_of(op, true, URI, chy_text(".example"));
    struct chy_name_constraints registered =
        constraints_of(op, true, REGISTERED, x509_hex(op, "2a03"));
    static const char *const hostless[] = {"urn:a:b", "http://192.0.2.1/", "http://[2001:db8::1]/",
                                           "file:///x"};
    for (size_t i = 0; i < sizeof hostless / sizeof hostless[0]; i++) {
        ck_assert_int_eq(
            chy_name_constraints_allow(op, &uris, subject, san_of(op, URI, chy_text(hostless[i]))),
            CHY_BAD_INPUT);
        x509_assert_says(op, "cannot be judged", hostless[i]);
    }
    ck_assert_int_eq(chy_name_constraints_allow(op, &registered, subject,
                                                san_of(op, REGISTERED, x509_hex(op, "2a04"))),
                     CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

START_TEST(a_wildcard_may_not_cover_an_excluded_host)
{
    struct chy_op *op = test_op_new();
    struct chy_slice subject = x509_hex(op, "3000");
    struct chy_name_constraints no = constraints_of(op, true, DNS, chy_text("secret.example"));
    struct chy_name_constraints deep = constraints_of(op, true, DNS, chy_text("a.secret.example"));
    struct chy_slice wildcard = san_of(op, DNS, chy_text("*.example"));
    ck_assert_int_eq(chy_name_constraints_allow(op, &no, subject, wildcard), CHY_BAD_INPUT);
    ck_assert_int_eq(chy_name_constraints_allow(op, &deep, subject, wildcard), CHY_OK);
    struct chy_name_constraints only = constraints_of(op, false, DNS, chy_text("open.example"));
    ck_assert_int_eq(chy_name_constraints_allow(op, &only, subject, wildcard), CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

struct read_case {
    const char *value;
    bool ok;
};

static const struct read_case read_cases[] = {
    {"3007 a005 3003 820161", true},
    {"300e a005 3003 820161 a105 3003 820162", true},
    {"3007 a105 3003 820161", true},
    {"3000", false},
    {"3002 a000", false},
    {"300e a105 3003 820162 a005 3003 820161", false},
    {"300a a008 3006 820161 800100", false},
    {"300a a008 3006 820161 810101", false},
    {"3007 a005 3003 8201c3", false},
    {"3007 a105 3003 8201c3", false},
    {"300a a008 3006 8704c0000201", false},
    {"3006 a004 3002 a400", false},
    {"3007 a005 3003 820161 00", false},
};

START_TEST(reads_strictly)
{
    struct chy_op *op = test_op_new();
    struct chy_name_constraints constraints;
    ck_assert_msg(chy_name_constraints_read(x509_hex(op, read_cases[_i].value), &constraints) ==
                      read_cases[_i].ok,
                  "%s", read_cases[_i].value);
    test_op_free(op);
}
END_TEST

START_TEST(the_work_is_bounded)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 1 << 16, 1 << 20);
    struct chy_der_writer names = chy_der_writer_new(op, 1 << 16, 1 << 20);
    struct chy_slice der = {0};
    struct chy_slice san = {0};
    struct chy_name_constraints constraints;
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t list = chy_der_open(&w, CHY_DER_CONTEXT_SET(1));
    uint64_t sequence = chy_der_open(&names, CHY_DER_SEQUENCE);
    for (int i = 0; i < 1000; i++) {
        chy_der_add_raw(&w, x509_hex(op, "3006 8204 78787878"));
        chy_der_add_element(&names, DNS, chy_text("y"));
    }
    chy_der_close(&names, sequence);
    chy_der_close(&w, list);
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der) && chy_der_written(&names, &san));
    ck_assert(chy_name_constraints_read(der, &constraints));
    ck_assert_int_eq(chy_name_constraints_allow(op, &constraints, x509_hex(op, "3000"), san),
                     CHY_BAD_INPUT);
    x509_assert_says(op, "too many", "bound");
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_name_constraints", TEST_EACH(judges_names, judge_cases),
          TEST(the_subject_is_a_directory_name), TEST(an_email_in_the_subject_counts_without_a_san),
          TEST(other_kinds_are_not_concerned), TEST(what_cannot_be_judged_is_refused),
          TEST(a_wildcard_may_not_cover_an_excluded_host), TEST_EACH(reads_strictly, read_cases),
          TEST(the_work_is_bounded))
