#include "resource/counters.h"

#include "base/op.h"
#include "base/slice.h"
#include "base/time.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "x509/extensions.h"

#include <stdio.h>

/* ------------------------------------------------------------------------------------------------
 * What a certificate is counted as
 */

enum chy_standing chy_counted_standing(const struct chy_counted *counted)
{
    if (counted->revoked) {
        return CHY_STANDING_REVOKED;
    }
    if (counted->renewed) {
        return CHY_STANDING_RENEWED;
    }
    return counted->auto_renewed ? CHY_STANDING_AUTO : CHY_STANDING_ACTIVE;
}

enum chy_validity_class chy_counted_validity(const struct chy_counted *counted)
{
    static const struct {
        int64_t days;
        enum chy_validity_class is;
    } classes[] = {{47, CHY_VALIDITY_47}, {99, CHY_VALIDITY_99}, {199, CHY_VALIDITY_199}};
    // Backdating does not make a certificate of 47 days a longer one.
    int64_t lived = counted->not_after - counted->not_before - CHY_US_PER_HOUR;
    if ((counted->ekus & CHY_EKU_SERVER_AUTH) == 0) {
        return CHY_VALIDITY_OTHER;
    }
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        if (lived <= classes[i].days * CHY_US_PER_DAY) {
            return classes[i].is;
        }
    }
    return CHY_VALIDITY_LONG;
}

/** The end of an alike's text: "/standing/validity", a digit each. */
#define ALIKE_TAIL 4U

void chy_alike_text(const struct chy_counted *counted, char out_text[CHY_ALIKE_TEXT_SIZE])
{
    char profile[CHY_UUID_TEXT_SIZE] = "";
    if (!chy_uuid_is_nil(&counted->profile_id)) {
        chy_uuid_format(&counted->profile_id, profile);
    }
    (void)snprintf(out_text, CHY_ALIKE_TEXT_SIZE, "%s/%d/%d", profile,
                   (int)chy_counted_standing(counted), (int)chy_counted_validity(counted));
}

static bool read_alike(const struct chy_counter_row *row, struct chy_alike *out_alike)
{
    struct chy_slice value = row->value;
    memset(out_alike, 0, sizeof *out_alike);
    if (value.len < ALIKE_TAIL) {
        return false;
    }
    struct chy_slice profile = chy_slice_first(value, value.len - ALIKE_TAIL);
    const uint8_t *tail = value.ptr + profile.len;
    out_alike->standing = tail[1] - '0';
    out_alike->validity = tail[3] - '0';
    out_alike->day = row->day;
    return out_alike->standing >= 0 && out_alike->standing < CHY_STANDING_COUNT &&
           out_alike->validity >= 0 && out_alike->validity < CHY_VALIDITY_COUNT &&
           (profile.len == 0 || chy_uuid_parse(profile, &out_alike->profile_id));
}

/* ------------------------------------------------------------------------------------------------
 * Reading counters
 */

static const uint32_t counter_fields[] = {CHY_STATISTIC_VALUE, CHY_STATISTIC_DAY,
                                          CHY_STATISTIC_COUNT};

