/** What reads and writes share: keys of statements, keys of rows, values of a row. */
#ifndef STORAGE_SQLITE_READ_H
#define STORAGE_SQLITE_READ_H

#include "store.h"

/** The key of a statement whose text is not made each time: a kind, a collection, fields. */
struct key {
    uint64_t len;
    uint8_t bytes[3 + 3 * CHY_STORAGE_FIELDS_MAX];
};

void key_start(struct key *key, char kind, uint64_t collection);
void key_add(struct key *key, uint32_t field);
struct chy_slice key_slice(const struct key *key);

/** sql_key_equals adds ` WHERE <key field>=? AND …`. */
void sql_key_equals(struct sql *sql, const struct table *table);

/** row_values copies columns from `first` on, one per field asked for. */
CHY_MUST_USE chy_status row_values(struct chy_op *op, sqlite3_stmt *stmt, int first,
                                   const struct table *table, struct chy_view fields,
                                   struct chy_view *out_values);

#endif
