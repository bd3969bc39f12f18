#include "base/metrics.h"

#include "base/lock.h"
#include "base/slice.h"
#include "base/time.h"

#include <stdatomic.h>
#include <stdlib.h>

/* Twice as many places as series, so that looking up stays short. */
#define PLACES (2 * CHY_METRICS_SERIES_MAX)

enum series_type {
    TYPE_COUNTER = 0,
    TYPE_GAUGE = 1,
    TYPE_HISTOGRAM = 2
};

/* The buckets of a histogram: upper bounds in µs, and as Prometheus writes them. */
static const struct {
    int64_t bound;
    const char *text;
} buckets[] = {
    {500, "0.0005"},  {1000, "0.001"},  {2500, "0.0025"}, {5000, "0.005"},  {10000, "0.01"},
    {25000, "0.025"}, {50000, "0.05"},  {100000, "0.1"},  {250000, "0.25"}, {500000, "0.5"},
    {1000000, "1"},   {2500000, "2.5"}, {5000000, "5"},   {10000000, "10"},
};

#define BUCKET_COUNT (sizeof buckets / sizeof buckets[0])

struct chy_series {
    enum series_type type;
    uint32_t hash;
    struct chy_slice name; // both lie in `text`
    struct chy_slice label;
    _Atomic int64_t value;    // of a histogram: the sum, µs
    _Atomic uint64_t *counts; // of a histogram: per bucket, then those above the last
    char text[];
};

struct chy_metrics {
    struct chy_mutex lock; // held by who adds a series; reading needs none
    uint32_t count;        // guarded by `lock`
    _Atomic uint64_t dropped;
    _Atomic(struct chy_series *) places[PLACES];
};

/* --- names and labels ------------------------------------------------------------------------- */

static bool is_word(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        bool is_digit = byte >= '0' && byte <= '9';
        bool is_letter = (byte >= 'a' && byte <= 'z') || byte == '_';
        if (!is_letter && (!is_digit || i == 0)) {
            return false;
        }
    }
    return text.len > 0;
}

/* How long the quoted value at the beginning is, with its quotes; 0: there is none. */
static uint64_t quoted_len(struct chy_slice text)
{
    if (text.len < 2 || text.ptr[0] != '"') {
        return 0;
    }
    for (uint64_t i = 1; i < text.len; i++) {
        if (text.ptr[i] == '"') {
            return i + 1;
        }
        if (text.ptr[i] == '\\') {
            i++;
            if (i == text.len || memchr("\\\"n", text.ptr[i], 3) == NULL) {
                return 0;
            }
        }
    }
    return 0;
}

/* key="value", several of them separated by commas, or nothing at all. */
static bool is_label(struct chy_slice label)
{
    if (label.len == 0) {
        return true;
    }
    if (label.len > CHY_METRICS_LABEL_MAX || !chy_text_is_clean(label)) {
        return false;
    }
    struct chy_slice rest = label;
    for (;;) {
        struct chy_slice key;
        if (!chy_slice_cut(rest, '=', &key, &rest) || !is_word(key) || chy_slice_is(key, "le")) {
            return false;
        }
        uint64_t len = quoted_len(rest);
        if (len == 0) {
            return false;
        }
        rest = chy_slice_skip(rest, len);
        if (rest.len == 0) {
            return true;
        }
        if (rest.ptr[0] != ',') {
            return false;
        }
        rest = chy_slice_skip(rest, 1);
    }
}

/* --- finding ---------------------------------------------------------------------------------- */

/* FNV-1a. */
static uint32_t hash_on(uint32_t hash, struct chy_slice bytes)
{
    for (uint64_t i = 0; i < bytes.len; i++) {
        hash = (hash ^ bytes.ptr[i]) * UINT32_C(16777619);
    }
    return hash;
}

static uint32_t hash_of(struct chy_slice name, struct chy_slice label)
{
    return hash_on(hash_on(UINT32_C(2166136261), name) ^ 0xffU, label);
}

/* Finds a series, or the empty place where it belongs. */
static struct chy_series *look_up(struct chy_metrics *metrics, struct chy_slice name,
                                  struct chy_slice label, uint32_t hash, uint32_t *out_place)
{
    for (uint32_t i = 0;; i++) {
        uint32_t place = (hash + i) % PLACES;
        struct chy_series *series =
            atomic_load_explicit(&metrics->places[place], memory_order_acquire);
        if (series == NULL) {
            *out_place = place;
            return NULL;
        }
        if (series->hash == hash && chy_slice_equal(series->name, name) &&
            chy_slice_equal(series->label, label)) {
            return series;
        }
    }
}

