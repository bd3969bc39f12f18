#include "http/inside.h"

/** How long answers for abandoned requests may take to leave. */
#define LAST_ANSWERS ((int64_t)500000)
/** How long the event threads may take to see a resumed connection; they never block. */
#define LAST_TURN ((int64_t)5000000)

static int64_t now_us(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

static void on_late(void *context, uint32_t wait)
{
    struct chy_http_server *server = context;
    char label[32];
    (void)snprintf(label, sizeof label, "reason=\"late_%s\"", chy_http_wait_name(wait));
    // Ending an idle connection turns nobody away.
    if (wait != CHY_HTTP_WAIT_IDLE) {
        chy_http_refused(server, label);
    }
}

static chy_status open_listeners(struct chy_http_server *server, struct chy_op *op)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        CHY_TRY(chy_http_listener_open(&server->listeners[i], op));
    }
    return CHY_OK;
}

static void close_listeners(struct chy_http_server *server)
{
    for (uint32_t i = 0; i < server->listener_count; i++) {
        chy_http_listener_close(&server->listeners[i]);
    }
}

chy_status chy_http_server_start(struct chy_http_server *server, struct chy_op *op)
{
    const struct chy_http_limits *limits = &server->config.limits;
    struct chy_pool_config pool = {
        .name = "http-worker",
        .thread_max = limits->worker_threads,
        .queue_max = limits->worker_queue,
    };
    struct chy_http_connections_config connections = {
        .limits = limits,
        .trust = &server->trust,
        .late = on_late,
        .context = server,
    };
    server->pool = chy_pool_new(&pool);
    server->connections = chy_http_connections_new(&connections);
    server->rates = chy_http_rates_new();
    if (server->pool == NULL || server->connections == NULL || server->rates == NULL) {
        return chy_fail_memory(op);
    }
    chy_status status = open_listeners(server, op);
    if (status != CHY_OK) {
        close_listeners(server);
        return status;
    }
    server->started = true;
    return CHY_OK;
}

/** Waits until no request is under way. */
static bool wait_for_quiet(struct chy_http_server *server, int64_t deadline)
{
    bool quiet = atomic_load(&server->in_flight) == 0;
    chy_mutex_lock(&server->lock);
    while (!quiet) {
        bool in_time = chy_cond_wait_until(&server->quieter, &server->lock, deadline);
        quiet = atomic_load(&server->in_flight) == 0;
        if (!in_time) {
            break;
        }
    }
    chy_mutex_unlock(&server->lock);
    return quiet;
}

/** Waits until nothing is suspended, and no worker is on its way to resume a connection. */
static bool wait_for_turn(struct chy_http_server *server, int64_t deadline)
{
    chy_mutex_lock(&server->lock);
    bool in_time = true;
    while (in_time && (server->abandoned != 0 || server->resuming != 0)) {
        in_time = chy_cond_wait_until(&server->quieter, &server->lock, deadline);
    }
    bool ok = server->abandoned == 0 && server->resuming == 0;
    chy_mutex_unlock(&server->lock);
    return ok;
}

chy_status chy_http_server_stop(struct chy_http_server *server, struct chy_op *op, int64_t deadline)
{
    if (!server->started || server->stopped) {
        return CHY_OK;
    }
    server->stopped = true;
    atomic_store(&server->draining, true);
    for (uint32_t i = 0; i < server->listener_count; i++) {
        chy_http_listener_quiesce(&server->listeners[i]);
    }
    bool quiet = wait_for_quiet(server, deadline);
    // libmicrohttpd aborts the process if it is stopped while a connection is suspended, so
    // nothing may be suspended from here on.  Nor may a worker still be inside the call that
    // resumes one, although its answer left: it writes to a descriptor that is closed below.
    chy_http_dispatch_abandon_all(server);
    if (!wait_for_turn(server, now_us() + LAST_TURN)) {
        return chy_fail(op, CHY_BROKEN, 0, "an event thread does not come back");
    }
    if (!quiet) {
        (void)wait_for_quiet(server, now_us() + LAST_ANSWERS);
    }
    close_listeners(server);
    // After the last answer a worker still has a few instructions to go; a handler that was given
    // up may have any number.
    if (!chy_pool_drain(server->pool, now_us() + (quiet ? LAST_TURN : 0))) {
        return chy_fail(op, CHY_TRY_LATER, 0, "handlers still run after the drain deadline");
    }
    return CHY_OK;
}

bool chy_http_server_idle(struct chy_http_server *server)
{
    struct chy_pool_stats stats = {0};
    if (server->pool != NULL) {
        chy_pool_stats(server->pool, &stats);
    }
    return stats.running == 0 && stats.queued == 0;
}

void chy_http_server_stats(struct chy_http_server *server, struct chy_http_stats *out_stats)
{
    memset(out_stats, 0, sizeof *out_stats);
    if (server->connections != NULL) {
        out_stats->connections = chy_http_connections_count(server->connections);
    }
    out_stats->in_flight = atomic_load(&server->in_flight);
    chy_mutex_lock(&server->lock);
    out_stats->working = server->working;
    chy_mutex_unlock(&server->lock);
    out_stats->draining = atomic_load(&server->draining);
}
