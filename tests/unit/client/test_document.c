#include "client/document.h"

#include "test_main.h"

static const struct {
    const char *yaml;
    const char *json; // NULL: no YAML
} documents[] = {
    {"a: 1", "{\"a\":1}"},
    {"a: \"1\"", "{\"a\":\"1\"}"},
    {"a: -7\nb: true\nc: false\nd: null\ne: ~\nf:", "{\"a\":-7,\"b\":true,\"c\":false,\"d\":null,"
                                                    "\"e\":null,\"f\":null}"},
    {"a: [x, 'true', 9223372036854775808]", "{\"a\":[\"x\",\"true\",\"9223372036854775808\"]}"},
    {"a:\n  - b: c\n    d: 1.5\n  - {}", "{\"a\":[{\"b\":\"c\",\"d\":\"1.5\"},{}]}"},
    {"a: yes\nb: 0x10\nc: 2034-01-01", "{\"a\":\"yes\",\"b\":\"0x10\",\"c\":\"2034-01-01\"}"},
    {"a: \"\\u00e9\"", "{\"a\":\"\xc3\xa9\"}"},
    {"a: *b", NULL},
    {"a: 1\na: 2", NULL},
    {"a: \"x\\0y\"", NULL},
};

START_TEST(makes_json_of_yaml)
{
    struct chy_cli cli;
    const struct chy_yaml_node *root = NULL;
    json_t *json = NULL;
    const char *text = NULL;
    ck_assert(client_init(&cli, "test"));
    chy_status status =
        chy_yaml_parse(cli.op, chy_text("test"), chy_text(documents[_i].yaml), &root);
    if (status == CHY_OK) {
        status = client_yaml_json(&cli, root, &json);
    }
    ck_assert_int_eq(status == CHY_OK, documents[_i].json != NULL);
    if (status == CHY_OK) {
        ck_assert_int_eq(client_json_text(&cli, json, &text), CHY_OK);
        ck_assert_str_eq(text, documents[_i].json);
    }
    client_fini(&cli);
}
END_TEST

TEST_MAIN("client_document", TEST_EACH(makes_json_of_yaml, documents))
