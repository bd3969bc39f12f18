#include "x509/der_write.h"

#include "x509_data.h"

static struct chy_der_writer writer_of(struct chy_op *op)
{
    return chy_der_writer_new(op, 4, 1 << 20); // small, so that it must grow
}

static void assert_wrote(struct chy_op *op, const struct chy_der_writer *w, const char *digits)
{
    struct chy_slice der = {0};
    ck_assert(chy_der_written(w, &der));
    x509_assert_octets(op, der, digits, "written");
}

START_TEST(nests_elements)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = writer_of(op);
    uint64_t outer = chy_der_open(&w, CHY_DER_SEQUENCE);
    uint64_t inner = chy_der_open(&w, CHY_DER_SET);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 5);
    chy_der_close(&w, inner);
    uint64_t bits = chy_der_open_bits(&w);
    chy_der_add_raw(&w, x509_hex(op, "aabb"));
    chy_der_close(&w, bits);
    chy_der_close(&w, outer);
    assert_wrote(op, &w, "300a 3103020105 030300aabb");
    test_op_free(op);
}
END_TEST

START_TEST(writes_the_shortest_length)
{
    struct chy_op *op = test_op_new();
    uint8_t *zeros = chy_alloc(op, 70000);
    for (uint64_t len = 120; len < 70000; len += len < 300 ? 1 : 9973) {
        struct chy_der_writer w = writer_of(op);
        struct chy_slice der = {0};
        struct chy_slice contents = {0};
        uint64_t outer = chy_der_open(&w, CHY_DER_SEQUENCE);
        uint64_t inner = chy_der_open(&w, CHY_DER_SET);
        chy_der_add_raw(&w, chy_slice_of(zeros, len));
        chy_der_close(&w, inner);
        chy_der_add_element(&w, CHY_DER_OCTET_STRING, chy_slice_of(zeros, len));
        chy_der_close(&w, outer);
        ck_assert(chy_der_written(&w, &der));
        struct chy_der reader = chy_der_of(der);
        struct chy_der sequence;
        ck_assert(chy_der_enter(&reader, CHY_DER_SEQUENCE, &sequence) && chy_der_done(&reader));
        ck_assert(chy_der_take(&sequence, CHY_DER_SET, &contents));
        ck_assert_uint_eq(contents.len, len);
        ck_assert(chy_der_octets(&sequence, &contents) && chy_der_done(&sequence));
        ck_assert_uint_eq(contents.len, len);
    }
    test_op_free(op);
}
END_TEST

START_TEST(writes_numbers)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = writer_of(op);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 0);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 127);
    chy_der_add_u64(&w, CHY_DER_INTEGER, 128);
    chy_der_add_u64(&w, CHY_DER_ENUMERATED, 256);
    chy_der_add_u64(&w, CHY_DER_INTEGER, UINT64_MAX);
    chy_der_add_magnitude(&w, x509_hex(op, "0000"));
    chy_der_add_magnitude(&w, x509_hex(op, "007f01"));
    chy_der_add_magnitude(&w, x509_hex(op, "ff01"));
    chy_der_add_true(&w);
    assert_wrote(op, &w,
                 "020100 02017f 02020080 0a020100 020900ffffffffffffffff 020100 02027f01 "
                 "020300ff01 0101ff");
    test_op_free(op);
}
END_TEST

START_TEST(writes_strings_of_bits)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = writer_of(op);
    chy_der_add_named_bits(&w, CHY_DER_BIT_STRING, 0);
    chy_der_add_named_bits(&w, CHY_DER_BIT_STRING, 1);
    chy_der_add_named_bits(&w, CHY_DER_BIT_STRING, 5);
    chy_der_add_named_bits(&w, CHY_DER_BIT_STRING, 0x100);
    chy_der_add_named_bits(&w, CHY_DER_CONTEXT(1), UINT32_C(0x80000000));
    chy_der_add_bits(&w, x509_hex(op, "c0ff"));
    chy_der_add_octets(&w, x509_hex(op, "c0ff"));
    assert_wrote(op, &w, "030100 03020780 030205a0 0303070080 81050000000001 030300c0ff 0402c0ff");
    test_op_free(op);
}
END_TEST

