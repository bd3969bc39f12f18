#include "http/inside.h"

#include "base/buf.h"
#include "base/secret.h"
#include "base/slice.h"

#include <stdlib.h>

/** How much of a route's media types an error lists. */
#define MEDIA_TYPES_MAX 256U

/** The header lines as libmicrohttpd hands them over. */
struct collected {
    struct chy_http_line lines[CHY_HTTP_HEADERS_CEILING];
    uint32_t count; // may be one more than there is room for
};

static enum MHD_Result collect(void *context, enum MHD_ValueKind kind, const char *key,
                               size_t key_len, const char *value, size_t value_len)
{
    struct collected *collected = context;
    (void)kind;
    if (collected->count == CHY_HTTP_HEADERS_CEILING) {
        collected->count++;
        return MHD_NO;
    }
    struct chy_http_line *line = &collected->lines[collected->count++];
    line->name = chy_slice_of(key, key_len);
    line->value = chy_slice_of(value == NULL ? "" : value, value_len);
    return MHD_YES;
}

static uint64_t block_len(struct MHD_Connection *mhd)
{
    const union MHD_ConnectionInfo *info =
        MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_REQUEST_HEADER_SIZE);
    return info == NULL ? 0 : info->header_size;
}

static chy_status start_operation(struct chy_http_exchange *x)
{
    const struct chy_http_config *config = &x->server->config;
    struct chy_operation_config start = {
        .host = config->host,
        .clock = config->clock,
        .log = config->log,
        .name = x->slot == NULL ? chy_text("http") : x->slot->route.operation,
        .memory_max = (size_t)config->limits.memory_max,
    };
    if (x->slot != NULL) {
        start.instance = x->slot->owner->mount.instance;
        start.instance_name = x->slot->owner->mount.owner;
    }
    chy_status status = chy_operation_init(&x->operation, &start);
    x->has_operation = status == CHY_OK;
    return status;
}

static chy_status refuse_head(struct chy_http_exchange *x)
{
    const struct chy_http_verdict *verdict = &x->verdict;
    struct chy_op *op = &x->operation.op;
    x->is_last = verdict->close;
    switch (verdict->status) {
    case 400: return chy_fail(op, CHY_BAD_INPUT, 0, "%s", verdict->problem);
    case 415:
        return chy_fail_reason(op, CHY_UNSUPPORTED, CHY_REASON_MEDIA_TYPE, "%s", verdict->problem);
    case 431:
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_HEADERS_TOO_LARGE, "%s",
                               verdict->problem);
    default:
        x->plain_status = verdict->status;
        x->plain_problem = verdict->problem;
        return CHY_OK;
    }
}

/** Finds the route.  Before the operation starts, since its name is that of the route. */
static const char *find_route(struct chy_http_exchange *x, struct chy_slice method,
                              struct chy_http_target *out_target,
                              enum chy_router_outcome *out_outcome)
{
    struct chy_slice raw = chy_slice_of(x->text, x->target_len);
    struct chy_buffer scratch = {x->text + x->target_len, x->target_len};
    const char *problem = chy_http_target_split(raw, out_target);
    if (problem == NULL) {
        problem = chy_http_path_parse(out_target->path, scratch, &x->path);
    }
    if (problem == NULL && out_target->authority.len != 0 &&
        !chy_slice_equal_nocase(out_target->authority, x->verdict.host)) {
        problem = "the request target and Host name different hosts";
    }
    if (problem != NULL) {
        return problem;
    }
    *out_outcome =
        chy_router_find(x->server->router, x->listener->kind, method, &x->path, &x->match);
    x->slot = x->match.target;
    return NULL;
}

