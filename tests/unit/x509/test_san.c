#include "x509/san.h"

#include "x509_data.h"

struct type_case {
    const char *word;
    int type; // -1: unknown
};

static const struct type_case type_cases[] = {
    {"dns_name", CHY_SAN_DNS},
    {"DNS", CHY_SAN_DNS},
    {"dns", CHY_SAN_DNS},
    {"dnsName", CHY_SAN_DNS},
    {"DNS_NAME", CHY_SAN_DNS},
    {"ip_address", CHY_SAN_IP},
    {"IP", CHY_SAN_IP},
    {"ipAddress", CHY_SAN_IP},
    {"EMAIL", CHY_SAN_EMAIL},
    {"email", CHY_SAN_EMAIL},
    {"uri", CHY_SAN_URI},
    {"URL", CHY_SAN_URI},
    {"UPN", CHY_SAN_UPN},
    {"x400", -1},
    {"", -1},
};

START_TEST(finds_types_by_word)
{
    const struct type_case *c = &type_cases[_i];
    enum chy_san_type type = CHY_SAN_DNS;
    bool found = chy_san_type_find(chy_text(c->word), &type);
    ck_assert_msg(found == (c->type >= 0), "%s", c->word);
    ck_assert(!found || (int)type == c->type);
}
END_TEST

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

#define A60 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

struct make_case {
    enum chy_san_type type;
    const char *in;
    const char *text; // NULL: refused
    const char *message;
};

