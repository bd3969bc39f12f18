#include "resource/shape.h"

#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

static struct chy_op *op;

static void setup(void)
{
    op = test_op_new();
}

static json_t *json_of(const char *text)
{
    json_t *json;
    ck_assert_msg(chy_json_parse(op, chy_text(text), &json) == CHY_OK, "%s: %s", text,
                  test_op_message(op));
    return json;
}

static bool names_issue(const char *path, const char *code)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    for (uint64_t i = 0; i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_at(error.issues, i);
        if (chy_slice_is(issue->path, path) && chy_slice_is(issue->code, code)) {
            return true;
        }
    }
    return false;
}

/* What fits a schema, and where the issue is when it does not. */
static const struct check_case {
    const char *schema;
    const char *document;
    const char *path; /**< NULL: it fits */
    const char *code;
} check_cases[] = {
    {"{}", "7", NULL, NULL},
    {"{\"type\":\"string\"}", "\"a\"", NULL, NULL},
    {"{\"type\":\"string\"}", "7", "", "invalid_type"},
    {"{\"type\":\"integer\"}", "7", NULL, NULL},
    {"{\"type\":\"integer\"}", "7.0", "", "invalid_type"},
    {"{\"type\":\"number\"}", "7.5", NULL, NULL},
    {"{\"type\":\"number\"}", "7", NULL, NULL},
    {"{\"type\":\"boolean\"}", "0", "", "invalid_type"},
    {"{\"type\":[\"string\",\"null\"]}", "null", NULL, NULL},
    {"{\"type\":\"string\"}", "null", "", "invalid_type"},
    {"{\"type\":[\"string\",\"null\"],\"minLength\":3}", "null", NULL, NULL},
    {"{\"minLength\":2}", "\"a\"", "", "too_small"},
    {"{\"maxLength\":2}", "\"\u00e4\u00f6\"", NULL, NULL},
    {"{\"maxLength\":2}", "\"\u00e4\u00f6\u00fc\"", "", "too_big"},
    {"{\"minLength\":1,\"x-trim\":true}", "\"  \"", "", "too_small"},
    {"{\"maxLength\":1,\"x-trim\":true}", "\" a \"", NULL, NULL},
    {"{\"pattern\":\"^[a-z]+$\"}", "\"abc\"", NULL, NULL},
    {"{\"pattern\":\"^[a-z]+$\"}", "\"abC\"", "", "invalid_string"},
    {"{\"pattern\":\"^a$\",\"description\":\"an a\"}", "\"b\"", "", "invalid_string"},
    {"{\"pattern\":\"^[a-z]+$\"}", "\"abc\\n\"", "", "invalid_string"},
    {"{\"format\":\"uuid\"}", "\"019c0000-0000-7000-8000-000000000001\"", NULL, NULL},
    {"{\"format\":\"uuid\"}", "\"019c0000-0000-7000-8000-00000000000\"", "", "invalid_string"},
    {"{\"format\":\"uuid\"}", "\"\"", "", "invalid_string"},
    {"{\"enum\":[\"a\",\"b\"]}", "\"b\"", NULL, NULL},
    {"{\"enum\":[\"a\",\"b\"]}", "\"B\"", "", "invalid_enum_value"},
    {"{\"enum\":[\"a\",\"b\"],\"x-fold\":true}", "\"B\"", NULL, NULL},
    {"{\"enum\":[1,2]}", "3", "", "invalid_enum_value"},
    {"{\"enum\":[\"a\"]}", "null", "", "invalid_enum_value"},
    {"{\"type\":[\"string\",\"null\"],\"enum\":[\"a\"]}", "null", "", "invalid_enum_value"},
    {"{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}", "null", NULL, NULL},
    {"{\"minimum\":0,\"maximum\":10}", "0", NULL, NULL},
    {"{\"minimum\":0,\"maximum\":10}", "-1", "", "too_small"},
    {"{\"minimum\":0,\"maximum\":10}", "11", "", "too_big"},
    {"{\"exclusiveMinimum\":0}", "0", "", "too_small"},
    {"{\"exclusiveMinimum\":0}", "0.1", NULL, NULL},
    {"{\"minItems\":1}", "[]", "", "too_small"},
    {"{\"maxItems\":1}", "[1,2]", "", "too_big"},
    {"{\"uniqueItems\":true}", "[1,2,1]", "/2", "not_unique"},
    {"{\"items\":{\"type\":\"integer\"}}", "[1,\"2\",3]", "/1", "invalid_type"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"a\":\"x\"}", "/a", "invalid_type"},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{\"b\":\"x\"}", NULL, NULL},
    {"{\"properties\":{\"a\":{\"type\":\"integer\"}}}", "{}", NULL, NULL},
    {"{\"required\":[\"a\"],\"properties\":{\"a\":{}}}", "{}", "/a", "invalid_type"},
    {"{\"required\":[\"a\"],\"properties\":{\"a\":{}}}", "{\"a\":null}", NULL, NULL},
    {"{\"properties\":{\"a\":{\"items\":{\"properties\":{\"b\":{\"type\":\"string\"}}}}}}",
     "{\"a\":[{},{\"b\":1}]}", "/a/1/b", "invalid_type"},
    {"{\"properties\":{\"a/b~c\":{\"type\":\"string\"}}}", "{\"a/b~c\":1}", "/a~1b~0c",
     "invalid_type"},
    {"{\"title\":\"t\",\"description\":\"d\",\"default\":1,\"examples\":[]}", "{}", NULL, NULL},
};

