/**
 * Counters, gauges and histograms, written as Prometheus text.
 *
 * Names are snake_case without prefix; the output adds `chancery_`, and `_total` to counters that
 * lack it.  A label is `key="value"`, several are separated by commas, in the caller's order.  A
 * series that is malformed, of another type than its name has, or one too many is dropped and
 * counted in `chancery_metrics_dropped_total`.  Everything may be called from any thread; counting
 * takes no lock.
 */
#ifndef CHY_BASE_METRICS_H
#define CHY_BASE_METRICS_H

#include "base/auto.h"
#include "base/buf.h"

#include <chancery/types.h>

/** How many series a registry keeps. */
#define CHY_METRICS_SERIES_MAX 4096U
#define CHY_METRICS_NAME_MAX 100U
#define CHY_METRICS_LABEL_MAX 400U

struct chy_metrics;

/** One counter, gauge or histogram with its label; lives as long as its registry. */
struct chy_series;

/** chy_metrics_process is the registry of the process. */
struct chy_metrics *chy_metrics_process(void);

/** chy_metrics_new makes a registry of its own, for tests.  NULL: out of memory. */
CHY_MUST_USE struct chy_metrics *chy_metrics_new(void);
/** chy_metrics_free frees one of chy_metrics_new().  NULL is fine. */
void chy_metrics_free(struct chy_metrics *metrics);
CHY_DEFINE_AUTO(struct chy_metrics, chy_metrics_free);

/** chy_metrics_count adds to a counter.  A negative delta is dropped. */
void chy_metrics_count(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                       int64_t delta);
/** chy_metrics_gauge sets a gauge. */
void chy_metrics_gauge(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                       int64_t value);
/** chy_metrics_observe adds a duration, in µs, to a histogram of seconds. */
void chy_metrics_observe(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                         int64_t duration);

/** chy_metrics_counter, _gauge_series and _histogram find a series once, for chy_series_*() to use
 *  often.  NULL: dropped, which chy_series_*() accept. */
struct chy_series *chy_metrics_counter(struct chy_metrics *metrics, struct chy_slice name,
                                       struct chy_slice label);
struct chy_series *chy_metrics_gauge_series(struct chy_metrics *metrics, struct chy_slice name,
                                            struct chy_slice label);
struct chy_series *chy_metrics_histogram(struct chy_metrics *metrics, struct chy_slice name,
                                         struct chy_slice label);
/** chy_series_add adds to a counter or moves a gauge. */
void chy_series_add(struct chy_series *series, int64_t delta);
/** chy_series_set sets a gauge. */
void chy_series_set(struct chy_series *series, int64_t value);
/** chy_series_observe adds a duration, in µs, to a histogram. */
void chy_series_observe(struct chy_series *series, int64_t duration);

/** chy_metrics_write appends the whole registry as Prometheus text. */
void chy_metrics_write(struct chy_metrics *metrics, struct chy_buf *out);

#endif
