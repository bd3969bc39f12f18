#include "enroll/statistics_read.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/statistics.h"
#include "plugin/view.h"
#include "resource/collections.h"

static chy_status add_count(void *context, const struct chy_counter_row *row)
{
    *(int64_t *)context += row->count;
    return CHY_OK;
}

chy_status chy_statistics_stored(struct chy_call *call, const struct chy_uuid *profile_id,
                                 uint64_t *out_count)
{
    struct chy_query query;
    char profile[CHY_UUID_TEXT_SIZE];
    int64_t sum = 0;
    chy_counters_of(call, profile_id == NULL ? CHY_COUNT_STORED : CHY_COUNT_ENDS, &query);
    if (profile_id != NULL) {
        chy_uuid_format(profile_id, profile);
        chy_query_prefix(&query, CHY_STATISTIC_VALUE, chy_text(profile));
    }
    CHY_TRY(chy_counters_each(call, &query, add_count, &sum));
    *out_count = sum < 0 ? 0 : (uint64_t)sum;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The dashboard
 */

#define SOON_DAYS 30

enum bucket {
    BUCKET_EXPIRED = 0,
    BUCKET_7,
    BUCKET_30,
    BUCKET_60,
    BUCKET_90,
    BUCKET_LATER,
    BUCKET_COUNT
};

struct dashboard {
    struct chy_call *call;
    int64_t today;
    int64_t total;
    int64_t active;
    int64_t soon;
    int64_t soon_unattended;
    int64_t expired;
    int64_t expired_unrenewed;
    int64_t revoked;
    int64_t buckets[BUCKET_COUNT];
    int64_t validity[CHY_VALIDITY_COUNT];
    json_t *methods;
    json_t *algorithms;
    json_t *authorities;
};

static enum bucket bucket_of(int64_t days)
{
    return days <= 7    ? BUCKET_7
           : days <= 30 ? BUCKET_30
           : days <= 60 ? BUCKET_60
           : days <= 90 ? BUCKET_90
                        : BUCKET_LATER;
}

static void add_alike(struct dashboard *d, const struct chy_alike *alike, int64_t count)
{
    int64_t days = alike->day - d->today;
    d->total += count;
    if (alike->standing == CHY_STANDING_REVOKED) {
        d->revoked += count;
        return;
    }
    if (alike->ended) {
        d->expired += count;
        d->buckets[BUCKET_EXPIRED] += count;
        d->expired_unrenewed += alike->standing == CHY_STANDING_RENEWED ? 0 : count;
        return;
    }
    d->active += count;
    d->buckets[bucket_of(days)] += count;
    d->validity[alike->validity] += count;
    if (days <= SOON_DAYS) {
        d->soon += count;
        d->soon_unattended += alike->standing == CHY_STANDING_ACTIVE ? count : 0;
    }
}

static chy_status see_end(void *context, const struct chy_alike *alike, int64_t more)
{
    add_alike((struct dashboard *)context, alike, more);
    return CHY_OK;
}

static bool add_to(json_t *sums, struct chy_slice name, int64_t count)
{
    char key[128];
    if (name.len >= sizeof key) {
        name.len = sizeof key - 1;
    }
    memcpy(key, name.ptr, (size_t)name.len);
    key[name.len] = '\0';
    json_int_t before = json_integer_value(json_object_get(sums, key));
    return json_object_set_new(sums, key, json_integer(before + count)) == 0;
}

/** see_stored reads "authority/algorithm/method". */
static chy_status see_stored(void *context, const struct chy_counter_row *row)
{
    struct dashboard *d = (struct dashboard *)context;
    struct chy_slice authority = {NULL, 0};
    struct chy_slice algorithm = {NULL, 0};
    struct chy_slice rest = {NULL, 0};
    struct chy_slice method = {NULL, 0};
    if (!chy_slice_cut(row->value, '/', &authority, &rest) ||
        !chy_slice_cut(rest, '/', &algorithm, &method)) {
        return chy_fail(d->call->op, CHY_BROKEN, 0, "a counter of certificates is damaged");
    }
    bool fine = add_to(d->methods, method, row->count) &&
                add_to(d->algorithms, algorithm, row->count) &&
                (authority.len == 0 || add_to(d->authorities, authority, row->count));
    return fine ? CHY_OK : chy_fail_memory(d->call->op);
}

/* --- as JSON -----------------------------------------------------------------------------------*/

static json_t *entry_of(const char *member, const char *label, int64_t count)
{
    return json_pack("{s:s,s:I}", member, label, "count", (json_int_t)count);
}

/** sums_json makes [{label, count}] of sums that are not zero. */
static json_t *sums_json(json_t *sums)
{
    json_t *list = json_array();
    const char *name;
    json_t *count;
    json_object_foreach(sums, name, count)
    {
        if (json_integer_value(count) != 0) {
            (void)json_array_append_new(list, entry_of("label", name, json_integer_value(count)));
        }
    }
    return list;
}

static chy_status authorities_json(struct dashboard *d, json_t *list)
{
    const char *id_text;
    json_t *count;
    json_object_foreach(d->authorities, id_text, count)
    {
        struct chy_uuid id;
        struct chy_slice name = {NULL, 0};
        if (json_integer_value(count) == 0 || !chy_uuid_parse(chy_text(id_text), &id)) {
            continue;
        }
        CHY_TRY(chy_call_name(d->call, CHY_C_AUTHORITIES, CHY_AUTHORITY_NAME, &id, &name));
        json_t *entry = entry_of("id", id_text, json_integer_value(count));
        if (json_array_append_new(list, entry) != 0 ||
            !chy_json_set_text(entry, "label", name.len == 0 ? chy_text("(deleted)") : name)) {
            return chy_fail_memory(d->call->op);
        }
    }
    return CHY_OK;
}

static json_t *buckets_json(const char *const *names, const int64_t *counts, size_t count)
{
    json_t *list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, entry_of("bucket", names[i], counts[i]));
    }
    return list;
}

