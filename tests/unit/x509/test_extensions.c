#include "x509/extensions.h"

#include "x509/algorithm.h"
#include "x509_data.h"

START_TEST(usages_have_words)
{
    for (uint32_t i = 0; i < CHY_KU_COUNT; i++) {
        ck_assert_uint_eq(chy_key_usage_find(chy_text(chy_key_usage_word(1U << i))), 1U << i);
    }
    for (uint32_t i = 0; i < CHY_EKU_COUNT; i++) {
        ck_assert_uint_eq(chy_eku_find(chy_text(chy_eku_word(1U << i))), 1U << i);
    }
    ck_assert_ptr_null(chy_key_usage_word(0));
    ck_assert_ptr_null(chy_key_usage_word(3));
    ck_assert_ptr_null(chy_eku_word(1U << CHY_EKU_COUNT));
}
END_TEST

struct word_case {
    const char *word;
    uint32_t key_usage;
    uint32_t eku;
};

static const struct word_case word_cases[] = {
    {"digital_signature", CHY_KU_DIGITAL_SIGNATURE, 0},
    {"digitalSignature", CHY_KU_DIGITAL_SIGNATURE, 0},
    {"nonRepudiation", CHY_KU_NON_REPUDIATION, 0},
    {"contentCommitment", CHY_KU_NON_REPUDIATION, 0},
    {"keyEncipherment", CHY_KU_KEY_ENCIPHERMENT, 0},
    {"DATA_ENCIPHERMENT", CHY_KU_DATA_ENCIPHERMENT, 0},
    {"keyAgreement", CHY_KU_KEY_AGREEMENT, 0},
    {"keyCertSign", CHY_KU_KEY_CERT_SIGN, 0},
    {"cRLSign", CHY_KU_CRL_SIGN, 0},
    {"crl_sign", CHY_KU_CRL_SIGN, 0},
    {"encipherOnly", CHY_KU_ENCIPHER_ONLY, 0},
    {"decipher_only", CHY_KU_DECIPHER_ONLY, 0},
    {"server_auth", 0, CHY_EKU_SERVER_AUTH},
    {"serverAuth", 0, CHY_EKU_SERVER_AUTH},
    {"CLIENT_AUTH", 0, CHY_EKU_CLIENT_AUTH},
    {"codeSigning", 0, CHY_EKU_CODE_SIGNING},
    {"emailProtection", 0, CHY_EKU_EMAIL_PROTECTION},
    {"ocspSigning", 0, CHY_EKU_OCSP_SIGNING},
    {"OCSPSigning", 0, CHY_EKU_OCSP_SIGNING},
    {"timeStamping", 0, CHY_EKU_TIME_STAMPING},
    {"any_purpose", 0, CHY_EKU_ANY_PURPOSE},
    {"anyExtendedKeyUsage", 0, CHY_EKU_ANY_PURPOSE},
    {"sign everything", 0, 0},
    {"", 0, 0},
};

START_TEST(finds_usages_by_word)
{
    const struct word_case *c = &word_cases[_i];
    ck_assert_uint_eq(chy_key_usage_find(chy_text(c->word)), c->key_usage);
    ck_assert_uint_eq(chy_eku_find(chy_text(c->word)), c->eku);
}
END_TEST

START_TEST(usages_fit_keys)
{
    const uint32_t encipherment = CHY_KU_KEY_ENCIPHERMENT | CHY_KU_DATA_ENCIPHERMENT;
    const uint32_t agreement = CHY_KU_KEY_AGREEMENT | CHY_KU_ENCIPHER_ONLY | CHY_KU_DECIPHER_ONLY;
    uint32_t rsa = chy_key_usage_for_key(CHY_KEY_RSA_2048);
    uint32_t ec = chy_key_usage_for_key(CHY_KEY_EC_P384);
    uint32_t edwards = chy_key_usage_for_key(CHY_KEY_ED25519);
    uint32_t ml_dsa = chy_key_usage_for_key(CHY_KEY_ML_DSA_65);
    ck_assert((rsa & encipherment) == encipherment && (rsa & agreement) == 0);
    ck_assert((ec & agreement) == agreement && (ec & encipherment) == 0);
    ck_assert((edwards & (agreement | encipherment)) == 0);
    ck_assert_uint_eq(ml_dsa, edwards);
    ck_assert((rsa & ec & edwards & CHY_KU_DIGITAL_SIGNATURE) != 0);
    ck_assert_uint_eq(chy_key_usage_for_key(CHY_KEY_NONE), 0);
}
END_TEST

/* What each writer writes, octet for octet (RFC 5280 4.2). */

enum {
    WRITER_MAX = 4096
};

