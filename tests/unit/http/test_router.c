#include "http/router.h"

#include "test_main.h"
#include "test_op.h"

#include <stdlib.h>

/** The table of most tests; the target of each is its own line. */
static const struct row {
    const char *method;
    const char *pattern;
    uint32_t listeners;
} table[] = {
    {"GET", "/", 1},
    {"GET", "/api/status", 1},
    {"GET", "/api/certificates", 1},
    {"POST", "/api/certificates", 1},
    {"GET", "/api/certificates/{id}", 1},
    {"DELETE", "/api/certificates/{id}", 1},
    {"POST", "/api/certificates/search", 1},
    {"GET", "/api/certificates/{certificateId}/bundle", 1},
    {"GET", "/api/{kind}/{id}/log", 1},
    {"GET", "/crl/{generation}/{file}", 3},
    {"HEAD", "/own-head", 1},
    {"GET", "/own-head", 1},
    {"POST", "/only-post", 1},
};

static struct chy_router *make(struct chy_op *op)
{
    struct chy_router *router = chy_router_new();
    ck_assert_ptr_nonnull(router);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct chy_router_entry entry = {chy_text(table[i].method), chy_text(table[i].pattern),
                                         chy_text("test"), table[i].listeners, &table[i]};
        ck_assert_msg(chy_router_add(router, op, &entry) == CHY_OK, "%s: %s", table[i].pattern,
                      test_op_message(op));
    }
    return router;
}

static enum chy_router_outcome find(const struct chy_router *router, uint32_t listener,
                                    const char *method, const char *raw,
                                    struct chy_router_match *out_match)
{
    static uint8_t room[512];
    struct chy_buffer scratch = {room, sizeof room};
    struct chy_http_path path;
    ck_assert_ptr_null(chy_http_path_parse(chy_text(raw), scratch, &path));
    return chy_router_find(router, listener, chy_text(method), &path, out_match);
}

static const struct {
    const char *method;
    const char *path;
    uint32_t listener;
    const char *pattern; // found
    const char *allow;   // 405; both NULL: 404
    const char *first;   // the first parameter
} finds[] = {
    {"GET", "/", 0, "/", NULL, NULL},
    {"GET", "/api/status", 0, "/api/status", NULL, NULL},
    {"GET", "/api/certificates", 0, "/api/certificates", NULL, NULL},
    {"POST", "/api/certificates", 0, "/api/certificates", NULL, NULL},
    {"GET", "/api/certificates/7", 0, "/api/certificates/{id}", NULL, "7"},
    {"GET", "/api/certificates/a%2Fb", 0, "/api/certificates/{id}", NULL, "a/b"},
    {"POST", "/api/certificates/search", 0, "/api/certificates/search", NULL, NULL},
    {"GET", "/api/certificates/search", 0, "/api/certificates/{id}", NULL, "search"},
    {"GET", "/api/certificates/7/bundle", 0, "/api/certificates/{certificateId}/bundle", NULL, "7"},
    {"GET", "/api/certificates/7/log", 0, "/api/{kind}/{id}/log", NULL, "certificates"},
    {"GET", "/api/x/7/log", 0, "/api/{kind}/{id}/log", NULL, "x"},
    {"GET", "/crl/g/1.crl", 0, "/crl/{generation}/{file}", NULL, "g"},
    {"GET", "/crl/g/1.crl", 1, "/crl/{generation}/{file}", NULL, "g"},
    {"HEAD", "/api/status", 0, "/api/status", NULL, NULL},
    {"HEAD", "/own-head", 0, "/own-head", NULL, NULL},
    {"GET", "/nothing", 0, NULL, NULL, NULL},
    {"GET", "/api", 0, NULL, NULL, NULL},
    {"GET", "/api/", 0, NULL, NULL, NULL},
    {"GET", "/api/status/", 0, NULL, NULL, NULL},
    {"GET", "/api/certificates/", 0, NULL, NULL, NULL},
    {"GET", "/api/x/y", 0, NULL, NULL, NULL},
    {"GET", "/api/status", 1, NULL, NULL, NULL},
    {"GET", "/api/status", 2, NULL, NULL, NULL},
    {"get", "/api/status", 0, NULL, "GET, HEAD", NULL},
    {"PUT", "/api/status", 0, NULL, "GET, HEAD", NULL},
    {"OPTIONS", "/api/certificates", 0, NULL, "GET, HEAD, POST", NULL},
    {"PATCH", "/api/certificates/search", 0, NULL, "GET, HEAD, POST, DELETE", NULL},
    {"PUT", "/own-head", 0, NULL, "GET, HEAD", NULL},
    {"HEAD", "/only-post", 0, NULL, "POST", NULL},
};