static json_t *totals_json(const struct dashboard *d)
{
    return json_pack("{s:I,s:I,s:I,s:I,s:I}", "total", (json_int_t)d->total, "active",
                     (json_int_t)d->active, "expiringSoon", (json_int_t)d->soon, "expired",
                     (json_int_t)d->expired, "revoked", (json_int_t)d->revoked);
}

static json_t *statuses_json(const struct dashboard *d)
{
    return json_pack("[{s:s,s:I},{s:s,s:I},{s:s,s:I}]", "label", "Active", "count",
                     (json_int_t)d->active, "label", "Expired", "count", (json_int_t)d->expired,
                     "label", "Revoked", "count", (json_int_t)d->revoked);
}

static chy_status dashboard_json(struct dashboard *d)
{
    static const char *const bucket_names[] = {"expired", "0-7d",   "8-30d",
                                               "31-60d",  "61-90d", "90d+"};
    static const char *const validity_names[] = {"<=47d", "48-99d", "100-199d", ">=200d"};
    json_t *answer = chy_json_object(d->call->op);
    json_t *distributions = chy_json_object(d->call->op);
    json_t *authorities = chy_json_array(d->call->op);
    if (answer == NULL || distributions == NULL || authorities == NULL) {
        return chy_fail_memory(d->call->op);
    }
    CHY_TRY(authorities_json(d, authorities));
    bool fine =
        json_object_set_new(answer, "totals", totals_json(d)) == 0 &&
        chy_json_set_int(answer, "expiringSoonNoAutoRenewal", d->soon_unattended) &&
        chy_json_set_int(answer, "expiredNotRenewed", d->expired_unrenewed) &&
        json_object_set_new(distributions, "byEnrollmentMethod", sums_json(d->methods)) == 0 &&
        json_object_set_new(distributions, "byAlgorithm", sums_json(d->algorithms)) == 0 &&
        json_object_set(distributions, "byCA", authorities) == 0 &&
        json_object_set_new(distributions, "byStatus", statuses_json(d)) == 0 &&
        json_object_set(answer, "distributions", distributions) == 0 &&
        json_object_set_new(answer, "expirationBuckets",
                            buckets_json(bucket_names, d->buckets, BUCKET_COUNT)) == 0 &&
        json_object_set_new(
            answer, "validityBuckets",
            buckets_json(validity_names, d->validity + 1, CHY_VALIDITY_COUNT - 1)) == 0;
    d->call->answer = answer;
    return fine ? CHY_OK : chy_fail_memory(d->call->op);
}

chy_status chy_statistics_dashboard(struct chy_call *call)
{
    struct chy_query query;
    CHY_TRY(chy_call_project(call));
    struct dashboard d = {.call = call,
                          .today = chy_now(call->op) / CHY_US_PER_DAY,
                          .methods = chy_json_object(call->op),
                          .algorithms = chy_json_object(call->op),
                          .authorities = chy_json_object(call->op)};
    if (d.methods == NULL || d.algorithms == NULL || d.authorities == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_counters_ends(call, see_end, &d));
    chy_counters_of(call, CHY_COUNT_STORED, &query);
    CHY_TRY(chy_counters_each(call, &query, see_stored, &d));
    return dashboard_json(&d);
}

/* ------------------------------------------------------------------------------------------------
 * The trend
 */

enum event {
    EVENT_ISSUED = 0,
    EVENT_EXPIRED,
    EVENT_REVOKED,
    EVENT_RENEWED,
    EVENT_COUNT
};

