#include "alert/log.h"

#include "resource/collections.h"
#include "resource/listing.h"

#define LIST_LIMIT 20

static const struct {
    const char *name;
    uint32_t field;
} shown[] = {{"id", CHY_DELIVERY_ID},
             {"channelId", CHY_DELIVERY_CHANNEL_ID},
             {"channelType", CHY_DELIVERY_CHANNEL_TYPE},
             {"sequence", CHY_DELIVERY_SEQUENCE},
             {"type", CHY_DELIVERY_TYPE},
             {"status", CHY_DELIVERY_STATUS},
             {"attempts", CHY_DELIVERY_ATTEMPTS},
             {"nextAttemptAt", CHY_DELIVERY_NEXT_AT},
             {"lastError", CHY_DELIVERY_LAST_ERROR},
             {"responseCode", CHY_DELIVERY_RESPONSE_CODE},
             {"certificates", CHY_DELIVERY_CERTIFICATES},
             {"createdAt", CHY_DELIVERY_CREATED_AT},
             {"updatedAt", CHY_DELIVERY_UPDATED_AT}};

static chy_status show(struct chy_call *call, const struct chy_storage_row *row, json_t *list)
{
    json_t *object = json_object();
    bool fine = json_array_append_new(list, object) == 0;
    for (uint32_t i = 0; i < CHY_COUNT_OF(shown) && fine; i++) {
        fine = json_object_set_new(object, shown[i].name,
                                   chy_value_to_json(call->op, chy_row_value(row, i))) == 0;
    }
    return fine ? CHY_OK : chy_fail_memory(call->op);
}

chy_status chy_alert_deliveries(struct chy_call *call)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct chy_storage_row alert;
    uint32_t fields[CHY_COUNT_OF(shown)];
    struct chy_slice status = chy_json_member(call->document, "status");
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    for (size_t i = 0; i < CHY_COUNT_OF(shown); i++) {
        fields[i] = shown[i].field;
    }
    CHY_TRY(chy_call_row(call, &call->id, &alert));
    CHY_TRY(chy_listing_init(&listing, call, CHY_C_ALERT_DELIVERIES,
                             chy_view_of(fields, CHY_COUNT_OF(fields), sizeof fields[0]),
                             LIST_LIMIT));
    chy_query_eq(&listing.query, CHY_DELIVERY_ALERT_ID, chy_value_uuid(&call->id));
    if (status.len != 0) {
        chy_query_eq(&listing.query, CHY_DELIVERY_STATUS, chy_value_text(status));
    }
    chy_query_order(&listing.query, CHY_DELIVERY_CREATED_AT, true);
    CHY_TRY(chy_listing_run(&listing, &page));
    for (uint64_t i = 0; i < page.count; i++) {
        CHY_TRY(show(call, page.rows[i], list));
    }
    CHY_TRY(chy_listing_answer(call, "deliveries", list, &page));
    return chy_listing_repeat_total(call);
}
