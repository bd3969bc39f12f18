// declare, verify_schema, upgrade: additive steps that older programs can live beside.
#include "auto.h"
#include "catalog.h"

#include <time.h>

// Whoever upgrades holds this advisory lock, together with a hash of the schema's name.
#define LOCK_CLASS 0x43687931 // "Chy1"
#define LOCK_PAUSE_NS 200000000
#define TRIES 10

chy_status pgs_check_declared(const struct pgs_store *store, struct chy_op *op)
{
    return store->model != NULL ? CHY_OK
                                : chy_fail(op, CHY_BROKEN, 0, "no schema has been declared");
}

chy_status pgs_declare(void *self, struct chy_op *op, const struct chy_schema *schema)
{
    struct pgs_store *store = self;
    if (store->model != NULL) {
        return chy_fail(op, CHY_BROKEN, 0, "the schema was declared before");
    }
    return pgs_model_new(op, chy_text(store->settings.schema), schema, &store->model);
}

chy_status pgs_verify_schema(void *self, struct chy_op *op, struct chy_schema_report *out_report)
{
    struct pgs_store *store = self;
    struct pgs_catalog catalog;
    struct chy_slice text = {NULL, 0};
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    CHY_TRY(pgs_catalog_read(store, op, &catalog));
    CHY_TRY(pgs_catalog_text(op, &catalog, &text));
    out_report->state = pgs_catalog_state(store, &catalog);
    out_report->found_version = (uint32_t)catalog.version;
    out_report->found_min_compatible = (uint32_t)catalog.min_compatible;
    out_report->detail = text;
    return CHY_OK;
}

/** An upgrade under way, on a session of its own. */
struct upgrade {
    struct pgs_store *store;
    struct chy_op *op;
    struct pgs_connection *connection;
};

/**
 * Runs statements without parameters, in one go; a transaction if BEGIN and COMMIT are among them.
 */
static chy_status run_all(struct upgrade *u, const struct pgs_text *texts, uint32_t count,
                          struct pgs_failure *failure)
{
    struct pgs_statement *statements = chy_alloc(u->op, count * sizeof *statements);
    struct pgs_call *calls = chy_alloc(u->op, count * sizeof *calls);
    if (statements == NULL || calls == NULL) {
        return chy_fail_memory(u->op);
    }
    for (uint32_t i = 0; i < count; i++) {
        if (texts[i].failed) {
            return chy_fail_memory(u->op);
        }
        statements[i].sql = texts[i].ptr;
        calls[i].statement = &statements[i];
    }
    enum pgs_end end = pgs_run(u->connection, calls, count, PGS_NEVER, failure);
    pgs_calls_clear(calls, count);
    return end == PGS_DONE ? CHY_OK : pgs_fail(u->op, failure, "upgrading the schema");
}

static void text_of(struct upgrade *u, struct pgs_text *text, const char *words)
{
    pgs_text_init(text, u->op);
    pgs_text_add(text, words);
}

static chy_status run_one(struct upgrade *u, const char *words, struct pgs_failure *failure)
{
    struct pgs_text text;
    text_of(u, &text, words);
    return run_all(u, &text, 1, failure);
}

/* --- statements --------------------------------------------------------------------------------*/

static void add_column(struct pgs_text *text, const struct pgs_field *field)
{
    pgs_text_add(text, field->quoted);
    pgs_text_add(text, " ");
    pgs_text_add(text, pgs_type_name(field->type));
    pgs_text_add(text, field->nullable ? "" : " NOT NULL");
}

static void add_key(struct pgs_text *text, const struct pgs_table *table)
{
    for (uint32_t i = 0; i < table->key_count; i++) {
        pgs_text_add(text, i == 0 ? "" : ", ");
        pgs_text_add(text, table->fields[table->key[i]].quoted);
    }
}

static void create_table(struct pgs_text *text, const struct pgs_table *table)
{
    pgs_text_add(text, "CREATE TABLE IF NOT EXISTS ");
    pgs_text_add(text, table->quoted);
    pgs_text_add(text, " (");
    for (uint32_t i = 0; i < table->field_count; i++) {
        if (!table->fields[i].many) {
            add_column(text, &table->fields[i]);
            pgs_text_add(text, ", ");
        }
    }
    pgs_text_add(text, "\"revision$\" bigint NOT NULL, CONSTRAINT ");
    pgs_text_add_name(text, table->key_relation);
    pgs_text_add(text, " PRIMARY KEY (");
    add_key(text, table);
    pgs_text_add(text, "))");
}

