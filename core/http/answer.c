#include "http/inside.h"

#include "base/slice.h"
#include "base/status.h"

#include <stdio.h>

/** A header that a handler sets; longer ones are dropped, with a line in the log. */
enum {
    NAME_MAX_LEN = 128,
    VALUE_MAX_LEN = 4096
};

/** What core sets, or libmicrohttpd: a handler cannot. */
static bool is_ours(struct chy_slice name)
{
    static const char *const ours[] = {
        "content-length", "content-type", "transfer-encoding",      "connection",
        "date",           "x-request-id", "x-content-type-options",
    };
    for (size_t i = 0; i < sizeof ours / sizeof ours[0]; i++) {
        if (chy_slice_is_nocase(name, ours[i])) {
            return true;
        }
    }
    return false;
}

static bool add_header(struct MHD_Response *response, struct chy_slice name, struct chy_slice value)
{
    char name_text[NAME_MAX_LEN];
    char value_text[VALUE_MAX_LEN];
    if (name.len >= sizeof name_text || value.len >= sizeof value_text ||
        !chy_http_is_token(name) || !chy_http_is_field_value(value)) {
        return false;
    }
    memcpy(name_text, name.ptr, (size_t)name.len);
    name_text[name.len] = '\0';
    memcpy(value_text, value.ptr, (size_t)value.len);
    value_text[value.len] = '\0';
    return MHD_add_response_header(response, name_text, value_text) == MHD_YES;
}

static void add_own_headers(struct chy_http_exchange *x, bool *out_has_cache_control)
{
    struct chy_op *op = &x->operation.op;
    for (uint64_t i = 0; i < x->answer.headers.count; i++) {
        const struct chy_pair *pair = chy_view_at(x->answer.headers, i);
        *out_has_cache_control =
            *out_has_cache_control || chy_slice_is_nocase(pair->name, "cache-control");
        if (is_ours(pair->name) || !add_header(x->response, pair->name, pair->value)) {
            chy_log_error(op, "http.header", "the handler's header %u is not one it can send",
                          (unsigned)i);
        }
    }
}

static void add_headers(struct chy_http_exchange *x)
{
    const struct chy_http_answer *answer = &x->answer;
    bool is_secret = (answer->flags & CHY_HTTP_SECRET) != 0 ||
                     (x->slot != NULL && (x->slot->route.flags & CHY_ROUTE_SECRET) != 0);
    bool has_cache_control = false;
    add_own_headers(x, &has_cache_control);
    if (is_secret && has_cache_control) {
        (void)MHD_del_response_header(x->response, "Cache-Control",
                                      MHD_get_response_header(x->response, "Cache-Control"));
    }
    if (is_secret || !has_cache_control) {
        (void)MHD_add_response_header(x->response, "Cache-Control", "no-store");
    }
    if (answer->media_type.len != 0) {
        (void)add_header(x->response, chy_text("Content-Type"), answer->media_type);
    }
    chy_http_add_allowance(x);
    if (answer->status == 405 && x->match.allow_len != 0) {
        (void)MHD_add_response_header(x->response, "Allow", x->match.allow);
    }
    (void)MHD_add_response_header(x->response, "X-Content-Type-Options", "nosniff");
    (void)add_header(x->response, chy_text("X-Request-Id"),
                     x->operation.op.host->request_id(&x->operation.op));
    if (x->is_last || atomic_load_explicit(&x->server->draining, memory_order_relaxed)) {
        (void)MHD_add_response_header(x->response, "Connection", "close");
    }
}

/** The record of the failure, if it is the one that was returned. */
static void failure_of(struct chy_http_exchange *x, chy_status status, struct chy_error *out_error)
{
    struct chy_op *op = &x->operation.op;
    op->host->last_error(op, out_error);
    if (out_error->status != status) {
        // The handler failed without saying why; an older error was dealt with.
        memset(out_error, 0, sizeof *out_error);
        out_error->struct_size = (uint32_t)sizeof *out_error;
        out_error->status = status;
    }
}

