/**
 * What the database has, held against what is declared.
 */
#ifndef PGS_CATALOG_H
#define PGS_CATALOG_H

#include "store.h"

/** One thing that is missing, or is not as declared. */
enum pgs_gap_kind {
    PGS_GAP_TABLE, /**< a whole collection, with its sets and indexes */
    PGS_GAP_COLUMN,
    PGS_GAP_SET,         /**< a many-field's table, with its index */
    PGS_GAP_INDEX,       /**< a declared index */
    PGS_GAP_VALUE_INDEX, /**< the index on a set's values */
    PGS_GAP_CLASH        /**< there, but otherwise: upgrade does not touch it */
};

struct pgs_gap {
    enum pgs_gap_kind kind;
    bool invalid; /**< of an index: it is there, unfinished */
    const struct pgs_table *table;
    const struct pgs_field *field;
    const struct pgs_index *index;
    const char *text; /**< for people */
};

struct pgs_catalog {
    bool made; /**< the schema's version is recorded */
    int64_t version;
    int64_t min_compatible;
    struct pgs_gap *gaps;
    uint32_t gap_count;
};

/** pgs_catalog_read looks, with one session from the pool, and changes nothing. */
chy_status pgs_catalog_read(struct pgs_store *store, struct chy_op *op,
                            struct pgs_catalog *out_catalog);

/** pgs_catalog_state sums it up. */
enum chy_schema_state_value pgs_catalog_state(const struct pgs_store *store,
                                              const struct pgs_catalog *catalog);
/** pgs_catalog_text names the first gaps, in one line. */
chy_status pgs_catalog_text(struct chy_op *op, const struct pgs_catalog *catalog,
                            struct chy_slice *out_text);

/** pgs_index_columns adds an index's columns as CREATE INDEX and the catalog have them. */
void pgs_index_columns(struct pgs_text *text, const struct pgs_table *table,
                       const struct pgs_index *index, bool quoted);

#endif
