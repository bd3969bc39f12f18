/**
 * The schema: what is there compared with what is declared, and additive steps from one to the
 * other.
 *
 * One walk over the declaration serves both.  verify_schema() only notes what it finds; upgrade()
 * makes what is missing, in one transaction.
 */
#include "store.h"

#include <errno.h>
#include <stdlib.h>

/* The name cannot be a collection's: those have no blank. */
#define META_TABLE "\"chancery meta\""
#define APPLICATION_ID 0x43687963 /* "Chyc", in the file's header: file(1) tells it */

/** One walk. */
struct walk {
    struct store *store;
    struct chy_op *op;
    struct connection *connection;
    bool makes;          /**< upgrade: make what is missing */
    uint64_t missing;    /**< things that upgrade would make */
    uint64_t impossible; /**< things that no additive step can mend */
    char detail[300];    /**< the first of them */
};

static void note(struct walk *walk, uint64_t *counter, const char *what, const char *name)
{
    if (*counter == 0 && (counter == &walk->impossible || walk->impossible == 0)) {
        (void)snprintf(walk->detail, sizeof walk->detail, "%s %s", name, what);
    }
    (*counter)++;
}

/** found is what a query of the catalog answered. */
struct found {
    bool is_there;
    char text[64];
    bool matches; /**< the text equals what was expected */
};

/** look asks for one text by two parameters, and compares it with `expected`. */
static chy_status look(struct walk *walk, const char *sql, const char *first, const char *second,
                       const char *expected, struct found *out_found)
{
    struct found found = {0};
    sqlite3_stmt *stmt = NULL;
    if (sqlite3_prepare_v2(walk->connection->db, sql, -1, &stmt, NULL) != SQLITE_OK) {
        return fail_sqlite(walk->op, walk->connection, "reading the schema");
    }
    (void)sqlite3_bind_text(stmt, 1, first, -1, SQLITE_STATIC);
    (void)sqlite3_bind_text(stmt, 2, second, -1, SQLITE_STATIC);
    int code = sqlite3_step(stmt);
    if (code == SQLITE_ROW) {
        const char *text = (const char *)sqlite3_column_text(stmt, 0);
        found.is_there = true;
        found.matches = text != NULL && strcmp(text, expected) == 0;
        (void)snprintf(found.text, sizeof found.text, "%s", text == NULL ? "" : text);
    }
    chy_status status = CHY_OK;
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = fail_sqlite(walk->op, walk->connection, "reading the schema");
    }
    (void)sqlite3_finalize(stmt);
    *out_found = found;
    return status;
}

/** bare gives a quoted name without its quotes; the caller frees it. */
static char *bare(const char *name)
{
    return strndup(name + 1, strlen(name) - 2);
}

static chy_status look_up(struct walk *walk, const char *kind, const char *name,
                          const char *expected, struct found *out_found)
{
    char *plain = bare(name);
    if (plain == NULL) {
        return chy_fail(walk->op, CHY_TRY_LATER, ENOMEM, "no memory");
    }
    chy_status status = look(walk, "SELECT sql FROM sqlite_schema WHERE name=?1 AND type=?2", plain,
                             kind, expected, out_found);
    free(plain);
    return status;
}

/* --- SQL of the parts --------------------------------------------------------------------------*/

static const char *column_type(const struct chy_field *field)
{
    if (chy_storage_is_many(field)) {
        return "BLOB";
    }
    switch ((enum chy_value_type)field->type) {
    case CHY_VALUE_TEXT:
    case CHY_VALUE_JSON: return "TEXT";
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME: return "INTEGER";
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_NULL:
    case CHY_VALUE_MANY: return "BLOB";
    }
    return "BLOB";
}

/** is_bulky: such columns stand last, so that a list need not read past them. */
static bool is_bulky(const struct chy_field *field)
{
    return field->type == CHY_VALUE_BLOB || field->type == CHY_VALUE_JSON;
}

