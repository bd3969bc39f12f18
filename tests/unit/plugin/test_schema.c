#include "plugin/schema.h"

#include "fakes.h"
#include "test_main.h"
#include "test_op.h"

#define FIELD(name, type, flags)         \
    {                                    \
        CHY_TEXT_INIT(name), type, flags \
    }

static const struct chy_field good_fields[] = {
    FIELD("id", CHY_VALUE_UUID, 0),
    FIELD("name", CHY_VALUE_TEXT, CHY_FIELD_NULLABLE),
    FIELD("tags", CHY_VALUE_TEXT, CHY_FIELD_MANY),
    FIELD("body", CHY_VALUE_JSON, 0),
};
static const struct chy_field upper_field[] = {FIELD("Id", CHY_VALUE_UUID, 0)};
static const struct chy_field odd_type[] = {FIELD("id", CHY_VALUE_MANY, 0)};
static const struct chy_field many_of_ints[] = {FIELD("id", CHY_VALUE_INT, CHY_FIELD_MANY)};
static const struct chy_field twice[] = {FIELD("id", CHY_VALUE_INT, 0),
                                         FIELD("id", CHY_VALUE_TEXT, 0)};

static const uint32_t id_key[] = {0};
static const uint32_t nullable_key[] = {1};
static const uint32_t many_key[] = {2};
static const uint32_t json_key[] = {3};
static const uint32_t absent_key[] = {9};
static const uint32_t double_key[] = {0, 0};

static const struct chy_index good_index[] = {
    {CHY_TEXT_INIT("by_name"), CHY_INDEX_UNIQUE, 0, CHY_VIEW_INIT(nullable_key)},
};
static const struct chy_index many_index[] = {
    {CHY_TEXT_INIT("by_tag"), 0, 0, CHY_VIEW_INIT(many_key)},
};
static const struct chy_index empty_index[] = {{CHY_TEXT_INIT("by_none"), 0, 0, {NULL, 0, 4}}};
static const struct chy_index same_index[] = {
    {CHY_TEXT_INIT("by_name"), 0, 0, CHY_VIEW_INIT(nullable_key)},
    {CHY_TEXT_INIT("by_name"), 0, 0, CHY_VIEW_INIT(id_key)},
};

#define NO_INDEX                          \
    {                                     \
        NULL, 0, sizeof(struct chy_index) \
    }
#define CASE(name, placement, fields, key)                                                     \
    {                                                                                          \
        CHY_TEXT_INIT(name), 0, placement, CHY_VIEW_INIT(fields), CHY_VIEW_INIT(key), NO_INDEX \
    }
#define INDEXED(index)                                                                  \
    {                                                                                   \
        CHY_TEXT_INIT("rows"), 0, 0, CHY_VIEW_INIT(good_fields), CHY_VIEW_INIT(id_key), \
            CHY_VIEW_INIT(index)                                                        \
    }

static const struct {
    struct chy_collection collection;
    const char *words; /**< NULL: it is good */
} cases[] = {
    {CASE("rows", 0, good_fields, id_key), NULL},
    {CASE("my-instance.rows", 0, good_fields, id_key), NULL},
    {INDEXED(good_index), NULL},
    {CASE("", 0, good_fields, id_key), "expected a name in snake_case"},
    {CASE("Rows", 0, good_fields, id_key), "expected a name in snake_case"},
    {CASE("a_collection_with_a_name_that_is_longer_than_forty_eight", 0, good_fields, id_key),
     "expected a name in snake_case"},
    {CASE("rows", 0, upper_field, id_key), "expected a field name in snake_case"},
    {CASE("rows", 0, odd_type, id_key), "unknown type of the field 'id'"},
    {CASE("rows", 0, many_of_ints, id_key), "a many-field is of text"},
    {CASE("rows", 0, twice, id_key), "two fields are called 'id'"},
    {CASE("rows", 0, good_fields, nullable_key), "a field of the key is nullable: 'name'"},
    {CASE("rows", 0, good_fields, many_key), "cannot be compared: 'tags'"},
    {CASE("rows", 0, good_fields, json_key), "cannot be compared: 'body'"},
    {CASE("rows", 0, good_fields, absent_key), "a field number that does not exist"},
    {CASE("rows", 0, good_fields, double_key), "names twice the field 'id'"},
    {CASE("rows", 4, good_fields, id_key), "the placement field does not exist"},
    {INDEXED(many_index), "cannot be compared: 'tags'"},
    {INDEXED(empty_index), "expected 1 to 8 fields in the index 'by_none'"},
    {INDEXED(same_index), "two indexes are called 'by_name'"},
};

START_TEST(checks_a_declaration)
{
    struct chy_op *op = test_op_new();
    chy_status status = chy_collection_check(op, "here", &cases[_i].collection);
    if (cases[_i].words == NULL) {
        ck_assert_msg(status == CHY_OK, "%s", test_op_message(op));
    } else {
        ck_assert_int_eq(status, CHY_BAD_INPUT);
        ck_assert_msg(strstr(test_op_message(op), cases[_i].words) != NULL, "%s",
                      test_op_message(op));
        ck_assert_ptr_nonnull(strstr(test_op_message(op), "here: collection '"));
    }
    test_op_free(op);
}
END_TEST

START_TEST(no_two_collections_share_a_name)
{
    struct chy_op *op = test_op_new();
    const struct chy_collection both[] = {cases[0].collection, cases[0].collection};
    const struct chy_schema schema = {sizeof schema, 1, 1, 0, CHY_VIEW_INIT(both)};
    ck_assert_int_eq(chy_schema_check(op, "here", &schema), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(op), "here: collection 'rows': it is declared twice");
    ck_assert_int_eq(chy_schema_check(op, "here", &fake_schema), CHY_OK);
    test_op_free(op);
}
END_TEST

TEST_MAIN("plugin_schema", TEST_EACH(checks_a_declaration, cases),
          TEST(no_two_collections_share_a_name))
