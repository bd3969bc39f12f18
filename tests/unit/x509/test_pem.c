#include "x509/pem.h"

#include "x509_data.h"

static const char *const labels[] = {"CERTIFICATE", "OTHER", NULL};

/** Makes octets that end at the end of their block. */
static struct chy_slice exact(struct chy_op *op, const char *text)
{
    uint64_t len = strlen(text);
    uint8_t *copy = chy_alloc(op, len);
    if (len > 0) {
        memcpy(copy, text, len);
    }
    return chy_slice_of(copy, len);
}

#define BEGIN "-----BEGIN CERTIFICATE-----"
#define END "-----END CERTIFICATE-----"

struct read_case {
    const char *name;
    const char *text;
    uint64_t count;
    const char *first;   // hexadecimal
    const char *message; // NULL: fine
};

static const struct read_case read_cases[] = {
    {"plain", BEGIN "\nAQID\n" END "\n", 1, "010203", NULL},
    {"no newline at the end", BEGIN "\nAQID\n" END, 1, "010203", NULL},
    {"CRLF", BEGIN "\r\nAQID\r\n" END "\r\n", 1, "010203", NULL},
    {"white space around", " \r\n\t" BEGIN "\nAQID\n" END "\n \n", 1, "010203", NULL},
    {"white space at the ends of lines", BEGIN " \n AQ\t\nID \n" END " \n", 1, "010203", NULL},
    {"lines of any length", BEGIN "\nA\nQI\nD\n" END "\n", 1, "010203", NULL},
    {"one line", BEGIN " AQID " END, 1, "010203", NULL},
    {"padding", BEGIN "\nAQ==\n" END "\n", 1, "01", NULL},
    {"another label", "-----BEGIN OTHER-----\nAQID\n-----END OTHER-----\n", 1, "010203", NULL},
    {"two", BEGIN "\nAQID\n" END "\n" BEGIN "\nBAUG\n" END "\n", 2, "010203", NULL},
    {"nothing", "", 0, NULL, "empty"},
    {"only white space", " \n", 0, NULL, "empty"},
    {"no PEM", "AQID", 0, NULL, "BEGIN CERTIFICATE"},
    {"text before", "subject=x\n" BEGIN "\nAQID\n" END "\n", 0, NULL, "nothing but white"},
    {"text after", BEGIN "\nAQID\n" END "\nmore", 0, NULL, "nothing but white"},
    {"text right after the mark", BEGIN "\nAQID\n" END "x", 0, NULL, "does not end in"},
    {"a label that is not asked for", "-----BEGIN KEY-----\nAQID\n-----END KEY-----", 0, NULL,
     "BEGIN CERTIFICATE"},
    {"a longer label", "-----BEGIN CERTIFICATE REQUEST-----\nAQID\n-----END CERTIFICATE-----", 0,
     NULL, "BEGIN CERTIFICATE"},
    {"labels that differ", BEGIN "\nAQID\n-----END OTHER-----\n", 0, NULL, "does not end in"},
    {"no end", BEGIN "\nAQID\n", 0, NULL, "has no"},
    {"half an end", BEGIN "\nAQID\n-----END CERT", 0, NULL, "does not end in"},
    {"nothing inside", BEGIN "\n" END "\n", 0, NULL, "base64"},
    {"missing padding", BEGIN "\nAQ\n" END "\n", 0, NULL, "base64"},
    {"padding in the middle", BEGIN "\nAQ==AQID\n" END "\n", 0, NULL, "base64"},
    {"stray bits", BEGIN "\nAR==\n" END "\n", 0, NULL, "base64"},
    {"another character", BEGIN "\nAQ!D\n" END "\n", 0, NULL, "base64"},
    {"headers of old", BEGIN "\nProc-Type: 4\n\nAQID\n" END "\n", 0, NULL, "does not end in"},
};

START_TEST(reads_blocks)
{
    const struct read_case *c = &read_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_pem_blocks blocks = {NULL, 99};
    chy_status status = chy_pem_decode(op, exact(op, c->text), labels, 0, &blocks);
    if (c->message == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->name, test_op_message(op));
        ck_assert_uint_eq(blocks.count, c->count);
        x509_assert_octets(op, blocks.items[0], c->first, c->name);
    } else {
        ck_assert_msg(status == CHY_BAD_INPUT, "%s", c->name);
        x509_assert_says(op, c->message, c->name);
        ck_assert_uint_eq(blocks.count, 99);
    }
    test_op_free(op);
}
END_TEST

