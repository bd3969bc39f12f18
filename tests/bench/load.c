/**
 * A load generator:
 *
 *     load <crypto.so> --port N --path PATH [--method POST] [--token TOKEN]
 *          [--profile ID | --body JSON] [--count N] [--connections N] [--expect TEXT]
 *          [--save FILE] [--samples N] [--latencies FILE]
 *     load <crypto.so> --port N --requests FILE [--count N] …
 *
 * It sends N requests over kept-alive connections to 127.0.0.1, one at a time on each, from one
 * thread.  With --profile each is an issuance with a CSR of its own: fresh P-256 key, name,
 * alternative name, made before the clock starts; with --requests each is a line of a file:
 * method, path, body (see requests.h).  Each answer must be a 200 that holds the
 * expected text.  --save keeps the bodies of so many answers, spread over the run, one on a line.
 * --latencies keeps that of each answer, µs, one on a line.
 * The last line of output is JSON: rate, latencies in µs, the generator's own CPU time, failures.
 */
#include "requests.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define CONNECTIONS_MAX 1024
#define ANSWER_MAX ((size_t)1 << 20) // a CRL is long
#define EVENTS 64

struct connection {
    int fd;
    uint64_t number; /**< of the request under way */
    int64_t started;
    size_t len;
    char *answer; /**< ANSWER_MAX bytes, of which `len` have come */
};

struct load {
    struct bench_requests requests;
    struct connection connections[CONNECTIONS_MAX];
    uint64_t connection_count;
    uint64_t sent;
    uint64_t done;
    uint64_t failed;
    uint32_t *latencies; /**< µs, by request */
    const char *expected;
    size_t expected_len;
    FILE *save;
    uint64_t save_each;
    int epoll;
};

static int64_t now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return ((int64_t)u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1000000 + u.ru_utime.tv_usec +
           u.ru_stime.tv_usec;
}

static void give_up(const char *what)
{
    conf_say("load: %s: %s", what, strerror(errno));
    exit(1);
}

static void open_connection(struct load *load, struct connection *connection, uint16_t port)
{
    struct sockaddr_in address = {
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = connection};
    int one = 1;
    connection->answer = conf_must(malloc(ANSWER_MAX + 1));
    connection->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0 ||
        connect(connection->fd, (struct sockaddr *)&address, sizeof address) != 0 ||
        setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one) != 0 ||
        epoll_ctl(load->epoll, EPOLL_CTL_ADD, connection->fd, &event) != 0) {
        give_up("cannot connect");
    }
}

/** send_next sends one request: small, and with nothing else on its way, it goes in one piece. */
static void send_next(struct load *load, struct connection *connection)
{
    if (load->sent == load->requests.count) {
        return;
    }
    connection->number = load->sent++;
    connection->len = 0;
    struct chy_slice request = bench_requests_at(&load->requests, connection->number);
    connection->started = now_us();
    if (send(connection->fd, request.ptr, (size_t)request.len, MSG_NOSIGNAL) !=
        (ssize_t)request.len) {
        give_up("cannot send");
    }
}

/** whole_answer gives the body once all of it has come. */
static bool whole_answer(struct connection *connection, char **out_body, size_t *out_len)
{
    connection->answer[connection->len] = '\0';
    char *end = strstr(connection->answer, "\r\n\r\n");
    if (end == NULL) {
        return false;
    }
    char *length = strcasestr(connection->answer, "\r\nContent-Length:");
    if (length == NULL || length > end) {
        give_up("an answer has no Content-Length");
    }
    *out_body = end + 4;
    *out_len = strtoul(length + 17, NULL, 10);
    return connection->len >= (size_t)(*out_body - connection->answer) + *out_len;
}

static void judge(struct load *load, const struct connection *connection, const char *body,
                  size_t len)
{
    bool ok =
        strncmp(connection->answer, "HTTP/1.1 200 ", 13) == 0 &&
        (load->expected == NULL || memmem(body, len, load->expected, load->expected_len) != NULL);
    if (!ok && load->failed++ == 0) {
        conf_say("load: the first unexpected answer:\n%s", connection->answer);
    }
    if (load->save != NULL && connection->number % load->save_each == 0) {
        (void)fprintf(load->save, "%.*s\n", (int)len, body);
    }
}

static void receive(struct load *load, struct connection *connection)
{
    char *body;
    size_t len;
    if (connection->len == ANSWER_MAX) {
        give_up("an answer is too long");
    }
    ssize_t got =
        recv(connection->fd, connection->answer + connection->len, ANSWER_MAX - connection->len, 0);
    if (got <= 0) {
        give_up(got == 0 ? "the server closed a connection" : "cannot receive");
    }
    connection->len += (size_t)got;
    if (!whole_answer(connection, &body, &len)) {
        return;
    }
    load->latencies[load->done++] = (uint32_t)(now_us() - connection->started);
    judge(load, connection, body, len);
    send_next(load, connection);
}

