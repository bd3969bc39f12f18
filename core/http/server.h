/**
 * The HTTP server: listeners, routes, and the path of every request through them.
 *
 *   event thread: read the head → check it strictly → route → size and media type → gather body
 *   worker:       authenticate → authorise → schema → handler → render → log, count
 *   event thread: send
 *
 * Event threads never block: a request whose mount has a `quick` function is tried there, all
 * others are suspended and handed to the worker pool; when that is full the answer is 503 at
 * once.
 *
 * Life: new → add (mounts) → start → … → stop → free.  Adding and starting belong to one thread;
 * reload, stop and the questions may come from any.
 */
#ifndef CHY_HTTP_SERVER_H
#define CHY_HTTP_SERVER_H

#include "http/forwarded.h"
#include "http/limits.h"

#include "base/auto.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/metrics.h"

#include <chancery/enrollment.h>
#include <chancery/host.h>

#include <stdbool.h>

struct chy_http_server;

/** The listener for metrics and health, besides those of enum chy_listener. */
#define CHY_HTTP_LISTENER_METRICS 2U
#define CHY_HTTP_LISTENERS 3U

/**
 * What the server asks of the rest of core.  Any may be NULL: then nobody is authenticated
 * (routes that want it answer 401), nothing is authorised beyond that, bodies go unchecked, and
 * it is always ready. All may run on many threads at once.
 */
struct chy_http_hooks {
    void *context;
    /** Finds out who calls and sets the operation's principal.  `token` is the bearer token, for
     *  CHY_AUTH_BEARER; with CHY_AUTH_MTLS it is empty and request->peer_certificate is not. */
    chy_status (*authenticate)(void *context, struct chy_op *op, const struct chy_route *route,
                               struct chy_slice token, const struct chy_http_request *request);
    /** Writes an id of who was authenticated, to count their requests.  false: nobody known. */
    bool (*caller)(void *context, struct chy_op *op, uint8_t out_id[16]);
    /** May the operation's principal do `action` on `subject`, as far as the route can tell? */
    chy_status (*authorise)(void *context, struct chy_op *op, struct chy_slice subject,
                            struct chy_slice action);
    /** Makes a route's request schema ready for check_body when the route is added; what it gives
     *  lives as long as the server. */
    chy_status (*prepare_schema)(void *context, struct chy_op *op, struct chy_slice schema,
                                 void **out_schema);
    /** Checks a JSON body: CHY_BAD_INPUT, with CHY_REASON_VALIDATION when it is JSON that does
     *  not fit.  `schema` is what prepare_schema gave. */
    chy_status (*check_body)(void *context, struct chy_op *op, const struct chy_route *route,
                             const void *schema, struct chy_slice body);
    /** Are storage and crypto well?  Runs on a worker, its answer is kept for a second. */
    chy_status (*ready)(void *context, struct chy_op *op);
    /** Adds gauges right before the metrics are written.  Must not block. */
    void (*gather)(void *context);
};

/** TLS of one listener: PEM files. */
struct chy_http_tls_config {
    const char *certificate_file; /**< the chain, leaf first */
    const char *key_file;
    const char *client_ca_file; /**< asks for client certificates of these CAs; NULL: does not */
};

struct chy_http_listener_config {
    uint32_t kind;           /**< enum chy_listener, or CHY_HTTP_LISTENER_METRICS */
    uint32_t threads;        /**< event threads; 0: cores for the API, 1 for the others */
    struct chy_slice listen; /**< as chy_http_bind_parse() reads it; port 0 picks a free one */
    const struct chy_http_tls_config *tls; /**< NULL: plain HTTP */
};

