/** One instance: what its parts share. */
#ifndef STORAGE_SQLITE_STORE_H
#define STORAGE_SQLITE_STORE_H

#include "db.h"

#include <chancery/plugin.h>
#include <chancery/support/storage_check.h>

#include <pthread.h>
#include <stdatomic.h>

/** An index as a way into a table: its columns, in order. */
struct path {
    const struct chy_index *index; /**< NULL: the key's own */
    uint32_t fields[2 * CHY_STORAGE_KEY_FIELDS_MAX];
    uint64_t count;
    char *name; /**< quoted */
};

/** A collection as a table.  The names are quoted, ready to stand in SQL. */
struct table {
    const struct chy_collection *collection;
    char *name;
    char **columns;  /**< one per field */
    char **children; /**< one per field: the table value → row of a many-field, else NULL */
    struct path *paths;
    uint64_t path_count;
    bool has_many;
};

/** A batch on its way through the writer: lives in its caller's operation while that waits. */
struct job;

struct writer {
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t wake; /**< for the writer: work, or an end to a pause */
    pthread_cond_t idle; /**< for drain and checkpoint: the writer rests */
    /* guarded by lock */
    struct job *first;
    struct job **last;
    uint64_t queued;
    uint64_t wanted; /**< wake the writer only at so many; 1 when it sleeps */
    bool is_working;
    bool is_draining;
    bool is_stopping;
    bool pause_wanted;
    /* the writer thread's own */
    struct connection *connection;
    struct tally *tally;
    uint64_t expected; /**< how many batches the next group may have */
    /* counters */
    atomic_ullong commits;
    atomic_ullong batches;
    atomic_ullong largest_group;
    atomic_ullong reruns;
    atomic_llong wal_pages; /**< in the log, after the last commit */
    atomic_llong fold_at;   /**< ask for a checkpoint when it has so many */
};

struct checkpointer {
    pthread_t thread;
    bool has_thread;
    pthread_mutex_t lock;
    pthread_cond_t wake;
    bool is_wanted;
    bool is_stopping;
    struct connection *connection;
    atomic_ullong rounds;
    atomic_ullong held_us; /**< for so long writers waited for checkpoints */
};

struct readers {
    pthread_mutex_t lock;
    pthread_cond_t returned;
    struct connection *idle;
    struct connection *frozen; /**< has a read transaction, and serves every read meanwhile */
    bool is_frozen_lent;
    uint64_t open;
    uint64_t most;
};

struct store {
    const struct chy_host *host;
    struct chy_instance *instance;
    char *path;
    int64_t gather_us;
    int64_t busy_timeout_us;
    int64_t cache_bytes;
    int64_t reader_cache_bytes;
    int64_t checkpoint_bytes;
    int64_t max_bytes;  /**< 0: no limit */
    int64_t page_bytes; /**< of the file that is open */

    const struct chy_schema *schema;
    struct table *tables; /**< one per collection */
    uint64_t table_count;
    atomic_bool is_open;   /**< the file is there, and the connections and threads are up */
    atomic_bool is_unsafe; /**< a sync failed: what the log holds is not known any more */
    pthread_mutex_t opening;

    struct writer writer;
    struct checkpointer checkpointer;
    struct readers readers;
};

/* --- layout.c: the names of things -------------------------------------------------------------*/

/** layout_make fills store->tables from store->schema. */
CHY_MUST_USE chy_status layout_make(struct store *store, struct chy_op *op);
void layout_free(struct store *store);

/* --- schema.c ----------------------------------------------------------------------------------*/

chy_status store_declare(void *self, struct chy_op *op, const struct chy_schema *schema);
chy_status store_verify_schema(void *self, struct chy_op *op, struct chy_schema_report *out_report);
chy_status store_upgrade(void *self, struct chy_op *op);

/* --- open.c: the file, its connections and threads ---------------------------------------------*/

/** store_open opens what is there; a missing file is fine, and leaves the store closed. */
CHY_MUST_USE chy_status store_open(struct store *store, struct chy_op *op);
/** store_create makes the file, with mode 0600, when it is missing, and opens it. */
CHY_MUST_USE chy_status store_create(struct store *store, struct chy_op *op);
void store_close(struct store *store);
/** store_ready says why reads and writes cannot work, if so. */
CHY_MUST_USE chy_status store_ready(struct store *store, struct chy_op *op);
/** store_service opens a connection for a rare task. */
CHY_MUST_USE chy_status store_service(struct store *store, struct chy_op *op,
                                      struct connection **out_connection);
/** store_distrust: a sync failed, nothing may be written or read before a restart. */
void store_distrust(struct store *store, struct chy_op *op, const char *what);

/** reader_take lends a connection for one call; reader_give takes it back. */
CHY_MUST_USE chy_status reader_take(struct store *store, struct chy_op *op,
                                    struct connection **out_connection);
void reader_give(struct store *store, struct connection *connection);

/* --- read.c, find.c ----------------------------------------------------------------------------*/

chy_status store_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                     struct chy_storage_row *out_row);
chy_status store_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                      struct chy_storage_page *out_page);

/* --- writer.c, checkpoint.c --------------------------------------------------------------------*/

chy_status store_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                       struct chy_storage_outcome *out_outcome);
CHY_MUST_USE chy_status writer_start(struct store *store, struct chy_op *op);
void writer_drain(struct store *store);
void writer_stop(struct store *store);
/** writer_pause lets the writer finish its group and rest until writer_resume(). */
void writer_pause(struct writer *writer);
void writer_resume(struct writer *writer);

CHY_MUST_USE chy_status checkpointer_start(struct store *store, struct chy_op *op);
void checkpointer_stop(struct store *store);
/** checkpointer_want asks for a checkpoint soon. */
void checkpointer_want(struct checkpointer *checkpointer);

/* --- operate.c ---------------------------------------------------------------------------------*/

chy_status store_health(void *self, struct chy_op *op);
chy_status store_check(void *self, struct chy_op *op);
chy_status store_backup(void *self, struct chy_op *op, struct chy_slice path);
chy_status store_freeze(void *self, struct chy_op *op, uint32_t on);
chy_status store_statistics(void *self, struct chy_op *op,
                            struct chy_storage_statistics *out_statistics);

#endif
