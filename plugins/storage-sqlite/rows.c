/** Single rows: looking up, inserting, updating, deleting, with their sets. */
#include "read.h"
#include "work.h"

/* --- statements --------------------------------------------------------------------------------*/

chy_status work_broken(struct work *work, const char *doing)
{
    work->job->has_broken = true;
    return fail_sqlite(work->job->op, work->connection, doing);
}

/** keep prepares a statement for the writer. */
static chy_status keep(struct work *work, const struct key *key, struct sql *sql,
                       sqlite3_stmt **out_stmt)
{
    chy_status status =
        statement_keep(work->job->op, work->connection, key_slice(key), sql, out_stmt);
    sql_fini(sql);
    if (status != CHY_OK) {
        work->job->has_broken = true;
    }
    return status;
}

/** is_about tells whether SQLite's message names exactly the columns of `path`. */
static bool is_about(const struct table *table, const struct path *path, uint64_t columns,
                     const char *message)
{
    const char *p = strstr(message, "failed: ");
    p = p == NULL ? message : p + strlen("failed: ");
    for (uint64_t i = 0; i < columns; i++) {
        const char *name = table->columns[path->fields[i]];
        struct chy_slice collection = table->collection->name;
        size_t len = strlen(name) - 2; // without its quotes
        if (i != 0) {
            p += strncmp(p, ", ", 2) == 0 ? 2 : 0;
        }
        if (strncmp(p, (const char *)collection.ptr, (size_t)collection.len) != 0 ||
            p[collection.len] != '.' || strncmp(p + collection.len + 1, name + 1, len) != 0) {
            return false;
        }
        p += collection.len + 1 + len;
    }
    return *p == '\0';
}

static chy_status conflict(struct work *work)
{
    const struct table *table = work->table;
    const char *message = sqlite3_errmsg(work->connection->db);
    for (uint64_t i = 1; i < table->path_count; i++) {
        const struct path *path = &table->paths[i];
        if ((path->index->flags & CHY_INDEX_UNIQUE) != 0 &&
            is_about(table, path, path->count, message)) {
            work->job->failed_index = path->index;
            return chy_fail(work->job->op, CHY_CONFLICT, SQLITE_CONSTRAINT_UNIQUE,
                            "the unique index %s has it already", path->name);
        }
    }
    return chy_fail(work->job->op, CHY_CONFLICT, SQLITE_CONSTRAINT_UNIQUE,
                    "%s has a row with this key already", table->name);
}

