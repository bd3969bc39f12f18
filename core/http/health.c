#include "http/health.h"

#include "http/inside.h"

#include <stdlib.h>

/** A check that takes longer than this makes the answer "not ready" rather than a wait. */
#define READY_PATIENCE ((int64_t)5000000)
#define METRICS_MAX ((size_t)8 << 20)

struct chy_http_health {
    struct chy_http_server *server;
    struct chy_mutex lock; // guards the members below
    int64_t checking;      // since when a worker makes a check; 0: none does
    bool is_ready;
    int64_t checked; // when the check that gave `is_ready` began; 0: never
};

static int64_t now_us(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

static bool answer_alive(void *self, struct chy_op *op, const struct chy_route *route,
                         const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)self;
    (void)op;
    (void)route;
    (void)request;
    out_answer->media_type = chy_text("application/json");
    out_answer->body = chy_text("{\"status\":\"ok\"}");
    return true;
}

static void answer_ready(struct chy_http_answer *answer, bool is_ready, const char *why)
{
    answer->status = is_ready ? 200 : 503;
    answer->media_type = chy_text("application/json");
    answer->body = chy_text(why);
}

static bool answer_from_cache_locked(struct chy_http_health *health, struct chy_http_answer *answer)
{
    chy_mutex_assert_held(&health->lock);
    int64_t now = now_us();
    int64_t age = now - health->checked;
    if (health->checked != 0 && age < CHY_HTTP_READY_FOR) {
        answer_ready(answer, health->is_ready,
                     health->is_ready ? "{\"status\":\"ready\"}" : "{\"status\":\"not ready\"}");
        return true;
    }
    // One that was never made, because the workers were all taken, must not stand in the way for
    // ever.
    if (health->checking == 0 || now - health->checking > READY_PATIENCE) {
        health->checking = now;
        return false; // the caller's worker makes the check
    }
    // Another request makes it: the last answer holds a little longer, then silence means
    // trouble.
    bool is_ready = health->is_ready && age < READY_PATIENCE;
    answer_ready(answer, is_ready,
                 is_ready ? "{\"status\":\"ready\"}" : "{\"status\":\"check under way\"}");
    return true;
}

static bool answer_ready_quick(void *self, struct chy_op *op, const struct chy_route *route,
                               const struct chy_http_request *request,
                               struct chy_http_answer *out_answer)
{
    struct chy_http_health *health = self;
    (void)op;
    (void)route;
    (void)request;
    if (atomic_load(&health->server->draining)) {
        answer_ready(out_answer, false, "{\"status\":\"draining\"}");
        return true;
    }
    if (health->server->config.hooks.ready == NULL) {
        answer_ready(out_answer, true, "{\"status\":\"ready\"}");
        return true;
    }
    chy_mutex_lock(&health->lock);
    bool answered = answer_from_cache_locked(health, out_answer);
    chy_mutex_unlock(&health->lock);
    return answered;
}

/** Runs on a worker, for one request at a time. */
static chy_status check_ready(void *self, struct chy_op *op, const struct chy_route *route,
                              const struct chy_http_request *request,
                              struct chy_http_answer *out_answer)
{
    struct chy_http_health *health = self;
    const struct chy_http_hooks *hooks = &health->server->config.hooks;
    int64_t began = now_us();
    (void)route;
    (void)request;
    chy_status status = hooks->ready(hooks->context, op);
    chy_mutex_lock(&health->lock);
    bool changed = health->checked == 0 || health->is_ready != (status == CHY_OK);
    health->is_ready = status == CHY_OK;
    health->checked = began;
    health->checking = 0;
    chy_mutex_unlock(&health->lock);
    if (changed && status != CHY_OK) {
        struct chy_error error;
        op->host->last_error(op, &error);
        chy_log_warning(op, "http.not_ready", "%.*s", (int)error.message.len,
                        (const char *)error.message.ptr);
    } else if (changed) {
        chy_log_info(op, "http.ready", "storage and crypto answer");
    }
    answer_ready(out_answer, status == CHY_OK,
                 status == CHY_OK ? "{\"status\":\"ready\"}" : "{\"status\":\"not ready\"}");
    return CHY_OK;
}

static void gather_gauges(struct chy_http_server *server)
{
    struct chy_http_stats stats;
    struct chy_pool_stats pool;
    const struct chy_slice none = {NULL, 0};
    chy_http_server_stats(server, &stats);
    chy_pool_stats(server->pool, &pool);
    const struct {
        const char *name;
        int64_t value;
    } gauges[] = {
        {"http_connections", stats.connections}, {"http_in_flight", stats.in_flight},
        {"http_draining", stats.draining},       {"http_workers", pool.threads},
        {"http_workers_busy", pool.running},     {"http_queue", pool.queued},
    };
    for (size_t i = 0; i < sizeof gauges / sizeof gauges[0]; i++) {
        chy_metrics_gauge(server->metrics, chy_text(gauges[i].name), none, gauges[i].value);
    }
    if (server->config.hooks.gather != NULL) {
        server->config.hooks.gather(server->config.hooks.context);
    }
}

static bool answer_metrics(void *self, struct chy_op *op, const struct chy_route *route,
                           const struct chy_http_request *request,
                           struct chy_http_answer *out_answer)
{
    struct chy_http_health *health = self;
    struct chy_buf text;
    (void)route;
    (void)request;
    gather_gauges(health->server);
    chy_buf_init(&text, op, METRICS_MAX);
    chy_metrics_write(health->server->metrics, &text);
    if (!chy_buf_ok(&text)) {
        answer_ready(out_answer, false, "{\"status\":\"the metrics do not fit\"}");
        return true;
    }
    out_answer->media_type = chy_text("text/plain; version=0.0.4; charset=utf-8");
    out_answer->body = chy_buf_slice(&text);
    return true;
}

void chy_http_health_free(struct chy_http_health *health)
{
    if (health != NULL) {
        chy_mutex_fini(&health->lock);
        free(health);
    }
}

static chy_status mount(struct chy_http_server *server, struct chy_op *op, const char *path,
                        const char *operation, chy_route_fn *handle, chy_http_quick_fn *quick,
                        uint32_t listeners)
{
    struct chy_route route = {
        .method = chy_text("GET"),
        .pattern = chy_text(path),
        .operation = chy_text(operation),
        .auth = CHY_AUTH_NONE,
        .handle = handle,
    };
    struct chy_http_mount mount = {
        .routes = {&route, 1, sizeof route},
        .self = server->health,
        .owner = chy_text("core"),
        .quick = quick,
        .listeners = listeners,
        .is_unlimited = true,
    };
    return chy_http_server_add(server, op, &mount);
}

chy_status chy_http_health_mount(struct chy_http_server *server, struct chy_op *op)
{
    server->health = calloc(1, sizeof *server->health);
    if (server->health == NULL) {
        return chy_fail_memory(op);
    }
    server->health->server = server;
    chy_mutex_init(&server->health->lock);
    uint32_t both = 1U << CHY_LISTENER_API | 1U << CHY_HTTP_LISTENER_METRICS;
    uint32_t metrics = server->config.metrics_on_api ? both : 1U << CHY_HTTP_LISTENER_METRICS;
    CHY_TRY(mount(server, op, "/healthz", "health", NULL, answer_alive, both));
    CHY_TRY(mount(server, op, "/readyz", "ready", check_ready, answer_ready_quick, both));
    return mount(server, op, "/metrics", "metrics", NULL, answer_metrics, metrics);
}
