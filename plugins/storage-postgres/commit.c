#include "commit.h"

#include "settle.h"
#include "store.h"

#include <time.h>

#define ATTEMPTS_MAX 6
#define LEAD_MAX 4U // BEGIN, time limit, clean-up, marker

/** The calls of one transaction around its steps. */
struct transaction {
    struct pgs_call *calls;
    uint32_t count;
    uint32_t marker; // which call it is
    uint32_t lead;   // calls before the first step
    struct pgs_mark mark;
    struct pgs_query limit;
    struct pgs_query clean;
    struct pgs_query set_mark;
};

/** The statements without parameters, known by text like all others. */
static chy_status plain_call(const struct pgs_commit *c, const char *sql, struct pgs_call *out_call)
{
    struct pgs_query query;
    const struct pgs_statement *statement = NULL;
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, sql);
    CHY_TRY(pgs_query_statement(&c->store->statements, &query, &statement));
    *out_call = pgs_call_of(statement, &query);
    return CHY_OK;
}

static chy_status query_call(const struct pgs_commit *c, const struct pgs_query *query,
                             struct pgs_call *out_call)
{
    const struct pgs_statement *statement = NULL;
    CHY_TRY(pgs_query_statement(&c->store->statements, query, &statement));
    *out_call = pgs_call_of(statement, query);
    return CHY_OK;
}

/**
 * A deadline that comes before statement_timeout would is told to the server, for this transaction.
 */
static chy_status add_limit(const struct pgs_commit *c, struct transaction *t)
{
    int64_t left_us = c->until == PGS_NEVER ? INT64_MAX : c->until - pgs_now();
    if (left_us >= c->store->settings.statement_timeout_us) {
        return CHY_OK;
    }
    pgs_query_init(&t->limit, c->op);
    pgs_query_add(&t->limit, "SELECT set_config('statement_timeout', (");
    pgs_query_int(&t->limit, left_us < 1000 ? 1 : left_us / 1000);
    pgs_query_add(&t->limit, "::bigint)::text, true)");
    return query_call(c, &t->limit, &t->calls[t->count++]);
}

