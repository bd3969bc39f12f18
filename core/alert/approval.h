/**
 * Mails to those for whom a step of an approval request waits.
 *
 * Each gets one, which stands in a line of its own (CHY_CHANNEL_OF_PERSON), so that whom a mail
 * cannot reach keeps no other waiting.  It goes the way of what alerts tell, by the same job with
 * the same back-off.  No address is kept with it: it is read, and the right to vote looked at, when
 * the mail is sent.
 */
#ifndef CHY_ALERT_APPROVAL_H
#define CHY_ALERT_APPROVAL_H

#include "alert/channel.h"

/** Who is told of a step, at most. */
#define CHY_ALERT_APPROVERS_MAX 50U
/** Mails that wait for one person, at most. */
#define CHY_ALERT_APPROVER_WAITING_MAX 100U

/** A step that opened. */
struct chy_alert_approval {
    struct chy_uuid event_id;
    struct chy_uuid approval_id;
    int64_t step; /**< from 0 */
    int64_t time; /**< when it opened */
};

/** chy_alert_approval_tell puts a mail in line for each of them, and deletes the event, in one
 *  batch.  What does not wait any more is told to nobody. */
CHY_MUST_USE chy_status chy_alert_approval_tell(struct chy_runtime *runtime, struct chy_op *op,
                                                const struct chy_alert_approval *approval);

/**
 * chy_alert_approval_ready makes ready what such a delivery's row (whole) is sent with.  DENIED: it
 * is not to be sent any more, as the request does not wait for this person, or they have no
 * address.
 */
CHY_MUST_USE chy_status chy_alert_approval_ready(struct chy_runtime *runtime, struct chy_op *op,
                                                 const struct chy_storage_row *row,
                                                 struct chy_alert_ready *out_ready);

#endif
