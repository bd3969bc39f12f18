/**
 * The in-memory storage: the readable reference of the storage contract.
 *
 * One mutex, one sorted array of rows per collection.  A row never changes: a write makes a new one
 * and puts it in the old one's place, so that undoing a batch is putting the old ones back.
 * Nothing is fast, and nothing outlives the instance.
 */
#ifndef STORAGE_MEM_H
#define STORAGE_MEM_H

#include <chancery/plugin.h>
#include <chancery/storage.h>
#include <chancery/support/storage_check.h>

#include <pthread.h>

/** One row, in one block with all that its values point to. */
struct row {
    uint64_t revision;
    struct chy_value values[]; /**< one per field of the collection */
};

/** The rows of one collection, sorted by key. */
struct table {
    const struct chy_collection *collection;
    struct row **rows;
    uint64_t count;
    uint64_t room;
};

struct mem {
    const struct chy_host *host;
    const struct chy_schema *schema;
    pthread_mutex_t lock; /**< guards all below */
    struct table *tables; /**< one per collection */
    bool is_made;         /**< upgrade() has run */
    bool is_draining;     /**< drain() has run */
    uint64_t commits;
};

/* rows.c */

/** row_new makes a row with copies of `values`; NULL when out of memory. */
struct row *row_new(const struct chy_collection *collection, const struct chy_value *values,
                    uint64_t revision);

/** table_place finds where a row with `key` stands, or would stand; true when it is there. */
bool table_place(const struct table *table, struct chy_view key, uint64_t *out_place);

/** table_put inserts `row` at `place`; false when out of memory. */
bool table_put(struct table *table, uint64_t place, struct row *row);
void table_take_out(struct table *table, uint64_t place);

/** key_of views the key of `row`; `room` holds CHY_STORAGE_KEY_FIELDS_MAX values. */
struct chy_view key_of(const struct table *table, const struct row *row, struct chy_value *room);

/* read.c */

/** row_matches tells whether all predicates of `where` hold. */
bool row_matches(const struct row *row, struct chy_view where);
chy_status mem_get(void *self, struct chy_op *op, const struct chy_storage_get *get,
                   struct chy_storage_row *out_row);
chy_status mem_find(void *self, struct chy_op *op, const struct chy_storage_find *find,
                    struct chy_storage_page *out_page);

/* write.c */

chy_status mem_write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                     struct chy_storage_outcome *out_outcome);

/* plugin.c */

/** mem_ready answers BROKEN before upgrade() has made the collections, and TRY_LATER after
 *  drain(). */
chy_status mem_ready(struct mem *mem, struct chy_op *op);

#endif
