#include "x509/crl.h"

#include "x509/certificate.h"
#include "x509_data.h"

static struct chy_crl read_good(struct chy_op *op, const char *file)
{
    struct chy_crl crl = {.entry_count = 0};
    ck_assert_msg(chy_crl_read(op, x509_pem(op, file), &crl) == CHY_OK, "%s: %s", file,
                  test_op_message(op));
    return crl;
}

static const struct {
    const char *serial;
    int64_t date_s;
    uint32_t reason;
} three[] = {
    {"4f01", INT64_C(1768032000), CHY_CRL_KEY_COMPROMISE},
    {"4f02", INT64_C(1768122000), CHY_CRL_UNSPECIFIED},
    {"4f8000", INT64_C(1768212000), CHY_CRL_CERTIFICATE_HOLD},
};

START_TEST(reads_a_list_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_crl crl = read_good(op, "crl-three");
    struct chy_der entries = chy_der_of(crl.entries);
    struct chy_crl_entry entry;
    ck_assert_uint_eq(crl.entry_count, 3);
    for (size_t i = 0; i < 3; i++) {
        ck_assert(chy_crl_next(&entries, &entry));
        x509_assert_octets(op, entry.serial, three[i].serial, "serial");
        ck_assert_int_eq(entry.date, three[i].date_s * 1000000);
        ck_assert_uint_eq(entry.reason, three[i].reason);
    }
    ck_assert(!chy_crl_next(&entries, &entry));
    ck_assert(crl.has_number && crl.has_next_update && crl.has_point && !crl.is_delta);
    x509_assert_octets(op, crl.number, "65a1b2c3", "number");
    ck_assert_uint_eq(crl.authority_key_id.len, 20);
    ck_assert_uint_eq(crl.point.urls.count, 2);
    ck_assert_int_eq(crl.next_update - crl.this_update, INT64_C(7) * 86400 * 1000000);
    crl = read_good(op, "crl-none");
    ck_assert_uint_eq(crl.entry_count, 0);
    ck_assert_uint_eq(crl.entries.len, 0);
    test_op_free(op);
}
END_TEST

static struct chy_crl_values values_of(struct chy_op *op, const struct chy_slice *urls)
{
    struct chy_crl crl = read_good(op, "crl-three");
    return (struct chy_crl_values){
        .signature_algorithm = CHY_SIG_ECDSA_SHA256,
        .issuer = crl.issuer,
        .this_update = crl.this_update,
        .next_update = crl.next_update,
        .number = 0x65a1b2c3,
        .authority_key_id = crl.authority_key_id,
        .point_urls = urls,
        .point_url_count = 2,
        .freshest_urls = urls + 1,
        .freshest_url_count = 1,
    };
}

static struct chy_crl build(struct chy_op *op, const struct chy_crl_values *values, size_t entries)
{
    struct chy_crl_writer writer;
    struct chy_slice tbs = {0};
    struct chy_slice der = {0};
    struct chy_crl crl = {.entry_count = 0};
    ck_assert_int_eq(chy_crl_begin(op, values, 1, &writer), CHY_OK);
    for (size_t i = 0; i < entries; i++) {
        chy_crl_add(&writer, x509_hex(op, three[i].serial), three[i].date_s * 1000000,
                    three[i].reason);
    }
    ck_assert_int_eq(chy_crl_end(op, &writer, &tbs), CHY_OK);
    ck_assert_int_eq(
        chy_signed_assemble(op, tbs, values->signature_algorithm, x509_hex(op, "0011"), &der),
        CHY_OK);
    ck_assert_msg(chy_crl_read(op, der, &crl) == CHY_OK, "%s", test_op_message(op));
    return crl;
}

static const struct chy_slice urls[] = {CHY_TEXT_INIT("http://pki.example/1.crl"),
                                        CHY_TEXT_INIT("http://mirror.example/1.crl")};

START_TEST(writes_the_entries_of_openssl)
{
    struct chy_op *op = test_op_new();
    struct chy_crl theirs = read_good(op, "crl-three");
    struct chy_crl_values values = values_of(op, urls);
    struct chy_crl ours = build(op, &values, 3);
    ck_assert(chy_slice_equal(ours.entries, theirs.entries));
    ck_assert(chy_slice_equal(ours.issuer, theirs.issuer));
    ck_assert_int_eq(ours.this_update, theirs.this_update);
    ck_assert_int_eq(ours.next_update, theirs.next_update);
    ck_assert(chy_slice_equal(ours.number, theirs.number));
    ck_assert(chy_slice_equal(ours.authority_key_id, theirs.authority_key_id));
    ck_assert_uint_eq(ours.point.urls.count, 2);
    x509_assert_text(ours.point.urls.items[1], "http://mirror.example/1.crl");
    ck_assert_uint_eq(ours.freshest.count, 1);
    ck_assert(!ours.is_delta);
    test_op_free(op);
}
END_TEST

