/** SQL with its parameters, and predicates in it. */
#ifndef STORAGE_SQLITE_QUERY_H
#define STORAGE_SQLITE_QUERY_H

#include "store.h"

/** A statement being written.  The text is its key among a connection's statements. */
struct query {
    struct chy_op *op;
    struct sql sql;
    const struct chy_value **binds; /**< in `op` */
    uint64_t bind_count;
    uint64_t bind_room;
    bool has_failed; /**< out of the operation's memory */
};

void query_add(struct query *query, const char *text);
/** query_bind adds a "?" that stands for `value`, which must outlive the query's run. */
void query_bind(struct query *query, const struct chy_value *value);
void query_fini(struct query *query);

/** query_open gives the query's statement, with all parameters bound. */
CHY_MUST_USE chy_status query_open(struct query *query, struct connection *connection,
                                   sqlite3_stmt **out_stmt);

/** where_never tells that a predicate matches nothing, whatever is stored. */
bool where_never(struct chy_view where);

/** query_predicate adds one predicate over the table, as a Boolean expression. */
void query_predicate(struct query *query, const struct table *table,
                     const struct chy_predicate *predicate);

/** query_children adds `SELECT "row" FROM <child> WHERE …` for a HAS or HAS_PREFIX. */
void query_children(struct query *query, const struct table *table,
                    const struct chy_predicate *predicate);

#endif
