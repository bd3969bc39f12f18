/**
 * What a restored database learns from the CRLs that were published last.
 *
 * A backup is older than what happened after it.  The CRLs tell which certificates were revoked
 * since, and how far the numbers have come: no CRL may ever have a lower one.
 */
#ifndef CHY_ENROLL_RESTORE_CRL_H
#define CHY_ENROLL_RESTORE_CRL_H

#include "enroll/issuer.h"
#include "x509/crl.h"

/** Which CRL it is: what its distribution point says. */
struct chy_crl_place {
    struct chy_uuid generation_id;
    int64_t shard;
    int64_t number;
    bool is_delta;
};

/** chy_restore_crl_read reads a CRL of ours; nothing is checked but its form.  BAD_INPUT: it is
 *  malformed, without a number, or its distribution point is none of ours. */
CHY_MUST_USE chy_status chy_restore_crl_read(struct chy_op *op, struct chy_slice der,
                                             struct chy_crl *out_crl,
                                             struct chy_crl_place *out_place);

/** chy_restore_crl_is_ours tells whether the database has the key that a CRL names. */
CHY_MUST_USE chy_status chy_restore_crl_is_ours(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_crl_place *place, bool *out_ours);

/**
 * chy_restore_crl adds what a CRL knows and the database does not, after checking its signature:
 * entries, the shard, its number.  `*out_added` counts entries.  The key that it names is in the
 * database; BAD_INPUT: it was not signed by that one.  May be run again.
 */
CHY_MUST_USE chy_status chy_restore_crl(struct chy_runtime *runtime, struct chy_op *op,
                                        const struct chy_crl *crl,
                                        const struct chy_crl_place *place, uint64_t *out_added);

/** chy_restore_forget_crls drops every kept CRL, so that each is built anew with a number above all
 *  that were published. */
CHY_MUST_USE chy_status chy_restore_forget_crls(struct chy_runtime *runtime, struct chy_op *op);

#endif
