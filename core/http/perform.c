#include "http/inside.h"

#include "base/slice.h"

/** RFC 6750 2.1: letters, digits and -._~+/ with '=' at the end. */
static bool is_token68(struct chy_slice text)
{
    uint64_t len = text.len;
    while (len > 0 && text.ptr[len - 1] == '=') {
        len--;
    }
    for (uint64_t i = 0; i < len; i++) {
        uint8_t byte = text.ptr[i];
        uint8_t lower = chy_ascii_lower(byte);
        bool ok = (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
                  (byte != 0 && strchr("-._~+/", byte) != NULL);
        if (!ok) {
            return false;
        }
    }
    return len != 0;
}

static chy_status read_bearer(struct chy_http_exchange *x, struct chy_slice *out_token)
{
    struct chy_op *op = &x->operation.op;
    struct chy_slice scheme;
    struct chy_slice token;
    if (x->verdict.authorization.len == 0) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "there is no access token: send 'Authorization: Bearer <token>'");
    }
    if (!chy_slice_cut(x->verdict.authorization, ' ', &scheme, &token) ||
        !chy_slice_is_nocase(scheme, "bearer") || !is_token68(chy_slice_trim(token))) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "the Authorization is not 'Bearer <token>'");
    }
    *out_token = chy_slice_trim(token);
    return CHY_OK;
}

static chy_status authenticate(struct chy_http_exchange *x)
{
    struct chy_op *op = &x->operation.op;
    const struct chy_http_hooks *hooks = &x->server->config.hooks;
    const struct chy_route *route = &x->slot->route;
    struct chy_slice token = {NULL, 0};
    // Modes of neither kind are anyone's, or the plugin finds out who calls by its own means.
    if (route->auth == CHY_AUTH_NONE || route->auth == CHY_AUTH_METHOD) {
        return CHY_OK;
    }
    if (route->auth == CHY_AUTH_BEARER) {
        CHY_TRY(read_bearer(x, &token));
    } else if (x->request.peer_certificate.len == 0) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "there is no client certificate that could be verified");
    }
    if (hooks->authenticate == NULL) {
        return chy_fail_reason(op, CHY_DENIED, CHY_REASON_UNAUTHENTICATED,
                               "nobody can be authenticated here");
    }
    CHY_TRY(hooks->authenticate(hooks->context, op, route, token, &x->request));
    CHY_TRY(chy_http_admit_identity(x));
    if (route->subject.len == 0 || hooks->authorise == NULL) {
        return CHY_OK;
    }
    return hooks->authorise(hooks->context, op, route->subject, route->action);
}

static chy_status check_body(struct chy_http_exchange *x)
{
    const struct chy_http_hooks *hooks = &x->server->config.hooks;
    const struct chy_route *route = &x->slot->route;
    bool streams = (route->flags & CHY_ROUTE_STREAMING) != 0;
    if (route->request_schema.len == 0 || streams) {
        return CHY_OK;
    }
    if (x->request.body.len == 0) {
        return (route->flags & CHY_ROUTE_EMPTY_BODY) != 0
                   ? CHY_OK
                   : chy_fail(&x->operation.op, CHY_BAD_INPUT, 0, "the request needs a body");
    }
    if (hooks->check_body == NULL || !chy_slice_is(x->request.media_type, "application/json")) {
        return CHY_OK;
    }
    return hooks->check_body(hooks->context, &x->operation.op, route, x->slot->schema,
                             x->request.body);
}

static chy_status call_handler(struct chy_http_exchange *x)
{
    const struct chy_http_slot *slot = x->slot;
    const struct chy_http_mount *mount = &slot->owner->mount;
    if (slot->route.handle == NULL) {
        return chy_fail(&x->operation.op, CHY_TRY_LATER, 0, "the route has no answer yet");
    }
    if (mount->gate != NULL) {
        chy_mutex_lock(mount->gate);
    }
    chy_status status =
        slot->route.handle(mount->self, &x->operation.op, &slot->route, &x->request, &x->answer);
    if (mount->gate != NULL) {
        chy_mutex_unlock(mount->gate);
    }
    return status;
}

static chy_status perform(struct chy_http_exchange *x)
{
    struct chy_op *op = &x->operation.op;
    if (chy_monotonic(op) >= chy_deadline(op)) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_OVERLOAD,
                               "the request waited too long for a worker");
    }
    CHY_TRY(authenticate(x));
    CHY_TRY(check_body(x));
    return call_handler(x);
}

void chy_http_perform(struct chy_http_exchange *x)
{
    chy_http_answer_finish(x, perform(x));
}
