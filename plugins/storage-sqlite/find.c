/**
 * find: runs the plan, one range of the index after the other.
 *
 * Behind a cursor at (a, b, c) stand the rows with (a, b, >c), then those with (a, >b), then those
 * with (>a): each is one range of the index that gives the order.
 */
#include "find.h"
#include "read.h"

/** Columns in front of the terms: match, row, revision. */
#define FIRST_TERM 3

/** One range behind the cursor. */
struct range {
    uint64_t level;   /**< the active term that differs; those before it are equal */
    bool is_null_end; /**< descending: the nulls, behind all values */
};

static const struct chy_field *term_field(const struct search *search, uint64_t term)
{
    return chy_storage_field(search->table->collection, search->terms[term].field);
}

static const char *term_column(const struct search *search, uint64_t term)
{
    return search->table->columns[search->terms[term].field];
}

/* --- the text ----------------------------------------------------------------------------------*/

static void add_equal(struct query *query, const struct search *search, uint64_t term)
{
    query_add(query, term_column(search, term));
    if (search->from[term].type == CHY_VALUE_NULL) {
        query_add(query, " IS NULL");
    } else {
        query_add(query, "=");
        query_bind(query, &search->from[term]);
    }
}

/** least_value is below or equal to every value of a field but null: a bound that an index
 *  knows. */
static const char *least_value(const struct chy_field *field)
{
    switch ((enum chy_value_type)field->type) {
    case CHY_VALUE_TEXT:
    case CHY_VALUE_JSON: return ">=''";
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME: return ">=-9223372036854775808";
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_NULL:
    case CHY_VALUE_MANY: return ">=x''";
    }
    return " IS NOT NULL";
}

/** add_behind adds what is strictly behind the cursor in one term; nulls at the end are left
 *  out. */
static void add_behind(struct query *query, const struct search *search, uint64_t term)
{
    query_add(query, term_column(search, term));
    if (search->from[term].type == CHY_VALUE_NULL) {
        query_add(query, least_value(term_field(search, term)));
    } else {
        query_add(query, search->terms[term].descending != 0 ? "<" : ">");
        query_bind(query, &search->from[term]);
    }
}

/** can_be_behind: nothing is behind null in a descending order. */
static bool can_be_behind(const struct search *search, uint64_t term)
{
    return search->terms[term].descending == 0 || search->from[term].type != CHY_VALUE_NULL;
}

static bool has_null_end(const struct search *search, uint64_t term)
{
    return search->terms[term].descending != 0 && search->from[term].type != CHY_VALUE_NULL &&
           (term_field(search, term)->flags & CHY_FIELD_NULLABLE) != 0;
}

static void add_range(struct query *query, const struct search *search, const struct range *range)
{
    for (uint64_t i = 0; i < range->level; i++) {
        query_add(query, " AND ");
        add_equal(query, search, search->active[i]);
    }
    query_add(query, " AND ");
    if (range->is_null_end) {
        query_add(query, term_column(search, search->active[range->level]));
        query_add(query, " IS NULL");
    } else {
        add_behind(query, search, search->active[range->level]);
    }
}

/** add_whole_rest adds all that is behind the cursor as one condition, for rows that are sorted. */
static void add_whole_rest(struct query *query, const struct search *search)
{
    const char *between = " AND (";
    for (uint64_t level = search->active_count; level > 0; level--) {
        uint64_t term = search->active[level - 1];
        for (int null_end = 0; null_end < 2; null_end++) {
            const struct range range = {level - 1, null_end != 0};
            if (null_end != 0 ? has_null_end(search, term) : can_be_behind(search, term)) {
                query_add(query, between);
                query_add(query, "(1");
                add_range(query, search, &range);
                query_add(query, ")");
                between = " OR ";
            }
        }
    }
    query_add(query, strcmp(between, " OR ") == 0 ? ")" : " AND 0");
}

