#include "x509/ocsp.h"

#include "x509_data.h"

/* Requests that openssl(1) 3.0 made for an issuer CN=I. */

static const char one[] =
    "3046304430423040303e300906052b0e03021a05000414cc35c777aa0233ed05de1e49d22a77d189"
    "e00836041424020933f028f6755429f9d72eb367d966d4e2eb02057f01020304";
static const char two_with_nonce[] =
    "3081ab3081a83081803040303e300906052b0e03021a05000414cc35c777aa0233ed05de1e49d22a"
    "77d189e00836041424020933f028f6755429f9d72eb367d966d4e2eb02057f01020304303c303a30"
    "0906052b0e03021a05000414cc35c777aa0233ed05de1e49d22a77d189e00836041424020933f028"
    "f6755429f9d72eb367d966d4e2eb020102a2233021301f06092b060105050730010204120410ce97"
    "bc8ee304b6ec2c94e6feb15d798a";
static const char by_sha256[] =
    "305e305c305a30583056300d060960864801650304020105000420424f9fc22509a84de62ae8e4fc"
    "c376ed1d0e0d22df8a6dd66075e546132cb99a0420613c7e3a46b72055a84c2241463780bc136b12"
    "71af5a3fd808ce6963e73bd27002017f";

static struct chy_ocsp_request read_good(struct chy_op *op, const char *digits)
{
    struct chy_ocsp_request request;
    ck_assert_msg(chy_ocsp_read(op, x509_hex(op, digits), &request) == CHY_OK, "%s",
                  test_op_message(op));
    return request;
}

START_TEST(reads_requests_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_ocsp_request request = read_good(op, one);
    ck_assert_uint_eq(request.count, 1);
    ck_assert_uint_eq(request.nonce.len, 0);
    ck_assert_int_eq(request.ids[0].hash, CHY_OID_SHA1);
    x509_assert_octets(op, request.ids[0].serial, "7f01020304", "serial");
    x509_assert_octets(op, request.ids[0].name_hash, "cc35c777aa0233ed05de1e49d22a77d189e00836",
                       "name");
    x509_assert_octets(op, request.ids[0].key_hash, "24020933f028f6755429f9d72eb367d966d4e2eb",
                       "key");
    request = read_good(op, two_with_nonce);
    ck_assert_uint_eq(request.count, 2);
    x509_assert_octets(op, request.nonce, "ce97bc8ee304b6ec2c94e6feb15d798a", "nonce");
    x509_assert_octets(op, request.ids[1].serial, "02", "serial");
    request = read_good(op, by_sha256);
    ck_assert_int_eq(request.ids[0].hash, CHY_OID_SHA256);
    ck_assert_uint_eq(request.ids[0].name_hash.len, 32);
    test_op_free(op);
}
END_TEST

struct request_case {
    const char *name;
    const char *list;       // Requests
    const char *extensions; // after the list, within the TBSRequest
    const char *after;      // behind the TBSRequest
    const char *message;    // NULL: fine
};

#define SHA1 "300906052b0e03021a0500"
#define SHA1_BARE "300706052b0e03021a"
#define SHA384 "300d0609608648016503040202 0500"
#define CERT_ID(hash) hash "04016e 04016b 020105"

