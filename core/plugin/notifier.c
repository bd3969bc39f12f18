#include "plugin/notifier.h"

#include "base/status.h"
#include "base/time.h"
#include "plugin/meter.h"
#include "plugin/registry_state.h"
#include "plugin/view.h"

#include <assert.h>
#include <stdlib.h>

#define DEFAULT_CONCURRENCY 32U
/** Beyond this a receiver's wish to be left alone is no wish. */
#define RETRY_AFTER_MAX CHY_US_PER_DAY
/** SMTP and HTTP codes have three digits. */
#define RESPONSE_CODE_MAX 999U

/** Kinds of call, for the metrics. */
enum call_kind {
    CALL_CHECK = 0,
    CALL_DELIVER,
    CALLS
};

static const struct chy_meter_call calls[CALLS] = {
    [CALL_CHECK] = {"check", false},
    [CALL_DELIVER] = {"deliver", true},
};

struct chy_notifier {
    struct chy_instance *instance;
    const struct chy_notifier_ops *ops;
    struct chy_gate gate;
    struct chy_meter meter;
    char what[CHY_PLUGIN_NAME_MAX + sizeof "notifier ''"]; /**< "notifier 'notify'" */
};

/** One call in progress. */
struct call {
    struct chy_notifier *notifier;
    struct chy_op *op;
    enum call_kind kind;
    int64_t started;
    struct chy_visit visit;
};

chy_status chy_notifier_open(struct chy_op *op, const struct chy_notifier_config *config,
                             struct chy_notifier **out_notifier)
{
    assert(chy_loaded_plugin_has(config->instance->plugin, CHY_INTERFACE_NOTIFIER));
    struct chy_gate_config gate = config->gate;
    struct chy_notifier *notifier = calloc(1, sizeof *notifier);
    if (notifier == NULL) {
        return chy_fail_memory(op);
    }
    gate.concurrency = gate.concurrency == 0 ? DEFAULT_CONCURRENCY : gate.concurrency;
    notifier->instance = config->instance;
    notifier->ops = &config->instance->plugin->notifier;
    (void)snprintf(notifier->what, sizeof notifier->what, "notifier '%.*s'",
                   (int)config->instance->name.len, (const char *)config->instance->name.ptr);
    chy_gate_init(&notifier->gate, &gate, notifier->what);
    chy_meter_init(&notifier->meter, config->metrics, "notifier", notifier->instance->name, calls,
                   CALLS, &notifier->gate);
    *out_notifier = notifier;
    return CHY_OK;
}

void chy_notifier_close(struct chy_notifier *notifier)
{
    if (notifier != NULL) {
        chy_gate_fini(&notifier->gate);
        free(notifier);
    }
}

struct chy_view chy_notifier_types(const struct chy_notifier *notifier)
{
    return notifier->ops->channel_types;
}

const struct chy_channel_type *chy_notifier_type(const struct chy_notifier *notifier,
                                                 struct chy_slice name)
{
    for (uint64_t i = 0; i < notifier->ops->channel_types.count; i++) {
        const struct chy_channel_type *type = chy_view_item(notifier->ops->channel_types, i);
        if (chy_slice_equal(type->name, name)) {
            return type;
        }
    }
    return NULL;
}

static chy_status begin(struct call *call, struct chy_notifier *notifier, struct chy_op *op,
                        enum call_kind kind)
{
    memset(call, 0, sizeof *call);
    call->notifier = notifier;
    call->op = op;
    call->kind = kind;
    CHY_TRY(chy_gate_enter(&notifier->gate, op));
    call->started = chy_monotonic(op);
    chy_instance_enter(notifier->instance);
    call->visit = chy_visit_begin(op, notifier->instance);
    return CHY_OK;
}

/** meaning: what the interface has no word for is a bug of the plugin. */
static chy_status meaning(const struct call *call, chy_status status)
{
    switch ((enum chy_status_value)status) {
    case CHY_OK:
    case CHY_DENIED:
    case CHY_BAD_INPUT:
    case CHY_TRY_LATER:
    case CHY_NO_MEMORY:
    case CHY_BROKEN: return status;
    case CHY_NOT_FOUND:
    case CHY_CONFLICT:
    case CHY_UNSUPPORTED:
    case CHY_UNCERTAIN: break;
    }
    return chy_fail(call->op, CHY_BROKEN, status,
                    "%s answered %s with %s, which means nothing there", call->notifier->what,
                    calls[call->kind].name, chy_status_name(status));
}

static chy_status end(struct call *call, chy_status status)
{
    struct chy_notifier *notifier = call->notifier;
    int64_t duration = chy_monotonic(call->op) - call->started;
    status = chy_instance_result(notifier->instance, call->op, calls[call->kind].name, status);
    status = meaning(call, status);
    chy_visit_end(call->op, call->visit);
    chy_instance_leave(notifier->instance);
    // Not the status: the gate would take receivers that are away for a plugin that is.
    chy_gate_leave(&notifier->gate, call->op, CHY_OK);
    chy_meter_done(&notifier->meter, call->kind, status, duration);
    return status;
}

/** check_values: the plugin reads one value for each option, whatever it is handed. */
static chy_status check_values(const struct chy_notifier *notifier, struct chy_op *op,
                               struct chy_slice channel_type, struct chy_view values)
{
    const struct chy_channel_type *type = chy_notifier_type(notifier, channel_type);
    if (type == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "%s has no channel type '%.*s'", notifier->what,
                        (int)channel_type.len, (const char *)channel_type.ptr);
    }
    assert(values.count == type->options.count);
    return CHY_OK;
}

chy_status chy_notifier_check(struct chy_notifier *notifier, struct chy_op *op,
                              struct chy_slice channel_type, struct chy_view values)
{
    struct call call;
    CHY_TRY(check_values(notifier, op, channel_type, values));
    if (notifier->ops->check == NULL) {
        return CHY_OK;
    }
    CHY_TRY(begin(&call, notifier, op, CALL_CHECK));
    return end(&call, notifier->ops->check(notifier->instance->self, op, channel_type, values));
}

chy_status chy_notifier_deliver(struct chy_notifier *notifier, struct chy_op *op,
                                const struct chy_notification *notification,
                                struct chy_delivery *out_delivery)
{
    struct call call;
    memset(out_delivery, 0, sizeof *out_delivery);
    out_delivery->struct_size = (uint32_t)sizeof *out_delivery;
    CHY_TRY(check_values(notifier, op, notification->channel_type, notification->values));
    CHY_TRY(begin(&call, notifier, op, CALL_DELIVER));
    chy_status status =
        notifier->ops->deliver(notifier->instance->self, op, notification, out_delivery);
    if (out_delivery->response_code > RESPONSE_CODE_MAX) {
        out_delivery->response_code = 0;
    }
    if (out_delivery->retry_after < 0 || out_delivery->retry_after > RETRY_AFTER_MAX) {
        out_delivery->retry_after = out_delivery->retry_after < 0 ? 0 : RETRY_AFTER_MAX;
    }
    return end(&call, status);
}
