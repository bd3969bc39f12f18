#include "x509/certificate.h"
#include "x509/csr.h"

#include "x509_data.h"

/* The files are told of in tests/data/x509/make.py. */

static struct chy_csr read_good(struct chy_op *op, const char *file)
{
    struct chy_csr csr = {.sans = {NULL, 0}};
    ck_assert_msg(chy_csr_read(op, x509_pem(op, file), &csr) == CHY_OK, "%s: %s", file,
                  test_op_message(op));
    return csr;
}

START_TEST(reads_a_request_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, "csr-p256");
    static const struct {
        enum chy_name_type type;
        const char *value;
    } subject[] = {
        {CHY_NAME_COUNTRY, "DE"},
        {CHY_NAME_STATE, "Bavaria"},
        {CHY_NAME_LOCALITY, "Munich"},
        {CHY_NAME_ORGANIZATION, "Example GmbH"},
        {CHY_NAME_ORGANIZATIONAL_UNIT, "Research"},
        {CHY_NAME_COMMON_NAME, "full.example"},
    };
    static const struct {
        enum chy_san_type type;
        const char *text;
    } names[] = {
        {CHY_SAN_DNS, "full.example"},
        {CHY_SAN_DNS, "*.full.example"},
        {CHY_SAN_IP, "192.0.2.1"},
        {CHY_SAN_IP, "2001:db8::1"},
        {CHY_SAN_EMAIL, "admin@full.example"},
        {CHY_SAN_URI, "https://full.example/path"},
        {CHY_SAN_UPN, "admin@full.example"},
    };
    ck_assert_uint_eq(csr.subject.count, 6);
    for (size_t i = 0; i < 6; i++) {
        ck_assert(csr.subject.attributes[i].type == subject[i].type);
        x509_assert_text(csr.subject.attributes[i].value, subject[i].value);
    }
    ck_assert_uint_eq(csr.sans.count, 7);
    for (size_t i = 0; i < 7; i++) {
        ck_assert(csr.sans.items[i].type == names[i].type);
        x509_assert_text(csr.sans.items[i].text, names[i].text);
    }
    ck_assert(csr.has_key_usage);
    ck_assert_uint_eq(csr.key_usage, CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_AGREEMENT);
    ck_assert(csr.has_ekus);
    ck_assert_uint_eq(csr.ekus, CHY_EKU_SERVER_AUTH | CHY_EKU_CLIENT_AUTH);
    ck_assert(csr.has_basic_constraints && !csr.basic_constraints.is_ca);
    ck_assert_uint_eq(csr.signature_algorithm, CHY_SIG_ECDSA_SHA256);
    ck_assert_uint_eq(csr.ignored_count, 0);
    test_op_free(op);
}
END_TEST

struct good_case {
    const char *file;
    uint32_t key;
    uint32_t signature;
    uint64_t names;
    uint64_t attributes;
};

static const struct good_case good_cases[] = {
    {"csr-p384", CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA256, 7, 6},
    {"csr-p521", CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA256, 7, 6},
    {"csr-rsa2048", CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256, 7, 6},
    {"csr-rsa3072", CHY_KEY_RSA_3072, CHY_SIG_RSA_SHA256, 7, 6},
    {"csr-rsa4096", CHY_KEY_RSA_4096, CHY_SIG_RSA_SHA256, 7, 6},
    {"csr-ed25519", CHY_KEY_ED25519, CHY_SIG_ED25519, 7, 6},
    {"csr-ed448", CHY_KEY_ED448, CHY_SIG_ED448, 7, 6},
    {"csr-ml-dsa-44", CHY_KEY_ML_DSA_44, CHY_SIG_ML_DSA_44, 0, 1},
    {"csr-ml-dsa-65", CHY_KEY_ML_DSA_65, CHY_SIG_ML_DSA_65, 0, 1},
    {"csr-ml-dsa-87", CHY_KEY_ML_DSA_87, CHY_SIG_ML_DSA_87, 0, 1},
    {"csr-rsa-pss", CHY_KEY_RSA_2048, CHY_SIG_RSA_PSS_SHA256, 0, 1},
    {"csr-rsa-absent-parameters", CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256, 0, 1},
    {"csr-plain", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 0, 1},
    {"csr-empty-subject", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 1, 0},
    {"csr-challenge", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 7, 6},
    {"csr-ms-extreq", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 1, 1},
    {"csr-ignored", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 1, 1},
    {"csr-bmp", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 0, 1},
    {"csr-printable-star", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 0, 1},
    {"csr-mixed-case", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 4, 1},
    {"csr-sans-100", CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, 100, 1},
};

