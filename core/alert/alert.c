#include "alert/alert.h"

#include "alert/channel.h"
#include "alert/expiry.h"
#include "alert/filter.h"
#include "alert/log.h"
#include "alert/preview.h"
#include "alert/test.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/alert_event.h"
#include "resource/collections.h"
#include "resource/delete_all.h"
#include "resource/listing.h"

#define NAME_SHAPE                                                        \
    "{\"type\":\"string\",\"minLength\":1,\"maxLength\":255,\"pattern\":" \
    "\"^[a-z0-9]+(-[a-z0-9]+)*$\",\"examples\":[\"ends-soon\"],"          \
    "\"description\":\"lower-case letters and digits, with single dashes between\"}"
#define ENABLED_SHAPE "{\"type\":\"boolean\"}"

static const struct chy_member members[] = {
    {"id", CHY_ALERT_ID, CHY_MEMBER_DERIVED, NULL},
    {"projectId", CHY_ALERT_PROJECT_ID, CHY_MEMBER_FIXED, CHY_SHAPE_ID},
    {"name", CHY_ALERT_NAME, CHY_MEMBER_REQUIRED, NAME_SHAPE},
    {"description", CHY_ALERT_DESCRIPTION, 0, CHY_SHAPE_DESCRIPTION},
    {"eventType", CHY_ALERT_EVENT_TYPE, CHY_MEMBER_REQUIRED, CHY_ALERT_TYPE_SHAPE},
    {"alertBefore", CHY_ALERT_BEFORE, 0, CHY_ALERT_BEFORE_SHAPE},
    {"filters", CHY_ALERT_FILTERS, 0, CHY_ALERT_FILTERS_SHAPE},
    {"enabled", CHY_ALERT_ENABLED, 0, ENABLED_SHAPE},
    {"createdAt", CHY_ALERT_CREATED_AT, CHY_MEMBER_DERIVED, NULL},
    {"updatedAt", CHY_ALERT_UPDATED_AT, CHY_MEMBER_DERIVED, NULL},
};

bool chy_alert_before_parse(struct chy_slice text, int64_t *out_before)
{
    int64_t count;
    if (text.len < 2 ||
        !chy_slice_parse_i64(chy_slice_first(text, text.len - 1), 1, 36500, &count)) {
        return false;
    }
    switch (text.ptr[text.len - 1]) {
    case 'd': *out_before = chy_duration_of(count, CHY_US_PER_DAY); return true;
    case 'w': *out_before = chy_duration_of(count, 7 * CHY_US_PER_DAY); return true;
    case 'm': *out_before = chy_duration_of(count, 30 * CHY_US_PER_DAY); return true;
    case 'y': *out_before = chy_duration_of(count, 365 * CHY_US_PER_DAY); return true;
    default: return false;
    }
}

/* ------------------------------------------------------------------------------------------------
 * What the shapes cannot say
 */

/** in_effect is a member as it will be: as the document has it, else as the row does. */
static struct chy_slice in_effect(const struct chy_call *call, const struct chy_storage_row *row,
                                  const char *name, uint32_t field)
{
    const json_t *given = json_object_get(call->document, name);
    return given != NULL || row == NULL ? chy_json_text(given) : chy_row_text(row, field);
}

static chy_status check_before(struct chy_call *call, const struct chy_storage_row *row,
                               int64_t *out_before)
{
    struct chy_slice name = in_effect(call, row, "eventType", CHY_ALERT_EVENT_TYPE);
    const struct chy_alert_type *type = chy_alert_type_find(name);
    bool expires = type != NULL && type->is_looked_for;
    struct chy_slice given = chy_json_member(call->document, "alertBefore");
    struct chy_slice before = in_effect(call, row, "alertBefore", CHY_ALERT_BEFORE);
    *out_before = 0;
    if (!expires && given.len != 0) {
        return chy_shape_refuse_one(call->op, "custom", "/alertBefore",
                                    "an alert with eventType %.*s has none", (int)name.len,
                                    (const char *)name.ptr);
    }
    if (expires && before.len == 0) {
        return chy_shape_refuse_one(
            call->op, "invalid_type", "/alertBefore",
            "required with eventType %.*s: a time such as 30d, 4w, 2m or 1y", (int)name.len,
            (const char *)name.ptr);
    }
    if (expires && !chy_alert_before_parse(before, out_before)) {
        return chy_shape_refuse_one(call->op, "invalid_string", "/alertBefore",
                                    "expected a time from 1d up to 100 years such as 30d, 4w, 2m "
                                    "or 1y");
    }
    return CHY_OK;
}