static void create_set(struct pgs_text *text, const struct pgs_table *table,
                       const struct pgs_field *field)
{
    pgs_text_add(text, "CREATE TABLE IF NOT EXISTS ");
    pgs_text_add(text, field->child);
    pgs_text_add(text, " (");
    for (uint32_t i = 0; i < table->key_count; i++) {
        add_column(text, &table->fields[table->key[i]]);
        pgs_text_add(text, ", ");
    }
    pgs_text_add(text, "\"value$\" text COLLATE \"C\" NOT NULL, PRIMARY KEY (");
    add_key(text, table);
    pgs_text_add(text, ", \"value$\"))");
}

static void create_index(struct pgs_text *text, const struct pgs_table *table,
                         const struct pgs_index *index, bool online)
{
    pgs_text_add(text, index->unique ? "CREATE UNIQUE INDEX " : "CREATE INDEX ");
    pgs_text_add(text, online ? "CONCURRENTLY IF NOT EXISTS " : "IF NOT EXISTS ");
    pgs_text_add_name(text, index->relation);
    pgs_text_add(text, " ON ");
    pgs_text_add(text, table->quoted);
    pgs_text_add(text, " (");
    pgs_index_columns(text, table, index, true);
    pgs_text_add(text, ")");
}

static void create_value_index(struct pgs_text *text, const struct pgs_table *table,
                               const struct pgs_field *field, bool online)
{
    pgs_text_add(text, online ? "CREATE INDEX CONCURRENTLY IF NOT EXISTS "
                              : "CREATE INDEX IF NOT EXISTS ");
    pgs_text_add_name(text, field->child_index);
    pgs_text_add(text, " ON ");
    pgs_text_add(text, field->child);
    pgs_text_add(text, " (\"value$\", ");
    add_key(text, table);
    pgs_text_add(text, ")");
}

/* --- steps -------------------------------------------------------------------------------------*/

/** Statements that belong into one transaction. */
struct list {
    struct upgrade *u;
    struct pgs_text *texts;
    uint32_t count;
    uint32_t room;
};

static struct pgs_text *next(struct list *list)
{
    // make_list() counted them.
    struct pgs_text *text = &list->texts[list->count++];
    pgs_text_init(text, list->u->op);
    return text;
}

static void list_set(struct list *list, const struct pgs_table *table,
                     const struct pgs_field *field)
{
    create_set(next(list), table, field);
    create_value_index(next(list), table, field, false);
}

static void list_gap(struct list *list, const struct pgs_gap *gap)
{
    const struct pgs_table *table = gap->table;
    if (gap->kind == PGS_GAP_COLUMN) {
        struct pgs_text *text = next(list);
        pgs_text_add(text, "ALTER TABLE ");
        pgs_text_add(text, table->quoted);
        pgs_text_add(text, " ADD COLUMN IF NOT EXISTS ");
        add_column(text, gap->field);
    } else if (gap->kind == PGS_GAP_SET) {
        list_set(list, table, gap->field);
    } else if (gap->kind == PGS_GAP_TABLE) {
        create_table(next(list), table);
        for (uint32_t i = 0; i < table->field_count; i++) {
            if (table->fields[i].many) {
                list_set(list, table, &table->fields[i]);
            }
        }
        for (uint32_t i = 0; i < table->index_count; i++) {
            create_index(next(list), table, &table->indexes[i], false);
        }
    }
}

static uint32_t room_for(const struct pgs_catalog *catalog)
{
    uint32_t room = 8;
    for (uint32_t i = 0; i < catalog->gap_count; i++) {
        const struct pgs_table *table = catalog->gaps[i].table;
        room += catalog->gaps[i].kind == PGS_GAP_TABLE
                    ? 1 + 2 * table->many_count + table->index_count
                    : 2;
    }
    return room;
}

