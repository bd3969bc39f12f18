/**
 * The writes of one or more batches as statements, in the order in which they take effect.
 *
 * Neighbours are merged where one statement can do for several writes: inserts into one table, adds
 * to one counter, equal checks of one row.  A guard that does not hold divides by zero, so that the
 * server itself undoes the transaction, and everything can be sent at once, COMMIT and all.
 */
#ifndef PGS_STEP_H
#define PGS_STEP_H

#include "batch.h"
#include "connection.h"

/** What a step's answer means for its writes. */
enum pgs_answer {
    PGS_SILENT,        /**< nothing; the step serves the one before */
    PGS_FRESH,         /**< the rows are new */
    PGS_REVISION,      /**< column 0 is the row's revision; no row: 0 */
    PGS_REMOVED,       /**< so many rows went as the command says */
    PGS_REMOVED_COUNT, /**< so many as column 0 says */
    PGS_SUM            /**< columns 0 and 1 are the counter and the revision after all adds */
};

struct pgs_step {
    struct pgs_call call;
    enum pgs_answer answer;
    bool guarded;              /**< a division by zero says that a guard does not hold */
    struct pgs_write **writes; /**< whose step it is; the first is blamed */
    uint32_t write_count;
};

struct pgs_steps {
    struct chy_op *op;
    struct pgs_statements *statements;
    bool merge; /**< merge neighbours */
    struct pgs_step *items;
    uint32_t count;
    uint32_t size;
};

/** pgs_steps_add turns sorted writes into steps. */
chy_status pgs_steps_add(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count);

/** pgs_steps_results gives each write its result from the answers. */
void pgs_steps_results(const struct pgs_steps *steps);
/** pgs_steps_answered tells whether every answer that a result needs is there. */
bool pgs_steps_answered(const struct pgs_steps *steps);
/** pgs_steps_clear frees the answers. */
void pgs_steps_clear(struct pgs_steps *steps);

/* What the files behind this share. */

/** pgs_step_add appends a step. */
chy_status pgs_step_add(struct pgs_steps *steps, const struct pgs_step *step);
/** pgs_step_query appends a step that runs a query which was built. */
chy_status pgs_step_query(struct pgs_steps *steps, enum pgs_answer answer, bool guarded,
                          struct pgs_write **writes, uint32_t count, const struct pgs_query *query);
/** pgs_insert_rows appends the steps that insert the rows of `writes`, sets and all. */
chy_status pgs_insert_rows(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count);
/** pgs_add_columns adds the table's column names, without sets, and the revision's. */
void pgs_add_columns(struct pgs_query *query, const struct pgs_table *table);
/** pgs_change_row appends the steps of a write of any other kind. */
chy_status pgs_change_row(struct pgs_steps *steps, struct pgs_write **writes, uint32_t count,
                          bool exclusive);

#endif