static void assert_wrote(struct chy_op *op, const struct chy_der_writer *w, const char *digits,
                         const char *name)
{
    struct chy_slice der = {0};
    ck_assert(chy_der_written(w, &der));
    x509_assert_octets(op, der, digits, name);
}

START_TEST(writes_key_identifiers)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    struct chy_slice id = x509_hex(op, "0102030405060708090a0b0c0d0e0f1011121314"
                                       "15161718191a1b1c1d1e1f20");
    ck_assert_uint_eq(chy_key_id(id).len, CHY_KEY_ID_SIZE);
    chy_ext_write_subject_key_id(&w, chy_key_id(id));
    chy_ext_write_authority_key_id(&w, chy_key_id(id));
    assert_wrote(op, &w,
                 "301d 0603551d0e 0416 0414 0102030405060708090a0b0c0d0e0f1011121314"
                 "301f 0603551d23 0418 3016 8014 0102030405060708090a0b0c0d0e0f1011121314",
                 "identifiers");
    test_op_free(op);
}
END_TEST

START_TEST(writes_basic_constraints)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    chy_ext_write_basic_constraints(&w, &(struct chy_basic_constraints){.is_ca = false});
    chy_ext_write_basic_constraints(&w, &(struct chy_basic_constraints){.is_ca = true});
    chy_ext_write_basic_constraints(
        &w, &(struct chy_basic_constraints){.is_ca = true, .has_path_length = true});
    assert_wrote(op, &w,
                 "300c 0603551d13 0101ff 0402 3000"
                 "300f 0603551d13 0101ff 0405 3003 0101ff"
                 "3012 0603551d13 0101ff 0408 3006 0101ff 020100",
                 "constraints");
    test_op_free(op);
}
END_TEST

START_TEST(writes_usages)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    chy_ext_write_key_usage(&w, 0);
    chy_ext_write_ekus(&w, 0);
    chy_ext_write_key_usage(&w, CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_ENCIPHERMENT);
    chy_ext_write_key_usage(&w, CHY_KU_DECIPHER_ONLY);
    chy_ext_write_ekus(&w, CHY_EKU_CLIENT_AUTH | CHY_EKU_SERVER_AUTH);
    chy_ext_write_ekus(&w, CHY_EKU_TIME_STAMPING);
    assert_wrote(op, &w,
                 "300e 0603551d0f 0101ff 0404 030205a0"
                 "300f 0603551d0f 0101ff 0405 0303070080"
                 "301d 0603551d25 0416 3014 06082b06010505070301 06082b06010505070302"
                 "3016 0603551d25 0101ff 040c 300a 06082b06010505070308",
                 "usages");
    test_op_free(op);
}
END_TEST

START_TEST(writes_places)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    const struct chy_slice urls[] = {chy_text("x:1"), chy_text("x:2")};
    chy_ext_write_crl_points(&w, urls, 0);
    chy_ext_write_issuing_point(&w, urls, 0);
    chy_ext_write_access(&w, urls, 0, urls, 0);
    chy_ext_write_crl_points(&w, urls, 2);
    chy_ext_write_freshest_crl(&w, urls, 1);
    chy_ext_write_issuing_point(&w, urls, 2);
    chy_ext_write_access(&w, urls, 1, urls + 1, 1);
    assert_wrote(op, &w,
                 "3019 0603551d1f 0412 3010 300e a00c a00a 8603783a31 8603783a32"
                 "3014 0603551d2e 040d 300b 3009 a007 a005 8603783a31"
                 "301a 0603551d1c 0101ff 0410 300e a00c a00a 8603783a31 8603783a32"
                 "3030 06082b06010505070101 0424 3022"
                 "300f 06082b06010505073001 8603783a32"
                 "300f 06082b06010505073002 8603783a31",
                 "places");
    test_op_free(op);
}
END_TEST

START_TEST(reads_the_places_it_writes)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    const struct chy_slice urls[] = {chy_text("http://a.example/1"), chy_text("http://b.example"),
                                     chy_text("http://c.example/ocsp")};
    struct chy_slice der = {0};
    struct chy_extension extension;
    struct chy_urls read = {.count = 0};
    struct chy_access access = {.ocsp = {.count = 0}};
    struct chy_issuing_point point = {.indirect = true};
    chy_ext_write_crl_points(&w, urls, 2);
    chy_ext_write_issuing_point(&w, urls, 2);
    chy_ext_write_access(&w, urls, 2, urls + 2, 1);
    ck_assert(chy_der_written(&w, &der));
    struct chy_der reader = chy_der_of(der);
    ck_assert(chy_extension_next(&reader, &extension) && !extension.critical);
    ck_assert(extension.oid == CHY_OID_CRL_DISTRIBUTION_POINTS);
    ck_assert(chy_ext_read_crl_points(extension.value, &read));
    ck_assert_uint_eq(read.count, 2);
    x509_assert_text(read.items[1], "http://b.example");
    ck_assert(chy_extension_next(&reader, &extension) && extension.critical);
    ck_assert(chy_ext_read_issuing_point(extension.value, &point));
    ck_assert_uint_eq(point.urls.count, 2);
    ck_assert(!point.indirect && !point.only_ca_certs && !point.only_user_certs);
    ck_assert(chy_extension_next(&reader, &extension) && !extension.critical);
    ck_assert(chy_ext_read_access(extension.value, &access));
    ck_assert_uint_eq(access.ca_issuers.count, 2);
    ck_assert_uint_eq(access.ocsp.count, 1);
    x509_assert_text(access.ocsp.items[0], "http://c.example/ocsp");
    ck_assert(chy_der_done(&reader));
    test_op_free(op);
}
END_TEST

