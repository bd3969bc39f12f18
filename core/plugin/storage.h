/**
 * One storage instance as core calls it.
 *
 * Each call checks its arguments against the schema and the limits of <chancery/storage.h>, passes
 * the gate (limit, breaker, deadline), calls the plugin, checks what it answered, and counts.
 *   CHY_UNSUPPORTED  the plugin lacks the operation
 *   CHY_BAD_INPUT    a value is over a limit or not valid UTF-8; a batch is too large
 *   CHY_BROKEN       the call does not fit the schema, or the plugin's answer does not
 * Any thread may call; operations stay with theirs.
 */
#ifndef CHY_PLUGIN_STORAGE_H
#define CHY_PLUGIN_STORAGE_H

#include "base/auto.h"
#include "base/metrics.h"
#include "plugin/gate.h"
#include "plugin/registry.h"

#include <chancery/storage.h>

#include <stdatomic.h>

/** CHY_NO_COLLECTION is the number of no collection. */
#define CHY_NO_COLLECTION UINT32_MAX

/** Which row counts changes of watched collections. */
struct chy_storage_epoch {
    uint32_t collection;  /**< CHY_NO_COLLECTION: none, nothing is appended */
    uint32_t field;       /**< an int field */
    struct chy_slice key; /**< the text of its one-field key */
};

struct chy_storage_config {
    struct chy_instance *instance;   /**< started; has CHY_INTERFACE_STORAGE */
    const struct chy_schema *schema; /**< outlives the storage */
    struct chy_storage_epoch epoch;
    struct chy_gate_config gate;
    struct chy_metrics *metrics; /**< NULL: those of the process */
};

struct chy_storage;

/** chy_storage_open declares the schema to the plugin.  Nothing stored is read or changed. */
CHY_MUST_USE chy_status chy_storage_open(struct chy_op *op, const struct chy_storage_config *config,
                                         struct chy_storage **out_storage);
/** chy_storage_close frees the wrapper; the instance lives on.  NULL is fine. */
void chy_storage_close(struct chy_storage *storage);
CHY_DEFINE_AUTO(struct chy_storage, chy_storage_close);

/** chy_storage_instance is the instance behind it, and chy_storage_schema what was declared. */
struct chy_instance *chy_storage_instance(const struct chy_storage *storage);
const struct chy_schema *chy_storage_schema(const struct chy_storage *storage);

/**
 * A number in a row that must stay as it is for the writes of an operation to happen: the epoch of
 * a job's lease.  Each batch of an operation with a hold, and of its children, also checks the row.
 * When the number is another one nothing is written: the answer is CHY_TRY_LATER, `is_lost` is set
 * and the operation is cancelled.  Who sets the operation's `hold` keeps this while it lives.
 */
struct chy_hold {
    uint32_t collection;
    uint32_t field;       /**< an int field */
    struct chy_slice key; /**< the text of the row's one-field key */
    int64_t number;
    const char *lost_message; /**< for people: what it means that the number changed */
    atomic_bool is_lost;
};

CHY_MUST_USE chy_status chy_storage_get(struct chy_storage *storage, struct chy_op *op,
                                        const struct chy_storage_get *get,
                                        struct chy_storage_row *out_row);
/** chy_storage_read is chy_storage_get() with a key of CHY_KEY and fields of CHY_FIELDS. */
CHY_MUST_USE chy_status chy_storage_read(struct chy_storage *storage, struct chy_op *op,
                                         uint32_t collection, struct chy_view key,
                                         struct chy_view fields, struct chy_storage_row *out_row);
CHY_MUST_USE chy_status chy_storage_find(struct chy_storage *storage, struct chy_op *op,
                                         const struct chy_storage_find *find,
                                         struct chy_storage_page *out_page);
/** chy_storage_write also counts one up on the epoch row, in the same batch, when a write of it
 *  touches a CHY_COLLECTION_WATCHED collection; the outcome does not show that write.
 *  `out_outcome` is filled on CHY_OK and CHY_CONFLICT, and may be NULL. */
CHY_MUST_USE chy_status chy_storage_write(struct chy_storage *storage, struct chy_op *op,
                                          const struct chy_storage_batch *batch,
                                          struct chy_storage_outcome *out_outcome);

/** chy_storage_health goes past the breaker; its success closes it. */
CHY_MUST_USE chy_status chy_storage_health(struct chy_storage *storage, struct chy_op *op);

/** chy_storage_takes_writes tells what became of the last writes, and tries none: TRY_LATER while
 *  they fail because there is no room, or nobody there, until one succeeds. */
CHY_MUST_USE chy_status chy_storage_takes_writes(const struct chy_storage *storage,
                                                 struct chy_op *op);
CHY_MUST_USE chy_status chy_storage_check(struct chy_storage *storage, struct chy_op *op);
CHY_MUST_USE chy_status chy_storage_verify_schema(struct chy_storage *storage, struct chy_op *op,
                                                  struct chy_schema_report *out_report);
CHY_MUST_USE chy_status chy_storage_upgrade(struct chy_storage *storage, struct chy_op *op);
CHY_MUST_USE chy_status chy_storage_statistics(struct chy_storage *storage, struct chy_op *op,
                                               struct chy_storage_statistics *out_statistics);
/** chy_storage_backup writes a copy to the file `path`, which must not exist. */
CHY_MUST_USE chy_status chy_storage_backup(struct chy_storage *storage, struct chy_op *op,
                                           struct chy_slice path);
/** chy_storage_freeze makes every read see the database as of now, until it is called with false.
 */
CHY_MUST_USE chy_status chy_storage_freeze(struct chy_storage *storage, struct chy_op *op, bool on);

#endif
