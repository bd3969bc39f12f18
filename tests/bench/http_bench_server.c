/**
 * A server with trivial routes for a load generator:
 *
 *     http_bench_server [--threads N] [--workers N] [--access-log] [--certificate FILE --key FILE]
 *
 * prints its port and runs until its standard input ends.  `GET /inline` is answered on an event
 * thread, `GET /worker` and `POST /worker` by a worker, the latter after a bearer token and a
 * body of JSON.
 */
#include "http/server.h"

#include "base/op.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdlib.h>
#include <unistd.h>

static const char answer[] = "{\"certificate\":\"x\",\"serialNumber\":\"0123456789abcdef\"}";

static chy_status handle(void *self, struct chy_op *op, const struct chy_route *route,
                         const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)op;
    (void)route;
    (void)request;
    out_answer->media_type = chy_text("application/json");
    out_answer->body = chy_text(answer);
    return CHY_OK;
}

static bool handle_quick(void *self, struct chy_op *op, const struct chy_route *route,
                         const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    return handle(self, op, route, request, out_answer) == CHY_OK;
}

static chy_status authenticate(void *context, struct chy_op *op, const struct chy_route *route,
                               struct chy_slice token, const struct chy_http_request *request)
{
    (void)context;
    (void)op;
    (void)route;
    (void)token;
    (void)request;
    return CHY_OK;
}

#define ROUTE(method_, pattern_, operation_)                              \
    .method = CHY_TEXT_INIT(method_), .pattern = CHY_TEXT_INIT(pattern_), \
    .operation = CHY_TEXT_INIT(operation_), .handle = handle

static const struct chy_route quick_routes[] = {{ROUTE("GET", "/inline", "inline")}};
static const struct chy_route worker_routes[] = {
    {ROUTE("GET", "/worker", "worker")},
    {ROUTE("POST", "/worker", "postWorker"), .auth = CHY_AUTH_BEARER, .body_limit = 65536},
};

struct settings {
    uint32_t threads;
    uint32_t workers;
    bool access_log;
    struct chy_http_tls_config tls;
};

static struct settings parse(int argc, char **argv)
{
    static const struct option options[] = {
        {"threads", required_argument, NULL, 't'}, {"workers", required_argument, NULL, 'w'},
        {"access-log", no_argument, NULL, 'a'},    {"certificate", required_argument, NULL, 'c'},
        {"key", required_argument, NULL, 'k'},     {NULL, 0, NULL, 0},
    };
    struct settings settings = {0};
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        switch (option) {
        case 't': settings.threads = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'w': settings.workers = (uint32_t)strtoul(optarg, NULL, 10); break;
        case 'a': settings.access_log = true; break;
        case 'c': settings.tls.certificate_file = optarg; break;
        case 'k': settings.tls.key_file = optarg; break;
        default: exit(2);
        }
    }
    return settings;
}

static void check(chy_status status, struct chy_op *op)
{
    if (status != CHY_OK) {
        struct chy_error error;
        op->host->last_error(op, &error);
        (void)fprintf(stderr, "http_bench_server: %.*s\n", (int)error.message.len,
                      (const char *)error.message.ptr);
        exit(1);
    }
}

int main(int argc, char **argv)
{
    struct settings settings = parse(argc, argv);
    static struct chy_host host;
    static struct chy_operation operation;
    struct chy_log log;
    struct chy_http_server *server = NULL;
    struct chy_op *op = &operation.op;
    chy_op_fill_host(&host);
    struct chy_operation_config start = {.host = &host, .name = chy_text("bench")};
    if (chy_operation_init(&operation, &start) != CHY_OK) {
        return 1;
    }
    chy_log_init(&log, open("/dev/null", O_WRONLY | O_CLOEXEC), CHY_LOG_FORMAT_JSON, CHY_LOG_INFO,
                 chy_clock_real());
    struct chy_http_listener_config listener = {
        .kind = CHY_LISTENER_API,
        .threads = settings.threads,
        .listen = chy_text("127.0.0.1:0"),
        .tls = settings.tls.certificate_file != NULL ? &settings.tls : NULL,
    };
    struct chy_http_config config = {
        .host = &host,
        .log = &log,
        .listeners = &listener,
        .listener_count = 1,
        .access_log = settings.access_log,
        .hooks = {.authenticate = authenticate},
        .limits = {.worker_threads = settings.workers, .connections_per_address = 4096},
    };
    struct chy_http_mount quick = {
        .routes = CHY_VIEW_INIT(quick_routes), .owner = chy_text("quick"), .quick = handle_quick};
    struct chy_http_mount worker = {.routes = CHY_VIEW_INIT(worker_routes),
                                    .owner = chy_text("worker")};
    check(chy_http_server_new(op, &config, &server), op);
    check(chy_http_server_add(server, op, &quick), op);
    check(chy_http_server_add(server, op, &worker), op);
    check(chy_http_server_start(server, op), op);
    (void)printf("%u\n", chy_http_server_port(server, CHY_LISTENER_API));
    (void)fflush(stdout);
    char byte;
    while (read(STDIN_FILENO, &byte, 1) > 0) {
    }
    check(chy_http_server_stop(server, op, chy_clock_monotonic(chy_clock_real()) + 5000000), op);
    chy_http_server_free(server);
    chy_operation_fini(&operation);
    return 0;
}