static bool is_sendable(const struct chy_http_exchange *x)
{
    const struct chy_http_answer *answer = &x->answer;
    return answer->status >= 200 && answer->status <= 599 &&
           answer->body.len <= x->server->config.limits.answer_max &&
           chy_http_is_field_value(answer->media_type) && answer->media_type.len < VALUE_MAX_LEN;
}

static void start_answer(struct chy_http_exchange *x, uint32_t http_status)
{
    memset(&x->answer, 0, sizeof x->answer);
    x->answer.struct_size = (uint32_t)sizeof x->answer;
    x->answer.status = http_status;
}

/** Turns a failure into an answer, in the plugin's protocol if it has a form for it. */
static void render_failure(struct chy_http_exchange *x, const struct chy_error *error)
{
    struct chy_op *op = &x->operation.op;
    const struct chy_http_mount *mount = x->slot == NULL ? NULL : &x->slot->owner->mount;
    if (mount != NULL && mount->render_error != NULL) {
        start_answer(x, chy_http_status_of(error->status, error->reason));
        if (mount->render_error(mount->self, op, &x->slot->route, error, &x->answer) == CHY_OK &&
            is_sendable(x)) {
            return;
        }
    }
    start_answer(x, 0);
    chy_http_envelope(op, error, &x->spare, &x->answer);
}

/** Fills the answer; out_error says why it is not the handler's, for the log. */
static void decide(struct chy_http_exchange *x, chy_status status, struct chy_error *out_error)
{
    struct chy_op *op = &x->operation.op;
    memset(out_error, 0, sizeof *out_error);
    if (x->plain_status != 0) {
        out_error->message = chy_text(x->plain_problem);
        start_answer(x, 0);
        chy_http_envelope_plain(op, x->plain_status, x->plain_problem, &x->spare, &x->answer);
        return;
    }
    if (status == CHY_OK && !is_sendable(x)) {
        status = chy_fail(op, CHY_BROKEN, 0,
                          "the handler's answer cannot be sent: status %u, %llu "
                          "bytes",
                          x->answer.status, (unsigned long long)x->answer.body.len);
    }
    if (status != CHY_OK) {
        failure_of(x, status, out_error);
        render_failure(x, out_error);
    }
}

static void make_response(struct chy_http_exchange *x)
{
    // The body outlives the response: both end with the exchange, the response first.
    x->response = MHD_create_response_from_buffer(
        (size_t)x->answer.body.len, chy_http_unconst(x->answer.body.ptr), MHD_RESPMEM_PERSISTENT);
    if (x->response != NULL) {
        add_headers(x);
    }
}

static uint32_t log_level_of(uint32_t http_status, chy_status status)
{
    // A 5xx that a handler chose itself is no failure: "not ready" is one.
    if (http_status < 500 || status == CHY_OK) {
        return CHY_LOG_INFO;
    }
    return status == CHY_TRY_LATER ? CHY_LOG_WARNING : CHY_LOG_ERROR;
}

static const char *listener_name(uint32_t kind)
{
    static const char *const names[CHY_HTTP_LISTENERS] = {"api", "public", "metrics"};
    return names[kind];
}

static void log_request(struct chy_http_exchange *x, int64_t duration,
                        const struct chy_error *error)
{
    struct chy_http_server *server = x->server;
    struct chy_log *log = server->config.log;
    uint32_t level = log_level_of(x->answer.status, error->status);
    bool is_wanted = server->config.access_log || level != CHY_LOG_INFO;
    if (log == NULL || !is_wanted || !chy_log_is_on(log, level)) {
        return;
    }
    char numbers[3][24];
    (void)snprintf(numbers[0], sizeof numbers[0], "%u", x->answer.status);
    (void)snprintf(numbers[1], sizeof numbers[1], "%lld.%03d", (long long)(duration / 1000),
                   (int)(duration % 1000));
    (void)snprintf(numbers[2], sizeof numbers[2], "%llu", (unsigned long long)x->answer.body.len);
    struct chy_log_field fields[] = {
        {"method", x->request.method, false},
        {"path", x->path.text, false},
        {"status", chy_text(numbers[0]), true},
        {"durationMs", chy_text(numbers[1]), true},
        {"bytes", chy_text(numbers[2]), true},
        {"peer", x->request.peer, false},
        {"listener", chy_text(listener_name(x->listener->kind)), false},
        {"reason", chy_text(chy_reason_name(error->reason)), false},
    };
    size_t count = sizeof fields / sizeof fields[0];
    struct chy_log_line line = {
        .level = level,
        .event = chy_text("http.request"),
        .message = error->message,
        .request_id = x->operation.op.host->request_id(&x->operation.op),
        .operation = chy_slice_of(x->operation.name, x->operation.name_len),
        .instance = x->operation.instance_name,
        .fields = fields,
        .field_count = error->reason == CHY_REASON_NONE ? count - 1 : count,
    };
    chy_log_write(log, &line);
}