static chy_status add_lead(const struct pgs_commit *c, struct pgs_connection *connection,
                           struct transaction *t)
{
    CHY_TRY(
        plain_call(c, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE", &t->calls[t->count++]));
    CHY_TRY(add_limit(c, t));
    if (connection->marked == 0) {
        pgs_query_init(&t->clean, c->op);
        pgs_mark_clean_sql(c->store, c->op, &t->clean);
        CHY_TRY(query_call(c, &t->clean, &t->calls[t->count++]));
    }
    memcpy(t->mark.id, connection->marker, sizeof t->mark.id);
    t->mark.count = connection->marked + 1;
    pgs_query_init(&t->set_mark, c->op);
    pgs_mark_set_sql(c->store, c->op, &t->mark, &t->set_mark);
    t->marker = t->count;
    CHY_TRY(query_call(c, &t->set_mark, &t->calls[t->count++]));
    t->lead = t->count;
    return CHY_OK;
}

static chy_status build(const struct pgs_commit *c, struct pgs_connection *connection,
                        struct transaction *t)
{
    memset(t, 0, sizeof *t);
    t->calls = chy_alloc(c->op, (c->steps->count + LEAD_MAX + 1) * sizeof *t->calls);
    if (t->calls == NULL) {
        return chy_fail_memory(c->op);
    }
    CHY_TRY(add_lead(c, connection, t));
    bool answers = false;
    for (uint32_t i = 0; i < c->steps->count; i++) {
        const struct pgs_step *step = &c->steps->items[i];
        t->calls[t->count++] = step->call;
        answers = answers || (step->answer != PGS_SILENT && step->answer != PGS_FRESH);
    }
    // With the answers out before the commit begins, a commit that is settled later has its
    // results.
    t->calls[t->count - 1].flush = answers;
    return plain_call(c, "COMMIT", &t->calls[t->count++]);
}

static void keep_answers(const struct pgs_commit *c, struct transaction *t)
{
    for (uint32_t i = 0; i < c->steps->count; i++) {
        c->steps->items[i].call.result = t->calls[t->lead + i].result;
        t->calls[t->lead + i].result = NULL;
    }
}

static void roll_back(const struct pgs_commit *c, struct pgs_connection *connection)
{
    struct pgs_call call;
    struct pgs_failure failure;
    if (connection->broken) {
        return;
    }
    if (plain_call(c, "ROLLBACK", &call) != CHY_OK) {
        connection->broken = true;
        return;
    }
    if (pgs_run(connection, &call, 1, pgs_now() + 5000000, &failure) != PGS_DONE) {
        connection->broken = true;
    }
    pgs_calls_clear(&call, 1);
}

/** What to do after an attempt. */
enum next {
    NEXT_END,   // the outcome stands
    NEXT_AGAIN, // nothing happened: try again
    NEXT_SETTLE // find out what happened
};

/** The server said no.  The connection may be used again, unless it is marked as broken. */
static enum next after_refusal(const struct pgs_commit *c, struct pgs_connection *connection,
                               const struct transaction *t, const struct pgs_failure *failure)
{
    if (pgs_failure_is(failure, "40003") || pgs_failure_is(failure, "08007")) {
        connection->broken = true;
        return NEXT_SETTLE;
    }
    roll_back(c, connection);
    if (failure->call == t->marker &&
        (pgs_failure_is(failure, "22012") || pgs_failure_is(failure, "23505"))) {
        // The row was idle for so long that it was cleaned up.
        connection->broken = true;
        return NEXT_AGAIN;
    }
    if (pgs_failure_is(failure, "40")) { // deadlock, serialization
        return NEXT_AGAIN;
    }
    if (pgs_failure_is(failure, "26") || pgs_failure_is(failure, "0A000")) {
        pgs_connection_forget(connection); // statements gone, or made before an upgrade
        return NEXT_AGAIN;
    }
    if (pgs_failure_is(failure, "57P") || pgs_failure_is(failure, "25006")) {
        connection->broken = true;
        pgs_sessions_distrust(&c->store->sessions);
        return NEXT_AGAIN;
    }
    return NEXT_END;
}

static void rest(int attempt)
{
    // Those who were in each other's way do not come back at the same time.
    long us = (1000L << attempt) + (long)(pgs_now() % 256) * 16L;
    struct timespec pause = {0, us * 1000};
    (void)nanosleep(&pause, NULL);
}

/** Settles an attempt whose answer was lost. */
static enum next settle(const struct pgs_commit *c, const struct transaction *t,
                        struct pgs_failure *failure)
{
    switch (pgs_mark_settle(c->store, c->pool, c->op, &t->mark)) {
    case PGS_NOT_COMMITTED: failure->end = PGS_LOST; return NEXT_AGAIN;
    case PGS_COMMITTED:
        failure->end = pgs_steps_answered(c->steps) ? PGS_DONE : PGS_UNKNOWN;
        return NEXT_END;
    case PGS_NOT_SETTLED: failure->end = PGS_UNKNOWN; return NEXT_END;
    }
    return NEXT_END;
}

static void no_memory(struct pgs_failure *failure)
{
    memset(failure, 0, sizeof *failure);
    failure->end = PGS_LOST;
    failure->call = UINT32_MAX;
    pgs_failure_say(failure, "the memory limit of the operation was reached");
}

static enum next try_once(const struct pgs_commit *c, struct pgs_failure *failure)
{
    struct pgs_connection *connection = NULL;
    struct transaction t;
    if (pgs_pool_take(c->store, c->pool, c->until, &connection, failure) != PGS_DONE) {
        return NEXT_END;
    }
    pgs_steps_clear(c->steps);
    if (build(c, connection, &t) != CHY_OK) {
        pgs_pool_give(c->store, c->pool, connection);
        no_memory(failure);
        return NEXT_END;
    }
    int64_t patience = pgs_now() + 2 * c->store->settings.statement_timeout_us + 10000000;
    enum pgs_end end = pgs_run(connection, t.calls, t.count, patience, failure);
    keep_answers(c, &t);
    enum next next = NEXT_END;
    if (end == PGS_DONE) {
        connection->marked++;
        atomic_fetch_add(&c->store->commits, 1);
    } else if (end == PGS_REFUSED) {
        next = after_refusal(c, connection, &t, failure);
    } else {
        pgs_sessions_distrust(&c->store->sessions);
        next = NEXT_SETTLE;
    }
    pgs_calls_clear(t.calls, t.count);
    // A connection in settlement goes first: its place in the pool may be the only one.
    pgs_pool_give(c->store, c->pool, connection);
    if (next == NEXT_SETTLE) {
        next = settle(c, &t, failure);
    }
    bool in_steps = failure->call >= t.lead && failure->call - t.lead < c->steps->count;
    failure->call = in_steps ? failure->call - t.lead : UINT32_MAX;
    return next;
}

enum pgs_end pgs_commit_run(const struct pgs_commit *commit, struct pgs_failure *out_failure)
{
    for (int attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (try_once(commit, out_failure) == NEXT_END) {
            break;
        }
        if (commit->until != PGS_NEVER && pgs_now() >= commit->until) {
            break;
        }
        rest(attempt);
    }
    if (out_failure->end != PGS_DONE) {
        pgs_steps_clear(commit->steps);
    }
    return out_failure->end;
}
