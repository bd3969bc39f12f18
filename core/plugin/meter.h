/** Counts and times the calls into one plugin instance. */
#ifndef CHY_PLUGIN_METER_H
#define CHY_PLUGIN_METER_H

#include "base/metrics.h"
#include "plugin/gate.h"

#include <chancery/host.h>

#include <stdatomic.h>
#include <stdbool.h>

#define CHY_METER_CALLS_MAX 40U

/** One kind of call. */
struct chy_meter_call {
    const char *name;
    bool is_timed; /**< has a histogram; not worth it for what takes less than a microsecond */
};

struct chy_meter {
    struct chy_metrics *metrics;
    const char *kind; /**< "storage" */
    struct chy_slice instance;
    const struct chy_meter_call *calls;
    size_t call_count;
    struct chy_series *succeeded[CHY_METER_CALLS_MAX];
    /** Calls that found nothing: as usual as success, but made when the first comes. */
    _Atomic(struct chy_series *) absent[CHY_METER_CALLS_MAX];
    struct chy_series *durations[CHY_METER_CALLS_MAX];
};

/** chy_meter_init finds the series, also those of the gate before the instance.  `calls` and the
 *  texts outlive the meter.  NULL: the metrics of the process. */
void chy_meter_init(struct chy_meter *meter, struct chy_metrics *metrics, const char *kind,
                    struct chy_slice instance, const struct chy_meter_call *calls,
                    size_t call_count, struct chy_gate *gate);

/** chy_meter_done counts a call that ended with `status` after `duration` µs. */
void chy_meter_done(struct chy_meter *meter, size_t call, chy_status status, int64_t duration);

#endif