START_TEST(writes_the_rest)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 64, WRITER_MAX);
    struct chy_sans none = {NULL, 0};
    struct chy_san name = {CHY_SAN_DNS, chy_text("a"), chy_text("a")};
    struct chy_sans one = {&name, 1};
    chy_ext_write_sans(&w, NULL, true);
    chy_ext_write_sans(&w, &none, true);
    chy_ext_write_sans(&w, &one, false);
    chy_ext_write_sans(&w, &one, true);
    chy_ext_write_crl_number(&w, 128);
    chy_ext_write_delta_base(&w, 1);
    chy_ext_write_ocsp_no_check(&w);
    assert_wrote(op, &w,
                 "300c 0603551d11 0405 3003820161"
                 "300f 0603551d11 0101ff 0405 3003820161"
                 "300b 0603551d14 0404 02020080"
                 "300d 0603551d1b 0101ff 0403 020101"
                 "300f 06092b0601050507300105 0402 0500",
                 "rest");
    test_op_free(op);
}
END_TEST

/* Reading: the contents of extnValue, and whether they are sound. */

typedef bool read_fn(struct chy_slice value);

static bool key_usage(struct chy_slice value)
{
    uint32_t mask;
    return chy_ext_read_key_usage(value, &mask);
}

static bool ekus(struct chy_slice value)
{
    struct chy_ekus read;
    return chy_ext_read_ekus(value, &read);
}

static bool basic_constraints(struct chy_slice value)
{
    struct chy_basic_constraints read;
    return chy_ext_read_basic_constraints(value, &read);
}

static bool subject_key_id(struct chy_slice value)
{
    struct chy_slice id;
    return chy_ext_read_subject_key_id(value, &id);
}

static bool authority_key_id(struct chy_slice value)
{
    struct chy_slice id;
    return chy_ext_read_authority_key_id(value, &id);
}

static bool crl_points(struct chy_slice value)
{
    struct chy_urls urls;
    return chy_ext_read_crl_points(value, &urls);
}

static bool access_places(struct chy_slice value)
{
    struct chy_access places;
    return chy_ext_read_access(value, &places);
}

static bool crl_number(struct chy_slice value)
{
    struct chy_slice number;
    return chy_ext_read_crl_number(value, &number);
}

static bool issuing_point(struct chy_slice value)
{
    struct chy_issuing_point point;
    return chy_ext_read_issuing_point(value, &point);
}

struct read_case {
    read_fn *read;
    const char *value;
    bool ok;
};

static const struct read_case read_cases[] = {
    {key_usage, "030205a0", true},
    {key_usage, "0303070080", true},
    {key_usage, "030205a000", false},
    {key_usage, "030100", false},
    {key_usage, "0303060040", false},
    {ekus, "300a06082b06010505070301", true},
    {ekus, "300406022a03", true},
    {ekus, "3000", false},
    {ekus, "300406022a0300", false},
    {ekus, "3003020101", false},
    {basic_constraints, "3000", true},
    {basic_constraints, "30030101ff", true},
    {basic_constraints, "30060101ff020100", true},
    {basic_constraints, "3003010100", false},
    {basic_constraints, "3003020100", false},
    {basic_constraints, "30060101ff0201ff", false},
    {basic_constraints, "30090101ff02010002 0100", false},
    {basic_constraints, "300b0101ff02060100000000 00", false},
    {basic_constraints, "300000", false},
    {subject_key_id, "0401aa", true},
    {subject_key_id, "0400", false},
    {subject_key_id, "0401aa00", false},
    {authority_key_id, "30038001aa", true},
    {authority_key_id, "3000", true},
    {authority_key_id, "300c8001aa a1048202 6161 820101", true},
    {authority_key_id, "30028000", false},
    {authority_key_id, "3006820101 8001aa", false},
    {crl_points, "300b3009a007a0058603783a31", true},
    {crl_points, "30003000", false},
    {crl_points, "3000", false},
    {crl_points, "30023000", true},
    {crl_points, "30043002a000", false},
    {crl_points, "30063004a002a000", false},
    {crl_points, "300b3009a007a0058603783a00", false},
    {crl_points, "300f300da007a0058603783a31 81020780", true},
    {crl_points, "300f300da007a0058603783a31 81020781", false},
    {access_places, "3011300f06082b060105050730018603783a31", true},
    {access_places, "3011300f06082b060105050730018603783aff", false},
    {access_places, "3000", false},
    {crl_number, "020101", true},
    {crl_number, "0201ff", false},
    {crl_number, "0215 010000000000000000000000000000000000000000", false},
    {issuing_point, "3009a007a0058603783a31", true},
    {issuing_point, "30038101ff", true},
    {issuing_point, "30038401ff", true},
    {issuing_point, "3003810100", false},
    {issuing_point, "3000", false},
    {issuing_point, "30068201ff8101ff", false},
};

