#include "settle.h"

#include "store.h"

#include <time.h>

// A connection uses its row more often than this, or it gets a new one.
#define KEPT_US (INT64_C(7) * 24 * 3600 * 1000000)
// How long a caller may wait to hear what became of its commit: longer than a server takes to
// restart.
#define PATIENCE_US 10000000
#define PAUSE_NS 50000000

// What the row holds once it was settled that the commit did not happen.
#define NO_ROW (-2)
#define REFUSED (-1)

void pgs_mark_set_sql(struct pgs_store *store, struct chy_op *op, const struct pgs_mark *mark,
                      struct pgs_query *query)
{
    if (mark->count == 1) {
        pgs_query_add(query, "INSERT INTO ");
        pgs_query_add(query, store->model->commits);
        pgs_query_add(query, " (id, n, at) VALUES (");
        pgs_query_bytes(query, PGS_UUID, (const char *)mark->id, 16);
        pgs_query_add(query, ", 1, ");
        pgs_query_int(query, chy_now(op));
        pgs_query_add(query, ")");
        return;
    }
    pgs_query_add(query, "WITH w AS (UPDATE ");
    pgs_query_add(query, store->model->commits);
    pgs_query_add(query, " SET n = n + 1, at = ");
    pgs_query_int(query, chy_now(op));
    pgs_query_add(query, " WHERE id = ");
    pgs_query_bytes(query, PGS_UUID, (const char *)mark->id, 16);
    pgs_query_add(query, " AND n = ");
    pgs_query_int(query, mark->count - 1);
    pgs_query_add(query, " RETURNING 1) SELECT 1 / (SELECT count(*) FROM w)");
}

void pgs_mark_clean_sql(struct pgs_store *store, struct chy_op *op, struct pgs_query *query)
{
    pgs_query_add(query, "DELETE FROM ");
    pgs_query_add(query, store->model->commits);
    pgs_query_add(query, " WHERE id IN (SELECT id FROM ");
    pgs_query_add(query, store->model->commits);
    pgs_query_add(query, " WHERE at < ");
    pgs_query_int(query, chy_now(op) - KEPT_US);
    pgs_query_add(query, " LIMIT 100 FOR UPDATE SKIP LOCKED)");
}

static void settle_sql(struct pgs_store *store, struct chy_op *op, const struct pgs_mark *mark,
                       struct pgs_query *query)
{
    pgs_query_init(query, op);
    pgs_query_add(query, "INSERT INTO ");
    pgs_query_add(query, store->model->commits);
    pgs_query_add(query, " AS c (id, n, at) VALUES (");
    pgs_query_bytes(query, PGS_UUID, (const char *)mark->id, 16);
    pgs_query_add(query, ", ");
    pgs_query_int(query, NO_ROW);
    pgs_query_add(query, ", ");
    pgs_query_int(query, chy_now(op));
    pgs_query_add(query, ") ON CONFLICT (id) DO UPDATE SET n = CASE WHEN c.n = ");
    pgs_query_int(query, mark->count - 1);
    pgs_query_add(query, " THEN ");
    pgs_query_int(query, REFUSED);
    pgs_query_add(query, " ELSE c.n END RETURNING c.n");
}

/** One try.  True: `*out` is the answer. */
static bool look(struct pgs_store *store, struct pgs_pool *pool, const struct pgs_mark *mark,
                 struct pgs_call *call, int64_t until, enum pgs_settlement *out)
{
    struct pgs_connection *connection = NULL;
    struct pgs_failure failure;
    if (pgs_pool_take(store, pool, until, &connection, &failure) != PGS_DONE) {
        return false;
    }
    enum pgs_end end = pgs_run(connection, call, 1, until, &failure);
    int64_t n = pgs_result_int(call->result, 0, 0);
    pgs_calls_clear(call, 1);
    pgs_pool_give(store, pool, connection);
    if (end != PGS_DONE) {
        return false;
    }
    if (n == mark->count) {
        *out = PGS_COMMITTED;
    } else if (n == REFUSED || (n == NO_ROW && mark->count == 1)) {
        *out = PGS_NOT_COMMITTED;
    } else {
        *out = PGS_NOT_SETTLED; // the row is gone, so it tells nothing
    }
    return true;
}

enum pgs_settlement pgs_mark_settle(struct pgs_store *store, struct pgs_pool *pool,
                                    struct chy_op *op, const struct pgs_mark *mark)
{
    struct pgs_query query;
    const struct pgs_statement *statement = NULL;
    settle_sql(store, op, mark, &query);
    if (pgs_query_statement(&store->statements, &query, &statement) != CHY_OK) {
        return PGS_NOT_SETTLED;
    }
    struct pgs_call call = pgs_call_of(statement, &query);
    enum pgs_settlement settlement = PGS_NOT_SETTLED;
    int64_t until = pgs_now() + PATIENCE_US;
    while (!look(store, pool, mark, &call, until, &settlement)) {
        if (pgs_now() >= until) {
            return PGS_NOT_SETTLED;
        }
        struct timespec pause = {0, PAUSE_NS};
        (void)nanosleep(&pause, NULL);
    }
    atomic_fetch_add(&store->settled, 1);
    return settlement;
}