/** check_rights: who makes an alert is told of certificates, and must be allowed to read them. */
static chy_status check_rights(struct chy_call *call)
{
    return chy_require(call->op, &call->project_id, CHY_SUBJECT_CERTIFICATES, CHY_ACTION_READ,
                       "certificate");
}

static chy_status check_count(struct chy_call *call)
{
    struct chy_query query;
    struct chy_storage_page page;
    chy_query_init(&query, call->op, CHY_C_ALERTS, CHY_FIELDS(CHY_ALERT_ID), CHY_ALERTS_MAX);
    chy_query_eq(&query, CHY_ALERT_PROJECT_ID, chy_value_uuid(&call->project_id));
    CHY_TRY(chy_query_run(&query, call->runtime->storage, &page));
    return page.rows.count < CHY_ALERTS_MAX
               ? CHY_OK
               : chy_fail(call->op, CHY_BAD_INPUT, 0,
                          "the project has %u alerts, which is as many as it may have",
                          (unsigned)CHY_ALERTS_MAX);
}

static chy_status check_filters(struct chy_call *call)
{
    struct chy_alert_filters filters;
    const json_t *given = json_object_get(call->document, "filters");
    CHY_TRY(chy_alert_filters_check(call->op, given));
    CHY_TRY(chy_alert_filters_read(call->op, given, &filters));
    return chy_alert_filters_resolve(call->runtime, call->op, &call->project_id, &filters);
}

/** set_empty_filters: none given, or null, is an empty list. */
static chy_status set_default_filters(struct chy_call *call)
{
    const json_t *given = json_object_get(call->document, "filters");
    return json_is_array(given) || json_object_set_new(call->document, "filters", json_array()) == 0
               ? CHY_OK
               : chy_fail_memory(call->op);
}

/* ------------------------------------------------------------------------------------------------
 * Making, changing, deleting
 */

static chy_status before_create(struct chy_call *call, struct chy_batch *batch,
                                struct chy_write *write)
{
    int64_t before;
    CHY_TRY(check_rights(call));
    CHY_TRY(check_before(call, NULL, &before));
    CHY_TRY(check_filters(call));
    CHY_TRY(check_count(call));
    if (json_object_get(call->document, "enabled") == NULL) {
        chy_write_set(write, CHY_ALERT_ENABLED, chy_value_bool(true));
    }
    chy_alert_expiry_begin(call, batch, before);
    return chy_alert_channels_write(call, batch, &call->id, NULL);
}

static chy_status create(struct chy_call *call)
{
    CHY_TRY(set_default_filters(call));
    return chy_kind_create(call);
}

static bool is_other(const struct chy_call *call, const struct chy_storage_row *row,
                     const char *name, uint32_t field)
{
    const json_t *given = json_object_get(call->document, name);
    return given != NULL && !chy_slice_equal(chy_json_text(given), chy_row_text(row, field));
}

static chy_status filters_change(struct chy_call *call, const struct chy_storage_row *row,
                                 bool *out_change)
{
    json_t *stored;
    const json_t *given = json_object_get(call->document, "filters");
    *out_change = false;
    if (given != NULL) {
        CHY_TRY(chy_json_parse(call->op, chy_row_json(row, CHY_ALERT_FILTERS), &stored));
        *out_change = json_equal(stored, given) == 0;
    }
    return CHY_OK;
}

/** tell_expiry lets the looking for what ends begin anew, or go on otherwise. */
static chy_status tell_expiry(struct chy_call *call, struct chy_batch *batch,
                              const struct chy_storage_row *row, int64_t before)
{
    const json_t *enabled = json_object_get(call->document, "enabled");
    bool other_filters;
    CHY_TRY(filters_change(call, row, &other_filters));
    struct chy_alert_expiry_change change = {
        .before = before,
        .restarts = other_filters || is_other(call, row, "eventType", CHY_ALERT_EVENT_TYPE),
        .moves = is_other(call, row, "alertBefore", CHY_ALERT_BEFORE),
        .enabled = enabled == NULL ? chy_row_bool(row, CHY_ALERT_ENABLED) : json_is_true(enabled),
    };
    return chy_alert_expiry_change(call, batch, &change);
}

