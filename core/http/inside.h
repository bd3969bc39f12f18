/**
 * The parts of the server that its own files share.  Nothing outside of core/http includes this.
 *
 * Threads: a listener's event threads run connections and the first and last part of an exchange;
 * a worker runs the middle.  `lock` of the server guards the list of exchanges at workers;
 * everything else in an exchange belongs to the one that holds it.
 */
#ifndef CHY_HTTP_INSIDE_H
#define CHY_HTTP_INSIDE_H

#include "http/address.h"
#include "http/connection.h"
#include "http/envelope.h"
#include "http/forwarded.h"
#include "http/head.h"
#include "http/path.h"
#include "http/rate.h"
#include "http/router.h"
#include "http/server.h"
#include "http/tls.h"
#include "http/unconst.h"

#include "base/buf.h"
#include "base/lock.h"
#include "base/op.h"
#include "base/pool.h"

#include <microhttpd.h>

#include <stdatomic.h>

/** Status classes 1xx to 5xx. */
#define CHY_HTTP_CLASSES 5U

/** Series of one operation. */
struct chy_http_counts {
    _Atomic(struct chy_series *) by_class[CHY_HTTP_CLASSES];
    struct chy_series *duration;
    char label[CHY_METRICS_LABEL_MAX]; // owner="…",operation="…"
};

struct chy_http_mounted {
    struct chy_http_mounted *next;
    struct chy_http_mount mount;
};

/** A registered route: what the router finds. */
struct chy_http_slot {
    struct chy_http_slot *next;
    struct chy_route route;
    const struct chy_http_mounted *owner;
    void *schema;
    bool takes_json;
    struct chy_http_counts counts;
};

struct chy_http_listener {
    struct chy_http_server *server;
    uint32_t kind;
    uint32_t threads;
    struct chy_http_bind bind;
    struct chy_tls *tls;
    char *client_ca; // PEM, or NULL: no client certificate is asked for
    int fd;
    uint16_t port;
    struct MHD_Daemon *daemon;
};

struct chy_http_exchange;

struct chy_http_server {
    struct chy_http_config config; // slices and pointers of the caller are copied beside it
    struct chy_metrics *metrics;
    char *base_url;
    struct chy_http_network *networks;
    struct chy_http_trust trust;
    struct chy_http_listener listeners[CHY_HTTP_LISTENERS];
    uint32_t listener_count;
    struct chy_router *router;
    struct chy_http_mounted *mounts;
    struct chy_http_slot *slots;
    struct chy_http_counts unrouted;
    struct chy_http_connections *connections;
    struct chy_http_rates *rates;
    struct chy_pool *pool;
    struct chy_http_health *health;
    bool account_bytes; // this libmicrohttpd lets us account for the bytes of a header block
    bool started;
    bool stopped;
    atomic_bool draining;
    atomic_uint in_flight;
    struct chy_mutex lock;   // guards the members below
    struct chy_cond quieter; // an exchange ended
    bool closing;            // nothing more goes to workers
    uint32_t working;
    uint32_t resuming;  // workers with an answer, about to resume its connection
    uint32_t abandoned; // suspended ones that were resumed without an answer, not yet seen again
    struct chy_http_exchange *working_head;
};

enum chy_http_phase {
    CHY_HTTP_STARTED = 0,   // the request line was read
    CHY_HTTP_BODY = 1,      // gathering it, if there is one
    CHY_HTTP_DISCARD = 2,   // refused: the rest of the body is read and dropped
    CHY_HTTP_AT_WORKER = 3, // suspended
    CHY_HTTP_STREAM = 4,    // at a worker while the body still comes in
    CHY_HTTP_ANSWERED = 5   // the response is queued, or ready to be
};

struct chy_http_stream;

/** One request and its answer. */
struct chy_http_exchange {
    struct chy_operation operation;
    struct chy_http_server *server;
    struct chy_http_listener *listener;
    struct chy_http_connection *connection; // event thread only
    struct MHD_Connection *mhd;
    atomic_uint refs; // the event thread's, and the worker's while it has one
    enum chy_http_phase phase;
    bool has_operation;
    bool has_address_key;  // address_key counts
    bool has_identity_key; // identity_key counts
    bool is_last;          // the connection closes after the answer
    bool at_worker;        // in the server's list; guarded by its lock
    bool is_abandoned;     // the worker's answer will not be sent; guarded by the lock
    chy_status status;     // of a refusal before the handler
    uint32_t plain_status; // a refusal without an error record
    const char *plain_problem;
    struct chy_http_rate_key address_key;
    struct chy_http_rate_key identity_key;
    struct chy_http_allowance allowance; // what the answer tells of the limits
    uint64_t body_received;
    uint64_t body_limit;
    int64_t started; // µs, real monotonic
    const struct chy_http_slot *slot;
    struct chy_http_verdict verdict;
    struct chy_http_path path;
    struct chy_router_match match;
    struct chy_http_request request;
    struct chy_slice authorization; // the copy that is wiped at the end
    struct chy_buf body;
    struct chy_http_stream *stream;
    struct chy_body_reader reader;
    struct chy_http_answer answer;
    struct MHD_Response *response;
    struct chy_http_exchange *previous;
    struct chy_http_exchange *next;
    uint64_t target_len;
    struct chy_http_spare spare;
    char abandoned_body[192];
    char peer[CHY_HTTP_ADDRESS_TEXT];
    uint8_t text[]; // the target as sent, then room for its path decoded
};

/* exchange.c: an exchange's life on the event thread */