START_TEST(a_document_fits_its_schema)
{
    const struct check_case *c = &check_cases[_i];
    struct chy_shape *shape;
    setup();
    ck_assert_int_eq(chy_shape_new(op, chy_text(c->schema), "test", &shape), CHY_OK);
    chy_status status = chy_shape_check(op, shape, json_of(c->document));
    ck_assert_msg(status == (c->path == NULL ? CHY_OK : CHY_BAD_INPUT), "%s against %s: %d",
                  c->document, c->schema, status);
    ck_assert_msg(c->path == NULL || names_issue(c->path, c->code), "%s against %s: no %s at %s",
                  c->document, c->schema, c->code, c->path);
    chy_shape_free(shape);
    test_op_free(op);
}
END_TEST

START_TEST(every_wrong_member_is_named)
{
    struct chy_shape *shape;
    setup();
    ck_assert_int_eq(
        chy_shape_new(op,
                      chy_text("{\"type\":\"object\",\"required\":[\"c\"],\"properties\":{"
                               "\"a\":{\"type\":\"string\"},\"b\":{\"maximum\":3},\"c\":{}}}"),
                      "test", &shape),
        CHY_OK);
    ck_assert_int_eq(chy_shape_check(op, shape, json_of("{\"a\":1,\"b\":4}")), CHY_BAD_INPUT);
    ck_assert(names_issue("/a", "invalid_type"));
    ck_assert(names_issue("/b", "too_big"));
    ck_assert(names_issue("/c", "invalid_type"));
    chy_shape_free(shape);
    test_op_free(op);
}
END_TEST

static const char *const bad_schemas[] = {
    "7",
    "{\"typo\":\"string\"}",
    "{\"type\":\"text\"}",
    "{\"type\":[]}",
    "{\"type\":{}}",
    "{\"maxLength\":-1}",
    "{\"maxLength\":\"7\"}",
    "{\"minimum\":\"0\"}",
    "{\"pattern\":\"[\"}",
    "{\"pattern\":7}",
    "{\"format\":\"date\"}",
    "{\"enum\":\"a\"}",
    "{\"items\":[]}",
    "{\"properties\":[]}",
    "{\"properties\":{\"a\":{\"typo\":1}}}",
    "{\"allOf\":[]}",
    "{\"required\":[\"a\"]}",
    "{\"required\":[\"b\"],\"properties\":{\"a\":{}}}",
    "{\"required\":\"a\",\"properties\":{\"a\":{}}}",
};

START_TEST(a_schema_that_would_not_be_held_is_refused)
{
    struct chy_shape *shape = NULL;
    setup();
    chy_status status = chy_shape_new(op, chy_text(bad_schemas[_i]), "test", &shape);
    ck_assert_msg(status == CHY_BROKEN, "%s: %d", bad_schemas[_i], status);
    ck_assert_ptr_null(shape);
    test_op_free(op);
}
END_TEST

