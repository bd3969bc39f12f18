#include "config/yaml.h"

#include "base/arena.h"
#include "test_main.h"
#include "test_op.h"

#include <stdlib.h>

static const struct chy_yaml_node *parse(struct chy_op *op, const char *text)
{
    const struct chy_yaml_node *root = NULL;
    chy_status status = chy_yaml_parse(op, chy_text("f.yaml"), chy_text(text), &root);
    ck_assert_msg(status == CHY_OK, "%s", test_op_message(op));
    return root;
}

START_TEST(nodes_know_their_kind_text_and_place)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = parse(op, "a: 1\n"
                                                 "b:\n"
                                                 "  c: \"two\"   # a comment\n"
                                                 "  d: [x, y]\n"
                                                 "e:\n"
                                                 "  - |\n"
                                                 "    block\n");
    ck_assert_int_eq(root->kind, CHY_YAML_MAP);
    ck_assert_uint_eq(root->count, 3);
    const struct chy_yaml_node *a = chy_yaml_find(root, chy_text("a"));
    ck_assert_int_eq(a->kind, CHY_YAML_SCALAR);
    ck_assert_str_eq((const char *)a->text.ptr, "1");
    ck_assert(!a->quoted);
    ck_assert_uint_eq(a->line, 1);
    ck_assert_uint_eq(a->column, 4);
    const struct chy_yaml_node *b = chy_yaml_find(root, chy_text("b"));
    const struct chy_yaml_node *c = chy_yaml_find(b, chy_text("c"));
    ck_assert(c->quoted);
    ck_assert_uint_eq(c->line, 3);
    ck_assert_uint_eq(b->pairs[1].line, 4);
    ck_assert_uint_eq(b->pairs[1].column, 3);
    ck_assert_uint_eq(b->pairs[1].value->count, 2);
    ck_assert(chy_slice_is(b->pairs[1].value->items[1]->text, "y"));
    const struct chy_yaml_node *e = chy_yaml_find(root, chy_text("e"));
    ck_assert(chy_slice_is(e->items[0]->text, "block\n"));
    ck_assert_ptr_null(chy_yaml_find(root, chy_text("z")));
    ck_assert_ptr_null(chy_yaml_find(a, chy_text("a")));
    ck_assert_ptr_null(chy_yaml_find(NULL, chy_text("a")));
    test_op_free(op);
}
END_TEST

static const char *const nothings[] = {"", "\n", "# only a comment\n", "~", "null", "---\n"};

START_TEST(nothing_is_a_null_node)
{
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(parse(op, nothings[_i])->kind, CHY_YAML_NULL);
    test_op_free(op);
}
END_TEST

START_TEST(only_a_plain_null_is_null)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = parse(op, "a:\nb: ~\nc: \"\"\nd: 'null'\n");
    ck_assert_int_eq(chy_yaml_find(root, chy_text("a"))->kind, CHY_YAML_NULL);
    ck_assert_int_eq(chy_yaml_find(root, chy_text("b"))->kind, CHY_YAML_NULL);
    ck_assert_int_eq(chy_yaml_find(root, chy_text("c"))->kind, CHY_YAML_SCALAR);
    ck_assert_int_eq(chy_yaml_find(root, chy_text("d"))->kind, CHY_YAML_SCALAR);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *text;
    const char *message; /**< how it begins */
} refused[] = {
    {"a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' stands here twice, first in line 1"},
    {"x:\n  a: 1\n  a: 3\n", "f.yaml:3:3: the key 'a' stands here twice, first in line 2"},
    {"a: &x 1\n", "f.yaml:1:4: anchors (&) are not supported"},
    {"a: &x [1]\n", "f.yaml:1:4: anchors (&) are not supported"},
    {"a: *x\n", "f.yaml:1:4: aliases (*) are not supported"},
    {"a: !!int 1\n", "f.yaml:1:4: tags (!) are not supported"},
    {"a: !include x\n", "f.yaml:1:4: tags (!) are not supported"},
    {"--- !!map {a: 1}\n", "f.yaml:1:5: tags (!) are not supported"},
    {"a: 1\n---\nb: 2\n", "f.yaml:2:1: expected one document, found two"},
    {"[a]: 1\n", "f.yaml:1:1: expected a word as the key of a map"},
    {"? {a: 1}\n: 1\n", "f.yaml:1:3: expected a word as the key of a map"},
    {"a: [1, 2\n", "f.yaml:2:1: not valid YAML: "},
    {"a: 1\n b: 2\n", "f.yaml:2:3: not valid YAML: mapping values are not allowed"},
    {"a:\n\t- 1\n", "f.yaml:2:1: not valid YAML: found character that cannot start any token"},
    {"a: \"x\\0y\"\n", "f.yaml:1:4: a value has a NUL in it"},
    {"a: \"x\n", "f.yaml:2:1: not valid YAML: found unexpected end of stream"},
    {"a: \xff\n", "f.yaml: byte 3: invalid leading UTF-8 octet"},
};

