#include "enroll/names.h"
#include "plugin/values.h"
#include "plugin/view.h"
#include "test_main.h"
#include "test_op.h"

#include <chancery/enrollment.h>

static struct chy_slice item(struct chy_view view, uint64_t i)
{
    return *(const struct chy_slice *)chy_view_item(view, i);
}

START_TEST(names_are_lower_case_and_each_once)
{
    struct chy_op *op = test_op_new();
    struct chy_san items[] = {{.text = CHY_TEXT_INIT("www.acme.com")},
                              {.text = CHY_TEXT_INIT("Ann@acme.com")}};
    struct chy_sans sans = {.items = items, .count = 2};
    struct chy_name_attribute attributes[] = {
        {.type = CHY_NAME_COMMON_NAME, .value = CHY_TEXT_INIT("WWW.acme.com")},
        {.type = CHY_NAME_ORGANIZATION, .value = CHY_TEXT_INIT("Acme")},
        {.type = CHY_NAME_COMMON_NAME, .value = CHY_TEXT_INIT("Second")}};
    struct chy_name subject = {.attributes = attributes, .count = 3};
    struct chy_view names;
    struct chy_slice joined;
    ck_assert_int_eq(chy_names_searched(op, &subject, &sans, &names), CHY_OK);
    ck_assert_uint_eq(names.count, 3);
    ck_assert(chy_slice_is(item(names, 0), "www.acme.com"));
    ck_assert(chy_slice_is(item(names, 1), "second"));
    ck_assert(chy_slice_is(item(names, 2), "ann@acme.com"));
    ck_assert_int_eq(chy_names_joined(op, &sans, &joined), CHY_OK);
    ck_assert(chy_slice_is(joined, "www.acme.com,Ann@acme.com"));
    test_op_free(op);
}
END_TEST

START_TEST(a_pair_begins_with_its_key)
{
    struct chy_op *op = test_op_new();
    struct chy_pair pairs[] = {{CHY_TEXT_INIT("team"), CHY_TEXT_INIT("web")},
                               {CHY_TEXT_INIT("team"), CHY_TEXT_INIT("web")},
                               {CHY_TEXT_INIT("team"), CHY_TEXT_INIT("db")}};
    struct chy_view found;
    ck_assert_int_eq(
        chy_names_pairs(op, chy_view_of(pairs, sizeof pairs / sizeof pairs[0], sizeof pairs[0]),
                        &found),
        CHY_OK);
    ck_assert_uint_eq(found.count, 2);
    ck_assert(chy_slice_is(item(found, 0), "team\x1fweb"));
    ck_assert(chy_slice_is(item(found, 1), "team\x1f"
                                           "db"));
    test_op_free(op);
}
END_TEST

TEST_MAIN("enroll/names", TEST(names_are_lower_case_and_each_once),
          TEST(a_pair_begins_with_its_key))
