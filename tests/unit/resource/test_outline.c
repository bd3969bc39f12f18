#include "resource/outline.h"

#include "test_main.h"
#include "test_op.h"

static struct chy_op *op;

static void setup(void)
{
    op = test_op_new();
}

static const struct outline_case {
    const char *outline;
    const char *schema; /**< NULL: it is refused */
} outline_cases[] = {
    {"'text'", "{\"type\":\"string\"}"},
    {"'text?'", "{\"type\":[\"string\",\"null\"]}"},
    {"'int'", "{\"type\":\"integer\"}"},
    {"'bool'", "{\"type\":\"boolean\"}"},
    {"'id?'", "{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}"},
    {"'time'", "{\"type\":\"string\",\"format\":\"date-time\"}"},
    {"'any'", "{}"},
    {"'=a|b'", "{\"type\":\"string\",\"enum\":[\"a\",\"b\"]}"},
    {"'=a?'", "{\"type\":[\"string\",\"null\"],\"enum\":[\"a\",null]}"},
    {"'#Thing'", "{\"$ref\":\"#/components/schemas/Thing\"}"},
    {"'#Thing?'", "{\"anyOf\":[{\"$ref\":\"#/components/schemas/Thing\"},{\"type\":\"null\"}]}"},
    {"['text']", "{\"type\":\"array\",\"items\":{\"type\":\"string\"}}"},
    {"[{}, null]",
     "{\"anyOf\":[{\"type\":\"object\",\"required\":[],\"properties\":{}},{\"type\":\"null\"}]}"},
    {"{'a': 'text', 'b?': ['int']}",
     "{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{\"a\":{\"type\":\"string\"},"
     "\"b\":{\"type\":\"array\",\"items\":{\"type\":\"integer\"}}}}"},
    {"'number'", NULL},
    {"'='", NULL},
    {"'#'", NULL},
    {"[]", NULL},
    {"['text', 'int']", NULL},
    {"7", NULL},
    {"{'a': {'b': 'what'}}", NULL},
};

START_TEST(says_what_the_schema_says)
{
    const struct outline_case *c = &outline_cases[_i];
    json_t *schema = NULL;
    json_t *wanted = NULL;
    setup();
    chy_status status = chy_outline_schema(op, c->outline, &schema);
    if (c->schema == NULL) {
        ck_assert_msg(status == CHY_BROKEN, "%s: %d", c->outline, status);
    } else {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->outline, test_op_message(op));
        ck_assert_int_eq(chy_json_parse(op, chy_text(c->schema), &wanted), CHY_OK);
        ck_assert_msg(json_equal(schema, wanted), "%s", c->outline);
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("resource outline", TEST_EACH(says_what_the_schema_says, outline_cases))