static void add_select(struct query *query, const struct search *search)
{
    query_add(query, "SELECT ");
    const char *between = "";
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        if (!search->drives[i]) {
            query_add(query, between);
            query_predicate(query, search->table, chy_storage_at(search->find->where, i));
            between = " AND ";
        }
    }
    query_add(query, search->has_rest ? "" : "1");
    query_add(query, ",\"$row\",\"$revision\"");
    for (uint64_t i = 0; i < search->term_count; i++) {
        query_add(query, ",");
        query_add(query, term_column(search, i));
    }
    // Where rows may be left out, their fields are read only of those that are not.
    for (uint64_t i = 0; !search->has_rest && i < search->find->fields.count; i++) {
        query_add(query, ",");
        query_add(query, search->table->columns[chy_storage_number_at(search->find->fields, i)]);
    }
}

static void add_from(struct query *query, const struct search *search)
{
    const struct path *path = search->path != NULL ? search->path : search->few;
    query_add(query, " FROM ");
    query_add(query, search->table->name);
    if (path != NULL) {
        query_add(query, " INDEXED BY ");
        query_add(query, path->name);
    }
    // The rows that the driver names are few: no index of this table may stand in its place.
    query_add(query, search->driver != NULL ? " NOT INDEXED WHERE 1" : " WHERE 1");
    for (uint64_t i = 0; i < search->find->where.count; i++) {
        const struct chy_predicate *p = chy_storage_at(search->find->where, i);
        if (!search->drives[i]) {
            continue;
        }
        query_add(query, " AND ");
        if (p == search->driver) {
            query_add(query, "\"$row\" IN (");
            query_children(query, search->table, p);
            query_add(query, ")");
        } else {
            query_predicate(query, search->table, p);
        }
    }
}

static void add_order(struct query *query, const struct search *search, uint64_t first)
{
    const char *between = " ORDER BY ";
    for (uint64_t i = first; i < search->active_count; i++) {
        query_add(query, between);
        query_add(query, term_column(search, search->active[i]));
        query_add(query, search->terms[search->active[i]].descending != 0 ? " DESC" : "");
        between = ",";
    }
}

/* --- the walk ----------------------------------------------------------------------------------*/

static chy_status fields_of_row(struct search *search, int64_t number, struct chy_view *out_values)
{
    struct query query = {.op = search->op};
    struct chy_value row = {.type = CHY_VALUE_INT, .number = number};
    sqlite3_stmt *stmt = NULL;
    query_add(&query, "SELECT 1");
    for (uint64_t i = 0; i < search->find->fields.count; i++) {
        query_add(&query, ",");
        query_add(&query, search->table->columns[chy_storage_number_at(search->find->fields, i)]);
    }
    query_add(&query, " FROM ");
    query_add(&query, search->table->name);
    query_add(&query, " WHERE \"$row\"=");
    query_bind(&query, &row);
    chy_status status = query_open(&query, search->connection, &stmt);
    if (status == CHY_OK) {
        if (sqlite3_step(stmt) == SQLITE_ROW) {
            status =
                row_values(search->op, stmt, 1, search->table, search->find->fields, out_values);
        } else {
            status = fail_sqlite(search->op, search->connection, "reading a found row");
        }
        (void)sqlite3_reset(stmt);
    }
    query_fini(&query);
    return status;
}

static chy_status take_row(struct search *search, sqlite3_stmt *stmt)
{
    struct chy_storage_row *row = &search->rows[search->page.rows.count];
    row->revision = (uint64_t)sqlite3_column_int64(stmt, 2);
    if (search->has_rest) {
        CHY_TRY(fields_of_row(search, sqlite3_column_int64(stmt, 1), &row->values));
    } else {
        CHY_TRY(row_values(search->op, stmt, FIRST_TERM + (int)search->term_count, search->table,
                           search->find->fields, &row->values));
    }
    search->page.rows.count++;
    return CHY_OK;
}

static bool is_full(const struct search *search)
{
    return search->page.rows.count == search->find->limit ||
           search->page.scanned == search->find->scan_limit;
}

static chy_status examine(struct search *search, sqlite3_stmt *stmt)
{
    search->page.scanned++;
    if (sqlite3_column_int64(stmt, 0) == 1) {
        if (search->skip > 0) {
            search->skip--;
        } else {
            CHY_TRY(take_row(search, stmt));
        }
    }
    for (uint64_t i = 0; is_full(search) && i < search->term_count; i++) {
        CHY_TRY(column_value(search->op, stmt, FIRST_TERM + (int)i, term_field(search, i),
                             &search->last[i]));
    }
    return CHY_OK;
}

