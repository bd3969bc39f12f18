/**
 * Issuing what was approved, and ending what was not.
 *
 * The last vote makes the request `pending`, and `due` a minute later: who voted issues it, and if
 * that process dies a job does.  The request becomes issued once, by a guard on its status.
 */
#ifndef CHY_ENROLL_APPROVAL_ISSUE_H
#define CHY_ENROLL_APPROVAL_ISSUE_H

#include "base/time.h"
#include "resource/runtime.h"

/** How long who took an approved request has, until the job takes it. */
#define CHY_APPROVAL_LEASE CHY_US_PER_MINUTE

/**
 * chy_approval_issue issues what the approval request `id` is about, as whoever asked for it:
 * rights, profile, policy and authority are those of today, what is issued is what was approved.  A
 * failure that will last is noted in the certificate request; after any other it is due again.
 */
CHY_MUST_USE chy_status chy_approval_issue(struct chy_runtime *runtime, struct chy_op *op,
                                           const struct chy_uuid *id);

/** chy_approval_end puts the end of an open approval request, whose row has every field, into
 *  `batch`: its status, and that of its certificate request with a message. */
CHY_MUST_USE chy_status chy_approval_end(struct chy_batch *batch, const struct chy_storage_row *row,
                                         const char *status, const char *request_status,
                                         struct chy_slice message, struct chy_write **out_write);

struct chy_approval_counts {
    uint64_t expired;
    uint64_t resumed; /**< approved, and not issued until now */
};

/** chy_approval_are_due tells whether the job has anything to do; chy_approval_run does it. */
CHY_MUST_USE chy_status chy_approval_are_due(struct chy_runtime *runtime, struct chy_op *op,
                                             bool *out_are_due);
CHY_MUST_USE chy_status chy_approval_run(struct chy_runtime *runtime, struct chy_op *op,
                                         struct chy_approval_counts *out_counts);

#endif
