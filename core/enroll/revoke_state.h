/** What the files of revocation share: what is revoked, and a revocation under way. */
#ifndef CHY_ENROLL_REVOKE_STATE_H
#define CHY_ENROLL_REVOKE_STATE_H

#include "enroll/revoke.h"

/** What is revoked, read anew for each attempt. */
struct chy_revoke_target {
    struct chy_uuid certificate_id; /**< nil: no row is left */
    struct chy_uuid project_id;
    struct chy_uuid generation_id;
    struct chy_slice serial;
    int64_t shard;
    int64_t not_after;
    struct chy_slice spki_sha256; /**< empty: not known */
    struct chy_storage_row row;   /**< of CHY_C_CERTIFICATES, every field, with `has_row` */
    bool has_row;
    struct chy_uuid authority_id;
    bool of_active_key;          /**< the CA signs with the key of that certificate */
    bool stops_authority;        /**< the CA issues with it, and is active */
    uint64_t authority_revision; /**< of the CA's row */
};

/** A revocation under way. */
struct chy_revocation {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_uuid *certificate_id; /**< NULL: `wish` says what */
    const struct chy_revoke_wish *wish;
    uint32_t reason;
    struct chy_revoke_target target;
    struct chy_storage_row entry; /**< of CHY_C_REVOCATIONS, with `has_entry` */
    bool has_entry;
    bool lifts;
    int64_t revoked_at; /**< 0: it is not */
};

/** chy_revoke_target_of_id fills the target with what an id means, and asks for the permission.
 *  NOT_FOUND: nothing of the caller's; BAD_INPUT: no CA here answers for it. */
CHY_MUST_USE chy_status chy_revoke_target_of_id(struct chy_revocation *w,
                                                const struct chy_uuid *id);

/** chy_revoke_target_of_serial does that for the number of the wish, whether or not a row of it
 *  is left. */
CHY_MUST_USE chy_status chy_revoke_target_of_serial(struct chy_revocation *w);

/** chy_revoke_run revokes, or ends a hold: `certificate_id` or `wish`, and `reason`, are given. */
CHY_MUST_USE chy_status chy_revoke_run(struct chy_revocation *w,
                                       struct chy_revoke_answer *out_answer);

#endif