START_TEST(one_means_one)
{
    struct chy_op *op = test_op_new();
    struct chy_slice der = {0};
    ck_assert_int_eq(
        chy_pem_decode_one(op, exact(op, BEGIN "\nAQID\n" END), labels, CHY_PEM_SECRET, &der),
        CHY_OK);
    x509_assert_octets(op, der, "010203", "one");
    ck_assert_int_eq(chy_pem_decode_one(op,
                                        exact(op, BEGIN "\nAQID\n" END "\n" BEGIN "\nAQID\n" END),
                                        labels, 0, &der),
                     CHY_BAD_INPUT);
    x509_assert_says(op, "2 blocks instead of one", "two");
    test_op_free(op);
}
END_TEST

START_TEST(blocks_are_limited)
{
    struct chy_op *op = test_op_new();
    static const char block[] = BEGIN "\nAQID\n" END "\n";
    char text[(CHY_PEM_BLOCKS_MAX + 1) * sizeof block];
    struct chy_pem_blocks blocks;
    size_t len = 0;
    for (int i = 0; i <= CHY_PEM_BLOCKS_MAX; i++) {
        memcpy(text + len, block, sizeof block - 1);
        len += sizeof block - 1;
    }
    ck_assert_int_eq(
        chy_pem_decode(op, chy_slice_of(text, len - sizeof block + 1), labels, 0, &blocks), CHY_OK);
    ck_assert_uint_eq(blocks.count, CHY_PEM_BLOCKS_MAX);
    ck_assert_int_eq(chy_pem_decode(op, chy_slice_of(text, len), labels, 0, &blocks),
                     CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

struct request_case {
    const char *text;
    bool ok;
};

static const struct request_case request_cases[] = {
    {"-----BEGIN CERTIFICATE REQUEST-----\nAQID\n-----END CERTIFICATE REQUEST-----\n", true},
    {"-----BEGIN NEW CERTIFICATE REQUEST-----\nAQID\n-----END NEW CERTIFICATE REQUEST-----", true},
    {"AQID", true},
    {" AQ\r\nID\n", true},
    {BEGIN "\nAQID\n" END, false},
    {"-----BEGIN CERTIFICATE REQUEST-----\nAQID\n-----END NEW CERTIFICATE REQUEST-----", false},
    {"hello, world", false},
    {"", false},
};

START_TEST(requests_come_with_and_without_marks)
{
    const struct request_case *c = &request_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_slice der = {0};
    chy_status status = chy_pem_decode_request(op, exact(op, c->text), &der);
    ck_assert_msg(status == (c->ok ? CHY_OK : CHY_BAD_INPUT), "%s", c->text);
    if (c->ok) {
        x509_assert_octets(op, der, "010203", c->text);
    } else {
        x509_assert_says(op, "CERTIFICATE REQUEST-----", c->text);
    }
    test_op_free(op);
}
END_TEST

START_TEST(writes_lines_of_64)
{
    struct chy_op *op = test_op_new();
    uint8_t octets[49];
    struct chy_slice text = {0};
    memset(octets, 0, sizeof octets);
    ck_assert_int_eq(
        chy_pem_encode(op, "CERTIFICATE", chy_slice_of(octets, sizeof octets), 0, &text), CHY_OK);
    x509_assert_text(text,
                     BEGIN "\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
                           "\nAA==\n" END "\n");
    test_op_free(op);
}
END_TEST

START_TEST(reads_what_it_writes_at_every_length)
{
    struct chy_op *op = test_op_new();
    uint8_t octets[200];
    for (uint64_t i = 0; i < sizeof octets; i++) {
        octets[i] = (uint8_t)(i * 7);
    }
    for (uint64_t len = 1; len <= sizeof octets; len++) {
        struct chy_slice text = {0};
        struct chy_slice der = {0};
        uint32_t flags = len % 2 == 0 ? CHY_PEM_SECRET : 0;
        ck_assert_int_eq(chy_pem_encode(op, "OTHER", chy_slice_of(octets, len), flags, &text),
                         CHY_OK);
        ck_assert_uint_eq(text.len, chy_pem_size("OTHER", len));
        ck_assert_uint_eq(text.ptr[text.len - 1], '\n');
        ck_assert_int_eq(chy_pem_decode_one(op, text, labels, flags, &der), CHY_OK);
        ck_assert(chy_slice_equal(der, chy_slice_of(octets, len)));
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_pem", TEST_EACH(reads_blocks, read_cases), TEST(one_means_one),
          TEST(blocks_are_limited), TEST_EACH(requests_come_with_and_without_marks, request_cases),
          TEST(writes_lines_of_64), TEST(reads_what_it_writes_at_every_length))