START_TEST(reads_good_requests)
{
    const struct good_case *c = &good_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, c->file);
    ck_assert_uint_eq(csr.spki.algorithm, c->key);
    ck_assert_uint_eq(csr.signature_algorithm, c->signature);
    ck_assert_uint_eq(csr.sans.count, c->names);
    ck_assert_uint_eq(csr.subject.count, c->attributes);
    // What verify() needs: the signed octets stand first in the request, with their header.
    ck_assert(csr.tbs.ptr > csr.der.ptr && csr.tbs.ptr[0] == CHY_DER_SEQUENCE);
    ck_assert(csr.signature.ptr + csr.signature.len == csr.der.ptr + csr.der.len);
    test_op_free(op);
}
END_TEST

START_TEST(an_absent_extension_is_not_an_empty_one)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, "csr-plain");
    ck_assert(!csr.has_key_usage && !csr.has_ekus && !csr.has_basic_constraints);
    test_op_free(op);
}
END_TEST

START_TEST(names_what_it_ignores)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, "csr-ignored");
    char text[CHY_OID_TEXT_SIZE];
    ck_assert_uint_eq(csr.ignored_count, 2);
    ck_assert_str_eq(chy_oid_text(csr.ignored[0], text), "2.5.29.14");
    ck_assert_str_eq(chy_oid_text(csr.ignored[1], text), "1.2.3.4.5");
    test_op_free(op);
}
END_TEST

START_TEST(names_become_canonical)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, "csr-mixed-case");
    x509_assert_text(csr.sans.items[0].text, "www.example.com");
    x509_assert_text(csr.sans.items[1].text, "Joe@mail.example");
    x509_assert_text(csr.sans.items[2].text, "https://User@host.example:8443/Path?Q#F");
    x509_assert_text(csr.sans.items[3].text, "192.0.2.7");
    ck_assert_uint_eq(csr.sans.items[3].octets.len, 4);
    csr = read_good(op, "csr-bmp");
    x509_assert_text(csr.subject.attributes[0].value, "Zürich");
    test_op_free(op);
}
END_TEST

struct refused_case {
    const char *file;
    const char *message;
    uint32_t reason;
};

#define CRYPTO CHY_REASON_CRYPTO

