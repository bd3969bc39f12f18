/** Feeds the request target (path.h), the router, the header check (head.h) and proxies' headers
 *  (forwarded.h): the first byte says which. */
#include "fuzz.h"

#include "http/forwarded.h"
#include "http/head.h"
#include "http/path.h"
#include "http/router.h"

#include "base/slice.h"

#include "test_op.h"

#include <assert.h>
#include <stdlib.h>

static const char *const patterns[] = {
    "/", "/a", "/a/{x}", "/a/{x}/b", "/{x}/b/{y}", "/a/b/c", "/{x}/{y}/{z}", "/a/a/{x}/a",
};

static struct chy_router *make_router(struct chy_op *op)
{
    struct chy_router *router = chy_router_new();
    assert(router != NULL);
    for (size_t i = 0; i < sizeof patterns / sizeof patterns[0]; i++) {
        struct chy_router_entry entry = {chy_text(i % 3 == 0 ? "POST" : "GET"),
                                         chy_text(patterns[i]), chy_text("fuzz"), 1, patterns[i]};
        chy_status status = chy_router_add(router, op, &entry);
        assert(status == CHY_OK);
    }
    return router;
}

/** A path that was taken, encoded again in the plainest way, is taken again and means the same.
 *  */
static void check_round_trip(const struct chy_http_path *path)
{
    static const char digits[] = "0123456789abcdef";
    uint64_t size = 1;
    for (uint32_t i = 0; i < path->segment_count; i++) {
        size += 1 + path->segments[i].len * 3;
    }
    uint8_t *encoded = malloc(size);
    uint8_t *room = malloc(size);
    assert(encoded != NULL && room != NULL);
    uint64_t len = 0;
    for (uint32_t i = 0; i < path->segment_count; i++) {
        encoded[len++] = '/';
        for (uint64_t j = 0; j < path->segments[i].len; j++) {
            uint8_t byte = path->segments[i].ptr[j];
            encoded[len++] = '%';
            encoded[len++] = (uint8_t)digits[byte >> 4];
            encoded[len++] = (uint8_t)digits[byte & 15];
        }
    }
    if (len == 0) {
        encoded[len++] = '/';
    }
    struct chy_buffer scratch = {room, size};
    struct chy_http_path again;
    const char *problem = chy_http_path_parse(chy_slice_of(encoded, len), scratch, &again);
    assert(problem == NULL);
    assert(chy_slice_equal(again.text, path->text));
    assert(again.segment_count == path->segment_count);
    for (uint32_t i = 0; i < path->segment_count; i++) {
        assert(chy_slice_equal(again.segments[i], path->segments[i]));
    }
    free(encoded);
    free(room);
}

static void check_path(const struct chy_http_path *path)
{
    assert(chy_text_is_clean(path->text) && path->text.len > 0 && path->text.ptr[0] == '/');
    assert(path->segment_count <= CHY_HTTP_SEGMENTS_MAX);
    for (uint32_t i = 0; i < path->segment_count; i++) {
        assert(!chy_slice_is(path->segments[i], ".") && !chy_slice_is(path->segments[i], ".."));
        assert(path->segments[i].len > 0 || i + 1 == path->segment_count);
    }
    check_round_trip(path);
}

static void fuzz_target(struct chy_slice raw)
{
    struct chy_http_target target;
    struct chy_http_path path;
    if (chy_http_target_split(raw, &target) != NULL) {
        return;
    }
    struct chy_op *op = test_op_new();
    struct chy_view pairs;
    if (chy_http_query_parse(op, target.query, &pairs) == CHY_OK) {
        assert(pairs.count <= CHY_HTTP_QUERY_MAX);
    }
    uint8_t *room = malloc(target.path.len);
    struct chy_buffer scratch = {room, target.path.len};
    if (chy_http_path_parse(target.path, scratch, &path) == NULL) {
        struct chy_router *router = make_router(op);
        struct chy_router_match match;
        check_path(&path);
        enum chy_router_outcome outcome =
            chy_router_find(router, 0, chy_text("GET"), &path, &match);
        assert((outcome == CHY_ROUTER_FOUND) == (match.target != NULL));
        assert((outcome == CHY_ROUTER_NO_METHOD) == (match.allow_len != 0));
        for (uint32_t i = 0; i < match.parameter_count; i++) {
            assert(match.parameters[i].value.len > 0);
        }
        chy_router_free(router);
    }
    free(room);
    test_op_free(op);
}

static uint32_t count_lines(const struct chy_http_head *head, const char *name)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < head->line_count; i++) {
        count += chy_slice_is_nocase(head->lines[i].name, name) ? 1 : 0;
    }
    return count;
}

