/** What an operator asks: health, consistency, a copy, figures. */
#include "store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

/* --- health ------------------------------------------------------------------------------------*/

/** What has to be free again on a disk that was full: small writes still fit where large ones do
 *  not, so that one of them succeeded says little. */
#define ROOM_AGAIN ((uint64_t)16 << 20)

/** check_room tells of a full disk, until there is room.  It writes nothing.  The reason is that of
 *  a limit: the file can be read, so nothing stands against calls. */
static chy_status check_room(struct store *store, struct chy_op *op)
{
    struct connection *writer = store->writer.connection;
    struct statvfs disk;
    if (!atomic_load(&writer->found_full)) {
        return CHY_OK;
    }
    uint64_t room =
        statvfs(store->path, &disk) == 0 ? (uint64_t)disk.f_bavail * disk.f_frsize : ROOM_AGAIN;
    if (room >= ROOM_AGAIN) {
        atomic_store(&writer->found_full, false);
        return CHY_OK;
    }
    return chy_fail_reason(
        op, CHY_TRY_LATER, CHY_REASON_OVERLOAD,
        "the disk of '%s' is full: a write found no room, %llu KiB are free, and "
        "%llu are to be",
        store->path, (unsigned long long)(room >> 10), (unsigned long long)(ROOM_AGAIN >> 10));
}

chy_status store_health(void *self, struct chy_op *op)
{
    struct store *store = self;
    struct connection *connection = NULL;
    int64_t number = 0;
    CHY_TRY(store_ready(store, op));
    CHY_TRY(reader_take(store, op, &connection));
    chy_status status =
        query_number(op, connection, "SELECT count(*) FROM sqlite_schema", 0, &number);
    reader_give(store, connection);
    return status == CHY_OK ? check_room(store, op) : status;
}

/* --- check -------------------------------------------------------------------------------------*/

static chy_status check_pages(struct chy_op *op, struct connection *connection)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(connection->db, "PRAGMA integrity_check(1)", -1, &stmt, NULL) !=
        SQLITE_OK) {
        return fail_sqlite(op, connection, "integrity_check");
    }
    chy_status status = CHY_OK;
    if (sqlite3_step(stmt) != SQLITE_ROW) {
        status = fail_sqlite(op, connection, "integrity_check");
    } else {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        if (text == NULL || strcmp(text, "ok") != 0) {
            status = chy_fail(op, CHY_BROKEN, 0, "the database is damaged: %s",
                              text == NULL ? "?" : text);
        }
    }
    (void)sqlite3_finalize(stmt);
    return status;
}

/** count_items adds up the items of all rows' own copies of a set. */
static chy_status count_items(struct chy_op *op, struct connection *connection,
                              const struct table *table, uint32_t field, int64_t *out_items)
{
    struct sql sql = {0};
    sqlite3_stmt *stmt = NULL;
    sql_add(&sql, "SELECT ");
    sql_add(&sql, table->columns[field]);
    sql_add(&sql, " FROM ");
    sql_add(&sql, table->name);
    sql_add(&sql, " WHERE ");
    sql_add(&sql, table->columns[field]);
    sql_add(&sql, " IS NOT NULL");
    int code = sql.has_failed ? SQLITE_NOMEM
                              : sqlite3_prepare_v2(connection->db, sql.ptr, -1, &stmt, NULL);
    sql_fini(&sql);
    while (code == SQLITE_OK || code == SQLITE_ROW) {
        code = sqlite3_step(stmt);
        if (code == SQLITE_ROW) {
            const void *bytes = sqlite3_column_blob(stmt, 0);
            struct chy_slice rest = chy_slice_of(bytes, (uint64_t)sqlite3_column_bytes(stmt, 0));
            struct chy_slice item = {NULL, 0};
            while (items_next(&rest, &item)) {
                (*out_items)++;
            }
        }
    }
    chy_status status = CHY_OK;
    if (code != SQLITE_DONE) {
        status = fail_sqlite(op, connection, "counting a set's items");
    }
    (void)sqlite3_finalize(stmt);
    return status;
}

