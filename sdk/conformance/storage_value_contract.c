/** Values come back as they went in; what is no value is refused. */
#include "storage_fixture.h"

#include <stdlib.h>

static char *filled(struct chy_op *op, uint64_t len, char with)
{
    char *bytes = conf_must(chy_alloc(op, len + 1));
    memset(bytes, with, (size_t)len);
    return bytes;
}

/** round_trip writes one field of a new thing and reads it back. */
static struct chy_value round_trip(struct chy_op *op, uint64_t number, uint32_t field,
                                   struct chy_value value)
{
    struct batch *b = batch_new(op);
    batch_set(b, batch_insert(b, number), field, value);
    EXPECT(op, batch_run(b), CHY_OK);
    return thing_field(op, number, field);
}

static void expect_same(const struct chy_value *got, const struct chy_value *put)
{
    ck_assert_uint_eq(got->type, put->type);
    ck_assert_int_eq(got->number, put->number);
    ck_assert_uint_eq(got->bytes.len, put->bytes.len);
    ck_assert(chy_slice_equal(got->bytes, put->bytes));
}

START_TEST(numbers_keep_their_extremes)
{
    static const int64_t numbers[] = {0, 1, -1, INT64_MAX, INT64_MIN, 1LL << 53, -(1LL << 53) - 1};
    struct chy_op *op = op_new();
    for (uint64_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct chy_value put = int_value(numbers[i]);
        struct chy_value got = round_trip(op, 10 + i, WEIGHT, put);
        expect_same(&got, &put);
        put = time_value(numbers[i]);
        got = round_trip(op, 100 + i, ENDED, put);
        expect_same(&got, &put);
    }
    for (int64_t flag = 0; flag < 2; flag++) {
        struct chy_value put = bool_value(flag);
        struct chy_value got = round_trip(op, 200 + (uint64_t)flag, FLAG, put);
        expect_same(&got, &put);
    }
}
END_TEST

START_TEST(text_is_kept_byte_for_byte)
{
    static const char *const texts[] = {"",
                                        " ",
                                        "it's \"quoted\" \\ % _ ? $1",
                                        "tab\tline\nreturn\r\x01\x7f",
                                        "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x94\x91",
                                        "\xf4\x8f\xbf\xbf",
                                        "123",
                                        "NULL",
                                        "{1,2}"};
    struct chy_op *op = op_new();
    for (uint64_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct chy_value put = text_value(texts[i]);
        struct chy_value got = round_trip(op, i + 1, NOTE, put);
        expect_same(&got, &put);
    }
}
END_TEST

START_TEST(empty_and_null_are_different)
{
    struct chy_op *op = op_new();
    struct chy_value empty = bytes_value(CHY_VALUE_BLOB, NULL, 0);
    struct chy_value got = round_trip(op, 1, BODY, empty);
    ck_assert_uint_eq(got.type, CHY_VALUE_BLOB);
    ck_assert_uint_eq(got.bytes.len, 0);
    got = round_trip(op, 2, NOTE, bytes_value(CHY_VALUE_TEXT, NULL, 0));
    ck_assert_uint_eq(got.type, CHY_VALUE_TEXT);
    ck_assert_uint_eq(got.bytes.len, 0);
    got = round_trip(op, 3, NOTE, null_value());
    ck_assert_uint_eq(got.type, CHY_VALUE_NULL);
    insert_things(4, 4);
    ck_assert_uint_eq(thing_field(op, 4, NOTE).type, CHY_VALUE_NULL);
    ck_assert_uint_eq(thing_field(op, 4, DOCUMENT).type, CHY_VALUE_NULL);
    ck_assert_uint_eq(thing_field(op, 4, TAGS).type, CHY_VALUE_MANY);
    ck_assert_uint_eq(thing_field(op, 4, TAGS).items.count, 0);
}
END_TEST

START_TEST(the_largest_values_fit)
{
    struct chy_op *op = op_new();
    struct chy_value put =
        bytes_value(CHY_VALUE_TEXT, filled(op, CHY_STORAGE_TEXT_MAX, 't'), CHY_STORAGE_TEXT_MAX);
    struct chy_value got = round_trip(op, 1, NOTE, put);
    expect_same(&got, &put);
    put = bytes_value(CHY_VALUE_BLOB, filled(op, CHY_STORAGE_BLOB_MAX, '\0'), CHY_STORAGE_BLOB_MAX);
    got = round_trip(op, 2, BODY, put);
    expect_same(&got, &put);
    put = bytes_value(CHY_VALUE_JSON, filled(op, CHY_STORAGE_BLOB_MAX, ' '), CHY_STORAGE_BLOB_MAX);
    got = round_trip(op, 3, DOCUMENT, put);
    expect_same(&got, &put);
}
END_TEST