static const struct make_case make_cases[] = {
    {CHY_SAN_DNS, "www.Example.COM", "www.example.com", NULL},
    {CHY_SAN_DNS, "www.example.com.", "www.example.com", NULL},
    {CHY_SAN_DNS, "localhost", "localhost", NULL},
    {CHY_SAN_DNS, "db01", "db01", NULL},
    {CHY_SAN_DNS, "_acme-challenge.example", "_acme-challenge.example", NULL},
    {CHY_SAN_DNS, "my_host.example", "my_host.example", NULL},
    {CHY_SAN_DNS, "*.Example.com", "*.example.com", NULL},
    {CHY_SAN_DNS, "*.MÜNCHEN.example", "*.xn--mnchen-3ya.example", NULL},
    {CHY_SAN_DNS, "bücher.example", "xn--bcher-kva.example", NULL},
    {CHY_SAN_DNS, "BÜCHER.Example.", "xn--bcher-kva.example", NULL},
    {CHY_SAN_DNS, "faß.de", "xn--fa-hia.de", NULL}, // IDNA 2008 keeps it apart from fass.de
    {CHY_SAN_DNS, "XN--BCHER-KVA.example", "xn--bcher-kva.example", NULL},
    {CHY_SAN_DNS, "例え。jp", "xn--r8jz45g.jp", NULL}, // U+3002 is a dot
    {CHY_SAN_DNS, "_srv.bücher.example", "_srv.xn--bcher-kva.example", NULL},
    {CHY_SAN_DNS, A63 ".example", A63 ".example", NULL},
    {CHY_SAN_DNS, "a" A63 ".example", NULL, "bad label"},
    {CHY_SAN_DNS, A63 "." A63 "." A63 "." A63, NULL, "longer than 253"},
    {CHY_SAN_DNS, "a..b", NULL, "bad label"},
    {CHY_SAN_DNS, ".a", NULL, "bad label"},
    {CHY_SAN_DNS, ".", NULL, "bad label"},
    {CHY_SAN_DNS, "a.example..", NULL, "bad label"},
    {CHY_SAN_DNS, "-a.example", NULL, "bad label"},
    {CHY_SAN_DNS, "a-.example", NULL, "bad label"},
    {CHY_SAN_DNS, "a b.example", NULL, "bad label"},
    {CHY_SAN_DNS, "http://example", NULL, "bad label"},
    {CHY_SAN_DNS, "*", NULL, "not the whole first label"},
    {CHY_SAN_DNS, "*.", NULL, "not the whole first label"},
    {CHY_SAN_DNS, "*example.com", NULL, "not the whole first label"},
    {CHY_SAN_DNS, "www.*.example", NULL, "not the whole first label"},
    {CHY_SAN_DNS, "a.*.example", NULL, "not the whole first label"},
    {CHY_SAN_DNS, "*.*.example", NULL, "bad label"},
    {CHY_SAN_DNS, A63 "." A63 "." A63 "." A60 "a", A63 "." A63 "." A63 "." A60 "a", NULL},
    {CHY_SAN_DNS, "*." A63 "." A63 "." A63 "." A60, NULL, "longer than 253"},
    {CHY_SAN_DNS, "\uff0a.example", NULL, "bad label"}, // a full-width asterisk is no wildcard
    {CHY_SAN_DNS, "xn--a.example", NULL, "IDNA"},
    {CHY_SAN_DNS, "10.0.0.1", NULL, "ip_address"},
    {CHY_SAN_DNS, "host.123", NULL, "last label is a number"},
    {CHY_SAN_DNS, "a\u202eb.example", NULL, "bidirectional"},
    {CHY_SAN_DNS, "a\tb", NULL, "control"},
    {CHY_SAN_DNS, "", NULL, "empty"},

    {CHY_SAN_IP, "192.0.2.1", "192.0.2.1", NULL},
    {CHY_SAN_IP, "2001:DB8:0:0:0:0:0:1", "2001:db8::1", NULL},
    {CHY_SAN_IP, "::", "::", NULL},
    {CHY_SAN_IP, "::ffff:192.0.2.1", "192.0.2.1", NULL},
    {CHY_SAN_IP, "::ffff:c000:201", "192.0.2.1", NULL},
    {CHY_SAN_IP, "192.0.2.01", NULL, "not an IPv4 or IPv6 address"},
    {CHY_SAN_IP, "192.0.2", NULL, "not an IPv4"},
    {CHY_SAN_IP, "0x7f.1", NULL, "not an IPv4"},
    {CHY_SAN_IP, "192.0.2.0/24", NULL, "not an IPv4"},
    {CHY_SAN_IP, "fe80::1%eth0", NULL, "not an IPv4"},
    {CHY_SAN_IP, "[::1]", NULL, "not an IPv4"},
    {CHY_SAN_IP, "localhost", NULL, "not an IPv4"},
    {CHY_SAN_IP, " 192.0.2.1", NULL, "not an IPv4"},

    {CHY_SAN_EMAIL, "Joe.User+tag@Mail.Example", "Joe.User+tag@mail.example", NULL},
    {CHY_SAN_EMAIL, "joe@bücher.example", "joe@xn--bcher-kva.example", NULL},
    {CHY_SAN_EMAIL, "root@localhost", "root@localhost", NULL},
    {CHY_SAN_EMAIL, "joe", NULL, "no '@'"},
    {CHY_SAN_EMAIL, "@example", NULL, "local part"},
    {CHY_SAN_EMAIL, "joe@", NULL, "host name"},
    {CHY_SAN_EMAIL, "a@b@example", NULL, "local part"},
    {CHY_SAN_EMAIL, "jö@example", NULL, "local part"},
    {CHY_SAN_EMAIL, ".joe@example", NULL, "local part"},
    {CHY_SAN_EMAIL, "joe..x@example", NULL, "local part"},
    {CHY_SAN_EMAIL, "\"joe x\"@example", NULL, "local part"},
    {CHY_SAN_EMAIL, A63 "aa@example", NULL, "local part"},
    {CHY_SAN_EMAIL, "joe@" A63 "." A63 "." A63 "." A60, NULL, "longer than 254"},
    {CHY_SAN_EMAIL, "joe@*.example", NULL, "must not be a wildcard"},
    {CHY_SAN_EMAIL, "joe@[192.0.2.1]", NULL, "bad label"},
    {CHY_SAN_EMAIL, "joe\r\nBcc: x@example", NULL, "local part"},

    {CHY_SAN_URI, "HTTPS://User@WWW.Example.com:8443/Path?Q=1#F",
     "https://User@www.example.com:8443/Path?Q=1#F", NULL},
    {CHY_SAN_URI, "spiffe://Acme.example/ns/prod/sa/web", "spiffe://acme.example/ns/prod/sa/web",
     NULL},
    {CHY_SAN_URI, "urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6",
     "urn:uuid:F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6", NULL},
    {CHY_SAN_URI, "URN:a:b", "urn:a:b", NULL},
    {CHY_SAN_URI, "file:///etc/hosts", "file:///etc/hosts", NULL},
    {CHY_SAN_URI, "http://[2001:DB8::0]/", "http://[2001:db8::]/", NULL},
    {CHY_SAN_URI, "http://192.0.2.1:80/", "http://192.0.2.1:80/", NULL},
    {CHY_SAN_URI, "http://bücher.example/x", "http://xn--bcher-kva.example/x", NULL},
    {CHY_SAN_URI, "http://example/%C3%BC", "http://example/%C3%BC", NULL},
    {CHY_SAN_URI, "http://example/ü", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://example/%C", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://example/a b", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://us er@example/", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://*.example/", NULL, "must not be a wildcard"},
    {CHY_SAN_URI, "http://", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://:80/", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://user@/x", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://example:port/", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://[::1", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://[::1]x/", NULL, "absolute URI"},
    {CHY_SAN_URI, "http://[]/", NULL, "not an IPv4 or IPv6"},
    {CHY_SAN_URI, "/path", NULL, "absolute URI"},
    {CHY_SAN_URI, "//example/path", NULL, "absolute URI"},
    {CHY_SAN_URI, "example", NULL, "absolute URI"},
    {CHY_SAN_URI, "1http://example", NULL, "absolute URI"},
    {CHY_SAN_URI, "http:", NULL, "absolute URI"},

    {CHY_SAN_UPN, "Joe@Corp.Example", "Joe@corp.example", NULL},
    {CHY_SAN_UPN, "jürgen@corp.example", "jürgen@corp.example", NULL},
    {CHY_SAN_UPN, "joe", NULL, "user@domain"},
    {CHY_SAN_UPN, "@corp", NULL, "user@domain"},
    {CHY_SAN_UPN, "joe@", NULL, "user@domain"},
    {CHY_SAN_UPN, "joe\n@corp", NULL, "control"},
};

START_TEST(makes_names_canonical)
{
    const struct make_case *c = &make_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_san san = {.type = CHY_SAN_DNS};
    chy_status status = chy_san_make(op, c->type, chy_text(c->in), &san);
    if (c->text == NULL) {
        ck_assert_msg(status == CHY_BAD_INPUT, "%s became %.*s", c->in, (int)san.text.len,
                      (const char *)san.text.ptr);
        x509_assert_says(op, c->message, c->in);
        ck_assert(san.text.ptr == NULL);
    } else {
        struct chy_san again;
        ck_assert_msg(status == CHY_OK, "%s: %s", c->in, test_op_message(op));
        x509_assert_text(san.text, c->text);
        ck_assert_int_eq(chy_san_make(op, c->type, san.text, &again), CHY_OK);
        ck_assert_msg(chy_san_equal(&san, &again), "%s is not stable", c->in);
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_nul_is_never_the_end)
{
    struct chy_op *op = test_op_new();
    for (int type = 0; type < CHY_SAN_TYPE_COUNT; type++) {
        struct chy_san san;
        ck_assert_int_eq(chy_san_make(op, (enum chy_san_type)type,
                                      chy_slice_of("a@good.example\0.evil", 20), &san),
                         CHY_BAD_INPUT);
    }
    struct chy_san san;
    ck_assert_int_eq(chy_san_make(op, CHY_SAN_IP, chy_slice_of("192.0.2.1\0", 10), &san),
                     CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

START_TEST(a_wildcard_is_told_and_may_be_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_san san;
    struct chy_slice text;
    ck_assert_int_eq(chy_san_make(op, CHY_SAN_DNS, chy_text("*.example"), &san), CHY_OK);
    ck_assert(chy_san_is_wildcard(&san));
    ck_assert_int_eq(chy_san_make(op, CHY_SAN_DNS, chy_text("a.example"), &san), CHY_OK);
    ck_assert(!chy_san_is_wildcard(&san));
    ck_assert_int_eq(chy_san_dns_canonical(op, chy_text("*.example"), false, &text), CHY_BAD_INPUT);
    x509_assert_says(op, "must not be a wildcard", "*.example");
    test_op_free(op);
}
END_TEST

START_TEST(equal_names_are_kept_once)
{
    struct chy_op *op = test_op_new();
    static const struct {
        enum chy_san_type type;
        const char *text;
    } given[] = {
        {CHY_SAN_DNS, "a.example"}, {CHY_SAN_DNS, "b.example"}, {CHY_SAN_DNS, "A.EXAMPLE."},
        {CHY_SAN_UPN, "a@b"},       {CHY_SAN_EMAIL, "a@b"},     {CHY_SAN_IP, "::ffff:10.0.0.1"},
        {CHY_SAN_IP, "10.0.0.1"},   {CHY_SAN_DNS, "b.example"},
    };
    struct chy_san sans[8];
    for (size_t i = 0; i < 8; i++) {
        ck_assert_int_eq(chy_san_make(op, given[i].type, chy_text(given[i].text), &sans[i]),
                         CHY_OK);
    }
    ck_assert_uint_eq(chy_san_unique(sans, 8), 5);
    x509_assert_text(sans[0].text, "a.example");
    x509_assert_text(sans[1].text, "b.example");
    ck_assert(sans[2].type == CHY_SAN_UPN);
    ck_assert(sans[3].type == CHY_SAN_EMAIL);
    x509_assert_text(sans[4].text, "10.0.0.1");
    test_op_free(op);
}
END_TEST

START_TEST(writes_what_it_reads)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_hex(op, "3058"
                                        "820c66756c6c2e6578616d706c65"
                                        "820e2a2e66756c6c2e6578616d706c65"
                                        "8704c0000201"
                                        "8710 20010db8000000000000000000000001"
                                        "8103614062"
                                        "8606783a2f2f792f"
                                        "a013 060a2b060104018237140203 a0050c03614062");
    struct chy_sans sans = {0};
    struct chy_slice again = {0};
    ck_assert_msg(chy_sans_read(op, der, &sans) == CHY_OK, "%s", test_op_message(op));
    ck_assert_uint_eq(sans.count, 7);
    x509_assert_text(sans.items[0].text, "full.example");
    x509_assert_text(sans.items[1].text, "*.full.example");
    x509_assert_text(sans.items[2].text, "192.0.2.1");
    x509_assert_text(sans.items[3].text, "2001:db8::1");
    x509_assert_text(sans.items[4].text, "a@b");
    x509_assert_text(sans.items[5].text, "x://y/");
    x509_assert_text(sans.items[6].text, "a@b");
    struct chy_der_writer w = chy_der_writer_new(op, 64, 4096);
    chy_sans_write(&w, &sans);
    ck_assert(chy_der_written(&w, &again));
    ck_assert(chy_slice_equal(again, der));
    test_op_free(op);
}
END_TEST

struct der_case {
    const char *der;
    const char *message;
};

static const struct der_case der_cases[] = {
    {"3000", "from 1 to 100"},
    {"", "malformed"},
    {"3003820161ff", "malformed"},
    {"3003820261", "malformed"},
    {"30058203610062", "NUL"},
    {"30048202c3bc", "outside ASCII"},
    {"3002 8200", "empty"},
    {"3007 8705 0102030405", "4 or 16 octets"},
    {"3004 8802 2a03", "choice 8"},
    {"3004 a402 3000", "choice 4"},
    {"300b a009 06022a03 a0030c0161", "otherName of the type 1.2.3"},
    {"3013 a011 060a2b060104018237140203 a0031301 61", "UTF8String"},
    {"3015 a013 060a2b060104018237140203 a0050c03614062 0500", "malformed"},
    {"3006 a004 0402 2a03", "malformed"},
};

START_TEST(refuses_other_der)
{
    const struct der_case *c = &der_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_sans sans = {NULL, 99};
    ck_assert_int_eq(chy_sans_read(op, x509_hex(op, c->der), &sans), CHY_BAD_INPUT);
    x509_assert_says(op, c->message, c->der);
    ck_assert_uint_eq(sans.count, 99);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_san", TEST_EACH(finds_types_by_word, type_cases),
          TEST_EACH(makes_names_canonical, make_cases), TEST(a_nul_is_never_the_end),
          TEST(a_wildcard_is_told_and_may_be_refused), TEST(equal_names_are_kept_once),
          TEST(writes_what_it_reads), TEST_EACH(refuses_other_der, der_cases))