START_TEST(refuses_with_the_place)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = NULL;
    ck_assert_int_eq(chy_yaml_parse(op, chy_text("f.yaml"), chy_text(refused[_i].text), &root),
                     CHY_BAD_INPUT);
    ck_assert_ptr_null(root);
    const char *message = test_op_message(op);
    ck_assert_msg(strncmp(message, refused[_i].message, strlen(refused[_i].message)) == 0, "%s",
                  message);
    test_op_free(op);
}
END_TEST

static chy_status parse_nested(struct chy_op *op, unsigned depth)
{
    char text[256];
    const struct chy_yaml_node *root = NULL;
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    return chy_yaml_parse(op, chy_text("f"), chy_slice_of(text, 2 * (uint64_t)depth), &root);
}

START_TEST(nesting_has_a_limit)
{
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(parse_nested(op, CHY_YAML_DEPTH_MAX), CHY_OK);
    ck_assert_int_eq(parse_nested(op, CHY_YAML_DEPTH_MAX + 1), CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(op), "f:1:33: lists and maps are nested more than 32 deep");
    test_op_free(op);
}
END_TEST

START_TEST(size_has_a_limit)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = NULL;
    char *text = malloc(CHY_YAML_SIZE_MAX + 1);
    ck_assert_ptr_nonnull(text);
    memset(text, '#', CHY_YAML_SIZE_MAX + 1);
    ck_assert_int_eq(
        chy_yaml_parse(op, chy_text("f"), chy_slice_of(text, CHY_YAML_SIZE_MAX), &root), CHY_OK);
    ck_assert_int_eq(
        chy_yaml_parse(op, chy_text("f"), chy_slice_of(text, CHY_YAML_SIZE_MAX + 1), &root),
        CHY_BAD_INPUT);
    free(text);
    test_op_free(op);
}
END_TEST

START_TEST(a_map_has_a_thousand_keys_at_most)
{
    struct chy_op *op = test_op_new();
    const struct chy_yaml_node *root = NULL;
    char text[16384];
    size_t len = 0;
    for (int i = 0; i < 1001; i++) {
        len += (size_t)snprintf(text + len, sizeof text - len, "k%d: 1\n", i);
        if (i == 999) {
            ck_assert_int_eq(chy_yaml_parse(op, chy_text("f"), chy_slice_of(text, len), &root),
                             CHY_OK);
        }
    }
    ck_assert_int_eq(chy_yaml_parse(op, chy_text("f"), chy_slice_of(text, len), &root),
                     CHY_BAD_INPUT);
    ck_assert_str_eq(test_op_message(op), "f:1001:1: a map has more than 1000 keys");
    test_op_free(op);
}
END_TEST

START_TEST(survives_every_allocation_failure)
{
    long n = 1;
    for (bool fired = true; fired; n++) {
        struct chy_op *op = test_op_new();
        const struct chy_yaml_node *root = NULL;
        chy_test_fail_alloc_at(n);
        chy_status status =
            chy_yaml_parse(op, chy_text("f"), chy_text("a: [1, {b: c}]\nd: e\n"), &root);
        fired = chy_test_fail_alloc_fired();
        chy_test_fail_alloc_at(0);
        ck_assert_int_eq(status, fired ? CHY_NO_MEMORY : CHY_OK);
        test_op_free(op);
    }
    ck_assert_int_gt(n, 10);
}
END_TEST

TEST_MAIN("config_yaml", TEST(nodes_know_their_kind_text_and_place),
          TEST_EACH(nothing_is_a_null_node, nothings), TEST(only_a_plain_null_is_null),
          TEST_EACH(refuses_with_the_place, refused), TEST(nesting_has_a_limit),
          TEST(size_has_a_limit), TEST(a_map_has_a_thousand_keys_at_most),
          TEST(survives_every_allocation_failure))
