/** One find on its way: what plan.c decides and find.c runs. */
#ifndef STORAGE_SQLITE_FIND_H
#define STORAGE_SQLITE_FIND_H

#include "query.h"

struct search {
    struct chy_op *op;
    struct connection *connection;
    const struct table *table;
    const struct chy_storage_find *find;

    /** The whole order, as cursors carry it. */
    struct chy_order terms[CHY_STORAGE_TERMS_MAX];
    uint64_t term_count;
    struct chy_value from[CHY_STORAGE_TERMS_MAX]; /**< where the cursor stands */
    bool has_cursor;

    /* --- the plan --- */
    /** The terms that an EQ predicate does not fix: numbers into `terms`. */
    uint64_t active[CHY_STORAGE_TERMS_MAX];
    uint64_t active_count;
    const struct path *path; /**< gives the order; NULL: what matches is few, and sorted */
    /** The predicates that narrow the walk; the others are tried row by row. */
    bool drives[CHY_STORAGE_FIELDS_MAX];
    const struct chy_predicate *driver; /**< a HAS by which the few are found, or NULL */
    const struct path *few;             /**< an index by which the few are found, or NULL */
    bool has_rest;                      /**< some predicate does not drive */

    /* --- the page --- */
    struct chy_storage_page page;
    struct chy_storage_row *rows;
    uint64_t skip;
    struct chy_value last[CHY_STORAGE_TERMS_MAX];
};

/** plan_make decides how to walk. */
CHY_MUST_USE chy_status plan_make(struct search *search);

#endif
