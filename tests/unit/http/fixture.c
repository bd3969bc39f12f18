#include "fixture.h"

#include "base/op.h"
#include "base/slice.h"

#include "test_main.h"
#include "test_op.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static void answer_json(struct chy_http_answer *answer, struct chy_slice body)
{
    answer->media_type = chy_text("application/json");
    answer->body = body;
}

static chy_status hello(void *self, struct chy_op *op, const struct chy_route *route,
                        const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    struct fixture *f = self;
    (void)op;
    (void)route;
    (void)request;
    atomic_fetch_add(&f->state.ran, 1);
    answer_json(out_answer, chy_text("{\"hello\":true}"));
    return CHY_OK;
}

static bool hello_quick(void *self, struct chy_op *op, const struct chy_route *route,
                        const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    return chy_slice_is(request->query_text, "cached") &&
           hello(self, op, route, request, out_answer) == CHY_OK;
}

static chy_status echo(void *self, struct chy_op *op, const struct chy_route *route,
                       const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    struct fixture *f = self;
    (void)op;
    (void)route;
    atomic_fetch_add(&f->state.ran, 1);
    out_answer->media_type = request->media_type;
    out_answer->body = request->body;
    return CHY_OK;
}

static void nap(void)
{
    struct timespec ms = {0, 1000000};
    (void)nanosleep(&ms, NULL);
}

static chy_status wait_open(void *self, struct chy_op *op, const struct chy_route *route,
                            const struct chy_http_request *request,
                            struct chy_http_answer *out_answer)
{
    struct fixture *f = self;
    atomic_fetch_add(&f->state.waiting, 1);
    bool counted = false;
    while (!atomic_load(&f->state.open)) {
        if (chy_cancelled(op) != 0 && !counted) {
            counted = true;
            atomic_fetch_add(&f->state.cancelled, 1);
        }
        nap();
    }
    return hello(self, op, route, request, out_answer);
}

static chy_status fail_as(void *self, struct chy_op *op, const struct chy_route *route,
                          const struct chy_http_request *request,
                          struct chy_http_answer *out_answer)
{
    const struct chy_pair *status = chy_view_at(request->parameters, 0);
    uint64_t number = 0;
    (void)self;
    (void)route;
    ck_assert_ptr_nonnull(status);
    if (!chy_slice_parse_u64(status->value, 99, &number)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "no number");
    }
    if (number == 42) {
        out_answer->status = 1000;
        return CHY_OK;
    }
    if (number == 43) {
        // An older failure was dealt with; this one has no record of its own.
        (void)chy_fail(op, CHY_NOT_FOUND, 0, "an older story");
        return CHY_CONFLICT;
    }
    return chy_fail(op, (chy_status)number, 0, "the inner reason");
}

static chy_status secret(void *self, struct chy_op *op, const struct chy_route *route,
                         const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    static const struct chy_pair headers[] = {
        {CHY_TEXT_INIT("Cache-Control"), CHY_TEXT_INIT("public, max-age=60")},
        {CHY_TEXT_INIT("Content-Length"), CHY_TEXT_INIT("1")},
        {CHY_TEXT_INIT("X-Bad"), CHY_TEXT_INIT("a\r\nb")},
        {CHY_TEXT_INIT("X-Good"), CHY_TEXT_INIT("good")}};
    struct chy_view view = CHY_VIEW_INIT(headers);
    (void)self;
    (void)route;
    out_answer->headers = view;
    if (chy_slice_is(request->query_text, "open")) {
        answer_json(out_answer, chy_text("{}"));
        return CHY_OK;
    }
    uint8_t *key = chy_secret_alloc(op, 6);
    memcpy(key, "secret", 6);
    out_answer->flags = CHY_HTTP_SECRET;
    answer_json(out_answer, chy_slice_of(key, 6));
    return CHY_OK;
}

