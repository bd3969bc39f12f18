/** Deleting what belongs to a thing that goes, however much it is. */
#ifndef CHY_RESOURCE_DELETE_ALL_H
#define CHY_RESOURCE_DELETE_ALL_H

#include "resource/runtime.h"

/** chy_delete_in puts the first thousand rows whose `field` is `id` into a batch. */
void chy_delete_in(struct chy_batch *batch, uint32_t collection, uint32_t field,
                   const struct chy_uuid *id);

/** chy_delete_all deletes such rows, batch after batch, of a collection whose rows by then nothing
 *  finds any more. */
CHY_MUST_USE chy_status chy_delete_all(struct chy_runtime *runtime, struct chy_op *op,
                                       uint32_t collection, uint32_t field,
                                       const struct chy_uuid *id);

#endif
