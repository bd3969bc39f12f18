/**
 * One session with the server: opened with a time limit, pipelined, never blocking without end.
 *
 * A connection belongs to one thread at a time.  Its session keeps nothing but prepared statements
 * and a few settings that any session gets.
 */
#ifndef PGS_CONNECTION_H
#define PGS_CONNECTION_H

#include "statement.h"
#include "status.h"

struct pgs_settings;

/** A time that never comes, on pgs_now()'s clock. */
#define PGS_NEVER INT64_MAX

/** pgs_now is µs on the system's monotonic clock, on which this plugin waits. */
int64_t pgs_now(void);
/** pgs_until is the operation's deadline on that clock. */
int64_t pgs_until(struct chy_op *op);

struct pgs_connection {
    struct pgs_connection *next; /**< in its pool */
    PGconn *pg;
    uint64_t generation; /**< of the sessions when it was opened */
    bool broken;         /**< to be closed, not used again */
    uint8_t *prepared;   /**< one bit for each statement's id */
    uint32_t prepared_size;
    uint8_t marker[16]; /**< its row among the commits */
    int64_t marked;     /**< commits that the row counts; 0: there is no row yet */
};

/** pgs_connection_open connects until `until`. */
enum pgs_end pgs_connection_open(const struct pgs_settings *settings, int64_t until,
                                 struct pgs_connection **out_connection,
                                 struct pgs_failure *out_failure);
/** pgs_connection_close ends the session.  NULL is fine. */
void pgs_connection_close(struct pgs_connection *connection);
/** pgs_connection_is_alive tells whether an idle connection still stands, without asking. */
bool pgs_connection_is_alive(struct pgs_connection *connection);
/** pgs_connection_forget makes the session prepare its statements again. */
void pgs_connection_forget(struct pgs_connection *connection);

/** One statement of an exchange, and its answer, which the caller clears with pgs_calls_clear(). */
struct pgs_call {
    const struct pgs_statement *statement;
    const char *const *values;
    const int *lengths;
    PGresult *result;
    bool flush; /**< let the server send the answers up to here before it goes on */
    bool prepares;
};

/** pgs_call_of makes a call of a query that was built. */
struct pgs_call pgs_call_of(const struct pgs_statement *statement, const struct pgs_query *query);

/**
 * pgs_run sends all calls in one go and reads all answers.  After an error the rest is skipped by
 * the server; `out_failure` says which call it was.
 */
enum pgs_end pgs_run(struct pgs_connection *connection, struct pgs_call *calls, uint32_t count,
                     int64_t until, struct pgs_failure *out_failure);

void pgs_calls_clear(struct pgs_call *calls, uint32_t count);

/** pgs_result_int reads a bigint column in binary; 0 when null or absent. */
int64_t pgs_result_int(const PGresult *result, int row, int column);

#endif