static void count_request(struct chy_http_exchange *x, int64_t duration)
{
    struct chy_http_counts *counts =
        x->slot != NULL ? chy_http_unconst(&x->slot->counts) : &x->server->unrouted;
    uint32_t status_class = x->answer.status / 100 - 1;
    if (status_class >= CHY_HTTP_CLASSES) {
        return;
    }
    struct chy_series *series = atomic_load(&counts->by_class[status_class]);
    if (series == NULL) {
        // Made when first needed: most operations never answer 1xx or 3xx.
        char label[CHY_METRICS_LABEL_MAX + 16];
        (void)snprintf(label, sizeof label, "%s,class=\"%uxx\"", counts->label, status_class + 1);
        series =
            chy_metrics_counter(x->server->metrics, chy_text("http_requests"), chy_text(label));
        atomic_store(&counts->by_class[status_class], series);
    }
    chy_series_add(series, 1);
    chy_series_observe(counts->duration, duration);
}

void chy_http_answer_finish(struct chy_http_exchange *x, chy_status status)
{
    struct chy_error error;
    decide(x, status, &error);
    chy_http_charge_refusal(x);
    int64_t duration = chy_clock_monotonic(chy_clock_real()) - x->started;
    log_request(x, duration, &error);
    count_request(x, duration);
}

static enum MHD_Result queue(struct chy_http_exchange *x, uint32_t http_status,
                             struct MHD_Response *response)
{
    x->phase = CHY_HTTP_ANSWERED;
    chy_http_connection_expect(x->connection, CHY_HTTP_WAIT_SEND);
    return MHD_queue_response(x->mhd, http_status, response);
}

enum MHD_Result chy_http_answer_send(struct chy_http_exchange *x)
{
    // Made on the event thread, which frees it: memory that changes threads costs locks.
    make_response(x);
    if (x->response == NULL) {
        return MHD_NO;
    }
    enum MHD_Result result = queue(x, x->answer.status, x->response);
    MHD_destroy_response(x->response);
    x->response = NULL;
    return result;
}

enum MHD_Result chy_http_answer_abandoned(struct chy_http_exchange *x)
{
    // The worker may still write to the answer and the arena: only the request id, which does not
    // change, and memory of the event thread's own are used.
    int len =
        snprintf(x->abandoned_body, sizeof x->abandoned_body,
                 "{\"reqId\":\"%.*s\",\"statusCode\":503,\"message\":\"The server is stopping; "
                 "it is not known whether this was done.\",\"error\":\"ServiceUnavailable\"}",
                 (int)x->operation.request_id_len, x->operation.request_id);
    struct MHD_Response *response = MHD_create_response_from_buffer(
        len > 0 ? strlen(x->abandoned_body) : 0, x->abandoned_body, MHD_RESPMEM_MUST_COPY);
    if (response == NULL) {
        return MHD_NO;
    }
    (void)MHD_add_response_header(response, "Content-Type", "application/json");
    (void)MHD_add_response_header(response, "Cache-Control", "no-store");
    (void)MHD_add_response_header(response, "Connection", "close");
    (void)MHD_add_response_header(response, "Retry-After", "1");
    (void)MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
    (void)add_header(response, chy_text("X-Request-Id"),
                     chy_slice_of(x->operation.request_id, x->operation.request_id_len));
    enum MHD_Result result = queue(x, 503, response);
    MHD_destroy_response(response);
    return result;
}
