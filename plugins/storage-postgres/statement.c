#include "statement.h"

#include <stdio.h>

// So many shapes mean that something varies which should be a parameter; beyond, statements are not
// kept, here or on the server.
#define STATEMENTS_MAX 2048U

void pgs_put_int(uint8_t out[8], int64_t number)
{
    uint64_t bits = (uint64_t)number;
    for (int i = 7; i >= 0; i--) {
        out[i] = (uint8_t)(bits & 0xFF);
        bits >>= 8;
    }
}

void pgs_query_init(struct pgs_query *query, struct chy_op *op)
{
    memset(query, 0, sizeof *query);
    pgs_text_init(&query->sql, op);
}

void pgs_query_add(struct pgs_query *query, const char *words)
{
    pgs_text_add(&query->sql, words);
}

static bool grow(struct pgs_query *query)
{
    if (query->count < query->size) {
        return true;
    }
    uint32_t size = query->size == 0 ? 32 : query->size * 2;
    Oid *types = chy_alloc(query->sql.op, size * sizeof *types);
    const char **values = chy_alloc(query->sql.op, size * sizeof *values);
    int *lengths = chy_alloc(query->sql.op, size * sizeof *lengths);
    if (types == NULL || values == NULL || lengths == NULL || size > PGS_PARAMETERS_MAX) {
        query->sql.failed = true;
        return false;
    }
    if (query->count != 0) {
        memcpy(types, query->types, query->count * sizeof *types);
        memcpy(values, query->values, query->count * sizeof *values);
        memcpy(lengths, query->lengths, query->count * sizeof *lengths);
    }
    query->types = types;
    query->values = values;
    query->lengths = lengths;
    query->size = size;
    return true;
}

void pgs_query_push(struct pgs_query *query, Oid type, const struct pgs_cell *cell)
{
    if (!grow(query)) {
        return;
    }
    query->types[query->count] = type;
    query->values[query->count] = cell->ptr;
    query->lengths[query->count] = cell->len;
    query->count++;
}

void pgs_query_bytes(struct pgs_query *query, Oid type, const char *ptr, int len)
{
    struct pgs_cell cell = {.ptr = ptr, .len = len};
    pgs_query_push(query, type, &cell);
    pgs_text_add(&query->sql, "$");
    pgs_text_add_number(&query->sql, query->count);
}

void pgs_query_value(struct pgs_query *query, Oid type, const struct pgs_cell *cell)
{
    pgs_query_bytes(query, type, cell->ptr, cell->len);
}

void pgs_query_int(struct pgs_query *query, int64_t number)
{
    uint8_t *bytes = chy_alloc(query->sql.op, 8);
    if (bytes == NULL) {
        query->sql.failed = true;
        return;
    }
    pgs_put_int(bytes, number);
    pgs_query_bytes(query, PGS_INT8, (const char *)bytes, 8);
}

void pgs_statements_init(struct pgs_statements *statements)
{
    memset(statements, 0, sizeof *statements);
    (void)pthread_mutex_init(&statements->lock, NULL);
}

void pgs_statements_fini(struct pgs_statements *statements)
{
    pgs_heap_free(&statements->heap);
    (void)pthread_mutex_destroy(&statements->lock);
}

static uint64_t hash_text(const char *ptr, size_t len)
{
    uint64_t hash = len * UINT64_C(0x9E3779B97F4A7C15);
    uint64_t word;
    for (; len >= sizeof word; ptr += sizeof word, len -= sizeof word) {
        memcpy(&word, ptr, sizeof word);
        hash = (hash ^ word) * UINT64_C(0xFF51AFD7ED558CCD);
        hash ^= hash >> 32;
    }
    for (; len > 0; ptr++, len--) {
        hash = (hash ^ (unsigned char)*ptr) * UINT64_C(0xFF51AFD7ED558CCD);
        hash ^= hash >> 32;
    }
    return hash;
}

static const struct pgs_statement *find_locked(const struct pgs_statements *statements,
                                               const struct pgs_query *query, uint64_t hash)
{
    const struct pgs_statement *statement = statements->buckets[hash % PGS_BUCKETS];
    while (statement != NULL &&
           (statement->hash != hash || strcmp(statement->sql, query->sql.ptr) != 0 ||
            statement->parameter_count != query->count ||
            (query->count != 0 &&
             memcmp(statement->types, query->types, query->count * sizeof *query->types) != 0))) {
        statement = statement->next;
    }
    return statement;
}

static const struct pgs_statement *add_locked(struct pgs_statements *statements,
                                              const struct pgs_query *query, uint64_t hash)
{
    struct pgs_statement *statement = pgs_heap_alloc(&statements->heap, sizeof *statement);
    char *sql = pgs_heap_copy(&statements->heap, query->sql.ptr, query->sql.len);
    char *types =
        pgs_heap_copy(&statements->heap, query->types, query->count * sizeof *query->types);
    if (statement == NULL || sql == NULL || types == NULL) {
        return NULL;
    }
    statement->named = true;
    statement->id = statements->count++;
    (void)snprintf(statement->name, sizeof statement->name, "c%u", statement->id);
    statement->parameter_count = query->count;
    statement->types = (const Oid *)(void *)types;
    statement->sql = sql;
    statement->hash = hash;
    statement->next = statements->buckets[hash % PGS_BUCKETS];
    statements->buckets[hash % PGS_BUCKETS] = statement;
    return statement;
}

static chy_status passing_statement(const struct pgs_query *query,
                                    const struct pgs_statement **out_statement)
{
    struct pgs_statement *statement = chy_alloc(query->sql.op, sizeof *statement);
    if (statement == NULL) {
        return chy_fail_memory(query->sql.op);
    }
    statement->parameter_count = query->count;
    statement->types = query->types;
    statement->sql = query->sql.ptr;
    *out_statement = statement;
    return CHY_OK;
}

chy_status pgs_query_statement(struct pgs_statements *statements, const struct pgs_query *query,
                               const struct pgs_statement **out_statement)
{
    if (query->sql.failed) {
        return chy_fail_memory(query->sql.op);
    }
    uint64_t hash = hash_text(query->sql.ptr, query->sql.len);
    (void)pthread_mutex_lock(&statements->lock);
    const struct pgs_statement *found = find_locked(statements, query, hash);
    bool full = statements->count >= STATEMENTS_MAX;
    if (found == NULL && !full) {
        found = add_locked(statements, query, hash);
    }
    (void)pthread_mutex_unlock(&statements->lock);
    if (found != NULL) {
        *out_statement = found;
        return CHY_OK;
    }
    return full ? passing_statement(query, out_statement) : chy_fail_memory(query->sql.op);
}
