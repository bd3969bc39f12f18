/**
 * The declared schema as tables, columns and indexes of PostgreSQL: names, and nothing that
 * changes.
 *
 * A collection `c` is the table "c"; its many-field `f` the table "c$m$f" (key columns and
 * "value$") with the index "c$v$f"; its index `i` is "c$i$i", its primary key "c$k".  No declared
 * name holds a `$`, so none of these collide, and neither do the column "revision$" and the tables
 * "chancery$meta" and "chancery$commits".  A name that PostgreSQL would cut ends in a hash of the
 * whole instead.
 *
 * Order: a nullable column stands NULLS FIRST in indexes and in every ascending order, NULLS LAST
 * in a descending one.  An index that is not unique carries the key's columns after its own, so
 * that a page in its order is a range of it.
 */
#ifndef PGS_MODEL_H
#define PGS_MODEL_H

#include "text.h"

#include <chancery/support/storage_check.h>

#include <stdatomic.h>

struct pgs_statement;

/** How many sizes a multi-row INSERT comes in: 1, 2, 4 … 32 rows. */
#define PGS_CHUNKS 6

/** The statements that insert 2^i rows, made when first needed. */
struct pgs_chunks {
    _Atomic(const struct pgs_statement *) of[PGS_CHUNKS];
};

struct pgs_field {
    struct chy_slice name;
    const char *quoted; /**< "name", as it stands in SQL */
    uint32_t type;      /**< enum chy_value_type */
    bool nullable;
    bool many;
    bool in_key;
    struct chy_slice child_name;      /**< of the table of a many-field */
    const char *child;                /**< the same, schema and all, quoted */
    struct chy_slice child_index;     /**< of the index on its values */
    struct pgs_chunks *child_inserts; /**< rows of that table */
};

struct pgs_index {
    struct chy_slice name;     /**< as declared */
    struct chy_slice relation; /**< as in the database */
    bool unique;
    uint32_t declared; /**< how many of `fields` the declaration named */
    uint32_t count;
    const uint32_t *fields;
};

struct pgs_table {
    uint32_t number;
    const struct chy_collection *declared;
    struct chy_slice name;
    const char *quoted; /**< schema and all */
    struct chy_slice key_relation;
    uint32_t field_count;
    struct pgs_field *fields;
    uint32_t key_count;
    const uint32_t *key;
    uint32_t index_count;
    struct pgs_index *indexes;
    uint32_t many_count;
    uint32_t column_count; /**< fields that are not many */
    struct pgs_chunks *inserts;
};

struct pgs_model {
    struct pgs_heap heap;
    const struct chy_schema *declared;
    uint32_t version;
    uint32_t min_compatible;
    struct chy_slice schema;
    const char *schema_quoted;
    const char *meta;    /**< "schema"."chancery$meta" */
    const char *commits; /**< "schema"."chancery$commits" */
    uint32_t table_count;
    struct pgs_table *tables;
};

/** pgs_model_new checks a declared schema and lays it out.  BAD_INPUT: it cannot be one. */
chy_status pgs_model_new(struct chy_op *op, struct chy_slice schema_name,
                         const struct chy_schema *schema, struct pgs_model **out_model);
void pgs_model_free(struct pgs_model *model);

/** pgs_table_at returns collection `number`, or NULL. */
const struct pgs_table *pgs_table_at(const struct pgs_model *model, uint32_t number);
/** pgs_field_at returns field `number` of the table, or NULL. */
const struct pgs_field *pgs_field_at(const struct pgs_table *table, uint32_t number);
/** pgs_index_of finds the index that the database knows as `relation`, or NULL. */
const struct pgs_index *pgs_index_of(const struct pgs_table *table, const char *relation);

/** pgs_type_name is the SQL type of a column: "bigint". */
const char *pgs_type_name(uint32_t type);

#endif