START_TEST(an_empty_list_has_no_entries_element)
{
    struct chy_op *op = test_op_new();
    struct chy_crl_values values = values_of(op, urls);
    values.point_url_count = 0;
    values.freshest_url_count = 0;
    struct chy_crl crl = build(op, &values, 0);
    ck_assert_uint_eq(crl.entry_count, 0);
    ck_assert_ptr_null(crl.entries.ptr);
    ck_assert(!crl.has_point);
    ck_assert_uint_eq(crl.freshest.count, 0);
    test_op_free(op);
}
END_TEST

START_TEST(a_delta_names_its_base)
{
    struct chy_op *op = test_op_new();
    struct chy_crl_values values = values_of(op, urls);
    values.is_delta = true;
    values.base_number = 0x65a1b2c0;
    struct chy_crl crl = build(op, &values, 3);
    ck_assert(crl.is_delta);
    x509_assert_octets(op, crl.base_number, "65a1b2c0", "base");
    ck_assert_uint_eq(crl.freshest.count, 0); // RFC 5280 5.2.6
    test_op_free(op);
}
END_TEST

START_TEST(a_long_list_grows)
{
    struct chy_op *op = test_op_new();
    struct chy_crl_values values = values_of(op, urls);
    struct chy_crl_writer writer;
    struct chy_slice tbs = {0};
    struct chy_slice der = {0};
    struct chy_crl crl;
    ck_assert_int_eq(chy_crl_begin(op, &values, 0, &writer), CHY_OK);
    for (uint32_t i = 0; i < 20000; i++) {
        uint8_t serial[16] = {
            0x10,       0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)(i >> 16), (uint8_t)(i >> 8),
            (uint8_t)i, 1};
        chy_crl_add(&writer, chy_slice_of(serial, sizeof serial), TEST_NOW, i % 2);
    }
    ck_assert_int_eq(chy_crl_end(op, &writer, &tbs), CHY_OK);
    ck_assert_int_eq(chy_signed_assemble(op, tbs, CHY_SIG_ECDSA_SHA256, x509_hex(op, "0011"), &der),
                     CHY_OK);
    ck_assert_int_eq(chy_crl_read(op, der, &crl), CHY_OK);
    ck_assert_uint_eq(crl.entry_count, 20000);
    test_op_free(op);
}
END_TEST

START_TEST(an_entry_without_a_form_fails_at_the_end)
{
    struct chy_op *op = test_op_new();
    struct chy_crl_values values = values_of(op, urls);
    struct chy_crl_writer writer;
    struct chy_slice tbs = {NULL, 99};
    ck_assert_int_eq(chy_crl_begin(op, &values, 0, &writer), CHY_OK);
    chy_crl_add(&writer, x509_hex(op, "01"), TEST_NOW, 7); // RFC 5280 5.3.1: not used
    ck_assert(chy_crl_end(op, &writer, &tbs) != CHY_OK);
    ck_assert_uint_eq(tbs.len, 99);
    values.next_update = values.this_update - 1;
    ck_assert_int_eq(chy_crl_begin(op, &values, 0, &writer), CHY_BROKEN);
    test_op_free(op);
}
END_TEST

struct reason_case {
    const char *word;
    int reason; // -1: none
};

static const struct reason_case reason_cases[] = {
    {"UNSPECIFIED", 0},
    {"KEY_COMPROMISE", 1},
    {"keyCompromise", 1},
    {"key_compromise", 1},
    {"CA_COMPROMISE", 2},
    {"cACompromise", 2},
    {"AFFILIATION_CHANGED", 3},
    {"SUPERSEDED", 4},
    {"CESSATION_OF_OPERATION", 5},
    {"CERTIFICATE_HOLD", 6},
    {"PRIVILEGE_WITHDRAWN", 9},
    {"A_A_COMPROMISE", 10},
    {"aACompromise", 10},
    {"REMOVE_FROM_CRL", -1},
    {"", -1},
    {"lost", -1},
};

START_TEST(finds_reasons_by_word)
{
    const struct reason_case *c = &reason_cases[_i];
    uint32_t reason = 99;
    ck_assert_msg(chy_crl_reason_find(chy_text(c->word), &reason) == (c->reason >= 0), "%s",
                  c->word);
    ck_assert_int_eq((int)reason, c->reason >= 0 ? c->reason : 99);
}
END_TEST

