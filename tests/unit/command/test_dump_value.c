#include "command/dump_value.h"

#include "base/slice.h"
#include "plugin/values.h"
#include "test_main.h"
#include "test_op.h"

static const struct chy_uuid id = {{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}};
static const struct chy_slice names[] = {CHY_TEXT_INIT("a"), CHY_TEXT_INIT(""),
                                         CHY_TEXT_INIT("b\nc")};

/** One of each type. */
static void make_values(struct chy_value out_values[9])
{
    struct chy_value values[] = {
        chy_value_null(),
        chy_value_int(-2),
        chy_value_bool(true),
        chy_value_time(INT64_MAX),
        chy_value_text(chy_text("words")),
        chy_value_uuid(&id),
        chy_value_blob(chy_slice_of("\0\1", 2)),
        chy_value_json(chy_text("{}")),
        chy_value_many(chy_view_of(names, 3, sizeof names[0])),
    };
    memcpy(out_values, values, sizeof values);
}

static void check_equal(const struct chy_value *found, const struct chy_value *expected)
{
    ck_assert_uint_eq(found->type, expected->type);
    ck_assert_int_eq(found->number, expected->number);
    ck_assert(chy_slice_equal(found->bytes, expected->bytes));
    ck_assert_uint_eq(found->items.count, expected->items.count);
    for (uint64_t i = 0; i < found->items.count; i++) {
        const struct chy_slice *item = chy_view_at(found->items, i);
        ck_assert(chy_slice_equal(*item, names[i]));
    }
}

START_TEST(each_type_comes_back_as_it_was)
{
    struct chy_op *op = test_op_new();
    struct chy_value values[9];
    struct chy_buf buf;
    make_values(values);
    chy_buf_init(&buf, op, 1024);
    for (size_t i = 0; i < 9; i++) {
        chy_dump_add_value(&buf, &values[i]);
    }
    ck_assert(chy_buf_ok(&buf));
    struct chy_slice rest = chy_buf_slice(&buf);
    for (size_t i = 0; i < 9; i++) {
        struct chy_value found;
        ck_assert(chy_dump_take_value(op, &rest, &found));
        check_equal(&found, &values[i]);
    }
    ck_assert_uint_eq(rest.len, 0);
    test_op_free(op);
}
END_TEST

START_TEST(what_is_cut_short_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_value values[9];
    make_values(values);
    for (size_t i = 0; i < 9; i++) {
        struct chy_buf buf;
        chy_buf_init(&buf, op, 1024);
        chy_dump_add_value(&buf, &values[i]);
        struct chy_slice whole = chy_buf_slice(&buf);
        for (uint64_t len = 0; len < whole.len; len++) {
            struct chy_slice rest = chy_slice_first(whole, len);
            struct chy_value found;
            ck_assert_msg(!chy_dump_take_value(op, &rest, &found), "type %u, %llu of %llu octets",
                          values[i].type, (unsigned long long)len, (unsigned long long)whole.len);
        }
    }
    test_op_free(op);
}
END_TEST

START_TEST(a_type_that_is_none_is_refused)
{
    struct chy_op *op = test_op_new();
    struct chy_slice rest = chy_slice_of("\377\0\0\0\0\0\0\0\0", 9);
    struct chy_value found;
    ck_assert(!chy_dump_take_value(op, &rest, &found));
    test_op_free(op);
}
END_TEST

TEST_MAIN("dump value", TEST(each_type_comes_back_as_it_was), TEST(what_is_cut_short_is_refused),
          TEST(a_type_that_is_none_is_refused))