static const struct request_case request_cases[] = {
    {"plain", "3016 3014" CERT_ID(SHA1), "", "", NULL},
    {"absent parameters", "3014 3012" CERT_ID(SHA1_BARE), "", "", NULL},
    {"another hash", "301a 3018" CERT_ID(SHA384), "", "", NULL},
    {"no list", "", "", "", "empty list"},
    {"serial 0", "3016 3014" SHA1 "04016e 04016b 020100", "", "", NULL},
    {"negative serial", "3016 3014" SHA1 "04016e 04016b 0201ff", "", "", "identifier"},
    {"padded serial", "3017 3015" SHA1 "04016e 04016b 02020005", "", "", "identifier"},
    {"something in the id", "3018 3016" CERT_ID(SHA1) "0500", "", "", "identifier"},
    {"something behind the id", "3018 3014" CERT_ID(SHA1) "0500", "", "", "identifier"},
    {"a known extension of one", "3026 3014" CERT_ID(SHA1) "a00e 300c 300a 06022a03 0404 01020304",
     "", "", NULL},
    {"a critical extension of one",
     "3029 3014" CERT_ID(SHA1) "a011 300f 300d 06022a03 0101ff 0404 01020304", "", "", "1.2.3"},
    {"nonce of one octet", "3016 3014" CERT_ID(SHA1),
     "a214 3012 3010 06092b0601050507300102 0403 040161", "", NULL},
    {"critical nonce", "3016 3014" CERT_ID(SHA1),
     "a217 3015 3013 06092b0601050507300102 0101ff 0403 040161", "", NULL},
    {"nonce of nothing", "3016 3014" CERT_ID(SHA1),
     "a213 3011 300f 06092b0601050507300102 0402 0400", "", "nonce"},
    {"nonce without a form", "3016 3014" CERT_ID(SHA1),
     "a214 3012 3010 06092b0601050507300102 0403 616161", "", "nonce"},
    {"nonce twice", "3016 3014" CERT_ID(SHA1),
     "a226 3024 3010 06092b0601050507300102 0403 040161 3010 06092b0601050507300102 0403 040161",
     "", "repeated"},
    {"unknown extension", "3016 3014" CERT_ID(SHA1), "a20a 3008 3006 06022a03 0400", "", NULL},
    {"unknown critical extension", "3016 3014" CERT_ID(SHA1), "a20d 300b 3009 06022a03 0101ff 0400",
     "", "1.2.3"},
    {"no extensions", "3016 3014" CERT_ID(SHA1), "a202 3000", "", "malformed or repeated"},
    {"something behind", "3016 3014" CERT_ID(SHA1), "0500", "", "list"},
    {"signed", "3016 3014" CERT_ID(SHA1), "", "a00d 300b 3005 0603 2b6570 0302 0011", NULL},
    {"badly signed", "3016 3014" CERT_ID(SHA1), "", "a002 0500", "frame"},
    {"something at the end", "3016 3014" CERT_ID(SHA1), "", "0500", "frame"},
};

static struct chy_slice assemble(struct chy_op *op, const char *frame, const char *list,
                                 const char *extensions, const char *after)
{
    struct chy_der_writer w = chy_der_writer_new(op, 512, 65536);
    struct chy_slice der = {0};
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t tbs = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_raw(&w, x509_hex(op, frame));
    chy_der_add_element(&w, CHY_DER_SEQUENCE, x509_hex(op, list));
    chy_der_add_raw(&w, x509_hex(op, extensions));
    chy_der_close(&w, tbs);
    chy_der_add_raw(&w, x509_hex(op, after));
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    return der;
}

static void assert_read(struct chy_op *op, const char *name, struct chy_slice der,
                        const char *message)
{
    struct chy_ocsp_request request = {.count = 77};
    chy_status status = chy_ocsp_read(op, der, &request);
    if (message == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", name, test_op_message(op));
        return;
    }
    ck_assert_msg(status == CHY_BAD_INPUT, "%s", name);
    x509_assert_says(op, message, name);
    ck_assert_uint_eq(request.count, 77);
}

START_TEST(reads_strictly)
{
    const struct request_case *c = &request_cases[_i];
    struct chy_op *op = test_op_new();
    assert_read(op, c->name, assemble(op, "", c->list, c->extensions, c->after), c->message);
    test_op_free(op);
}
END_TEST

START_TEST(the_frame_of_a_request)
{
    struct chy_op *op = test_op_new();
    const char *list = "3016 3014" CERT_ID(SHA1);
    assert_read(op, "version 1", assemble(op, "a003 020100", list, "", ""), "list");
    assert_read(op, "a requestor", assemble(op, "a105 8203 616263", list, "", ""), NULL);
    test_op_free(op);
}
END_TEST

START_TEST(at_most_so_many_certificates)
{
    struct chy_op *op = test_op_new();
    char list[17 * 64] = "";
    size_t len = 0;
    for (int i = 0; i < 17; i++) {
        if (i == 16) {
            assert_read(op, "16", assemble(op, "", list, "", ""), NULL);
        }
        len += (size_t)snprintf(list + len, sizeof list - len, "%s", "3016 3014" CERT_ID(SHA1));
    }
    assert_read(op, "17", assemble(op, "", list, "", ""), "more than 16");
    test_op_free(op);
}
END_TEST

