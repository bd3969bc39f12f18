#include "asn1.h"

#include "test_main.h"

#define BYTES(...) ((const uint8_t[]){__VA_ARGS__})
#define INPUT(...)                                    \
    {                                                 \
        BYTES(__VA_ARGS__), sizeof BYTES(__VA_ARGS__) \
    }

static const struct {
    const char *name;
    struct chy_slice input;
    bool ok;
    uint64_t contents_len;
    uint64_t rest_len;
} elements[] = {
    {"short form", INPUT(0x04, 0x01, 0xaa), true, 1, 0},
    {"empty contents", INPUT(0x04, 0x00), true, 0, 0},
    {"more after it", INPUT(0x04, 0x01, 0xaa, 0x05, 0x00), true, 1, 2},
    {"nothing", {NULL, 0}, false, 0, 0},
    {"tag alone", INPUT(0x04), false, 0, 0},
    {"contents cut off", INPUT(0x04, 0x02, 0xaa), false, 0, 0},
    {"another tag", INPUT(0x05, 0x00), false, 0, 0},
    {"indefinite length", INPUT(0x04, 0x80, 0x00, 0x00), false, 0, 0},
    {"long form where short fits", INPUT(0x04, 0x81, 0x01, 0xaa), false, 0, 0},
    {"long form with a leading zero", INPUT(0x04, 0x82, 0x00, 0x81, 0xaa), false, 0, 0},
    {"length cut off", INPUT(0x04, 0x82, 0x01), false, 0, 0},
    {"length of five bytes", INPUT(0x04, 0x85, 1, 0, 0, 0, 0, 0xaa), false, 0, 0},
    {"length beyond everything", INPUT(0x04, 0x84, 0xff, 0xff, 0xff, 0xff, 0xaa), false, 0, 0},
};

START_TEST(takes_elements)
{
    struct chy_slice rest = elements[_i].input;
    struct chy_slice contents = {NULL, 99};
    bool ok = chy_asn1_take(&rest, CHY_ASN1_OCTET_STRING, &contents);
    ck_assert_msg(ok == elements[_i].ok, "%s", elements[_i].name);
    ck_assert_uint_eq(contents.len, ok ? elements[_i].contents_len : 99);
    ck_assert_uint_eq(rest.len, ok ? elements[_i].rest_len : elements[_i].input.len);
}
END_TEST

static const struct {
    const char *name;
    struct chy_slice input;
    uint64_t len;
    uint8_t first;
    bool ok;
} numbers[] = {
    {"zero", INPUT(0x02, 0x01, 0x00), 1, 0, true},
    {"one", INPUT(0x02, 0x01, 0x01), 1, 1, true},
    {"with its sign octet", INPUT(0x02, 0x02, 0x00, 0x80), 1, 0x80, true},
    {"empty", INPUT(0x02, 0x00), 0, 0, false},
    {"negative", INPUT(0x02, 0x01, 0x80), 0, 0, false},
    {"padded", INPUT(0x02, 0x02, 0x00, 0x7f), 0, 0, false},
};

START_TEST(takes_numbers_in_their_shortest_form)
{
    struct chy_slice rest = numbers[_i].input;
    struct chy_slice magnitude = {NULL, 99};
    bool ok = chy_asn1_take_unsigned(&rest, &magnitude);
    ck_assert_msg(ok == numbers[_i].ok, "%s", numbers[_i].name);
    ck_assert_uint_eq(magnitude.len, ok ? numbers[_i].len : 99);
    ck_assert(!ok || magnitude.ptr[0] == numbers[_i].first);
}
END_TEST

START_TEST(takes_bit_strings_of_whole_bytes)
{
    struct chy_slice good = INPUT(0x03, 0x02, 0x00, 0xaa);
    struct chy_slice odd = INPUT(0x03, 0x02, 0x01, 0xaa);
    struct chy_slice empty = INPUT(0x03, 0x00);
    struct chy_slice bits = {NULL, 99};
    ck_assert(!chy_asn1_take_bits(&odd, &bits));
    ck_assert(!chy_asn1_take_bits(&empty, &bits));
    ck_assert_uint_eq(bits.len, 99);
    ck_assert(chy_asn1_take_bits(&good, &bits));
    ck_assert_uint_eq(bits.len, 1);
}
END_TEST

START_TEST(what_is_written_is_read)
{
    static const uint64_t lengths[] = {0, 1, 127, 128, 255, 256, 65535, 65536};
    static uint8_t contents[65536];
    static uint8_t buffer[65536 + 8];
    struct chy_asn1_out out;
    struct chy_slice back;
    chy_asn1_out_init(&out, buffer, sizeof buffer);
    chy_asn1_put(&out, chy_slice_of(contents, lengths[_i]));
    chy_asn1_put_header(&out, CHY_ASN1_OCTET_STRING, 0);
    ck_assert(!out.full);
    struct chy_slice written = chy_asn1_out_slice(&out);
    ck_assert(chy_asn1_take(&written, CHY_ASN1_OCTET_STRING, &back));
    ck_assert_uint_eq(back.len, lengths[_i]);
    ck_assert_uint_eq(written.len, 0);
}
END_TEST

START_TEST(numbers_are_written_in_their_shortest_form)
{
    static const uint8_t magnitudes[][3] = {{0, 0, 0}, {0, 0, 0x7f}, {0, 0, 0x80}, {0, 1, 0}};
    static const uint8_t expected[][4] = {
        {0x02, 0x01, 0x00}, {0x02, 0x01, 0x7f}, {0x02, 0x02, 0x00, 0x80}, {0x02, 0x02, 0x01, 0x00}};
    for (size_t i = 0; i < 4; i++) {
        uint8_t buffer[16];
        struct chy_asn1_out out;
        chy_asn1_out_init(&out, buffer, sizeof buffer);
        chy_asn1_put_unsigned(&out, chy_slice_of(magnitudes[i], 3));
        struct chy_slice written = chy_asn1_out_slice(&out);
        ck_assert_uint_eq(written.len, i < 2 ? 3 : 4);
        ck_assert_mem_eq(written.ptr, expected[i], written.len);
    }
}
END_TEST

START_TEST(too_little_room_is_noticed_and_stays_noticed)
{
    uint8_t buffer[4];
    struct chy_asn1_out out;
    chy_asn1_out_init(&out, buffer, sizeof buffer);
    chy_asn1_put(&out, chy_text("five!"));
    ck_assert(out.full);
    chy_asn1_put_byte(&out, 1);
    ck_assert_uint_eq(chy_asn1_out_slice(&out).len, 0);
}
END_TEST

TEST_MAIN("wolfssl asn1", TEST_EACH(takes_elements, elements),
          TEST_EACH(takes_numbers_in_their_shortest_form, numbers),
          TEST(takes_bit_strings_of_whole_bytes), TEST_TIMES(what_is_written_is_read, 8),
          TEST(numbers_are_written_in_their_shortest_form),
          TEST(too_little_room_is_noticed_and_stays_noticed))
