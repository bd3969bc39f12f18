/** How the server starts and stops: what is refused, what is drained, what is given up. */
#include "fixture.h"

#include "test_main.h"
#include "test_op.h"

#include <netinet/in.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define END "Host: test\r\n\r\n"

static int64_t in_ms(int64_t ms)
{
    return chy_clock_monotonic(chy_clock_real()) + ms * 1000;
}

/** Opens "/wait" after a while, beside a test that stops the server. */
static void *open_later(void *arg)
{
    struct fixture *f = arg;
    (void)usleep(300000);
    atomic_store(&f->state.open, true);
    return NULL;
}

static bool is_refused(uint16_t port)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    bool refused = connect(fd, (const struct sockaddr *)&to, sizeof to) != 0;
    (void)close(fd);
    return refused;
}

START_TEST(stopping_waits_for_what_runs)
{
    struct fixture f;
    static struct reply reply;
    pthread_t opener;
    int fds[10];
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 10; i++) {
        fds[i] = client_connect(f.port);
        client_say(fds[i], "GET /wait HTTP/1.1\r\n" END);
    }
    int idle = client_connect(f.port);
    client_say(idle, "GET /hello HTTP/1.1\r\n" END);
    client_read(idle, false, &reply);
    fixture_wait_until(&f.state.waiting, 10);
    ck_assert_int_eq(pthread_create(&opener, NULL, open_later, &f), 0);
    ck_assert_int_eq(chy_http_server_stop(f.server, f.op, in_ms(5000)), CHY_OK);
    ck_assert_int_eq(pthread_join(opener, NULL), 0);
    for (int i = 0; i < 10; i++) {
        client_read(fds[i], false, &reply);
        ck_assert_int_eq(reply.status, 200);
        ck_assert_str_eq(reply_header(&reply, "Connection"), "close");
        (void)close(fds[i]);
    }
    ck_assert(client_is_closed(idle, 1000));
    (void)close(idle);
    ck_assert(is_refused(f.port));
    fixture_stop(&f);
}
END_TEST

/** Asks during the drain, on a connection made before it. */
static void *ask_while_draining(void *arg)
{
    struct fixture *f = arg;
    static struct reply reply;
    int fd = client_connect(f->port);
    client_say(fd, "GET /readyz HTTP/1.1\r\n" END);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    struct chy_http_stats stats = {0};
    atomic_fetch_add(&f->state.waiting, 100);
    for (int i = 0; i < 5000 && !stats.draining; i++) {
        (void)usleep(1000);
        chy_http_server_stats(f->server, &stats);
    }
    bool refused = false;
    for (int i = 0; i < 5000 && !refused; i++) {
        (void)usleep(1000);
        refused = is_refused(f->port);
    }
    ck_assert(refused);
    client_say(fd, "GET /readyz HTTP/1.1\r\n" END);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 503);
    ck_assert_str_eq(reply.body, "{\"status\":\"draining\"}");
    ck_assert(client_is_closed(fd, 1000));
    (void)close(fd);
    atomic_store(&f->state.open, true);
    return NULL;
}

START_TEST(a_draining_server_is_not_ready_and_refuses_connections)
{
    struct fixture f;
    static struct reply reply;
    pthread_t asker;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    client_say(fd, "GET /wait HTTP/1.1\r\n" END);
    fixture_wait_until(&f.state.waiting, 1);
    ck_assert_int_eq(pthread_create(&asker, NULL, ask_while_draining, &f), 0);
    fixture_wait_until(&f.state.waiting, 101);
    ck_assert_int_eq(chy_http_server_stop(f.server, f.op, in_ms(5000)), CHY_OK);
    ck_assert_int_eq(pthread_join(asker, NULL), 0);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(what_does_not_end_is_given_up)
{
    struct fixture f;
    static struct reply reply;
    int fds[5];
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 5; i++) {
        fds[i] = client_connect(f.port);
        client_say(fds[i], i % 2 == 0 ? "GET /wait HTTP/1.1\r\n" END
                                      : "POST /wait HTTP/1.1\r\nContent-Length: 2\r\n" END "{}");
    }
    fixture_wait_until(&f.state.waiting, 5);
    ck_assert_int_eq(chy_http_server_stop(f.server, f.op, in_ms(100)), CHY_TRY_LATER);
    ck_assert(!chy_http_server_idle(f.server));
    for (int i = 0; i < 5; i++) {
        client_read(fds[i], false, &reply);
        ck_assert_msg(reply_is_error(&reply, 503, "ServiceUnavailable"), "%s", reply.body);
        (void)close(fds[i]);
    }
    // The handlers, still running, were told; what they answer in the end goes nowhere.
    fixture_wait_until(&f.state.cancelled, 5);
    atomic_store(&f.state.open, true);
    for (int i = 0; i < 5000 && !chy_http_server_idle(f.server); i++) {
        (void)usleep(1000);
    }
    fixture_stop(&f);
}
END_TEST