/** with_nonce makes a request whose nonce has `len` octets. */
static struct chy_slice with_nonce(struct chy_op *op, uint64_t len)
{
    struct chy_der_writer w = chy_der_writer_new(op, 512, 65536);
    struct chy_slice der = {0};
    uint8_t *octets = chy_alloc(op, len);
    memset(octets, 7, (size_t)len);
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t tbs = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_SEQUENCE, x509_hex(op, "3016 3014" CERT_ID(SHA1)));
    uint64_t tagged = chy_der_open(&w, CHY_DER_CONTEXT_SET(2));
    uint64_t extensions = chy_der_open(&w, CHY_DER_SEQUENCE);
    struct chy_ext_mark mark = chy_ext_open(&w, CHY_OID_OCSP_NONCE, false);
    chy_der_add_octets(&w, chy_slice_of(octets, len));
    chy_ext_close(&w, mark);
    chy_der_close(&w, extensions);
    chy_der_close(&w, tagged);
    chy_der_close(&w, tbs);
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    return der;
}

START_TEST(a_nonce_has_a_longest_length)
{
    struct chy_op *op = test_op_new();
    assert_read(op, "128", with_nonce(op, 128), NULL);
    assert_read(op, "129", with_nonce(op, 129), "nonce");
    assert_read(op, "a huge request", with_nonce(op, CHY_OCSP_REQUEST_MAX), "length");
    test_op_free(op);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_hex(op, two_with_nonce);
    struct chy_ocsp_request request;
    for (uint64_t len = 0; len < der.len; len++) {
        uint8_t *part = chy_alloc(op, len + 1);
        memcpy(part, der.ptr, (size_t)len);
        ck_assert_int_eq(chy_ocsp_read(op, chy_slice_of(part, len), &request), CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

START_TEST(writes_what_rfc_6960_has)
{
    struct chy_op *op = test_op_new();
    struct chy_ocsp_single singles[] = {
        {.id = x509_hex(op, "0500"), .status = CHY_OCSP_GOOD},
        {.id = x509_hex(op, "0500"),
         .status = CHY_OCSP_REVOKED,
         .reason = CHY_CRL_KEY_COMPROMISE,
         .revoked_at = INT64_C(1768032000000000)},
        {.id = x509_hex(op, "0500"),
         .status = CHY_OCSP_REVOKED,
         .revoked_at = INT64_C(1768032000000000)},
        {.id = x509_hex(op, "0500"), .status = CHY_OCSP_UNKNOWN},
    };
    struct chy_ocsp_values values = {.responder_key_hash = chy_slice_of("k", 1),
                                     .produced_at = INT64_C(1768032000000000),
                                     .this_update = INT64_C(1768032000000000),
                                     .next_update = INT64_C(1768035600000000),
                                     .singles = singles,
                                     .single_count = 4,
                                     .nonce = chy_slice_of("n", 1)};
    struct chy_slice data;
    ck_assert_int_eq(chy_ocsp_encode(op, &values, &data), CHY_OK);
#define NOW "180f32303236303131303038303030305a"
#define TIMES NOW "a011 180f32303236303131303039303030305a"
    x509_assert_octets(op, data,
                       "3081fe a203 04016b" NOW "3081cf"
                       "3028 0500 8000" TIMES "303e 0500 a116" NOW "a003 0a0101" TIMES
                       "3039 0500 a111" NOW TIMES "3028 0500 8200" TIMES
                       "a114 3012 3010 06092b0601050507300102 0403 04016e",
                       "data");
    test_op_free(op);
}
END_TEST

START_TEST(failures_are_short)
{
    struct chy_op *op = test_op_new();
    x509_assert_octets(op, chy_ocsp_failed(CHY_OCSP_MALFORMED_REQUEST), "30030a0101", "malformed");
    x509_assert_octets(op, chy_ocsp_failed(CHY_OCSP_INTERNAL_ERROR), "30030a0102", "internal");
    x509_assert_octets(op, chy_ocsp_failed(CHY_OCSP_TRY_LATER), "30030a0103", "later");
    x509_assert_octets(op, chy_ocsp_failed(CHY_OCSP_UNAUTHORIZED), "30030a0106", "unauthorized");
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_ocsp", TEST(reads_requests_of_openssl), TEST_EACH(reads_strictly, request_cases),
          TEST(the_frame_of_a_request), TEST(at_most_so_many_certificates),
          TEST(a_nonce_has_a_longest_length), TEST(every_cut_is_refused),
          TEST(writes_what_rfc_6960_has), TEST(failures_are_short))