static void add_pairs(struct chy_buf *buf, struct chy_view pairs)
{
    for (uint64_t i = 0; i < pairs.count; i++) {
        const struct chy_pair *pair = chy_view_at(pairs, i);
        ck_assert_ptr_nonnull(pair);
        chy_buf_add(buf, pair->name);
        chy_buf_add_text(buf, "=");
        chy_buf_add(buf, pair->value);
        chy_buf_add_text(buf, "\n");
    }
}

/** Answers with what the request looked like, a line each. */
static chy_status describe(void *self, struct chy_op *op, const struct chy_route *route,
                           const struct chy_http_request *request,
                           struct chy_http_answer *out_answer)
{
    struct chy_buf buf;
    (void)self;
    (void)route;
    chy_buf_init(&buf, op, 1 << 16);
    chy_buf_add_format(&buf, "listener=%u\n", request->listener);
    const struct {
        const char *name;
        struct chy_slice value;
    } lines[] = {
        {"method=", request->method},
        {"path=", request->path},
        {"query=", request->query_text},
        {"peer=", request->peer},
        {"base=", request->base_url},
        {"type=", request->media_type},
        {"certificate=", request->peer_certificate.len != 0 ? chy_text("yes") : chy_text("no")},
    };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        chy_buf_add_text(&buf, lines[i].name);
        chy_buf_add(&buf, lines[i].value);
        chy_buf_add_text(&buf, "\n");
    }
    add_pairs(&buf, request->parameters);
    add_pairs(&buf, request->query);
    add_pairs(&buf, request->headers);
    out_answer->media_type = chy_text("text/plain");
    out_answer->body = chy_buf_slice(&buf);
    return chy_buf_ok(&buf) ? CHY_OK : chy_buf_fail(&buf, op, "the answer");
}

static chy_status swallow(void *self, struct chy_op *op, const struct chy_route *route,
                          const struct chy_http_request *request,
                          struct chy_http_answer *out_answer)
{
    struct fixture *f = self;
    static const uint64_t most = 1000;
    uint8_t piece[1000];
    struct chy_buffer into = {piece, most};
    uint64_t len = 1;
    (void)route;
    if (chy_slice_is(request->query_text, "early")) {
        return hello(self, op, route, request, out_answer);
    }
    while (len != 0) {
        chy_status status = request->stream->read(request->stream->state, op, into, &len);
        atomic_store(&f->state.stream_status, status);
        CHY_TRY(status);
        unsigned start = atomic_load(&f->state.stream_bytes);
        bool fits = true;
        for (uint64_t i = 0; i < len; i++) {
            fits = fits && piece[i] == (uint8_t)((start + i) % 251);
        }
        ck_assert_msg(fits, "bytes from %u on are not what was sent", start);
        atomic_fetch_add(&f->state.stream_bytes, (unsigned)len);
    }
    return hello(self, op, route, request, out_answer);
}

static chy_status render_plain(void *self, struct chy_op *op, const struct chy_route *route,
                               const struct chy_error *error, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)op;
    (void)error;
    out_answer->media_type = chy_text("text/x-protocol");
    out_answer->body = route->operation;
    return CHY_OK;
}

static chy_status authenticate(void *context, struct chy_op *op, const struct chy_route *route,
                               struct chy_slice token, const struct chy_http_request *request)
{
    (void)context;
    (void)request;
    if (route->auth == CHY_AUTH_MTLS || chy_slice_is(token, "good") ||
        chy_slice_is(token, "weak")) {
        chy_operation_of(op)->principal = chy_slice_is(token, "weak") ? NULL : context;
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_DENIED, CHY_REASON_TOKEN, "the token is not known");
}

/** Two callers: whose principal is set is "good". */
static bool caller(void *context, struct chy_op *op, uint8_t out_id[16])
{
    (void)context;
    memset(out_id, chy_operation_of(op)->principal != NULL ? 1 : 2, 16);
    return true;
}

static chy_status authorise(void *context, struct chy_op *op, struct chy_slice subject,
                            struct chy_slice action)
{
    (void)context;
    ck_assert(chy_slice_is(subject, "things") && chy_slice_is(action, "read"));
    return chy_operation_of(op)->principal != NULL
               ? CHY_OK
               : chy_fail_reason(op, CHY_DENIED, CHY_REASON_PERMISSION, "things: read");
}

