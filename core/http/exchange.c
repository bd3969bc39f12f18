#include "http/inside.h"

#include "base/secret.h"

#include <stdlib.h>

struct chy_http_exchange *chy_http_exchange_new(struct chy_http_listener *listener,
                                                struct chy_http_connection *connection,
                                                struct MHD_Connection *mhd, const char *target)
{
    size_t len = strlen(target);
    struct chy_http_exchange *x = calloc(1, sizeof *x + len * 2);
    if (x == NULL) {
        return NULL;
    }
    x->server = listener->server;
    x->listener = listener;
    x->connection = connection;
    x->mhd = mhd;
    atomic_init(&x->refs, 1);
    x->started = chy_clock_monotonic(chy_clock_real());
    x->target_len = len;
    memcpy(x->text, target, len);
    atomic_fetch_add(&x->server->in_flight, 1);
    chy_http_connection_expect(connection, CHY_HTTP_WAIT_HEADER);
    return x;
}

void chy_http_exchange_unref(struct chy_http_exchange *x)
{
    if (atomic_fetch_sub(&x->refs, 1) != 1) {
        return;
    }
    if (x->response != NULL) {
        MHD_destroy_response(x->response);
    }
    chy_http_stream_free(x->stream);
    if ((x->answer.flags & CHY_HTTP_SECRET) != 0) {
        chy_secret_wipe(chy_http_unconst(x->answer.body.ptr), (size_t)x->answer.body.len);
    }
    if (x->authorization.len != 0) {
        chy_secret_wipe(chy_http_unconst(x->authorization.ptr), (size_t)x->authorization.len);
    }
    chy_buf_fini(&x->body);
    if (x->has_operation) {
        chy_operation_fini(&x->operation);
    }
    free(x);
}

void chy_http_exchange_completed(struct chy_http_exchange *x)
{
    struct chy_http_server *server = x->server;
    if (x->stream != NULL) {
        chy_http_stream_cut(x, true);
    }
    chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_IDLE);
    x->connection = NULL;
    chy_http_exchange_unref(x);
    atomic_fetch_sub(&server->in_flight, 1);
    if (atomic_load(&server->draining)) {
        chy_mutex_lock(&server->lock);
        chy_cond_broadcast(&server->quieter);
        chy_mutex_unlock(&server->lock);
    }
}

/** A refused body is read to its end if that is not far, so that the client sees the answer. */
static bool can_drain(const struct chy_http_exchange *x)
{
    // A client that waits for "100 Continue" has sent nothing yet: it needs no draining.
    return !x->is_last && !x->verdict.expects_continue &&
           x->verdict.content_length <= x->server->config.limits.body_drain_max;
}

static enum MHD_Result refuse(struct chy_http_exchange *x)
{
    if (can_drain(x)) {
        x->phase = CHY_HTTP_DISCARD;
        chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_BODY);
        return MHD_YES;
    }
    // libmicrohttpd closes what is answered in the first call.
    chy_http_answer_finish(x, x->status);
    return chy_http_answer_send(x);
}

static void start_body(struct chy_http_exchange *x)
{
    struct chy_op *op = &x->operation.op;
    if ((x->slot->route.flags & CHY_ROUTE_SECRET) != 0) {
        chy_buf_init_secret(&x->body, op, (size_t)x->body_limit);
    } else {
        chy_buf_init(&x->body, op, (size_t)x->body_limit);
    }
    chy_buf_reserve(&x->body, (size_t)x->verdict.content_length);
    chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_BODY);
}

static enum MHD_Result begin(struct chy_http_exchange *x, const char *method, const char *version)
{
    if (!chy_http_intake(x, method, version)) {
        return MHD_NO;
    }
    if (chy_http_exchange_refused(x)) {
        return refuse(x);
    }
    if ((x->slot->route.flags & CHY_ROUTE_STREAMING) != 0) {
        return chy_http_dispatch_stream(x);
    }
    if (x->verdict.has_body) {
        start_body(x);
    }
    // libmicrohttpd closes a connection that is answered in its first call, so also a request
    // without a body is run in the next one, which comes at once.
    x->phase = CHY_HTTP_BODY;
    return MHD_YES;
}

static void gather(struct chy_http_exchange *x, const char *data, size_t len)
{
    struct chy_op *op = &x->operation.op;
    x->body_received += len;
    if (x->body_received > x->body_limit) {
        x->status = chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_TOO_LARGE,
                                    "the body is larger than %llu bytes",
                                    (unsigned long long)x->body_limit);
    } else {
        chy_buf_add(&x->body, chy_slice_of(data, len));
        if (!chy_buf_ok(&x->body)) {
            x->status = chy_buf_fail(&x->body, op, "the body");
        }
    }
    if ((x->slot->route.flags & CHY_ROUTE_SECRET) != 0) {
        // The bytes lie in the connection's memory, which libmicrohttpd does not clear: it is
        // done with them when this call returns.
        chy_secret_wipe(chy_http_unconst(data), len);
    }
    if (chy_http_exchange_refused(x)) {
        x->phase = CHY_HTTP_DISCARD;
    }
}

static enum MHD_Result discard(struct chy_http_exchange *x, size_t *data_len)
{
    if (*data_len == 0) {
        chy_http_answer_finish(x, x->status);
        return chy_http_answer_send(x);
    }
    x->body_received += *data_len;
    if (x->body_received > x->server->config.limits.body_drain_max) {
        chy_http_refused(x->server, "reason=\"body\"");
        return MHD_NO;
    }
    *data_len = 0;
    return MHD_YES;
}

enum MHD_Result chy_http_exchange_proceed(struct chy_http_exchange *x, const char *method,
                                          const char *version, const char *data, size_t *data_len)
{
    switch (x->phase) {
    case CHY_HTTP_STARTED: return begin(x, method, version);
    case CHY_HTTP_BODY:
        if (*data_len == 0) {
            return chy_http_dispatch(x);
        }
        gather(x, data, *data_len);
        *data_len = 0;
        return MHD_YES;
    case CHY_HTTP_DISCARD: return discard(x, data_len);
    case CHY_HTTP_AT_WORKER:
        return chy_http_dispatch_returned(x) ? chy_http_answer_abandoned(x)
                                             : chy_http_answer_send(x);
    case CHY_HTTP_STREAM:
        if (*data_len != 0) {
            return chy_http_stream_feed(x, data, data_len);
        }
        return chy_http_stream_ended(x);
    case CHY_HTTP_ANSWERED: return MHD_YES;
    }
    return MHD_NO;
}
