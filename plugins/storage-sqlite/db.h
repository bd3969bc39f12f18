/** SQLite as this plugin uses it: connections, prepared statements kept by key, errors. */
#ifndef STORAGE_SQLITE_DB_H
#define STORAGE_SQLITE_DB_H

#include <chancery/host.h>
#include <chancery/storage.h>

#include <sqlite3.h>
#include <stdatomic.h>
#include <stdbool.h>

/* --- SQL text ----------------------------------------------------------------------------------*/

/** SQL being built.  It fails once and stays failed; sql_prepare() then says so. */
struct sql {
    char *ptr;
    uint64_t len;
    uint64_t room;
    bool has_failed;
};

void sql_add(struct sql *sql, const char *text);
/** sql_add_name adds a quoted identifier made of up to three parts: collection, "/", rest. */
void sql_add_name(struct sql *sql, struct chy_slice first, const char *between,
                  struct chy_slice second);
void sql_fini(struct sql *sql);

/* --- connections -------------------------------------------------------------------------------*/

struct statement {
    struct statement *next;
    sqlite3_stmt *stmt;
    uint64_t hash;
    uint64_t key_len;
    uint8_t key[];
};

#define STATEMENT_BUCKETS 256U
/** More statements than this are closed when a connection is next taken up. */
#define STATEMENTS_MAX 400U

/** One connection and its statements; used by one thread at a time. */
struct connection {
    struct connection *next; /**< in the pool of idle readers */
    sqlite3 *db;
    struct chy_op *op;      /**< whom the progress handler asks about the deadline; NULL: nobody */
    atomic_bool found_full; /**< a write found no room on the disk */
    uint64_t statement_count;
    struct statement *statements[STATEMENT_BUCKETS];
};

/** What a connection is for. */
enum connection_kind {
    CONNECTION_WRITER,
    CONNECTION_READER,
    CONNECTION_SERVICE
};

struct connection_settings {
    const char *path;
    int64_t busy_timeout_us;
    int64_t cache_bytes;
};

chy_status connection_open(struct chy_op *op, const struct connection_settings *settings,
                           enum connection_kind kind, struct connection **out_connection);
void connection_close(struct connection *connection); /**< NULL is fine */

/** connection_trim closes all statements when there are too many; none may be in use. */
void connection_trim(struct connection *connection);

/** statement_find returns a reset statement that was kept under `key`, or NULL. */
sqlite3_stmt *statement_find(struct connection *connection, struct chy_slice key);

/** statement_keep prepares `sql` and keeps it under `key`. */
CHY_MUST_USE chy_status statement_keep(struct chy_op *op, struct connection *connection,
                                       struct chy_slice key, const struct sql *sql,
                                       sqlite3_stmt **out_stmt);

/** run_sql runs statements without parameters and without rows. */
CHY_MUST_USE chy_status run_sql(struct chy_op *op, struct connection *connection, const char *text);

/** query_number gives the first column of the first row; `fallback` when there is none. */
CHY_MUST_USE chy_status query_number(struct chy_op *op, struct connection *connection,
                                     const char *text, int64_t fallback, int64_t *out_number);

/** fail_sqlite records the connection's last error; call it before anything else. */
chy_status fail_sqlite(struct chy_op *op, struct connection *connection, const char *doing);

/** sqlite_status says what the caller may do after `code`. */
chy_status sqlite_status(int code);

/* --- values ------------------------------------------------------------------------------------*/

/** bind_value binds parameter `number` (from 1); the bytes stay the caller's. */
void bind_value(sqlite3_stmt *stmt, int number, const struct chy_value *value);

/** column_value copies a column into `op`, as a value of `field`. */
CHY_MUST_USE chy_status column_value(struct chy_op *op, sqlite3_stmt *stmt, int column,
                                     const struct chy_field *field, struct chy_value *out_value);

/** items_encode gives the bytes that a row keeps of a set: length and text of each, sorted. */
CHY_MUST_USE chy_status items_encode(struct chy_op *op, const struct chy_slice *items,
                                     uint64_t count, struct chy_slice *out_bytes);

/** The SQL functions that look into a row's own copy of a set: (set, text). */
#define HAS_FUNCTION "chancery_has"
#define HAS_PREFIX_FUNCTION "chancery_has_prefix"

/** functions_add makes them known to a connection. */
int functions_add(sqlite3 *db);

/** items_next takes one text from the front of what items_encode() made; false at the end. */
bool items_next(struct chy_slice *rest, struct chy_slice *out_item);

#endif
