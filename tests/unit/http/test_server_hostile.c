/** What a hostile or broken client gets: smuggling, slowness, too much of everything. */
#include "fixture.h"

#include "test_main.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define HOST "Host: test\r\n"
#define END HOST "\r\n"

/** Each carries a second request in what one of two parsers would take for the body. */
#define INNER "GET /quick?cached HTTP/1.1\r\n" END

static const struct {
    const char *name;
    const char *request;
    size_t len;
} smuggled[] = {
#define BYTES(text) text, sizeof(text) - 1
    {"two lengths",
     BYTES("POST /echo HTTP/1.1\r\nContent-Length: 0\r\nContent-Length: 46\r\n" END INNER)},
    {"the same length twice",
     BYTES("POST /echo HTTP/1.1\r\nContent-Length: 2\r\nContent-Length: 2\r\n" END "{}" INNER)},
    {"length and chunked",
     BYTES("POST /echo HTTP/1.1\r\nContent-Length: 46\r\nTransfer-Encoding: chunked\r\n" END
           "0\r\n\r\n" INNER)},
    {"gzip, chunked",
     BYTES("POST /echo HTTP/1.1\r\nTransfer-Encoding: gzip, chunked\r\n" END "0\r\n\r\n" INNER)},
    {"chunked, identity",
     BYTES("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked, identity\r\n" END
           "0\r\n\r\n" INNER)},
    {"two Hosts", BYTES("GET /hello HTTP/1.1\r\nHost: other\r\n" END INNER)},
    {"no Host", BYTES("GET /hello HTTP/1.1\r\n\r\n" INNER)},
    {"a bare line feed", BYTES("POST /echo HTTP/1.1\r\nX-A: b\nContent-Length: 46\r\n" END INNER)},
    {"only bare line feeds", BYTES("GET /hello HTTP/1.1\nHost: test\n\n" INNER)},
    {"a fold", BYTES("POST /echo HTTP/1.1\r\nX-A: b\r\n Content-Length: 46\r\n" END INNER)},
    {"a folded length", BYTES("POST /echo HTTP/1.1\r\nContent-Length:\r\n 46\r\n" END INNER)},
    {"a folded chunked",
     BYTES("POST /echo HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n" END "0\r\n\r\n" INNER)},
    {"a NUL in a value", BYTES("GET /hello HTTP/1.1\r\nX-A: b\0c\r\n" END INNER)},
    {"a NUL in a name", BYTES("GET /hello HTTP/1.1\r\nX\0-A: b\r\n" END INNER)},
    {"a NUL in the target", BYTES("GET /hello\0x HTTP/1.1\r\n" END INNER)},
    {"a control byte in a value", BYTES("GET /hello HTTP/1.1\r\nX-A: b\x01\r\n" END INNER)},
    {"a bare carriage return", BYTES("GET /hello HTTP/1.1\r\nX-A: b\rX-B: c\r\n" END INNER)},
    {"a blank before the colon", BYTES("POST /echo HTTP/1.1\r\nContent-Length : 46\r\n" END INNER)},
    {"two blanks in the request line", BYTES("GET  /hello HTTP/1.1\r\n" END INNER)},
    {"a blank at the request line's end", BYTES("GET /hello HTTP/1.1 \r\n" END INNER)},
    {"a method that is no token", BYTES("GE(T /hello HTTP/1.1\r\n" END INNER)},
    {"a length that is no number",
     BYTES("POST /echo HTTP/1.1\r\nContent-Length: 4x\r\n" END INNER)},
    {"a length with a sign", BYTES("POST /echo HTTP/1.1\r\nContent-Length: +46\r\n" END INNER)},
    {"a length beyond 64 bits",
     BYTES("POST /echo HTTP/1.1\r\nContent-Length: 99999999999999999999999\r\n" END INNER)},
    {"a chunk size that is no number",
     BYTES("POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "xyz\r\n" INNER)},
    {"CONNECT", BYTES("CONNECT test:80 HTTP/1.1\r\n" END INNER)},
    {"HTTP/2.0", BYTES("GET /hello HTTP/2.0\r\n" END INNER)},
    {"HTTP/0.9", BYTES("GET /hello\r\n" INNER)},
    {"no request", BYTES("\x16\x03\x01\x02 \x01 \x00\r\n\r\n" INNER)},
};

START_TEST(smuggling_is_refused_and_the_connection_closed)
{
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    ck_assert(client_send(fd, smuggled[_i].request, smuggled[_i].len));
    // Some the library refuses itself: with a page of its own, or by closing.
    char answer[8192] = "";
    size_t len = 0;
    ssize_t got = 1;
    while (got > 0 && len < sizeof answer - 1) {
        got = recv(fd, answer + len, sizeof answer - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
    }
    answer[len] = '\0';
    ck_assert_msg(got == 0 || errno == ECONNRESET, "%s: still open", smuggled[_i].name);
    ck_assert_msg(len == 0 || strncmp(answer, "HTTP/1.1 400", 12) == 0 ||
                      strncmp(answer, "HTTP/1.1 413", 12) == 0 ||
                      strncmp(answer, "HTTP/1.1 505", 12) == 0,
                  "%s: %s", smuggled[_i].name, answer);
    ck_assert_msg(strstr(answer, "hello") == NULL, "%s: %s", smuggled[_i].name, answer);
    ck_assert_msg(atomic_load(&f.state.ran) == 0, "%s: a handler ran", smuggled[_i].name);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

/** Sends `count` bytes of 'x' where the request needs something long. */
static void send_filled(int fd, const char *before, size_t count, const char *after)
{
    char *filled = malloc(count);
    memset(filled, 'x', count);
    client_say(fd, before);
    (void)(client_send(fd, filled, count) && client_send(fd, after, strlen(after)));
    free(filled);
}

static const struct {
    const char *name;
    const char *before;
    size_t count;
    const char *after;
    int status;
    const char *error; // NULL: the library's own page
} large[] = {
    {"a URI within the limit", "GET /describe/", 8000, " HTTP/1.1\r\n" END, 200, NULL},
    {"a long URI", "GET /", 9000, " HTTP/1.1\r\n" END, 414, "UriTooLong"},
    {"a URI beyond everything", "GET /", 40000, " HTTP/1.1\r\n" END, 414, NULL},
    {"a header within the limit", "GET /hello HTTP/1.1\r\n" HOST "X-A: ", 15000, "\r\n\r\n", 200,
     NULL},
    {"a long header", "GET /hello HTTP/1.1\r\n" HOST "X-A: ", 17000, "\r\n\r\n", 431,
     "RequestHeaderFieldsTooLarge"},
    {"a header beyond everything", "GET /hello HTTP/1.1\r\n" HOST "X-A: ", 40000, "\r\n\r\n", 431,
     NULL},
    {"a body one byte too long", "POST /echo HTTP/1.1\r\nContent-Length: 1001\r\n" END, 1001, "",
     413, "PayloadTooLarge"},
    {"a body of a megabyte", "POST /echo HTTP/1.1\r\nContent-Length: 1048576\r\n" END, 1048576, "",
     413, "PayloadTooLarge"},
    {"a chunk of a megabyte",
     "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END "100000\r\n", 1048576,
     "\r\n0\r\n\r\n", 413, "PayloadTooLarge"},
    {"a body above the ceiling of all routes",
     "POST /huge HTTP/1.1\r\nContent-Length: 1048577\r\n" END, 1048577, "", 413, "PayloadTooLarge"},
    {"a body of the largest size", "POST /echo HTTP/1.1\r\nContent-Length: 1000\r\n" END, 1000, "",
     200, NULL},
};

START_TEST(too_much_is_refused)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    send_filled(fd, large[_i].before, large[_i].count, large[_i].after);
    client_read(fd, false, &reply);
    ck_assert_msg(reply.status == large[_i].status, "%s: %d", large[_i].name, reply.status);
    ck_assert_msg(large[_i].error == NULL ||
                      reply_is_error(&reply, large[_i].status, large[_i].error),
                  "%s: %s", large[_i].name, reply.body);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(too_many_headers_are_refused)
{
    struct fixture f;
    static struct reply reply;
    char request[4096] = "GET /hello HTTP/1.1\r\n" HOST;
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 200; i++) {
        (void)snprintf(request + strlen(request), sizeof request - strlen(request), "A:b\r\n");
    }
    (void)snprintf(request + strlen(request), sizeof request - strlen(request), "\r\n");
    client_get(f.port, request, &reply);
    ck_assert(reply_is_error(&reply, 431, "RequestHeaderFieldsTooLarge"));
    fixture_stop(&f);
}
END_TEST

START_TEST(an_announced_body_that_is_too_large_is_not_waited_for)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.body_drain_max = 100000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    client_say(fd, "POST /echo HTTP/1.1\r\nContent-Length: 100001\r\n" END);
    client_read(fd, false, &reply);
    ck_assert(reply_is_error(&reply, 413, "PayloadTooLarge"));
    ck_assert(client_is_closed(fd, 2000));
    (void)close(fd);
    // One that waits for "100 Continue" learns it before it sends anything.
    fd = client_connect(f.port);
    client_say(fd, "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 1001\r\n" END);
    client_read(fd, false, &reply);
    ck_assert(reply_is_error(&reply, 413, "PayloadTooLarge"));
    ck_assert_ptr_null(strstr(reply.head, "100 Continue"));
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(an_endless_body_loses_the_connection)
{
    struct fixture f;
    char chunk[4096 + 8];
    fixture_init(&f);
    f.config.limits.body_drain_max = 100000;
    fixture_start(&f);
    memset(chunk, 'x', sizeof chunk);
    memcpy(chunk, "1000\r\n", 6);
    memcpy(chunk + sizeof chunk - 2, "\r\n", 2);
    int fd = client_connect(f.port);
    client_say(fd, "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END);
    int sent = 0;
    while (sent < 100000 && client_send(fd, chunk, sizeof chunk)) {
        sent++;
    }
    ck_assert_int_lt(sent, 100000);
    ck_assert_uint_eq(atomic_load(&f.state.ran), 0);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

/** Drips a byte every 20 ms for at most three seconds; how many it took to be thrown out. */
static int drip(int fd, const char *text, char filler)
{
    for (int i = 0; i < 150; i++) {
        const char *byte = *text != '\0' ? text++ : &filler;
        if (!client_send(fd, byte, 1) || client_is_closed(fd, 20)) {
            return i;
        }
    }
    return 150;
}

START_TEST(slow_headers_are_cut_off)
{
    struct fixture f;
    fixture_init(&f);
    f.config.limits.header_deadline = 300000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    int bytes = drip(fd, "GET /hello HTTP/1.1\r\nX-A: ", 'x');
    ck_assert_int_lt(bytes, 75);
    ck_assert_int_gt(bytes, 5);
    ck_assert(fixture_metric(&f, "chancery_http_refused_total{reason=\"late_header\"} ") == 1);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_silent_connection_is_cut_off)
{
    struct fixture f;
    fixture_init(&f);
    f.config.limits.header_deadline = 300000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    ck_assert(!client_is_closed(fd, 100));
    ck_assert(client_is_closed(fd, 2000));
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_slow_body_is_cut_off)
{
    struct fixture f;
    fixture_init(&f);
    f.config.limits.body_deadline = 300000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    client_say(fd, "POST /echo HTTP/1.1\r\nContent-Length: 900\r\n" END);
    int bytes = drip(fd, "", 'x');
    ck_assert_int_lt(bytes, 75);
    ck_assert_int_gt(bytes, 5);
    ck_assert(fixture_metric(&f, "chancery_http_refused_total{reason=\"late_body\"} ") == 1);
    ck_assert_uint_eq(atomic_load(&f.state.ran), 0);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(an_idle_connection_is_closed)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.idle = 300000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    client_say(fd, "GET /hello HTTP/1.1\r\n" END);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(!client_is_closed(fd, 100));
    // The first line of the next request cannot be drawn out either.
    ck_assert_int_lt(drip(fd, "GET /", 'x'), 75);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_slow_handler_is_not_cut_off)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.header_deadline = 100000;
    f.config.limits.body_deadline = 100000;
    f.config.limits.idle = 100000;
    fixture_start(&f);
    int fd = client_connect(f.port);
    client_say(fd, "GET /wait HTTP/1.1\r\n" END);
    ck_assert(!client_is_closed(fd, 500));
    atomic_store(&f.state.open, true);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(an_address_has_so_many_connections)
{
    struct fixture f;
    static struct reply reply;
    int fds[4];
    fixture_init(&f);
    f.config.limits.connections_per_address = 3;
    fixture_start(&f);
    for (int i = 0; i < 3; i++) {
        fds[i] = client_connect(f.port);
        client_say(fds[i], "GET /hello HTTP/1.1\r\n" END);
        client_read(fds[i], false, &reply);
        ck_assert_int_eq(reply.status, 200);
    }
    fds[3] = client_connect(f.port);
    ck_assert(client_is_closed(fds[3], 2000));
    (void)close(fds[3]);
    ck_assert(fixture_metric(&f, "chancery_http_refused_total{reason=\"address\"} ") == 1);
    (void)close(fds[0]);
    // Room again, as soon as the server has seen the end of the first.
    for (int i = 0; i < 100; i++) {
        fds[0] = client_connect(f.port);
        if (!client_is_closed(fds[0], 20)) {
            break;
        }
        (void)close(fds[0]);
    }
    client_say(fds[0], "GET /hello HTTP/1.1\r\n" END);
    client_read(fds[0], false, &reply);
    ck_assert_int_eq(reply.status, 200);
    for (int i = 0; i < 3; i++) {
        (void)close(fds[i]);
    }
    fixture_stop(&f);
}
END_TEST

START_TEST(a_trusted_proxy_has_more)
{
    struct fixture f;
    static struct reply reply;
    static const struct chy_slice proxies[] = {CHY_TEXT_INIT("127.0.0.1")};
    int fds[5];
    fixture_init(&f);
    f.config.limits.connections_per_address = 1;
    f.config.trusted_proxies = proxies;
    f.config.trusted_proxy_count = 1;
    fixture_start(&f);
    for (int i = 0; i < 5; i++) {
        fds[i] = client_connect(f.port);
        client_say(fds[i], "GET /hello HTTP/1.1\r\n" END);
        client_read(fds[i], false, &reply);
        ck_assert_int_eq(reply.status, 200);
    }
    for (int i = 0; i < 5; i++) {
        (void)close(fds[i]);
    }
    fixture_stop(&f);
}
END_TEST

START_TEST(an_address_has_so_many_requests)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.address_rate = 12;
    fixture_start(&f);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Limit"), "12");
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Remaining"), "11");
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Reset"), "5");
    // A refusal counts ten.
    client_get(f.port, "GET /fail/1 HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 404);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_msg(reply_is_error(&reply, 429, "RateLimitExceeded"), "%s", reply.body);
    ck_assert_str_eq(reply_header(&reply, "Retry-After"), "5");
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Remaining"), "0");
    ck_assert_ptr_nonnull(strstr(reply.body, "12 a minute"));
    ck_assert(fixture_metric(&f, "chancery_http_refused_total{reason=\"rate\"} ") == 1);
    // What has no limit goes on.
    client_get(f.port, "GET /healthz HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_null(reply_header(&reply, "X-RateLimit-Limit"));
    fixture_stop(&f);
}
END_TEST

START_TEST(an_address_behind_a_proxy_is_counted_by_itself)
{
    struct fixture f;
    static struct reply reply;
    static const struct chy_slice proxies[] = {CHY_TEXT_INIT("127.0.0.1")};
    fixture_init(&f);
    f.config.limits.address_rate = 1;
    f.config.trusted_proxies = proxies;
    f.config.trusted_proxy_count = 1;
    fixture_start(&f);
    static const char *const callers[] = {"192.0.2.1", "192.0.2.2", "2001:db8::1"};
    for (size_t i = 0; i < sizeof callers / sizeof callers[0]; i++) {
        char request[128];
        (void)snprintf(request, sizeof request,
                       "GET /hello HTTP/1.1\r\nX-Forwarded-For: %s\r\n" END, callers[i]);
        client_get(f.port, request, &reply);
        ck_assert_int_eq(reply.status, 200);
        client_get(f.port, request, &reply);
        ck_assert_int_eq(reply.status, 429);
    }
    // The same /64, and the proxy itself.
    client_get(f.port, "GET /hello HTTP/1.1\r\nX-Forwarded-For: 2001:db8::2\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 429);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    fixture_stop(&f);
}
END_TEST

START_TEST(an_identity_has_so_many_requests)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.identity_rate = 12;
    fixture_start(&f);
    static const char good[] = "GET /who HTTP/1.1\r\nAuthorization: Bearer good\r\n" END;
    static const char other[] = "GET /who HTTP/1.1\r\nAuthorization: Bearer weak\r\n" END;
    client_get(f.port, good, &reply);
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Remaining"), "11");
    client_get(f.port, other, &reply);
    ck_assert_int_eq(reply.status, 403);
    ck_assert_str_eq(reply_header(&reply, "X-RateLimit-Remaining"), "11");
    client_get(f.port, other, &reply);
    client_get(f.port, other, &reply);
    ck_assert_int_eq(reply.status, 429);
    client_get(f.port, good, &reply);
    ck_assert_int_eq(reply.status, 200);
    // Nobody known: only the address could count.
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    fixture_stop(&f);
}
END_TEST

static void send_stream(int fd, size_t len, bool chunked)
{
    static unsigned char bytes[300000];
    char head[128];
    for (size_t i = 0; i < sizeof bytes; i++) {
        bytes[i] = (unsigned char)(i % 251);
    }
    (void)snprintf(head, sizeof head, "POST /stream HTTP/1.1\r\n%s%s\r\n",
                   chunked ? "Transfer-Encoding: chunked\r\n" : "", HOST);
    if (!chunked) {
        (void)snprintf(head, sizeof head, "POST /stream HTTP/1.1\r\nContent-Length: %zu\r\n" END,
                       len);
    }
    client_say(fd, head);
    for (size_t sent = 0; sent < len; sent += 50000) {
        size_t piece = len - sent < 50000 ? len - sent : 50000;
        (void)snprintf(head, sizeof head, "%zx\r\n", piece);
        ck_assert(!chunked || client_send(fd, head, strlen(head)));
        ck_assert(client_send(fd, (const char *)bytes + sent, piece));
        ck_assert(!chunked || client_send(fd, "\r\n", 2));
    }
    ck_assert(!chunked || client_send(fd, "0\r\n\r\n", 5));
}

static const struct {
    size_t len;
    bool chunked;
} streams[] = {{0, false}, {1, false}, {300000, false}, {300000, true}, {65536, false}, {0, true}};

START_TEST(a_streamed_body_arrives_whole)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    for (int again = 0; again < 2; again++) {
        atomic_store(&f.state.stream_bytes, 0);
        send_stream(fd, streams[_i].len, streams[_i].chunked);
        client_read(fd, false, &reply);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_uint_eq(atomic_load(&f.state.stream_bytes), streams[_i].len);
    }
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_streamed_body_has_its_limit)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    send_filled(fd, "POST /stream HTTP/1.1\r\nContent-Length: 300001\r\n" END, 300001, "");
    client_read(fd, false, &reply);
    ck_assert(reply_is_error(&reply, 413, "PayloadTooLarge"));
    (void)close(fd);
    fd = client_connect(f.port);
    // In chunks it shows only on the way: the first bytes fit the pattern, the rest is one too
    // many.
    send_stream(fd, 300000, true);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_streaming_handler_may_answer_early)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    for (int i = 0; i < 3; i++) {
        send_filled(fd, "POST /stream?early HTTP/1.1\r\nContent-Length: 300000\r\n" END, 300000,
                    "");
        client_read(fd, false, &reply);
        ck_assert_int_eq(reply.status, 200);
    }
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_streaming_handler_learns_that_the_caller_left)
{
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    atomic_store(&f.state.stream_status, -1);
    int fd = client_connect(f.port);
    client_say(fd, "POST /stream HTTP/1.1\r\nContent-Length: 1000\r\n" END);
    char byte = 0;
    ck_assert(client_send(fd, &byte, 1));
    fixture_wait_until(&f.state.stream_bytes, 1);
    (void)close(fd);
    for (int i = 0; i < 2000 && atomic_load(&f.state.stream_status) != CHY_TRY_LATER; i++) {
        (void)usleep(1000);
    }
    ck_assert_int_eq(atomic_load(&f.state.stream_status), CHY_TRY_LATER);
    fixture_stop(&f);
}
END_TEST

TEST_MAIN("http_server_hostile",
          TEST_EACH(smuggling_is_refused_and_the_connection_closed, smuggled),
          TEST_EACH(too_much_is_refused, large), TEST(too_many_headers_are_refused),
          TEST(an_announced_body_that_is_too_large_is_not_waited_for),
          TEST(an_endless_body_loses_the_connection), TEST(slow_headers_are_cut_off),
          TEST(a_silent_connection_is_cut_off), TEST(a_slow_body_is_cut_off),
          TEST(an_idle_connection_is_closed), TEST(a_slow_handler_is_not_cut_off),
          TEST(an_address_has_so_many_connections), TEST(a_trusted_proxy_has_more),
          TEST(an_address_has_so_many_requests),
          TEST(an_address_behind_a_proxy_is_counted_by_itself),
          TEST(an_identity_has_so_many_requests), TEST_EACH(a_streamed_body_arrives_whole, streams),
          TEST(a_streamed_body_has_its_limit), TEST(a_streaming_handler_may_answer_early),
          TEST(a_streaming_handler_learns_that_the_caller_left))