static const struct refused_case refused_cases[] = {
    {"nul-cn", "NUL", 0},
    {"control-cn", "control or bidirectional", 0},
    {"bidi-cn", "control or bidirectional", 0},
    {"broken-utf8-cn", "string type does not have", 0},
    {"empty-cn", "common_name is empty", 0},
    {"long-cn", "65 characters", 0},
    {"two-cn", "more than one common_name", 0},
    {"country-three", "two letters", 0},
    {"country-digits", "two letters", 0},
    {"teletex-cn", "string type 20", 0},
    {"bad-printable", "string type does not have", 0},
    {"email-in-subject", "1.2.840.113549.1.9.1", 0},
    {"unknown-type", "1.2.3.4", 0},
    {"many-attributes", "more than 64 attributes", 0},
    {"multi-rdn", "multi-valued", 0},

    {"two-extreq", "more than one extension request", 0},
    {"two-extreq-mixed", "more than one extension request", 0},
    {"extreq-two-values", "more than one value", 0},
    {"extreq-empty", "list of extensions", 0},
    {"repeated-extension", "subjectAltName more than once", 0},
    {"unknown-critical", "1.2.3.4.5", 0},
    {"known-critical-unread", "nameConstraints", 0},
    {"unknown-eku", "1.3.6.1.5.5.7.3.17", 0},
    {"empty-eku", "extended key usage is malformed", 0},
    {"empty-ku", "key usage is malformed", 0},
    {"ku-trailing-zero", "key usage is malformed", 0},
    {"ku-ten-bits", "key usage is malformed", 0},
    {"bc-false", "basic constraints", 0},
    {"bc-path-no-ca", "basic constraints", 0},
    {"bc-true-01", "basic constraints", 0},
    {"san-empty", "from 1 to 100", 0},
    {"san-101", "from 1 to 100", 0},
    {"san-nul", "NUL", 0},
    {"san-utf8", "outside ASCII", 0},
    {"san-directory", "choice 4", 0},
    {"san-ip-5", "4 or 16 octets", 0},
    {"san-other", "1.2.3", 0},
    {"san-relative-uri", "absolute URI", 0},
    {"san-star-inside", "whole first label", 0},
    {"san-email-no-at", "no '@'", 0},

    {"rsa-1024", "1024 bits", CRYPTO},
    {"rsa-2047", "2047 bits", CRYPTO},
    {"rsa-2560", "2560 bits are not supported", CRYPTO},
    {"rsa-4097", "4097 bits", CRYPTO},
    {"rsa-even-modulus", "modulus is even", CRYPTO},
    {"rsa-small-factor", "small factor", CRYPTO},
    {"rsa-roca", "ROCA", CRYPTO},
    {"rsa-exponent-3", "smaller than 65537", CRYPTO},
    {"rsa-exponent-even", "exponent is even", CRYPTO},
    {"rsa-exponent-huge", "more than 256 bits", CRYPTO},
    {"rsa-no-parameters", "not NULL", CRYPTO},
    {"rsa-negative-modulus", "modulus and an exponent", CRYPTO},
    {"rsa-pss-key", "rsassaPss is not supported", CRYPTO},
    {"ec-explicit", "explicit curve parameters", CRYPTO},
    {"ec-compressed", "uncompressed point", CRYPTO},
    {"ec-hybrid", "uncompressed point", CRYPTO},
    {"ec-cut", "uncompressed point", CRYPTO},
    {"ec-unused-bits", "public key is malformed", CRYPTO},
    {"ec-secp256k1", "1.3.132.0.10", CRYPTO},
    {"ed25519-31", "31 octets instead of 32", CRYPTO},
    {"ed25519-null", "parameters", CRYPTO},
    {"dsa-key", "1.2.840.10040.4.1", CRYPTO},
    {"md5", "md5WithRSAEncryption is too weak", CRYPTO},
    {"sha1-rsa", "sha1WithRSAEncryption is too weak", CRYPTO},
    {"sha1-ecdsa", "ecdsa-with-SHA1 is too weak", CRYPTO},
    {"pss-default", "RSA-PSS", CRYPTO},
    {"pss-long-salt", "RSA-PSS", CRYPTO},
    {"ecdsa-null", "must not have", CRYPTO},
    {"unknown-signature", "1.2.3.4", CRYPTO},
    {"misfit", "do not fit", CRYPTO},
    {"misfit-edwards", "do not fit", CRYPTO},

    {"trailing", "bytes after", 0},
    {"cut", "malformed", 0},
    {"ber-indefinite", "malformed", 0},
    {"ber-long-length", "malformed", 0},
    {"version-1", "version 1 instead of 0", 0},
    {"version-negative", "malformed", 0},
    {"no-attributes", "list of attributes", 0},
    {"attribute-no-values", "an attribute is malformed", 0},
    {"info-trailing", "list of attributes", 0},
    {"signature-unused-bits", "the signature is malformed", 0},
    {"not-a-sequence", "malformed", 0},
    {"certificate-instead", "malformed", 0},
    {"too-long", "at most 32768", 0},
};