static bool is_other_type_locked(struct chy_metrics *metrics, enum series_type type,
                                 struct chy_slice name)
{
    for (uint32_t i = 0; i < PLACES; i++) {
        struct chy_series *series = atomic_load_explicit(&metrics->places[i], memory_order_relaxed);
        if (series != NULL && series->type != type && chy_slice_equal(series->name, name)) {
            return true;
        }
    }
    return false;
}

static struct chy_series *new_series(enum series_type type, struct chy_slice name,
                                     struct chy_slice label, uint32_t hash)
{
    struct chy_series *series = calloc(1, sizeof *series + (size_t)(name.len + label.len));
    if (series == NULL) {
        return NULL;
    }
    if (type == TYPE_HISTOGRAM) {
        series->counts = calloc(BUCKET_COUNT + 1, sizeof *series->counts);
        if (series->counts == NULL) {
            free(series);
            return NULL;
        }
    }
    series->type = type;
    series->hash = hash;
    memcpy(series->text, name.ptr, (size_t)name.len);
    if (label.len > 0) {
        memcpy(series->text + name.len, label.ptr, (size_t)label.len);
    }
    series->name = chy_slice_of(series->text, name.len);
    series->label = chy_slice_of(series->text + name.len, label.len);
    return series;
}

static struct chy_series *add_locked(struct chy_metrics *metrics, enum series_type type,
                                     struct chy_slice name, struct chy_slice label, uint32_t hash)
{
    chy_mutex_assert_held(&metrics->lock);
    uint32_t place;
    struct chy_series *series = look_up(metrics, name, label, hash, &place);
    if (series != NULL) {
        return series;
    }
    if (metrics->count == CHY_METRICS_SERIES_MAX || is_other_type_locked(metrics, type, name)) {
        return NULL;
    }
    series = new_series(type, name, label, hash);
    if (series == NULL) {
        return NULL;
    }
    metrics->count++;
    atomic_store_explicit(&metrics->places[place], series, memory_order_release);
    return series;
}

static void drop(struct chy_metrics *metrics)
{
    (void)atomic_fetch_add_explicit(&metrics->dropped, 1, memory_order_relaxed);
}

static struct chy_series *get(struct chy_metrics *metrics, enum series_type type,
                              struct chy_slice name, struct chy_slice label)
{
    uint32_t hash = hash_of(name, label);
    uint32_t place;
    struct chy_series *series = look_up(metrics, name, label, hash, &place);
    if (series == NULL && name.len <= CHY_METRICS_NAME_MAX && is_word(name) && is_label(label)) {
        chy_mutex_lock(&metrics->lock);
        series = add_locked(metrics, type, name, label, hash);
        chy_mutex_unlock(&metrics->lock);
    }
    if (series == NULL || series->type != type) {
        drop(metrics);
        return NULL;
    }
    return series;
}

/* --- counting --------------------------------------------------------------------------------- */

struct chy_series *chy_metrics_counter(struct chy_metrics *metrics, struct chy_slice name,
                                       struct chy_slice label)
{
    return get(metrics, TYPE_COUNTER, name, label);
}

struct chy_series *chy_metrics_gauge_series(struct chy_metrics *metrics, struct chy_slice name,
                                            struct chy_slice label)
{
    return get(metrics, TYPE_GAUGE, name, label);
}

struct chy_series *chy_metrics_histogram(struct chy_metrics *metrics, struct chy_slice name,
                                         struct chy_slice label)
{
    return get(metrics, TYPE_HISTOGRAM, name, label);
}

void chy_series_add(struct chy_series *series, int64_t delta)
{
    if (series != NULL) {
        (void)atomic_fetch_add_explicit(&series->value, delta, memory_order_relaxed);
    }
}

void chy_series_set(struct chy_series *series, int64_t value)
{
    if (series != NULL) {
        atomic_store_explicit(&series->value, value, memory_order_relaxed);
    }
}

void chy_series_observe(struct chy_series *series, int64_t duration)
{
    if (series == NULL) {
        return;
    }
    size_t bucket = 0;
    while (bucket < BUCKET_COUNT && duration > buckets[bucket].bound) {
        bucket++;
    }
    (void)atomic_fetch_add_explicit(&series->counts[bucket], 1, memory_order_relaxed);
    (void)atomic_fetch_add_explicit(&series->value, duration, memory_order_relaxed);
}

void chy_metrics_count(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                       int64_t delta)
{
    if (delta < 0) {
        drop(metrics);
        return;
    }
    chy_series_add(chy_metrics_counter(metrics, name, label), delta);
}

void chy_metrics_gauge(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                       int64_t value)
{
    chy_series_set(chy_metrics_gauge_series(metrics, name, label), value);
}