START_TEST(half_sent_requests_do_not_hold_it_up)
{
    struct fixture f;
    fixture_init(&f);
    fixture_start(&f);
    int head = client_connect(f.port);
    client_say(head, "GET /hello HTTP/1.1\r\nX-A: ");
    int body = client_connect(f.port);
    client_say(body, "POST /echo HTTP/1.1\r\nContent-Length: 10\r\n" END "{");
    int stream = client_connect(f.port);
    client_say(stream, "POST /stream HTTP/1.1\r\nContent-Length: 10\r\n" END);
    (void)usleep(100000);
    int64_t before = in_ms(0);
    ck_assert_int_ne(chy_http_server_stop(f.server, f.op, in_ms(200)), CHY_BROKEN);
    ck_assert_int_lt(in_ms(0) - before, 3000000);
    ck_assert(client_is_closed(head, 1000));
    ck_assert(client_is_closed(body, 1000));
    ck_assert(client_is_closed(stream, 1000));
    for (int i = 0; i < 5000 && !chy_http_server_idle(f.server); i++) {
        (void)usleep(1000);
    }
    (void)close(head);
    (void)close(body);
    (void)close(stream);
    fixture_stop(&f);
}
END_TEST

/** A client that keeps asking until the server is gone. */
static void *hammer(void *arg)
{
    const struct fixture *f = arg;
    static const char *const requests[] = {
        "GET /hello HTTP/1.1\r\n" END,
        "GET /quick?cached HTTP/1.1\r\n" END,
        "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "{}",
        "POST /stream HTTP/1.1\r\nContent-Length: 0\r\n" END,
    };
    struct reply *reply = malloc(sizeof *reply);
    for (int fd = client_try_connect(f->port); fd >= 0; fd = client_try_connect(f->port)) {
        for (int i = 0; i < 100; i++) {
            const char *request = requests[i % 4];
            if (!client_send(fd, request, strlen(request))) {
                break;
            }
            client_read(fd, false, reply);
            if (reply->status == 0) {
                break;
            }
            ck_assert_msg(reply->status == 200 || reply->status == 503, "%d", reply->status);
        }
        (void)close(fd);
    }
    free(reply);
    return NULL;
}

START_TEST(stopping_under_load_cuts_no_answer)
{
    struct fixture f;
    pthread_t hammers[4];
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&hammers[i], NULL, hammer, &f), 0);
    }
    (void)usleep(300000);
    ck_assert_int_eq(chy_http_server_stop(f.server, f.op, in_ms(5000)), CHY_OK);
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(hammers[i], NULL), 0);
    }
    ck_assert_uint_gt(atomic_load(&f.state.ran), 0);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_taken_port_leaves_nothing_open)
{
    struct fixture f;
    struct fixture other;
    static char text[32];
    fixture_init(&f);
    fixture_start(&f);
    fixture_init(&other);
    (void)snprintf(text, sizeof text, "127.0.0.1:%u", f.public_port);
    other.listeners[1].listen = chy_text(text);
    struct chy_http_server *server = NULL;
    ck_assert_int_eq(chy_http_server_new(other.op, &other.config, &server), CHY_OK);
    ck_assert_int_eq(chy_http_server_start(server, other.op), CHY_BROKEN);
    ck_assert_ptr_nonnull(strstr(test_op_message(other.op), "bind"));
    chy_http_server_free(server);
    chy_metrics_free(other.metrics);
    test_op_free(other.op);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_server_that_never_started_can_be_freed)
{
    struct fixture f;
    struct chy_http_server *server = NULL;
    fixture_init(&f);
    ck_assert_int_eq(chy_http_server_new(f.op, &f.config, &server), CHY_OK);
    ck_assert_int_eq(chy_http_server_stop(server, f.op, 0), CHY_OK);
    ck_assert(chy_http_server_idle(server));
    chy_http_server_free(server);
    chy_http_server_free(NULL);
    chy_metrics_free(f.metrics);
    test_op_free(f.op);
}
END_TEST

static void set_plain_api(struct fixture *f)
{
    f->listeners[0].listen = chy_text("0.0.0.0:0");
}

static void set_bad_listen(struct fixture *f)
{
    f->listeners[1].listen = chy_text("nowhere");
}

static void set_two_of_a_kind(struct fixture *f)
{
    f->listeners[1].kind = 0;
}

static void set_bad_proxy(struct fixture *f)
{
    static const struct chy_slice proxies[] = {CHY_TEXT_INIT("10.0.0.0/99")};
    f->config.trusted_proxies = proxies;
    f->config.trusted_proxy_count = 1;
}