static void list_own_tables(struct list *list)
{
    const struct pgs_model *model = list->u->store->model;
    struct pgs_text *text = next(list);
    pgs_text_add(text, "CREATE TABLE IF NOT EXISTS ");
    pgs_text_add(text, model->meta);
    pgs_text_add(text, " (id bigint PRIMARY KEY, version bigint NOT NULL, "
                       "min_compatible bigint NOT NULL)");
    text = next(list);
    pgs_text_add(text, "CREATE TABLE IF NOT EXISTS ");
    pgs_text_add(text, model->commits);
    // Room beside each row, so that an update stays on its page.
    pgs_text_add(text, " (id uuid PRIMARY KEY, n bigint NOT NULL, at bigint NOT NULL) "
                       "WITH (fillfactor = 30)");
}

static void record_version(struct pgs_text *text, const struct pgs_model *model)
{
    pgs_text_add(text, "INSERT INTO ");
    pgs_text_add(text, model->meta);
    pgs_text_add(text, " AS m (id, version, min_compatible) VALUES (1, ");
    pgs_text_add_number(text, model->version);
    pgs_text_add(text, ", ");
    pgs_text_add_number(text, model->min_compatible);
    pgs_text_add(text, ") ON CONFLICT (id) DO UPDATE SET version = EXCLUDED.version, "
                       "min_compatible = EXCLUDED.min_compatible "
                       "WHERE m.version <= EXCLUDED.version");
}

/** Tables and columns, in one transaction; with the version, when that is all there is to do. */
static chy_status make_tables(struct upgrade *u, const struct pgs_catalog *catalog)
{
    struct list list = {u, NULL, 0, room_for(catalog)};
    struct pgs_failure failure;
    list.texts = chy_alloc(u->op, list.room * sizeof *list.texts);
    if (list.texts == NULL) {
        return chy_fail_memory(u->op);
    }
    pgs_text_add(next(&list), "BEGIN");
    // A table that is in use is not waited for: whoever comes later would wait behind us.
    pgs_text_add(next(&list), "SET LOCAL lock_timeout = '2s'");
    list_own_tables(&list);
    for (uint32_t i = 0; i < catalog->gap_count; i++) {
        list_gap(&list, &catalog->gaps[i]);
    }
    if (!catalog->made) {
        record_version(next(&list), u->store->model);
    }
    pgs_text_add(next(&list), "COMMIT");
    for (int attempt = 0;; attempt++) {
        chy_status status = run_all(u, list.texts, list.count, &failure);
        bool busy = pgs_failure_is(&failure, "55P03") || pgs_failure_is(&failure, "40P01");
        if (status == CHY_OK || !busy || attempt == TRIES) {
            return status;
        }
        struct pgs_failure ignored;
        CHY_TRY(run_one(u, "ROLLBACK", &ignored));
    }
}

/** An index on a table with rows: built while others write. */
static chy_status make_index(struct upgrade *u, const struct pgs_gap *gap)
{
    struct pgs_failure failure;
    struct pgs_text text;
    bool of_values = gap->kind == PGS_GAP_VALUE_INDEX;
    if (gap->invalid) {
        pgs_text_init(&text, u->op);
        pgs_text_add(&text, "DROP INDEX CONCURRENTLY IF EXISTS ");
        pgs_text_add(&text, u->store->model->schema_quoted);
        pgs_text_add(&text, ".");
        pgs_text_add_name(&text, of_values ? gap->field->child_index : gap->index->relation);
        CHY_TRY(run_all(u, &text, 1, &failure));
    }
    pgs_text_init(&text, u->op);
    if (of_values) {
        create_value_index(&text, gap->table, gap->field, true);
    } else {
        create_index(&text, gap->table, gap->index, true);
    }
    return run_all(u, &text, 1, &failure);
}

static chy_status make_schema(struct upgrade *u)
{
    struct pgs_query query;
    PGS_AUTO(pgs_clear) PGresult *result = NULL;
    struct pgs_failure failure;
    pgs_query_init(&query, u->op);
    pgs_query_add(&query, "SELECT 1 FROM pg_catalog.pg_namespace WHERE nspname = ");
    pgs_query_bytes(&query, PGS_TEXT, (const char *)u->store->model->schema.ptr,
                    (int)u->store->model->schema.len);
    CHY_TRY(pgs_ask(u->store, u->op, &query, "looking for the schema", &result));
    if (PQntuples(result) != 0) {
        return CHY_OK; // a role without the right to make it may still fill it
    }
    struct pgs_text text;
    text_of(u, &text, "CREATE SCHEMA IF NOT EXISTS ");
    pgs_text_add(&text, u->store->model->schema_quoted);
    return run_all(u, &text, 1, &failure);
}

