/** From a decision to a durable certificate. */
#ifndef CHY_ENROLL_ISSUE_H
#define CHY_ENROLL_ISSUE_H

#include "enroll/decision.h"
#include "enroll/profile.h"
#include "enroll/sign.h"

#include <chancery/enrollment.h>

struct chy_renewal;

/** What somebody had to approve: its request has a row already, which becomes issued. */
struct chy_approved {
    struct chy_uuid id;            /**< of the approval request */
    const struct chy_write *write; /**< to the row: of two who issue at once one writes it */
};

/** One issuance under way. */
struct chy_issuance {
    struct chy_runtime *runtime;
    struct chy_op *op;
    const struct chy_enroll_profile *profile;
    const struct chy_issuer *issuer; /**< NULL: self-signed */
    struct chy_decision *decision;
    struct chy_auto_renewal auto_renewal; /**< the application's, else the profile's */
    struct chy_cpu cpu;                   /**< the pipeline drops it */
    struct chy_uuid request_id;
    struct chy_uuid certificate_id;
    struct chy_uuid owner_id;      /**< who asked; of a renewal, who asked for the first */
    struct chy_renewal *renewal;   /**< NULL: it renews nothing */
    struct chy_approved *approved; /**< NULL: nobody had to approve it */
    struct chy_slice friendly_name;
    struct chy_crypto_key key;    /**< made here, or kept; the pipeline releases it */
    struct chy_slice private_key; /**< PKCS#8, secret; empty: the requester has it */
    struct chy_slice sealed_key;
    struct chy_uuid data_key_id;
    struct chy_slice spki;
    struct chy_slice spki_sha256;
    struct chy_slice subject_der;
    struct chy_slice decision_json;
    int64_t shard;
    struct chy_signed made;
    bool shows_key; /**< the caller may see the private key */
};

/** chy_issue makes key and certificate and writes everything in one batch.  When it returns CHY_OK
 *  the certificate is durable.  CONFLICT: of what was approved somebody else issued it. */
CHY_MUST_USE chy_status chy_issue(struct chy_issuance *issuance);

/**
 * chy_issue_hold puts the request into `batch`, to be issued when `approval_id` is approved.  It
 * leaves the metadata as it is stored.
 */
CHY_MUST_USE chy_status chy_issue_hold(struct chy_issuance *issuance, struct chy_batch *batch,
                                       const struct chy_uuid *approval_id,
                                       struct chy_slice *out_metadata);

/**
 * chy_issue_failed writes the request row of an attempt that was refused, with the operation's last
 * error; the operation keeps that error.
 */
void chy_issue_failed(struct chy_issuance *issuance);

#endif
