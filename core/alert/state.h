/** How the last try of an alert went, as people see it. */
#ifndef CHY_ALERT_STATE_H
#define CHY_ALERT_STATE_H

#include "resource/runtime.h"

/** chy_alert_state_note puts it into `batch`, which borrows `alert_id` and `error`; an empty
 *  `error` is success.  The batch fails with CONFLICT if the alert is no more. */
struct chy_write *chy_alert_state_note(struct chy_batch *batch, const struct chy_uuid *alert_id,
                                       struct chy_slice error);

/** chy_alert_state_failed notes the operation's last error. */
CHY_MUST_USE chy_status chy_alert_state_failed(struct chy_runtime *runtime, struct chy_op *op,
                                               const struct chy_uuid *alert_id);

/** CHY_ALERT_ERROR_SIZE is what the text of an error takes, with a NUL. */
#define CHY_ALERT_ERROR_SIZE 256U

/** chy_alert_error writes an operation's last error as people are shown it. */
struct chy_slice chy_alert_error(struct chy_op *op, char out_text[CHY_ALERT_ERROR_SIZE]);

#endif
