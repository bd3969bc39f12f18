#include "plugin/meter.h"

#include "base/status.h"

#include <assert.h>

struct label {
    char text[CHY_METRICS_LABEL_MAX];
};

static struct chy_slice instance_label(struct label *label, const struct chy_meter *meter)
{
    (void)snprintf(label->text, sizeof label->text, "instance=\"%.*s\"", (int)meter->instance.len,
                   (const char *)meter->instance.ptr);
    return chy_text(label->text);
}

static struct chy_slice call_label(struct label *label, const struct chy_meter *meter, size_t call,
                                   const char *status)
{
    (void)snprintf(label->text, sizeof label->text, "instance=\"%.*s\",call=\"%s\"%s%s%s",
                   (int)meter->instance.len, (const char *)meter->instance.ptr,
                   meter->calls[call].name, status == NULL ? "" : ",status=\"",
                   status == NULL ? "" : status, status == NULL ? "" : "\"");
    return chy_text(label->text);
}

static struct chy_slice metric_name(struct label *name, const struct chy_meter *meter,
                                    const char *suffix)
{
    (void)snprintf(name->text, sizeof name->text, "%s_%s", meter->kind, suffix);
    return chy_text(name->text);
}

void chy_meter_init(struct chy_meter *meter, struct chy_metrics *metrics, const char *kind,
                    struct chy_slice instance, const struct chy_meter_call *calls,
                    size_t call_count, struct chy_gate *gate)
{
    struct label name;
    struct label label;
    assert(call_count <= CHY_METER_CALLS_MAX);
    memset(meter, 0, sizeof *meter);
    meter->metrics = metrics == NULL ? chy_metrics_process() : metrics;
    meter->kind = kind;
    meter->instance = instance;
    meter->calls = calls;
    meter->call_count = call_count;
    for (size_t i = 0; i < call_count; i++) {
        meter->succeeded[i] =
            chy_metrics_counter(meter->metrics, metric_name(&name, meter, "calls"),
                                call_label(&label, meter, i, chy_status_name(CHY_OK)));
        if (calls[i].is_timed) {
            meter->durations[i] =
                chy_metrics_histogram(meter->metrics, metric_name(&name, meter, "call_seconds"),
                                      call_label(&label, meter, i, NULL));
        }
    }
    struct chy_slice of_instance = instance_label(&label, meter);
    gate->in_flight = chy_metrics_gauge_series(
        meter->metrics, metric_name(&name, meter, "calls_in_flight"), of_instance);
    gate->is_open = chy_metrics_gauge_series(
        meter->metrics, metric_name(&name, meter, "breaker_open"), of_instance);
    gate->refused = chy_metrics_counter(meter->metrics, metric_name(&name, meter, "calls_refused"),
                                        of_instance);
}

static struct chy_series *series_of(struct chy_meter *meter, size_t call, chy_status status)
{
    struct label name;
    struct label label;
    struct chy_series *series = NULL;
    if (status == CHY_OK) {
        return meter->succeeded[call];
    }
    if (status == CHY_NOT_FOUND) {
        series = atomic_load_explicit(&meter->absent[call], memory_order_acquire);
    }
    if (series == NULL) {
        series = chy_metrics_counter(meter->metrics, metric_name(&name, meter, "calls"),
                                     call_label(&label, meter, call, chy_status_name(status)));
    }
    if (status == CHY_NOT_FOUND) {
        atomic_store_explicit(&meter->absent[call], series, memory_order_release);
    }
    return series;
}

void chy_meter_done(struct chy_meter *meter, size_t call, chy_status status, int64_t duration)
{
    assert(call < meter->call_count);
    chy_series_add(series_of(meter, call, status), 1);
    if (meter->calls[call].is_timed) {
        chy_series_observe(meter->durations[call], duration);
    }
}
