#include "server.h"

#include <check.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static const char *required(const char *name)
{
    const char *value = getenv(name);
    ck_assert_msg(value != NULL, "%s is not set: run this with tests/support/with-postgres", name);
    return value;
}

const char *server_conninfo(void)
{
    return required("CHANCERY_TEST_POSTGRES");
}

uint16_t server_port(void)
{
    const char *at = strstr(server_conninfo(), "port=");
    ck_assert_ptr_nonnull(at);
    return (uint16_t)strtoul(at + strlen("port="), NULL, 10);
}

static int control(const char *what, const char *mode)
{
    const char *program = required("CHANCERY_TEST_POSTGRES_CTL");
    char *arguments[] = {strdup(program), strdup(what), mode == NULL ? NULL : strdup(mode), NULL};
    pid_t child = 0;
    int status = -1;
    ck_assert_int_eq(posix_spawn(&child, program, NULL, NULL, arguments, environ), 0);
    ck_assert_int_eq(waitpid(child, &status, 0), child);
    for (size_t i = 0; i < 3; i++) {
        free(arguments[i]);
    }
    return status;
}

void server_control(const char *what, const char *mode)
{
    ck_assert_msg(control(what, mode) == 0, "the server does not %s", what);
}

void server_ensure_running(void)
{
    if (control("status", NULL) != 0) {
        server_control("start", NULL);
    }
}

static void ignore_notice(void *arg, const char *message)
{
    // "PID … is not a PostgreSQL backend process": a session ended before we could end it.
    (void)arg;
    (void)message;
}

PGconn *server_session(void)
{
    PGconn *session = PQconnectdb(server_conninfo());
    (void)PQsetNoticeProcessor(session, ignore_notice, NULL);
    ck_assert_msg(PQstatus(session) == CONNECTION_OK, "%s", PQerrorMessage(session));
    return session;
}

int64_t server_run(PGconn *session, const char *sql)
{
    PGresult *result = PQexec(session, sql);
    ExecStatusType status = PQresultStatus(result);
    ck_assert_msg(status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK, "%s: %s", sql,
                  PQerrorMessage(session));
    int64_t number = 0;
    if (PQntuples(result) != 0 && PQnfields(result) != 0) {
        number = strtoll(PQgetvalue(result, 0, 0), NULL, 10);
    }
    PQclear(result);
    return number;
}

int64_t server_ask(const char *sql)
{
    PGconn *session = server_session();
    int64_t number = server_run(session, sql);
    PQfinish(session);
    return number;
}

int64_t server_end_sessions(void)
{
    return server_ask("SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                      "WHERE application_name LIKE 'chancery %'");
}

void pause_ms(int ms)
{
    struct timespec pause = {ms / 1000, ms % 1000 * 1000000L};
    (void)nanosleep(&pause, NULL);
}
