/** Connections and their statements. */
#include "db.h"
#include "logfile.h"

#include <errno.h>
#include <stdlib.h>

/* --- SQL text ----------------------------------------------------------------------------------*/

static void add_bytes(struct sql *sql, const void *bytes, uint64_t len)
{
    if (sql->room - sql->len <= len) {
        uint64_t room = (sql->len + len + 256) * 2;
        char *ptr = realloc(sql->ptr, (size_t)room);
        if (ptr == NULL) {
            sql->has_failed = true;
            return;
        }
        sql->ptr = ptr;
        sql->room = room;
    }
    if (len != 0) {
        memcpy(sql->ptr + sql->len, bytes, (size_t)len);
    }
    sql->len += len;
    sql->ptr[sql->len] = '\0';
}

void sql_add(struct sql *sql, const char *text)
{
    add_bytes(sql, text, strlen(text));
}

void sql_add_name(struct sql *sql, struct chy_slice first, const char *between,
                  struct chy_slice second)
{
    // The names' alphabet has no quote: chy_storage_check_schema() saw to it.
    sql_add(sql, "\"");
    add_bytes(sql, first.ptr, first.len);
    sql_add(sql, between);
    add_bytes(sql, second.ptr, second.len);
    sql_add(sql, "\"");
}

void sql_fini(struct sql *sql)
{
    free(sql->ptr);
    *sql = (struct sql){0};
}

/* --- errors ------------------------------------------------------------------------------------*/

chy_status sqlite_status(int code)
{
    if (code == SQLITE_CONSTRAINT_UNIQUE || code == SQLITE_CONSTRAINT_PRIMARYKEY) {
        return CHY_CONFLICT; // any other violated constraint is our bug
    }
    if (code == SQLITE_IOERR_WRITE) {
        return CHY_TRY_LATER; // the frame that would have committed was never written
    }
    switch (code & 0xff) {
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_FULL:
    case SQLITE_INTERRUPT: return CHY_TRY_LATER;
    case SQLITE_NOMEM: return CHY_TRY_LATER; // the process's memory, not the operation's
    default: return CHY_BROKEN;
    }
}

chy_status fail_sqlite(struct chy_op *op, struct connection *connection, const char *doing)
{
    // Read the code now: the next call on the connection overwrites it.
    int code = sqlite3_extended_errcode(connection->db);
    if ((code & 0xff) == SQLITE_INTERRUPT) {
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT, "%s: the deadline has passed",
                               doing);
    }
    if ((code & 0xff) == SQLITE_FULL) {
        atomic_store(&connection->found_full, true);
    }
    return chy_fail(op, sqlite_status(code), code, "%s: %s", doing, sqlite3_errmsg(connection->db));
}

/* --- connections -------------------------------------------------------------------------------*/

/** is_late ends a statement whose operation nobody waits for any more. */
static int is_late(void *arg)
{
    struct connection *connection = arg;
    struct chy_op *op = connection->op;
    return op != NULL && (chy_cancelled(op) != 0 || (chy_deadline(op) != CHY_NO_DEADLINE &&
                                                     chy_monotonic(op) >= chy_deadline(op)));
}

