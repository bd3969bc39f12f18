#include "status.h"

#include <stdio.h>

/**
 * SQLSTATE by class, the longest match wins.  What is not here is a bug, ours or the server's.
 * https://www.postgresql.org/docs/current/errcodes-appendix.html
 */
static const struct {
    const char *sqlstate;
    chy_status status;
} statuses[] = {
    {"08", CHY_TRY_LATER},    // connection exception
    {"08007", CHY_UNCERTAIN}, // transaction resolution unknown
    {"08P01", CHY_BROKEN},    // protocol violation
    {"22", CHY_BROKEN},       // data exception: we check values before they are sent
    {"22021", CHY_BAD_INPUT}, // character not in repertoire
    {"23", CHY_BROKEN},       // integrity constraint violation
    {"23505", CHY_CONFLICT},  // unique violation
    {"25006", CHY_TRY_LATER}, // read-only transaction: a standby, until it is promoted
    {"25P03", CHY_TRY_LATER}, // idle in transaction for too long
    {"26", CHY_TRY_LATER},    // prepared statement gone: a pooler gave us another session
    {"28", CHY_BROKEN},       // role or password refused
    {"3D", CHY_BROKEN},       // no such database
    {"40", CHY_TRY_LATER},    // transaction rollback: deadlock, serialization
    {"40003", CHY_UNCERTAIN}, // statement completion unknown
    {"42", CHY_BROKEN},       // syntax error, no such table, no privilege
    {"53", CHY_TRY_LATER},    // disk full, out of memory, too many connections
    {"54000", CHY_BAD_INPUT}, // program limit exceeded: a value too long for an index
    {"55P03", CHY_TRY_LATER}, // lock not available
    {"57014", CHY_TRY_LATER}, // query cancelled: statement_timeout
    {"57P", CHY_TRY_LATER},   // the server shuts down, starts up, or ended our session
    {"58", CHY_BROKEN},       // system error: input/output
    {"XX", CHY_BROKEN},       // internal error, data corrupted
};

chy_status pgs_status_of(const char *sqlstate)
{
    chy_status status = CHY_BROKEN;
    size_t best = 0;
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        size_t len = strlen(statuses[i].sqlstate);
        if (len > best && strncmp(sqlstate, statuses[i].sqlstate, len) == 0) {
            best = len;
            status = statuses[i].status;
        }
    }
    return status;
}

bool pgs_failure_is(const struct pgs_failure *failure, const char *class_or_code)
{
    return strncmp(failure->sqlstate, class_or_code, strlen(class_or_code)) == 0;
}

void pgs_failure_say(struct pgs_failure *out_failure, const char *text)
{
    size_t used = 0;
    bool gap = false;
    for (const char *at = text; *at != '\0' && used + 3 < sizeof out_failure->message; at++) {
        if ((unsigned char)*at <= ' ' || *at == 0x7F) {
            gap = used != 0;
            continue;
        }
        if (gap) {
            out_failure->message[used++] = ' ';
            gap = false;
        }
        out_failure->message[used++] = *at;
    }
    out_failure->message[used] = '\0';
}

static void take(char *out, size_t size, const char *text)
{
    (void)snprintf(out, size, "%s", text == NULL ? "" : text);
}

void pgs_failure_read(struct pgs_failure *out_failure, const PGconn *pg, const PGresult *result)
{
    const char *sqlstate = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    take(out_failure->sqlstate, sizeof out_failure->sqlstate, sqlstate);
    take(out_failure->constraint, sizeof out_failure->constraint,
         PQresultErrorField(result, PG_DIAG_CONSTRAINT_NAME));
    // libpq's own errors, such as a lost connection, have no SQLSTATE.
    out_failure->end = out_failure->sqlstate[0] != '\0' ? PGS_REFUSED : PGS_LOST;
    if (primary == NULL) {
        primary = result != NULL ? PQresultErrorMessage(result) : PQerrorMessage(pg);
    }
    pgs_failure_say(out_failure, primary);
}

/**
 * The code as a number, so that `native_code` can carry it: base 36, as its letters and digits are.
 */
static int64_t native_code(const char *sqlstate)
{
    int64_t code = 0;
    for (const char *at = sqlstate; *at != '\0'; at++) {
        code = code * 36 + (*at <= '9' ? *at - '0' : *at - 'A' + 10);
    }
    return code;
}

chy_status pgs_fail(struct chy_op *op, const struct pgs_failure *failure, const char *doing)
{
    if (failure->end == PGS_LATE) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT, "%s: %s", doing,
                               failure->message[0] != '\0' ? failure->message
                                                           : "no answer in time");
    }
    if (failure->end == PGS_UNKNOWN) {
        return chy_fail(op, CHY_UNCERTAIN, 0, "%s: the connection was lost during the commit: %s",
                        doing, failure->message);
    }
    if (failure->sqlstate[0] == '\0') {
        return chy_fail(op, CHY_TRY_LATER, 0, "%s: %s", doing,
                        failure->message[0] != '\0' ? failure->message
                                                    : "the connection to PostgreSQL was lost");
    }
    return chy_fail(op, pgs_status_of(failure->sqlstate), native_code(failure->sqlstate),
                    "%s: %s (SQLSTATE %s)", doing, failure->message, failure->sqlstate);
}
