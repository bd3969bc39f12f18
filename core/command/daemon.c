#include "command/daemon.h"

#include "command/api_document.h"
#include "command/hooks.h"
#include "command/upkeep.h"
#include "enroll/publish.h"
#include "schedule/jobs.h"

#include "base/sanitize.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

static const int asked_by[] = {SIGTERM, SIGINT, SIGHUP};
#define SIGNAL_COUNT (sizeof asked_by / sizeof asked_by[0])

static sigset_t signal_set(void)
{
    sigset_t set;
    (void)sigemptyset(&set);
    for (size_t i = 0; i < SIGNAL_COUNT; i++) {
        (void)sigaddset(&set, asked_by[i]);
    }
    return set;
}

void chy_daemon_block_signals(void)
{
    sigset_t set = signal_set();
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN); // a peer that went away is a failed write
    (void)signal(SIGXFSZ, SIG_IGN); // so is a file that may not grow
}

/**
 * raise_limit takes all of a limit that the system grants: descriptors for connections, locked
 * memory for secrets.
 */
static void raise_limit(__rlimit_resource_t which)
{
    struct rlimit limit;
    if (getrlimit(which, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(which, &limit);
    }
}

void chy_daemon_harden(void)
{
    struct rlimit none = {0, 0};
    (void)setrlimit(RLIMIT_CORE, &none);
    raise_limit(RLIMIT_NOFILE);
    raise_limit(RLIMIT_MEMLOCK);
#if !CHY_ASAN
    (void)prctl(PR_SET_DUMPABLE, 0); // the leak checker must be able to trace the process
#endif
}

void chy_daemon_set_log(struct chy_cli *cli, const struct chy_config *config)
{
    cli->log.format = (enum chy_log_format)config->log.format;
    chy_log_set_level(&cli->log, (enum chy_log_level)config->log.level);
}

/* ------------------------------------------------------------------------------------------------
 * The server
 */

static struct chy_http_limits limits_of(const struct chy_config *config)
{
    struct chy_http_limits limits = {
        .body_max = (uint64_t)config->api.body_max,
        .memory_max = (uint64_t)config->workers.request_memory,
        .header_size_max = (uint32_t)config->api.header_max,
        .connections_max = (uint32_t)config->api.connections,
        .connections_per_address = (uint32_t)config->api.connections_per_address,
        .worker_threads = (uint32_t)config->workers.threads,
        .worker_queue = (uint32_t)config->workers.queue,
        .address_rate = (uint32_t)config->limits.requests_per_address,
        .identity_rate = (uint32_t)config->limits.requests_per_identity,
        .header_deadline = config->api.header_timeout,
        .body_deadline = config->api.body_timeout,
        .idle = config->api.idle_timeout,
        .request_deadline = config->api.request_timeout,
    };
    chy_http_limits_fill(&limits);
    return limits;
}

/** text_or_null borrows a configured path, which is NUL-terminated. */
static const char *text_or_null(struct chy_slice text)
{
    return text.len == 0 ? NULL : (const char *)text.ptr;
}

static chy_status make_server(struct chy_daemon *d, struct chy_op *op)
{
    struct chy_assembly *a = d->assembly;
    const struct chy_config *config = a->config;
    struct chy_http_tls_config tls = {
        .certificate_file = text_or_null(config->api.tls_certificate),
        .key_file = text_or_null(config->api.tls_key),
        .client_ca_file = text_or_null(config->api.tls_client_ca),
    };
    struct chy_http_listener_config listeners[CHY_HTTP_LISTENERS] = {
        {.kind = CHY_LISTENER_API,
         .listen = config->api.listen,
         .tls = tls.certificate_file == NULL ? NULL : &tls},
        {.kind = CHY_LISTENER_PUBLIC, .listen = config->public_listener.listen},
        {.kind = CHY_HTTP_LISTENER_METRICS, .listen = config->metrics.listen},
    };
    struct chy_http_config wanted = {
        .host = &a->cli->services.host,
        .clock = a->cli->services.clock,
        .log = &a->cli->log,
        .limits = limits_of(config),
        .hooks = chy_hooks_of(a),
        .listeners = listeners,
        .listener_count = config->metrics.enabled ? 3 : 2,
        .access_log = config->log.level >= CHY_LOG_INFO,
        .trusted_proxies = config->access.trusted_proxies.ptr,
        .trusted_proxy_count = (uint32_t)config->access.trusted_proxies.count,
        .forwarding = (enum chy_http_forwarding)config->access.forwarding_header,
    };
    return chy_http_server_new(op, &wanted, &d->server);
}

static chy_status mount_plugins(struct chy_daemon *d, struct chy_op *op)
{
    struct chy_assembly *a = d->assembly;
    for (size_t i = 0; i < a->prepared.count; i++) {
        struct chy_instance *instance = a->instances[i];
        if (a->prepared.instances[i].interface != CHY_INTERFACE_ENROLLMENT) {
            continue;
        }
        struct chy_http_mount mount = {
            .routes = instance->plugin->enrollment.routes,
            .self = instance->self,
            .owner = instance->name,
            .instance = instance,
            .gate = instance->one_at_a_time ? &instance->lock : NULL,
            .render_error = instance->plugin->enrollment.render_error,
        };
        CHY_TRY(chy_http_server_add(d->server, op, &mount));
    }
    return CHY_OK;
}

static chy_status mount_publish(struct chy_daemon *d, struct chy_op *op)
{
    struct chy_http_mount mount = {
        .routes = chy_publish_routes(),
        .self = &d->assembly->runtime,
        .owner = chy_text("publish"),
        .quick = chy_publish_quick,
        .is_unlimited = true,
    };
    return chy_http_server_add(d->server, op, &mount);
}

static chy_status mount_document(struct chy_daemon *d, struct chy_op *op)
{
    CHY_TRY(chy_api_document_new(op, d->assembly, &d->document));
    return chy_api_document_mount(d->document, op, d->server);
}

static chy_status start_jobs(struct chy_daemon *d, struct chy_op *op)
{
    struct chy_assembly *a = d->assembly;
    struct chy_schedule_config config = {
        .runtime = &a->runtime,
        .host = &a->cli->services.host,
        .log = &a->cli->log,
        .clock = a->cli->services.clock,
        .clock_ahead_tolerance = a->config->pki.clock_ahead_tolerance,
    };
    CHY_TRY(chy_jobs_new(op, &config, &d->schedule));
    for (size_t i = 0; i < a->prepared.count; i++) {
        if (a->prepared.instances[i].interface == CHY_INTERFACE_ENROLLMENT) {
            CHY_TRY(chy_jobs_add_instance(d->schedule, op, a->instances[i]));
        }
    }
    return chy_schedule_start(d->schedule, op);
}

static chy_status start(struct chy_daemon *d, struct chy_op *op)
{
    CHY_TRY(make_server(d, op));
    CHY_TRY(mount_plugins(d, op));
    CHY_TRY(mount_publish(d, op));
    CHY_TRY(mount_document(d, op));
    CHY_TRY(start_jobs(d, op));
    CHY_TRY(chy_upkeep_start(d->assembly, &d->upkeep));
    CHY_TRY(chy_http_server_start(d->server, op)); // last: nothing may be served before this
    d->started = true;
    return CHY_OK;
}

chy_status chy_daemon_start(struct chy_daemon *daemon, struct chy_assembly *assembly)
{
    memset(daemon, 0, sizeof *daemon);
    daemon->assembly = assembly;
    chy_status status = start(daemon, assembly->cli->op);
    if (status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        assembly->cli->op->host->last_error(assembly->cli->op, &error);
        (void)chy_daemon_stop(daemon);
        return assembly->cli->op->host->fail_with(assembly->cli->op, &error);
    }
    chy_log_info(assembly->cli->op, "server.ready", "serving on port %u (API) and %u (public)",
                 chy_http_server_port(daemon->server, CHY_LISTENER_API),
                 chy_http_server_port(daemon->server, CHY_LISTENER_PUBLIC));
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Until the end
 */

static void reload(struct chy_daemon *daemon)
{
    struct chy_op *op = daemon->assembly->cli->op;
    chy_upkeep_reload(daemon->upkeep);
    if (chy_http_server_reload(daemon->server, op) == CHY_OK) {
        chy_log_info(op, "server.reloaded", "the TLS files were read again");
        return;
    }
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    chy_log_warning(op, "server.not-reloaded", "the old TLS files stay in use: %.*s",
                    (int)error.message.len, (const char *)error.message.ptr);
}

void chy_daemon_wait(struct chy_daemon *daemon)
{
    sigset_t set = signal_set();
    int number = SIGHUP;
    while (number == SIGHUP) {
        if (sigwait(&set, &number) != 0) {
            return;
        }
        if (number == SIGHUP) {
            reload(daemon);
        }
    }
    chy_log_info(daemon->assembly->cli->op, "server.ending", "asked to end by signal %d", number);
}

bool chy_daemon_stop(struct chy_daemon *daemon)
{
    struct chy_assembly *a = daemon->assembly;
    bool idle = true;
    if (daemon->started) {
        int64_t deadline = chy_clock_monotonic(chy_clock_real()) + a->config->workers.drain;
        idle = chy_http_server_stop(daemon->server, a->cli->op, deadline) == CHY_OK;
    }
    chy_schedule_free(daemon->schedule);
    daemon->schedule = NULL;
    chy_upkeep_stop(daemon->upkeep);
    daemon->upkeep = NULL;
    if (idle) {
        chy_http_server_free(daemon->server);
        chy_api_document_free(daemon->document);
    } else {
        chy_log_error(a->cli->op, "server.not-drained",
                      "some requests did not end in time; the process ends with them");
    }
    return idle;
}
