/**
 * The row by which a lost commit is found out; commit.h says how.
 */
#ifndef PGS_SETTLE_H
#define PGS_SETTLE_H

#include "statement.h"

struct pgs_store;
struct pgs_pool;

/** The commit that makes the row `id` count to `count`. */
struct pgs_mark {
    uint8_t id[16];
    int64_t count;
};

enum pgs_settlement {
    PGS_COMMITTED,
    PGS_NOT_COMMITTED, /**< and it never will be */
    PGS_NOT_SETTLED
};

/** pgs_mark_set_sql is the statement that a transaction begins with; the query borrows `mark`. */
void pgs_mark_set_sql(struct pgs_store *store, struct chy_op *op, const struct pgs_mark *mark,
                      struct pgs_query *query);
/** pgs_mark_clean_sql removes some rows of connections that are long gone. */
void pgs_mark_clean_sql(struct pgs_store *store, struct chy_op *op, struct pgs_query *query);

/** pgs_mark_settle finds out, trying for some seconds. */
enum pgs_settlement pgs_mark_settle(struct pgs_store *store, struct pgs_pool *pool,
                                    struct chy_op *op, const struct pgs_mark *mark);

#endif
