/**
 * One notifier instance as core calls it.
 *
 * Each call passes the gate (limit, bounded wait, deadline), calls the plugin, checks what it
 * answered, and counts.  What receivers do says nothing about the plugin, so no number of failed
 * deliveries keeps the next one out.  Any thread may call.
 */
#ifndef CHY_PLUGIN_NOTIFIER_H
#define CHY_PLUGIN_NOTIFIER_H

#include "base/auto.h"
#include "base/metrics.h"
#include "plugin/gate.h"
#include "plugin/registry.h"

#include <chancery/notifier.h>

struct chy_notifier;

struct chy_notifier_config {
    struct chy_instance *instance; /**< started; has CHY_INTERFACE_NOTIFIER */
    struct chy_gate_config gate;   /**< `concurrency` 0: 32 */
    struct chy_metrics *metrics;   /**< NULL: those of the process */
};

/** chy_notifier_open makes the wrapper; nothing is called. */
CHY_MUST_USE chy_status chy_notifier_open(struct chy_op *op,
                                          const struct chy_notifier_config *config,
                                          struct chy_notifier **out_notifier);
/** chy_notifier_close frees it, when no call runs any more.  NULL is fine. */
void chy_notifier_close(struct chy_notifier *notifier);
CHY_DEFINE_AUTO(struct chy_notifier, chy_notifier_close);

/** chy_notifier_types lists its channel types, of struct chy_channel_type. */
struct chy_view chy_notifier_types(const struct chy_notifier *notifier);
/** chy_notifier_type finds one.  NULL: it has none of that name. */
const struct chy_channel_type *chy_notifier_type(const struct chy_notifier *notifier,
                                                 struct chy_slice name);

/** chy_notifier_check looks at a channel's options beyond what their table says.  A plugin without
 *  such a check is content.  UNSUPPORTED: it has no such channel type. */
CHY_MUST_USE chy_status chy_notifier_check(struct chy_notifier *notifier, struct chy_op *op,
                                           struct chy_slice channel_type, struct chy_view values);

/**
 * chy_notifier_deliver carries a notification to a channel: OK, or as notifier.h says TRY_LATER,
 * BAD_INPUT, DENIED; NO_MEMORY and BROKEN besides, and UNSUPPORTED: it has no such channel type.
 * `out_delivery` is filled whatever the status is, zero where nothing is known.
 */
CHY_MUST_USE chy_status chy_notifier_deliver(struct chy_notifier *notifier, struct chy_op *op,
                                             const struct chy_notification *notification,
                                             struct chy_delivery *out_delivery);

#endif