START_TEST(json_is_opaque)
{
    struct chy_op *op = op_new();
    static const char *const texts[] = {"{\"b\": 1, \"a\":2,  \"a\": 3}", "1.000", "not json", ""};
    for (uint64_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct chy_value put = bytes_value(CHY_VALUE_JSON, texts[i], strlen(texts[i]));
        struct chy_value got = round_trip(op, i + 1, DOCUMENT, put);
        expect_same(&got, &put);
    }
}
END_TEST

START_TEST(sets_come_back_sorted_and_without_repeats)
{
    struct chy_op *op = op_new();
    static const char *const sorted[] = {"", "B", "a", "b", "\xc3\xa9"};
    struct chy_value got =
        round_trip(op, 1, TAGS, many_value(op, "b", "a", "\xc3\xa9", "B", "", "a", "b", NULL));
    ck_assert_uint_eq(got.type, CHY_VALUE_MANY);
    ck_assert_uint_eq(got.items.count, 5);
    for (uint64_t i = 0; i < 5; i++) {
        const struct chy_slice *item = element_at(got.items, i);
        ck_assert_msg(chy_slice_is(*item, sorted[i]), "item %llu", (unsigned long long)i);
    }
}
END_TEST

START_TEST(sets_are_replaced_whole_and_kept_apart)
{
    struct chy_op *op = op_new();
    struct batch *b = batch_new(op);
    struct chy_storage_write *write = batch_insert(b, 1);
    batch_set(b, write, TAGS, many_value(op, "a", "b", NULL));
    batch_set(b, write, LABELS, many_value(op, "a", "z", NULL));
    EXPECT(op, batch_run(b), CHY_OK);
    b = batch_new(op);
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), TAGS, many_value(op, "b", "c", NULL));
    EXPECT(op, batch_run(b), CHY_OK);
    struct chy_value tags = thing_field(op, 1, TAGS);
    ck_assert_uint_eq(tags.items.count, 2);
    ck_assert(chy_slice_is(*(const struct chy_slice *)element_at(tags.items, 0), "b"));
    ck_assert(chy_slice_is(*(const struct chy_slice *)element_at(tags.items, 1), "c"));
    ck_assert_uint_eq(thing_field(op, 1, LABELS).items.count, 2);
    b = batch_new(op);
    batch_set(b, batch_thing(b, CHY_WRITE_UPDATE, 1), TAGS, many_value(op, NULL));
    EXPECT(op, batch_run(b), CHY_OK);
    ck_assert_uint_eq(thing_field(op, 1, TAGS).items.count, 0);
    ck_assert_uint_eq(thing_field(op, 1, LABELS).items.count, 2);
}
END_TEST

START_TEST(a_set_may_have_many_items)
{
    struct chy_op *op = op_new();
    struct chy_slice *items = conf_must(chy_alloc(op, 2000 * sizeof *items));
    for (uint64_t i = 0; i < 2000; i++) {
        char *text = conf_must(chy_alloc(op, 40));
        (void)snprintf(text, 40, "host-%05llu.example", (unsigned long long)(1999 - i));
        items[i] = chy_text(text);
    }
    struct chy_value put = {.type = CHY_VALUE_MANY, .items = {items, 2000, sizeof *items}};
    struct chy_value got = round_trip(op, 1, TAGS, put);
    ck_assert_uint_eq(got.items.count, 2000);
    ck_assert(chy_slice_equal(*(const struct chy_slice *)element_at(got.items, 0), items[1999]));
}
END_TEST