static chy_status prepare_schema(void *context, struct chy_op *op, struct chy_slice schema,
                                 void **out_schema)
{
    (void)op;
    (void)context;
    memcpy(out_schema, &schema.ptr, sizeof *out_schema);
    return CHY_OK;
}

static chy_status check_body(void *context, struct chy_op *op, const struct chy_route *route,
                             const void *schema, struct chy_slice body)
{
    (void)context;
    ck_assert_ptr_eq(schema, route->request_schema.ptr);
    if (body.ptr[0] != '{') {
        return chy_fail(op, CHY_BAD_INPUT, 0, "not JSON");
    }
    if (chy_slice_contains(body, chy_text("bad"))) {
        struct chy_issue issue = {chy_text("invalid_type"), chy_text("/bad"), chy_text("no")};
        op->host->issue(op, &issue);
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "bad");
    }
    return CHY_OK;
}

static chy_status ready(void *context, struct chy_op *op)
{
    struct fixture *f = context;
    atomic_fetch_add(&f->state.ready_asked, 1);
    return atomic_load(&f->state.is_ready) ? CHY_OK : chy_fail(op, CHY_TRY_LATER, 0, "no storage");
}

static const struct chy_slice form_types[] = {CHY_TEXT_INIT("application/json"),
                                              CHY_TEXT_INIT("application/x-www-form-urlencoded")};

#define ROUTE(method_, pattern_, operation_, handle_)                     \
    .method = CHY_TEXT_INIT(method_), .pattern = CHY_TEXT_INIT(pattern_), \
    .operation = CHY_TEXT_INIT(operation_), .handle = (handle_)

static const struct chy_route routes[] = {
    {ROUTE("GET", "/hello", "hello", hello)},
    {ROUTE("POST", "/hello", "postHello", hello)},
    {ROUTE("POST", "/echo", "echo", echo), .body_limit = 1000},
    {ROUTE("POST", "/huge", "huge", echo), .body_limit = UINT64_MAX},
    {ROUTE("POST", "/secret-echo", "secretEcho", echo), .body_limit = 1000,
     .flags = CHY_ROUTE_SECRET},
    {ROUTE("POST", "/json", "json", echo), .body_limit = 1000,
     .request_schema = CHY_TEXT_INIT("{}")},
    {ROUTE("POST", "/maybe-json", "maybeJson", echo), .body_limit = 1000,
     .request_schema = CHY_TEXT_INIT("{}"), .flags = CHY_ROUTE_EMPTY_BODY},
    {ROUTE("POST", "/form", "form", echo), .body_limit = 1000,
     .media_types = CHY_VIEW_INIT(form_types)},
    {ROUTE("GET", "/wait", "wait", wait_open)},
    {ROUTE("POST", "/wait", "postWait", wait_open), .body_limit = 1000},
    {ROUTE("GET", "/fail/{status}", "fail", fail_as)},
    {ROUTE("GET", "/secret", "secret", secret)},
    {ROUTE("GET", "/describe/{name}", "describe", describe)},
    {ROUTE("GET", "/public/{name}", "public", describe), .flags = CHY_ROUTE_PUBLIC},
    {ROUTE("GET", "/who", "who", describe), .auth = CHY_AUTH_BEARER,
     .subject = CHY_TEXT_INIT("things"), .action = CHY_TEXT_INIT("read")},
    {ROUTE("GET", "/method", "method", describe), .auth = CHY_AUTH_METHOD},
    {ROUTE("GET", "/mtls", "mtls", describe), .auth = CHY_AUTH_MTLS},
    {ROUTE("POST", "/stream", "stream", swallow), .body_limit = 300000,
     .flags = CHY_ROUTE_STREAMING},
};

static const struct chy_route protocol_routes[] = {
    {ROUTE("POST", "/protocol/{status}", "protocol", fail_as), .body_limit = 10},
    {ROUTE("GET", "/protocol/{status}", "protocolGet", fail_as)},
};