/** walk steps through one statement; `page.more` tells that there was a row past a full page. */
static chy_status walk(struct search *search, struct query *query)
{
    sqlite3_stmt *stmt = NULL;
    CHY_TRY(query_open(query, search->connection, &stmt));
    chy_status status = CHY_OK;
    int code = SQLITE_ROW;
    while (status == CHY_OK && search->page.more == 0) {
        code = sqlite3_step(stmt);
        if (code != SQLITE_ROW) {
            break;
        }
        if (is_full(search)) {
            search->page.more = 1;
        } else {
            status = examine(search, stmt);
        }
    }
    if (code != SQLITE_ROW && code != SQLITE_DONE) {
        status = fail_sqlite(search->op, search->connection, "finding rows");
    }
    (void)sqlite3_reset(stmt);
    return status;
}

static chy_status walk_range(struct search *search, const struct range *range)
{
    struct query query = {.op = search->op};
    uint64_t first = range == NULL ? 0 : range->level + (range->is_null_end ? 1 : 0);
    add_select(&query, search);
    add_from(&query, search);
    if (range != NULL) {
        add_range(&query, search, range);
    } else if (search->has_cursor) {
        add_whole_rest(&query, search);
    }
    add_order(&query, search, first);
    chy_status status = walk(search, &query);
    query_fini(&query);
    return status;
}

static chy_status walk_ranges(struct search *search)
{
    if (!search->has_cursor || search->path == NULL) {
        return walk_range(search, NULL);
    }
    for (uint64_t level = search->active_count; level > 0 && search->page.more == 0; level--) {
        uint64_t term = search->active[level - 1];
        const struct range range = {level - 1, false};
        const struct range null_end = {level - 1, true};
        if (can_be_behind(search, term)) {
            CHY_TRY(walk_range(search, &range));
        }
        if (has_null_end(search, term) && search->page.more == 0) {
            CHY_TRY(walk_range(search, &null_end));
        }
    }
    return CHY_OK;
}

static chy_status search_run(struct search *search)
{
    const struct chy_storage_find *find = search->find;
    search->rows = chy_alloc(search->op, find->limit * sizeof *search->rows);
    if (search->rows == NULL) {
        return chy_fail_memory(search->op);
    }
    search->page.rows = (struct chy_view){search->rows, 0, sizeof *search->rows};
    CHY_TRY(plan_make(search));
    CHY_TRY(walk_ranges(search));
    if (search->page.more != 0) {
        CHY_TRY(chy_storage_cursor_write(search->op, search->table->collection, search->terms,
                                         search->term_count, search->last, &search->page.cursor));
    }
    return CHY_OK;
}

static chy_status find_with(struct store *store, struct search *search)
{
    struct connection *connection = NULL;
    CHY_TRY(reader_take(store, search->op, &connection));
    search->connection = connection;
    // One snapshot for all statements; a frozen reader has its own.
    bool has_snapshot = sqlite3_get_autocommit(connection->db) == 0;
    chy_status status = has_snapshot ? CHY_OK : run_sql(search->op, connection, "BEGIN");
    if (status == CHY_OK) {
        status = search_run(search);
        if (!has_snapshot) {
            (void)sqlite3_exec(connection->db, "COMMIT", NULL, NULL, NULL);
        }
    }
    reader_give(store, connection);
    return status;
}

chy_status store_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                      struct chy_storage_page *out_page)
{
    struct store *store = self;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(chy_storage_check_find(op, store->schema, find));
    CHY_TRY(store_ready(store, op));
    struct search *search = chy_alloc(op, sizeof *search);
    if (search == NULL) {
        return chy_fail_memory(op);
    }
    search->op = op;
    search->find = find;
    search->table = &store->tables[find->collection];
    search->skip = find->skip;
    search->term_count = chy_storage_terms(search->table->collection, find->order, search->terms);
    if (find->cursor.len != 0) {
        CHY_TRY(chy_storage_cursor_read(op, search->table->collection, search->terms,
                                        search->term_count, find->cursor, search->from));
        search->has_cursor = true;
    }
    if (!where_never(find->where)) {
        CHY_TRY(find_with(store, search));
    }
    out_page->more = search->page.more;
    out_page->rows = search->page.rows;
    out_page->cursor = search->page.cursor;
    out_page->scanned = search->page.scanned;
    return CHY_OK;
}
