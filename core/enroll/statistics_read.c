#include "enroll/statistics_read.h"

#include "base/slice.h"
#include "base/time.h"
#include "enroll/statistics.h"
#include "plugin/view.h"
#include "resource/collections.h"

/* ------------------------------------------------------------------------------------------------
 * Reading counters
 */

/** One row of counters. */
struct counted_row {
    struct chy_slice value;
    int64_t day;
    int64_t count;
};

static const uint32_t counter_fields[] = {CHY_STATISTIC_VALUE, CHY_STATISTIC_DAY,
                                          CHY_STATISTIC_COUNT};

static void counters_of(struct chy_call *call, const char *dimension, struct chy_query *query)
{
    struct chy_uuid *project = &call->project_id;
    chy_query_init(
        query, call->op, CHY_C_STATISTICS,
        chy_view_of(counter_fields, CHY_COUNT_OF(counter_fields), sizeof counter_fields[0]),
        CHY_STORAGE_PAGE_MAX);
    chy_query_eq(query, CHY_STATISTIC_PROJECT_ID, chy_value_uuid(project));
    chy_query_eq(query, CHY_STATISTIC_DIMENSION, chy_value_text(chy_text(dimension)));
}

/** each_row hands on every row of a query.  There are as many as days, methods, algorithms and CAs
 *  make, however many certificates there are. */
