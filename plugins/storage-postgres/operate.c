// health, check, statistics.
#include "auto.h"
#include "catalog.h"

chy_status pgs_health(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    struct pgs_query query;
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    pgs_query_init(&query, op);
    pgs_query_add(&query, "SELECT CASE WHEN current_setting('transaction_read_only') = 'off' "
                          "THEN version ELSE -1::bigint END FROM ");
    pgs_query_add(&query, store->model->meta);
    CHY_TRY(pgs_ask(store, op, &query, "checking health", &result));
    if (PQntuples(result) == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "the schema has not been made");
    }
    if (pgs_result_int(result, 0, 0) < 0) {
        return chy_fail(op, CHY_TRY_LATER, 0, "PostgreSQL is read-only here: a standby?");
    }
    return CHY_OK;
}

/* --- check -------------------------------------------------------------------------------------*/

/** A check reads everything, so it has a session of its own, without statement_timeout. */
struct checking {
    struct pgs_store *store;
    struct chy_op *op;
    struct pgs_connection *connection;
};

static chy_status find_one(struct checking *c, const struct pgs_query *query, const char *doing,
                           bool *out_found)
{
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    CHY_TRY(pgs_ask_on(c->connection, c->op, query, doing, &result));
    *out_found = PQntuples(result) != 0;
    return CHY_OK;
}

/** Values of sets whose row is gone. */
static chy_status check_set(struct checking *c, const struct pgs_table *table,
                            const struct pgs_field *field)
{
    struct pgs_query query;
    bool found = false;
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, "SELECT 1 FROM ");
    pgs_query_add(&query, field->child);
    pgs_query_add(&query, " AS c WHERE NOT EXISTS (SELECT 1 FROM ");
    pgs_query_add(&query, table->quoted);
    pgs_query_add(&query, " AS t");
    for (uint32_t i = 0; i < table->key_count; i++) {
        const char *key = table->fields[table->key[i]].quoted;
        pgs_query_add(&query, i == 0 ? " WHERE t." : " AND t.");
        pgs_query_add(&query, key);
        pgs_query_add(&query, " = c.");
        pgs_query_add(&query, key);
    }
    pgs_query_add(&query, ") LIMIT 1");
    CHY_TRY(find_one(c, &query, "checking a set", &found));
    if (found) {
        return chy_fail(c->op, CHY_BROKEN, 0, "'%.*s.%.*s' has values without a row",
                        (int)table->name.len, (const char *)table->name.ptr, (int)field->name.len,
                        (const char *)field->name.ptr);
    }
    return CHY_OK;
}

/** Reads every row and every value of it, so that an unreadable page or value shows. */
static chy_status check_rows(struct checking *c, const struct pgs_table *table)
{
    struct pgs_query query;
    bool found = false;
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, "SELECT 1 FROM ");
    pgs_query_add(&query, table->quoted);
    pgs_query_add(&query, " AS t WHERE t.\"revision$\" < 1 OR hashtext(t::text) IS NULL LIMIT 1");
    CHY_TRY(find_one(c, &query, "reading every row", &found));
    if (found) {
        return chy_fail(c->op, CHY_BROKEN, 0, "'%.*s' has a row with an impossible revision",
                        (int)table->name.len, (const char *)table->name.ptr);
    }
    return CHY_OK;
}

/** With the extension amcheck, which the operator may have installed: the indexes, too. */
static chy_status check_indexes(struct checking *c)
{
    struct pgs_query query;
    bool found = false;
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, "SELECT 1 FROM pg_extension WHERE extname = 'amcheck'");
    CHY_TRY(find_one(c, &query, "looking for amcheck", &found));
    if (!found) {
        return CHY_OK;
    }
    struct pgs_query where;
    PGS_AUTO(pgs_clear) PGresult *schema = NULL;
    pgs_query_init(&where, c->op);
    pgs_query_add(&where, "SELECT quote_ident(s.nspname) FROM pg_extension AS e JOIN "
                          "pg_namespace AS s ON s.oid = e.extnamespace WHERE "
                          "e.extname = 'amcheck'");
    CHY_TRY(pgs_ask_on(c->connection, c->op, &where, "looking for amcheck", &schema));
    if (PQntuples(schema) == 0) {
        return CHY_OK;
    }
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, "SELECT ");
    pgs_text_add_bytes(&query.sql, PQgetvalue(schema, 0, 0), (size_t)PQgetlength(schema, 0, 0));
    pgs_query_add(&query, ".bt_index_check(i.oid, true) FROM pg_index AS x "
                          "JOIN pg_class AS i ON i.oid = x.indexrelid "
                          "JOIN pg_namespace AS s ON s.oid = i.relnamespace "
                          "WHERE x.indisvalid AND s.nspname = ");
    pgs_query_bytes(&query, PGS_TEXT, (const char *)c->store->model->schema.ptr,
                    (int)c->store->model->schema.len);
    return find_one(c, &query, "checking the indexes", &found);
}

