#include "http/head.h"

#include "test_main.h"

#include <stdlib.h>

/**
 * Parses a raw block the way old libmicrohttpd does, leniencies included, and checks the result:
 * bare line feeds end lines, text after a NUL is lost, folded text lands elsewhere.
 */
struct parsed {
    struct chy_http_head head;
    struct chy_http_line lines[CHY_HTTP_HEADERS_CEILING];
    char *block;
};

static char *next_line(char **at)
{
    char *line = *at;
    char *end = strchr(line, '\n');
    ck_assert_ptr_nonnull(end);
    *at = end + 1;
    *end = '\0';
    if (end > line && end[-1] == '\r') {
        end[-1] = '\0';
    }
    return line;
}

static void parse(struct parsed *parsed, const char *raw, size_t len)
{
    memset(parsed, 0, sizeof *parsed);
    parsed->block = malloc(len + 1);
    memcpy(parsed->block, raw, len);
    parsed->block[len] = '\0';
    // NULs would stop strchr() above; the parser under imitation reads by length until the line's
    // end.
    for (size_t i = 0; i < len; i++) {
        if (parsed->block[i] == '\0') {
            parsed->block[i] = '\x02';
        }
    }
    char *at = parsed->block;
    char *line = next_line(&at);
    char *target = strchr(line, ' ') + 1;
    char *version = strrchr(line, ' ') + 1;
    parsed->head.method = chy_slice_of(line, (uint64_t)(target - line - 1));
    parsed->head.target = chy_slice_of(target, (uint64_t)(version - target - 1));
    parsed->head.version = chy_text(version);
    for (line = next_line(&at); *line != '\0'; line = next_line(&at)) {
        char *nul = strchr(line, '\x02');
        if (nul != NULL) {
            *nul = '\0';
        }
        if (*line == ' ' || *line == '\t') {
            continue; // a fold: its text is not where it is looked for
        }
        char *colon = strchr(line, ':');
        ck_assert_ptr_nonnull(colon);
        char *value = colon + 1 + strspn(colon + 1, " \t");
        struct chy_http_line *out = &parsed->lines[parsed->head.line_count++];
        out->name = chy_slice_of(line, (uint64_t)(colon - line));
        out->value = chy_text(value);
    }
    parsed->head.lines = parsed->lines;
    parsed->head.same_block = true;
    parsed->head.block_len = (uint64_t)(at - parsed->block);
}

static void check(const char *raw, size_t len, struct chy_http_verdict *out_verdict)
{
    struct parsed parsed;
    struct chy_http_limits limits = {0};
    chy_http_limits_fill(&limits);
    parse(&parsed, raw, len);
    chy_http_head_check(&parsed.head, &limits, out_verdict);
    // What the verdict borrows goes with the block.
    free(parsed.block);
}

#define BLOCK(text) text, sizeof(text) - 1
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"