struct chy_http_config {
    const struct chy_host *host;   /**< required: every operation's services */
    const struct chy_clock *clock; /**< of the operations; NULL: the real one */
    struct chy_log *log;           /**< NULL: nothing is logged */
    struct chy_metrics *metrics;   /**< NULL: that of the process */
    struct chy_http_limits limits;
    struct chy_http_hooks hooks;
    const struct chy_http_listener_config *listeners; /**< one of a kind each */
    uint32_t listener_count;
    bool access_log;     /**< a line for each request; failures of ours always have one */
    bool metrics_on_api; /**< "/metrics" on the API listener too */
    const struct chy_slice *trusted_proxies; /**< networks whose Forwarded headers count */
    uint32_t trusted_proxy_count;
    enum chy_http_forwarding forwarding; /**< which header they write */
    struct chy_slice base_url; /**< of the API as callers see it; empty: from the request */
};

/** chy_http_server_new checks `config` and copies it.  Nothing is opened yet. */
CHY_MUST_USE chy_status chy_http_server_new(struct chy_op *op, const struct chy_http_config *config,
                                            struct chy_http_server **out_server);
/** chy_http_server_free frees a server that was stopped or never started.  NULL is fine. */
void chy_http_server_free(struct chy_http_server *server);
CHY_DEFINE_AUTO(struct chy_http_server, chy_http_server_free);

/** Tries to answer on an event thread, where nothing may block; false: not now, ask a worker. */
typedef bool chy_http_quick_fn(void *self, struct chy_op *op, const struct chy_route *route,
                               const struct chy_http_request *request,
                               struct chy_http_answer *out_answer);

/** A set of routes and whose they are. */
struct chy_http_mount {
    struct chy_view routes; /**< of struct chy_route; copied, what their slices borrow is not */
    void *self;             /**< first argument of the handlers */
    struct chy_slice
        owner; /**< the instance's name, or a word for core's own; outlives the server */
    struct chy_instance *instance; /**< NULL for core's own */
    struct chy_mutex
        *gate; /**< locked around each handler of a CHY_THREADS_ONE instance, or NULL */
    chy_http_quick_fn *quick; /**< tried first for each route without authentication, or NULL */
    bool is_unlimited;        /**< no request counts for a rate: cheap, or with limits of its own */
    uint32_t listeners;       /**< 1 << kind: where they are served; 0: as the routes' flags say */
    /** As in struct chy_enrollment_ops; may be NULL. */
    chy_status (*render_error)(void *self, struct chy_op *op, const struct chy_route *route,
                               const struct chy_error *error, struct chy_http_answer *out_answer);
};

/** chy_http_server_add registers routes, before the start.  CHY_BAD_INPUT, CHY_CONFLICT: the
 *  message names owner, method and pattern. */
CHY_MUST_USE chy_status chy_http_server_add(struct chy_http_server *server, struct chy_op *op,
                                            const struct chy_http_mount *mount);

/** chy_http_server_start opens the listeners, all or none. */
CHY_MUST_USE chy_status chy_http_server_start(struct chy_http_server *server, struct chy_op *op);
/** chy_http_server_port tells the port of a listener, 0 if there is none of that kind. */
uint16_t chy_http_server_port(const struct chy_http_server *server, uint32_t kind);
/** chy_http_server_reload reads the TLS files again; new handshakes use them.  Not OK: the old
 *  ones stay. */
CHY_MUST_USE chy_status chy_http_server_reload(struct chy_http_server *server, struct chy_op *op);

/**
 * chy_http_server_stop refuses new connections, answers `/readyz` with 503, lets running requests
 * end until `deadline` (µs on the real monotonic clock), answers 503 for those that do not, and
 * closes. CHY_TRY_LATER: handlers still run; their operations are cancelled, and the server must
 * not be freed before chy_http_server_idle() says so.
 */
CHY_MUST_USE chy_status chy_http_server_stop(struct chy_http_server *server, struct chy_op *op,
                                             int64_t deadline);
/** chy_http_server_idle tells whether no handler runs. */
CHY_MUST_USE bool chy_http_server_idle(struct chy_http_server *server);

/** What the server is doing. */
struct chy_http_stats {
    uint32_t connections;
    uint32_t in_flight; /**< requests whose first line was read and that are not answered whole */
    uint32_t working;   /**< of them, handed to workers */
    bool draining;
};

/** chy_http_server_stats tells. */
void chy_http_server_stats(struct chy_http_server *server, struct chy_http_stats *out_stats);

#endif