static chy_status before_update(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch, struct chy_write *write)
{
    struct chy_alert_channels channels;
    int64_t before;
    CHY_TRY(check_rights(call));
    CHY_TRY(check_before(call, row, &before));
    CHY_TRY(check_filters(call));
    if (before == 0 && json_object_get(call->document, "alertBefore") == NULL) {
        chy_write_set(write, CHY_ALERT_BEFORE, chy_value_null());
    }
    CHY_TRY(tell_expiry(call, batch, row, before));
    if (json_object_get(call->document, "channels") == NULL) {
        return CHY_OK;
    }
    CHY_TRY(chy_alert_channels_read(call->runtime, call->op, &call->id, &channels));
    return chy_alert_channels_write(call, batch, &call->id, &channels);
}

/** How often a change is made again when a job moved the alert's state meanwhile: nobody who reads
 *  the alert could have known of that. */
#define UPDATES 8

static chy_status update(struct chy_call *call)
{
    chy_status status = CHY_CONFLICT;
    if (json_is_null(json_object_get(call->document, "filters"))) {
        CHY_TRY(set_default_filters(call));
    }
    for (int i = 0; i < UPDATES && status == CHY_CONFLICT; i++) {
        status = chy_kind_update(call);
    }
    return status;
}

static chy_status before_delete(struct chy_call *call, const struct chy_storage_row *row,
                                struct chy_batch *batch)
{
    (void)row;
    chy_delete_in(batch, CHY_C_ALERT_CHANNELS, CHY_CHANNEL_ALERT_ID, &call->id);
    (void)chy_batch_delete(batch, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(&call->id)));
    return CHY_OK;
}

static chy_status delete_alert(struct chy_call *call)
{
    CHY_TRY(chy_kind_delete(call));
    return chy_delete_all(call->runtime, call->op, CHY_C_ALERT_DELIVERIES, CHY_DELIVERY_ALERT_ID,
                          &call->id);
}

static chy_status on_conflict(struct chy_call *call, struct chy_slice index)
{
    struct chy_slice name = chy_json_member(call->document, "name");
    (void)index;
    return chy_fail(call->op, CHY_BAD_INPUT, 0,
                    "an alert with the name '%.*s' exists already in the project; choose another",
                    (int)name.len, name.len == 0 ? "" : (const char *)name.ptr);
}

/* ------------------------------------------------------------------------------------------------
 * Showing
 */

