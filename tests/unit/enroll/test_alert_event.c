#include "enroll/alert_event.h"

#include "base/slice.h"
#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

START_TEST(every_type_that_may_be_asked_for_is_known)
{
    struct chy_op *op = test_op_new();
    json_t *shape;
    ck_assert_int_eq(chy_json_parse(op, chy_text(CHY_ALERT_TYPE_SHAPE), &shape), CHY_OK);
    const json_t *names = json_object_get(shape, "enum");
    ck_assert_uint_eq(json_array_size(names), 4);
    for (size_t i = 0; i < json_array_size(names); i++) {
        struct chy_slice name = chy_json_text(json_array_get(names, i));
        const struct chy_alert_type *type = chy_alert_type_find(name);
        ck_assert_msg(type != NULL, "%.*s is not in the table", (int)name.len,
                      (const char *)name.ptr);
        ck_assert(chy_slice_is(name, type->name));
        ck_assert_ptr_nonnull(type->happened);
        ck_assert_int_eq(type->is_looked_for, chy_slice_is(name, CHY_ALERT_EXPIRATION));
    }
    ck_assert_ptr_null(chy_alert_type_find(chy_text("test")));
    ck_assert_ptr_null(chy_alert_type_find(chy_text("")));
    test_op_free(op);
}
END_TEST

TEST_MAIN("alert_event", TEST(every_type_that_may_be_asked_for_is_known))
