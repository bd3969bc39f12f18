// The descriptor and the life of an instance.
#include "group.h"
#include "store.h"

#include "auto.h"

#include <stdlib.h>

enum option {
    OPTION_CONNINFO,
    OPTION_SCHEMA,
    OPTION_CONNECTIONS,
    OPTION_COMMITTERS,
    OPTION_GATHER,
    OPTION_CONNECT_TIMEOUT,
    OPTION_STATEMENT_TIMEOUT
};

static const struct chy_option options[] = {
    [OPTION_CONNINFO] = {.name = CHY_TEXT_INIT("conninfo"),
                         .type = CHY_OPTION_TEXT,
                         .flags = CHY_OPTION_REQUIRED | CHY_OPTION_SECRET,
                         .minimum = 1,
                         .maximum = 8192,
                         .help = CHY_TEXT_INIT("libpq connection string or URI: "
                                               "\"host=db dbname=chancery user=chancery\"")},
    [OPTION_SCHEMA] = {.name = CHY_TEXT_INIT("schema"),
                       .type = CHY_OPTION_TEXT,
                       .minimum = 1,
                       .maximum = 63,
                       .default_text = CHY_TEXT_INIT("chancery"),
                       .help = CHY_TEXT_INIT("PostgreSQL schema that holds the tables; upgrade "
                                             "makes it")},
    [OPTION_CONNECTIONS] = {.name = CHY_TEXT_INIT("connections"),
                            .type = CHY_OPTION_INT,
                            .minimum = 1,
                            .maximum = 500,
                            .default_text = CHY_TEXT_INIT("16"),
                            .help = CHY_TEXT_INIT("most connections for reads and for batches "
                                                  "that commit alone, opened on demand")},
    [OPTION_COMMITTERS] = {.name = CHY_TEXT_INIT("committers"),
                           .type = CHY_OPTION_INT,
                           .minimum = 1,
                           .maximum = 16,
                           .default_text = CHY_TEXT_INIT("2"),
                           .help = CHY_TEXT_INIT("joined commits in flight at once, each on a "
                                                 "connection of its own")},
    [OPTION_GATHER] = {.name = CHY_TEXT_INIT("gather"),
                       .type = CHY_OPTION_DURATION,
                       .minimum = 0,
                       .maximum = 20000,
                       .default_text = CHY_TEXT_INIT("2ms"),
                       .help = CHY_TEXT_INIT("longest wait for more batches to join a commit; "
                                             "none when nobody else writes")},
    [OPTION_CONNECT_TIMEOUT] = {.name = CHY_TEXT_INIT("connect_timeout"),
                                .type = CHY_OPTION_DURATION,
                                .minimum = 100000,
                                .maximum = 300000000,
                                .default_text = CHY_TEXT_INIT("5s"),
                                .help = CHY_TEXT_INIT("longest wait for a connection to be made")},
    [OPTION_STATEMENT_TIMEOUT] = {.name = CHY_TEXT_INIT("statement_timeout"),
                                  .type = CHY_OPTION_DURATION,
                                  .minimum = 100000,
                                  .maximum = 3600000000,
                                  .default_text = CHY_TEXT_INIT("30s"),
                                  .help = CHY_TEXT_INIT("longest time the server gives one "
                                                        "statement; also the longest wait for "
                                                        "a free connection")},
};

static bool copy_text(struct pgs_store *store, struct chy_slice text, const char **out_copy)
{
    *out_copy = pgs_heap_copy(&store->heap, text.ptr, text.len);
    return *out_copy != NULL;
}

static chy_status read_options(struct pgs_store *store, struct chy_op *op,
                               const struct chy_options *given)
{
    struct pgs_settings *s = &store->settings;
    if (!copy_text(store, given->instance_name, &s->name) ||
        !copy_text(store, chy_option_at(given, OPTION_CONNINFO)->text, &s->conninfo) ||
        !copy_text(store, chy_option_at(given, OPTION_SCHEMA)->text, &s->schema)) {
        return chy_fail_memory(op);
    }
    s->connections = (uint32_t)chy_option_at(given, OPTION_CONNECTIONS)->number;
    s->committers = (uint32_t)chy_option_at(given, OPTION_COMMITTERS)->number;
    s->gather_us = chy_option_at(given, OPTION_GATHER)->number;
    s->connect_timeout_us = chy_option_at(given, OPTION_CONNECT_TIMEOUT)->number;
    s->statement_timeout_us = chy_option_at(given, OPTION_STATEMENT_TIMEOUT)->number;
    return CHY_OK;
}

