/** Health, readiness and metrics: answered on the event threads, so that nothing takes them
 *  along. */
#ifndef CHY_HTTP_HEALTH_H
#define CHY_HTTP_HEALTH_H

#include "http/server.h"

/** How long a readiness check holds, in µs. */
#define CHY_HTTP_READY_FOR ((int64_t)1000000)

/**
 * chy_http_health_mount adds `GET /healthz` (the process is alive), `GET /readyz` (the ready
 * hook, kept for a second; 503 while draining) on the API and the metrics listener, and `GET
 * /metrics` (Prometheus text) on the metrics listener and, if configured, on the API.  The server
 * calls it itself.
 */
CHY_MUST_USE chy_status chy_http_health_mount(struct chy_http_server *server, struct chy_op *op);

#endif