static chy_status refuse_route(struct chy_http_exchange *x, struct chy_slice method,
                               enum chy_router_outcome outcome)
{
    struct chy_op *op = &x->operation.op;
    switch (outcome) {
    case CHY_ROUTER_FOUND: return CHY_OK;
    case CHY_ROUTER_NO_PATH:
        return chy_fail(op, CHY_NOT_FOUND, 0, "there is no route %.*s %.*s%s", (int)method.len,
                        (const char *)method.ptr, (int)x->path.text.len,
                        (const char *)x->path.text.ptr,
                        x->listener->kind == CHY_LISTENER_API ? "; /api/docs tells of all" : "");
    case CHY_ROUTER_NO_METHOD:
        return chy_fail_reason(op, CHY_UNSUPPORTED, CHY_REASON_METHOD,
                               "the path takes %s, not %.*s", x->match.allow, (int)method.len,
                               (const char *)method.ptr);
    }
    return CHY_OK;
}

/** Moves `slice` along if it lies in `from`, which was copied to `to`. */
static void rebase(struct chy_slice *slice, struct chy_slice from, const uint8_t *to)
{
    uintptr_t at = (uintptr_t)slice->ptr;
    uintptr_t start = (uintptr_t)from.ptr;
    if (slice->len != 0 && at >= start && at + slice->len <= start + from.len) {
        slice->ptr = to + (at - start);
    }
}

static uint8_t *copy_lower(uint8_t *to, struct chy_slice name)
{
    for (uint64_t i = 0; i < name.len; i++) {
        to[i] = chy_ascii_lower(name.ptr[i]);
    }
    return to + name.len;
}

/** Copies the lines: the worker must not depend on the connection's memory. */
static chy_status copy_headers(struct chy_http_exchange *x, const struct collected *collected)
{
    struct chy_op *op = &x->operation.op;
    uint64_t size = 0;
    for (uint32_t i = 0; i < collected->count; i++) {
        size += collected->lines[i].name.len + collected->lines[i].value.len;
    }
    struct chy_pair *pairs = chy_alloc(op, collected->count * sizeof *pairs);
    uint8_t *at = chy_alloc(op, size);
    if (pairs == NULL || at == NULL) {
        return chy_fail_memory(op);
    }
    bool hide = x->slot->route.auth == CHY_AUTH_BEARER;
    uint64_t count = 0;
    for (uint32_t i = 0; i < collected->count; i++) {
        const struct chy_http_line *line = &collected->lines[i];
        struct chy_pair pair = {chy_slice_of(at, line->name.len), {NULL, line->value.len}};
        at = copy_lower(at, line->name);
        memcpy(at, line->value.ptr, (size_t)line->value.len);
        pair.value.ptr = at;
        rebase(&x->verdict.host, line->value, at);
        rebase(&x->verdict.media_type, line->value, at);
        rebase(&x->verdict.authorization, line->value, at);
        at += line->value.len;
        bool is_authorization = chy_slice_is(pair.name, "authorization");
        if (is_authorization) {
            x->authorization = pair.value;
            // The original too: libmicrohttpd has no use for it, and does not clear it at the
            // end.
            chy_secret_wipe(chy_http_unconst(line->value.ptr), (size_t)line->value.len);
        }
        // The token of a bearer route is for core; what only proxies may say is dropped from
        // others.
        bool drop = (is_authorization && hide) ||
                    (!x->connection->is_trusted && chy_http_is_forwarding(pair.name));
        if (!drop) {
            pairs[count++] = pair;
        }
    }
    struct chy_view view = {pairs, count, sizeof *pairs};
    x->request.headers = view;
    return CHY_OK;
}

/** The certificate of the connection's TLS session: verified once, kept with the connection. */
static chy_status take_peer_certificate(struct chy_http_exchange *x)
{
    struct chy_http_connection *connection = x->connection;
    if (x->listener->client_ca == NULL) {
        return CHY_OK;
    }
    if (!connection->peer_checked) {
        const union MHD_ConnectionInfo *info =
            MHD_get_connection_info(x->mhd, MHD_CONNECTION_INFO_GNUTLS_SESSION);
        struct chy_slice der;
        connection->peer_checked = true;
        if (info != NULL && chy_tls_peer(info->tls_session, &der)) {
            uint8_t *copy = malloc((size_t)der.len);
            if (copy == NULL) {
                return chy_fail_memory(&x->operation.op);
            }
            memcpy(copy, der.ptr, (size_t)der.len);
            connection->peer_certificate = chy_slice_of(copy, der.len);
        }
    }
    if (connection->peer_certificate.len == 0) {
        return CHY_OK;
    }
    return chy_copy(&x->operation.op, connection->peer_certificate, &x->request.peer_certificate);
}

