#include "x509/certificate.h"

#include "x509/name.h"
#include "x509_data.h"

static struct chy_certificate read_good(struct chy_op *op, const char *file)
{
    struct chy_certificate c = {.version = 0};
    ck_assert_msg(chy_certificate_read(op, x509_pem(op, file), &c) == CHY_OK, "%s: %s", file,
                  test_op_message(op));
    return c;
}

START_TEST(reads_a_leaf_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c = read_good(op, "cert-leaf");
    struct chy_slice text = {0};
    struct chy_sans sans = {NULL, 0};
    ck_assert_uint_eq(c.version, 3);
    ck_assert_uint_eq(c.serial.len, 16);
    ck_assert_uint_eq(c.serial.ptr[0], 0x4f);
    ck_assert_int_eq(chy_name_text(op, c.subject, &text), CHY_OK);
    x509_assert_text(text, "CN=leaf.example,O=Example,C=DE");
    ck_assert_int_eq(chy_name_text(op, c.issuer, &text), CHY_OK);
    x509_assert_text(text, "CN=Constrained,O=Example");
    ck_assert_int_eq(c.not_after - c.not_before, INT64_C(3650) * 86400 * 1000000);
    ck_assert_uint_eq(c.signature_algorithm, CHY_SIG_ECDSA_SHA256);
    ck_assert_uint_eq(c.spki.algorithm, CHY_KEY_EC_P256);
    ck_assert(c.has_basic_constraints && c.basic_constraints_critical);
    ck_assert(!c.basic_constraints.is_ca && !c.self_issued);
    ck_assert(c.has_key_usage);
    ck_assert_uint_eq(c.key_usage, CHY_KU_DIGITAL_SIGNATURE | CHY_KU_KEY_AGREEMENT);
    ck_assert(c.has_ekus);
    ck_assert_uint_eq(c.ekus.mask, CHY_EKU_SERVER_AUTH | CHY_EKU_CLIENT_AUTH);
    ck_assert_uint_eq(c.subject_key_id.len, 20);
    ck_assert_uint_eq(c.authority_key_id.len, 20);
    ck_assert(!c.sans_critical && !c.has_name_constraints && !c.ocsp_no_check);
    ck_assert_uint_eq(c.crl_urls.count, 2);
    x509_assert_text(c.crl_urls.items[1], "http://mirror.example/1.crl");
    ck_assert_uint_eq(c.access.ocsp.count, 1);
    x509_assert_text(c.access.ca_issuers.items[0], "http://pki.example/ca.cer");
    ck_assert_uint_eq(c.unknown_critical.len, 0);
    ck_assert_int_eq(chy_sans_read(op, c.san_value, &sans), CHY_OK);
    ck_assert_uint_eq(sans.count, 6);
    x509_assert_text(sans.items[5].text, "joe@leaf.example");
    test_op_free(op);
}
END_TEST

START_TEST(reads_ca_certificates)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate root = read_good(op, "cert-root");
    struct chy_certificate ca = read_good(op, "cert-constrained");
    ck_assert(root.self_issued && root.basic_constraints.is_ca);
    ck_assert(!root.basic_constraints.has_path_length);
    ck_assert_uint_eq(root.subject_key_id.len, 20);
    ck_assert_uint_eq(root.authority_key_id.len, 0); // openssl leaves it out of a root
    ck_assert(ca.basic_constraints.has_path_length && ca.basic_constraints.path_length == 0);
    ck_assert(ca.has_name_constraints && ca.name_constraints.permitted.len > 0);
    ck_assert(ca.name_constraints.excluded.len > 0);
    ck_assert(chy_slice_equal(ca.authority_key_id, root.subject_key_id));
    test_op_free(op);
}
END_TEST

START_TEST(notes_unknown_critical_extensions)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c = read_good(op, "cert-leaf-strange");
    char text[CHY_OID_TEXT_SIZE];
    ck_assert_str_eq(chy_oid_text(c.unknown_critical, text), "1.2.3.4.5");
    test_op_free(op);
}
END_TEST