START_TEST(refuses_with_a_message)
{
    const struct refused_case *c = &refused_cases[_i];
    struct chy_op *op = test_op_new();
    char file[64];
    (void)snprintf(file, sizeof file, "refused-%s", c->file);
    struct chy_csr csr = {.ignored_count = 4711};
    ck_assert_msg(chy_csr_read(op, x509_pem(op, file), &csr) == CHY_BAD_INPUT, "%s", c->file);
    x509_assert_says(op, c->message, c->file);
    ck_assert_uint_eq(x509_reason(op), c->reason);
    ck_assert_uint_eq(csr.ignored_count, 4711);
    test_op_free(op);
}
END_TEST

START_TEST(nothing_is_no_request)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr;
    ck_assert_int_eq(chy_csr_read(op, chy_slice_of(NULL, 0), &csr), CHY_BAD_INPUT);
    x509_assert_says(op, "empty", "nothing");
    test_op_free(op);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_pem(op, "csr-p256");
    struct chy_csr csr;
    for (uint64_t len = 0; len < der.len; len++) {
        uint8_t *part = chy_alloc(op, len); // sized exactly, for the address sanitizer
        if (len > 0) {
            memcpy(part, der.ptr, len);
        }
        ck_assert_int_eq(chy_csr_read(op, chy_slice_of(part, len), &csr), CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

START_TEST(survives_every_failing_allocation)
{
    struct chy_op *good = test_op_new();
    struct chy_slice der = x509_pem(good, "csr-p256");
    bool passed = false;
    for (uint64_t memory = 0; memory < 64 * 1024 && !passed; memory += 256) {
        struct chy_op *op = test_op_new_with(memory);
        struct chy_csr csr;
        chy_status status = chy_csr_read(op, der, &csr);
        ck_assert_msg(status == CHY_OK || status == CHY_NO_MEMORY, "%s", test_op_message(op));
        passed = status == CHY_OK;
        test_op_free(op);
    }
    ck_assert(passed);
    test_op_free(good);
}
END_TEST

/** Writing what was read gives the octets that openssl wrote. */
START_TEST(writes_the_octets_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_csr csr = read_good(op, "csr-p256");
    struct chy_extension_values values = {.key_usage = csr.key_usage,
                                          .ekus = csr.ekus,
                                          .basic_constraints = csr.basic_constraints,
                                          .sans = &csr.sans};
    struct chy_slice subject = {0};
    struct chy_slice tbs = {0};
    struct chy_slice der = {0};
    ck_assert_int_eq(chy_name_encode(op, &csr.subject, &subject), CHY_OK);
    ck_assert_int_eq(chy_csr_encode(op, subject, csr.spki.der, &values, &tbs), CHY_OK);
    ck_assert(chy_slice_equal(tbs, csr.tbs));
    ck_assert_int_eq(chy_signed_assemble(op, tbs, csr.signature_algorithm, csr.signature, &der),
                     CHY_OK);
    ck_assert(chy_slice_equal(der, csr.der));
    csr = read_good(op, "csr-plain");
    ck_assert_int_eq(chy_name_encode(op, &csr.subject, &subject), CHY_OK);
    ck_assert_int_eq(chy_csr_encode(op, subject, csr.spki.der, NULL, &tbs), CHY_OK);
    ck_assert(chy_slice_equal(tbs, csr.tbs));
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_csr", TEST(reads_a_request_of_openssl), TEST_EACH(reads_good_requests, good_cases),
          TEST(an_absent_extension_is_not_an_empty_one), TEST(names_what_it_ignores),
          TEST(names_become_canonical), TEST_EACH(refuses_with_a_message, refused_cases),
          TEST(nothing_is_no_request), TEST(every_cut_is_refused),
          TEST(survives_every_failing_allocation), TEST(writes_the_octets_of_openssl))
