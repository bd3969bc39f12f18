/** delete_range: what matches goes, up to a limit. */
#include "query.h"
#include "work.h"

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
        CHY_TRY(work_extra(work, stmt, i));
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
        const struct chy_predicate *p = chy_storage_at(work->write->where, i);
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

/** find_doomed reads all rows before the first is deleted: a walk must not saw at its own
 *  branch. */
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
        status = work_broken(work, "finding rows to delete");
    }
    (void)sqlite3_reset(stmt);
    query_fini(&query);
    return status;
}

chy_status work_delete_range(struct work *work)
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
            work_want(work, i);
        }
    }
    CHY_TRY(find_doomed(work, rows, &count));
    for (uint64_t r = 0; r < count; r++) {
        work->row = rows[r].row;
        for (uint64_t i = 0; i < work->extra_count; i++) {
            work->values[i].bytes = rows[r].sets[i];
        }
        CHY_TRY(work_delete(work));
    }
    return CHY_OK;
}