#define PERIODS_MAX 32

struct trend {
    struct chy_call *call;
    bool by_month;
    int64_t today;
    int64_t first; /**< the first period's number */
    size_t count;
    int64_t sums[PERIODS_MAX][EVENT_COUNT];
    enum event event; /**< whose rows are being read */
};

/** period_of numbers the period of a day: the day itself, or months since the year 0. */
static int64_t period_of(bool by_month, int64_t day)
{
    struct chy_civil civil;
    if (!by_month) {
        return day;
    }
    chy_time_to_civil(day * CHY_US_PER_DAY, &civil);
    return (int64_t)civil.year * 12 + civil.month - 1;
}

static void add_event(struct trend *trend, int64_t day, int64_t count)
{
    int64_t at = period_of(trend->by_month, day) - trend->first;
    if (at >= 0 && at < (int64_t)trend->count) {
        trend->sums[at][trend->event] += count;
    }
}

static chy_status see_event(void *context, const struct chy_counter_row *row)
{
    struct trend *trend = (struct trend *)context;
    add_event(trend, row->day, row->count);
    return CHY_OK;
}

static chy_status see_past_end(void *context, const struct chy_alike *alike, int64_t more)
{
    struct trend *trend = (struct trend *)context;
    if (alike->ended && alike->standing != CHY_STANDING_REVOKED) {
        add_event(trend, alike->day, more);
    }
    return CHY_OK;
}

static chy_status read_events(struct trend *trend)
{
    static const struct {
        const char *dimension;
        enum event event;
    } kinds[] = {{CHY_COUNT_ISSUED, EVENT_ISSUED},
                 {CHY_COUNT_REVOKED, EVENT_REVOKED},
                 {CHY_COUNT_RENEWED, EVENT_RENEWED}};
    struct chy_query query;
    for (size_t i = 0; i < CHY_COUNT_OF(kinds); i++) {
        trend->event = kinds[i].event;
        chy_counters_of(trend->call, kinds[i].dimension, &query);
        chy_query_eq(&query, CHY_STATISTIC_VALUE, chy_value_text(chy_text("")));
        chy_query_range(&query, CHY_STATISTIC_DAY, chy_value_int(trend->today - 220),
                        chy_value_null());
        CHY_TRY(chy_counters_each(trend->call, &query, see_event, trend));
    }
    trend->event = EVENT_EXPIRED;
    return chy_counters_ends(trend->call, see_past_end, trend);
}

static bool add_period(const struct trend *trend, size_t i, json_t *periods)
{
    char name[16];
    struct chy_civil civil;
    int64_t number = trend->first + (int64_t)i;
    if (trend->by_month) {
        (void)snprintf(name, sizeof name, "%04d-%02d", (int)(number / 12), (int)(number % 12 + 1));
    } else {
        chy_time_to_civil(number * CHY_US_PER_DAY, &civil);
        (void)snprintf(name, sizeof name, "%04d-%02d-%02d", civil.year, civil.month, civil.day);
    }
    const int64_t *sums = trend->sums[i];
    return json_array_append_new(periods, json_pack("{s:s,s:I,s:I,s:I,s:I}", "period", name,
                                                    "issued", (json_int_t)sums[EVENT_ISSUED],
                                                    "expired", (json_int_t)sums[EVENT_EXPIRED],
                                                    "revoked", (json_int_t)sums[EVENT_REVOKED],
                                                    "renewed", (json_int_t)sums[EVENT_RENEWED])) ==
           0;
}

chy_status chy_statistics_trend(struct chy_call *call)
{
    struct chy_slice range = chy_json_member(call->document, "range");
    CHY_TRY(chy_call_project(call));
    struct trend *trend = chy_alloc(call->op, sizeof *trend);
    json_t *periods = chy_json_array(call->op);
    call->answer = chy_json_object(call->op);
    if (trend == NULL || periods == NULL || call->answer == NULL ||
        json_object_set(call->answer, "periods", periods) != 0) {
        return chy_fail_memory(call->op);
    }
    memset(trend, 0, sizeof *trend);
    trend->call = call;
    trend->by_month = chy_slice_is(range, "6m");
    trend->today = chy_now(call->op) / CHY_US_PER_DAY;
    int64_t back = trend->by_month ? 180 : chy_slice_is(range, "7d") ? 7 : 30;
    trend->first = period_of(trend->by_month, trend->today - back);
    trend->count = (size_t)(period_of(trend->by_month, trend->today) - trend->first + 1);
    CHY_TRY(read_events(trend));
    for (size_t i = 0; i < trend->count; i++) {
        if (!add_period(trend, i, periods)) {
            return chy_fail_memory(call->op);
        }
    }
    return CHY_OK;
}
