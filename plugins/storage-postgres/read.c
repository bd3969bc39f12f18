// get and find.
#include "auto.h"
#include "search.h"
#include "store.h"

chy_status pgs_ask(struct pgs_store *store, struct chy_op *op, const struct pgs_query *query,
                   const char *doing, PGresult **out_result)
{
    const struct pgs_statement *statement = NULL;
    if (store->frozen != NULL) {
        return pgs_ask_on(store->frozen, op, query, doing, out_result);
    }
    CHY_TRY(pgs_query_statement(&store->statements, query, &statement));
    struct pgs_failure failure;
    for (int attempt = 0;; attempt++) {
        struct pgs_connection *connection = NULL;
        int64_t until = pgs_until(op);
        if (pgs_pool_take(store, &store->pool, until, &connection, &failure) != PGS_DONE) {
            return pgs_fail(op, &failure, doing);
        }
        struct pgs_call call = pgs_call_of(statement, query);
        enum pgs_end end = pgs_run(connection, &call, 1, until, &failure);
        bool gone = end == PGS_LOST || pgs_failure_is(&failure, "57P");
        if (pgs_failure_is(&failure, "26")) {
            pgs_connection_forget(connection);
            gone = true;
        } else if (gone) {
            pgs_sessions_distrust(&store->sessions);
        }
        pgs_pool_give(store, &store->pool, connection);
        if (end == PGS_DONE) {
            *out_result = call.result;
            return CHY_OK;
        }
        pgs_calls_clear(&call, 1);
        if (!gone || attempt != 0) {
            return pgs_fail(op, &failure, doing);
        }
    }
}

chy_status pgs_ask_on(struct pgs_connection *connection, struct chy_op *op,
                      const struct pgs_query *query, const char *doing, PGresult **out_result)
{
    struct pgs_failure failure;
    if (query->sql.failed) {
        return chy_fail_memory(op);
    }
    struct pgs_statement statement = {
        .parameter_count = query->count, .types = query->types, .sql = query->sql.ptr};
    struct pgs_call call = pgs_call_of(&statement, query);
    if (pgs_run(connection, &call, 1, pgs_until(op), &failure) != PGS_DONE) {
        pgs_calls_clear(&call, 1);
        return pgs_fail(op, &failure, doing);
    }
    *out_result = call.result;
    return CHY_OK;
}

static chy_status say(struct pgs_connection *connection, struct chy_op *op, const char *words)
{
    struct pgs_query query;
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    pgs_query_init(&query, op);
    pgs_query_add(&query, words);
    return pgs_ask_on(connection, op, &query, "freezing what is read", &result);
}

chy_status pgs_freeze(void *self, struct chy_op *op, uint32_t on)
{
    struct pgs_store *store = self;
    struct pgs_connection *connection = store->frozen;
    struct pgs_failure failure;
    CHY_TRY(pgs_check_declared(store, op));
    if ((connection != NULL) == (on != 0)) {
        return CHY_OK;
    }
    if (on == 0) {
        store->frozen = NULL;
        chy_status status = say(connection, op, "COMMIT");
        pgs_pool_give(store, &store->pool, connection);
        return status;
    }
    if (pgs_pool_take(store, &store->pool, pgs_until(op), &connection, &failure) != PGS_DONE) {
        return pgs_fail(op, &failure, "freezing what is read");
    }
    chy_status status =
        say(connection, op, "BEGIN TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY");
    if (status == CHY_OK) {
        status = say(connection, op, "SELECT 1"); // the moment is that of the first read
    }
    if (status != CHY_OK) {
        connection->broken = true;
        pgs_pool_give(store, &store->pool, connection);
        return status;
    }
    store->frozen = connection;
    return CHY_OK;
}

static chy_status read_row(struct chy_op *op, const struct pgs_table *table, struct chy_view fields,
                           const PGresult *result, int row, struct chy_storage_row *out_row)
{
    struct chy_value *values = chy_alloc(op, (fields.count + 1) * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < fields.count; i++) {
        const struct pgs_field *field = pgs_field_at(table, chy_storage_number_at(fields, i));
        if (field->many) {
            CHY_TRY(pgs_items_read(op, result, row, (int)i, &values[i]));
        } else {
            CHY_TRY(pgs_value_read(op, result, row, (int)i, field->type, &values[i]));
        }
    }
    out_row->values = (struct chy_view){values, fields.count, sizeof *values};
    out_row->revision = (uint64_t)pgs_result_int(result, row, (int)fields.count);
    return CHY_OK;
}

