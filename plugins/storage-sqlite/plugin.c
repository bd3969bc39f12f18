/** The descriptor, its options, and the life of an instance. */
#include "logfile.h"
#include "store.h"

#include <stdlib.h>

/* --- options -----------------------------------------------------------------------------------*/

enum option {
    OPTION_PATH,
    OPTION_READERS,
    OPTION_GATHER,
    OPTION_BUSY_TIMEOUT,
    OPTION_CACHE_SIZE,
    OPTION_READER_CACHE_SIZE,
    OPTION_CHECKPOINT_SIZE,
    OPTION_MAX_SIZE,
    OPTIONS
};

static const struct chy_option options_table[OPTIONS] = {
    [OPTION_PATH] = {CHY_TEXT_INIT("path"),
                     CHY_OPTION_PATH,
                     0,
                     0,
                     0,
                     CHY_TEXT_INIT(""),
                     {NULL, 0, 0},
                     CHY_TEXT_INIT(
                         "the database file; default: chancery.db in the data directory")},
    [OPTION_READERS] = {CHY_TEXT_INIT("readers"),
                        CHY_OPTION_INT,
                        0,
                        1,
                        256,
                        CHY_TEXT_INIT("16"),
                        {NULL, 0, 0},
                        CHY_TEXT_INIT("connections for reading, opened on demand")},
    [OPTION_GATHER] = {CHY_TEXT_INIT("gather"),
                       CHY_OPTION_DURATION,
                       0,
                       0,
                       50000,
                       CHY_TEXT_INIT("2ms"),
                       {NULL, 0, 0},
                       CHY_TEXT_INIT(
                           "the longest that a commit under load waits for more batches")},
    [OPTION_BUSY_TIMEOUT] = {CHY_TEXT_INIT("busy_timeout"),
                             CHY_OPTION_DURATION,
                             0,
                             0,
                             600000000,
                             CHY_TEXT_INIT("10s"),
                             {NULL, 0, 0},
                             CHY_TEXT_INIT("how long to wait while another process writes")},
    [OPTION_CACHE_SIZE] = {CHY_TEXT_INIT("cache_size"),
                           CHY_OPTION_SIZE,
                           0,
                           65536,
                           1LL << 40,
                           CHY_TEXT_INIT("64m"),
                           {NULL, 0, 0},
                           CHY_TEXT_INIT("the most memory for the writer's pages")},
    [OPTION_READER_CACHE_SIZE] = {CHY_TEXT_INIT("reader_cache_size"),
                                  CHY_OPTION_SIZE,
                                  0,
                                  65536,
                                  1LL << 40,
                                  CHY_TEXT_INIT("2m"),
                                  {NULL, 0, 0},
                                  CHY_TEXT_INIT("the most memory for the pages of one reader")},
    [OPTION_CHECKPOINT_SIZE] = {CHY_TEXT_INIT("checkpoint_size"),
                                CHY_OPTION_SIZE,
                                0,
                                65536,
                                1LL << 40,
                                CHY_TEXT_INIT("128m"),
                                {NULL, 0, 0},
                                CHY_TEXT_INIT("the log's size from which it is folded into the "
                                              "database, away from commits")},
    [OPTION_MAX_SIZE] = {CHY_TEXT_INIT("max_size"),
                         CHY_OPTION_SIZE,
                         0,
                         0,
                         0,
                         CHY_TEXT_INIT("0"),
                         {NULL, 0, 0},
                         CHY_TEXT_INIT("the most that the database file may grow to; 0: no limit")},
};

static chy_status read_options(struct store *store, struct chy_op *op,
                               const struct chy_options *options)
{
    struct chy_slice path = chy_option_at(options, OPTION_PATH)->text;
    struct chy_slice directory = options->data_directory;
    int length = path.len != 0
                     ? asprintf(&store->path, "%.*s", (int)path.len, (const char *)path.ptr)
                     : asprintf(&store->path, "%.*s/chancery.db", (int)directory.len,
                                (const char *)directory.ptr);
    if (length < 0) {
        store->path = NULL;
        return chy_fail_memory(op);
    }
    store->gather_us = chy_option_at(options, OPTION_GATHER)->number;
    store->busy_timeout_us = chy_option_at(options, OPTION_BUSY_TIMEOUT)->number;
    store->cache_bytes = chy_option_at(options, OPTION_CACHE_SIZE)->number;
    store->reader_cache_bytes = chy_option_at(options, OPTION_READER_CACHE_SIZE)->number;
    store->checkpoint_bytes = chy_option_at(options, OPTION_CHECKPOINT_SIZE)->number;
    store->max_bytes = chy_option_at(options, OPTION_MAX_SIZE)->number;
    store->readers.most = (uint64_t)chy_option_at(options, OPTION_READERS)->number;
    return CHY_OK;
}