/** chy_http_exchange_new starts one when the request line was read.  NULL: out of memory. */
struct chy_http_exchange *chy_http_exchange_new(struct chy_http_listener *listener,
                                                struct chy_http_connection *connection,
                                                struct MHD_Connection *mhd, const char *target);
/** chy_http_exchange_unref gives one reference up; the last one ends it. */
void chy_http_exchange_unref(struct chy_http_exchange *x);
/** chy_http_exchange_proceed does what is next; MHD_NO: close the connection. */
enum MHD_Result chy_http_exchange_proceed(struct chy_http_exchange *x, const char *method,
                                          const char *version, const char *data, size_t *data_len);
/** chy_http_exchange_completed ends the event thread's part. */
void chy_http_exchange_completed(struct chy_http_exchange *x);

/* intake.c: from the header block to a request */

/** chy_http_intake checks, routes and copies the head of a request.  CHY_OK: go on with the body
 *  or the handler.  Else the refusal is recorded.  `*out_alive` false: out of memory, close. */
bool chy_http_intake(struct chy_http_exchange *x, const char *method, const char *version);
/** chy_http_exchange_refused tells whether a refusal was recorded. */
static inline bool chy_http_exchange_refused(const struct chy_http_exchange *x)
{
    return x->status != CHY_OK || x->plain_status != 0;
}

/* admit.c: how often who may ask */

/** chy_http_admit_address takes the request from the address's allowance.  TRY_LATER,
 *  CHY_REASON_RATE: there is nothing left. */
chy_status chy_http_admit_address(struct chy_http_exchange *x,
                                  const struct chy_http_address *address);
/** chy_http_admit_identity does the same for who was authenticated. */
chy_status chy_http_admit_identity(struct chy_http_exchange *x);
/** chy_http_charge_refusal charges an answer that refuses to whoever asked. */
void chy_http_charge_refusal(struct chy_http_exchange *x);
/** chy_http_add_allowance adds the headers that tell what is left. */
void chy_http_add_allowance(const struct chy_http_exchange *x);

/* perform.c: the worker's part */

/** chy_http_perform authenticates, authorises, checks and runs the handler. */
void chy_http_perform(struct chy_http_exchange *x);

/* answer.c */

/** chy_http_answer_finish settles the answer, the handler's or a failure's, logs and counts. */
void chy_http_answer_finish(struct chy_http_exchange *x, chy_status status);
/** chy_http_answer_send makes the response and queues it. */
enum MHD_Result chy_http_answer_send(struct chy_http_exchange *x);
/** chy_http_answer_abandoned answers 503 without touching what the worker still uses. */
enum MHD_Result chy_http_answer_abandoned(struct chy_http_exchange *x);

/* dispatch.c: to the workers and back */

/** chy_http_dispatch runs the request: at once if its mount can, else suspended, by a worker. */
enum MHD_Result chy_http_dispatch(struct chy_http_exchange *x);
/** chy_http_dispatch_returned is called when a suspended exchange is seen again.  true: it was
 *  abandoned. */
bool chy_http_dispatch_returned(struct chy_http_exchange *x);
/** chy_http_dispatch_stream starts a streaming handler beside the incoming body. */
enum MHD_Result chy_http_dispatch_stream(struct chy_http_exchange *x);
/** chy_http_dispatch_abandon_all answers 503 for all that workers still have. */
void chy_http_dispatch_abandon_all(struct chy_http_server *server);

/* stream.c: a body read by its handler */

struct chy_http_stream *chy_http_stream_new(struct chy_http_exchange *x);
void chy_http_stream_free(struct chy_http_stream *stream);
/** chy_http_stream_feed takes what it can; suspends the connection when it is full. */
enum MHD_Result chy_http_stream_feed(struct chy_http_exchange *x, const char *data,
                                     size_t *data_len);
/** chy_http_stream_ended: the body is whole. Sends the answer, or suspends until there is one. */
enum MHD_Result chy_http_stream_ended(struct chy_http_exchange *x);
/** chy_http_stream_finished: the worker has its answer. */
void chy_http_stream_finished(struct chy_http_exchange *x);
/** chy_http_stream_cut: the connection is gone, or must not wait any more. */
void chy_http_stream_cut(struct chy_http_exchange *x, bool gone);

/* listener.c */

/** chy_http_library_is_lenient tells whether this libmicrohttpd leaves strictness to us, and
 *  hands header lines over where they were received. */
bool chy_http_library_is_lenient(void);

chy_status chy_http_listener_init(struct chy_http_listener *listener, struct chy_op *op,
                                  struct chy_http_server *server,
                                  const struct chy_http_listener_config *config);
chy_status chy_http_listener_open(struct chy_http_listener *listener, struct chy_op *op);
/** chy_http_listener_quiesce takes no more connections. */
void chy_http_listener_quiesce(struct chy_http_listener *listener);
/** chy_http_listener_close stops the daemon; no connection may be suspended. */
void chy_http_listener_close(struct chy_http_listener *listener);
void chy_http_listener_fini(struct chy_http_listener *listener);

/* health.c */

void chy_http_health_free(struct chy_http_health *health);

/* metrics of the server itself */

/** chy_http_counts_init names the series of one operation. */
void chy_http_counts_init(struct chy_http_counts *counts, struct chy_metrics *metrics,
                          struct chy_slice owner, struct chy_slice operation);
/** chy_http_refused counts a connection or request that was turned away. */
void chy_http_refused(struct chy_http_server *server, const char *label);

#endif
