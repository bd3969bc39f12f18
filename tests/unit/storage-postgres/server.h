/**
 * The tests' PostgreSQL server, seen from beside the plugin: tests/support/with-postgres started
 * it.
 */
#ifndef TEST_POSTGRES_SERVER_H
#define TEST_POSTGRES_SERVER_H

#include <libpq-fe.h>
#include <stdint.h>

/** server_conninfo is its connection string. */
const char *server_conninfo(void);
/** server_port is its TCP port on 127.0.0.1. */
uint16_t server_port(void);

/** server_control runs with-postgres's control program: "stop", "start", "restart", with a mode or
 *  NULL.  The test fails when it does. */
void server_control(const char *what, const char *mode);
/** server_ensure_running starts it when a test left it stopped. */
void server_ensure_running(void);

/** server_session opens a session of the test's own. */
PGconn *server_session(void);
/** server_run runs SQL on it and returns the first column of the first row as a number, or 0. */
int64_t server_run(PGconn *session, const char *sql);
/** server_ask does so on a session for this once. */
int64_t server_ask(const char *sql);
/** server_end_sessions ends every session of the plugin; returns how many there were. */
int64_t server_end_sessions(void);

/** pause_ms sleeps. */
void pause_ms(int ms);

#endif