/* --- life --------------------------------------------------------------------------------------*/

static bool make_locks(struct store *store)
{
    pthread_condattr_t monotonic;
    bool ok = pthread_condattr_init(&monotonic) == 0 &&
              pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC) == 0;
    ok = ok && pthread_mutex_init(&store->opening, NULL) == 0 &&
         pthread_mutex_init(&store->writer.lock, NULL) == 0 &&
         pthread_cond_init(&store->writer.wake, &monotonic) == 0 &&
         pthread_cond_init(&store->writer.idle, NULL) == 0 &&
         pthread_mutex_init(&store->checkpointer.lock, NULL) == 0 &&
         pthread_cond_init(&store->checkpointer.wake, NULL) == 0 &&
         pthread_mutex_init(&store->readers.lock, NULL) == 0 &&
         pthread_cond_init(&store->readers.returned, &monotonic) == 0;
    (void)pthread_condattr_destroy(&monotonic);
    return ok;
}

static void destroy(void *self)
{
    struct store *store = self;
    if (store == NULL) {
        return;
    }
    layout_free(store);
    (void)pthread_cond_destroy(&store->readers.returned);
    (void)pthread_mutex_destroy(&store->readers.lock);
    (void)pthread_cond_destroy(&store->checkpointer.wake);
    (void)pthread_mutex_destroy(&store->checkpointer.lock);
    (void)pthread_cond_destroy(&store->writer.idle);
    (void)pthread_cond_destroy(&store->writer.wake);
    (void)pthread_mutex_destroy(&store->writer.lock);
    (void)pthread_mutex_destroy(&store->opening);
    free(store->path);
    free(store);
}

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *options, void **out_self)
{
    // Its memory statistics are one lock for all threads.  Not OK: somebody uses SQLite already.
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    if (sqlite3_initialize() != SQLITE_OK || sqlite3_threadsafe() == 0 ||
        logfile_register() != SQLITE_OK) {
        return chy_fail(op, CHY_BROKEN, 0, "this SQLite does not start, or knows no threads");
    }
    struct store *store = calloc(1, sizeof *store);
    if (store == NULL || !make_locks(store)) {
        free(store);
        return chy_fail_memory(op);
    }
    store->host = host;
    store->instance = instance;
    chy_status status = read_options(store, op, options);
    if (status != CHY_OK) {
        destroy(store);
        return status;
    }
    *out_self = store;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    struct store *store = self;
    if (strcmp(sqlite3_libversion(), SQLITE_VERSION) != 0) {
        chy_log_info(op, "storage.version", "built with SQLite " SQLITE_VERSION ", running on %s",
                     sqlite3_libversion());
    }
    if (sqlite3_libversion_number() < 3037000) {
        return chy_fail(op, CHY_UNSUPPORTED, sqlite3_libversion_number(),
                        "SQLite %s is too old for '%s': it has no STRICT tables",
                        sqlite3_libversion(), store->path);
    }
    return CHY_OK; // the file is opened when the schema is known: declare()
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)op;
    writer_drain(self);
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)op;
    store_close(self);
}

/* --- the descriptor ----------------------------------------------------------------------------*/

static const struct chy_storage_ops storage_ops = {
    .declare = store_declare,
    .verify_schema = store_verify_schema,
    .upgrade = store_upgrade,
    .get = store_get,
    .find = store_find,
    .write = store_write,
    .health = store_health,
    .check = store_check,
    .backup = store_backup,
    .statistics = store_statistics,
    .freeze = store_freeze,
};

static const struct chy_interface interfaces[] = {
    {CHY_INTERFACE_STORAGE, CHY_STORAGE_MINOR, 0, sizeof storage_ops, &storage_ops},
};

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .name = CHY_TEXT_INIT("storage-sqlite"),
    .version = CHY_TEXT_INIT("0.1.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("records in one SQLite file; commits are joined under load"),
    .built_with = CHY_TEXT_INIT("SQLite " SQLITE_VERSION),
    .threading = CHY_THREADS_MANY,
    .options = CHY_VIEW_INIT(options_table),
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &plugin;
}