static chy_status make_base_url(struct chy_http_exchange *x, struct chy_slice scheme,
                                struct chy_slice host)
{
    if (x->listener->kind == CHY_LISTENER_API && x->server->base_url != NULL) {
        x->request.base_url = chy_text(x->server->base_url);
        return CHY_OK;
    }
    if (host.len == 0) {
        return CHY_OK; // HTTP/1.0 without Host
    }
    uint64_t len = scheme.len + 3 + host.len;
    uint8_t *url = chy_alloc(&x->operation.op, len);
    if (url == NULL) {
        return chy_fail_memory(&x->operation.op);
    }
    memcpy(url, scheme.ptr, (size_t)scheme.len);
    memcpy(url + scheme.len, "://", 3);
    memcpy(url + scheme.len + 3, host.ptr, (size_t)host.len);
    x->request.base_url = chy_slice_of(url, len);
    return CHY_OK;
}

/** Who called, and under which name: the socket's word, or a trusted proxy's. */
static chy_status find_origin(struct chy_http_exchange *x)
{
    struct chy_http_origin origin = {.address = x->connection->address};
    CHY_TRY(take_peer_certificate(x));
    if (x->connection->is_trusted) {
        CHY_TRY(chy_http_forwarded_read(&x->operation.op, &x->server->trust,
                                        &x->connection->address, x->request.headers, &origin));
        x->request.peer.len = chy_http_address_format(&origin.address, x->peer);
    }
    x->operation.peer = x->request.peer;
    CHY_TRY(chy_http_admit_address(x, &origin.address));
    if (origin.certificate.len != 0) {
        x->request.peer_certificate = origin.certificate;
    }
    struct chy_slice scheme = origin.scheme;
    if (scheme.len == 0) {
        scheme = chy_text(x->listener->tls != NULL ? "https" : "http");
    }
    return make_base_url(x, scheme, origin.host.len != 0 ? origin.host : x->verdict.host);
}

static bool is_listed(const struct chy_http_slot *slot, struct chy_slice media_type)
{
    if (slot->takes_json && chy_slice_is(media_type, "application/json")) {
        return true;
    }
    for (uint64_t i = 0; i < slot->route.media_types.count; i++) {
        const struct chy_slice *listed = chy_view_at(slot->route.media_types, i);
        if (chy_slice_equal_nocase(*listed, media_type)) {
            return true;
        }
    }
    return false;
}

/** fail_media_type names what the route takes. */
static chy_status fail_media_type(struct chy_http_exchange *x)
{
    struct chy_buf list;
    chy_buf_init(&list, &x->operation.op, MEDIA_TYPES_MAX);
    if (x->slot->takes_json) {
        chy_buf_add_text(&list, "application/json");
    }
    for (uint64_t i = 0; i < x->slot->route.media_types.count; i++) {
        const struct chy_slice *listed = chy_view_at(x->slot->route.media_types, i);
        if (!x->slot->takes_json || !chy_slice_is(*listed, "application/json")) {
            chy_buf_add_text(&list, list.len == 0 ? "" : ", ");
            chy_buf_add(&list, *listed);
        }
    }
    return chy_fail_reason(&x->operation.op, CHY_UNSUPPORTED, CHY_REASON_MEDIA_TYPE,
                           "a body of the type '%.*s' is not taken here, expected %.*s",
                           (int)x->request.media_type.len, (const char *)x->request.media_type.ptr,
                           (int)list.len, list.len == 0 ? "" : (const char *)list.ptr);
}