/** What is wrong with the connection string shows now, and not with its secrets. */
static chy_status check_conninfo(struct pgs_store *store, struct chy_op *op)
{
    char *message = NULL;
    PGS_AUTO(pgs_conninfo)
    PQconninfoOption *parsed = PQconninfoParse(store->settings.conninfo, &message);
    // libpq's message quotes the string, and with it a password.
    PQfreemem(message);
    return parsed != NULL
               ? CHY_OK
               : chy_fail(op, CHY_BAD_INPUT, 0, "option conninfo is not a libpq connection string");
}

static chy_status check_schema_name(struct pgs_store *store, struct chy_op *op)
{
    for (const char *at = store->settings.schema; *at != '\0'; at++) {
        // Backslashes mean different things to servers with different settings.
        if ((unsigned char)*at < 0x20 || *at == '\\') {
            return chy_fail(op, CHY_BAD_INPUT, 0, "option schema has a character that no name has");
        }
    }
    return CHY_OK;
}

static void destroy(void *self)
{
    struct pgs_store *store = self;
    if (store == NULL) {
        return;
    }
    pgs_pool_fini(&store->pool);
    pgs_pool_fini(&store->committing);
    pgs_queue_fini(&store->queue);
    pgs_sessions_fini(&store->sessions);
    pgs_statements_fini(&store->statements);
    pgs_model_free(store->model);
    pgs_heap_free(&store->heap);
    free(store);
}

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *given, void **out_self)
{
    struct pgs_store *store = calloc(1, sizeof *store);
    if (store == NULL) {
        return chy_fail_memory(op);
    }
    store->host = host;
    store->instance = instance;
    chy_status status = read_options(store, op, given);
    pgs_pool_init(&store->pool, store->settings.connections);
    pgs_pool_init(&store->committing, store->settings.committers);
    pgs_queue_init(&store->queue);
    pgs_sessions_init(&store->sessions);
    pgs_statements_init(&store->statements);
    if (status == CHY_OK) {
        status = check_conninfo(store, op);
    }
    if (status == CHY_OK) {
        status = check_schema_name(store, op);
    }
    if (status != CHY_OK) {
        destroy(store);
        return status;
    }
    *out_self = store;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    struct pgs_connection *connection = NULL;
    struct pgs_failure failure;
    // One session proves the connection string; the others come when they are needed.
    if (pgs_pool_take(store, &store->pool, pgs_until(op), &connection, &failure) != PGS_DONE) {
        return pgs_fail(op, &failure, "starting");
    }
    chy_log_info(op, "storage.connected", "PostgreSQL %s, database '%s', schema '%s'",
                 PQparameterStatus(connection->pg, "server_version"), PQdb(connection->pg),
                 store->settings.schema);
    pgs_pool_give(store, &store->pool, connection);
    return CHY_OK;
}

static chy_status drain(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    (void)op;
    atomic_store(&store->draining, true);
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    (void)op;
    pgs_pool_close_idle(&store->pool);
    pgs_pool_close_idle(&store->committing);
}

static const struct chy_storage_ops ops = {
    .declare = pgs_declare,
    .verify_schema = pgs_verify_schema,
    .upgrade = pgs_upgrade,
    .get = pgs_get,
    .find = pgs_find,
    .write = pgs_write,
    .health = pgs_health,
    .check = pgs_check,
    .backup = NULL, // pg_dump and base backups are PostgreSQL's own: README.md
    .statistics = pgs_statistics,
    .freeze = pgs_freeze,
};

static const struct chy_interface interfaces[] = {
    {CHY_INTERFACE_STORAGE, CHY_STORAGE_MINOR, 0, sizeof ops, &ops},
};

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .name = CHY_TEXT_INIT("storage-postgres"),
    .version = CHY_TEXT_INIT("0.1.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("records in PostgreSQL, or in a database that speaks like it"),
    .built_with = CHY_TEXT_INIT("libpq " PGS_LIBPQ_VERSION),
    .threading = CHY_THREADS_MANY,
    .options = CHY_VIEW_INIT(options),
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