void chy_metrics_observe(struct chy_metrics *metrics, struct chy_slice name, struct chy_slice label,
                         int64_t duration)
{
    chy_series_observe(chy_metrics_histogram(metrics, name, label), duration);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void write_name(struct chy_buf *out, const struct chy_series *series)
{
    chy_buf_add_text(out, "chancery_");
    chy_buf_add(out, series->name);
    if (series->type == TYPE_COUNTER && !chy_slice_ends_with(series->name, chy_text("_total"))) {
        chy_buf_add_text(out, "_total");
    }
}

static void write_type(struct chy_buf *out, const struct chy_series *series)
{
    static const char *const names[] = {"counter", "gauge", "histogram"};
    chy_buf_add_text(out, "# TYPE ");
    write_name(out, series);
    chy_buf_add_format(out, " %s\n", names[series->type]);
}

/* Name, suffix and labels of a sample, of which `le` is one more. */
static void write_head(struct chy_buf *out, const struct chy_series *series, const char *suffix,
                       const char *le)
{
    write_name(out, series);
    chy_buf_add_text(out, suffix);
    if (series->label.len > 0 || le != NULL) {
        chy_buf_add_u8(out, '{');
        chy_buf_add(out, series->label);
        if (le != NULL) {
            chy_buf_add_format(out, "%sle=\"%s\"", series->label.len > 0 ? "," : "", le);
        }
        chy_buf_add_u8(out, '}');
    }
    chy_buf_add_u8(out, ' ');
}

static void write_histogram(struct chy_buf *out, struct chy_series *series)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= BUCKET_COUNT; i++) {
        total += atomic_load_explicit(&series->counts[i], memory_order_relaxed);
        write_head(out, series, "_bucket", i < BUCKET_COUNT ? buckets[i].text : "+Inf");
        chy_buf_add_format(out, "%llu\n", (unsigned long long)total);
    }
    int64_t sum = atomic_load_explicit(&series->value, memory_order_relaxed);
    write_head(out, series, "_sum", NULL);
    chy_buf_add_format(out, "%lld.%06lld\n", (long long)(sum / CHY_US_PER_SECOND),
                       (long long)(sum % CHY_US_PER_SECOND));
    write_head(out, series, "_count", NULL);
    chy_buf_add_format(out, "%llu\n", (unsigned long long)total);
}

static void write_series(struct chy_buf *out, struct chy_series *series)
{
    if (series->type == TYPE_HISTOGRAM) {
        write_histogram(out, series);
        return;
    }
    write_head(out, series, "", NULL);
    chy_buf_add_i64(out, atomic_load_explicit(&series->value, memory_order_relaxed));
    chy_buf_add_u8(out, '\n');
}

static int by_name(const void *a, const void *b)
{
    const struct chy_series *const *left = a;
    const struct chy_series *const *right = b;
    int order = chy_slice_compare((*left)->name, (*right)->name);
    return order != 0 ? order : chy_slice_compare((*left)->label, (*right)->label);
}

void chy_metrics_write(struct chy_metrics *metrics, struct chy_buf *out)
{
    struct chy_series **sorted = calloc(CHY_METRICS_SERIES_MAX, sizeof(struct chy_series *));
    if (sorted == NULL) {
        out->failed = true;
        return;
    }
    size_t count = 0;
    for (uint32_t i = 0; i < PLACES && count < CHY_METRICS_SERIES_MAX; i++) {
        struct chy_series *series = atomic_load_explicit(&metrics->places[i], memory_order_acquire);
        if (series != NULL) {
            sorted[count++] = series;
        }
    }
    qsort(sorted, count, sizeof(struct chy_series *), by_name);
    for (size_t i = 0; i < count; i++) {
        if (i == 0 || !chy_slice_equal(sorted[i]->name, sorted[i - 1]->name)) {
            write_type(out, sorted[i]);
        }
        write_series(out, sorted[i]);
    }
    chy_buf_add_format(out,
                       "# TYPE chancery_metrics_dropped_total counter\n"
                       "chancery_metrics_dropped_total %llu\n",
                       (unsigned long long)atomic_load(&metrics->dropped));
    free(sorted);
}

/* --- life ------------------------------------------------------------------------------------- */

struct chy_metrics *chy_metrics_process(void)
{
    static struct chy_metrics process = {.lock = CHY_MUTEX_INIT};
    return &process;
}

struct chy_metrics *chy_metrics_new(void)
{
    struct chy_metrics *metrics = calloc(1, sizeof *metrics);
    if (metrics != NULL) {
        chy_mutex_init(&metrics->lock);
    }
    return metrics;
}

void chy_metrics_free(struct chy_metrics *metrics)
{
    if (metrics == NULL) {
        return;
    }
    for (uint32_t i = 0; i < PLACES; i++) {
        struct chy_series *series = atomic_load_explicit(&metrics->places[i], memory_order_relaxed);
        if (series != NULL) {
            free(series->counts);
            free(series);
        }
    }
    chy_mutex_fini(&metrics->lock);
    free(metrics);
}
