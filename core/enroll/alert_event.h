/**
 * What happened to a certificate, or waits for approval, for alerts: a row in the batch of what
 * happened, so that nobody is told what was not, and nothing that was is forgotten.
 *
 * Of certificates only a project with an enabled alert of the event's type gets a row.  Whether it
 * has one is in the cache, so that others pay one look.
 */
#ifndef CHY_ENROLL_ALERT_EVENT_H
#define CHY_ENROLL_ALERT_EVENT_H

#include "resource/runtime.h"

/** The types of events, as alerts name them.  What is to be known of each stands in the table of
 *  alert_event.c. */
#define CHY_ALERT_EXPIRATION "expiration"
#define CHY_ALERT_ISSUANCE "issuance"
#define CHY_ALERT_RENEWAL "renewal"
#define CHY_ALERT_REVOCATION "revocation"
/** None that alerts are of: those who approve are told, whatever alerts there are. */
#define CHY_ALERT_APPROVAL "approval"

/** JSON Schema of a type. */
#define CHY_ALERT_TYPE_SHAPE                                                           \
    "{\"type\":\"string\",\"enum\":[\"" CHY_ALERT_EXPIRATION "\",\"" CHY_ALERT_RENEWAL \
    "\",\"" CHY_ALERT_ISSUANCE "\",\"" CHY_ALERT_REVOCATION "\"]}"

struct chy_alert_type {
    const char *name;
    const char *happened; /**< what people are told, behind "3 certificates" */
    bool is_looked_for;   /**< it is none that happens, but found some time before (expiry.h) */
};

/** chy_alert_type_find finds a type by its name.  NULL: it is none. */
const struct chy_alert_type *chy_alert_type_find(struct chy_slice name);

/** chy_alert_event_add puts an event into `batch`, if anybody wants to be told of it.  The batch
 *  borrows both ids. */
CHY_MUST_USE chy_status chy_alert_event_add(struct chy_runtime *runtime, struct chy_batch *batch,
                                            const char *type, const struct chy_uuid *project_id,
                                            const struct chy_uuid *certificate_id);

/** chy_alert_event_add_approval puts into `batch` that a step of an approval request opened.  The
 *  batch borrows both ids. */
CHY_MUST_USE chy_status chy_alert_event_add_approval(struct chy_runtime *runtime,
                                                     struct chy_batch *batch,
                                                     const struct chy_uuid *project_id,
                                                     const struct chy_uuid *approval_id,
                                                     int64_t step);

#endif
