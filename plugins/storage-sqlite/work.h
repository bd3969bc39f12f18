/** One write of a batch being done: what rows.c, range.c and batch.c share. */
#ifndef STORAGE_SQLITE_WORK_H
#define STORAGE_SQLITE_WORK_H

#include "batch.h"

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

/** work_broken records a failure of the database: the whole transaction is void. */
chy_status work_broken(struct work *work, const char *doing);

/** work_want adds a field to what is looked up with the row. */
void work_want(struct work *work, uint32_t field);

/** work_extra reads extra `i` of a row found; a set in its stored form. */
CHY_MUST_USE chy_status work_extra(struct work *work, sqlite3_stmt *stmt, uint64_t i);

/** work_look_up finds the row that the write names, with all that its kind and guard want. */
CHY_MUST_USE chy_status work_look_up(struct work *work);

/** work_insert makes the row; `sum` is the value of an ADD's field, or NULL. */
CHY_MUST_USE chy_status work_insert(struct work *work, const struct chy_value *sum);

/** work_update sets the fields that the write gives. */
CHY_MUST_USE chy_status work_update(struct work *work);

/** work_set sets fields of the row found, and its revision to one more. */
CHY_MUST_USE chy_status work_set(struct work *work, const uint32_t *fields,
                                 const struct chy_value *const *values, uint64_t count);

/** work_delete deletes the row `work->row`, whose sets stand among the extras. */
CHY_MUST_USE chy_status work_delete(struct work *work);

/** work_delete_range does a whole CHY_WRITE_DELETE_RANGE. */
CHY_MUST_USE chy_status work_delete_range(struct work *work);

#endif
