/**
 * Checkpoints: the log's pages go into the database, away from commits.
 *
 * A passive one disturbs nobody, and does the bulk.  Where writers never rest it never ends with an
 * empty log either, so the writer is held between two groups while the rest, which is small by
 * then, is done; the log then starts from its beginning.
 */
#include "store.h"

#include <stdlib.h>

/** How long the held writer waits for readers of the log to end. */
#define READERS_WAIT_MS 50

/** checkpoint folds what it can; `out_left` is what the log holds beyond that, in pages. */
static chy_status checkpoint(struct store *store, struct chy_op *op, int mode, int64_t *out_left)
{
    struct connection *connection = store->checkpointer.connection;
    int pages = 0;
    int folded = 0;
    int code = sqlite3_wal_checkpoint_v2(connection->db, NULL, mode, &pages, &folded);
    if (code == SQLITE_OK || (code & 0xff) == SQLITE_BUSY) {
        // Readers may have been in the way: the next one gets further.
        int64_t now = atomic_load(&store->writer.wal_pages);
        *out_left = (now > pages ? now : pages) - folded;
        return CHY_OK;
    }
    if (code == SQLITE_IOERR_FSYNC || code == SQLITE_IOERR_DIR_FSYNC) {
        store_distrust(store, op, "a sync failed in a checkpoint");
    }
    return fail_sqlite(op, connection, "checkpoint");
}

static chy_status fold(struct store *store, struct chy_op *op)
{
    struct writer *writer = &store->writer;
    int64_t fold_pages = store->checkpoint_bytes / store->page_bytes;
    int64_t left = fold_pages;
    int64_t tables = 0;
    // A connection that has read nothing yet does not know of the log, and would fold nothing.
    CHY_TRY(query_number(op, store->checkpointer.connection, "SELECT count(*) FROM sqlite_schema",
                         0, &tables));
    // Each round leaves what was written during it: as long as that shrinks, another one pays.
    int64_t before = INT64_MAX;
    while (left > fold_pages / 128 && left < before / 2) {
        before = left;
        CHY_TRY(checkpoint(store, op, SQLITE_CHECKPOINT_PASSIVE, &left));
    }
    writer_pause(writer);
    int64_t start = chy_monotonic(op);
    chy_status status = checkpoint(store, op, SQLITE_CHECKPOINT_RESTART, &left);
    // A long read keeps the log: try again when it has grown by as much once more.
    int64_t pages = status == CHY_OK && left == 0 ? 0 : atomic_load(&writer->wal_pages);
    atomic_store(&writer->wal_pages, pages);
    atomic_store(&writer->fold_at, pages + fold_pages);
    atomic_fetch_add(&store->checkpointer.held_us, (uint64_t)(chy_monotonic(op) - start));
    writer_resume(writer);
    return status;
}

static void run_checkpoint(struct store *store)
{
    struct chy_op *op =
        store->host->op_begin(store->instance, chy_text("checkpoint"), CHY_NO_DEADLINE);
    if (op != NULL && !atomic_load(&store->is_unsafe) && fold(store, op) != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        store->host->last_error(op, &error);
        chy_log_error(op, "storage.checkpoint", "%.*s", (int)error.message.len,
                      (const char *)error.message.ptr);
    }
    atomic_fetch_add(&store->checkpointer.rounds, 1);
    store->host->op_end(op);
}

static void *checkpoint_thread(void *arg)
{
    struct store *store = arg;
    struct checkpointer *checkpointer = &store->checkpointer;
    (void)pthread_setname_np(pthread_self(), "sqlite-fold");
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
    (void)sqlite3_busy_timeout(checkpointer->connection->db, READERS_WAIT_MS);
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