START_TEST(finds_routes)
{
    struct chy_op *op = test_op_new();
    struct chy_router *router = make(op);
    struct chy_router_match match;
    enum chy_router_outcome outcome =
        find(router, finds[_i].listener, finds[_i].method, finds[_i].path, &match);
    const struct row *row = match.target;
    enum chy_router_outcome want = finds[_i].pattern != NULL ? CHY_ROUTER_FOUND
                                   : finds[_i].allow != NULL ? CHY_ROUTER_NO_METHOD
                                                             : CHY_ROUTER_NO_PATH;
    ck_assert_msg(outcome == want, "%s %s: %d", finds[_i].method, finds[_i].path, (int)outcome);
    if (outcome == CHY_ROUTER_FOUND) {
        ck_assert_str_eq(row->pattern, finds[_i].pattern);
        ck_assert(match.head_for_get == (strcmp(finds[_i].method, row->method) != 0));
        ck_assert_msg((match.parameter_count != 0) == (finds[_i].first != NULL), "%s: parameters",
                      finds[_i].path);
    }
    if (finds[_i].first != NULL) {
        ck_assert(chy_slice_is(match.parameters[0].value, finds[_i].first));
    }
    if (outcome == CHY_ROUTER_NO_METHOD) {
        ck_assert_str_eq(match.allow, finds[_i].allow);
    }
    chy_router_free(router);
    test_op_free(op);
}
END_TEST

START_TEST(names_parameters_by_the_pattern_that_was_found)
{
    struct chy_op *op = test_op_new();
    struct chy_router *router = make(op);
    struct chy_router_match match;
    ck_assert_int_eq(find(router, 0, "GET", "/api/certificates/7/log", &match), CHY_ROUTER_FOUND);
    ck_assert_uint_eq(match.parameter_count, 2);
    ck_assert(chy_slice_is(match.parameters[0].name, "kind"));
    ck_assert(chy_slice_is(match.parameters[1].name, "id"));
    ck_assert(chy_slice_is(match.parameters[1].value, "7"));
    ck_assert_int_eq(find(router, 0, "GET", "/api/certificates/7/bundle", &match),
                     CHY_ROUTER_FOUND);
    ck_assert(chy_slice_is(match.parameters[0].name, "certificateId"));
    chy_router_free(router);
    test_op_free(op);
}
END_TEST

START_TEST(refuses_a_second_route_of_the_same_shape)
{
    struct chy_op *op = test_op_new();
    struct chy_router *router = make(op);
    struct chy_router_entry entry = {chy_text("GET"), chy_text("/api/certificates/{other}"),
                                     chy_text("rival"), 1, "x"};
    ck_assert_int_eq(chy_router_add(router, op, &entry), CHY_CONFLICT);
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "/api/certificates/{other}"));
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "/api/certificates/{id}"));
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "'rival'"));
    ck_assert_ptr_nonnull(strstr(test_op_message(op), "'test'"));
    entry.listeners = 2; // elsewhere there is room
    ck_assert_int_eq(chy_router_add(router, op, &entry), CHY_OK);
    chy_router_free(router);
    test_op_free(op);
}
END_TEST

static const struct {
    const char *method;
    const char *pattern;
} bad_entries[] = {
    {"GET", ""},
    {"GET", "a"},
    {"GET", "/a//b"},
    {"GET", "/a/"},
    {"GET", "/{}"},
    {"GET", "/a{b}"},
    {"GET", "/{a}b"},
    {"GET", "/{a"},
    {"GET", "/a}"},
    {"GET", "/{a-b}"},
    {"GET", "/{a}/{a}"},
    {"get", "/x"},
    {"G T", "/x"},
    {"", "/x"},
    {"ABCDEFGHIJKLMNOPQ", "/x"},
    {"GET", "/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}"},
};