START_TEST(what_is_no_text_is_refused_and_nothing_is_written)
{
    static const struct {
        const char *bytes;
        uint64_t len;
    } bad[] = {
        {"a\0b", 3},
        {"\x80", 1},
        {"\xc3", 1},
        {"\xc0\xaf", 2},
        {"\xe0\x80\xaf", 3},
        {"\xed\xa0\x80", 3},
        {"\xf5\x80\x80\x80", 4},
        {"\xf4\x90\x80\x80", 4},
        {"ok \xff", 4},
        {"\0", 1},
        {"eight by\xfe", 9},
    };
    struct chy_op *op = op_new();
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct batch *b = batch_new(op);
        batch_set(b, batch_insert(b, 1), NOTE,
                  bytes_value(CHY_VALUE_TEXT, bad[i].bytes, bad[i].len));
        EXPECT(op, batch_run(b), CHY_BAD_INPUT);
        b = batch_new(op);
        struct chy_slice item = chy_slice_of(bad[i].bytes, bad[i].len);
        batch_set(b, batch_insert(b, 1), TAGS,
                  (struct chy_value){.type = CHY_VALUE_MANY, .items = ONE(item)});
        EXPECT(op, batch_run(b), CHY_BAD_INPUT);
    }
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(what_is_over_its_limit_is_refused)
{
    struct chy_op *op = op_new();
    const char *big = filled(op, CHY_STORAGE_BLOB_MAX + 1, 'x');
    const struct {
        uint32_t field;
        struct chy_value value;
    } cases[] = {
        {NOTE, bytes_value(CHY_VALUE_TEXT, big, CHY_STORAGE_TEXT_MAX + 1)},
        {BODY, bytes_value(CHY_VALUE_BLOB, big, CHY_STORAGE_BLOB_MAX + 1)},
        {DOCUMENT, bytes_value(CHY_VALUE_JSON, big, CHY_STORAGE_BLOB_MAX + 1)},
        {OWNER, bytes_value(CHY_VALUE_UUID, big, 15)},
        {FLAG, bool_value(2)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch *b = batch_new(op);
        batch_set(b, batch_insert(b, 1), cases[i].field, cases[i].value);
        EXPECT(op, batch_run(b), CHY_BAD_INPUT);
    }
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(what_has_another_type_is_refused)
{
    struct chy_op *op = op_new();
    const struct {
        uint32_t field;
        struct chy_value value;
    } cases[] = {
        {NOTE, int_value(1)},
        {WEIGHT, text_value("1")},
        {MADE, int_value(1)},
        {FLAG, int_value(1)},
        {NAME, null_value()},
        {TAGS, text_value("a")},
        {NOTE, many_value(op, "a", NULL)},
        {DOCUMENT, text_value("{}")},
        {ID, uuid_value(op, 1)},
        {THING_FIELDS, int_value(1)},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct batch *b = batch_new(op);
        batch_set(b, batch_insert(b, 1), cases[i].field, cases[i].value);
        EXPECT(op, batch_run(b), CHY_BAD_INPUT);
    }
    ck_assert_uint_eq(count_things(), 0);
}
END_TEST

START_TEST(get_answers_the_fields_asked_for_in_their_order)
{
    static const uint32_t fields[] = {SIZE, ID, NOTE, SIZE};
    struct chy_op *op = op_new();
    struct chy_storage_row row = {0};
    insert_things(5, 5);
    EXPECT(op, thing_get(op, 5, VIEW(fields), &row), CHY_OK);
    ck_assert_uint_eq(row.values.count, 4);
    ck_assert_uint_eq(row.revision, 1);
    ck_assert_int_eq(((const struct chy_value *)element_at(row.values, 0))->number, 5);
    ck_assert_uint_eq(number_of(element_at(row.values, 1)), 5);
    ck_assert_uint_eq(((const struct chy_value *)element_at(row.values, 2))->type, CHY_VALUE_NULL);
    ck_assert_int_eq(((const struct chy_value *)element_at(row.values, 3))->number, 5);
}
END_TEST

START_TEST(get_of_an_unknown_row_leaves_the_output_alone)
{
    static const uint32_t fields[] = {SIZE};
    struct chy_op *op = op_new();
    struct chy_storage_row row = {.revision = 77};
    EXPECT(op, thing_get(op, 5, VIEW(fields), &row), CHY_NOT_FOUND);
    ck_assert_uint_eq(row.revision, 77);
    ck_assert_ptr_null(row.values.ptr);
}
END_TEST

START_TEST(get_refuses_what_does_not_exist)
{
    static const uint32_t fields[] = {THING_FIELDS};
    struct chy_op *op = op_new();
    struct chy_storage_row row = {0};
    EXPECT(op, thing_get(op, 5, VIEW(fields), &row), CHY_BAD_INPUT);
    struct chy_value key[] = {uuid_value(op, 1), int_value(1)};
    struct chy_storage_get get = {
        .struct_size = sizeof get, .collection = THINGS, .key = VIEW(key)};
    EXPECT(op, ops->get(self, op, &get, &row), CHY_BAD_INPUT);
    get.key.count = 1;
    get.collection = COLLECTIONS;
    EXPECT(op, ops->get(self, op, &get, &row), CHY_BAD_INPUT);
    get.collection = LEASES;
    EXPECT(op, ops->get(self, op, &get, &row), CHY_BAD_INPUT);
}
END_TEST

TCase *storage_value_tests(void)
{
    TCase *tests = tcase_create("values");
    tcase_set_timeout(tests, 60);
    tcase_add_checked_fixture(tests, store_made, store_close);
    tcase_add_test(tests, numbers_keep_their_extremes);
    tcase_add_test(tests, text_is_kept_byte_for_byte);
    tcase_add_test(tests, empty_and_null_are_different);
    tcase_add_test(tests, the_largest_values_fit);
    tcase_add_test(tests, json_is_opaque);
    tcase_add_test(tests, sets_come_back_sorted_and_without_repeats);
    tcase_add_test(tests, sets_are_replaced_whole_and_kept_apart);
    tcase_add_test(tests, a_set_may_have_many_items);
    tcase_add_test(tests, what_is_no_text_is_refused_and_nothing_is_written);
    tcase_add_test(tests, what_is_over_its_limit_is_refused);
    tcase_add_test(tests, what_has_another_type_is_refused);
    tcase_add_test(tests, get_answers_the_fields_asked_for_in_their_order);
    tcase_add_test(tests, get_of_an_unknown_row_leaves_the_output_alone);
    tcase_add_test(tests, get_refuses_what_does_not_exist);
    return tests;
}
