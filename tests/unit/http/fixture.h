/** A server with a handful of routes on free ports, and a client of raw sockets. */
#ifndef TEST_HTTP_FIXTURE_H
#define TEST_HTTP_FIXTURE_H

#include "http/server.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/** What the handlers and hooks share with the test. */
struct fixture_state {
    atomic_bool open;      // "/wait" handlers go on
    atomic_uint waiting;   // how many of them wait
    atomic_uint ran;       // how many handlers ran
    atomic_uint cancelled; // "/wait" handlers that saw their operation cancelled
    atomic_uint ready_asked;
    atomic_bool is_ready;
    atomic_uint stream_bytes;
    atomic_int stream_status;
};

struct fixture {
    struct chy_op *op;
    struct chy_metrics *metrics;
    struct chy_http_server *server;
    uint16_t port;
    uint16_t public_port;
    uint16_t metrics_port;
    struct chy_http_config config;
    struct chy_http_listener_config listeners[3];
    struct fixture_state state;
};

/** fixture_init prepares a configuration that the test may change. */
void fixture_init(struct fixture *f);
/** fixture_start makes and starts the server. */
void fixture_start(struct fixture *f);
/** fixture_stop opens "/wait", stops and frees everything; must find the server idle. */
void fixture_stop(struct fixture *f);
/** fixture_wait_until waits up to five seconds for `counter` to reach `value`. */
void fixture_wait_until(const atomic_uint *counter, unsigned value);
/** fixture_metric finds a line of the metrics that starts with `name`; its value, or -1. */
double fixture_metric(struct fixture *f, const char *name);

/** An answer as it was read. */
struct reply {
    int status; // 0: the connection ended without one
    char head[4096];
    char *body;
    size_t body_len;
    char buffer[1 << 16];
};

/** client_connect connects over IPv4 loopback; reading gives up after five seconds. */
int client_connect(uint16_t port);
/** client_try_connect does the same, or gives -1 when nobody listens. */
int client_try_connect(uint16_t port);
/** client_send sends all of it; false: the server has closed. */
bool client_send(int fd, const char *text, size_t len);
/** client_say is client_send() for a string, which must be taken. */
void client_say(int fd, const char *text);
/** client_read reads one answer; without a body after HEAD. */
void client_read(int fd, bool is_head, struct reply *out_reply);
/** client_is_closed waits for the end of the connection; false: still open after `ms`. */
bool client_is_closed(int fd, int ms);
/** client_get makes one request on a connection of its own. */
void client_get(uint16_t port, const char *request, struct reply *out_reply);
/** reply_header finds a header's value, until the thread's next call; NULL: there is none. */
const char *reply_header(const struct reply *reply, const char *name);
/** reply_is_error checks for the envelope with this status and name. */
bool reply_is_error(const struct reply *reply, int status, const char *name);

#endif