START_TEST(refuses_bad_patterns)
{
    struct chy_op *op = test_op_new();
    struct chy_router *router = make(op);
    struct chy_router_entry entry = {chy_text(bad_entries[_i].method),
                                     chy_text(bad_entries[_i].pattern), chy_text("test"), 1, "x"};
    ck_assert_msg(chy_router_add(router, op, &entry) == CHY_BAD_INPUT, "%s %s",
                  bad_entries[_i].method, bad_entries[_i].pattern);
    struct chy_router_match match;
    ck_assert_int_eq(find(router, 0, "GET", "/api/status", &match), CHY_ROUTER_FOUND);
    chy_router_free(router);
    test_op_free(op);
}
END_TEST

/** The definition, without a tree: the number of literals at the earliest difference decides. */
static bool fits(const char *pattern, const char *path)
{
    while (*pattern != '\0' && *path != '\0') {
        if (*pattern == '{') {
            pattern = strchr(pattern, '}') + 1;
            if (*path == '/') {
                return false;
            }
            path += strcspn(path, "/");
        } else if (*pattern++ != *path++) {
            return false;
        }
    }
    return *pattern == *path;
}

START_TEST(agrees_with_the_definition_on_random_tables)
{
    static const char *const words[] = {"a", "b", "c", "{x}"};
    char patterns[40][32];
    struct chy_op *op = test_op_new();
    struct chy_router *router = chy_router_new();
    uint32_t count = 0;
    uint32_t seed = (uint32_t)_i * 2654435761U + 1;
    for (uint32_t i = 0; i < 40; i++) {
        char *pattern = patterns[count];
        pattern[0] = '\0';
        seed = seed * 1664525U + 1013904223U;
        uint32_t depth = 1 + (seed >> 28) % 4;
        for (uint32_t d = 0; d < depth; d++) {
            seed = seed * 1664525U + 1013904223U;
            const char *word = words[(seed >> 27) % 4];
            char name[16];
            (void)snprintf(name, sizeof name, "{x%u}", d);
            (void)snprintf(pattern + strlen(pattern), 32 - strlen(pattern), "/%s",
                           word[0] == '{' ? name : word);
        }
        struct chy_router_entry entry = {chy_text("GET"), chy_text(pattern), chy_text("t"), 1,
                                         pattern};
        chy_status status = chy_router_add(router, op, &entry);
        ck_assert(status == CHY_OK || status == CHY_CONFLICT);
        count += status == CHY_OK ? 1 : 0;
    }
    for (uint32_t i = 0; i < 256; i++) {
        char path[32] = "";
        for (uint32_t d = 0; d < 1 + i % 4; d++) {
            (void)snprintf(path + strlen(path), 32 - strlen(path), "/%c", "abcd"[i >> (2 * d) & 3]);
        }
        const char *best = NULL;
        for (uint32_t p = 0; p < count; p++) {
            // '{' sorts after every letter, so the smallest text has the earliest literal.
            if (fits(patterns[p], path) && (best == NULL || strcmp(patterns[p], best) < 0)) {
                best = patterns[p];
            }
        }
        struct chy_router_match match;
        (void)find(router, 0, "GET", path, &match);
        ck_assert_msg(match.target == best, "%s: %s, not %s", path,
                      match.target == NULL ? "none" : (const char *)match.target,
                      best == NULL ? "none" : best);
    }
    chy_router_free(router);
    test_op_free(op);
}
END_TEST

TEST_MAIN("http_router", TEST_EACH(finds_routes, finds),
          TEST(names_parameters_by_the_pattern_that_was_found),
          TEST(refuses_a_second_route_of_the_same_shape),
          TEST_EACH(refuses_bad_patterns, bad_entries),
          TEST_TIMES(agrees_with_the_definition_on_random_tables, 50))