static void table_sql(const struct table *table, struct sql *sql)
{
    sql_add(sql, "CREATE TABLE ");
    sql_add(sql, table->name);
    sql_add(sql, " (\"$row\" INTEGER PRIMARY KEY, \"$revision\" INTEGER NOT NULL");
    for (int bulky = 0; bulky < 2; bulky++) {
        for (uint32_t i = 0; i < table->collection->fields.count; i++) {
            const struct chy_field *field = chy_storage_field(table->collection, i);
            if (is_bulky(field) == (bulky != 0)) {
                sql_add(sql, ", ");
                sql_add(sql, table->columns[i]);
                sql_add(sql, " ");
                sql_add(sql, column_type(field));
                sql_add(sql, chy_storage_contains(table->collection->key, i) ? " NOT NULL" : "");
            }
        }
    }
    sql_add(sql, ") STRICT");
}

static void index_sql(const struct table *table, const struct path *path, struct sql *sql)
{
    bool unique = path->index == NULL || (path->index->flags & CHY_INDEX_UNIQUE) != 0;
    sql_add(sql, unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    sql_add(sql, path->name);
    sql_add(sql, " ON ");
    sql_add(sql, table->name);
    for (uint64_t i = 0; i < path->count; i++) {
        sql_add(sql, i == 0 ? " (" : ", ");
        sql_add(sql, table->columns[path->fields[i]]);
    }
    sql_add(sql, ")");
}

static void child_sql(const char *name, struct sql *sql)
{
    sql_add(sql, "CREATE TABLE ");
    sql_add(sql, name);
    sql_add(sql, " (\"value\" TEXT NOT NULL, \"row\" INTEGER NOT NULL,"
                 " PRIMARY KEY (\"value\", \"row\")) STRICT, WITHOUT ROWID");
}

static void column_sql(const struct table *table, uint32_t field, struct sql *sql)
{
    sql_add(sql, "ALTER TABLE ");
    sql_add(sql, table->name);
    sql_add(sql, " ADD COLUMN ");
    sql_add(sql, table->columns[field]);
    sql_add(sql, " ");
    sql_add(sql, column_type(chy_storage_field(table->collection, field)));
}

/* --- the walk ----------------------------------------------------------------------------------*/

/** add makes a missing part when the walk makes; it takes `sql`. */
static chy_status add(struct walk *walk, struct sql *sql, const char *name)
{
    chy_status status = CHY_OK;
    note(walk, &walk->missing, "is missing", name);
    if (walk->makes) {
        status = sql->has_failed ? chy_fail(walk->op, CHY_TRY_LATER, ENOMEM, "no memory")
                                 : run_sql(walk->op, walk->connection, sql->ptr);
    }
    sql_fini(sql);
    return status;
}

static chy_status walk_column(struct walk *walk, const struct table *table, uint32_t number,
                              bool table_is_new)
{
    const struct chy_field *field = chy_storage_field(table->collection, number);
    struct found found = {.is_there = true, .matches = true};
    char *name = bare(table->name);
    char *column = bare(table->columns[number]);
    chy_status status = CHY_OK;
    if (name == NULL || column == NULL) {
        status = chy_fail(walk->op, CHY_TRY_LATER, ENOMEM, "no memory");
    } else if (!table_is_new) {
        status = look(walk, "SELECT type FROM pragma_table_info(?1) WHERE name=?2", name, column,
                      column_type(field), &found);
    }
    free(name);
    free(column);
    CHY_TRY(status);
    if (!found.is_there && (field->flags & (CHY_FIELD_NULLABLE | CHY_FIELD_MANY)) == 0) {
        note(walk, &walk->impossible, "is missing and cannot be null", table->columns[number]);
    } else if (!found.is_there) {
        struct sql sql = {0};
        column_sql(table, number, &sql);
        CHY_TRY(add(walk, &sql, table->columns[number]));
    } else if (!found.matches) {
        note(walk, &walk->impossible, "has another type", table->columns[number]);
    }
    if (table->children[number] == NULL) {
        return CHY_OK;
    }
    struct sql sql = {0};
    child_sql(table->children[number], &sql);
    status = look_up(walk, "table", table->children[number], sql.has_failed ? "" : sql.ptr, &found);
    if (status == CHY_OK && !found.is_there) {
        return add(walk, &sql, table->children[number]);
    }
    sql_fini(&sql);
    if (status == CHY_OK && !found.matches) {
        note(walk, &walk->impossible, "has another form", table->children[number]);
    }
    return status;
}

static chy_status walk_index(struct walk *walk, const struct table *table, const struct path *path)
{
    struct found found = {0};
    struct sql sql = {0};
    index_sql(table, path, &sql);
    chy_status status = look_up(walk, "index", path->name, sql.has_failed ? "" : sql.ptr, &found);
    if (status == CHY_OK && !found.is_there) {
        return add(walk, &sql, path->name);
    }
    sql_fini(&sql);
    if (status == CHY_OK && !found.matches) {
        note(walk, &walk->impossible, "indexes other fields", path->name);
    }
    return status;
}

static chy_status walk_table(struct walk *walk, const struct table *table)
{
    struct found found = {0};
    CHY_TRY(look_up(walk, "table", table->name, "", &found));
    if (!found.is_there) {
        struct sql sql = {0};
        table_sql(table, &sql);
        CHY_TRY(add(walk, &sql, table->name));
        if (!walk->makes) {
            return CHY_OK;
        }
    }
    for (uint32_t i = 0; i < table->collection->fields.count; i++) {
        CHY_TRY(walk_column(walk, table, i, !found.is_there));
    }
    for (uint64_t i = 0; i < table->path_count; i++) {
        CHY_TRY(walk_index(walk, table, &table->paths[i]));
    }
    return CHY_OK;
}

static chy_status walk_all(struct walk *walk)
{
    for (uint64_t i = 0; i < walk->store->table_count; i++) {
        CHY_TRY(walk_table(walk, &walk->store->tables[i]));
    }
    return CHY_OK;
}

/* --- the state ---------------------------------------------------------------------------------*/

/** read_state compares versions first, and tables where the versions allow it. */
static chy_status read_state(struct walk *walk, struct chy_schema_report *report)
{
    const struct chy_schema *schema = walk->store->schema;
    int64_t tables = 0;
    int64_t has_meta = 0;
    int64_t version = 0;
    int64_t minimum = 0;
    CHY_TRY(query_number(walk->op, walk->connection,
                         "SELECT count(*) FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'", 0,
                         &tables));
    CHY_TRY(query_number(walk->op, walk->connection,
                         "SELECT count(*) FROM sqlite_schema WHERE name='chancery meta'", 0,
                         &has_meta));
    if (has_meta == 0) {
        report->state = tables == 0 ? CHY_SCHEMA_EMPTY : CHY_SCHEMA_DIFFERS;
        walk->impossible = tables == 0 ? 0 : 1;
        (void)snprintf(walk->detail, sizeof walk->detail, "%s",
                       tables == 0 ? "nothing has been made yet"
                                   : "this is a database of something else");
        return CHY_OK;
    }
    CHY_TRY(query_number(walk->op, walk->connection,
                         "SELECT value FROM " META_TABLE " WHERE name='version'", 0, &version));
    CHY_TRY(query_number(walk->op, walk->connection,
                         "SELECT value FROM " META_TABLE " WHERE name='min_compatible'", 0,
                         &minimum));
    CHY_TRY(walk_all(walk));
    bool differs = walk->missing + walk->impossible != 0;
    report->found_version = (uint32_t)version;
    report->found_min_compatible = (uint32_t)minimum;
    if (version > schema->version && minimum > schema->version) {
        report->state = CHY_SCHEMA_TOO_NEW;
        walk->impossible++;
        (void)snprintf(walk->detail, sizeof walk->detail,
                       "made by a newer program that no longer serves version %u", schema->version);
    } else if (version < schema->version && walk->impossible == 0) {
        report->state = CHY_SCHEMA_OLDER;
    } else if (differs) {
        report->state = CHY_SCHEMA_DIFFERS;
    } else {
        report->state = version > schema->version ? CHY_SCHEMA_NEWER : CHY_SCHEMA_CURRENT;
    }
    return CHY_OK;
}

chy_status store_verify_schema(void *self, struct chy_op *op, struct chy_schema_report *out_report)
{
    struct store *store = self;
    struct chy_schema_report report = {.state = CHY_SCHEMA_EMPTY};
    struct walk walk = {.store = store, .op = op, .detail = "there is no database yet"};
    CHY_TRY(store_open(store, op));
    if (atomic_load(&store->is_open)) {
        CHY_TRY(store_service(store, op, &walk.connection));
        walk.detail[0] = '\0';
        chy_status status = read_state(&walk, &report);
        connection_close(walk.connection);
        CHY_TRY(status);
    }
    CHY_TRY(chy_copy(op, chy_text(walk.detail), &report.detail));
    out_report->state = report.state;
    out_report->found_version = report.found_version;
    out_report->found_min_compatible = report.found_min_compatible;
    out_report->detail = report.detail;
    return CHY_OK;
}

/* --- upgrade -----------------------------------------------------------------------------------*/

static chy_status set_meta(struct walk *walk, const char *name, uint32_t value)
{
    char text[200];
    (void)snprintf(text, sizeof text,
                   "INSERT INTO " META_TABLE " VALUES ('%s', %u)"
                   " ON CONFLICT (name) DO UPDATE SET value=excluded.value",
                   name, value);
    return run_sql(walk->op, walk->connection, text);
}

static chy_status make_all(struct walk *walk)
{
    const struct chy_schema *schema = walk->store->schema;
    struct chy_schema_report report = {0};
    CHY_TRY(
        read_state(walk, &report)); // within the transaction: another program may have been here
    if (walk->impossible != 0) {
        return chy_fail(walk->op, report.state == CHY_SCHEMA_TOO_NEW ? CHY_UNSUPPORTED : CHY_BROKEN,
                        0, "the database cannot be upgraded: %s", walk->detail);
    }
    CHY_TRY(run_sql(walk->op, walk->connection,
                    "CREATE TABLE IF NOT EXISTS " META_TABLE
                    " (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT"));
    walk->makes = true;
    CHY_TRY(walk_all(walk));
    if (report.found_version < schema->version) {
        CHY_TRY(set_meta(walk, "version", schema->version));
        CHY_TRY(set_meta(walk, "min_compatible", schema->min_compatible));
    }
    return CHY_OK;
}

static chy_status upgrade_with(struct walk *walk)
{
    char text[64];
    (void)snprintf(text, sizeof text, "PRAGMA application_id=%d", APPLICATION_ID);
    CHY_TRY(run_sql(walk->op, walk->connection, "PRAGMA journal_mode=WAL"));
    CHY_TRY(run_sql(walk->op, walk->connection, "BEGIN IMMEDIATE"));
    chy_status status = make_all(walk);
    if (status == CHY_OK) {
        status = run_sql(walk->op, walk->connection, text);
    }
    if (status == CHY_OK) {
        status = run_sql(walk->op, walk->connection, "COMMIT");
    }
    if (status != CHY_OK) {
        (void)sqlite3_exec(walk->connection->db, "ROLLBACK", NULL, NULL, NULL);
    }
    return status;
}

chy_status store_upgrade(void *self, struct chy_op *op)
{
    struct store *store = self;
    struct walk walk = {.store = store, .op = op};
    CHY_TRY(store_create(store, op));
    CHY_TRY(store_service(store, op, &walk.connection));
    chy_status status = upgrade_with(&walk);
    connection_close(walk.connection);
    return status;
}

/* --- declare -----------------------------------------------------------------------------------*/

/** check_names: SQLite's names do not tell upper from lower case, and some are its own. */
static chy_status check_names(struct chy_op *op, const struct chy_schema *schema)
{
    for (uint32_t i = 0; i < schema->collections.count; i++) {
        struct chy_slice name = chy_storage_collection(schema, i)->name;
        bool taken = name.len >= 7 && sqlite3_strnicmp((const char *)name.ptr, "sqlite_", 7) == 0;
        for (uint32_t j = 0; j < i; j++) {
            struct chy_slice other = chy_storage_collection(schema, j)->name;
            taken = taken || (name.len == other.len &&
                              sqlite3_strnicmp((const char *)name.ptr, (const char *)other.ptr,
                                               (int)name.len) == 0);
        }
        if (taken) {
            return chy_fail(op, CHY_UNSUPPORTED, 0, "no table can be named '%.*s' here",
                            (int)name.len, (const char *)name.ptr);
        }
    }
    return CHY_OK;
}

chy_status store_declare(void *self, struct chy_op *op, const struct chy_schema *schema)
{
    struct store *store = self;
    CHY_TRY(chy_storage_check_schema(op, schema));
    CHY_TRY(check_names(op, schema));
    store->schema = schema;
    CHY_TRY(layout_make(store, op));
    return store_open(store, op);
}