static chy_status each_row(struct chy_call *call, struct chy_query *query,
                           chy_status (*see)(void *context, const struct chy_storage_row *row),
                           void *context)
{
    struct chy_storage_page page;
    do {
        CHY_TRY(chy_query_run(query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            CHY_TRY(see(context, chy_page_row(&page, i)));
        }
        query->find.cursor = page.cursor;
    } while (page.more != 0);
    return CHY_OK;
}

static struct counted_row row_of(const struct chy_storage_row *row)
{
    return (struct counted_row){chy_row_text(row, 0), chy_row_int(row, 1), chy_row_int(row, 2)};
}

static chy_status add_count(void *context, const struct chy_storage_row *row)
{
    *(int64_t *)context += row_of(row).count;
    return CHY_OK;
}

chy_status chy_statistics_stored(struct chy_call *call, uint64_t *out_count)
{
    struct chy_query query;
    int64_t sum = 0;
    counters_of(call, CHY_COUNT_STORED, &query);
    CHY_TRY(each_row(call, &query, add_count, &sum));
    *out_count = sum < 0 ? 0 : (uint64_t)sum;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * What ended today: counters know days, and a certificate may live for an hour
 */

#define TODAY_MAX 10000U

static const uint32_t today_fields[] = {CHY_CERT_STATUS,       CHY_CERT_RENEWED_BY_ID,
                                        CHY_CERT_RENEW_BEFORE, CHY_CERT_EXT_KEY_USAGES,
                                        CHY_CERT_NOT_BEFORE,   CHY_CERT_NOT_AFTER};

static struct chy_counted today_counted(const struct chy_storage_row *row)
{
    return (struct chy_counted){
        .revoked = chy_slice_is(chy_row_text(row, 0), "revoked"),
        .renewed = !chy_row_is_null(row, 1),
        .auto_renewed = !chy_row_is_null(row, 2),
        .ekus = (uint32_t)chy_row_int(row, 3),
        .not_before = chy_row_time(row, 4),
        .not_after = chy_row_time(row, 5),
    };
}

/** each_ended hands on what ended since midnight, TODAY_MAX certificates at most: beyond those, a
 *  certificate counts as active until its day is over. */
static chy_status each_ended(struct chy_call *call,
                             void (*see)(void *context, const struct chy_counted *counted),
                             void *context)
{
    struct chy_query query;
    struct chy_storage_page page;
    int64_t now = chy_now(call->op);
    uint64_t seen = 0;
    chy_query_init(&query, call->op, CHY_C_CERTIFICATES,
                   chy_view_of(today_fields, CHY_COUNT_OF(today_fields), sizeof today_fields[0]),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_range(&query, CHY_CERT_NOT_AFTER, chy_value_time(now - now % CHY_US_PER_DAY),
                    chy_value_time(now));
    chy_query_order(&query, CHY_CERT_NOT_AFTER, false);
    do {
        CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
        for (uint64_t i = 0; i < page.rows.count; i++) {
            struct chy_counted counted = today_counted(chy_page_row(&page, i));
            see(context, &counted);
        }
        seen += page.rows.count;
        query.find.cursor = page.cursor;
    } while (page.more != 0 && seen < TODAY_MAX);
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

/** What some certificates are: alike in all that is counted. */
struct alike {
    int standing; /**< enum chy_standing */
    int validity; /**< enum chy_validity_class */
    int64_t day;
    bool ended;
};

static enum bucket bucket_of(int64_t days)
{
    return days <= 7    ? BUCKET_7
           : days <= 30 ? BUCKET_30
           : days <= 60 ? BUCKET_60
           : days <= 90 ? BUCKET_90
                        : BUCKET_LATER;
}

static void add_alike(struct dashboard *d, const struct alike *alike, int64_t count)
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

/** read_alike reads the value of a counter of ends, "standing/validity". */
static bool read_alike(const struct counted_row *row, struct alike *alike)
{
    if (row->value.len != 3) {
        return false;
    }
    alike->standing = row->value.ptr[0] - '0';
    alike->validity = row->value.ptr[2] - '0';
    alike->day = row->day;
    return alike->standing >= 0 && alike->standing < CHY_STANDING_COUNT && alike->validity >= 0 &&
           alike->validity < CHY_VALIDITY_COUNT;
}

static chy_status see_end(void *context, const struct chy_storage_row *stored)
{
    struct dashboard *d = (struct dashboard *)context;
    struct counted_row row = row_of(stored);
    struct alike alike;
    if (!read_alike(&row, &alike)) {
        return chy_fail(d->call->op, CHY_BROKEN, 0, "a counter of certificates is damaged");
    }
    alike.ended = row.day < d->today;
    add_alike(d, &alike, row.count);
    return CHY_OK;
}

static void see_ended(void *context, const struct chy_counted *counted)
{
    struct dashboard *d = (struct dashboard *)context;
    struct alike alike = {.standing = (int)chy_counted_standing(counted),
                          .validity = (int)chy_counted_validity(counted),
                          .day = d->today};
    add_alike(d, &alike, -1);
    alike.ended = true;
    add_alike(d, &alike, 1);
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
static chy_status see_stored(void *context, const struct chy_storage_row *stored)
{
    struct dashboard *d = (struct dashboard *)context;
    struct counted_row row = row_of(stored);
    struct chy_slice authority = {NULL, 0};
    struct chy_slice algorithm = {NULL, 0};
    struct chy_slice rest = {NULL, 0};
    struct chy_slice method = {NULL, 0};
    if (!chy_slice_cut(row.value, '/', &authority, &rest) ||
        !chy_slice_cut(rest, '/', &algorithm, &method)) {
        return chy_fail(d->call->op, CHY_BROKEN, 0, "a counter of certificates is damaged");
    }
    bool fine = add_to(d->methods, method, row.count) &&
                add_to(d->algorithms, algorithm, row.count) &&
                (authority.len == 0 || add_to(d->authorities, authority, row.count));
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
    counters_of(call, CHY_COUNT_ENDS, &query);
    CHY_TRY(each_row(call, &query, see_end, &d));
    CHY_TRY(each_ended(call, see_ended, &d));
    counters_of(call, CHY_COUNT_STORED, &query);
    CHY_TRY(each_row(call, &query, see_stored, &d));
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

static chy_status see_event(void *context, const struct chy_storage_row *stored)
{
    struct trend *trend = (struct trend *)context;
    struct counted_row row = row_of(stored);
    add_event(trend, row.day, row.count);
    return CHY_OK;
}

static chy_status see_past_end(void *context, const struct chy_storage_row *stored)
{
    struct trend *trend = (struct trend *)context;
    struct counted_row row = row_of(stored);
    struct alike alike;
    if (read_alike(&row, &alike) && alike.standing != CHY_STANDING_REVOKED &&
        row.day < trend->today) {
        add_event(trend, row.day, row.count);
    }
    return CHY_OK;
}

static void see_todays_end(void *context, const struct chy_counted *counted)
{
    struct trend *trend = (struct trend *)context;
    if (!counted->revoked) {
        add_event(trend, trend->today, 1);
    }
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
        counters_of(trend->call, kinds[i].dimension, &query);
        chy_query_eq(&query, CHY_STATISTIC_VALUE, chy_value_text(chy_text("")));
        chy_query_range(&query, CHY_STATISTIC_DAY, chy_value_int(trend->today - 220),
                        chy_value_null());
        CHY_TRY(each_row(trend->call, &query, see_event, trend));
    }
    trend->event = EVENT_EXPIRED;
    counters_of(trend->call, CHY_COUNT_ENDS, &query);
    CHY_TRY(each_row(trend->call, &query, see_past_end, trend));
    return each_ended(trend->call, see_todays_end, trend);
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
