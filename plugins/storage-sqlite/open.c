/** The file, its connections and threads; and the pool of readers. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

chy_status store_service(struct store *store, struct chy_op *op, struct connection **out_connection)
{
    const struct connection_settings settings = {store->path, store->busy_timeout_us,
                                                 store->reader_cache_bytes};
    return connection_open(op, &settings, CONNECTION_SERVICE, out_connection);
}

/* --- readers -----------------------------------------------------------------------------------*/

static chy_status open_reader(struct store *store, struct chy_op *op,
                              struct connection **out_connection)
{
    const struct connection_settings settings = {store->path, store->busy_timeout_us,
                                                 store->reader_cache_bytes};
    struct readers *readers = &store->readers;
    chy_status status = connection_open(op, &settings, CONNECTION_READER, out_connection);
    if (status != CHY_OK) {
        pthread_mutex_lock(&readers->lock);
        readers->open--;
        pthread_cond_signal(&readers->returned);
        pthread_mutex_unlock(&readers->lock);
    }
    return status;
}

/** wait_locked waits for a reader to come back; the deadline is looked at now and then. */
static void wait_locked(struct readers *readers)
{
    struct timespec until;
    (void)clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += 100000000;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    (void)pthread_cond_timedwait(&readers->returned, &readers->lock, &until);
}

chy_status reader_take(struct store *store, struct chy_op *op, struct connection **out_connection)
{
    struct readers *readers = &store->readers;
    struct connection *connection = NULL;
    chy_status status = CHY_OK;
    pthread_mutex_lock(&readers->lock);
    while (readers->frozen != NULL && readers->is_frozen_lent && status == CHY_OK) {
        wait_locked(readers);
        status = chy_storage_check_deadline(op);
    }
    if (status == CHY_OK && readers->frozen != NULL) {
        readers->is_frozen_lent = true;
        readers->frozen->op = op;
        *out_connection = readers->frozen;
        pthread_mutex_unlock(&readers->lock);
        return CHY_OK;
    }
    while (readers->idle == NULL && readers->open >= readers->most && status == CHY_OK) {
        wait_locked(readers);
        status = chy_storage_check_deadline(op);
    }
    if (status == CHY_OK && readers->idle != NULL) {
        connection = readers->idle;
        readers->idle = connection->next;
    } else if (status == CHY_OK) {
        readers->open++;
    }
    pthread_mutex_unlock(&readers->lock);
    CHY_TRY(status);
    if (connection == NULL) {
        CHY_TRY(open_reader(store, op, &connection));
    }
    connection_trim(connection);
    connection->op = op;
    *out_connection = connection;
    return CHY_OK;
}

void reader_give(struct store *store, struct connection *connection)
{
    struct readers *readers = &store->readers;
    connection->op = NULL;
    pthread_mutex_lock(&readers->lock);
    if (connection == readers->frozen) {
        readers->is_frozen_lent = false;
    } else {
        connection->next = readers->idle;
        readers->idle = connection;
    }
    pthread_cond_signal(&readers->returned);
    pthread_mutex_unlock(&readers->lock);
}

chy_status store_freeze(void *self, struct chy_op *op, uint32_t on)
{
    struct store *store = self;
    struct readers *readers = &store->readers;
    struct connection *connection = NULL;
    int64_t tables;
    CHY_TRY(store_ready(store, op));
    CHY_TRY(reader_take(store, op, &connection));
    bool is_frozen = connection == readers->frozen;
    chy_status status = CHY_OK;
    if (on != 0 && !is_frozen) {
        // The moment is that of the first read, not of BEGIN.
        status = run_sql(op, connection, "BEGIN");
        if (status == CHY_OK) {
            status = query_number(op, connection, "SELECT count(*) FROM sqlite_schema", 0, &tables);
        }
    } else if (on == 0 && is_frozen) {
        status = run_sql(op, connection, "COMMIT");
    }
    pthread_mutex_lock(&readers->lock);
    readers->frozen = status == CHY_OK && on != 0 ? connection : NULL;
    pthread_mutex_unlock(&readers->lock);
    reader_give(store, connection);
    return status;
}

static void close_readers(struct readers *readers)
{
    if (readers->frozen != NULL) {
        connection_close(readers->frozen);
        readers->frozen = NULL;
    }
    while (readers->idle != NULL) {
        struct connection *connection = readers->idle;
        readers->idle = connection->next;
        connection_close(connection);
    }
    readers->open = 0;
}

/* --- the file ----------------------------------------------------------------------------------*/

/** tighten takes from others what they may not have; the log and its index inherit the mode. */
static chy_status tighten(struct store *store, struct chy_op *op)
{
    struct stat status;
    if (stat(store->path, &status) != 0) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot look at '%s'", store->path);
    }
    if (!S_ISREG(status.st_mode)) {
        return chy_fail(op, CHY_BROKEN, 0, "'%s' is no regular file", store->path);
    }
    if ((status.st_mode & 0077) != 0) {
        if (chmod(store->path, 0600) != 0) {
            return chy_fail(op, CHY_BROKEN, errno, "others may read '%s', and chmod failed",
                            store->path);
        }
        chy_log_warning(op, "storage.mode", "others could read '%s'; its mode is now 0600",
                        store->path);
    }
    return CHY_OK;
}

static chy_status open_locked(struct store *store, struct chy_op *op)
{
    if (atomic_load(&store->is_open)) {
        return CHY_OK;
    }
    if (access(store->path, F_OK) != 0) {
        return CHY_OK;
    }
    CHY_TRY(tighten(store, op));
    chy_status status = writer_start(store, op);
    if (status == CHY_OK) {
        status = checkpointer_start(store, op);
    }
    if (status != CHY_OK) {
        checkpointer_stop(store);
        writer_stop(store);
        return status;
    }
    atomic_store(&store->is_open, true);
    return CHY_OK;
}

chy_status store_open(struct store *store, struct chy_op *op)
{
    pthread_mutex_lock(&store->opening);
    chy_status status = open_locked(store, op);
    pthread_mutex_unlock(&store->opening);
    return status;
}

chy_status store_create(struct store *store, struct chy_op *op)
{
    int file = open(store->path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0 && errno != EEXIST) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot make '%s': %s", store->path,
                        strerrordesc_np(errno));
    }
    if (file >= 0) {
        (void)close(file);
    }
    return store_open(store, op);
}

void store_close(struct store *store)
{
    writer_drain(store);
    checkpointer_stop(store);
    close_readers(&store->readers);
    // Last, so that SQLite folds the log into the database when nobody else has it open.
    writer_stop(store);
    atomic_store(&store->is_open, false);
}

chy_status store_ready(struct store *store, struct chy_op *op)
{
    if (atomic_load(&store->is_unsafe)) {
        return chy_fail(op, CHY_BROKEN, 0, "the disk failed to keep '%s'; look at it, then restart",
                        store->path);
    }
    if (!atomic_load(&store->is_open)) {
        return chy_fail(op, CHY_BROKEN, 0, "there is no database at '%s' yet", store->path);
    }
    return CHY_OK;
}

void store_distrust(struct store *store, struct chy_op *op, const char *what)
{
    if (!atomic_exchange(&store->is_unsafe, true)) {
        chy_log_error(op, "storage.unsafe",
                      "%s: what '%s' holds is only known after a restart; nothing is written or "
                      "read until then",
                      what, store->path);
    }
}
