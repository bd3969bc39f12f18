/** What the parts of the storage wrapper share. */
#ifndef CHY_PLUGIN_STORAGE_STATE_H
#define CHY_PLUGIN_STORAGE_STATE_H

#include "plugin/meter.h"
#include "plugin/storage.h"

#include <stdatomic.h>

/** Kinds of call, for the metrics. */
enum chy_storage_call {
    CHY_STORAGE_CALL_GET = 0,
    CHY_STORAGE_CALL_FIND,
    CHY_STORAGE_CALL_WRITE,
    CHY_STORAGE_CALL_HEALTH,
    CHY_STORAGE_CALL_CHECK,
    CHY_STORAGE_CALL_VERIFY_SCHEMA,
    CHY_STORAGE_CALL_UPGRADE,
    CHY_STORAGE_CALL_STATISTICS,
    CHY_STORAGE_CALL_BACKUP,
    CHY_STORAGE_CALL_FREEZE,
    CHY_STORAGE_CALLS
};

struct chy_storage {
    struct chy_instance *instance;
    const struct chy_storage_ops *ops;
    const struct chy_schema *schema;
    struct chy_storage_epoch epoch;
    struct chy_gate gate;
    struct chy_meter meter;
    atomic_uint write_failures;                           /**< in a row */
    char what[CHY_PLUGIN_NAME_MAX + sizeof "storage ''"]; /**< "storage 'main'" */
};

/* --- arguments (storage_check.c): CHY_BAD_INPUT for values, CHY_BROKEN for what does not fit the
 *     schema ----------------------------------------------------------------------------------- */

CHY_MUST_USE chy_status chy_storage_check_get(const struct chy_storage *storage, struct chy_op *op,
                                              const struct chy_storage_get *get);
CHY_MUST_USE chy_status chy_storage_check_find(const struct chy_storage *storage, struct chy_op *op,
                                               const struct chy_storage_find *find);
/** chy_storage_check_batch also tells whether a write touches a watched collection. */
CHY_MUST_USE chy_status chy_storage_check_batch(const struct chy_storage *storage,
                                                struct chy_op *op,
                                                const struct chy_storage_batch *batch,
                                                bool *out_touches_watched);

/* --- answers (storage_answer.c): CHY_BROKEN for what does not fit the question
 *  ------------------- */

CHY_MUST_USE chy_status chy_storage_check_row(const struct chy_storage *storage, struct chy_op *op,
                                              uint32_t collection, struct chy_view fields,
                                              const struct chy_storage_row *row);
CHY_MUST_USE chy_status chy_storage_check_page(const struct chy_storage *storage, struct chy_op *op,
                                               const struct chy_storage_find *find,
                                               const struct chy_storage_page *page);
CHY_MUST_USE chy_status chy_storage_check_outcome(const struct chy_storage *storage,
                                                  struct chy_op *op, chy_status status,
                                                  uint64_t write_count,
                                                  const struct chy_storage_outcome *outcome);

#endif