START_TEST(writes_times)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = writer_of(op);
    chy_der_add_time(&w, INT64_C(2524607999999999)); // the last microsecond of 2049
    chy_der_add_time(&w, INT64_C(2524608000000000));
    chy_der_add_time(&w, INT64_C(-631152000000000)); // 1950
    chy_der_add_generalized_time(&w, 0);
    assert_wrote(op, &w,
                 "170d 3439313233313233353935395a 180f 32303530303130313030303030305a "
                 "170d 3530303130313030303030305a 180f 31393730303130313030303030305a");
    test_op_free(op);
}
END_TEST

static const int64_t unspeakable_times[] = {INT64_MIN, INT64_C(-631152000000001),
                                            INT64_C(253402300800000000), INT64_MAX};

START_TEST(fails_at_times_without_a_form)
{
    struct chy_op *op = test_op_new();
    struct chy_der_writer w = writer_of(op);
    struct chy_slice der = {NULL, 99};
    chy_der_add_time(&w, unspeakable_times[_i]);
    ck_assert(!chy_der_written(&w, &der));
    ck_assert_uint_eq(der.len, 99);
    test_op_free(op);
}
END_TEST

START_TEST(never_passes_a_callers_buffer)
{
    uint8_t storage[16];
    for (uint64_t size = 0; size <= sizeof storage; size++) {
        memset(storage, 0xee, sizeof storage);
        struct chy_der_writer w = chy_der_writer_over((struct chy_buffer){storage, size});
        struct chy_slice der = {0};
        uint64_t mark = chy_der_open(&w, CHY_DER_SEQUENCE);
        chy_der_add_u64(&w, CHY_DER_INTEGER, 1);
        chy_der_add_time(&w, 0);
        chy_der_close(&w, mark);
        ck_assert(!chy_der_written(&w, &der)); // it would take 20
        for (uint64_t i = size; i < sizeof storage; i++) {
            ck_assert_uint_eq(storage[i], 0xee);
        }
    }
}
END_TEST

START_TEST(a_close_that_needs_room_for_the_length_may_fail)
{
    uint8_t storage[2 + 128];
    uint8_t zeros[128] = {0};
    struct chy_der_writer w = chy_der_writer_over((struct chy_buffer){storage, sizeof storage});
    struct chy_slice der = {0};
    uint64_t mark = chy_der_open(&w, CHY_DER_SEQUENCE);
    chy_der_add_raw(&w, chy_slice_of(zeros, sizeof zeros));
    ck_assert(chy_der_written(&w, &der));
    chy_der_close(&w, mark);
    ck_assert(!chy_der_written(&w, &der));
}
END_TEST

START_TEST(never_passes_its_ceiling)
{
    struct chy_op *op = test_op_new();
    uint8_t zeros[64] = {0};
    struct chy_der_writer w = chy_der_writer_new(op, 8, 100);
    struct chy_slice der = {NULL, 99};
    chy_der_add_raw(&w, chy_slice_of(zeros, 64));
    ck_assert(chy_der_written(&w, &der));
    ck_assert_uint_eq(der.len, 64);
    chy_der_add_raw(&w, chy_slice_of(zeros, 36));
    ck_assert(chy_der_written(&w, &der));
    ck_assert_uint_eq(der.len, 100);
    chy_der_add_raw(&w, chy_slice_of(zeros, 1));
    ck_assert_int_eq(chy_der_finish(op, &w, &der), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

START_TEST(survives_an_arena_without_room)
{
    struct chy_op *op = test_op_new_with(64 * 1024);
    uint8_t zeros[1024] = {0};
    struct chy_der_writer w = chy_der_writer_new(op, 1024, 1 << 20);
    struct chy_slice der = {0};
    for (int i = 0; i < 200; i++) {
        chy_der_add_raw(&w, chy_slice_of(zeros, sizeof zeros));
    }
    ck_assert_int_eq(chy_der_finish(op, &w, &der), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_der_write", TEST(nests_elements), TEST(writes_the_shortest_length),
          TEST(writes_numbers), TEST(writes_strings_of_bits), TEST(writes_times),
          TEST_EACH(fails_at_times_without_a_form, unspeakable_times),
          TEST(never_passes_a_callers_buffer),
          TEST(a_close_that_needs_room_for_the_length_may_fail), TEST(never_passes_its_ceiling),
          TEST(survives_an_arena_without_room))
