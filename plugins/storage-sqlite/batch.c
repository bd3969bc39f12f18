/** The writes of one batch, done one after the other within a transaction. */
#include "batch.h"
#include "query.h"
#include "read.h"

/** What one write works with. */
struct work {
    const struct store *store;
    struct connection *connection;
    struct job *job;
    const struct table *table;
    const struct chy_storage_write *write;
    struct chy_write_result *result;
    /* the row that the write names, as it was */
    bool is_there;
    int64_t row;
    uint64_t revision;
    uint64_t extra_count;
    uint32_t extras[CHY_STORAGE_FIELDS_MAX + 2]; /**< the fields that were looked up with it */
    struct chy_value values[CHY_STORAGE_FIELDS_MAX + 2];
};

/* --- preparation, on the caller's thread ---------------------------------------------------------*/

/** store_sets gives assignments of sets their stored form beside their sorted items. */
static chy_status store_sets(struct chy_op *op, struct chy_storage_write *write)
{
    bool has_set = false;
    for (uint64_t i = 0; i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_view_at(write->fields, i);
        has_set = has_set || a->value.type == CHY_VALUE_MANY;
    }
    if (!has_set) {
        return CHY_OK;
    }
    struct chy_assignment *fields = chy_alloc(op, write->fields.count * sizeof *fields);
    if (fields == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < write->fields.count; i++) {
        fields[i] = *(const struct chy_assignment *)chy_view_at(write->fields, i);
        if (fields[i].value.type == CHY_VALUE_MANY) {
            struct chy_slice *items = NULL;
            uint64_t count = 0;
            CHY_TRY(chy_storage_items_sorted(op, &fields[i].value, &items, &count));
            CHY_TRY(items_encode(op, items, count, &fields[i].value.bytes));
            fields[i].value.items = (struct chy_view){items, count, sizeof *items};
        }
    }
    write->fields = (struct chy_view){fields, write->fields.count, sizeof *fields};
    return CHY_OK;
}

chy_status job_init(struct job *job, struct chy_op *op, const struct chy_storage_batch *batch,
                    const uint32_t *sequence)
{
    uint64_t count = batch->writes.count;
    struct chy_storage_write *writes = chy_alloc(op, (count + 1) * sizeof *writes);
    struct chy_write_result *results = chy_alloc(op, (count + 1) * sizeof *results);
    if (writes == NULL || results == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        writes[i] = *(const struct chy_storage_write *)chy_view_at(batch->writes, sequence[i]);
        CHY_TRY(store_sets(op, &writes[i]));
    }
    *job = (struct job){.op = op,
                        .writes = writes,
                        .sequence = sequence,
                        .count = count,
                        .is_joinable = (batch->flags & CHY_BATCH_JOINABLE) != 0,
                        .results = results};
    return CHY_OK;
}

/* --- statements ----------------------------------------------------------------------------------*/

static chy_status broken(struct work *work, const char *doing)
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
        status = broken(work, doing);
    } else {
        work->job->has_written = true;
    }
    (void)sqlite3_reset(stmt);
    return status;
}

/* --- sets ----------------------------------------------------------------------------------------*/

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
        chy_status status = broken(work, "writing a set");
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

/* --- looking up ----------------------------------------------------------------------------------*/

static void want(struct work *work, uint32_t field)
{
    work->extras[work->extra_count++] = field;
}

