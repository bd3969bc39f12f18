/** get: one row by its key. */
#include "read.h"

void key_start(struct key *key, char kind, uint64_t collection)
{
    key->bytes[0] = (uint8_t)kind;
    key->bytes[1] = (uint8_t)collection;
    key->bytes[2] = (uint8_t)(collection >> 8);
    key->len = 3;
}

void key_add(struct key *key, uint32_t field)
{
    key->bytes[key->len++] = (uint8_t)field; // a collection has at most 96
}

struct chy_slice key_slice(const struct key *key)
{
    return chy_slice_of(key->bytes, key->len);
}

void sql_key_equals(struct sql *sql, const struct table *table)
{
    struct chy_view key = table->collection->key;
    for (uint64_t i = 0; i < key.count; i++) {
        sql_add(sql, i == 0 ? " WHERE " : " AND ");
        sql_add(sql, table->columns[chy_storage_number_at(key, i)]);
        sql_add(sql, "=?");
    }
}

chy_status row_values(struct chy_op *op, sqlite3_stmt *stmt, int first, const struct table *table,
                      struct chy_view fields, struct chy_view *out_values)
{
    struct chy_value *values = chy_alloc(op, (fields.count + 1) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < fields.count; i++) {
        uint32_t number = chy_storage_number_at(fields, i);
        CHY_TRY(column_value(op, stmt, first + (int)i, chy_storage_field(table->collection, number),
                             &values[i]));
    }
    *out_values = (struct chy_view){values, fields.count, sizeof *values};
    return CHY_OK;
}

static chy_status get_statement(struct chy_op *op, struct connection *connection,
                                const struct table *table, const struct chy_storage_get *get,
                                sqlite3_stmt **out_stmt)
{
    struct key key;
    key_start(&key, 'G', get->collection);
    for (uint64_t i = 0; i < get->fields.count; i++) {
        key_add(&key, chy_storage_number_at(get->fields, i));
    }
    *out_stmt = statement_find(connection, key_slice(&key));
    if (*out_stmt != NULL) {
        return CHY_OK;
    }
    struct sql sql = {0};
    sql_add(&sql, "SELECT \"$revision\"");
    for (uint64_t i = 0; i < get->fields.count; i++) {
        sql_add(&sql, ",");
        sql_add(&sql, table->columns[chy_storage_number_at(get->fields, i)]);
    }
    sql_add(&sql, " FROM ");
    sql_add(&sql, table->name);
    sql_key_equals(&sql, table);
    chy_status status = statement_keep(op, connection, key_slice(&key), &sql, out_stmt);
    sql_fini(&sql);
    return status;
}

static chy_status get_with(struct store *store, struct chy_op *op, struct connection *connection,
                           const struct chy_storage_get *get, struct chy_storage_row *out_row)
{
    const struct table *table = &store->tables[get->collection];
    struct chy_storage_row row = {0};
    sqlite3_stmt *stmt = NULL;
    CHY_TRY(get_statement(op, connection, table, get, &stmt));
    for (uint64_t i = 0; i < get->key.count; i++) {
        bind_value(stmt, (int)i + 1, chy_storage_at(get->key, i));
    }
    int code = sqlite3_step(stmt);
    chy_status status = CHY_OK;
    if (code == SQLITE_ROW) {
        row.revision = (uint64_t)sqlite3_column_int64(stmt, 0);
        status = row_values(op, stmt, 1, table, get->fields, &row.values);
    } else if (code == SQLITE_DONE) {
        status = chy_fail(op, CHY_NOT_FOUND, 0, "no such row in %s", table->name);
    } else {
        status = fail_sqlite(op, connection, "reading a row");
    }
    (void)sqlite3_reset(stmt);
    if (status == CHY_OK) {
        *out_row = row;
    }
    return status;
}

chy_status store_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                     struct chy_storage_row *out_row)
{
    struct store *store = self;
    struct connection *connection = NULL;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_get(op, store->schema, get));
    CHY_TRY(store_ready(store, op));
    CHY_TRY(reader_take(store, op, &connection));
    chy_status status = get_with(store, op, connection, get, out_row);
    reader_give(store, connection);
    return status;
}