static chy_status check_all(struct checking *c)
{
    struct pgs_query query;
    bool found = false;
    pgs_query_init(&query, c->op);
    pgs_query_add(&query, "SELECT set_config('statement_timeout', '0', false)");
    CHY_TRY(find_one(c, &query, "beginning the check", &found));
    for (uint32_t i = 0; i < c->store->model->table_count; i++) {
        const struct pgs_table *table = &c->store->model->tables[i];
        CHY_TRY(check_rows(c, table));
        for (uint32_t f = 0; f < table->field_count; f++) {
            if (table->fields[f].many) {
                CHY_TRY(check_set(c, table, &table->fields[f]));
            }
        }
    }
    return check_indexes(c);
}

chy_status pgs_check(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    struct pgs_catalog catalog;
    struct pgs_failure failure;
    struct checking c = {store, op, NULL};
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    CHY_TRY(pgs_catalog_read(store, op, &catalog));
    if (catalog.gap_count != 0) {
        return chy_fail(op, CHY_BROKEN, 0, "the schema is not as declared: %s",
                        catalog.gaps[0].text);
    }
    if (pgs_open(store, pgs_until(op), &c.connection, &failure) != PGS_DONE) {
        return pgs_fail(op, &failure, "beginning the check");
    }
    chy_status status = check_all(&c);
    pgs_connection_close(c.connection);
    return status;
}

/* --- statistics --------------------------------------------------------------------------------*/

static void add_member(struct pgs_text *text, const char *name, uint64_t number)
{
    pgs_text_add(text, text->len == 1 ? "\"" : ", \"");
    pgs_text_add(text, name);
    pgs_text_add(text, "\": ");
    pgs_text_add_number(text, number);
}

static void add_pool(struct pgs_text *text, struct pgs_pool *pool, const char *open,
                     const char *idle, const char *waiting)
{
    (void)pthread_mutex_lock(&pool->lock);
    uint32_t open_count = pool->open;
    uint32_t idle_count = pool->idle_count;
    uint32_t waiting_count = pool->waiting;
    (void)pthread_mutex_unlock(&pool->lock);
    add_member(text, open, open_count);
    add_member(text, idle, idle_count);
    add_member(text, waiting, waiting_count);
}

static chy_status detail(struct pgs_store *store, struct chy_op *op, const PGresult *result,
                         struct chy_slice *out_detail)
{
    struct pgs_text text;
    pgs_text_init(&text, op);
    pgs_text_add(&text, "{");
    add_pool(&text, &store->pool, "connections", "connections_idle", "waiting");
    add_pool(&text, &store->committing, "committers", "committers_idle", "committers_waiting");
    (void)pthread_mutex_lock(&store->sessions.lock);
    uint64_t opened = store->sessions.opened;
    uint64_t failed = store->sessions.failed;
    (void)pthread_mutex_unlock(&store->sessions.lock);
    add_member(&text, "connections_opened", opened);
    add_member(&text, "connections_failed", failed);
    add_member(&text, "batches_joined", atomic_load(&store->joined));
    add_member(&text, "batches_run_again", atomic_load(&store->reruns));
    add_member(&text, "commits_settled", atomic_load(&store->settled));
    (void)pthread_mutex_lock(&store->statements.lock);
    uint64_t statements = store->statements.count;
    (void)pthread_mutex_unlock(&store->statements.lock);
    add_member(&text, "statements", statements);
    add_member(&text, "database_bytes", (uint64_t)pgs_result_int(result, 0, 2));
    pgs_text_add(&text, ", \"server\": ");
    char version[64] = "";
    size_t len = (size_t)PQgetlength(result, 0, 3);
    memcpy(version, PQgetvalue(result, 0, 3), len < sizeof version ? len : sizeof version - 1);
    pgs_text_add_json(&text, version);
    pgs_text_add(&text, "}");
    if (text.failed) {
        return chy_fail_memory(op);
    }
    *out_detail = chy_slice_of(text.ptr, text.len);
    return CHY_OK;
}

chy_status pgs_statistics(void *self, struct chy_op *op,
                          struct chy_storage_statistics *out_statistics)
{
    struct pgs_store *store = self;
    struct pgs_query query;
    struct chy_slice text = {NULL, 0};
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    pgs_query_init(&query, op);
    pgs_query_add(&query,
                  "SELECT coalesce(sum(greatest(c.reltuples, 0)) FILTER (WHERE c.relname NOT LIKE "
                  "'%$%'), 0)::bigint, coalesce(sum(pg_total_relation_size(c.oid)), 0)::bigint, "
                  "pg_database_size(current_database())::bigint, "
                  "current_setting('server_version') FROM pg_class AS c JOIN pg_namespace AS s "
                  "ON s.oid = c.relnamespace WHERE c.relkind IN ('r', 'p') AND s.nspname = ");
    pgs_query_bytes(&query, PGS_TEXT, (const char *)store->model->schema.ptr,
                    (int)store->model->schema.len);
    CHY_TRY(pgs_ask(store, op, &query, "reading statistics", &result));
    CHY_TRY(detail(store, op, result, &text));
    out_statistics->commits = atomic_load(&store->commits);
    out_statistics->batches = atomic_load(&store->batches);
    out_statistics->rows_estimate = (uint64_t)pgs_result_int(result, 0, 0);
    out_statistics->bytes = (uint64_t)pgs_result_int(result, 0, 1);
    out_statistics->detail = text;
    return CHY_OK;
}