static const struct chy_route quick_routes[] = {
    {ROUTE("GET", "/quick", "quick", wait_open)},
};

void fixture_init(struct fixture *f)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    f->metrics = chy_metrics_new();
    ck_assert_ptr_nonnull(f->metrics);
    for (uint32_t i = 0; i < 3; i++) {
        f->listeners[i].kind = i;
        f->listeners[i].threads = i == 0 ? 2 : 1;
        f->listeners[i].listen = chy_text("127.0.0.1:0");
    }
    f->config.host = f->op->host;
    f->config.metrics = f->metrics;
    f->config.listeners = f->listeners;
    f->config.listener_count = 3;
    f->config.hooks.context = f;
    f->config.hooks.authenticate = authenticate;
    f->config.hooks.caller = caller;
    f->config.hooks.authorise = authorise;
    f->config.hooks.prepare_schema = prepare_schema;
    f->config.hooks.check_body = check_body;
    f->config.hooks.ready = ready;
    f->state.is_ready = true;
}

static void add(struct fixture *f, struct chy_http_mount mount, const char *owner)
{
    mount.self = f;
    mount.owner = chy_text(owner);
    ck_assert_msg(chy_http_server_add(f->server, f->op, &mount) == CHY_OK, "%s",
                  test_op_message(f->op));
}

void fixture_start(struct fixture *f)
{
    struct chy_http_mount plain = {.routes = CHY_VIEW_INIT(routes)};
    struct chy_http_mount protocol = {.routes = CHY_VIEW_INIT(protocol_routes),
                                      .render_error = render_plain};
    struct chy_http_mount quick = {.routes = CHY_VIEW_INIT(quick_routes), .quick = hello_quick};
    ck_assert_msg(chy_http_server_new(f->op, &f->config, &f->server) == CHY_OK, "%s",
                  test_op_message(f->op));
    add(f, plain, "test");
    add(f, protocol, "protocol");
    add(f, quick, "quick");
    ck_assert_msg(chy_http_server_start(f->server, f->op) == CHY_OK, "%s", test_op_message(f->op));
    f->port = chy_http_server_port(f->server, CHY_LISTENER_API);
    f->public_port = chy_http_server_port(f->server, CHY_LISTENER_PUBLIC);
    f->metrics_port = chy_http_server_port(f->server, CHY_HTTP_LISTENER_METRICS);
}

void fixture_stop(struct fixture *f)
{
    int64_t deadline = chy_clock_monotonic(chy_clock_real()) + 5000000;
    atomic_store(&f->state.open, true);
    ck_assert_msg(chy_http_server_stop(f->server, f->op, deadline) == CHY_OK, "%s",
                  test_op_message(f->op));
    ck_assert(chy_http_server_idle(f->server));
    chy_http_server_free(f->server);
    chy_metrics_free(f->metrics);
    test_op_free(f->op);
}

void fixture_wait_until(const atomic_uint *counter, unsigned value)
{
    for (int i = 0; i < 5000 && atomic_load(counter) < value; i++) {
        nap();
    }
    ck_assert_uint_ge(atomic_load(counter), value);
}

double fixture_metric(struct fixture *f, const char *name)
{
    struct chy_buf text;
    chy_buf_init(&text, f->op, 1 << 20);
    chy_metrics_write(f->metrics, &text);
    chy_buf_add_u8(&text, 0);
    ck_assert(chy_buf_ok(&text));
    for (const char *line = (const char *)text.ptr; line != NULL; line = strchr(line, '\n')) {
        line += *line == '\n' ? 1 : 0;
        if (strncmp(line, name, strlen(name)) == 0) {
            return strtod(line + strlen(name), NULL);
        }
    }
    return -1;
}

int client_try_connect(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval patience = {5, 0};
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    if (connect(fd, (const struct sockaddr *)&to, sizeof to) == 0) {
        return fd;
    }
    ck_assert_msg(errno == ECONNREFUSED, "errno %d", errno);
    (void)close(fd);
    return -1;
}