static const struct {
    const char *name;
    const char *raw;
    size_t len;
    uint32_t status;
    bool close;
} blocks[] = {
    {"plain", BLOCK(GET "\r\n"), 0, false},
    {"no blank after the colon", BLOCK("GET / HTTP/1.1\r\nHost:a\r\n\r\n"), 0, false},
    {"blanks and a tab", BLOCK("GET / HTTP/1.1\r\nHost: \t a\r\n\r\n"), 0, false},
    {"trailing blanks", BLOCK("GET / HTTP/1.1\r\nHost: a  \r\n\r\n"), 0, false},
    {"an empty value", BLOCK(GET "X-A:\r\n\r\n"), 0, false},
    {"text above ASCII", BLOCK(GET "X-A: \xc3\xa4\r\n\r\n"), 0, false},
    {"HTTP/1.0 without Host", BLOCK("GET / HTTP/1.0\r\n\r\n"), 0, false},
    {"chunked", BLOCK(POST "Transfer-Encoding: chunked\r\n\r\n"), 0, false},
    {"Chunked", BLOCK(POST "Transfer-Encoding: Chunked\r\n\r\n"), 0, false},
    {"identity", BLOCK(POST "Content-Encoding: identity\r\n\r\n"), 0, false},
    {"expect", BLOCK(POST "Expect: 100-Continue\r\n\r\n"), 0, false},
    {"no Host", BLOCK("GET / HTTP/1.1\r\n\r\n"), 400, true},
    {"two Hosts", BLOCK(GET "Host: b\r\n\r\n"), 400, true},
    {"the same Host twice", BLOCK(GET "Host: a\r\n\r\n"), 400, true},
    {"an empty Host", BLOCK("GET / HTTP/1.1\r\nHost: \r\n\r\n"), 400, true},
    {"a Host with a path", BLOCK("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400, true},
    {"a Host with a user", BLOCK("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400, true},
    {"two Hosts in one", BLOCK("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400, true},
    {"two lengths", BLOCK(POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400, true},
    {"the same length twice", BLOCK(POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n"), 400,
     true},
    {"a list of lengths", BLOCK(POST "Content-Length: 1, 1\r\n\r\n"), 400, true},
    {"a length with a sign", BLOCK(POST "Content-Length: +1\r\n\r\n"), 400, true},
    {"a negative length", BLOCK(POST "Content-Length: -1\r\n\r\n"), 400, true},
    {"a hexadecimal length", BLOCK(POST "Content-Length: 0x1\r\n\r\n"), 400, true},
    {"a length with a blank", BLOCK(POST "Content-Length: 1 \r\n\r\n"), 400, true},
    {"an empty length", BLOCK(POST "Content-Length:\r\n\r\n"), 400, true},
    {"a length beyond 64 bits", BLOCK(POST "Content-Length: 18446744073709551617\r\n\r\n"), 400,
     true},
    {"length and encoding", BLOCK(POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
     400, true},
    {"encoding and length", BLOCK(POST "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n"),
     400, true},
    {"gzip, chunked", BLOCK(POST "Transfer-Encoding: gzip, chunked\r\n\r\n"), 400, true},
    {"chunked, chunked", BLOCK(POST "Transfer-Encoding: chunked, chunked\r\n\r\n"), 400, true},
    {"chunked twice",
     BLOCK(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, true},
    {"chunked with a blank", BLOCK(POST "Transfer-Encoding: chunked \r\n\r\n"), 400, true},
    {"chunked in quotes", BLOCK(POST "Transfer-Encoding: \"chunked\"\r\n\r\n"), 400, true},
    {"encoding identity", BLOCK(POST "Transfer-Encoding: identity\r\n\r\n"), 400, true},
    {"encoding empty", BLOCK(POST "Transfer-Encoding:\r\n\r\n"), 400, true},
    {"encoding in HTTP/1.0",
     BLOCK("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"), 400, true},
    {"a blank before the colon", BLOCK(GET "X-A : b\r\n\r\n"), 400, true},
    {"an empty name", BLOCK(GET ": b\r\n\r\n"), 400, true},
    {"a name with a slash", BLOCK(GET "X/A: b\r\n\r\n"), 400, true},
    {"a bell in a value", BLOCK(GET "X-A: b\a\r\n\r\n"), 400, true},
    {"a carriage return in a value", BLOCK(GET "X-A: b\rc\r\n\r\n"), 400, true},
    {"delete in a value", BLOCK(GET "X-A: b\x7f\r\n\r\n"), 400, true},
    {"NUL in a value", BLOCK(GET "X-A: b\0c\r\n\r\n"), 400, true},
    {"NUL at a value's end", BLOCK(GET "X-A: b\0\r\n\r\n"), 400, true},
    {"a bare line feed", BLOCK("GET / HTTP/1.1\r\nHost: a\nX-A: b\r\n\r\n"), 400, true},
    {"a bare line feed that hides a length", BLOCK(POST "X-A: b\nContent-Length: 5\r\n\r\n"), 400,
     true},
    {"a bare line feed made up for by a blank", BLOCK("GET / HTTP/1.1\r\nHost: a\nX-A:  b\r\n\r\n"),
     400, true},
    {"only bare line feeds", BLOCK("GET / HTTP/1.1\nHost: a\n\n"), 400, true},
    {"a bare line feed at the end", BLOCK(GET "\n"), 400, true},
    {"a folded value", BLOCK(GET "X-A: b\r\n c\r\n\r\n"), 400, true},
    {"a fold by a tab", BLOCK(GET "X-A: b\r\n\tc\r\n\r\n"), 400, true},
    {"an empty fold", BLOCK(GET "X-A: b\r\n \r\n\r\n"), 400, true},
    {"a method with a brace", BLOCK("G{T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400, true},
    {"two media types", BLOCK(POST "Content-Type: a/b\r\nContent-Type: c/d\r\n\r\n"), 400, true},
    {"two authorizations", BLOCK(GET "Authorization: a\r\nAuthorization: b\r\n\r\n"), 400, true},
    {"another expectation", BLOCK(POST "Expect: magic\r\n\r\n"), 417, true},
    {"gzip", BLOCK(POST "Content-Encoding: gzip\r\n\r\n"), 415, false},
    {"smuggling is worse than gzip",
     BLOCK(POST "Content-Encoding: gzip\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"), 400,
     true},
};

START_TEST(checks_blocks)
{
    struct chy_http_verdict verdict;
    check(blocks[_i].raw, blocks[_i].len, &verdict);
    ck_assert_msg(verdict.status == blocks[_i].status, "%s: %u %s", blocks[_i].name, verdict.status,
                  verdict.problem == NULL ? "" : verdict.problem);
    ck_assert_msg(verdict.close == blocks[_i].close, "%s: close", blocks[_i].name);
    ck_assert_msg((verdict.status == 0) == (verdict.problem == NULL), "%s: problem",
                  blocks[_i].name);
}
END_TEST

START_TEST(tells_what_the_body_is)
{
    struct chy_http_verdict verdict;
    check(BLOCK(GET "\r\n"), &verdict);
    ck_assert(!verdict.has_body && !verdict.chunked && !verdict.has_media_type);
    check(BLOCK(POST "Content-Length: 0\r\n\r\n"), &verdict);
    ck_assert(!verdict.has_body);
    check(BLOCK(POST "Content-Length: 123\r\nContent-Type: a/b\r\n\r\n"), &verdict);
    ck_assert(verdict.has_body && !verdict.chunked && verdict.has_media_type);
    ck_assert_uint_eq(verdict.content_length, 123);
    check(BLOCK(POST "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"), &verdict);
    ck_assert(verdict.has_body && verdict.chunked && verdict.expects_continue);
}
END_TEST

START_TEST(finds_what_matters)
{
    struct chy_http_line lines[] = {
        {chy_text("Host"), chy_text("acme.com:8443")},
        {chy_text("Content-Type"), chy_text("application/json ; charset=utf-8")},
        {chy_text("AUTHORIZATION"), chy_text("Bearer abc ")},
    };
    struct chy_http_head head = {
        .method = chy_text("POST"),
        .target = chy_text("/"),
        .version = chy_text("HTTP/1.1"),
        .lines = lines,
        .line_count = 3,
    };
    struct chy_http_limits limits = {0};
    struct chy_http_verdict verdict;
    chy_http_limits_fill(&limits);
    chy_http_head_check(&head, &limits, &verdict);
    ck_assert_uint_eq(verdict.status, 0);
    ck_assert(chy_slice_is(verdict.host, "acme.com:8443"));
    ck_assert(chy_slice_is(verdict.media_type, "application/json"));
    ck_assert(chy_slice_is(verdict.authorization, "Bearer abc"));
}
END_TEST

START_TEST(holds_to_its_limits)
{
    struct chy_http_line line = {chy_text("Host"), chy_text("a")};
    struct chy_http_head head = {
        .method = chy_text("GET"),
        .target = chy_text("/abc"),
        .version = chy_text("HTTP/1.1"),
        .lines = &line,
        .line_count = 1,
        .block_len = 100,
    };
    struct chy_http_limits limits = {.uri_max = 4, .header_count_max = 1, .header_size_max = 100};
    struct chy_http_verdict verdict;
    chy_http_limits_fill(&limits);
    chy_http_head_check(&head, &limits, &verdict);
    ck_assert_uint_eq(verdict.status, 0);
    limits.uri_max = 3;
    chy_http_head_check(&head, &limits, &verdict);
    ck_assert_uint_eq(verdict.status, 414);
    ck_assert(verdict.close);
    limits.uri_max = 4;
    head.line_count = 2;
    chy_http_head_check(&head, &limits, &verdict);
    ck_assert_uint_eq(verdict.status, 431);
    head.line_count = 1;
    head.block_len = 101;
    chy_http_head_check(&head, &limits, &verdict);
    ck_assert_uint_eq(verdict.status, 431);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
} authorities[] = {
    {"a", true},
    {"acme.com", true},
    {"acme.com:8443", true},
    {"acme.com:", true},
    {"127.0.0.1:1", true},
    {"[::1]", true},
    {"[2001:db8::1]:443", true},
    {"a_b-c.d", true},
    {"", false},
    {":80", false},
    {"a:65536", false},
    {"a:b", false},
    {"a:1:2", false},
    {"a b", false},
    {"a/b", false},
    {"[::1", false},
    {"[::1]a", false},
    {"[]", false},
    {"[a.b:g]", false},
    {"a?b", false},
    {"a%20", false},
    {"::1", false},
};

START_TEST(checks_authorities)
{
    ck_assert_msg(chy_http_is_authority(chy_text(authorities[_i].text)) == authorities[_i].ok,
                  "'%s'", authorities[_i].text);
}
END_TEST

TEST_MAIN("http_head", TEST_EACH(checks_blocks, blocks), TEST(tells_what_the_body_is),
          TEST(finds_what_matters), TEST(holds_to_its_limits),
          TEST_EACH(checks_authorities, authorities))