/** Fills a chy_tbs with what a certificate says, so that it can be written again. */
static struct chy_tbs tbs_of(const struct chy_certificate *c, const struct chy_sans *sans)
{
    return (struct chy_tbs){
        .serial = c->serial,
        .issuer = c->issuer,
        .subject = c->subject,
        .spki = c->spki.der,
        .not_before = c->not_before + 999999, // cut off
        .not_after = c->not_after,
        .signature_algorithm = c->signature_algorithm,
        .extensions =
            {
                .subject_key_id = c->subject_key_id,
                .authority_key_id = c->authority_key_id,
                .basic_constraints = c->basic_constraints,
                .key_usage = c->key_usage,
                .ekus = c->ekus.mask,
                .sans = sans,
                .crl_urls = c->crl_urls.items,
                .crl_url_count = c->crl_urls.count,
                .ca_issuer_urls = c->access.ca_issuers.items,
                .ca_issuer_url_count = c->access.ca_issuers.count,
                .ocsp_urls = c->access.ocsp.items,
                .ocsp_url_count = c->access.ocsp.count,
                .name_constraints = c->name_constraints_value,
            },
    };
}

static const char *const openssl_files[] = {"cert-leaf", "cert-leaf-rsa", "cert-root", "cert-open",
                                            "cert-constrained"};

/** Writing what was read gives the octets that openssl wrote. */
START_TEST(writes_the_octets_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c = read_good(op, openssl_files[_i]);
    struct chy_sans sans = {NULL, 0};
    struct chy_slice tbs_der = {0};
    struct chy_slice der = {0};
    if (c.san_value.len > 0) {
        ck_assert_int_eq(chy_sans_read(op, c.san_value, &sans), CHY_OK);
    }
    struct chy_tbs tbs = tbs_of(&c, &sans);
    ck_assert_int_eq(chy_tbs_encode(op, &tbs, &tbs_der), CHY_OK);
    ck_assert(chy_slice_equal(tbs_der, c.tbs));
    ck_assert_int_eq(chy_signed_assemble(op, tbs_der, c.signature_algorithm, c.signature, &der),
                     CHY_OK);
    ck_assert(chy_slice_equal(der, c.der));
    test_op_free(op);
}
END_TEST