int client_connect(uint16_t port)
{
    int fd = client_try_connect(port);
    ck_assert_msg(fd >= 0, "nobody listens");
    return fd;
}

bool client_send(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t sent = send(fd, text, len, MSG_NOSIGNAL);
        if (sent <= 0) {
            return false;
        }
        text += sent;
        len -= (size_t)sent;
    }
    return true;
}

void client_say(int fd, const char *text)
{
    ck_assert(client_send(fd, text, strlen(text)));
}

/** Reads one byte after the other up to the empty line: what follows belongs to the next answer.
 *  */
static bool read_head(int fd, struct reply *reply)
{
    size_t len = 0;
    while (len < sizeof reply->head - 1) {
        if (recv(fd, reply->head + len, 1, 0) != 1) {
            ck_assert_msg(len == 0, "half an answer: %.*s", (int)len, reply->head);
            return false;
        }
        reply->head[++len] = '\0';
        if (len >= 4 && strcmp(reply->head + len - 4, "\r\n\r\n") == 0) {
            return true;
        }
    }
    ck_abort_msg("an answer without end");
}

void client_read(int fd, bool is_head, struct reply *out_reply)
{
    memset(out_reply, 0, sizeof *out_reply);
    do {
        if (!read_head(fd, out_reply)) {
            return;
        }
        ck_assert_msg(strncmp(out_reply->head, "HTTP/1.", 7) == 0, "%s", out_reply->head);
        uint64_t status;
        ck_assert(chy_slice_parse_u64(chy_slice_of(out_reply->head + 9, 3), 999, &status));
        out_reply->status = (int)status;
    } while (out_reply->status == 100);
    const char *length = reply_header(out_reply, "Content-Length");
    ck_assert_ptr_nonnull(length);
    uint64_t want;
    ck_assert(chy_slice_parse_u64(chy_text(length), sizeof out_reply->buffer - 1, &want));
    want = is_head ? 0 : want;
    out_reply->body = out_reply->buffer;
    while (out_reply->body_len < want) {
        ssize_t got =
            recv(fd, out_reply->body + out_reply->body_len, want - out_reply->body_len, 0);
        ck_assert_int_gt(got, 0);
        out_reply->body_len += (size_t)got;
    }
}

bool client_is_closed(int fd, int ms)
{
    struct pollfd wait = {fd, POLLIN, 0};
    char byte;
    return poll(&wait, 1, ms) == 1 && recv(fd, &byte, 1, 0) <= 0;
}

void client_get(uint16_t port, const char *request, struct reply *out_reply)
{
    int fd = client_connect(port);
    client_say(fd, request);
    client_read(fd, strncmp(request, "HEAD", 4) == 0, out_reply);
    (void)close(fd);
}

const char *reply_header(const struct reply *reply, const char *name)
{
    static _Thread_local char value[1024];
    size_t len = strlen(name);
    for (const char *line = strchr(reply->head, '\n'); line != NULL; line = strchr(line, '\n')) {
        line++;
        if (strncasecmp(line, name, len) == 0 && line[len] == ':') {
            line += len + 1;
            line += strspn(line, " ");
            size_t value_len = strcspn(line, "\r\n");
            ck_assert_uint_lt(value_len, sizeof value);
            memcpy(value, line, value_len);
            value[value_len] = '\0';
            return value;
        }
    }
    return NULL;
}

bool reply_is_error(const struct reply *reply, int status, const char *name)
{
    char want[128];
    if (reply->status != status || reply->body == NULL) {
        return false;
    }
    (void)snprintf(want, sizeof want, "\"statusCode\":%d,", status);
    bool ok = strstr(reply->body, want) != NULL;
    (void)snprintf(want, sizeof want, "\"error\":\"%s\"", name);
    ok = ok && strstr(reply->body, want) != NULL &&
         strncmp(reply->body, "{\"reqId\":\"req-", 14) == 0;
    const char *type = reply_header(reply, "Content-Type");
    return ok && type != NULL && strcmp(type, "application/json") == 0;
}