static chy_status set_up(struct chy_op *op, struct connection *connection,
                         const struct connection_settings *settings, enum connection_kind kind)
{
    char text[256];
    int powersafe = 1;
    // SQLite's default; without it a commit would write on after its sync, see logfile.h.
    (void)sqlite3_file_control(connection->db, "main", SQLITE_FCNTL_POWERSAFE_OVERWRITE,
                               &powersafe);
    (void)sqlite3_extended_result_codes(connection->db, 1);
    (void)sqlite3_busy_timeout(connection->db, (int)(settings->busy_timeout_us / 1000));
    (void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
    (void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(connection->db, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    (void)sqlite3_wal_autocheckpoint(connection->db, 0);
    if (kind == CONNECTION_READER) {
        sqlite3_progress_handler(connection->db, 10000, is_late, connection);
    }
    if (functions_add(connection->db) != SQLITE_OK) {
        return fail_sqlite(op, connection, "adding functions");
    }
    // FULL: the log is synced at each commit, so that OK means durable.
    (void)snprintf(text, sizeof text,
                   "PRAGMA synchronous=FULL; PRAGMA temp_store=MEMORY; PRAGMA cache_size=-%lld;%s",
                   (long long)(settings->cache_bytes / 1024),
                   kind == CONNECTION_READER ? " PRAGMA query_only=1;" : "");
    return run_sql(op, connection, text);
}

chy_status connection_open(struct chy_op *op, const struct connection_settings *settings,
                           enum connection_kind kind, struct connection **out_connection)
{
    struct connection *connection = calloc(1, sizeof *connection);
    if (connection == NULL) {
        return chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory for a connection");
    }
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int code = sqlite3_open_v2(settings->path, &connection->db, flags,
                               kind == CONNECTION_WRITER ? LOGFILE_VFS : NULL);
    chy_status status = CHY_OK;
    if (code != SQLITE_OK) {
        status = chy_fail(op, sqlite_status(code), code, "cannot open '%s': %s", settings->path,
                          connection->db == NULL ? "no memory" : sqlite3_errmsg(connection->db));
    } else {
        status = set_up(op, connection, settings, kind);
    }
    if (status != CHY_OK) {
        connection_close(connection);
        return status;
    }
    *out_connection = connection;
    return CHY_OK;
}

static void close_statements(struct connection *connection)
{
    for (size_t i = 0; i < STATEMENT_BUCKETS; i++) {
        while (connection->statements[i] != NULL) {
            struct statement *statement = connection->statements[i];
            connection->statements[i] = statement->next;
            (void)sqlite3_finalize(statement->stmt);
            free(statement);
        }
    }
    connection->statement_count = 0;
}

void connection_close(struct connection *connection)
{
    if (connection == NULL) {
        return;
    }
    close_statements(connection);
    (void)sqlite3_close(connection->db);
    free(connection);
}

void connection_trim(struct connection *connection)
{
    if (connection->statement_count > STATEMENTS_MAX) {
        close_statements(connection);
    }
}

/* --- statements --------------------------------------------------------------------------------*/

static uint64_t hash(struct chy_slice key)
{
    uint64_t h = 0xcbf29ce484222325U;
    uint64_t i = 0;
    for (; key.len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, key.ptr + i, sizeof word);
        h = (h ^ word) * 0x9e3779b97f4a7c15U;
        h ^= h >> 29;
    }
    for (; i < key.len; i++) {
        h = (h ^ key.ptr[i]) * 0x100000001b3U;
    }
    return h ^ h >> 32;
}

sqlite3_stmt *statement_find(struct connection *connection, struct chy_slice key)
{
    uint64_t h = hash(key);
    for (struct statement *s = connection->statements[h % STATEMENT_BUCKETS]; s != NULL;
         s = s->next) {
        if (s->hash == h && s->key_len == key.len && memcmp(s->key, key.ptr, key.len) == 0) {
            return s->stmt;
        }
    }
    return NULL;
}

chy_status statement_keep(struct chy_op *op, struct connection *connection, struct chy_slice key,
                          const struct sql *sql, sqlite3_stmt **out_stmt)
{
    struct statement *statement = malloc(sizeof *statement + (size_t)key.len);
    if (statement == NULL || sql->has_failed) {
        free(statement);
        return chy_fail(op, CHY_TRY_LATER, ENOMEM, "no memory for a statement");
    }
    int code = sqlite3_prepare_v3(connection->db, sql->ptr, (int)sql->len + 1,
                                  SQLITE_PREPARE_PERSISTENT, &statement->stmt, NULL);
    if (code != SQLITE_OK) {
        free(statement);
        return fail_sqlite(op, connection, "preparing a statement");
    }
    statement->hash = hash(key);
    statement->key_len = key.len;
    memcpy(statement->key, key.ptr, (size_t)key.len);
    struct statement **bucket = &connection->statements[statement->hash % STATEMENT_BUCKETS];
    statement->next = *bucket;
    *bucket = statement;
    connection->statement_count++;
    *out_stmt = statement->stmt;
    return CHY_OK;
}

chy_status run_sql(struct chy_op *op, struct connection *connection, const char *text)
{
    if (sqlite3_exec(connection->db, text, NULL, NULL, NULL) != SQLITE_OK) {
        return fail_sqlite(op, connection, text);
    }
    return CHY_OK;
}

chy_status query_number(struct chy_op *op, struct connection *connection, const char *text,
                        int64_t fallback, int64_t *out_number)
{
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(connection->db, text, -1, &stmt, NULL) != SQLITE_OK) {
        return fail_sqlite(op, connection, text);
    }
    int code = sqlite3_step(stmt);
    int64_t number = code == SQLITE_ROW ? sqlite3_column_int64(stmt, 0) : fallback;
    chy_status status = CHY_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = fail_sqlite(op, connection, text);
    }
    (void)sqlite3_finalize(stmt);
    if (status == CHY_OK) {
        *out_number = number;
    }
    return status;
}