chy_status pgs_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                   struct chy_storage_row *out_row)
{
    struct pgs_store *store = self;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    CHY_TRY(chy_storage_check_get(op, store->model->declared, get));
    const struct pgs_table *table = pgs_table_at(store->model, get->collection);
    struct pgs_cell key[CHY_STORAGE_KEY_FIELDS_MAX];
    for (uint32_t i = 0; i < table->key_count; i++) {
        pgs_cell_of(pgs_at(get->key, i), &key[i]);
    }
    struct pgs_query query;
    pgs_query_init(&query, op);
    pgs_query_add(&query, "SELECT ");
    pgs_add_fields(&query, table, get->fields);
    pgs_query_add(&query, "t.\"revision$\" FROM ");
    pgs_query_add(&query, table->quoted);
    pgs_query_add(&query, " AS t WHERE ");
    pgs_where_key(&query, table, key);
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    CHY_TRY(pgs_ask(store, op, &query, "reading a row", &result));
    if (PQntuples(result) == 0) {
        return chy_fail(op, CHY_NOT_FOUND, 0, "there is no such row in '%.*s'",
                        (int)table->name.len, (const char *)table->name.ptr);
    }
    struct chy_storage_row row;
    CHY_TRY(read_row(op, table, get->fields, result, 0, &row));
    *out_row = row;
    return CHY_OK;
}

/** Where the reading of a page stands. */
struct reading {
    const struct pgs_search *search;
    const PGresult *result;
    struct chy_storage_row *rows;
    struct chy_storage_page page;
    int last; // the row examined last; -1: none
};

/** Takes the page's rows; sets `more` and where the next page begins. */
static chy_status read_rows(struct reading *r)
{
    const struct pgs_search *s = r->search;
    int scan_column = (int)(s->find->fields.count + 1 + s->term_count);
    for (int row = 0; row < PQntuples(r->result); row++) {
        uint64_t number = (uint64_t)row + 1;
        bool hit = true;
        if (s->mode == PGS_SCAN) {
            number = (uint64_t)pgs_result_int(r->result, row, scan_column);
            hit = *PQgetvalue(r->result, row, scan_column + 1) != 0;
        }
        bool full = r->page.rows.count == s->find->limit;
        if (number > s->scan_limit || (full && hit)) {
            r->page.more = 1;
            return CHY_OK;
        }
        r->last = row;
        r->page.scanned = number;
        if (hit) {
            CHY_TRY(read_row(s->op, s->table, s->find->fields, r->result, row,
                             &r->rows[r->page.rows.count]));
            r->page.rows.count++;
        }
    }
    return CHY_OK;
}

static chy_status write_cursor(struct reading *r)
{
    const struct pgs_search *s = r->search;
    struct chy_value values[CHY_STORAGE_TERMS_MAX];
    for (uint32_t i = 0; i < s->term_count; i++) {
        int column = (int)(s->find->fields.count + 1 + i);
        CHY_TRY(pgs_value_read(s->op, r->result, r->last, column,
                               s->table->fields[s->terms[i].field].type, &values[i]));
    }
    return chy_storage_cursor_write(s->op, s->table->declared, s->terms, s->term_count, values,
                                    &r->page.cursor);
}

static chy_status read_page(const struct pgs_search *search, const PGresult *result,
                            struct chy_storage_page *out_page)
{
    struct reading r;
    memset(&r, 0, sizeof r);
    r.search = search;
    r.result = result;
    r.last = -1;
    r.page.struct_size = out_page->struct_size;
    r.rows = chy_alloc(search->op, search->find->limit * sizeof *r.rows);
    if (r.rows == NULL) {
        return chy_fail_memory(search->op);
    }
    r.page.rows = (struct chy_view){r.rows, 0, sizeof *r.rows};
    CHY_TRY(read_rows(&r));
    if (r.page.more != 0) {
        CHY_TRY(write_cursor(&r));
    }
    *out_page = r.page;
    return CHY_OK;
}

/** Counts what each driver finds; takes the first that finds few enough. */
static chy_status choose_driver(struct pgs_store *store, struct pgs_search *search)
{
    for (uint32_t i = 0; i < search->driver_count; i++) {
        struct pgs_query query;
        pgs_query_init(&query, search->op);
        CHY_TRY(pgs_search_probe_sql(search, &search->drivers[i], &query));
        PGS_AUTO(pgs_clear) PGresult *result = NULL;
        CHY_TRY(pgs_ask(store, search->op, &query, "counting rows", &result));
        if ((uint64_t)pgs_result_int(result, 0, 0) <= search->scan_limit) {
            search->mode = PGS_DRIVEN;
            search->driver = &search->drivers[i];
            return CHY_OK;
        }
    }
    return CHY_OK;
}

chy_status pgs_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                    struct chy_storage_page *out_page)
{
    struct pgs_store *store = self;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    CHY_TRY(chy_storage_check_find(op, store->model->declared, find));
    const struct pgs_table *table = pgs_table_at(store->model, find->collection);
    struct pgs_search search;
    CHY_TRY(pgs_search_plan(op, table, find, &search));
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    if (!search.nothing) {
        CHY_TRY(choose_driver(store, &search));
        struct pgs_query query;
        pgs_query_init(&query, op);
        CHY_TRY(pgs_search_sql(&search, &query));
        CHY_TRY(pgs_ask(store, op, &query, "finding rows", &result));
    }
    return read_page(&search, result, out_page);
}