/** count_matched counts the texts whose row is there and has them. */
static chy_status count_texts(struct chy_op *op, struct connection *connection,
                              const struct table *table, uint32_t field, bool matched,
                              int64_t *out_texts)
{
    struct sql sql = {0};
    sql_add(&sql, "SELECT count(*) FROM ");
    sql_add(&sql, table->children[field]);
    if (matched) {
        sql_add(&sql, " c JOIN ");
        sql_add(&sql, table->name);
        sql_add(&sql, " t ON t.\"$row\"=c.\"row\" WHERE " HAS_FUNCTION "(t.");
        sql_add(&sql, table->columns[field]);
        sql_add(&sql, ",c.\"value\")");
    }
    chy_status status = sql.has_failed ? chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory")
                                       : query_number(op, connection, sql.ptr, 0, out_texts);
    sql_fini(&sql);
    return status;
}

static chy_status check_set(struct chy_op *op, struct connection *connection,
                            const struct table *table, uint32_t field)
{
    int64_t items = 0;
    int64_t texts = 0;
    int64_t matched = 0;
    CHY_TRY(count_items(op, connection, table, field, &items));
    CHY_TRY(count_texts(op, connection, table, field, false, &texts));
    CHY_TRY(count_texts(op, connection, table, field, true, &matched));
    if (items != texts || texts != matched) {
        return chy_fail(
            op, CHY_BROKEN, 0, "%s: rows hold %lld texts, the table %lld, %lld of them match",
            table->children[field], (long long)items, (long long)texts, (long long)matched);
    }
    return CHY_OK;
}

static chy_status check_all(struct store *store, struct chy_op *op, struct connection *connection)
{
    CHY_TRY(check_pages(op, connection));
    for (uint64_t i = 0; i < store->table_count; i++) {
        const struct table *table = &store->tables[i];
        for (uint32_t f = 0; f < table->collection->fields.count; f++) {
            if (table->children[f] != NULL) {
                CHY_TRY(check_set(op, connection, table, f));
            }
        }
    }
    return CHY_OK;
}

chy_status store_check(void *self, struct chy_op *op)
{
    struct store *store = self;
    struct connection *connection = NULL;
    CHY_TRY(store_ready(store, op));
    CHY_TRY(store_service(store, op, &connection));
    chy_status status = run_sql(op, connection, "BEGIN");
    if (status == CHY_OK) {
        status = check_all(store, op, connection);
    }
    connection_close(connection);
    return status;
}

/* --- backup ------------------------------------------------------------------------------------*/

/** copy_pages copies within one read transaction: the copy shows one moment, writers go on. */
static chy_status copy_pages(struct chy_op *op, struct connection *from, struct connection *to)
{
    sqlite3_backup *backup = sqlite3_backup_init(to->db, "main", from->db, "main");
    if (backup == NULL) {
        return fail_sqlite(op, to, "starting the copy");
    }
    int code = SQLITE_OK;
    chy_status status = CHY_OK;
    while (code == SQLITE_OK && status == CHY_OK) {
        code = sqlite3_backup_step(backup, 1024);
        status = chy_storage_check_deadline(op);
    }
    int finished = sqlite3_backup_finish(backup);
    CHY_TRY(status);
    if (code != SQLITE_DONE || finished != SQLITE_OK) {
        int failed = code != SQLITE_DONE ? code : finished;
        return chy_fail(op, sqlite_status(failed), failed, "copying the database: %s",
                        sqlite3_errstr(failed));
    }
    return CHY_OK;
}

static chy_status copy_to(struct store *store, struct chy_op *op, const char *path)
{
    const struct connection_settings settings = {path, store->busy_timeout_us, 0};
    struct connection *from = NULL;
    struct connection *to = NULL;
    CHY_TRY(store_service(store, op, &from));
    chy_status status = connection_open(op, &settings, CONNECTION_SERVICE, &to);
    if (status == CHY_OK) {
        status = run_sql(op, from, "BEGIN; SELECT count(*) FROM sqlite_schema");
    }
    if (status == CHY_OK) {
        status = copy_pages(op, from, to);
    }
    connection_close(to);
    connection_close(from);
    return status;
}