static chy_status show_last_run(struct chy_call *call, const struct chy_uuid *id, json_t *object)
{
    struct chy_storage_row row;
    chy_status status = chy_storage_read(
        call->runtime->storage, call->op, CHY_C_ALERT_STATES, CHY_KEY(chy_value_uuid(id)),
        CHY_FIELDS(CHY_ALERT_STATE_LAST_AT, CHY_ALERT_STATE_LAST_STATUS,
                   CHY_ALERT_STATE_LAST_ERROR),
        &row);
    if (status != CHY_OK && status != CHY_NOT_FOUND) {
        return status;
    }
    if (status == CHY_NOT_FOUND || chy_row_is_null(&row, 0)) {
        return chy_json_set_null(object, "lastRun") ? CHY_OK : chy_fail_memory(call->op);
    }
    json_t *run = json_object();
    bool fine = json_object_set_new(object, "lastRun", run) == 0 &&
                chy_json_set_time(run, "timestamp", chy_row_time(&row, 0)) &&
                chy_json_set_text(run, "status", chy_row_text(&row, 1)) &&
                (chy_row_is_null(&row, 2) ? chy_json_set_null(run, "error")
                                          : chy_json_set_text(run, "error", chy_row_text(&row, 2)));
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

static chy_status decorate(struct chy_call *call, const struct chy_storage_row *row, json_t *object)
{
    struct chy_alert_channels channels;
    struct chy_uuid id = chy_row_uuid(row, CHY_ALERT_ID);
    CHY_TRY(chy_alert_channels_read(call->runtime, call->op, &id, &channels));
    CHY_TRY(chy_alert_channels_show(call, &channels, object));
    return show_last_run(call, &id, object);
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    const json_t *enabled = json_object_get(call->document, "enabled");
    if (json_is_boolean(enabled)) {
        chy_query_eq(query, CHY_ALERT_ENABLED, chy_value_bool(json_is_true(enabled)));
    }
    return CHY_OK;
}

static chy_status list(struct chy_call *call)
{
    CHY_TRY(chy_kind_list(call));
    return chy_listing_repeat_total(call);
}

/* ------------------------------------------------------------------------------------------------
 * The kind
 */

#define CHANGES                                                                       \
    "\"name\":" NAME_SHAPE ",\"description\":" CHY_SHAPE_DESCRIPTION                  \
    ",\"eventType\":" CHY_ALERT_TYPE_SHAPE ",\"alertBefore\":" CHY_ALERT_BEFORE_SHAPE \
    ",\"filters\":" CHY_ALERT_FILTERS_SHAPE ",\"enabled\":" ENABLED_SHAPE             \
    ",\"channels\":" CHY_ALERT_CHANNELS_SHAPE
#define CREATE_SHAPE                                                                          \
    "{\"type\":\"object\",\"required\":[\"name\",\"eventType\",\"channels\"],\"properties\":" \
    "{\"projectId\":" CHY_SHAPE_ID "," CHANGES "}}"
#define UPDATE_SHAPE "{\"type\":\"object\",\"properties\":{" CHANGES "}}"
#define LIST_SHAPE \
    CHY_LIST_SHAPE_WITH(",\"eventType\":" CHY_ALERT_TYPE_SHAPE ",\"enabled\":" ENABLED_SHAPE)

static const struct chy_action actions[] = {
    {"create", CHY_ACTION_CREATE, 0, CREATE_SHAPE, create},
    {"get", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID, NULL, chy_kind_get},
    {"list", CHY_ACTION_READ, CHY_ACTION_QUERY, LIST_SHAPE, list},
    {"update", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, UPDATE_SHAPE, update},
    {"delete", CHY_ACTION_DELETE, CHY_ACTION_NEEDS_ID, NULL, delete_alert},
    {"certificates", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID | CHY_ACTION_QUERY,
     CHY_ALERT_CERTIFICATES_SHAPE, chy_alert_certificates},
    {"preview", CHY_ACTION_READ, 0, CHY_ALERT_PREVIEW_SHAPE, chy_alert_preview},
    {"test-webhook", CHY_ACTION_EDIT, 0, CHY_ALERT_TEST_WEBHOOK_SHAPE, chy_alert_test_webhook},
    {"test", CHY_ACTION_EDIT, CHY_ACTION_NEEDS_ID, CHY_ALERT_TEST_SHAPE, chy_alert_test},
    {"deliveries", CHY_ACTION_READ, CHY_ACTION_NEEDS_ID | CHY_ACTION_QUERY,
     CHY_ALERT_DELIVERIES_SHAPE, chy_alert_deliveries},
};

static const struct chy_kind_answer answers[] = {
    {"list", "{'alerts': ['#Alert'], 'total': 'int', 'totalCount': 'int', 'cursor?': 'text'}",
     NULL},
    {"certificates", CHY_ALERT_CERTIFICATES_OUTLINE, NULL},
    {"preview", CHY_ALERT_CERTIFICATES_OUTLINE, NULL},
    {"test-webhook", "{'success': 'bool', 'error?': 'text'}", NULL},
    {"test", CHY_ALERT_TEST_OUTLINE, NULL},
    {"deliveries", CHY_ALERT_DELIVERIES_OUTLINE, NULL},
};

const struct chy_kind chy_kind_alert = {
    .name = "alerts",
    .singular = "alert",
    .plural = "alerts",
    .what = "alert",
    .subject = CHY_SUBJECT_ALERTS,
    .audit = "alert",
    .collection = CHY_C_ALERTS,
    .id_field = CHY_ALERT_ID,
    .project_field = CHY_ALERT_PROJECT_ID,
    .search_field = CHY_ALERT_NAME,
    .created_field = CHY_ALERT_CREATED_AT,
    .updated_field = CHY_ALERT_UPDATED_AT,
    .members = members,
    .member_count = CHY_COUNT_OF(members),
    .actions = actions,
    .action_count = CHY_COUNT_OF(actions),
    .decoration = "{'channels': [" CHY_ALERT_CHANNEL_OUTLINE "], 'lastRun': [{'timestamp': "
                  "'time', 'status': '=success|failed', 'error': 'text?'}, null]}",
    .answers = answers,
    .answer_count = CHY_COUNT_OF(answers),
    .hooks = {.before_create = before_create,
              .before_update = before_update,
              .before_delete = before_delete,
              .narrow = narrow,
              .on_conflict = on_conflict,
              .decorate = decorate},
};
