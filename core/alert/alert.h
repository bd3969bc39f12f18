/**
 * Alerts: who wants to be told of certificates that end, are issued, renewed or revoked.
 *
 * What happens leaves an event in the batch of what happened (enroll/alert_event.h), which is
 * matched against the project's alerts a moment later (fanout.h); that a certificate ends is found
 * by looking from time to time (expiry.h).  Both make deliveries, one after another for each
 * channel, which are tried until they are through or given up (delivery.h).
 */
#ifndef CHY_ALERT_ALERT_H
#define CHY_ALERT_ALERT_H

#include "resource/kind.h"

/** "alerts": the ordinary actions, "certificates", "preview", "test", "test-webhook" and
 *  "deliveries". */
extern const struct chy_kind chy_kind_alert;

/** How many alerts a project may have. */
#define CHY_ALERTS_MAX 100U

/** chy_alert_before_parse reads an alertBefore: digits and d, w, m (30 days) or y (365 days), at
 *  least a day.  false: it is something else. */
CHY_MUST_USE bool chy_alert_before_parse(struct chy_slice text, int64_t *out_before);

#endif