static chy_status step(struct work *work, sqlite3_stmt *stmt, const char *doing)
{
    int code = sqlite3_step(stmt);
    chy_status status = CHY_OK;
    if (code == SQLITE_CONSTRAINT_UNIQUE) {
        status = conflict(work);
    } else if (code != SQLITE_DONE) {
        status = work_broken(work, doing);
    } else {
        work->job->has_written = true;
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* --- sets --------------------------------------------------------------------------------------*/

static chy_status change_child(struct work *work, uint32_t field, struct chy_slice text, bool add)
{
    sqlite3_stmt *stmt = NULL;
    struct key key;
    key_start(&key, add ? '+' : '-', work->write->collection);
    key_add(&key, field);
    stmt = statement_find(work->connection, key_slice(&key));
    if (stmt == NULL) {
        struct sql sql = {0};
        sql_add(&sql, add ? "INSERT INTO " : "DELETE FROM ");
        sql_add(&sql, work->table->children[field]);
        sql_add(&sql, add ? " VALUES (?1, ?2)" : " WHERE \"value\"=?1 AND \"row\"=?2");
        CHY_TRY(keep(work, &key, &sql, &stmt));
    }
    const struct chy_value value = {.type = CHY_VALUE_TEXT, .bytes = text};
    bind_value(stmt, 1, &value);
    (void)sqlite3_bind_int64(stmt, 2, work->row);
    int code = sqlite3_step(stmt);
    if (code != SQLITE_DONE) {
        // Also a constraint: the row's own copy and the table of texts would disagree.
        chy_status status = work_broken(work, "writing a set");
        (void)sqlite3_reset(stmt);
        return status;
    }
    (void)sqlite3_reset(stmt);
    return CHY_OK;
}

/** change_set brings the table of texts from one stored form to another; both are sorted. */
static chy_status change_set(struct work *work, uint32_t field, struct chy_slice before,
                             struct chy_slice after)
{
    struct chy_slice old = {NULL, 0};
    struct chy_slice new = {NULL, 0};
    bool has_old = items_next(&before, &old);
    bool has_new = items_next(&after, &new);
    while (has_old || has_new) {
        int order = !has_old ? 1 : !has_new ? -1 : chy_storage_bytes_compare(old, new);
        if (order < 0) {
            CHY_TRY(change_child(work, field, old, false));
        } else if (order > 0) {
            CHY_TRY(change_child(work, field, new, true));
        }
        has_old = order <= 0 ? items_next(&before, &old) : has_old;
        has_new = order >= 0 ? items_next(&after, &new) : has_new;
    }
    return CHY_OK;
}

/** stored_set is what the row kept of a set before, among the extras. */
static struct chy_slice stored_set(const struct work *work, uint32_t field)
{
    for (uint64_t i = 0; i < work->extra_count; i++) {
        if (work->extras[i] == field) {
            return work->values[i].bytes;
        }
    }
    return chy_slice_of(NULL, 0);
}

/* --- looking up --------------------------------------------------------------------------------*/

void work_want(struct work *work, uint32_t field)
{
    work->extras[work->extra_count++] = field;
}

/** want_extras names what has to be known of the row besides its revision. */
static void want_extras(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    if (write->guard == CHY_GUARD_EQUALS) {
        work_want(work, write->guard_field);
    }
    if (write->kind == CHY_WRITE_ADD) {
        work_want(work, write->add_field);
    }
    for (uint32_t i = 0;
         write->kind == CHY_WRITE_DELETE && i < work->table->collection->fields.count; i++) {
        if (work->table->children[i] != NULL) {
            work_want(work, i);
        }
    }
    for (uint64_t i = 0; (write->kind == CHY_WRITE_UPDATE || write->kind == CHY_WRITE_UPSERT) &&
                         i < write->fields.count;
         i++) {
        const struct chy_assignment *a = chy_storage_at(write->fields, i);
        if (a->value.type == CHY_VALUE_MANY) {
            work_want(work, a->field);
        }
    }
}

static chy_status lookup_statement(struct work *work, sqlite3_stmt **out_stmt)
{
    struct key key;
    key_start(&key, 'L', work->write->collection);
    for (uint64_t i = 0; i < work->extra_count; i++) {
        key_add(&key, work->extras[i]);
    }
    *out_stmt = statement_find(work->connection, key_slice(&key));
    if (*out_stmt != NULL) {
        return CHY_OK;
    }
    struct sql sql = {0};
    sql_add(&sql, "SELECT \"$row\",\"$revision\"");
    for (uint64_t i = 0; i < work->extra_count; i++) {
        sql_add(&sql, ",");
        sql_add(&sql, work->table->columns[work->extras[i]]);
    }
    sql_add(&sql, " FROM ");
    sql_add(&sql, work->table->name);
    sql_key_equals(&sql, work->table);
    return keep(work, &key, &sql, out_stmt);
}

chy_status work_extra(struct work *work, sqlite3_stmt *stmt, uint64_t i)
{
    const struct chy_field *field = chy_storage_field(work->table->collection, work->extras[i]);
    struct chy_field as_stored = *field;
    if (chy_storage_is_many(field)) {
        as_stored.type = CHY_VALUE_BLOB;
        as_stored.flags = 0;
    }
    return column_value(work->job->op, stmt, 2 + (int)i, &as_stored, &work->values[i]);
}

chy_status work_look_up(struct work *work)
{
    sqlite3_stmt *stmt = NULL;
    want_extras(work);
    CHY_TRY(lookup_statement(work, &stmt));
    for (uint64_t i = 0; i < work->write->key.count; i++) {
        bind_value(stmt, (int)i + 1, chy_storage_at(work->write->key, i));
    }
    int code = sqlite3_step(stmt);
    chy_status status = CHY_OK;
    if (code == SQLITE_ROW) {
        work->is_there = true;
        work->row = sqlite3_column_int64(stmt, 0);
        work->revision = (uint64_t)sqlite3_column_int64(stmt, 1);
        for (uint64_t i = 0; status == CHY_OK && i < work->extra_count; i++) {
            status = work_extra(work, stmt, i);
        }
    } else if (code != SQLITE_DONE) {
        status = work_broken(work, "looking a row up");
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* --- writing -----------------------------------------------------------------------------------*/

static uint32_t assigned_field(const struct chy_storage_write *write, uint64_t i)
{
    return ((const struct chy_assignment *)chy_storage_at(write->fields, i))->field;
}

/** insert_statement: the key, the fields given, and `sum` for the field of an ADD. */
static chy_status insert_statement(struct work *work, bool has_sum, sqlite3_stmt **out_stmt)
{
    const struct chy_storage_write *write = work->write;
    const struct table *table = work->table;
    struct key key;
    key_start(&key, has_sum ? 'A' : 'I', write->collection);
    for (uint64_t i = 0; i < write->fields.count; i++) {
        key_add(&key, assigned_field(write, i));
    }
    if (has_sum) {
        key_add(&key, write->add_field);
    }
    *out_stmt = statement_find(work->connection, key_slice(&key));
    if (*out_stmt != NULL) {
        return CHY_OK;
    }
    struct sql sql = {0};
    uint64_t count = table->collection->key.count + write->fields.count + (has_sum ? 1 : 0);
    sql_add(&sql, "INSERT INTO ");
    sql_add(&sql, table->name);
    sql_add(&sql, " (\"$revision\"");
    for (uint64_t i = 0; i < key.len - 3; i++) {
        sql_add(&sql, ",");
        sql_add(&sql, table->columns[key.bytes[3 + i]]);
    }
    for (uint64_t i = 0; i < table->collection->key.count; i++) {
        sql_add(&sql, ",");
        sql_add(&sql, table->columns[chy_storage_number_at(table->collection->key, i)]);
    }
    sql_add(&sql, ") VALUES (1");
    for (uint64_t i = 0; i < count; i++) {
        sql_add(&sql, ",?");
    }
    sql_add(&sql, ")");
    return keep(work, &key, &sql, out_stmt);
}

chy_status work_insert(struct work *work, const struct chy_value *sum)
{
    const struct chy_storage_write *write = work->write;
    sqlite3_stmt *stmt = NULL;
    int number = 1;
    CHY_TRY(insert_statement(work, sum != NULL, &stmt));
    for (uint64_t i = 0; i < write->fields.count; i++) {
        bind_value(stmt, number++,
                   &((const struct chy_assignment *)chy_storage_at(write->fields, i))->value);
    }
    if (sum != NULL) {
        bind_value(stmt, number++, sum);
    }
    for (uint64_t i = 0; i < write->key.count; i++) {
        bind_value(stmt, number++, chy_storage_at(write->key, i));
    }
    CHY_TRY(step(work, stmt, "inserting a row"));
    work->result->revision = 1;
    work->row = sqlite3_last_insert_rowid(work->connection->db);
    for (uint64_t i = 0; work->table->has_many && i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_storage_at(write->fields, i);
        if (a->value.type == CHY_VALUE_MANY) {
            CHY_TRY(change_set(work, a->field, chy_slice_of(NULL, 0), a->value.bytes));
        }
    }
    return CHY_OK;
}

static chy_status update_statement(struct work *work, const uint32_t *fields, uint64_t count,
                                   sqlite3_stmt **out_stmt)
{
    struct key key;
    key_start(&key, 'U', work->write->collection);
    for (uint64_t i = 0; i < count; i++) {
        key_add(&key, fields[i]);
    }
    *out_stmt = statement_find(work->connection, key_slice(&key));
    if (*out_stmt != NULL) {
        return CHY_OK;
    }
    struct sql sql = {0};
    sql_add(&sql, "UPDATE ");
    sql_add(&sql, work->table->name);
    sql_add(&sql, " SET \"$revision\"=?");
    for (uint64_t i = 0; i < count; i++) {
        sql_add(&sql, ",");
        sql_add(&sql, work->table->columns[fields[i]]);
        sql_add(&sql, "=?");
    }
    sql_add(&sql, " WHERE \"$row\"=?");
    return keep(work, &key, &sql, out_stmt);
}

chy_status work_set(struct work *work, const uint32_t *fields,
                    const struct chy_value *const *values, uint64_t count)
{
    sqlite3_stmt *stmt = NULL;
    int number = 1;
    CHY_TRY(update_statement(work, fields, count, &stmt));
    (void)sqlite3_bind_int64(stmt, number++, (int64_t)work->revision + 1);
    for (uint64_t i = 0; i < count; i++) {
        bind_value(stmt, number++, values[i]);
    }
    (void)sqlite3_bind_int64(stmt, number, work->row);
    CHY_TRY(step(work, stmt, "updating a row"));
    work->result->revision = work->revision + 1;
    return CHY_OK;
}

chy_status work_update(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    uint32_t fields[CHY_STORAGE_FIELDS_MAX];
    const struct chy_value *values[CHY_STORAGE_FIELDS_MAX];
    for (uint64_t i = 0; i < write->fields.count; i++) {
        fields[i] = assigned_field(write, i);
        values[i] = &((const struct chy_assignment *)chy_storage_at(write->fields, i))->value;
    }
    CHY_TRY(work_set(work, fields, values, write->fields.count));
    for (uint64_t i = 0; i < write->fields.count; i++) {
        if (values[i]->type == CHY_VALUE_MANY) {
            CHY_TRY(change_set(work, fields[i], stored_set(work, fields[i]), values[i]->bytes));
        }
    }
    return CHY_OK;
}

chy_status work_delete(struct work *work)
{
    sqlite3_stmt *stmt = NULL;
    struct key key;
    key_start(&key, 'D', work->write->collection);
    stmt = statement_find(work->connection, key_slice(&key));
    if (stmt == NULL) {
        struct sql sql = {0};
        sql_add(&sql, "DELETE FROM ");
        sql_add(&sql, work->table->name);
        sql_add(&sql, " WHERE \"$row\"=?");
        CHY_TRY(keep(work, &key, &sql, &stmt));
    }
    (void)sqlite3_bind_int64(stmt, 1, work->row);
    CHY_TRY(step(work, stmt, "deleting a row"));
    work->result->number++;
    for (uint32_t i = 0; i < work->table->collection->fields.count; i++) {
        if (work->table->children[i] != NULL) {
            CHY_TRY(change_set(work, i, stored_set(work, i), chy_slice_of(NULL, 0)));
        }
    }
    return CHY_OK;
}
