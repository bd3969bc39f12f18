#include "command/reference.h"

#include "base/slice.h"
#include "resource/json.h"
#include "test_main.h"
#include "test_op.h"

static struct chy_op *op;

static struct chy_slice page_of(const char *document)
{
    json_t *json;
    struct chy_slice html;
    ck_assert_int_eq(chy_json_parse(op, chy_text(document), &json), CHY_OK);
    ck_assert_int_eq(chy_reference_write(op, json, &html), CHY_OK);
    return html;
}

static bool says(struct chy_slice html, const char *text)
{
    return chy_slice_contains(html, chy_text(text));
}

START_TEST(whatever_stands_in_the_document_is_text)
{
    op = test_op_new();
    struct chy_slice html = page_of(
        "{\"info\":{\"title\":\"<script>\",\"version\":\"&1\"},\"tags\":[{\"name\":\"a\\\"b\"}],"
        "\"paths\":{\"/<x>\":{\"get\":{\"operationId\":\"q\\\"q\",\"tags\":[\"a\\\"b\"],"
        "\"summary\":\"<b>\",\"responses\":{}}}}}");
    ck_assert(!says(html, "<script>") && says(html, "&lt;script&gt;"));
    ck_assert(says(html, "&amp;1") && says(html, "id=\"q&quot;q\""));
    ck_assert(says(html, "GET /&lt;x&gt;") && says(html, "<h3>&lt;b&gt;</h3>"));
    test_op_free(op);
}
END_TEST

START_TEST(members_inside_members_are_listed)
{
    op = test_op_new();
    struct chy_slice html = page_of(
        "{\"info\":{\"title\":\"T\",\"version\":\"1\"},\"tags\":[],\"paths\":{},\"components\":{"
        "\"schemas\":{\"Thing\":{\"type\":\"object\",\"required\":[\"a\"],\"properties\":{"
        "\"a\":{\"type\":\"object\",\"properties\":{\"b\":{\"type\":[\"integer\",\"null\"],"
        "\"maximum\":7}}},\"c\":{\"type\":\"array\",\"items\":{\"type\":\"object\","
        "\"properties\":{\"d\":{\"$ref\":\"#/components/schemas/Other\"}}}}}}}}}");
    ck_assert(says(html, "<article id=\"schema-Thing\">"));
    ck_assert(says(html, "<code>a</code></th><td>object, required</td>"));
    ck_assert(says(html, "<code>a.b</code></th><td>integer or null</td>"));
    ck_assert(says(html, "maximum <code>7</code>"));
    ck_assert(says(html, "<code>c[].d</code></th><td><a href=\"#schema-Other\">Other</a>"));
    test_op_free(op);
}
END_TEST

TEST_MAIN("command reference", TEST(whatever_stands_in_the_document_is_text),
          TEST(members_inside_members_are_listed))
