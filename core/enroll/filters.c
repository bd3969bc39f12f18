#include "enroll/filters.h"

#include "base/buf.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/application.h"
#include "enroll/names.h"
#include "x509/algorithm.h"

static chy_status word_value(struct chy_call *call, struct chy_slice word,
                             enum chy_filter_form form, struct chy_value *out_value)
{
    struct chy_uuid *uuid;
    struct chy_slice text = word;
    const char *name = NULL;
    switch (form) {
    case CHY_FILTER_LOWER: CHY_TRY(chy_slice_lower(call->op, word, &text)); break;
    case CHY_FILTER_KEY_ALGORITHM:
        name = chy_key_algorithm_name(chy_key_algorithm_find(word));
        break;
    case CHY_FILTER_SIGNATURE_ALGORITHM:
        name = chy_signature_algorithm_name(chy_signature_algorithm_find(word));
        break;
    case CHY_FILTER_UUID:
        uuid = chy_alloc(call->op, sizeof *uuid);
        if (uuid == NULL) {
            return chy_fail_memory(call->op);
        }
        if (!chy_uuid_parse(word, uuid)) {
            return chy_shape_refuse_one(call->op, "invalid_string", "", "an id is a UUID");
        }
        *out_value = chy_value_uuid(uuid);
        return CHY_OK;
    }
    *out_value = chy_value_text(name == NULL ? text : chy_text(name));
    return CHY_OK;
}

chy_status chy_filter_in(struct chy_call *call, struct chy_query *query, uint32_t field,
                         const char *member, enum chy_filter_form form)
{
    const json_t *json = json_object_get(call->document, member);
    size_t count = json_is_array(json) ? json_array_size(json) : 1;
    bool none = !json_is_array(json) && chy_json_text(json).len == 0;
    if (none || count == 0) {
        return CHY_OK;
    }
    struct chy_value *values = chy_alloc(call->op, count * sizeof *values);
    if (values == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *word = json_is_array(json) ? json_array_get(json, i) : json;
        CHY_TRY(word_value(call, chy_json_text(word), form, &values[i]));
    }
    if (count == 1) {
        chy_query_eq(query, field, values[0]);
    } else {
        chy_query_in(query, field, chy_view_of(values, count, sizeof *values));
    }
    return CHY_OK;
}

chy_status chy_filter_application(struct chy_call *call, struct chy_query *query, uint32_t field)
{
    const struct chy_uuid none = {{0}};
    struct chy_enroll_application application;
    struct chy_uuid *id = chy_alloc(call->op, sizeof *id); // the query borrows it
    if (id == NULL) {
        return chy_fail_memory(call->op);
    }
    if (!chy_call_uuid(call, "applicationId", id)) {
        return CHY_OK;
    }
    CHY_TRY(chy_enroll_application_get(call->runtime, call->op, &call->project_id, id, &none,
                                       &application));
    *id = application.is_there ? *id : none;
    chy_query_eq(query, field, chy_value_uuid(id));
    return CHY_OK;
}

static chy_status read_time(struct chy_call *call, const char *member, struct chy_value *out_value)
{
    struct chy_slice text = chy_json_member(call->document, member);
    int64_t time;
    *out_value = chy_value_null();
    if (text.len == 0) {
        return CHY_OK;
    }
    if (!chy_time_parse(text, &time)) {
        char path[64];
        (void)snprintf(path, sizeof path, "/%s", member);
        return chy_shape_refuse_one(call->op, "invalid_date", path,
                                    "expected a date such as 2026-01-31 or 2026-01-31T12:00:00Z");
    }
    *out_value = chy_value_time(time);
    return CHY_OK;
}

chy_status chy_filter_between(struct chy_call *call, struct chy_query *query, uint32_t field,
                              const char *from, const char *to)
{
    struct chy_value low;
    struct chy_value high;
    CHY_TRY(read_time(call, from, &low));
    CHY_TRY(read_time(call, to, &high));
    if (high.type != CHY_VALUE_NULL) {
        high.number += 1; // a range ends before its high bound; times end far below the largest
    }
    if (low.type != CHY_VALUE_NULL || high.type != CHY_VALUE_NULL) {
        chy_query_range(query, field, low, high);
    }
    return CHY_OK;
}

chy_status chy_filter_metadata(struct chy_call *call, struct chy_query *query, uint32_t field)
{
    const json_t *pairs = json_object_get(call->document, "metadata");
    for (size_t i = 0; i < json_array_size(pairs); i++) {
        const json_t *pair = json_array_get(pairs, i);
        const json_t *value = json_object_get(pair, "value");
        struct chy_buf text;
        chy_buf_init(&text, call->op, CHY_STORAGE_TEXT_MAX);
        chy_buf_add(&text, chy_json_member(pair, "key"));
        chy_buf_add_u8(&text, CHY_PAIR_SEPARATOR);
        chy_buf_add(&text, chy_json_text(value));
        if (!chy_buf_ok(&text)) {
            return chy_buf_fail(&text, call->op, "the metadata");
        }
        if (json_is_string(value)) {
            chy_query_has(query, field, chy_buf_slice(&text));
        } else {
            chy_query_has_prefix(query, field, chy_buf_slice(&text));
        }
    }
    return CHY_OK;
}
