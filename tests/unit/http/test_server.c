/** What a request gets: routes, bodies, answers, authentication, health. */
#include "fixture.h"

#include "test_main.h"
#include "test_op.h"

#include <unistd.h>

#define HOST "Host: test\r\n"
#define END HOST "\r\n"

static const struct {
    const char *name;
    const char *request;
    int status;
    const char *error; // NULL: no envelope
    const char *body;  // NULL: whatever
} exchanges[] = {
    {"a route", "GET /hello HTTP/1.1\r\n" END, 200, NULL, "{\"hello\":true}"},
    {"HTTP/1.0", "GET /hello HTTP/1.0\r\n\r\n", 200, NULL, "{\"hello\":true}"},
    {"an absolute target", "GET http://test/hello HTTP/1.1\r\n" END, 200, NULL, NULL},
    {"an absolute target of another host", "GET http://other/hello HTTP/1.1\r\n" END, 400,
     "BadRequest", NULL},
    {"HEAD for GET", "HEAD /hello HTTP/1.1\r\n" END, 200, NULL, ""},
    {"no route", "GET /nothing HTTP/1.1\r\n" END, 404, "NotFound", NULL},
    {"HEAD of no route", "HEAD /nothing HTTP/1.1\r\n" END, 404, NULL, ""},
    {"another method", "DELETE /hello HTTP/1.1\r\n" END, 405, "MethodNotAllowed", NULL},
    {"OPTIONS", "OPTIONS /hello HTTP/1.1\r\n" END, 405, "MethodNotAllowed", NULL},
    {"a method nobody has", "BREW /hello HTTP/1.1\r\n" END, 405, "MethodNotAllowed", NULL},
    {"a double slash", "GET //hello HTTP/1.1\r\n" END, 400, "BadRequest", NULL},
    {"a dot segment", "GET /a/../hello HTTP/1.1\r\n" END, 400, "BadRequest", NULL},
    {"an encoded NUL", "GET /hello%00 HTTP/1.1\r\n" END, 400, "BadRequest", NULL},
    {"a bad query", "GET /hello?a=%zz HTTP/1.1\r\n" END, 400, "BadRequest", NULL},
    {"a body", "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "{}", 200, NULL, "{}"},
    {"a chunked body",
     "POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" END
     "1\r\n{\r\n1;x=y\r\n}\r\n0\r\nX-T: 1\r\n\r\n",
     200, NULL, "{}"},
    {"a body after 100 Continue",
     "POST /echo HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" END "{}", 200, NULL,
     "{}"},
    {"no body", "POST /echo HTTP/1.1\r\n" END, 200, NULL, ""},
    {"a secret body", "POST /secret-echo HTTP/1.1\r\nContent-Length: 6\r\n" END "secret", 200, NULL,
     "secret"},
    {"a body where none is taken", "POST /hello HTTP/1.1\r\nContent-Length: 2\r\n" END "{}", 413,
     "PayloadTooLarge", NULL},
    {"JSON by name",
     "POST /echo HTTP/1.1\r\nContent-Type: Application/JSON; charset=utf-8\r\nContent-Length: "
     "2\r\n" END "{}",
     200, NULL, "{}"},
    {"a type that is not taken",
     "POST /echo HTTP/1.1\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n" END "{}", 415,
     "UnsupportedMediaType", NULL},
    {"an empty type", "POST /echo HTTP/1.1\r\nContent-Type:\r\nContent-Length: 2\r\n" END "{}", 415,
     "UnsupportedMediaType", NULL},
    {"a form where forms are taken",
     "POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: "
     "3\r\n" END "a=b",
     200, NULL, "a=b"},
    {"gzip", "POST /echo HTTP/1.1\r\nContent-Encoding: gzip\r\nContent-Length: 2\r\n" END "{}", 415,
     "UnsupportedMediaType", NULL},
    {"a checked body", "POST /json HTTP/1.1\r\nContent-Length: 2\r\n" END "{}", 200, NULL, "{}"},
    {"malformed JSON", "POST /json HTTP/1.1\r\nContent-Length: 2\r\n" END "}{", 400, "BadRequest",
     NULL},
    {"JSON of the wrong shape", "POST /json HTTP/1.1\r\nContent-Length: 9\r\n" END "{\"bad\":1}",
     422, "ValidationFailure", NULL},
    {"a missing body", "POST /json HTTP/1.1\r\n" END, 400, "BadRequest", NULL},
    {"a body that may be missing", "POST /maybe-json HTTP/1.1\r\n" END, 200, NULL, ""},
    {"a failure", "GET /fail/1 HTTP/1.1\r\n" END, 404, "NotFound", NULL},
    {"a bug", "GET /fail/9 HTTP/1.1\r\n" END, 500, "InternalServerError", NULL},
    {"an unknown status", "GET /fail/77 HTTP/1.1\r\n" END, 500, "InternalServerError", NULL},
    {"an answer that cannot be sent", "GET /fail/42 HTTP/1.1\r\n" END, 500, "InternalServerError",
     NULL},
    {"no memory", "GET /fail/8 HTTP/1.1\r\n" END, 503, "ServiceUnavailable", NULL},
    {"the protocol's own form", "GET /protocol/1 HTTP/1.1\r\n" END, 404, NULL, "protocolGet"},
    {"the protocol's own form for a large body",
     "POST /protocol/1 HTTP/1.1\r\nContent-Length: 11\r\n" END "01234567890", 413, NULL,
     "protocol"},
    {"no token", "GET /who HTTP/1.1\r\n" END, 401, "UnauthorizedError", NULL},
    {"another scheme", "GET /who HTTP/1.1\r\nAuthorization: Basic Z29vZA==\r\n" END, 401,
     "UnauthorizedError", NULL},
    {"a token with a blank", "GET /who HTTP/1.1\r\nAuthorization: Bearer a b\r\n" END, 401,
     "UnauthorizedError", NULL},
    {"an empty token", "GET /who HTTP/1.1\r\nAuthorization: Bearer \r\n" END, 401,
     "UnauthorizedError", NULL},
    {"an unknown token", "GET /who HTTP/1.1\r\nAuthorization: Bearer wrong\r\n" END, 403,
     "TokenError", NULL},
    {"a token without the right", "GET /who HTTP/1.1\r\nAuthorization: Bearer weak\r\n" END, 403,
     "PermissionDenied", NULL},
    {"a good token", "GET /who HTTP/1.1\r\nAuthorization: bearer good\r\n" END, 200, NULL, NULL},
    {"no client certificate", "GET /mtls HTTP/1.1\r\n" END, 401, "UnauthorizedError", NULL},
    {"a quick answer", "GET /quick?cached HTTP/1.1\r\n" END, 200, NULL, "{\"hello\":true}"},
    {"health", "GET /healthz HTTP/1.1\r\n" END, 200, NULL, "{\"status\":\"ok\"}"},
    {"ready", "GET /readyz HTTP/1.1\r\n" END, 200, NULL, "{\"status\":\"ready\"}"},
    {"no metrics on the API", "GET /metrics HTTP/1.1\r\n" END, 404, "NotFound", NULL},
};

START_TEST(answers)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, exchanges[_i].request, &reply);
    ck_assert_msg(reply.status == exchanges[_i].status, "%s: %d %s", exchanges[_i].name,
                  reply.status, reply.body);
    ck_assert_msg(exchanges[_i].error == NULL ||
                      reply_is_error(&reply, reply.status, exchanges[_i].error),
                  "%s: %s", exchanges[_i].name, reply.body);
    ck_assert_msg(exchanges[_i].body == NULL || strcmp(reply.body, exchanges[_i].body) == 0,
                  "%s: %s", exchanges[_i].name, reply.body);
    ck_assert_str_eq(reply_header(&reply, "X-Content-Type-Options"), "nosniff");
    ck_assert_str_eq(reply_header(&reply, "Cache-Control"), "no-store");
    ck_assert_int_eq(strncmp(reply_header(&reply, "X-Request-Id"), "req-", 4), 0);
    ck_assert_ptr_nonnull(reply_header(&reply, "Date"));
    fixture_stop(&f);
}
END_TEST

