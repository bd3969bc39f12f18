#include "http/inside.h"

#include "http/health.h"

#include "base/slice.h"

#include <stdlib.h>

static void free_mounts(struct chy_http_server *server)
{
    while (server->mounts != NULL) {
        struct chy_http_mounted *next = server->mounts->next;
        free(server->mounts);
        server->mounts = next;
    }
    while (server->slots != NULL) {
        struct chy_http_slot *next = server->slots->next;
        free(server->slots);
        server->slots = next;
    }
}

void chy_http_server_free(struct chy_http_server *server)
{
    if (server == NULL) {
        return;
    }
    chy_pool_free(server->pool);
    chy_http_connections_free(server->connections);
    chy_http_rates_free(server->rates);
    for (uint32_t i = 0; i < server->listener_count; i++) {
        chy_http_listener_fini(&server->listeners[i]);
    }
    chy_http_health_free(server->health);
    chy_router_free(server->router);
    free_mounts(server);
    chy_cond_fini(&server->quieter);
    chy_mutex_fini(&server->lock);
    free(server->networks);
    free(server->base_url);
    free(server);
}

static chy_status copy_networks(struct chy_http_server *server, struct chy_op *op,
                                const struct chy_http_config *config)
{
    if (config->trusted_proxy_count == 0) {
        return CHY_OK;
    }
    server->networks = calloc(config->trusted_proxy_count, sizeof *server->networks);
    if (server->networks == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < config->trusted_proxy_count; i++) {
        struct chy_slice text = config->trusted_proxies[i];
        if (!chy_http_network_parse(text, &server->networks[i])) {
            return chy_fail(op, CHY_BAD_INPUT, 0,
                            "the trusted proxy '%.*s' is not an address or a network like "
                            "'10.0.0.0/8'",
                            (int)text.len, (const char *)text.ptr);
        }
    }
    server->trust.networks = server->networks;
    server->trust.network_count = config->trusted_proxy_count;
    server->trust.forwarding = config->forwarding;
    return CHY_OK;
}

static chy_status copy_base_url(struct chy_http_server *server, struct chy_op *op,
                                struct chy_slice url)
{
    struct chy_http_target target;
    if (url.len == 0) {
        return CHY_OK;
    }
    bool relative = url.ptr[0] == '/';
    if (relative || chy_http_target_split(url, &target) != NULL ||
        !chy_http_is_authority(target.authority) || target.query.len != 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the base URL '%.*s' is not http(s)://host[:port]",
                        (int)url.len, (const char *)url.ptr);
    }
    while (url.len != 0 && url.ptr[url.len - 1] == '/') {
        url.len--;
    }
    server->base_url = strndup((const char *)url.ptr, (size_t)url.len);
    return server->base_url == NULL ? chy_fail_memory(op) : CHY_OK;
}

static chy_status init_listeners(struct chy_http_server *server, struct chy_op *op,
                                 const struct chy_http_config *config)
{
    if (config->listener_count > CHY_HTTP_LISTENERS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "there are at most %u listeners", CHY_HTTP_LISTENERS);
    }
    for (uint32_t i = 0; i < config->listener_count; i++) {
        for (uint32_t other = 0; other < i; other++) {
            if (config->listeners[i].kind == config->listeners[other].kind) {
                return chy_fail(op, CHY_BAD_INPUT, 0, "there are two listeners of one kind");
            }
        }
        server->listener_count = i + 1; // so that a half-made one is cleaned up
        CHY_TRY(chy_http_listener_init(&server->listeners[i], op, server, &config->listeners[i]));
    }
    return CHY_OK;
}

static chy_status check_limits(struct chy_http_server *server, struct chy_op *op)
{
    chy_http_limits_fill(&server->config.limits);
    const char *problem = chy_http_limits_problem(&server->config.limits);
    return problem == NULL ? CHY_OK : chy_fail(op, CHY_BAD_INPUT, 0, "HTTP limits: %s", problem);
}

chy_status chy_http_server_new(struct chy_op *op, const struct chy_http_config *config,
                               struct chy_http_server **out_server)
{
    CHY_AUTO(chy_http_server_free) struct chy_http_server *server = calloc(1, sizeof *server);
    if (server == NULL) {
        return chy_fail_memory(op);
    }
    chy_mutex_init(&server->lock);
    chy_cond_init(&server->quieter);
    server->config = *config;
    if (server->config.clock == NULL) {
        server->config.clock = chy_clock_real();
    }
    server->metrics = config->metrics != NULL ? config->metrics : chy_metrics_process();
    server->account_bytes = chy_http_library_is_lenient();
    CHY_TRY(check_limits(server, op));
    CHY_TRY(copy_networks(server, op, config));
    CHY_TRY(copy_base_url(server, op, config->base_url));
    CHY_TRY(init_listeners(server, op, config));
    server->router = chy_router_new();
    if (server->router == NULL) {
        return chy_fail_memory(op);
    }
    chy_http_counts_init(&server->unrouted, server->metrics, chy_text("core"), chy_text("none"));
    CHY_TRY(chy_http_health_mount(server, op));
    // What was borrowed for this call.
    server->config.listeners = NULL;
    server->config.trusted_proxies = NULL;
    server->config.base_url = chy_slice_of(NULL, 0);
    *out_server = CHY_TAKE(server);
    return CHY_OK;
}

