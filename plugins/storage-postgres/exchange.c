// One exchange: statements out in one go, answers in; pgs_run() of connection.h.
#include "connection.h"

#include "auto.h"

#include <poll.h>
#include <stdlib.h>

static bool is_prepared(const struct pgs_connection *c, const struct pgs_statement *statement)
{
    uint32_t byte = statement->id / 8;
    return byte < c->prepared_size && (c->prepared[byte] >> (statement->id % 8) & 1) != 0;
}

static bool set_prepared(struct pgs_connection *c, const struct pgs_statement *statement, bool yes)
{
    uint32_t byte = statement->id / 8;
    if (byte >= c->prepared_size) {
        uint32_t size = byte + 32;
        uint8_t *grown = realloc(c->prepared, size);
        if (grown == NULL) {
            return false;
        }
        memset(grown + c->prepared_size, 0, size - c->prepared_size);
        c->prepared = grown;
        c->prepared_size = size;
    }
    uint8_t bit = (uint8_t)(1U << (statement->id % 8));
    c->prepared[byte] = (uint8_t)(yes ? c->prepared[byte] | bit : c->prepared[byte] & ~bit);
    return true;
}

/** All parameters are binary: an array of ones, as libpq wants it. */
static const int *binary_formats(void)
{
#define ONES4 1, 1, 1, 1
#define ONES16 ONES4, ONES4, ONES4, ONES4
#define ONES64 ONES16, ONES16, ONES16, ONES16
#define ONES256 ONES64, ONES64, ONES64, ONES64
#define ONES1024 ONES256, ONES256, ONES256, ONES256
    static const int ones[] = {ONES1024, ONES1024, ONES1024, ONES1024};
    CHY_STATIC_ASSERT(sizeof ones / sizeof ones[0] == PGS_PARAMETERS_MAX, "as many as parameters");
    return ones;
}

static bool send_call(struct pgs_connection *c, struct pgs_call *call)
{
    const struct pgs_statement *s = call->statement;
    int count = (int)s->parameter_count;
    call->prepares = false;
    if (!s->named) {
        return PQsendQueryParams(c->pg, s->sql, count, s->types, call->values, call->lengths,
                                 binary_formats(), 1) == 1;
    }
    if (!is_prepared(c, s)) {
        if (PQsendPrepare(c->pg, s->name, s->sql, count, s->types) != 1 ||
            !set_prepared(c, s, true)) {
            return false;
        }
        call->prepares = true;
    }
    return PQsendQueryPrepared(c->pg, s->name, count, call->values, call->lengths, binary_formats(),
                               1) == 1;
}

static bool send_all(struct pgs_connection *c, struct pgs_call *calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        if (!send_call(c, &calls[i]) || (calls[i].flush && PQsendFlushRequest(c->pg) != 1)) {
            return false;
        }
    }
    return PQpipelineSync(c->pg) == 1;
}

/** Waits until an answer can be read without waiting. */
static enum pgs_end wait_answer(struct pgs_connection *c, int64_t until)
{
    while (PQisBusy(c->pg) == 1) {
        int pending = PQflush(c->pg);
        struct pollfd fd = {PQsocket(c->pg), (short)(POLLIN | (pending == 1 ? POLLOUT : 0)), 0};
        int64_t left_us = until == PGS_NEVER ? 60000000 : until - pgs_now();
        if (left_us <= 0) {
            return PGS_LATE;
        }
        int ready = poll(&fd, 1, (int)(left_us < 60000000 ? left_us / 1000 + 1 : 60000));
        // A failure to read leaves what did arrive to be read; PQgetResult() tells the rest.
        if (ready > 0 && PQconsumeInput(c->pg) != 1) {
            return PGS_DONE;
        }
    }
    return PGS_DONE;
}

/** What the reading of answers keeps. */
struct reading {
    struct pgs_connection *connection;
    int64_t until;
    struct pgs_failure *failure;
};

/** next_result takes one answer; NULL at the end of a statement's answers. */
static enum pgs_end next_result(struct reading *r, PGresult **out_result)
{
    enum pgs_end end = wait_answer(r->connection, r->until);
    if (end == PGS_DONE) {
        *out_result = PQgetResult(r->connection->pg);
        if (PQstatus(r->connection->pg) == CONNECTION_BAD) {
            r->connection->broken = true;
        }
    }
    return end;
}

static bool is_good(const PGresult *result)
{
    ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

static void note_failure(struct reading *r, uint32_t call, const PGresult *result)
{
    if (r->failure->end != PGS_DONE) {
        return; // what follows the first is its consequence
    }
    pgs_failure_read(r->failure, r->connection->pg, result);
    r->failure->call = call;
    const char *severity = PQresultErrorField(result, PG_DIAG_SEVERITY_NONLOCALIZED);
    if (severity == NULL || strcmp(severity, "ERROR") != 0) {
        r->connection->broken = true;
    }
}

/** read_statement reads the answers up to the NULL that ends them; keeps the first in `*slot`. */
static enum pgs_end read_statement(struct reading *r, uint32_t call, PGresult **slot)
{
    for (;;) {
        PGS_AUTO(pgs_clear) PGresult *result = NULL;
        enum pgs_end end = next_result(r, &result);
        if (end != PGS_DONE) {
            return end;
        }
        if (result == NULL) {
            return PGS_DONE;
        }
        if (!is_good(result)) {
            if (PQresultStatus(result) != PGRES_PIPELINE_ABORTED) {
                note_failure(r, call, result);
            }
            if (r->connection->broken) {
                return PGS_LOST;
            }
        } else if (slot != NULL && *slot == NULL) {
            *slot = result;
            result = NULL;
        }
    }
}

static enum pgs_end read_call(struct reading *r, uint32_t number, struct pgs_call *call)
{
    if (call->prepares) {
        PGresult *prepared = NULL;
        enum pgs_end end = read_statement(r, number, &prepared);
        if (prepared == NULL) {
            (void)set_prepared(r->connection, call->statement, false);
        }
        PQclear(prepared);
        if (end != PGS_DONE) {
            return end;
        }
    }
    return read_statement(r, number, &call->result);
}

static enum pgs_end read_all(struct reading *r, struct pgs_call *calls, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        enum pgs_end end = read_call(r, i, &calls[i]);
        if (end != PGS_DONE) {
            return end;
        }
    }
    if (r->connection->broken) {
        return PGS_DONE; // the answers are what they are; nothing comes after them
    }
    PGS_AUTO(pgs_clear) PGresult *sync = NULL;
    enum pgs_end end = next_result(r, &sync);
    if (end != PGS_DONE || PQresultStatus(sync) != PGRES_PIPELINE_SYNC) {
        r->connection->broken = true;
    }
    return PGS_DONE;
}

enum pgs_end pgs_run(struct pgs_connection *connection, struct pgs_call *calls, uint32_t count,
                     int64_t until, struct pgs_failure *out_failure)
{
    memset(out_failure, 0, sizeof *out_failure);
    struct reading r = {connection, until, out_failure};
    if (!send_all(connection, calls, count)) {
        connection->broken = true;
        out_failure->end = PGS_LOST;
        pgs_failure_say(out_failure, PQerrorMessage(connection->pg));
        return PGS_LOST;
    }
    enum pgs_end end = read_all(&r, calls, count);
    if (end != PGS_DONE) {
        connection->broken = true;
        // An error that the server sent before it fell silent is what happened.
        out_failure->end = out_failure->end == PGS_REFUSED ? PGS_REFUSED : end;
    }
    return out_failure->end;
}