START_TEST(says_what_the_path_takes)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "PUT /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_str_eq(reply_header(&reply, "Allow"), "GET, HEAD, POST");
    client_get(f.port, "GET /who HTTP/1.1\r\n" END, &reply);
    ck_assert_str_eq(reply_header(&reply, "WWW-Authenticate"), "Bearer");
    client_get(f.port, "GET /fail/6 HTTP/1.1\r\n" END, &reply);
    ck_assert_str_eq(reply_header(&reply, "Retry-After"), "1");
    fixture_stop(&f);
}
END_TEST

START_TEST(an_older_failure_is_not_the_answer)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "GET /fail/43 HTTP/1.1\r\n" END, &reply);
    ck_assert(reply_is_error(&reply, 400, "BadRequest"));
    ck_assert_ptr_null(strstr(reply.body, "older"));
    fixture_stop(&f);
}
END_TEST

START_TEST(handlers_see_the_whole_request)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port,
               "GET /describe/a%20b?x=1&y=%2B HTTP/1.1\r\nX-Thing:  some Thing\r\nX-Request-Id: "
               "mine\r\n" END,
               &reply);
    ck_assert_str_eq(reply.body, "listener=0\nmethod=GET\npath=/describe/a b\nquery=x=1&y=%2B\n"
                                 "peer=127.0.0.1\nbase=http://test\ntype=\ncertificate=no\n"
                                 "name=a b\nx=1\ny=+\n"
                                 "x-thing=some Thing\nx-request-id=mine\nhost=test\n");
    ck_assert_str_ne(reply_header(&reply, "X-Request-Id"), "mine");
    fixture_stop(&f);
}
END_TEST

