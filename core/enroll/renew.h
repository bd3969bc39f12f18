/**
 * Renewing: a new certificate in the place of an old one, which stays valid.
 *
 * The new one says what the old one said, as far as the request does not say otherwise; profile
 * defaults fill nothing in, and the policy of today judges it.  Both are linked in the batch that
 * keeps the new one, guarded by the old row: of two who renew at once one wins, and the other
 * learns that it was renewed already.
 *
 * A line of renewals has a first certificate, whose row points to the newest.
 */
#ifndef CHY_ENROLL_RENEW_H
#define CHY_ENROLL_RENEW_H

#include "enroll/issue.h"

/** A renewal under way, as chy_issue() sees it. */
struct chy_renewal {
    struct chy_uuid old_id;
    struct chy_storage_row old; /**< every field of CHY_C_CERTIFICATES */
    struct chy_uuid owner_id;   /**< who asked for the old one; nil: nobody known */
    struct chy_uuid root_id;    /**< of the line, or the old one's own */
    struct chy_slice decision;  /**< what the old one was issued from */
    bool from_csr;              /**< the old one's key came from outside */
    const struct chy_write *old_write;
    const struct chy_write *root_write; /**< NULL: the old one is the first */
};

/**
 * chy_renew_certificate serves host->renew.  A caller that is the system itself renews
 * automatically: then the key is a new one, and what makes CAs is refused, since nobody with the
 * right to do that asked.  NOT_FOUND, DENIED: as for any certificate.  BAD_INPUT: it may not be
 * renewed; the reasons are noted on it as well.
 */
CHY_MUST_USE chy_status chy_renew_certificate(struct chy_runtime *runtime, struct chy_op *op,
                                              const struct chy_renew_request *request,
                                              struct chy_enroll_answer *out_answer);

/**
 * chy_renew_resume makes of `issuance` again the renewal of the certificate `old_id` that was asked
 * for once, if it may still be renewed; `keeps_key`: with the old one's key.
 */
CHY_MUST_USE chy_status chy_renew_resume(struct chy_issuance *issuance,
                                         const struct chy_uuid *old_id, bool keeps_key);

/** chy_renew_link puts the links between the old certificate and `new_id` into `batch`. */
CHY_MUST_USE chy_status chy_renew_link(struct chy_runtime *runtime, struct chy_batch *batch,
                                       struct chy_renewal *renewal, const struct chy_uuid *new_id);

/** chy_renew_lost tells whether a batch failed of the links.  Then the old certificate is read
 *  again: `*out_status` is OK if it may be linked another time, else why not. */
CHY_MUST_USE bool chy_renew_lost(struct chy_runtime *runtime, struct chy_op *op,
                                 struct chy_renewal *renewal,
                                 const struct chy_storage_outcome *outcome, chy_status *out_status);

/** chy_renew_latest finds the newest certificate of the line of one whose row has every field; nil:
 *  it is that itself. */
CHY_MUST_USE chy_status chy_renew_latest(struct chy_runtime *runtime, struct chy_op *op,
                                         const struct chy_storage_row *row,
                                         struct chy_uuid *out_id);

#endif