START_TEST(reads_strictly)
{
    const struct read_case *c = &read_cases[_i];
    struct chy_op *op = test_op_new();
    ck_assert_msg(c->read(x509_hex(op, c->value)) == c->ok, "%s", c->value);
    test_op_free(op);
}
END_TEST

START_TEST(an_unknown_eku_is_told)
{
    struct chy_op *op = test_op_new();
    struct chy_ekus read;
    ck_assert(chy_ext_read_ekus(x509_hex(op, "300e 06022a03 06082b06010505070301"), &read));
    ck_assert_uint_eq(read.mask, CHY_EKU_SERVER_AUTH);
    x509_assert_octets(op, read.unknown, "2a03", "unknown");
    test_op_free(op);
}
END_TEST

START_TEST(lists_are_limited)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer points = chy_der_writer_new(op, 256, WRITER_MAX);
    struct chy_der_writer list = chy_der_writer_new(op, 256, WRITER_MAX);
    struct chy_slice value = {0};
    struct chy_slice contents = {0};
    struct chy_slice repeated;
    struct chy_urls read = {.count = 0};
    uint64_t sequence = chy_der_open(&points, CHY_DER_SEQUENCE);
    for (int i = 0; i <= CHY_URLS_MAX; i++) {
        chy_der_add_raw(&points, x509_hex(op, "3009a007a0058603783a31"));
    }
    chy_der_close(&points, sequence);
    ck_assert(chy_der_written(&points, &value) && chy_ext_read_crl_points(value, &read));
    ck_assert_uint_eq(read.count, CHY_URLS_MAX); // the first ones
    for (uint8_t i = 0; i < CHY_EXTENSIONS_MAX; i++) {
        uint8_t extension[] = {0x30, 6, CHY_DER_OID, 2, 0x2a, i, CHY_DER_OCTET_STRING, 0};
        chy_der_add_raw(&list, chy_slice_of(extension, sizeof extension));
    }
    ck_assert(chy_der_written(&list, &contents));
    ck_assert(chy_extensions_distinct(contents, &repeated));
    chy_der_add_raw(&list, x509_hex(op, "3006 06022b7f 0400"));
    ck_assert(chy_der_written(&list, &contents));
    ck_assert(!chy_extensions_distinct(contents, &repeated));
    ck_assert_uint_eq(repeated.len, 0);
    test_op_free(op);
}
END_TEST

struct list_case {
    const char *contents;
    bool ok;
    const char *repeated;
};

static const struct list_case list_cases[] = {
    {"3008 0602 2a03 0402 0500", true, ""},
    {"300b 06022a03 0101ff 04020500", true, ""},
    {"300b 06022a03 010100 04020500", false, ""}, // DEFAULT FALSE
    {"3006 06022a03 0400 3006 06022a04 0400", true, ""},
    {"3006 06022a03 0400 3006 06022a03 0400", false, "2a03"},
    {"3006 06022a03 0500", false, ""},
    {"3008 06022a03 0400 0500", false, ""},
    {"", false, ""},
};

START_TEST(extensions_are_distinct)
{
    const struct list_case *c = &list_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice repeated = {0};
    ck_assert_msg(chy_extensions_distinct(x509_hex(op, c->contents), &repeated) == c->ok, "%s",
                  c->contents);
    x509_assert_octets(op, repeated, c->repeated, c->contents);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_extensions", TEST(usages_have_words), TEST_EACH(finds_usages_by_word, word_cases),
          TEST(usages_fit_keys), TEST(writes_key_identifiers), TEST(writes_basic_constraints),
          TEST(writes_usages), TEST(writes_places), TEST(reads_the_places_it_writes),
          TEST(writes_the_rest), TEST_EACH(reads_strictly, read_cases),
          TEST(an_unknown_eku_is_told), TEST(lists_are_limited),
          TEST_EACH(extensions_are_distinct, list_cases))
