/**
 * How a find is carried out, so that its cost is bounded whatever is asked.
 *
 * PLAIN   every predicate is a condition of the index that gives the order: a range of the index,
 *         read up to the page's end.
 * SCAN    some predicates are not.  The first scan_limit rows of that range are examined, in order;
 *         the page says where the examining ended.
 * DRIVEN  like SCAN, but another index finds by one of those predicates at most scan_limit rows
 * (which
 *         a probe has counted): these are fetched, filtered and sorted.
 */
#ifndef PGS_SEARCH_H
#define PGS_SEARCH_H

#include "where.h"

struct pgs_store;

enum pgs_search_mode {
    PGS_PLAIN,
    PGS_SCAN,
    PGS_DRIVEN
};

/** The most drivers that are probed. */
#define PGS_DRIVERS_MAX 2U

/** Predicates by which an index finds rows. */
struct pgs_driver {
    struct chy_view where;  /**< of struct chy_predicate; the first one made it a driver */
    const uint32_t *fields; /**< the index's, from that predicate's on; NULL for one on a set */
    uint32_t field_count;
};

struct pgs_search {
    struct chy_op *op;
    const struct pgs_table *table;
    const struct chy_storage_find *find;
    uint64_t scan_limit;
    enum pgs_search_mode mode;
    bool nothing; /**< no row can meet the predicates, or none is left */

    struct chy_order terms[CHY_STORAGE_TERMS_MAX]; /**< the whole order, which cursors carry */
    uint64_t term_count;
    struct chy_order order[CHY_STORAGE_TERMS_MAX]; /**< without what predicates hold fixed */
    uint64_t order_count;
    /** `order`, behind the fields that the index has before it and a predicate wants null: the
     *  server knows that a field which equals a value is fixed, but not so of null. */
    struct chy_order sort[2 * CHY_STORAGE_TERMS_MAX];
    uint64_t sort_count;

    bool has_place; /**< a cursor was given: the page begins behind it */
    struct chy_value place[CHY_STORAGE_TERMS_MAX]; /**< one for each of `order` */

    struct chy_view pushed;   /**< of struct chy_predicate: conditions of the ordered index */
    struct chy_view residual; /**< the others */
    struct pgs_driver drivers[PGS_DRIVERS_MAX]; /**< other ways to find rows */
    uint32_t driver_count;
    const struct pgs_driver *driver; /**< the one taken, in DRIVEN */
};

/** pgs_search_plan reads the order and the cursor, and divides the predicates. */
chy_status pgs_search_plan(struct chy_op *op, const struct pgs_table *table,
                           const struct chy_storage_find *find, struct pgs_search *out_search);

/** pgs_search_probe_sql counts what a driver would find, up to one more than scan_limit. */
chy_status pgs_search_probe_sql(const struct pgs_search *search, const struct pgs_driver *driver,
                                struct pgs_query *query);

/**
 * pgs_search_sql writes the whole query.  Its columns: the fields asked for, the revision, the
 * terms, and in SCAN the number of the row among those examined and whether it matches.
 */
chy_status pgs_search_sql(const struct pgs_search *search, struct pgs_query *query);

/** pgs_add_fields adds the columns of fields: a set as an array.  `t` is the table. */
void pgs_add_fields(struct pgs_query *query, const struct pgs_table *table, struct chy_view fields);

#endif