START_TEST(reads_the_part_to_be_signed_alone)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c = read_good(op, "cert-leaf");
    struct chy_certificate alone = {.version = 0};
    ck_assert_int_eq(chy_tbs_read(op, c.tbs, &alone), CHY_OK);
    ck_assert(chy_slice_equal(alone.tbs, c.tbs));
    ck_assert(chy_slice_equal(alone.subject, c.subject));
    ck_assert_uint_eq(alone.der.len + alone.signature.len, 0);
    test_op_free(op);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_pem(op, "cert-leaf");
    struct chy_certificate c;
    for (uint64_t len = 0; len < der.len; len++) {
        uint8_t *part = chy_alloc(op, len);
        if (len > 0) {
            memcpy(part, der.ptr, len);
        }
        ck_assert_int_eq(chy_certificate_read(op, chy_slice_of(part, len), &c), CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

/* Certificates put together from pieces. */

#define VERSION_3 "a003020102"
#define SERIAL "020101"
#define ECDSA "300a06082a8648ce3d040302"
#define CN_A "300c310a300806035504030c0161"
#define VALIDITY "301e 170d3236303130313030303030305a 170d3237303130313030303030305a"
#define KEY                     \
    "302a300506032b6570032100 " \
    "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
#define CA_EXT "300f0603551d130101ff040530030101ff"

struct body_case {
    const char *name;
    const char *body;
    const char *message; // NULL: fine
};

static const struct body_case body_cases[] = {
    {"version 3 without extensions", VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY, NULL},
    {"version 1", SERIAL ECDSA CN_A VALIDITY CN_A KEY, NULL},
    {"version 3 with extensions", VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a313 3011" CA_EXT,
     NULL},
    {"serial 0", VERSION_3 "020100" ECDSA CN_A VALIDITY CN_A KEY, NULL},
    {"unique identifiers", VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "810100 820100", NULL},
    {"empty subject", VERSION_3 SERIAL ECDSA CN_A VALIDITY "3000" KEY, NULL},
    {"version 2", "a003020101" SERIAL ECDSA CN_A VALIDITY CN_A KEY, "version"},
    {"version 1 said", "a003020100" SERIAL ECDSA CN_A VALIDITY CN_A KEY, "version"},
    {"extensions in version 1", SERIAL ECDSA CN_A VALIDITY CN_A KEY "a313 3011" CA_EXT, "its end"},
    {"identifiers in version 1", SERIAL ECDSA CN_A VALIDITY CN_A KEY "810100", "unique identifier"},
    {"negative serial", VERSION_3 "0201ff" ECDSA CN_A VALIDITY CN_A KEY, "serial number"},
    {"serial of 21 octets",
     VERSION_3 "0215 010203040506070809101112131415161718192021" ECDSA CN_A VALIDITY CN_A KEY,
     "serial number"},
    {"two validities", VERSION_3 SERIAL ECDSA CN_A VALIDITY VALIDITY CN_A KEY, "subject"},
    {"times without seconds",
     VERSION_3 SERIAL ECDSA CN_A
     "301a 170b323630313031303030305a 170b323730313031303030305a" CN_A KEY,
     "validity"},
    {"NUL in the subject",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY "300d310b300906035504030c026100" KEY, "subject"},
    {"something after the extensions",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a313 3011" CA_EXT "0500", "its end"},
    {"no extension in the list", VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a302 3000",
     "list of extensions"},
    {"an extension twice", VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a324 3022" CA_EXT CA_EXT,
     "basicConstraints more than once"},
    {"broken basic constraints",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a313 3011 300f0603551d130101ff04053003010100",
     "basicConstraints is malformed"},
    {"SAN with a NUL",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a311 300f 300d 0603551d11 0406 30048202 6100",
     "subjectAltName is malformed"},
    {"SAN with a bad address",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a311 300f 300d 0603551d11 0406 30048702 6161",
     "subjectAltName is malformed"},
    {"SAN without names",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY "a30d 300b 3009 0603551d11 0402 3000",
     "subjectAltName is malformed"},
    {"SAN with a broken directory name",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY
     "a313 3011 300f 0603551d11 0408 3006 a404 3002 3100",
     "subjectAltName is malformed"},
    {"name constraints with a minimum",
     VERSION_3 SERIAL ECDSA CN_A VALIDITY CN_A KEY
     "a317 3015 3013 0603551d1e 040c 300a a008 3006 820161 800101",
     "nameConstraints is malformed"},
};

static struct chy_slice assemble(struct chy_op *op, struct chy_slice body, const char *algorithm)
{
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice der = {0};
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_SEQUENCE, body);
    chy_der_add_raw(&w, x509_hex(op, algorithm));
    chy_der_add_bits(&w, x509_hex(op, "00112233"));
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    return der;
}

START_TEST(reads_bodies_strictly)
{
    const struct body_case *c = &body_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice der = assemble(op, x509_hex(op, c->body), ECDSA);
    struct chy_certificate read = {.version = 77};
    chy_status status = chy_certificate_read(op, der, &read);
    if (c->message == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->name, test_op_message(op));
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "%s", c->name);
        x509_assert_says(op, c->message, c->name);
        ck_assert_uint_eq(read.version, 77);
    }
    test_op_free(op);
}
END_TEST

struct critical_case {
    const char *extension;
    const char *unknown; // OID contents, or empty
};

