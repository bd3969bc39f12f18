#include "http/path.h"

#include "test_main.h"
#include "test_op.h"

#include <chancery/enrollment.h>

#include <stdlib.h>

static const struct {
    const char *name;
    const char *raw;
    const char *segments[6]; // NULL first and not `ok`: refused
    bool ok;
} paths[] = {
    {"root", "/", {NULL}, true},
    {"one", "/a", {"a"}, true},
    {"three", "/api/v1/certificates", {"api", "v1", "certificates"}, true},
    {"trailing slash", "/a/", {"a", ""}, true},
    {"percent", "/a%20b/%C3%A4", {"a b", "\xc3\xa4"}, true},
    {"encoded slash stays in its segment", "/a/b%2Fc/d", {"a", "b/c", "d"}, true},
    {"percent of percent is decoded once", "/%252e%252e", {"%2e%2e"}, true},
    {"what RFC 3986 3.3 allows", "/-._~!$&'()*+,;=:@", {"-._~!$&'()*+,;=:@"}, true},
    {"plus is a plus", "/a+b", {"a+b"}, true},
    {"dots that are more than dots", "/...", {"..."}, true},
    {"empty", "", {NULL}, false},
    {"no slash", "a", {NULL}, false},
    {"double slash", "/a//b", {NULL}, false},
    {"leading double slash", "//a", {NULL}, false},
    {"only slashes", "//", {NULL}, false},
    {"dot segment", "/a/./b", {NULL}, false},
    {"dot segment at the end", "/a/.", {NULL}, false},
    {"dot dot", "/a/../b", {NULL}, false},
    {"encoded dot dot", "/a/%2e%2E/b", {NULL}, false},
    {"half encoded dot dot", "/a/.%2e", {NULL}, false},
    {"NUL", "/a%00", {NULL}, false},
    {"control", "/a%0ab", {NULL}, false},
    {"delete", "/a%7f", {NULL}, false},
    {"raw control", "/a\x01", {NULL}, false},
    {"raw space", "/a b", {NULL}, false},
    {"raw UTF-8", "/\xc3\xa4", {NULL}, false},
    {"not UTF-8", "/%ff", {NULL}, false},
    {"overlong", "/%c0%ae%c0%ae", {NULL}, false},
    {"surrogate", "/%ed%a0%80", {NULL}, false},
    {"bidirectional", "/%e2%80%ae", {NULL}, false},
    {"bad percent", "/%g0", {NULL}, false},
    {"half percent", "/a%2", {NULL}, false},
    {"percent alone", "/a%", {NULL}, false},
    {"backslash", "/a\\b", {NULL}, false},
    {"fragment", "/a#b", {NULL}, false},
    {"quote", "/a\"", {NULL}, false},
};

START_TEST(parses_paths)
{
    struct chy_slice raw = chy_text(paths[_i].raw);
    uint8_t *room = malloc(raw.len + 1);
    struct chy_buffer scratch = {room, raw.len};
    struct chy_http_path path = {.segment_count = 99};
    const char *problem = chy_http_path_parse(raw, scratch, &path);
    ck_assert_msg((problem == NULL) == paths[_i].ok, "%s: %s", paths[_i].name,
                  problem == NULL ? "accepted" : problem);
    if (!paths[_i].ok) {
        ck_assert_msg(path.segment_count == 99, "%s: output touched", paths[_i].name);
    }
    for (uint32_t i = 0; paths[_i].ok && i < 6; i++) {
        const char *want = paths[_i].segments[i];
        ck_assert_msg((want != NULL) == (i < path.segment_count), "%s: count", paths[_i].name);
        ck_assert_msg(want == NULL || chy_slice_is(path.segments[i], want), "%s: segment %u",
                      paths[_i].name, i);
    }
    free(room);
}
END_TEST

START_TEST(refuses_too_many_segments)
{
    char raw[CHY_HTTP_SEGMENTS_MAX * 2 + 3] = {0};
    uint8_t room[sizeof raw];
    struct chy_buffer scratch = {room, sizeof room};
    struct chy_http_path path;
    for (uint32_t i = 0; i < CHY_HTTP_SEGMENTS_MAX * 2; i += 2) {
        raw[i] = '/';
        raw[i + 1] = 'x';
    }
    ck_assert_ptr_null(chy_http_path_parse(chy_text(raw), scratch, &path));
    ck_assert_uint_eq(path.segment_count, CHY_HTTP_SEGMENTS_MAX);
    raw[CHY_HTTP_SEGMENTS_MAX * 2] = '/';
    raw[CHY_HTTP_SEGMENTS_MAX * 2 + 1] = 'x';
    ck_assert_ptr_nonnull(chy_http_path_parse(chy_text(raw), scratch, &path));
}
END_TEST

START_TEST(refuses_a_scratch_that_is_too_small)
{
    uint8_t room[3];
    struct chy_buffer scratch = {room, sizeof room};
    struct chy_http_path path;
    ck_assert_ptr_nonnull(chy_http_path_parse(chy_text("/abc"), scratch, &path));
}
END_TEST