START_TEST(the_token_of_a_bearer_route_is_for_core_only)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "GET /who HTTP/1.1\r\nAuthorization: Bearer good\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_null(strstr(reply.body, "authorization"));
    client_get(f.port, "GET /method HTTP/1.1\r\nAuthorization: Basic Zm9v\r\n" END, &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "authorization=Basic Zm9v\n"));
    fixture_stop(&f);
}
END_TEST

#define FORWARDED                                                \
    "X-Forwarded-For: 192.0.2.7\r\nX-Forwarded-Proto: https\r\n" \
    "X-Forwarded-Host: pki.acme.com\r\nClient-Cert: :AQID:\r\nX-Real-IP: 6.6.6.6\r\n"

START_TEST(forwarded_headers_of_strangers_are_stripped)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "GET /describe/x HTTP/1.1\r\n" FORWARDED END, &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "peer=127.0.0.1\nbase=http://test\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "certificate=no\n"));
    ck_assert_ptr_null(strstr(reply.body, "forwarded"));
    ck_assert_ptr_null(strstr(reply.body, "real-ip"));
    client_get(f.port, "GET /mtls HTTP/1.1\r\n" FORWARDED END, &reply);
    ck_assert_int_eq(reply.status, 401);
    fixture_stop(&f);
}
END_TEST

START_TEST(forwarded_headers_of_trusted_proxies_count)
{
    struct fixture f;
    static struct reply reply;
    static const struct chy_slice proxies[] = {CHY_TEXT_INIT("127.0.0.0/8")};
    fixture_init(&f);
    f.config.trusted_proxies = proxies;
    f.config.trusted_proxy_count = 1;
    fixture_start(&f);
    client_get(f.port, "GET /describe/x HTTP/1.1\r\n" FORWARDED END, &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "peer=192.0.2.7\nbase=https://pki.acme.com\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "certificate=yes\n"));
    client_get(f.port, "GET /mtls HTTP/1.1\r\n" FORWARDED END, &reply);
    ck_assert_int_eq(reply.status, 200);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_configured_base_url_is_used)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.base_url = chy_text("https://pki.acme.com/");
    fixture_start(&f);
    client_get(f.port, "GET /describe/x HTTP/1.1\r\n" END, &reply);
    ck_assert_ptr_nonnull(strstr(reply.body, "base=https://pki.acme.com\n"));
    fixture_stop(&f);
}
END_TEST