static void run(struct load *load)
{
    struct epoll_event events[EVENTS];
    for (uint64_t i = 0; i < load->connection_count; i++) {
        send_next(load, &load->connections[i]);
    }
    while (load->done < load->requests.count) {
        int count = epoll_wait(load->epoll, events, EVENTS, 60000);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            give_up("no answer for a minute");
        }
        for (int i = 0; i < count; i++) {
            receive(load, events[i].data.ptr);
        }
    }
}

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void report(struct load *load, int64_t us, int64_t cpu)
{
    uint64_t count = load->done;
    uint32_t *sorted = load->latencies;
    qsort(sorted, count, sizeof *sorted, compare);
    (void)printf("{\"requests\":%llu,\"failed\":%llu,\"seconds\":%.3f,\"rate\":%.0f,\"p50\":%u,"
                 "\"p95\":%u,\"p99\":%u,\"max\":%u,\"cpu\":%.1f}\n",
                 (unsigned long long)count, (unsigned long long)load->failed, (double)us / 1e6,
                 (double)count * 1e6 / (double)us, sorted[(count - 1) * 50 / 100],
                 sorted[(count - 1) * 95 / 100], sorted[(count - 1) * 99 / 100], sorted[count - 1],
                 (double)cpu / (double)count);
}

/** save_latencies writes them in order, the shortest first. */
static void save_latencies(const struct load *load, const char *file)
{
    FILE *out = file == NULL ? NULL : conf_must(fopen(file, "we"));
    for (uint64_t i = 0; out != NULL && i < load->done; i++) {
        (void)fprintf(out, "%u\n", load->latencies[i]);
    }
    if (out != NULL && fclose(out) != 0) {
        give_up("cannot write the latencies");
    }
}

static void prepare(struct load *load, const struct conf_arguments *arguments)
{
    int64_t port = conf_number(conf_value(arguments, "--port"), 0);
    int64_t connections = conf_number(conf_value(arguments, "--connections"), 64);
    int64_t samples = conf_number(conf_value(arguments, "--samples"), 100);
    const char *save = conf_value(arguments, "--save");
    if (port < 1 || port > 65535 || connections < 1 || connections > CONNECTIONS_MAX ||
        samples < 1) {
        conf_say("load: --port, --connections or --samples is not a usable number");
        exit(2);
    }
    load->expected = conf_value(arguments, "--expect");
    load->expected_len = load->expected == NULL ? 0 : strlen(load->expected);
    load->latencies = conf_must(calloc(load->requests.count, sizeof *load->latencies));
    load->save_each = load->requests.count / (uint64_t)samples + 1;
    if (save != NULL) {
        load->save = conf_must(fopen(save, "we"));
    }
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    if (load->epoll < 0) {
        give_up("epoll");
    }
    load->connection_count = (uint64_t)connections;
    for (uint64_t i = 0; i < load->connection_count; i++) {
        open_connection(load, &load->connections[i], (uint16_t)port);
    }
}

static void finish(struct load *load)
{
    for (uint64_t i = 0; i < load->connection_count; i++) {
        (void)close(load->connections[i].fd);
        free(load->connections[i].answer);
    }
    (void)close(load->epoll);
    if (load->save != NULL) {
        (void)fclose(load->save);
    }
    free(load->latencies);
    bench_requests_free(&load->requests);
}

static bool make_requests(const struct conf_arguments *arguments, struct bench_requests *requests)
{
    const char *file = conf_value(arguments, "--requests");
    const char *method = conf_value(arguments, "--method");
    struct bench_target target = {
        .method = method == NULL ? "POST" : method,
        .path = conf_value(arguments, "--path"),
        .token = conf_value(arguments, "--token"),
        .profile = conf_value(arguments, "--profile"),
        .body = conf_value(arguments, "--body"),
    };
    int64_t count = conf_number(conf_value(arguments, "--count"), file == NULL ? 10000 : 0);
    if (file != NULL) {
        return count >= 0 && bench_requests_read(&target, file, (uint64_t)count, requests);
    }
    if (target.path == NULL || count < 1) {
        conf_say("load: --requests, or --path and a --count above 0, are needed");
        return false;
    }
    return bench_requests_make(&target, arguments, (uint64_t)count, requests);
}

int main(int argc, char **argv)
{
    static struct load load;
    struct conf_arguments arguments;
    if (!conf_arguments_parse(&arguments, argc, argv) ||
        !make_requests(&arguments, &load.requests)) {
        return 2;
    }
    prepare(&load, &arguments);
    int64_t started = now_us();
    int64_t cpu = cpu_us();
    run(&load);
    report(&load, now_us() - started, cpu_us() - cpu);
    save_latencies(&load, conf_value(&arguments, "--latencies"));
    int code = load.failed == 0 ? 0 : 1;
    finish(&load);
    return code;
}
