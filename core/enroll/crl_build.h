/** Building the CRLs of a shard from its revocations, and keeping them in the shard's row. */
#ifndef CHY_ENROLL_CRL_BUILD_H
#define CHY_ENROLL_CRL_BUILD_H

#include "enroll/crl.h"

/** A CRL as the shard's row has it. */
struct chy_crl_kept {
    struct chy_slice der;
    int64_t next_update;
};

/** chy_crl_bring gives the current CRL of a shard, building and keeping it if it is not.
 *  NOT_FOUND: no such generation or shard. */
CHY_MUST_USE chy_status chy_crl_bring(struct chy_runtime *runtime, struct chy_op *op,
                                      const struct chy_uuid *generation_id, int64_t shard,
                                      enum chy_crl_kind kind, struct chy_crl_kept *out_kept);

/** chy_crl_stored gives the CRL that is kept for a shard, if it has not ended, though it be behind:
 *  better than none where it cannot be built.  NOT_FOUND: there is none. */
CHY_MUST_USE chy_status chy_crl_stored(struct chy_runtime *runtime, struct chy_op *op,
                                       const struct chy_uuid *generation_id, int64_t shard,
                                       enum chy_crl_kind kind, struct chy_crl_kept *out_kept);

/**
 * chy_crl_make_whole builds and keeps a complete CRL now, however good the present one still is,
 * and has it end at `next_update`: for a CA that is switched on only to publish.  It tells of all
 * that the key signed, the CA's own certificate too, and so names no distribution point.
 * BAD_INPUT: the key has several shards; TRY_LATER: other nodes build the CRL too.
 */
CHY_MUST_USE chy_status chy_crl_make_whole(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_uuid *generation_id,
                                           int64_t next_update, struct chy_crl_kept *out_kept);

#endif