static chy_status upgrade_locked(struct upgrade *u)
{
    struct pgs_catalog catalog;
    struct pgs_failure failure;
    CHY_TRY(pgs_catalog_read(u->store, u->op, &catalog));
    if (pgs_catalog_state(u->store, &catalog) == CHY_SCHEMA_TOO_NEW) {
        return chy_fail(u->op, CHY_UNSUPPORTED, 0,
                        "the schema has version %lld, and programs older than %lld cannot use it",
                        (long long)catalog.version, (long long)catalog.min_compatible);
    }
    for (uint32_t i = 0; i < catalog.gap_count; i++) {
        if (catalog.gaps[i].kind == PGS_GAP_CLASH) {
            return chy_fail(u->op, CHY_BROKEN, 0, "the schema cannot be upgraded: %s",
                            catalog.gaps[i].text);
        }
    }
    CHY_TRY(make_schema(u));
    CHY_TRY(make_tables(u, &catalog));
    for (uint32_t i = 0; i < catalog.gap_count; i++) {
        if (catalog.gaps[i].kind == PGS_GAP_INDEX || catalog.gaps[i].kind == PGS_GAP_VALUE_INDEX) {
            chy_log_info(u->op, "storage.index", "building: %s", catalog.gaps[i].text);
            CHY_TRY(make_index(u, &catalog.gaps[i]));
        }
    }
    struct pgs_text text;
    pgs_text_init(&text, u->op);
    record_version(&text, u->store->model);
    return run_all(u, &text, 1, &failure);
}

/**
 * Asks for the lock again and again: a session that waits for it inside the server would hold a
 * snapshot, and the one that builds an index would wait for that.
 */
static chy_status lock(struct upgrade *u)
{
    struct pgs_text text;
    text_of(u, &text, "SELECT CASE WHEN pg_try_advisory_lock(");
    pgs_text_add_number(&text, LOCK_CLASS);
    pgs_text_add(&text, ", hashtext(");
    pgs_text_add_literal(&text, u->store->model->schema);
    pgs_text_add(&text, ")) THEN 1::bigint ELSE 0::bigint END");
    for (;;) {
        struct pgs_failure failure;
        struct pgs_statement statement = {.sql = text.ptr};
        struct pgs_call call = {.statement = &statement};
        if (text.failed) {
            return chy_fail_memory(u->op);
        }
        enum pgs_end end = pgs_run(u->connection, &call, 1, pgs_until(u->op), &failure);
        int64_t locked = pgs_result_int(call.result, 0, 0);
        pgs_calls_clear(&call, 1);
        if (end != PGS_DONE) {
            return pgs_fail(u->op, &failure, "waiting for another upgrade");
        }
        if (locked != 0) {
            return CHY_OK;
        }
        CHY_TRY(chy_storage_check_deadline(u->op));
        struct timespec pause = {0, LOCK_PAUSE_NS};
        (void)nanosleep(&pause, NULL);
    }
}

chy_status pgs_upgrade(void *self, struct chy_op *op)
{
    struct pgs_store *store = self;
    struct upgrade u = {store, op, NULL};
    struct pgs_failure failure;
    CHY_TRY(chy_storage_check_deadline(op));
    CHY_TRY(pgs_check_declared(store, op));
    if (pgs_open(store, pgs_until(op), &u.connection, &failure) != PGS_DONE) {
        return pgs_fail(op, &failure, "upgrading the schema");
    }
    chy_status status = run_one(&u, "SET statement_timeout = 0", &failure);
    if (status == CHY_OK) {
        status = lock(&u);
    }
    if (status == CHY_OK) {
        status = upgrade_locked(&u);
    }
    pgs_connection_close(u.connection); // and with it goes the lock
    return status;
}