START_TEST(secrets_are_never_stored)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "GET /secret HTTP/1.1\r\n" END, &reply);
    ck_assert_str_eq(reply.body, "secret");
    ck_assert_str_eq(reply_header(&reply, "Cache-Control"), "no-store");
    ck_assert_str_eq(reply_header(&reply, "X-Good"), "good");
    ck_assert_ptr_null(reply_header(&reply, "X-Bad"));
    client_get(f.port, "GET /secret?open HTTP/1.1\r\n" END, &reply);
    ck_assert_str_eq(reply_header(&reply, "Cache-Control"), "public, max-age=60");
    fixture_stop(&f);
}
END_TEST

START_TEST(the_public_listener_has_public_routes_only)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.public_port, "GET /public/x HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_ptr_nonnull(strstr(reply.body, "listener=1\n"));
    client_get(f.port, "GET /public/x HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    static const char *const others[] = {"/hello", "/who", "/healthz", "/readyz", "/metrics"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        char request[128];
        (void)snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n" END, others[i]);
        client_get(f.public_port, request, &reply);
        ck_assert_msg(reply_is_error(&reply, 404, "NotFound"), "%s", others[i]);
    }
    fixture_stop(&f);
}
END_TEST

START_TEST(metrics_count_requests)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    client_get(f.port, "GET /fail/1 HTTP/1.1\r\n" END, &reply);
    client_get(f.port, "GET /nothing HTTP/1.1\r\n" END, &reply);
    client_get(f.metrics_port, "GET /metrics HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(reply_header(&reply, "Content-Type"),
                     "text/plain; version=0.0.4; charset=utf-8");
    ck_assert_ptr_nonnull(strstr(
        reply.body,
        "chancery_http_requests_total{owner=\"test\",operation=\"hello\",class=\"2xx\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(
        reply.body,
        "chancery_http_requests_total{owner=\"test\",operation=\"fail\",class=\"4xx\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(
        reply.body,
        "chancery_http_requests_total{owner=\"core\",operation=\"none\",class=\"4xx\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "chancery_http_request_duration_seconds_count{owner="
                                             "\"test\",operation=\"hello\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(reply.body, "\nchancery_http_in_flight "));
    client_get(f.metrics_port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 404);
    fixture_stop(&f);
}
END_TEST

START_TEST(metrics_may_be_on_the_api)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.metrics_on_api = true;
    fixture_start(&f);
    client_get(f.port, "GET /metrics HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    fixture_stop(&f);
}
END_TEST

START_TEST(readiness_is_asked_once_a_second)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.state.is_ready = false;
    fixture_start(&f);
    client_get(f.port, "GET /readyz HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 503);
    atomic_store(&f.state.is_ready, true);
    for (int i = 0; i < 20; i++) {
        client_get(f.metrics_port, "GET /readyz HTTP/1.1\r\n" END, &reply);
    }
    ck_assert_uint_le(atomic_load(&f.state.ready_asked), 2);
    (void)usleep(1100000);
    client_get(f.port, "GET /readyz HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_uint_ge(atomic_load(&f.state.ready_asked), 2);
    fixture_stop(&f);
}
END_TEST

START_TEST(health_answers_while_all_workers_are_taken)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    f.config.limits.worker_threads = 1;
    f.config.limits.worker_queue = 1;
    fixture_start(&f);
    int busy = client_connect(f.port);
    client_say(busy, "GET /wait HTTP/1.1\r\n" END);
    fixture_wait_until(&f.state.waiting, 1);
    int queued = client_connect(f.port);
    client_say(queued, "GET /wait HTTP/1.1\r\n" END);
    struct chy_http_stats stats = {0};
    for (int i = 0; i < 2000 && stats.working != 2; i++) {
        (void)usleep(1000);
        chy_http_server_stats(f.server, &stats);
    }
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert(reply_is_error(&reply, 503, "ServiceUnavailable"));
    ck_assert_str_eq(reply_header(&reply, "Retry-After"), "1");
    ck_assert(fixture_metric(&f, "chancery_http_refused_total{reason=\"overload\"} ") == 1);
    client_get(f.port, "GET /healthz HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    client_get(f.port, "GET /quick?cached HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    atomic_store(&f.state.open, true);
    client_read(busy, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    client_read(queued, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    (void)close(busy);
    (void)close(queued);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_connection_serves_many_requests)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    int fd = client_connect(f.port);
    for (int i = 0; i < 50; i++) {
        client_say(fd, i % 2 == 0 ? "GET /hello HTTP/1.1\r\n" END
                                  : "POST /echo HTTP/1.1\r\nContent-Length: 2\r\n" END "{}");
        client_read(fd, false, &reply);
        ck_assert_msg(reply.status == 200, "request %d: %d", i, reply.status);
        ck_assert_str_eq(reply.body, i % 2 == 0 ? "{\"hello\":true}" : "{}");
    }
    // A refused body is read to its end, so the connection goes on.
    client_say(fd, "POST /hello HTTP/1.1\r\nContent-Length: 2\r\n" END "{}");
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 413);
    client_say(fd, "GET /hello HTTP/1.1\r\n" END);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    client_say(fd, "GET /hello HTTP/1.1\r\nConnection: close\r\n" END);
    client_read(fd, false, &reply);
    ck_assert_int_eq(reply.status, 200);
    ck_assert(client_is_closed(fd, 2000));
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(pipelined_requests_are_answered_in_order)
{
    struct fixture f;
    static struct reply reply;
    char requests[4096] = "";
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 20; i++) {
        size_t len = strlen(requests);
        (void)snprintf(requests + len, sizeof requests - len,
                       i % 2 == 0 ? "GET /describe/%d HTTP/1.1\r\n" END
                                  : "POST /echo HTTP/1.1\r\nContent-Length: 6\r\n" END "\"%04d\"",
                       i);
    }
    int fd = client_connect(f.port);
    client_say(fd, requests);
    for (int i = 0; i < 20; i++) {
        char want[32];
        client_read(fd, false, &reply);
        ck_assert_int_eq(reply.status, 200);
        (void)snprintf(want, sizeof want, i % 2 == 0 ? "path=/describe/%d\n" : "\"%04d\"", i);
        ck_assert_ptr_nonnull(strstr(reply.body, want));
    }
    (void)close(fd);
    fixture_stop(&f);
}
END_TEST

START_TEST(a_caller_that_leaves_harms_nothing)
{
    struct fixture f;
    static struct reply reply;
    fixture_init(&f);
    fixture_start(&f);
    for (int i = 0; i < 20; i++) {
        int fd = client_connect(f.port);
        client_say(fd, i % 3 == 0   ? "GET /wait HTTP/1.1\r\n" END
                       : i % 3 == 1 ? "POST /echo HTTP/1.1\r\nContent-Length: 20\r\n" END "{"
                                    : "GET /he");
        (void)close(fd);
    }
    fixture_wait_until(&f.state.waiting, 7);
    client_get(f.port, "GET /hello HTTP/1.1\r\n" END, &reply);
    ck_assert_int_eq(reply.status, 200);
    fixture_stop(&f);
}
END_TEST

TEST_MAIN("http_server", TEST_EACH(answers, exchanges), TEST(says_what_the_path_takes),
          TEST(an_older_failure_is_not_the_answer), TEST(handlers_see_the_whole_request),
          TEST(the_token_of_a_bearer_route_is_for_core_only),
          TEST(forwarded_headers_of_strangers_are_stripped),
          TEST(forwarded_headers_of_trusted_proxies_count), TEST(a_configured_base_url_is_used),
          TEST(secrets_are_never_stored), TEST(the_public_listener_has_public_routes_only),
          TEST(metrics_count_requests), TEST(metrics_may_be_on_the_api),
          TEST(readiness_is_asked_once_a_second), TEST(health_answers_while_all_workers_are_taken),
          TEST(a_connection_serves_many_requests), TEST(pipelined_requests_are_answered_in_order),
          TEST(a_caller_that_leaves_harms_nothing))