static chy_status check_body_head(struct chy_http_exchange *x)
{
    struct chy_op *op = &x->operation.op;
    const struct chy_http_verdict *verdict = &x->verdict;
    if (!verdict->has_body) {
        return CHY_OK;
    }
    if (x->body_limit == 0) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_TOO_LARGE, "no body is taken here");
    }
    if (verdict->content_length > x->body_limit) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_TOO_LARGE,
                               "the body is larger than %llu bytes",
                               (unsigned long long)x->body_limit);
    }
    if (!verdict->has_media_type && x->slot->takes_json) {
        x->request.media_type = chy_text("application/json");
        return CHY_OK;
    }
    if (!is_listed(x->slot, x->request.media_type)) {
        return fail_media_type(x);
    }
    return CHY_OK;
}

static chy_status fill_request(struct chy_http_exchange *x, const struct collected *collected,
                               struct chy_slice query)
{
    struct chy_op *op = &x->operation.op;
    struct chy_http_request *request = &x->request;
    const struct chy_route *route = &x->slot->route;
    bool streams = (route->flags & CHY_ROUTE_STREAMING) != 0;
    uint64_t ceiling = x->server->config.limits.body_max;
    x->body_limit = !streams && route->body_limit > ceiling ? ceiling : route->body_limit;
    request->query_text = query;
    struct chy_view parameters = {x->match.parameters, x->match.parameter_count,
                                  sizeof x->match.parameters[0]};
    request->parameters = parameters;
    CHY_TRY(copy_headers(x, collected));
    CHY_TRY(chy_slice_lower(op, x->verdict.media_type, &request->media_type));
    CHY_TRY(chy_http_query_parse(op, query, &request->query));
    CHY_TRY(find_origin(x));
    return check_body_head(x);
}

/** What a log line of a refused request says too. */
static chy_status fill_basics(struct chy_http_exchange *x, struct chy_slice method)
{
    struct chy_http_request *request = &x->request;
    request->struct_size = (uint32_t)sizeof *request;
    request->listener = x->listener->kind;
    request->path = x->path.text;
    uint32_t len = chy_http_address_format(&x->connection->address, x->peer);
    request->peer = chy_slice_of(x->peer, len);
    x->operation.peer = request->peer;
    return chy_copy(&x->operation.op, method, &request->method);
}

bool chy_http_intake(struct chy_http_exchange *x, const char *method, const char *version)
{
    struct collected collected;
    collected.count = 0;
    (void)MHD_get_connection_values_n(x->mhd, MHD_HEADER_KIND, collect, &collected);
    struct chy_slice verb = chy_text(method);
    struct chy_http_head head = {
        .method = verb,
        .target = chy_slice_of(x->text, x->target_len),
        .version = chy_text(version),
        .lines = collected.lines,
        .line_count = collected.count,
        .same_block = x->server->account_bytes,
        .block_len = block_len(x->mhd),
    };
    struct chy_http_target target = {{NULL, 0}, {NULL, 0}, {NULL, 0}};
    enum chy_router_outcome outcome = CHY_ROUTER_NO_PATH;
    const char *problem = NULL;
    chy_http_head_check(&head, &x->server->config.limits, &x->verdict);
    if (x->verdict.status == 0) {
        problem = find_route(x, verb, &target, &outcome);
    }
    if (start_operation(x) != CHY_OK || fill_basics(x, verb) != CHY_OK) {
        return false;
    }
    if (x->verdict.status != 0) {
        x->status = refuse_head(x);
    } else if (problem != NULL) {
        x->is_last = true; // CONNECT and its like: what follows may be no request
        x->status = chy_fail(&x->operation.op, CHY_BAD_INPUT, 0, "%s", problem);
    } else {
        x->status = refuse_route(x, verb, outcome);
    }
    if (!chy_http_exchange_refused(x)) {
        x->status = fill_request(x, &collected, target.query);
    }
    return true;
}