/** What must hold for every block that is let through. */
static void check_accepted(const struct chy_http_head *head, const struct chy_http_verdict *verdict)
{
    uint32_t lengths = count_lines(head, "content-length");
    uint32_t encodings = count_lines(head, "transfer-encoding");
    uint32_t hosts = count_lines(head, "host");
    assert(lengths + encodings <= 1 && hosts <= 1);
    assert(hosts == 1 || chy_slice_is(head->version, "HTTP/1.0"));
    assert(verdict->chunked == (encodings == 1));
    assert(verdict->has_body == (verdict->chunked || verdict->content_length > 0));
    assert(chy_http_is_token(head->method));
    uint64_t len = head->method.len + head->target.len + head->version.len + 6;
    for (uint32_t i = 0; i < head->line_count; i++) {
        const struct chy_http_line *line = &head->lines[i];
        assert(chy_http_is_token(line->name) && chy_http_is_field_value(line->value));
        uint64_t blanks = (uint64_t)(line->value.ptr - line->name.ptr) - line->name.len - 1;
        len += line->name.len + 1 + blanks + line->value.len + 2;
    }
    assert(!head->same_block || len == head->block_len);
}

/** Splits the way a lenient parser does: lines by line feeds, values by the first colon. */
static void fuzz_head(struct chy_slice raw)
{
    struct chy_http_line lines[CHY_HTTP_HEADERS_CEILING];
    struct chy_http_limits limits = {0};
    struct chy_http_verdict verdict;
    chy_http_limits_fill(&limits);
    struct chy_http_head head = {
        .method = chy_text("POST"),
        .target = chy_text("/"),
        .version = chy_text("HTTP/1.1"),
        .lines = lines,
        .same_block = true,
        .block_len = strlen("POST / HTTP/1.1\r\n\r\n") + raw.len,
    };
    while (raw.len != 0 && head.line_count < CHY_HTTP_HEADERS_CEILING) {
        struct chy_slice line = raw;
        struct chy_slice rest = {NULL, 0};
        bool more = chy_slice_cut(raw, '\n', &line, &rest);
        raw = more ? rest : chy_slice_first(raw, 0);
        if (line.len != 0 && line.ptr[line.len - 1] == '\r') {
            line.len--;
        }
        struct chy_slice name;
        struct chy_slice value;
        if (!chy_slice_cut(line, ':', &name, &value)) {
            return;
        }
        while (value.len != 0 && (value.ptr[0] == ' ' || value.ptr[0] == '\t')) {
            value = chy_slice_skip(value, 1);
        }
        lines[head.line_count++] = (struct chy_http_line){name, value};
    }
    chy_http_head_check(&head, &limits, &verdict);
    assert((verdict.status == 0) == (verdict.problem == NULL));
    if (verdict.status == 0) {
        check_accepted(&head, &verdict);
    }
}

static void fuzz_forwarded(struct chy_slice raw, enum chy_http_forwarding forwarding)
{
    static const char *const names[] = {"forwarded", "x-forwarded-for", "x-forwarded-proto",
                                        "x-forwarded-host", "client-cert"};
    struct chy_pair pairs[8];
    struct chy_http_network network;
    struct chy_http_origin origin;
    uint64_t count = 0;
    bool ok = chy_http_network_parse(chy_text("10.0.0.0/8"), &network);
    struct chy_http_trust trust = {&network, 1, forwarding};
    assert(ok);
    while (raw.len > 1 && count < sizeof pairs / sizeof pairs[0]) {
        struct chy_slice line = chy_slice_skip(raw, 1);
        struct chy_slice rest = {NULL, 0};
        pairs[count].name = chy_text(names[raw.ptr[0] % 5]);
        bool more = chy_slice_cut(chy_slice_skip(raw, 1), '\n', &line, &rest);
        pairs[count++].value = line;
        raw = more ? rest : chy_slice_first(raw, 0);
    }
    struct chy_op *op = test_op_new();
    struct chy_view view = {pairs, count, sizeof pairs[0]};
    if (chy_http_forwarded_read(op, &trust, &network.address, view, &origin) == CHY_OK) {
        assert(origin.host.len == 0 || chy_http_is_authority(origin.host));
        assert(origin.scheme.len == 0 || chy_slice_is(origin.scheme, "http") ||
               chy_slice_is(origin.scheme, "https"));
    }
    test_op_free(op);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) {
        return 0;
    }
    struct chy_slice rest = chy_slice_of(data + 1, size - 1);
    switch (data[0] % 3) {
    case 0: fuzz_target(rest); break;
    case 1: fuzz_head(rest); break;
    default:
        fuzz_forwarded(rest, CHY_HTTP_X_FORWARDED);
        fuzz_forwarded(rest, CHY_HTTP_FORWARDED);
        break;
    }
    return 0;
}