static void set_bad_base_url(struct fixture *f)
{
    f->config.base_url = chy_text("pki.acme.com");
}

static void set_bad_limits(struct fixture *f)
{
    f->config.limits.uri_max = 1 << 20;
}

static void set_missing_certificate(struct fixture *f)
{
    static const struct chy_http_tls_config tls = {"/nonexistent/cert", "/nonexistent/key", NULL};
    f->listeners[0].tls = &tls;
}

static const struct {
    void (*set)(struct fixture *f);
    chy_status status;
    const char *message;
} bad_configs[] = {
    {set_plain_api, CHY_BAD_INPUT, "without TLS"},
    {set_bad_listen, CHY_BAD_INPUT, "'nowhere'"},
    {set_two_of_a_kind, CHY_BAD_INPUT, "one kind"},
    {set_bad_proxy, CHY_BAD_INPUT, "'10.0.0.0/99'"},
    {set_bad_base_url, CHY_BAD_INPUT, "'pki.acme.com'"},
    {set_bad_limits, CHY_BAD_INPUT, "URI"},
    {set_missing_certificate, CHY_NOT_FOUND, "/nonexistent/cert"},
};

START_TEST(bad_configurations_are_refused)
{
    struct fixture f;
    struct chy_http_server *server = NULL;
    fixture_init(&f);
    bad_configs[_i].set(&f);
    ck_assert_int_eq(chy_http_server_new(f.op, &f.config, &server), bad_configs[_i].status);
    ck_assert_msg(strstr(test_op_message(f.op), bad_configs[_i].message) != NULL, "%s",
                  test_op_message(f.op));
    ck_assert_ptr_null(server);
    chy_metrics_free(f.metrics);
    test_op_free(f.op);
}
END_TEST

static chy_status nothing(void *self, struct chy_op *op, const struct chy_route *route,
                          const struct chy_http_request *request,
                          struct chy_http_answer *out_answer)
{
    (void)self;
    (void)op;
    (void)route;
    (void)request;
    (void)out_answer;
    return CHY_OK;
}

#define ROUTE(pattern_)                                                 \
    .method = CHY_TEXT_INIT("GET"), .pattern = CHY_TEXT_INIT(pattern_), \
    .operation = CHY_TEXT_INIT("x")

static const struct {
    struct chy_route route;
    chy_status status;
    const char *message;
} bad_routes[] = {
    {{ROUTE("/healthz"), .handle = nothing}, CHY_CONFLICT, "'core'"},
    {{ROUTE("healthz"), .handle = nothing}, CHY_BAD_INPUT, "start with"},
    {{ROUTE("/a"), .handle = NULL}, CHY_BAD_INPUT, "no handler"},
    {{ROUTE("/a"), .handle = nothing, .auth = 17}, CHY_BAD_INPUT, "not known"},
    {{ROUTE("/a"), .handle = nothing, .auth = CHY_AUTH_BEARER, .flags = CHY_ROUTE_PUBLIC},
     CHY_BAD_INPUT,
     "public listener"},
    {{.method = CHY_TEXT_INIT("GET"), .pattern = CHY_TEXT_INIT("/a"), .handle = nothing},
     CHY_BAD_INPUT,
     "words"},
};

START_TEST(bad_routes_are_refused)
{
    struct fixture f;
    struct chy_http_server *server = NULL;
    fixture_init(&f);
    ck_assert_int_eq(chy_http_server_new(f.op, &f.config, &server), CHY_OK);
    struct chy_http_mount mount = {
        .routes = {&bad_routes[_i].route, 1, sizeof bad_routes[_i].route},
        .owner = chy_text("plugin"),
    };
    ck_assert_int_eq(chy_http_server_add(server, f.op, &mount), bad_routes[_i].status);
    ck_assert_msg(strstr(test_op_message(f.op), bad_routes[_i].message) != NULL &&
                      strstr(test_op_message(f.op), "'plugin'") != NULL,
                  "%s", test_op_message(f.op));
    chy_http_server_free(server);
    chy_metrics_free(f.metrics);
    test_op_free(f.op);
}
END_TEST

TEST_MAIN("http_server_stop", TEST(stopping_waits_for_what_runs),
          TEST(a_draining_server_is_not_ready_and_refuses_connections),
          TEST(what_does_not_end_is_given_up), TEST(half_sent_requests_do_not_hold_it_up),
          TEST_TIMES(stopping_under_load_cuts_no_answer, 5), TEST(a_taken_port_leaves_nothing_open),
          TEST(a_server_that_never_started_can_be_freed),
          TEST_EACH(bad_configurations_are_refused, bad_configs),
          TEST_EACH(bad_routes_are_refused, bad_routes))
