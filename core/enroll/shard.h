/**
 * Which CRL a certificate will be on, should it be revoked.
 *
 * Shards fill to a cap, one after another.  A node reserves places in blocks, so that issuing does
 * not write to the shard's row each time; places that a node had reserved when it stopped stay
 * empty.
 */
#ifndef CHY_ENROLL_SHARD_H
#define CHY_ENROLL_SHARD_H

#include "enroll/sign.h"

/** chy_shards_new makes the reservations of a node, none yet.  NULL: out of memory. */
struct chy_shards;
struct chy_shards *chy_shards_new(void);
void chy_shards_free(struct chy_shards *shards);

/** chy_shard_take gives the shard for one certificate of the issuer.  `cpu`, if held, is dropped
 *  before it waits. */
CHY_MUST_USE chy_status chy_shard_take(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_issuer *issuer, struct chy_cpu *cpu,
                                       int64_t *out_shard);

/** chy_shard_open puts the insertion of a key generation's first shard into `batch`. */
CHY_MUST_USE chy_status chy_shard_open(struct chy_runtime *runtime, struct chy_batch *batch,
                                       const struct chy_uuid *generation_id, int64_t number);

#endif