void chy_counters_of(struct chy_call *call, const char *dimension, struct chy_query *out_query)
{
    chy_query_init(
        out_query, call->op, CHY_C_STATISTICS,
        chy_view_of(counter_fields, CHY_COUNT_OF(counter_fields), sizeof counter_fields[0]),
        CHY_STORAGE_PAGE_MAX);
    chy_query_eq(out_query, CHY_STATISTIC_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_eq(out_query, CHY_STATISTIC_DIMENSION, chy_value_text(chy_text(dimension)));
}

/** What is done with each row of a query. */
struct visit {
    chy_status (*see)(void *context, const struct chy_storage_row *row);
    void *context;
    uint64_t seen;
};

static chy_status visit_page(struct chy_call *call, struct chy_op *op,
                             const struct chy_query *query, struct visit *visit,
                             struct chy_storage_page *out_page)
{
    struct chy_query mine = *query;
    mine.op = op;
    CHY_TRY(chy_query_run(&mine, call->runtime->storage, out_page));
    for (uint64_t i = 0; i < out_page->rows.count; i++) {
        CHY_TRY(visit->see(visit->context, chy_page_row(out_page, i)));
    }
    visit->seen += out_page->rows.count;
    return CHY_OK;
}

/** visit_rows reads each page in an operation of its own: of many profiles and days there are more
 *  rows than a request has memory for. */
static chy_status visit_rows(struct chy_call *call, struct chy_query *query, uint64_t most,
                             struct visit *visit)
{
    struct chy_op *op = call->op;
    struct chy_storage_page page = {.more = 1};
    chy_status status = CHY_OK;
    while (status == CHY_OK && page.more != 0 && visit->seen < most) {
        struct chy_op *child = op->host->op_child(op);
        if (child == NULL) {
            return chy_fail_memory(op);
        }
        status = visit_page(call, child, query, visit, &page);
        if (status == CHY_OK) {
            status = chy_copy(op, page.cursor, &query->find.cursor);
        }
        status = chy_op_end_child(op, child, status);
    }
    return status;
}

/** Who wants to see counters. */
struct seer {
    chy_status (*see)(void *context, const struct chy_counter_row *row);
    void *context;
};

static chy_status see_counter(void *context, const struct chy_storage_row *row)
{
    const struct seer *seer = (const struct seer *)context;
    struct chy_counter_row counter = {chy_row_text(row, 0), chy_row_int(row, 1),
                                      chy_row_int(row, 2)};
    return seer->see(seer->context, &counter);
}

chy_status chy_counters_each(struct chy_call *call, struct chy_query *query,
                             chy_status (*see)(void *context, const struct chy_counter_row *row),
                             void *context)
{
    struct seer seer = {see, context};
    struct visit visit = {.see = see_counter, .context = &seer};
    return visit_rows(call, query, UINT64_MAX, &visit);
}

/* ------------------------------------------------------------------------------------------------
 * Ends
 */

#define TODAY_MAX 10000U

/** Who wants to see the ends. */
struct ends {
    struct chy_call *call;
    int64_t today;
    chy_status (*see)(void *context, const struct chy_alike *alike, int64_t more);
    void *context;
};

static chy_status see_day(void *context, const struct chy_counter_row *row)
{
    const struct ends *ends = (const struct ends *)context;
    struct chy_alike alike;
    if (!read_alike(row, &alike)) {
        return chy_fail(ends->call->op, CHY_BROKEN, 0, "a counter of certificates is damaged");
    }
    alike.ended = row->day < ends->today;
    return ends->see(ends->context, &alike, row->count);
}

static const uint32_t today_fields[] = {
    CHY_CERT_STATUS,     CHY_CERT_RENEWED_BY_ID, CHY_CERT_RENEW_BEFORE, CHY_CERT_EXT_KEY_USAGES,
    CHY_CERT_NOT_BEFORE, CHY_CERT_NOT_AFTER,     CHY_CERT_PROFILE_ID};

/** see_ended moves one from what is active to what has ended. */
static chy_status see_ended(void *context, const struct chy_storage_row *row)
{
    const struct ends *ends = (const struct ends *)context;
    struct chy_counted counted = {
        .revoked = chy_slice_is(chy_row_text(row, 0), "revoked"),
        .renewed = !chy_row_is_null(row, 1),
        .auto_renewed = !chy_row_is_null(row, 2),
        .ekus = (uint32_t)chy_row_int(row, 3),
        .not_before = chy_row_time(row, 4),
        .not_after = chy_row_time(row, 5),
    };
    struct chy_alike alike = {.profile_id = chy_row_uuid(row, 6),
                              .standing = (int)chy_counted_standing(&counted),
                              .validity = (int)chy_counted_validity(&counted),
                              .day = ends->today};
    CHY_TRY(ends->see(ends->context, &alike, -1));
    alike.ended = true;
    return ends->see(ends->context, &alike, 1);
}

static chy_status see_today(struct ends *ends)
{
    struct chy_call *call = ends->call;
    struct visit visit = {.see = see_ended, .context = ends};
    struct chy_query query;
    chy_query_init(&query, call->op, CHY_C_CERTIFICATES,
                   chy_view_of(today_fields, CHY_COUNT_OF(today_fields), sizeof today_fields[0]),
                   CHY_STORAGE_PAGE_MAX);
    chy_query_eq(&query, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_query_range(&query, CHY_CERT_NOT_AFTER, chy_value_time(ends->today * CHY_US_PER_DAY),
                    chy_value_time(chy_now(call->op)));
    chy_query_order(&query, CHY_CERT_NOT_AFTER, false);
    return visit_rows(call, &query, TODAY_MAX, &visit);
}

chy_status chy_counters_ends(struct chy_call *call,
                             chy_status (*see)(void *context, const struct chy_alike *alike,
                                               int64_t more),
                             void *context)
{
    struct chy_query query;
    struct ends ends = {
        .call = call, .today = chy_now(call->op) / CHY_US_PER_DAY, .see = see, .context = context};
    chy_counters_of(call, CHY_COUNT_ENDS, &query);
    CHY_TRY(chy_counters_each(call, &query, see_day, &ends));
    return see_today(&ends);
}
