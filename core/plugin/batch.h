/**
 * Builders of batches and queries, on an operation's arena.
 *
 *     struct chy_batch batch;
 *     chy_batch_init(&batch, op, CHY_BATCH_JOINABLE);
 *     struct chy_write *w = chy_batch_insert(&batch, CHY_C_CERTIFICATES, CHY_KEY(key));
 *     chy_write_set(w, CERTIFICATE_DER, chy_value_blob(der));
 *     w = chy_batch_update(&batch, CHY_C_REQUESTS, CHY_KEY(chy_value_uuid(&id)));
 *     chy_write_guard_revision(w, revision);
 *     chy_write_set(w, REQUEST_STATUS, chy_value_text(chy_text("issued")));
 *     CHY_TRY(chy_batch_commit(&batch, storage, &outcome));
 *
 * Failing is sticky: when memory runs out the builder goes on accepting, and chy_batch_commit() or
 * chy_query_run() says so. Keys and lists are copied; the bytes of values are borrowed until then.
 */
#ifndef CHY_PLUGIN_BATCH_H
#define CHY_PLUGIN_BATCH_H

#include "plugin/storage.h"
#include "plugin/values.h"

/** How many assignments a write holds before its list is made anew. */
#define CHY_WRITE_ASSIGNMENTS 8U

/** One write in the making.  Its address stays the same until the batch is committed. */
struct chy_write {
    struct chy_storage_write write;
    struct chy_assignment *assignments;
    uint32_t assignment_count;
    uint32_t assignment_size;
    uint32_t index; /**< its place in the batch: outcome.failed_write, outcome.results */
    struct chy_batch *batch;
    struct chy_write *next;
};

struct chy_query;

struct chy_batch {
    struct chy_op *op;
    struct chy_write *first;
    struct chy_write *last;
    uint32_t count;
    uint32_t flags; /**< enum chy_batch_flag */
    bool failed;
    struct chy_write sink; /**< takes what is written after a failure */
};

void chy_batch_init(struct chy_batch *batch, struct chy_op *op, uint32_t flags);

/** chy_batch_insert and its fellows append a write.  `key` is a view of struct chy_value
 *  (CHY_KEY). */
struct chy_write *chy_batch_insert(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key);
struct chy_write *chy_batch_upsert(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key);
struct chy_write *chy_batch_update(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key);
struct chy_write *chy_batch_delete(struct chy_batch *batch, uint32_t collection,
                                   struct chy_view key);
/** chy_batch_check writes nothing: give it a guard. */
struct chy_write *chy_batch_check(struct chy_batch *batch, uint32_t collection,
                                  struct chy_view key);
/** chy_batch_add adds `delta` to `field`, making the row first. */
struct chy_write *chy_batch_add(struct chy_batch *batch, uint32_t collection, struct chy_view key,
                                uint32_t field, int64_t delta);
/** chy_batch_delete_range deletes at most `limit` rows that the conditions of `query` match.  A
 *  query that lacks one for want of memory fails the batch. */
struct chy_write *chy_batch_delete_range(struct chy_batch *batch, const struct chy_query *query,
                                         uint64_t limit);

/** chy_write_set gives a field its value.  A field is set once. */
void chy_write_set(struct chy_write *write, uint32_t field, struct chy_value value);
/** chy_write_maximum lets a chy_batch_add() fail rather than pass `maximum`. */
void chy_write_maximum(struct chy_write *write, int64_t maximum);

/** The guards: absent, present, of a revision, with a field of a value. */
void chy_write_guard_absent(struct chy_write *write);
void chy_write_guard_present(struct chy_write *write);
void chy_write_guard_revision(struct chy_write *write, uint64_t revision);
void chy_write_guard_equals(struct chy_write *write, uint32_t field, struct chy_value value);

/** chy_batch_commit writes the batch (chy_storage_write()).  `out_outcome` may be NULL. */
CHY_MUST_USE chy_status chy_batch_commit(struct chy_batch *batch, struct chy_storage *storage,
                                         struct chy_storage_outcome *out_outcome);

/** chy_write_failed tells whether `write` is the one that `outcome` of a CHY_CONFLICT names. */
static inline bool chy_write_failed(const struct chy_write *write,
                                    const struct chy_storage_outcome *outcome)
{
    return outcome->failed_write == write->index;
}

/* --- queries --------------------------------------------------------------------------------- */

/** A find in the making.  `find` may be set freely, but for `where` and `order`. */
struct chy_query {
    struct chy_op *op;
    struct chy_storage_find find;
    struct chy_predicate *predicates;
    uint32_t predicate_count;
    uint32_t predicate_size;
    struct chy_order orders[CHY_STORAGE_KEY_FIELDS_MAX];
    uint32_t order_count;
    bool failed;
};

/** chy_query_init starts a find of at most `limit` rows that examines at most 10 times as many, and
 *  no fewer than 1000.  `fields` is of uint32_t (CHY_FIELDS) and outlives the query. */
void chy_query_init(struct chy_query *query, struct chy_op *op, uint32_t collection,
                    struct chy_view fields, uint64_t limit);
void chy_query_eq(struct chy_query *query, uint32_t field, struct chy_value value);
/** chy_query_in takes a view of struct chy_value, borrowed. */
void chy_query_in(struct chy_query *query, uint32_t field, struct chy_view values);
/** chy_query_range: low <= field < high; a null bound is open. */
void chy_query_range(struct chy_query *query, uint32_t field, struct chy_value low,
                     struct chy_value high);
void chy_query_prefix(struct chy_query *query, uint32_t field, struct chy_slice prefix);
void chy_query_null(struct chy_query *query, uint32_t field);
void chy_query_not_null(struct chy_query *query, uint32_t field);
void chy_query_has(struct chy_query *query, uint32_t field, struct chy_slice text);
void chy_query_has_prefix(struct chy_query *query, uint32_t field, struct chy_slice prefix);
void chy_query_order(struct chy_query *query, uint32_t field, bool descending);

/** chy_query_run runs the find (chy_storage_find()). */
CHY_MUST_USE chy_status chy_query_run(struct chy_query *query, struct chy_storage *storage,
                                      struct chy_storage_page *out_page);

#endif
