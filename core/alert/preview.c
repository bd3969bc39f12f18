#include "alert/preview.h"

#include "alert/alert.h"
#include "base/slice.h"
#include "resource/collections.h"
#include "resource/listing.h"

#define LIST_LIMIT 20

/** What sifting needs. */
struct sifting {
    const struct chy_alert_filters *filters;
    int64_t now;
};

static bool keep(const void *context, const struct chy_storage_row *row)
{
    const struct sifting *sifting = (const struct sifting *)context;
    struct chy_alert_facts facts = chy_alert_facts_of(row);
    return chy_alert_ends(row, sifting->now) && chy_alert_filters_keep(sifting->filters, &facts);
}

static chy_status show(struct chy_call *call, const struct chy_storage_row *row, json_t *list)
{
    struct chy_uuid profile_id = chy_row_uuid(row, CHY_ALERT_COLUMN_PROFILE_ID);
    struct chy_slice slug = {NULL, 0};
    if (!chy_uuid_is_nil(&profile_id)) {
        CHY_TRY(chy_call_name(call, CHY_C_PROFILES, CHY_PROFILE_SLUG, &profile_id, &slug));
    }
    return chy_alert_certificate_show(call->op, row, slug, chy_now(call->op), list);
}

static chy_status answer(struct chy_call *call, const struct chy_listing *listing,
                         const struct chy_list_page *page)
{
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    for (uint64_t i = 0; i < page->count; i++) {
        CHY_TRY(show(call, page->rows[i], list));
    }
    CHY_TRY(chy_listing_answer(call, "certificates", list, page));
    CHY_TRY(chy_listing_repeat_total(call));
    return chy_json_set_int(call->answer, "offset", (int64_t)listing->offset) &&
                   chy_json_set_int(call->answer, "limit", (int64_t)listing->limit)
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/** run answers a page of the project's certificates that fit; `before` 0: whenever they end. */
static chy_status run(struct chy_call *call, struct chy_alert_filters *filters, int64_t before)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct sifting sifting = {.filters = filters, .now = chy_now(call->op)};
    // Who looks at certificates by way of alerts must be allowed to look at all of them.
    CHY_TRY(chy_require(call->op, &call->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ,
                        "certificate"));
    CHY_TRY(chy_alert_filters_resolve(call->runtime, call->op, &call->project_id, filters));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_CERTIFICATES, chy_alert_columns(), LIST_LIMIT));
    listing.keep = keep;
    listing.keep_context = &sifting;
    listing.keep_fields = chy_alert_columns();
    chy_query_eq(&listing.query, CHY_CERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    chy_alert_filters_narrow(filters, &listing.query);
    chy_query_range(&listing.query, CHY_CERT_NOT_AFTER, chy_value_time(sifting.now),
                    before == 0 ? chy_value_null() : chy_value_time(sifting.now + before));
    chy_query_order(&listing.query, CHY_CERT_NOT_AFTER, false);
    CHY_TRY(chy_listing_run(&listing, &page));
    return answer(call, &listing, &page);
}

chy_status chy_alert_certificates(struct chy_call *call)
{
    struct chy_storage_row row;
    struct chy_alert_filters filters;
    json_t *json;
    int64_t before = 0;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(chy_json_parse(call->op, chy_row_json(&row, CHY_ALERT_FILTERS), &json));
    CHY_TRY(chy_alert_filters_read(call->op, json, &filters));
    struct chy_slice text = chy_row_text(&row, CHY_ALERT_BEFORE);
    if (text.len != 0 && !chy_alert_before_parse(text, &before)) {
        return chy_fail(call->op, CHY_BROKEN, 0, "the stored alertBefore of an alert is damaged");
    }
    return run(call, &filters, before);
}

chy_status chy_alert_preview(struct chy_call *call)
{
    struct chy_alert_filters filters;
    const json_t *given = json_object_get(call->document, "filters");
    struct chy_slice text = chy_json_member(call->document, "alertBefore");
    int64_t before = 0;
    CHY_TRY(chy_call_project(call));
    if (text.len != 0 && !chy_alert_before_parse(text, &before)) {
        return chy_shape_refuse_one(call->op, "invalid_string", "/alertBefore",
                                    "expected a time from 1d up to 100 years such as 30d");
    }
    CHY_TRY(chy_alert_filters_check(call->op, given));
    CHY_TRY(chy_alert_filters_read(call->op, given, &filters));
    return run(call, &filters, before);
}
