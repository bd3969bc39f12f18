/**
 * Statements: text with numbered parameters, remembered by text, prepared once on each connection.
 *
 * A query is built in an operation's arena, parameters beside the text; pgs_query_statement() then
 * finds the statement of that text, so that the server parses each shape once a connection.  All
 * parameters and all results travel in binary.
 */
#ifndef PGS_STATEMENT_H
#define PGS_STATEMENT_H

#include "text.h"

#include <chancery/storage.h>
#include <libpq-fe.h>
#include <pthread.h>

/** The most parameters of one statement; PostgreSQL takes 65535. */
#define PGS_PARAMETERS_MAX 4096U

/** Types as the server numbers them. */
enum pgs_oid {
    PGS_BOOL = 16,
    PGS_BYTEA = 17,
    PGS_INT8 = 20,
    PGS_TEXT = 25,
    PGS_BOOLS = 1000,
    PGS_BYTEAS = 1001,
    PGS_TEXTS = 1009,
    PGS_INT8S = 1016,
    PGS_UUID = 2950,
    PGS_UUIDS = 2951
};

/** One parameter in binary: NULL `ptr` for null.  A number lies in `number`. */
struct pgs_cell {
    const char *ptr;
    int len;
    uint8_t number[8];
};

/** A shape of statement.  Lives as long as the instance, but for those that are not `named`. */
struct pgs_statement {
    const struct pgs_statement *next;
    bool named; /**< prepared as `name`; else sent with its text each time */
    uint32_t id;
    char name[12];
    uint32_t parameter_count;
    const Oid *types;
    const char *sql;
    uint64_t hash;
};

#define PGS_BUCKETS 512U

/** All statements of an instance.  `lock` guards the rest. */
struct pgs_statements {
    pthread_mutex_t lock;
    struct pgs_heap heap;
    uint32_t count;
    const struct pgs_statement *buckets[PGS_BUCKETS];
};

void pgs_statements_init(struct pgs_statements *statements);
void pgs_statements_fini(struct pgs_statements *statements);

/** A query being built. */
struct pgs_query {
    struct pgs_text sql;
    uint32_t count;
    uint32_t size;
    Oid *types;
    const char **values;
    int *lengths;
};

void pgs_query_init(struct pgs_query *query, struct chy_op *op);
/** pgs_query_add adds SQL words. */
void pgs_query_add(struct pgs_query *query, const char *words);
/** pgs_query_value adds "$n" and its value, which the query borrows. */
void pgs_query_value(struct pgs_query *query, Oid type, const struct pgs_cell *cell);
/** pgs_query_bytes adds "$n" and its value, which the query borrows. */
void pgs_query_bytes(struct pgs_query *query, Oid type, const char *ptr, int len);
/** pgs_query_push adds a value without its "$n": the words are somebody else's. */
void pgs_query_push(struct pgs_query *query, Oid type, const struct pgs_cell *cell);
/** pgs_query_int adds "$n" and the number. */
void pgs_query_int(struct pgs_query *query, int64_t number);

/** pgs_query_statement finds or makes the statement of the query's text. */
chy_status pgs_query_statement(struct pgs_statements *statements, const struct pgs_query *query,
                               const struct pgs_statement **out_statement);

/** pgs_put_int writes a number as the server reads it. */
void pgs_put_int(uint8_t out[8], int64_t number);

#endif