/* Lists put together from pieces. */

#define FRAME "020101 300506032b6570 300c310a300806035504030c0161 170d3236303130313030303030305a"
#define NEXT "170d3236303130383030303030305a"
#define ENTRY "3012 020107 170d3236303130313030303030305a"

struct body_case {
    const char *name;
    const char *body;
    const char *message; // NULL: fine
};

static const struct body_case body_cases[] = {
    {"bare", FRAME, NULL},
    {"with next update", FRAME NEXT, NULL},
    {"with an entry", FRAME NEXT "3014" ENTRY, NULL},
    {"with an invalidity date",
     FRAME NEXT "3030 302e 020107 170d3236303130313030303030305a 301a 3018 0603551d18 0411 180f"
                "32303235303130313030303030305a",
     NULL},
    {"version 1", "300506032b6570 300c310a300806035504030c0161 170d3236303130313030303030305a",
     "version"},
    {"version 3",
     "020102 300506032b6570 300c310a300806035504030c0161 "
     "170d3236303130313030303030305a",
     "version"},
    {"no entries in the list", FRAME NEXT "3000", "list of entries"},
    {"broken entry", FRAME NEXT "3005 3003 020107", "an entry"},
    {"negative serial", FRAME NEXT "3014 3012 0201ff 170d3236303130313030303030305a", "an entry"},
    {"reason 7",
     FRAME NEXT "3022 3020 020107 170d3236303130313030303030305a 300c 300a 0603551d15 0403 0a0107",
     "an entry"},
    {"critical entry extension",
     FRAME NEXT "3025 3023 020107 170d3236303130313030303030305a 300f 300d 0603551d1d 0101ff 0403 "
                "020101",
     "an entry"},
    {"extension twice", FRAME NEXT "a018 3016 300a 0603551d14 0403 020101 3008 0603551d14 0401 00",
     "cRLNumber more than once"},
    {"unknown critical extension", FRAME NEXT "a00d 300b 3009 06022a03 0101ff 0400", "1.2.3"},
    {"unknown extension", FRAME NEXT "a00a 3008 3006 06022a03 0400", NULL},
    {"negative number", FRAME NEXT "a00e 300c 300a 0603551d14 0403 0201ff", "cRLNumber"},
    {"something at the end", FRAME NEXT "0500", "its end"},
};

START_TEST(reads_strictly)
{
    const struct body_case *c = &body_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice der = {0};
    struct chy_crl crl = {.entry_count = 77};
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_SEQUENCE, x509_hex(op, c->body));
    chy_der_add_raw(&w, x509_hex(op, "300506032b6570"));
    chy_der_add_bits(&w, x509_hex(op, "0011"));
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    chy_status status = chy_crl_read(op, der, &crl);
    if (c->message == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->name, test_op_message(op));
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "%s", c->name);
        x509_assert_says(op, c->message, c->name);
        ck_assert_uint_eq(crl.entry_count, 77);
    }
    test_op_free(op);
}
END_TEST

START_TEST(both_algorithms_are_the_same)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = chy_der_writer_new(op, 256, 4096);
    struct chy_slice der = {0};
    struct chy_crl crl;
    uint64_t whole = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_element(&w, CHY_DER_SEQUENCE, x509_hex(op, FRAME));
    chy_der_add_raw(&w, x509_hex(op, "300506032b6571"));
    chy_der_add_bits(&w, x509_hex(op, "0011"));
    chy_der_close(&w, whole);
    ck_assert(chy_der_written(&w, &der));
    ck_assert_int_eq(chy_crl_read(op, der, &crl), CHY_BAD_INPUT);
    x509_assert_says(op, "two different signature algorithms", "algorithms");
    test_op_free(op);
}
END_TEST

START_TEST(every_cut_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = x509_pem(op, "crl-three");
    struct chy_crl crl;
    for (uint64_t len = 0; len < der.len; len++) {
        uint8_t *part = chy_alloc(op, len);
        if (len > 0) {
            memcpy(part, der.ptr, len);
        }
        ck_assert_int_eq(chy_crl_read(op, chy_slice_of(part, len), &crl), CHY_BAD_INPUT);
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_crl", TEST(reads_a_list_of_openssl), TEST(writes_the_entries_of_openssl),
          TEST(an_empty_list_has_no_entries_element), TEST(a_delta_names_its_base),
          TEST(a_long_list_grows), TEST(an_entry_without_a_form_fails_at_the_end),
          TEST_EACH(finds_reasons_by_word, reason_cases), TEST_EACH(reads_strictly, body_cases),
          TEST(both_algorithms_are_the_same), TEST(every_cut_is_refused))