static const struct critical_case critical_cases[] = {
    {"3010 0603551d20 0101ff 0406 3004 3002 0600", ""}, // certificatePolicies
    {"300c 0603551d21 0101ff 0402 3000", ""},           // policyMappings
    {"300d 0603551d36 0101ff 0403 020100", ""},         // inhibitAnyPolicy
    {"300c 0603551d24 0101ff 0402 3000", "551d24"},     // policyConstraints
    {"300b 06022a03 0101ff 04020500", "2a03"},          {"3008 06022a03 04020500", ""},
};

START_TEST(notes_what_it_cannot_process)
{
    const struct critical_case *c = &critical_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice extension = x509_hex(op, c->extension);
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice body = {0};
    struct chy_certificate read = {.version = 0};
    chy_der_add_raw(&w, x509_hex(op, body_cases[0].body));
    uint64_t tagged = chy_der_open(&w, CHY_DER_CONTEXT_SET(3));
    chy_der_add_element(&w, CHY_DER_SEQUENCE, extension);
    chy_der_close(&w, tagged);
    ck_assert(chy_der_written(&w, &body));
    ck_assert_msg(chy_certificate_read(op, assemble(op, body, ECDSA), &read) == CHY_OK, "%s: %s",
                  c->extension, test_op_message(op));
    x509_assert_octets(op, read.unknown_critical, c->unknown, c->extension);
    test_op_free(op);
}
END_TEST

START_TEST(both_algorithms_are_the_same)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c;
    struct chy_slice der =
        assemble(op, x509_hex(op, body_cases[0].body), "300a06082a8648ce3d040303");
    ck_assert_int_eq(chy_certificate_read(op, der, &c), CHY_BAD_INPUT);
    x509_assert_says(op, "two different signature algorithms", "algorithms");
    test_op_free(op);
}
END_TEST

START_TEST(nothing_follows_a_certificate)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c;
    struct chy_slice der = x509_pem(op, "cert-leaf");
    uint8_t *longer = chy_alloc(op, der.len + 1);
    memcpy(longer, der.ptr, der.len);
    ck_assert_int_eq(chy_certificate_read(op, chy_slice_of(longer, der.len + 1), &c),
                     CHY_BAD_INPUT);
    x509_assert_says(op, "bytes after", "trailing");
    test_op_free(op);
}
END_TEST

START_TEST(validity_has_a_form_or_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_certificate c = read_good(op, "cert-leaf");
    struct chy_tbs tbs = tbs_of(&c, NULL);
    struct chy_slice der = {0};
    tbs.not_after = INT64_C(253402300800000000); // the year 10000
    ck_assert_int_eq(chy_tbs_encode(op, &tbs, &der), CHY_BAD_INPUT);
    x509_assert_says(op, "1950 to 9999", "10000");
    tbs.not_after -= 1;
    ck_assert_int_eq(chy_tbs_encode(op, &tbs, &der), CHY_OK);
    tbs.not_before = INT64_C(-631152000000001);
    ck_assert_int_eq(chy_tbs_encode(op, &tbs, &der), CHY_BAD_INPUT);
    tbs.not_before = 0;
    tbs.signature_algorithm = 4711;
    ck_assert_int_eq(chy_tbs_encode(op, &tbs, &der), CHY_BROKEN);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_certificate", TEST(reads_a_leaf_of_openssl), TEST(reads_ca_certificates),
          TEST(notes_unknown_critical_extensions),
          TEST_EACH(writes_the_octets_of_openssl, openssl_files),
          TEST(reads_the_part_to_be_signed_alone), TEST(every_cut_is_refused),
          TEST_EACH(reads_bodies_strictly, body_cases),
          TEST_EACH(notes_what_it_cannot_process, critical_cases),
          TEST(both_algorithms_are_the_same), TEST(nothing_follows_a_certificate),
          TEST(validity_has_a_form_or_is_refused))
