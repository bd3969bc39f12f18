#include "connection.h"

#include "auto.h"
#include "store.h"

#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define OLDEST_SERVER 130000 // 13; sorts incrementally, which pages in descending order need

int64_t pgs_now(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t pgs_until(struct chy_op *op)
{
    int64_t deadline = chy_deadline(op);
    if (deadline == CHY_NO_DEADLINE) {
        return PGS_NEVER;
    }
    // The host's clock may be another one, which tests move.
    return pgs_now() + (deadline - chy_monotonic(op));
}

/** Waits for the socket.  False: the time is over. */
static bool wait_for(const PGconn *pg, short events, int64_t until)
{
    struct pollfd fd = {PQsocket(pg), events, 0};
    for (;;) {
        int64_t left_ms = 60000;
        if (until != PGS_NEVER) {
            int64_t left_us = until - pgs_now();
            if (left_us <= 0) {
                return false;
            }
            left_ms = left_us / 1000 < left_ms ? left_us / 1000 + 1 : left_ms;
        }
        if (poll(&fd, 1, (int)left_ms) > 0) {
            return true;
        }
    }
}

static void ignore_notice(void *arg, const char *message)
{
    // libpq would print it.
    (void)arg;
    (void)message;
}

static PGconn *begin_connecting(const struct pgs_settings *settings)
{
    char name[80];
    (void)snprintf(name, sizeof name, "chancery %s", settings->name);
    // What comes before dbname, the operator's connection string may set otherwise.
    const char *const keywords[] = {"application_name", "keepalives_idle",  "keepalives_interval",
                                    "keepalives_count", "tcp_user_timeout", "target_session_attrs",
                                    "dbname",           "client_encoding",  NULL};
    const char *const values[] = {name,   "30", "5", "3", "30000", "read-write", settings->conninfo,
                                  "UTF8", NULL};
    return PQconnectStartParams(keywords, values, 1);
}

/** Goes on until connected, refused, or late. */
static enum pgs_end finish_connecting(PGconn *pg, int64_t until)
{
    PostgresPollingStatusType next = PGRES_POLLING_WRITING;
    while (PQstatus(pg) != CONNECTION_BAD) {
        if (!wait_for(pg, next == PGRES_POLLING_READING ? POLLIN : POLLOUT, until)) {
            return PGS_LATE;
        }
        next = PQconnectPoll(pg);
        if (next == PGRES_POLLING_OK) {
            return PGS_DONE;
        }
        if (next == PGRES_POLLING_FAILED) {
            return PGS_LOST;
        }
    }
    return PGS_LOST;
}

/**
 * What each session wants.  A server that does not know a setting is left alone.
 * synchronous_commit is raised where it would let a commit be lost, and stays where it is stronger
 * than ours.
 */
static const char settings_sql[] =
    "SELECT set_config(s.name, v.value, false) FROM pg_catalog.pg_settings AS s JOIN (VALUES "
    "('statement_timeout', $1), ('idle_in_transaction_session_timeout', '60000'), "
    "('client_connection_check_interval', '2000'), ('jit', 'off'), ('search_path', 'pg_catalog'), "
    "('synchronous_commit', 'on')) AS v(name, value) ON v.name = s.name "
    "WHERE s.name <> 'synchronous_commit' OR s.setting = 'off'";

static enum pgs_end greet(struct pgs_connection *c, const struct pgs_settings *settings,
                          int64_t until, struct pgs_failure *out_failure)
{
    static const Oid types[] = {PGS_TEXT};
    static const struct pgs_statement set = {
        .parameter_count = 1, .types = types, .sql = settings_sql};
    static const struct pgs_statement name = {.sql = "SELECT pg_catalog.gen_random_uuid()"};
    char timeout[24];
    (void)snprintf(timeout, sizeof timeout, "%lld",
                   (long long)(settings->statement_timeout_us / 1000));
    const char *value = timeout;
    int len = (int)strlen(timeout);
    struct pgs_call calls[] = {{.statement = &set, .values = &value, .lengths = &len},
                               {.statement = &name}};
    enum pgs_end end = pgs_run(c, calls, 2, until, out_failure);
    if (end == PGS_DONE && PQgetlength(calls[1].result, 0, 0) == (int)sizeof c->marker) {
        memcpy(c->marker, PQgetvalue(calls[1].result, 0, 0), sizeof c->marker);
    } else if (end == PGS_DONE) {
        pgs_failure_say(out_failure, "the server does not answer as PostgreSQL does");
        end = PGS_LOST;
    }
    pgs_calls_clear(calls, 2);
    return end;
}

static enum pgs_end connect_to(struct pgs_connection *c, const struct pgs_settings *settings,
                               int64_t until, struct pgs_failure *out_failure)
{
    c->pg = begin_connecting(settings);
    if (c->pg == NULL) {
        pgs_failure_say(out_failure, "out of memory");
        return PGS_LOST;
    }
    (void)PQsetNoticeProcessor(c->pg, ignore_notice, NULL);
    enum pgs_end end = finish_connecting(c->pg, until);
    if (end == PGS_LATE) {
        return PGS_LATE;
    }
    if (end != PGS_DONE) {
        pgs_failure_say(out_failure, PQerrorMessage(c->pg));
        return PGS_LOST;
    }
    if (PQserverVersion(c->pg) < OLDEST_SERVER) {
        pgs_failure_say(out_failure, "the server is older than PostgreSQL 13");
        return PGS_LOST;
    }
    if (PQsetnonblocking(c->pg, 1) != 0 || PQenterPipelineMode(c->pg) != 1) {
        pgs_failure_say(out_failure, "the connection cannot be set up");
        return PGS_LOST;
    }
    return greet(c, settings, until, out_failure);
}

enum pgs_end pgs_connection_open(const struct pgs_settings *settings, int64_t until,
                                 struct pgs_connection **out_connection,
                                 struct pgs_failure *out_failure)
{
    memset(out_failure, 0, sizeof *out_failure);
    struct pgs_connection *c = calloc(1, sizeof *c);
    if (c == NULL) {
        pgs_failure_say(out_failure, "out of memory");
        return PGS_LOST;
    }
    enum pgs_end end = connect_to(c, settings, until, out_failure);
    if (end != PGS_DONE) {
        out_failure->end = end;
        pgs_connection_close(c);
        return end;
    }
    *out_connection = c;
    return PGS_DONE;
}

void pgs_connection_close(struct pgs_connection *connection)
{
    if (connection != NULL) {
        PQfinish(connection->pg);
        free(connection->prepared);
        free(connection);
    }
}

bool pgs_connection_is_alive(struct pgs_connection *connection)
{
    struct pollfd fd = {PQsocket(connection->pg), POLLIN, 0};
    if (connection->broken || poll(&fd, 1, 0) < 0) {
        return false;
    }
    // An idle session has nothing to say, but that it ends, or that a setting of the server
    // changed.
    return fd.revents == 0 || (PQconsumeInput(connection->pg) == 1 &&
                               PQstatus(connection->pg) == CONNECTION_OK && poll(&fd, 1, 0) == 0);
}

void pgs_connection_forget(struct pgs_connection *connection)
{
    if (connection->prepared_size != 0) {
        memset(connection->prepared, 0, connection->prepared_size);
    }
}

int64_t pgs_result_int(const PGresult *result, int row, int column)
{
    if (result == NULL || row >= PQntuples(result) || column >= PQnfields(result) ||
        PQgetisnull(result, row, column) || PQgetlength(result, row, column) != 8) {
        return 0;
    }
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(result, row, column);
    uint64_t bits = 0;
    for (int i = 0; i < 8; i++) {
        bits = bits << 8 | bytes[i];
    }
    return (int64_t)bits;
}

struct pgs_call pgs_call_of(const struct pgs_statement *statement, const struct pgs_query *query)
{
    struct pgs_call call = {
        .statement = statement, .values = query->values, .lengths = query->lengths};
    return call;
}

void pgs_calls_clear(struct pgs_call *calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        PQclear(calls[i].result);
        calls[i].result = NULL;
    }
}
