/**
 * A batch, checked, its values as parameters, its writes in the order in which they take effect.
 */
#ifndef PGS_BATCH_H
#define PGS_BATCH_H

#include "codec.h"

/** What a write comes to, once its guard is taken into account. */
enum pgs_deed {
    PGS_INSERT,       /**< a new row */
    PGS_UPSERT,       /**< a new row, or new values for some fields */
    PGS_UPDATE,       /**< new values, if the guard holds */
    PGS_DELETE,       /**< the row goes, if it is there and the guard holds */
    PGS_CHECK,        /**< the row is locked, if the guard holds */
    PGS_CHECK_ABSENT, /**< there must be no row */
    PGS_ADD,          /**< a counter grows; the row is made when there is none */
    PGS_ADD_TO,       /**< a counter of a row that is there grows, if the guard holds */
    PGS_DELETE_RANGE, /**< some rows go */
    PGS_CONTRADICTION /**< the guard and the kind contradict each other */
};

/** The texts of a many-field, each once. */
struct pgs_set {
    bool given;
    uint64_t count;
    const struct pgs_cell *items;
};

struct pgs_write {
    const struct chy_storage_write *given;
    const struct pgs_table *table;
    enum pgs_deed deed;
    uint32_t number; /**< its place in the batch as it was given */
    uint32_t turn;   /**< its place among the writes of a group, before they are sorted */
    struct chy_write_result *result;
    struct pgs_cell key[CHY_STORAGE_KEY_FIELDS_MAX];
    struct pgs_cell guard;  /**< the value of an EQUALS guard */
    struct pgs_cell *cells; /**< one for each field; null where nothing was given */
    bool *assigned;         /**< one for each field: given by the write, not by the key */
    struct pgs_set *sets;   /**< one for each field; only many-fields are used */
};

struct pgs_batch {
    struct pgs_write *writes;
    uint32_t count;
    uint64_t bytes; /**< roughly, of its values */
    struct chy_write_result *results;
};

/** pgs_batch_new checks a batch and lays it out in the operation's arena. */
chy_status pgs_batch_new(struct chy_op *op, const struct pgs_model *model,
                         const struct chy_storage_batch *given, struct pgs_batch *out_batch);

/** pgs_write_compare orders writes of several batches as those of one: by row, ADDs last. */
int pgs_write_compare(const struct pgs_write *a, const struct pgs_write *b);
/** pgs_write_same_row tells whether two writes name the same row. */
bool pgs_write_same_row(const struct pgs_write *a, const struct pgs_write *b);

#endif