static const struct coerce_case {
    const char *type;
    const char *before;
    const char *after;
} coerce_cases[] = {
    {"\"integer\"", "\"7\"", "7"},
    {"\"integer\"", "\"-7\"", "-7"},
    {"\"integer\"", "\"7x\"", "\"7x\""},
    {"\"integer\"", "\"\"", "\"\""},
    {"\"boolean\"", "\"true\"", "true"},
    {"\"boolean\"", "\"false\"", "false"},
    {"\"boolean\"", "\"1\"", "\"1\""},
    {"\"array\"", "\"a,b\"", "[\"a\",\"b\"]"},
    {"\"array\"", "\"a\"", "[\"a\"]"},
    {"\"string\"", "\"7\"", "\"7\""},
    {"[\"string\",\"integer\"]", "\"7\"", "\"7\""},
};

START_TEST(a_query_becomes_what_its_schema_expects)
{
    const struct coerce_case *c = &coerce_cases[_i];
    struct chy_shape *shape;
    char schema[128];
    char document[128];
    setup();
    (void)snprintf(schema, sizeof schema, "{\"properties\":{\"a\":{\"type\":%s}}}", c->type);
    (void)snprintf(document, sizeof document, "{\"a\":%s,\"other\":\"7\"}", c->before);
    ck_assert_int_eq(chy_shape_new(op, chy_text(schema), "test", &shape), CHY_OK);
    json_t *json = json_of(document);
    chy_shape_coerce(shape, json);
    ck_assert_msg(json_equal(json_object_get(json, "a"), json_of(c->after)), "%s as %s", c->before,
                  c->type);
    ck_assert(json_is_string(json_object_get(json, "other")));
    chy_shape_free(shape);
    test_op_free(op);
}
END_TEST

START_TEST(white_space_goes_where_the_schema_says_so)
{
    struct chy_shape *shape;
    setup();
    ck_assert_int_eq(chy_shape_new(op,
                                   chy_text("{\"properties\":{\"a\":{\"x-trim\":true},"
                                            "\"b\":{\"type\":\"string\"}}}"),
                                   "test", &shape),
                     CHY_OK);
    json_t *json = json_of("{\"a\":\" x y\\n\",\"b\":\" z \"}");
    ck_assert_int_eq(chy_shape_trim(op, shape, json), CHY_OK);
    ck_assert(json_equal(json, json_of("{\"a\":\"x y\",\"b\":\" z \"}")));
    chy_shape_free(shape);
    test_op_free(op);
}
END_TEST

static const struct parse_case {
    const char *text;
    chy_status status;
} parse_cases[] = {
    {"{\"a\":1}", CHY_OK},
    {"", CHY_BAD_INPUT},
    {"{\"a\":1", CHY_BAD_INPUT},
    {"{\"a\":1}x", CHY_BAD_INPUT},
    {"{\"a\":1,\"a\":2}", CHY_BAD_INPUT},
    {"{\"a\":\"\xff\"}", CHY_BAD_INPUT},
    {"{\"a\":\"\\u0000\"}", CHY_BAD_INPUT},
    {"{a:1}", CHY_BAD_INPUT},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", CHY_OK},
    {"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", CHY_BAD_INPUT},
    {"\"[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[\"", CHY_OK},
};

START_TEST(a_document_is_strict_json)
{
    json_t *json = NULL;
    setup();
    ck_assert_int_eq(chy_json_parse(op, chy_text(parse_cases[_i].text), &json),
                     parse_cases[_i].status);
    ck_assert_int_eq(json != NULL, parse_cases[_i].status == CHY_OK);
    test_op_free(op);
}
END_TEST

TEST_MAIN("resource shape", TEST_EACH(a_document_fits_its_schema, check_cases),
          TEST(every_wrong_member_is_named),
          TEST_EACH(a_schema_that_would_not_be_held_is_refused, bad_schemas),
          TEST_EACH(a_query_becomes_what_its_schema_expects, coerce_cases),
          TEST(white_space_goes_where_the_schema_says_so),
          TEST_EACH(a_document_is_strict_json, parse_cases))