chy_status store_backup(void *self, struct chy_op *op, struct chy_slice path)
{
    struct store *store = self;
    struct chy_slice name = {NULL, 0};
    CHY_TRY(store_ready(store, op));
    CHY_TRY(chy_copy(op, path, &name)); // and a NUL behind it
    if (path.len == 0 || memchr(name.ptr, 0, (size_t)name.len) != NULL) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the path is empty or holds a NUL");
    }
    int file = open((const char *)name.ptr, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (file < 0) {
        return chy_fail(op, errno == EEXIST ? CHY_CONFLICT : CHY_BAD_INPUT, errno,
                        "cannot make '%s': %s", (const char *)name.ptr, strerrordesc_np(errno));
    }
    (void)close(file);
    chy_status status = copy_to(store, op, (const char *)name.ptr);
    if (status != CHY_OK) {
        (void)unlink((const char *)name.ptr);
    }
    return status;
}

/* --- statistics --------------------------------------------------------------------------------*/

static uint64_t file_bytes(const char *path, const char *suffix)
{
    char *name = NULL;
    struct stat status;
    uint64_t bytes = 0;
    if (asprintf(&name, "%s%s", path, suffix) >= 0) {
        bytes = stat(name, &status) == 0 ? (uint64_t)status.st_size : 0;
        free(name);
    }
    return bytes;
}

/** estimate_rows takes each table's highest row number: exact until rows are deleted. */
static chy_status estimate_rows(struct store *store, struct chy_op *op,
                                struct connection *connection, uint64_t *out_rows)
{
    for (uint64_t i = 0; i < store->table_count; i++) {
        struct sql sql = {0};
        int64_t highest = 0;
        sql_add(&sql, "SELECT max(\"$row\") FROM ");
        sql_add(&sql, store->tables[i].name);
        chy_status status = sql.has_failed ? chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory")
                                           : query_number(op, connection, sql.ptr, 0, &highest);
        sql_fini(&sql);
        CHY_TRY(status);
        *out_rows += (uint64_t)highest;
    }
    return CHY_OK;
}

static chy_status read_pages(struct store *store, struct chy_op *op, uint64_t *out_rows,
                             int64_t *out_pages, int64_t *out_free)
{
    struct connection *connection = NULL;
    CHY_TRY(reader_take(store, op, &connection));
    chy_status status = query_number(op, connection, "PRAGMA page_count", 0, out_pages);
    if (status == CHY_OK) {
        status = query_number(op, connection, "PRAGMA freelist_count", 0, out_free);
    }
    if (status == CHY_OK) {
        status = estimate_rows(store, op, connection, out_rows);
    }
    reader_give(store, connection);
    return status;
}

chy_status store_statistics(void *self, struct chy_op *op,
                            struct chy_storage_statistics *out_statistics)
{
    struct store *store = self;
    struct writer *writer = &store->writer;
    uint64_t rows = 0;
    int64_t pages = 0;
    int64_t free_pages = 0;
    char text[512];
    struct chy_slice detail = {NULL, 0};
    CHY_TRY(store_ready(store, op));
    CHY_TRY(read_pages(store, op, &rows, &pages, &free_pages));
    uint64_t log_bytes = file_bytes(store->path, "-wal");
    (void)snprintf(
        text, sizeof text,
        "{\"pageBytes\":%lld,\"pages\":%lld,\"freePages\":%lld,\"logBytes\":%llu,"
        "\"largestGroup\":%llu,\"groupsRunAgain\":%llu,\"checkpoints\":%llu,\"heldMs\":%llu}",
        (long long)store->page_bytes, (long long)pages, (long long)free_pages,
        (unsigned long long)log_bytes, (unsigned long long)atomic_load(&writer->largest_group),
        (unsigned long long)atomic_load(&writer->reruns),
        (unsigned long long)atomic_load(&store->checkpointer.rounds),
        (unsigned long long)atomic_load(&store->checkpointer.held_us) / 1000);
    CHY_TRY(chy_copy(op, chy_text(text), &detail));
    out_statistics->commits = atomic_load(&writer->commits);
    out_statistics->batches = atomic_load(&writer->batches);
    out_statistics->rows_estimate = rows;
    out_statistics->bytes = file_bytes(store->path, "") + log_bytes;
    out_statistics->detail = detail;
    return CHY_OK;
}