static const struct {
    const char *raw;
    const char *authority; // NULL: refused
    const char *path;
    const char *query;
} targets[] = {
    {"/", "", "/", ""},
    {"/a?b=c", "", "/a", "b=c"},
    {"/a?", "", "/a", ""},
    {"/a?b?c", "", "/a", "b?c"},
    {"http://acme.com/a?b", "acme.com", "/a", "b"},
    {"HTTP://acme.com", "acme.com", "/", ""},
    {"https://acme.com:8443?b", "acme.com:8443", "/", "b"},
    {"http://acme.com/a/http://b", "acme.com", "/a/http://b", ""},
    {"", NULL, NULL, NULL},
    {"*", NULL, NULL, NULL},
    {"acme.com:443", NULL, NULL, NULL},
    {"ftp://acme.com/", NULL, NULL, NULL},
    {"http://", NULL, NULL, NULL},
    {"http:///a", NULL, NULL, NULL},
    {"/a?b c", NULL, NULL, NULL},
    {"/a?b#c", NULL, NULL, NULL},
    {"/a?\x7f", NULL, NULL, NULL},
    {"/a?\xc3\xa4", NULL, NULL, NULL},
};

START_TEST(splits_targets)
{
    struct chy_http_target target = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    const char *problem = chy_http_target_split(chy_text(targets[_i].raw), &target);
    ck_assert_msg((problem == NULL) == (targets[_i].authority != NULL), "'%s'", targets[_i].raw);
    if (problem == NULL) {
        ck_assert_msg(chy_slice_is(target.authority, targets[_i].authority), "'%s': authority",
                      targets[_i].raw);
        ck_assert_msg(chy_slice_is(target.path, targets[_i].path), "'%s': path", targets[_i].raw);
        ck_assert_msg(chy_slice_is(target.query, targets[_i].query), "'%s': query",
                      targets[_i].raw);
    }
}
END_TEST

static const struct {
    const char *raw;
    const char *names[4];
    const char *values[4];
    bool ok;
} queries[] = {
    {"", {NULL}, {NULL}, true},
    {"a=b", {"a"}, {"b"}, true},
    {"a=b&c=d&a=e", {"a", "c", "a"}, {"b", "d", "e"}, true},
    {"a", {"a"}, {""}, true},
    {"a=", {"a"}, {""}, true},
    {"=b", {""}, {"b"}, true},
    {"&&a=b&", {"a"}, {"b"}, true},
    {"a=b=c", {"a"}, {"b=c"}, true},
    {"a+b=c+d", {"a b"}, {"c d"}, true},
    {"a%2Bb=%26%3D", {"a+b"}, {"&="}, true},
    {"a=%C3%A4", {"a"}, {"\xc3\xa4"}, true},
    {"a=%0A", {"a"}, {"\n"}, true},
    {"a=%00", {NULL}, {NULL}, false},
    {"a=%ff", {NULL}, {NULL}, false},
    {"%zz=a", {NULL}, {NULL}, false},
    {"a=%2", {NULL}, {NULL}, false},
};

START_TEST(parses_queries)
{
    struct chy_op *op = test_op_new();
    struct chy_view pairs = {NULL, 77, 0};
    chy_status status = chy_http_query_parse(op, chy_text(queries[_i].raw), &pairs);
    ck_assert_msg(status == (queries[_i].ok ? CHY_OK : CHY_BAD_INPUT), "'%s'", queries[_i].raw);
    ck_assert_msg(queries[_i].ok || pairs.count == 77, "'%s': output touched", queries[_i].raw);
    for (uint64_t i = 0; queries[_i].ok && i < 4; i++) {
        const struct chy_pair *pair = chy_view_at(pairs, i);
        ck_assert_msg((queries[_i].names[i] != NULL) == (pair != NULL), "'%s': count",
                      queries[_i].raw);
        ck_assert_msg(pair == NULL || (chy_slice_is(pair->name, queries[_i].names[i]) &&
                                       chy_slice_is(pair->value, queries[_i].values[i])),
                      "'%s': pair %d", queries[_i].raw, (int)i);
    }
    test_op_free(op);
}
END_TEST

START_TEST(refuses_too_many_parameters)
{
    struct chy_op *op = test_op_new();
    char raw[CHY_HTTP_QUERY_MAX * 2 + 2] = {0};
    struct chy_view pairs;
    for (uint32_t i = 0; i < CHY_HTTP_QUERY_MAX; i++) {
        raw[i * 2] = 'a';
        raw[i * 2 + 1] = '&';
    }
    raw[CHY_HTTP_QUERY_MAX * 2 - 1] = '\0';
    ck_assert_int_eq(chy_http_query_parse(op, chy_text(raw), &pairs), CHY_OK);
    ck_assert_uint_eq(pairs.count, CHY_HTTP_QUERY_MAX);
    raw[CHY_HTTP_QUERY_MAX * 2 - 1] = '&';
    ck_assert_int_eq(chy_http_query_parse(op, chy_text(raw), &pairs), CHY_BAD_INPUT);
    test_op_free(op);
}
END_TEST

TEST_MAIN("http_path", TEST_EACH(parses_paths, paths), TEST(refuses_too_many_segments),
          TEST(refuses_a_scratch_that_is_too_small), TEST_EACH(splits_targets, targets),
          TEST_EACH(parses_queries, queries), TEST(refuses_too_many_parameters))