void chy_http_counts_init(struct chy_http_counts *counts, struct chy_metrics *metrics,
                          struct chy_slice owner, struct chy_slice operation)
{
    (void)snprintf(counts->label, sizeof counts->label, "owner=\"%.*s\",operation=\"%.*s\"",
                   (int)owner.len, (const char *)owner.ptr, (int)operation.len,
                   (const char *)operation.ptr);
    counts->duration = chy_metrics_histogram(metrics, chy_text("http_request_duration_seconds"),
                                             chy_text(counts->label));
}

void chy_http_refused(struct chy_http_server *server, const char *label)
{
    chy_metrics_count(server->metrics, chy_text("http_refused"), chy_text(label), 1);
}

/** Operations and owners stand in metric labels and log lines. */
static bool is_word(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t lower = chy_ascii_lower(text.ptr[i]);
        bool ok = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                  lower == '-' || lower == '_' || lower == '.';
        if (!ok) {
            return false;
        }
    }
    return text.len != 0 && text.len <= 100;
}

static bool lists_json(const struct chy_route *route)
{
    for (uint64_t i = 0; i < route->media_types.count; i++) {
        const struct chy_slice *listed = chy_view_at(route->media_types, i);
        if (chy_slice_is_nocase(*listed, "application/json")) {
            return true;
        }
    }
    return route->media_types.count == 0;
}

static uint32_t listeners_of(const struct chy_http_mount *mount, const struct chy_route *route)
{
    if (mount->listeners != 0) {
        return mount->listeners;
    }
    uint32_t listeners = 1U << CHY_LISTENER_API;
    if ((route->flags & CHY_ROUTE_PUBLIC) != 0) {
        listeners |= 1U << CHY_LISTENER_PUBLIC;
    }
    return listeners;
}

static chy_status check_route(struct chy_op *op, const struct chy_http_mounted *owner,
                              const struct chy_route *route)
{
    const char *problem = NULL;
    if (!is_word(route->operation) || !is_word(owner->mount.owner)) {
        problem = "operation and owner are words of letters, digits and '-', '_', '.'";
    } else if (route->auth > CHY_AUTH_METHOD) {
        problem = "the authentication mode is not known";
    } else if (route->handle == NULL && owner->mount.quick == NULL) {
        problem = "there is no handler";
    } else if ((route->flags & CHY_ROUTE_PUBLIC) != 0 && route->auth == CHY_AUTH_BEARER) {
        problem = "tokens do not travel over the public listener, which is plain HTTP";
    }
    if (problem == NULL) {
        return CHY_OK;
    }
    return chy_fail(op, CHY_BAD_INPUT, 0, "route '%.*s %.*s' of '%.*s': %s", (int)route->method.len,
                    (const char *)route->method.ptr, (int)route->pattern.len,
                    (const char *)route->pattern.ptr, (int)owner->mount.owner.len,
                    (const char *)owner->mount.owner.ptr, problem);
}

static chy_status add_route(struct chy_http_server *server, struct chy_op *op,
                            const struct chy_http_mounted *owner, const void *element,
                            uint64_t stride)
{
    const struct chy_http_hooks *hooks = &server->config.hooks;
    struct chy_http_slot *slot = calloc(1, sizeof *slot);
    if (slot == NULL) {
        return chy_fail_memory(op);
    }
    slot->next = server->slots;
    server->slots = slot; // freed with the server, also when what follows fails
    // A plugin of an older or newer SDK has shorter or longer elements.
    memcpy(&slot->route, element,
           stride < sizeof slot->route ? (size_t)stride : sizeof slot->route);
    slot->owner = owner;
    slot->takes_json = lists_json(&slot->route);
    CHY_TRY(check_route(op, owner, &slot->route));
    if (slot->route.request_schema.len != 0 && hooks->prepare_schema != NULL) {
        CHY_TRY(
            hooks->prepare_schema(hooks->context, op, slot->route.request_schema, &slot->schema));
    }
    chy_http_counts_init(&slot->counts, server->metrics, owner->mount.owner, slot->route.operation);
    struct chy_router_entry entry = {
        .method = slot->route.method,
        .pattern = slot->route.pattern,
        .owner = owner->mount.owner,
        .listeners = listeners_of(&owner->mount, &slot->route),
        .target = slot,
    };
    return chy_router_add(server->router, op, &entry);
}

chy_status chy_http_server_add(struct chy_http_server *server, struct chy_op *op,
                               const struct chy_http_mount *mount)
{
    struct chy_http_mounted *owner = calloc(1, sizeof *owner);
    if (owner == NULL) {
        return chy_fail_memory(op);
    }
    owner->mount = *mount;
    owner->next = server->mounts;
    server->mounts = owner;
    for (uint64_t i = 0; i < mount->routes.count; i++) {
        CHY_TRY(add_route(server, op, owner, chy_view_at(mount->routes, i), mount->routes.stride));
    }
    return CHY_OK;
}

uint16_t chy_http_server_port(const struct chy_http_server *server, uint32_t kind)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].kind == kind) {
            return server->listeners[i].port;
        }
    }
    return 0;
}

chy_status chy_http_server_reload(struct chy_http_server *server, struct chy_op *op)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        if (server->listeners[i].tls != NULL) {
            CHY_TRY(chy_tls_reload(server->listeners[i].tls, op));
        }
    }
    return CHY_OK;
}