/** want_extras names what has to be known of the row besides its revision. */
static void want_extras(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    if (write->guard == CHY_GUARD_EQUALS) {
        want(work, write->guard_field);
    }
    if (write->kind == CHY_WRITE_ADD) {
        want(work, write->add_field);
    }
    for (uint32_t i = 0;
         write->kind == CHY_WRITE_DELETE && i < work->table->collection->fields.count; i++) {
        if (work->table->children[i] != NULL) {
            want(work, i);
        }
    }
    for (uint64_t i = 0; (write->kind == CHY_WRITE_UPDATE || write->kind == CHY_WRITE_UPSERT) &&
                         i < write->fields.count;
         i++) {
        const struct chy_assignment *a = chy_view_at(write->fields, i);
        if (a->value.type == CHY_VALUE_MANY) {
            want(work, a->field);
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

/** extra_value reads one extra; a set in its stored form. */
static chy_status extra_value(struct work *work, sqlite3_stmt *stmt, uint64_t i)
{
    const struct chy_field *field = chy_storage_field(work->table->collection, work->extras[i]);
    struct chy_field as_stored = *field;
    if (chy_storage_is_many(field)) {
        as_stored.type = CHY_VALUE_BLOB;
        as_stored.flags = 0;
    }
    return column_value(work->job->op, stmt, 2 + (int)i, &as_stored, &work->values[i]);
}

static chy_status look_up(struct work *work)
{
    sqlite3_stmt *stmt = NULL;
    want_extras(work);
    CHY_TRY(lookup_statement(work, &stmt));
    for (uint64_t i = 0; i < work->write->key.count; i++) {
        bind_value(stmt, (int)i + 1, chy_view_at(work->write->key, i));
    }
    int code = sqlite3_step(stmt);
    chy_status status = CHY_OK;
    if (code == SQLITE_ROW) {
        work->is_there = true;
        work->row = sqlite3_column_int64(stmt, 0);
        work->revision = (uint64_t)sqlite3_column_int64(stmt, 1);
        for (uint64_t i = 0; status == CHY_OK && i < work->extra_count; i++) {
            status = extra_value(work, stmt, i);
        }
    } else if (code != SQLITE_DONE) {
        status = broken(work, "looking a row up");
    }
    (void)sqlite3_reset(stmt);
    return status;
}

static bool guard_holds(const struct work *work)
{
    const struct chy_storage_write *write = work->write;
    switch ((enum chy_guard_kind)write->guard) {
    case CHY_GUARD_NONE: return true;
    case CHY_GUARD_ABSENT: return !work->is_there;
    case CHY_GUARD_PRESENT: return work->is_there;
    case CHY_GUARD_REVISION: return work->is_there && work->revision == write->guard_revision;
    case CHY_GUARD_EQUALS:
        return work->is_there &&
               chy_storage_value_compare(&work->values[0], &write->guard_value) == 0;
    }
    return false;
}

/* --- writing -------------------------------------------------------------------------------------*/

static uint32_t assigned_field(const struct chy_storage_write *write, uint64_t i)
{
    return ((const struct chy_assignment *)chy_view_at(write->fields, i))->field;
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

static chy_status insert_row(struct work *work, const struct chy_value *sum)
{
    const struct chy_storage_write *write = work->write;
    sqlite3_stmt *stmt = NULL;
    int number = 1;
    CHY_TRY(insert_statement(work, sum != NULL, &stmt));
    for (uint64_t i = 0; i < write->fields.count; i++) {
        bind_value(stmt, number++,
                   &((const struct chy_assignment *)chy_view_at(write->fields, i))->value);
    }
    if (sum != NULL) {
        bind_value(stmt, number++, sum);
    }
    for (uint64_t i = 0; i < write->key.count; i++) {
        bind_value(stmt, number++, chy_view_at(write->key, i));
    }
    CHY_TRY(step(work, stmt, "inserting a row"));
    work->result->revision = 1;
    work->row = sqlite3_last_insert_rowid(work->connection->db);
    for (uint64_t i = 0; work->table->has_many && i < write->fields.count; i++) {
        const struct chy_assignment *a = chy_view_at(write->fields, i);
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

static chy_status run_update(struct work *work, const uint32_t *fields,
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

static chy_status update_row(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    uint32_t fields[CHY_STORAGE_FIELDS_MAX];
    const struct chy_value *values[CHY_STORAGE_FIELDS_MAX];
    for (uint64_t i = 0; i < write->fields.count; i++) {
        fields[i] = assigned_field(write, i);
        values[i] = &((const struct chy_assignment *)chy_view_at(write->fields, i))->value;
    }
    CHY_TRY(run_update(work, fields, values, write->fields.count));
    for (uint64_t i = 0; i < write->fields.count; i++) {
        if (values[i]->type == CHY_VALUE_MANY) {
            CHY_TRY(change_set(work, fields[i], stored_set(work, fields[i]), values[i]->bytes));
        }
    }
    return CHY_OK;
}

static chy_status add_to_row(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    uint64_t extra = write->guard == CHY_GUARD_EQUALS ? 1 : 0;
    struct chy_value sum = {.type = CHY_VALUE_INT};
    int64_t before = work->is_there ? work->values[extra].number : 0; // null's number is 0
    if (__builtin_add_overflow(before, write->delta, &sum.number) ||
        (write->has_maximum != 0 && sum.number > write->maximum)) {
        return chy_fail(work->job->op, CHY_CONFLICT, 0, "the sum in %s passes its maximum",
                        work->table->name);
    }
    const struct chy_value *values[] = {&sum};
    work->result->number = sum.number;
    return work->is_there ? run_update(work, &write->add_field, values, 1) : insert_row(work, &sum);
}

/** delete_row deletes the row `work->row`, whose sets stand among the extras. */
static chy_status delete_row(struct work *work)
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

/* --- delete_range --------------------------------------------------------------------------------*/

/** A row that a delete_range found. */
struct doomed {
    int64_t row;
    struct chy_slice *sets; /**< one per extra */
};

static chy_status read_doomed(struct work *work, sqlite3_stmt *stmt, struct doomed *out_doomed)
{
    out_doomed->row = sqlite3_column_int64(stmt, 0);
    out_doomed->sets = chy_alloc(work->job->op, (work->extra_count + 1) * sizeof *out_doomed->sets);
    if (out_doomed->sets == NULL) {
        return chy_fail_memory(work->job->op);
    }
    for (uint64_t i = 0; i < work->extra_count; i++) {
        CHY_TRY(extra_value(work, stmt, i));
        out_doomed->sets[i] = work->values[i].bytes;
    }
    return CHY_OK;
}

static void write_range_query(struct work *work, const struct chy_value *limit, struct query *query)
{
    query_add(query, "SELECT \"$row\",\"$revision\"");
    for (uint64_t i = 0; i < work->extra_count; i++) {
        query_add(query, ",");
        query_add(query, work->table->columns[work->extras[i]]);
    }
    query_add(query, " FROM ");
    query_add(query, work->table->name);
    query_add(query, " WHERE 1");
    for (uint64_t i = 0; i < work->write->where.count; i++) {
        const struct chy_predicate *p = chy_view_at(work->write->where, i);
        bool in_set = p->kind == CHY_WHERE_HAS || p->kind == CHY_WHERE_HAS_PREFIX;
        query_add(query, in_set ? " AND \"$row\" IN (" : " AND ");
        if (in_set) {
            query_children(query, work->table, p);
            query_add(query, ")");
        } else {
            query_predicate(query, work->table, p);
        }
    }
    query_add(query, " LIMIT ");
    query_bind(query, limit);
}

/** find_doomed reads all rows before the first is deleted: a walk must not saw at its own branch. */
static chy_status find_doomed(struct work *work, struct doomed *rows, uint64_t *out_count)
{
    struct query query = {.op = work->job->op};
    const struct chy_value limit = {.type = CHY_VALUE_INT, .number = (int64_t)work->write->limit};
    sqlite3_stmt *stmt = NULL;
    write_range_query(work, &limit, &query);
    chy_status status = query_open(&query, work->connection, &stmt);
    int code = SQLITE_DONE;
    while (status == CHY_OK) {
        code = sqlite3_step(stmt);
        if (code != SQLITE_ROW) {
            break;
        }
        status = read_doomed(work, stmt, &rows[(*out_count)++]);
    }
    if (code != SQLITE_DONE && code != SQLITE_ROW) {
        status = broken(work, "finding rows to delete");
    }
    (void)sqlite3_reset(stmt);
    query_fini(&query);
    return status;
}

static chy_status delete_range(struct work *work)
{
    struct doomed *rows = chy_alloc(work->job->op, work->write->limit * sizeof *rows);
    uint64_t count = 0;
    if (rows == NULL) {
        return chy_fail_memory(work->job->op);
    }
    if (where_never(work->write->where)) {
        return CHY_OK;
    }
    for (uint32_t i = 0; i < work->table->collection->fields.count; i++) {
        if (work->table->children[i] != NULL) {
            want(work, i);
        }
    }
    CHY_TRY(find_doomed(work, rows, &count));
    for (uint64_t r = 0; r < count; r++) {
        work->row = rows[r].row;
        for (uint64_t i = 0; i < work->extra_count; i++) {
            work->values[i].bytes = rows[r].sets[i];
        }
        CHY_TRY(delete_row(work));
    }
    return CHY_OK;
}

/* --- one write, one batch ------------------------------------------------------------------------*/

static chy_status run_write(struct work *work)
{
    const struct chy_storage_write *write = work->write;
    if (write->kind == CHY_WRITE_DELETE_RANGE) {
        return delete_range(work);
    }
    // An insert needs no look at the row: its key is unique, whatever the guard "absent" says.
    bool looks = write->kind != CHY_WRITE_INSERT || write->guard > CHY_GUARD_ABSENT;
    if (looks) {
        CHY_TRY(look_up(work));
        if (!guard_holds(work)) {
            return chy_fail(work->job->op, CHY_CONFLICT, 0, "the guard on a row of %s says no",
                            work->table->name);
        }
    }
    switch ((enum chy_write_kind)write->kind) {
    case CHY_WRITE_INSERT: return insert_row(work, NULL);
    case CHY_WRITE_UPSERT: return work->is_there ? update_row(work) : insert_row(work, NULL);
    case CHY_WRITE_UPDATE:
        return work->is_there ? update_row(work)
                              : chy_fail(work->job->op, CHY_CONFLICT, 0, "no such row in %s",
                                         work->table->name);
    case CHY_WRITE_DELETE: return work->is_there ? delete_row(work) : CHY_OK;
    case CHY_WRITE_ADD: return add_to_row(work);
    case CHY_WRITE_CHECK: work->result->revision = work->revision; return CHY_OK;
    case CHY_WRITE_DELETE_RANGE: return CHY_OK; // above
    }
    return CHY_OK;
}

void job_run(struct store *store, struct connection *connection, struct job *job)
{
    job->status = CHY_OK;
    job->has_written = false;
    job->has_broken = false;
    job->failed_index = NULL;
    for (uint64_t i = 0; i < job->count && job->status == CHY_OK; i++) {
        struct work work;
        // Not a whole initialisation: the room for looked-up values is large and rarely used.
        work.store = store;
        work.connection = connection;
        work.job = job;
        work.write = &job->writes[i];
        work.table = &store->tables[work.write->collection];
        work.result = &job->results[job->sequence[i]];
        work.is_there = false;
        work.row = 0;
        work.revision = 0;
        work.extra_count = 0;
        *work.result = (struct chy_write_result){0};
        job->status = run_write(&work);
        job->failed_write = job->sequence[i];
    }
}
