/** The daemon: listeners, jobs and signals around an assembly. */
#ifndef CHY_COMMAND_DAEMON_H
#define CHY_COMMAND_DAEMON_H

#include "command/assembly.h"
#include "http/server.h"

struct chy_api_document;
struct chy_schedule;
struct chy_upkeep;

struct chy_daemon {
    struct chy_assembly *assembly;
    struct chy_http_server *server;
    struct chy_api_document *document;
    struct chy_schedule *schedule;
    struct chy_upkeep *upkeep;
    bool started;
};

/**
 * chy_daemon_start opens the listeners and begins the jobs.  Signals are blocked in every thread
 * from here on; chy_daemon_wait() takes them.
 */
CHY_MUST_USE chy_status chy_daemon_start(struct chy_daemon *daemon, struct chy_assembly *assembly);
/** chy_daemon_wait returns when the process is asked to end.  SIGHUP reads the TLS files again. */
void chy_daemon_wait(struct chy_daemon *daemon);
/** chy_daemon_stop drains and closes; false: some requests did not end in time. */
bool chy_daemon_stop(struct chy_daemon *daemon);

/** chy_daemon_block_signals makes every thread that starts from now on leave signals to
 *  chy_daemon_wait().  Before anything starts threads. */
void chy_daemon_block_signals(void);

/** chy_daemon_harden keeps the process out of core dumps and debuggers' reach, as far as it may. */
void chy_daemon_harden(void);
/** chy_daemon_set_log brings the log into the configured form. */
void chy_daemon_set_log(struct chy_cli *cli, const struct chy_config *config);

#endif
