/**
 * One instance of the plugin, and what its files share.
 *
 *   model       the declared schema as tables          statement   shapes of SQL, prepared once
 *   connection  one session, pipelined                 pool        sessions, opened on demand
 *   codec       values to parameters and back          where       predicates to SQL
 *   cursor      a place in an order                    find, get   reads
 *   batch       a batch, checked and in order          change      its writes as SQL
 *   commit      one transaction, settled               group       many batches in one
 *   catalog, upgrade, operate                          schema and upkeep
 */
#ifndef PGS_STORE_H
#define PGS_STORE_H

#include "model.h"
#include "pool.h"
#include "statement.h"

#include <chancery/plugin.h>
#include <chancery/storage.h>

#include <stdatomic.h>

/** Options, checked; the texts live in the instance's heap. */
struct pgs_settings {
    const char *name; /**< of the instance */
    const char *conninfo;
    const char *schema;
    uint32_t connections;
    uint32_t committers;
    int64_t gather_us;
    int64_t connect_timeout_us;
    int64_t statement_timeout_us;
};

struct pgs_work;

/** Batches that wait to be joined.  `lock` guards the rest. */
struct pgs_queue {
    pthread_mutex_t lock;
    pthread_cond_t arrived; /**< signalled to the leader that gathers */
    struct pgs_work *first;
    struct pgs_work *last;
    uint32_t count;
    uint64_t bytes;
    uint32_t leaders; /**< groups being gathered or committed */
    bool gathering;
    uint32_t usual; /**< size of recent groups, in sixteenths */
};

struct pgs_store {
    const struct chy_host *host;
    struct chy_instance *instance;
    struct pgs_heap heap;
    struct pgs_settings settings;
    struct pgs_model *model;
    struct pgs_statements statements;
    struct pgs_sessions sessions;
    struct pgs_pool pool;          /**< reads, and batches that commit alone */
    struct pgs_pool committing;    /**< joined batches */
    struct pgs_connection *frozen; /**< has a snapshot, and serves every read meanwhile */
    struct pgs_queue queue;
    atomic_bool draining;
    atomic_uint_fast64_t commits;
    atomic_uint_fast64_t batches;
    atomic_uint_fast64_t joined;  /**< batches that shared a commit */
    atomic_uint_fast64_t reruns;  /**< batches run again alone after a joined commit failed */
    atomic_uint_fast64_t settled; /**< commits whose answer was lost, and found out */
};

/** pgs_check_declared answers BROKEN before declare() was called. */
chy_status pgs_check_declared(const struct pgs_store *store, struct chy_op *op);

/** pgs_ask runs one query that reads, on a session of the pool; on another one if it broke. */
chy_status pgs_ask(struct pgs_store *store, struct chy_op *op, const struct pgs_query *query,
                   const char *doing, PGresult **out_result);

/** pgs_ask_on runs one query on a session that the caller has. */
chy_status pgs_ask_on(struct pgs_connection *connection, struct chy_op *op,
                      const struct pgs_query *query, const char *doing, PGresult **out_result);

chy_status pgs_declare(void *self, struct chy_op *op, const struct chy_schema *schema);
chy_status pgs_verify_schema(void *self, struct chy_op *op, struct chy_schema_report *out_report);
chy_status pgs_upgrade(void *self, struct chy_op *op);
chy_status pgs_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                   struct chy_storage_row *out_row);
chy_status pgs_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                    struct chy_storage_page *out_page);
chy_status pgs_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                     struct chy_storage_outcome *out_outcome);
chy_status pgs_health(void *self, struct chy_op *op);
chy_status pgs_check(void *self, struct chy_op *op);
chy_status pgs_statistics(void *self, struct chy_op *op,
                          struct chy_storage_statistics *out_statistics);
chy_status pgs_freeze(void *self, struct chy_op *op, uint32_t on);

#endif
