/**
 * What the writers of single changes share: change.c and counter.c.
 */
#ifndef PGS_CHANGE_H
#define PGS_CHANGE_H

#include "step.h"
#include "where.h"

/** One change being written as SQL. */
struct pgs_change {
    struct pgs_steps *steps;
    struct pgs_write **writes;
    uint32_t count;
    const struct pgs_write *write; /**< the first of them */
    const struct pgs_table *table;
    struct pgs_query query;
};

/** pgs_change_begin starts a statement. */
void pgs_change_begin(struct pgs_change *c);
/** pgs_change_add adds words to it. */
void pgs_change_add(struct pgs_change *c, const char *words);
/** pgs_change_end makes it a step of the change's writes. */
chy_status pgs_change_end(struct pgs_change *c, enum pgs_answer answer, bool guarded);

/** pgs_change_where adds ` WHERE ` and the row's key. */
void pgs_change_where(struct pgs_change *c);
/**
 * pgs_change_guard adds ` AND ` and what the guard asks of the row; nothing if it asks nothing
 * more.
 */
void pgs_change_guard(struct pgs_change *c);
/** pgs_change_insert_into adds `INSERT INTO … AS t (all columns) `. */
void pgs_change_insert_into(struct pgs_change *c);
/** pgs_change_on_conflict adds what happens when the row is there, up to its new revision. */
void pgs_change_on_conflict(struct pgs_change *c);
/** pgs_change_require_row ends `WITH w AS (…`: no row there means that the guard does not hold. */
void pgs_change_require_row(struct pgs_change *c, const char *columns);
/** pgs_change_set_array makes one parameter of a set. */
chy_status pgs_change_set_array(struct pgs_change *c, const struct pgs_set *set,
                                struct pgs_cell **out_array);
/** pgs_change_insert_items adds the INSERT of a set's texts beside the row. */
void pgs_change_insert_items(struct pgs_change *c, const struct pgs_field *field,
                             const struct pgs_cell *array);

/** pgs_change_counter appends the steps of an ADD. */
chy_status pgs_change_counter(struct pgs_change *c);

#endif
