/**
 * Checkpoints: the log's pages go into the database, away from commits.
 *
 * A passive one disturbs nobody.  Where writers never rest it never ends with an empty log either, so
 * past a size the writer is held between two groups while the rest, which is small by then, is done.
 */
#include "store.h"

#include <stdlib.h>

/** The log may grow to so many times its checkpoint size before the writer is held. */
#define HELD_AT 4

static chy_status checkpoint(struct store *store, struct chy_op *op, int mode)
{
    struct connection *connection = store->checkpointer.connection;
    int code = sqlite3_wal_checkpoint_v2(connection->db, NULL, mode, NULL, NULL);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) {
        return CHY_OK; // readers were in the way: the next one gets further
    }
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
        store_distrust(store, op, "a sync failed in a checkpoint");
    }
    return fail_sqlite(op, connection, "checkpoint");
}

static void run_checkpoint(struct store *store)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    struct chy_op *op =
        store->host->op_begin(store->instance, chy_text("checkpoint"), CHY_NO_DEADLINE);
    if (op == NULL || atomic_load(&store->is_unsafe)) {
        store->host->op_end(op);
        return;
    }
    int64_t most = store->checkpoint_bytes / store->page_bytes * HELD_AT;
    chy_status status = checkpoint(store, op, SQLITE_CHECKPOINT_PASSIVE);
    atomic_fetch_add(&checkpointer->rounds, 1);
    if (status == CHY_OK && atomic_load(&store->writer.wal_pages) > most) {
        writer_pause(&store->writer);
        status = checkpoint(store, op, SQLITE_CHECKPOINT_RESTART);
        writer_resume(&store->writer);
        atomic_fetch_add(&checkpointer->restarts, 1);
    }
    if (status != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        store->host->last_error(op, &error);
        chy_log_error(op, "storage.checkpoint", "%.*s", (int)error.message.len,
                      (const char *)error.message.ptr);
    }
    store->host->op_end(op);
}

static void *checkpoint_thread(void *arg)
{
    struct store *store = arg;
    struct checkpointer *checkpointer = &store->checkpointer;
    pthread_mutex_lock(&checkpointer->lock);
    while (!checkpointer->is_stopping) {
        if (!checkpointer->is_wanted) {
            pthread_cond_wait(&checkpointer->wake, &checkpointer->lock);
            continue;
        }
        checkpointer->is_wanted = false;
        pthread_mutex_unlock(&checkpointer->lock);
        run_checkpoint(store);
        pthread_mutex_lock(&checkpointer->lock);
    }
    pthread_mutex_unlock(&checkpointer->lock);
    return NULL;
}

void checkpointer_want(struct checkpointer *checkpointer)
{
    pthread_mutex_lock(&checkpointer->lock);
    checkpointer->is_wanted = true;
    pthread_cond_signal(&checkpointer->wake);
    pthread_mutex_unlock(&checkpointer->lock);
}

chy_status checkpointer_start(struct store *store, struct chy_op *op)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    CHY_TRY(store_service(store, op, &checkpointer->connection));
    checkpointer->is_stopping = false;
    int code = pthread_create(&checkpointer->thread, NULL, checkpoint_thread, store);
    if (code != 0) {
        return chy_fail(op, CHY_TRY_LATER, code, "cannot start the checkpoint thread");
    }
    checkpointer->has_thread = true;
    return CHY_OK;
}

void checkpointer_stop(struct store *store)
{
    struct checkpointer *checkpointer = &store->checkpointer;
    if (checkpointer->has_thread) {
        pthread_mutex_lock(&checkpointer->lock);
        checkpointer->is_stopping = true;
        pthread_cond_signal(&checkpointer->wake);
        pthread_mutex_unlock(&checkpointer->lock);
        (void)pthread_join(checkpointer->thread, NULL);
        checkpointer->has_thread = false;
    }
    connection_close(checkpointer->connection);
    checkpointer->connection = NULL;
}
