/**
 * Sessions, opened on demand and used again; and how the plugin behaves while the server is away.
 *
 * After a failed attempt to connect nobody tries again until a pause is over, which doubles from
 * 50 ms to 2 s: callers are told at once instead, unless the pause is nearly over.  A connection
 * that is found dead takes the idle ones with it, since a server that restarted has ended them all.
 */
#ifndef PGS_POOL_H
#define PGS_POOL_H

#include "connection.h"

#include <pthread.h>

/** What all pools of an instance know about the server.  `lock` guards the rest. */
struct pgs_sessions {
    pthread_mutex_t lock;
    uint64_t generation; /**< grows when idle connections are not to be trusted any more */
    int64_t quiet_until; /**< no attempt to connect before */
    int64_t pause_us;    /**< the next one; 0: the last attempt succeeded */
    uint64_t opened;
    uint64_t failed;
    struct pgs_failure last; /**< why the last attempt failed */
};

/** Connections.  `lock` guards the rest. */
struct pgs_pool {
    pthread_mutex_t lock;
    pthread_cond_t freed;
    uint32_t size;
    uint32_t open; /**< idle, lent, and being opened */
    uint32_t idle_count;
    uint32_t waiting;
    struct pgs_connection *idle; /**< the one used last comes first */
};

struct pgs_store;

void pgs_sessions_init(struct pgs_sessions *sessions);
void pgs_sessions_fini(struct pgs_sessions *sessions);
/** pgs_sessions_distrust makes the pools open new connections. */
void pgs_sessions_distrust(struct pgs_sessions *sessions);

void pgs_pool_init(struct pgs_pool *pool, uint32_t size);
/** pgs_pool_close_idle closes the connections that nobody has. */
void pgs_pool_close_idle(struct pgs_pool *pool);
/** pgs_pool_fini closes the idle connections; none may be lent. */
void pgs_pool_fini(struct pgs_pool *pool);

/**
 * pgs_pool_take lends a connection that was alive a moment ago; waits for one until `until`, at
 * most as long as a statement may take.
 */
enum pgs_end pgs_pool_take(struct pgs_store *store, struct pgs_pool *pool, int64_t until,
                           struct pgs_connection **out_connection, struct pgs_failure *out_failure);
/** pgs_pool_give takes it back, closing it if it is broken.  NULL is fine. */
void pgs_pool_give(struct pgs_store *store, struct pgs_pool *pool,
                   struct pgs_connection *connection);

/** pgs_open opens a connection outside of any pool, under the same back-off. */
enum pgs_end pgs_open(struct pgs_store *store, int64_t until,
                      struct pgs_connection **out_connection, struct pgs_failure *out_failure);

#endif
