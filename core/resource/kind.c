#include "resource/kind.h"

#include "base/slice.h"
#include "base/time.h"
#include "plugin/schema.h"
#include "plugin/view.h"
#include "resource/collections.h"
#include "resource/kind_visible.h"
#include "resource/listing.h"

/* ------------------------------------------------------------------------------------------------
 * Values and JSON
 */

static const struct chy_collection *collection_of(const struct chy_call *call)
{
    return (const struct chy_collection *)chy_view_item(
        chy_storage_schema(call->runtime->storage)->collections, call->kind->collection);
}

static uint32_t field_type(const struct chy_call *call, uint32_t field)
{
    const struct chy_collection *collection = collection_of(call);
    const struct chy_field *declared =
        (const struct chy_field *)chy_view_item(collection->fields, field);
    return declared->type;
}

static json_t *uuid_to_json(struct chy_slice bytes)
{
    struct chy_uuid uuid;
    char text[CHY_UUID_TEXT_SIZE];
    memcpy(uuid.bytes, bytes.ptr, sizeof uuid.bytes);
    chy_uuid_format(&uuid, text);
    return json_stringn(text, CHY_UUID_TEXT_LEN);
}

static json_t *time_to_json(int64_t time)
{
    char text[CHY_TIME_TEXT_SIZE];
    chy_time_format(time, text);
    return json_stringn(text, CHY_TIME_TEXT_LEN);
}

static json_t *many_to_json(struct chy_view items)
{
    json_t *list = json_array();
    for (uint64_t i = 0; list != NULL && i < items.count; i++) {
        const struct chy_slice *item = (const struct chy_slice *)chy_view_item(items, i);
        (void)json_array_append_new(list, json_stringn((const char *)item->ptr, (size_t)item->len));
    }
    return list;
}

json_t *chy_value_to_json(struct chy_op *op, const struct chy_value *value)
{
    json_t *parsed;
    switch (value->type) {
    case CHY_VALUE_TEXT:
        return json_stringn((const char *)value->bytes.ptr, (size_t)value->bytes.len);
    case CHY_VALUE_INT: return json_integer(value->number);
    case CHY_VALUE_BOOL: return json_boolean(value->number != 0);
    case CHY_VALUE_TIME: return time_to_json(value->number);
    case CHY_VALUE_UUID: return uuid_to_json(value->bytes);
    case CHY_VALUE_JSON:
        return chy_json_parse(op, value->bytes, &parsed) == CHY_OK ? json_incref(parsed) : NULL;
    case CHY_VALUE_MANY: return many_to_json(value->items);
    default: return json_null(); // null, and blobs, which no member shows
    }
}

chy_status chy_kind_object(struct chy_op *op, const struct chy_kind *kind,
                           const struct chy_storage_row *row, json_t **out_object)
{
    json_t *object = chy_json_object(op);
    if (object == NULL) {
        return chy_fail_memory(op);
    }
    for (size_t i = 0; i < kind->member_count; i++) {
        const struct chy_member *member = &kind->members[i];
        json_t *json = chy_value_to_json(op, chy_row_value(row, member->field));
        if (json == NULL || json_object_set_new(object, member->name, json) != 0) {
            return chy_fail(op, CHY_BROKEN, 0, "the stored %s of a %s cannot be read", member->name,
                            kind->what);
        }
    }
    *out_object = object;
    return CHY_OK;
}

chy_status chy_call_object(struct chy_call *call, const struct chy_storage_row *row,
                           json_t **out_object)
{
    json_t *object;
    CHY_TRY(chy_kind_object(call->op, call->kind, row, &object));
    if (call->kind->hooks.decorate != NULL) {
        CHY_TRY(call->kind->hooks.decorate(call, row, object));
    }
    *out_object = object;
    return CHY_OK;
}

chy_status chy_call_answer(struct chy_call *call, json_t *object)
{
    if (call->kind->singular == NULL) {
        call->answer = object;
        return CHY_OK;
    }
    json_t *wrapper = chy_json_object(call->op);
    if (wrapper == NULL || json_object_set(wrapper, call->kind->singular, object) != 0) {
        return chy_fail_memory(call->op);
    }
    call->answer = wrapper;
    return CHY_OK;
}

chy_status chy_call_answer_row(struct chy_call *call, const struct chy_storage_row *row)
{
    json_t *object;
    CHY_TRY(chy_call_object(call, row, &object));
    return chy_call_answer(call, object);
}

static chy_status json_to_value(struct chy_call *call, uint32_t type, const json_t *json,
                                struct chy_value *out_value)
{
    struct chy_uuid *uuid;
    int64_t time;
    struct chy_slice text;
    switch (type) {
    case CHY_VALUE_TEXT: *out_value = chy_value_text(chy_json_text(json)); return CHY_OK;
    case CHY_VALUE_INT: *out_value = chy_value_int(json_integer_value(json)); return CHY_OK;
    case CHY_VALUE_BOOL: *out_value = chy_value_bool(json_is_true(json)); return CHY_OK;
    case CHY_VALUE_TIME:
        if (!chy_time_parse(chy_json_text(json), &time)) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "a date is not ISO 8601");
        }
        *out_value = chy_value_time(time);
        return CHY_OK;
    case CHY_VALUE_UUID:
        uuid = chy_alloc(call->op, sizeof *uuid);
        if (uuid == NULL) {
            return chy_fail_memory(call->op);
        }
        if (!chy_uuid_parse(chy_json_text(json), uuid)) {
            return chy_fail(call->op, CHY_BAD_INPUT, 0, "an id is not a UUID");
        }
        *out_value = chy_value_uuid(uuid);
        return CHY_OK;
    case CHY_VALUE_JSON:
        CHY_TRY(chy_json_write(call->op, json, &text));
        *out_value = chy_value_json(text);
        return CHY_OK;
    default:
        return chy_fail(call->op, CHY_BROKEN, 0, "a member of %s has a field that no JSON fills",
                        call->kind->what);
    }
}

chy_status chy_call_set_members(struct chy_call *call, struct chy_write *write, bool is_update)
{
    for (size_t i = 0; i < call->kind->member_count; i++) {
        const struct chy_member *member = &call->kind->members[i];
        uint32_t unset = CHY_MEMBER_DERIVED | (is_update ? CHY_MEMBER_FIXED : 0U);
        const json_t *json = json_object_get(call->document, member->name);
        bool is_project = member->field == call->kind->project_field; // resolved, not taken over
        if ((member->flags & unset) != 0 || json == NULL || is_project) {
            continue;
        }
        struct chy_value value = chy_value_null();
        if (!json_is_null(json)) {
            CHY_TRY(json_to_value(call, field_type(call, member->field), json, &value));
        }
        chy_write_set(write, member->field, value);
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The ordinary actions
 */

bool chy_kind_is_in_project(const struct chy_kind *kind)
{
    return kind->project_field != CHY_NO_FIELD && kind->project_field != kind->id_field;
}

chy_status chy_call_commit(struct chy_call *call, struct chy_batch *batch, const char *verb,
                           const struct chy_uuid *target)
{
    char action[64];
    (void)snprintf(action, sizeof action, "%s.%s", call->kind->audit, verb);
    struct chy_slice action_text;
    CHY_TRY(chy_copy(call->op, chy_text(action), &action_text));
    struct chy_audit_event event = {
        .action = (const char *)action_text.ptr,
        .target_kind = call->kind->name,
        .outcome = CHY_AUDIT_OK,
        .project_id = chy_uuid_is_nil(&call->project_id) ? NULL : &call->project_id,
        .detail = call->audit_detail,
    };
    CHY_TRY(chy_uuid_text(call->op, target, &event.target));
    return chy_call_commit_event(call, batch, &event);
}

chy_status chy_call_commit_event(struct chy_call *call, struct chy_batch *batch,
                                 const struct chy_audit_event *event)
{
    CHY_TRY(chy_audit_add(call->runtime, batch, event));
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    chy_status status = chy_runtime_commit(call->runtime, batch, &outcome);
    if (status == CHY_CONFLICT && outcome.failed_index.len != 0 &&
        call->kind->hooks.on_conflict != NULL) {
        return call->kind->hooks.on_conflict(call, outcome.failed_index);
    }
    if (status == CHY_CONFLICT) {
        return chy_fail(call->op, CHY_CONFLICT, 0,
                        "the %s was changed by someone else in the meantime; read it again",
                        call->kind->what);
    }
    return status;
}

static chy_status answer_stored(struct chy_call *call, const struct chy_uuid *id)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_read(call->runtime->storage, call->op, call->kind->collection,
                             CHY_KEY(chy_value_uuid(id)), chy_call_fields(call), &row));
    return chy_call_answer_row(call, &row);
}

chy_status chy_kind_create(struct chy_call *call)
{
    const struct chy_kind *kind = call->kind;
    if (chy_kind_is_in_project(kind)) {
        CHY_TRY(chy_call_project(call));
    } else {
        CHY_TRY(chy_require(call->op, NULL, kind->subject, call->action->permission, kind->what));
    }
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    CHY_TRY(chy_runtime_new_uuid(call->runtime, call->op, &call->id));
    struct chy_write *write =
        chy_batch_insert(&batch, kind->collection, CHY_KEY(chy_value_uuid(&call->id)));
    CHY_TRY(chy_call_set_members(call, write, false));
    if (chy_kind_is_in_project(kind)) {
        chy_write_set(write, kind->project_field, chy_value_uuid(&call->project_id));
    }
    chy_write_set(write, kind->created_field, chy_value_time(chy_now(call->op)));
    if (kind->updated_field != CHY_NO_FIELD) {
        chy_write_set(write, kind->updated_field, chy_value_time(chy_now(call->op)));
    }
    if (kind->hooks.before_create != NULL) {
        CHY_TRY(kind->hooks.before_create(call, &batch, write));
    }
    CHY_TRY(chy_call_commit(call, &batch, "create", &call->id));
    return answer_stored(call, &call->id);
}

chy_status chy_kind_get(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    return chy_call_answer_row(call, &row);
}

chy_status chy_kind_update(struct chy_call *call)
{
    struct chy_storage_row row;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_update(&batch, call->kind->collection, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row.revision);
    CHY_TRY(chy_call_set_members(call, write, true));
    if (call->kind->updated_field != CHY_NO_FIELD) {
        chy_write_set(write, call->kind->updated_field, chy_value_time(chy_now(call->op)));
    }
    if (call->kind->hooks.before_update != NULL) {
        CHY_TRY(call->kind->hooks.before_update(call, &row, &batch, write));
    }
    CHY_TRY(chy_call_commit(call, &batch, "update", &call->id));
    return answer_stored(call, &call->id);
}

chy_status chy_kind_delete(struct chy_call *call)
{
    struct chy_storage_row row;
    json_t *object;
    CHY_TRY(chy_call_row(call, &call->id, &row));
    CHY_TRY(chy_call_object(call, &row, &object));
    struct chy_batch batch;
    chy_batch_init(&batch, call->op, 0);
    struct chy_write *write =
        chy_batch_delete(&batch, call->kind->collection, CHY_KEY(chy_value_uuid(&call->id)));
    chy_write_guard_revision(write, row.revision);
    if (call->kind->hooks.before_delete != NULL) {
        CHY_TRY(call->kind->hooks.before_delete(call, &row, &batch));
    }
    CHY_TRY(chy_call_commit(call, &batch, "delete", &call->id));
    return chy_call_answer(call, object);
}

#define LIST_LIMIT 20

static const struct chy_list_filter *filter_of(const struct chy_kind *kind, const char *name)
{
    for (size_t i = 0; i < kind->filter_count; i++) {
        if (strcmp(kind->filters[i].name, name) == 0) {
            return &kind->filters[i];
        }
    }
    return NULL;
}

static chy_status narrow_by(struct chy_call *call, struct chy_query *query,
                            const struct chy_list_filter *filter)
{
    struct chy_slice text = chy_json_member(call->document, filter->name);
    uint32_t type = field_type(call, filter->field);
    struct chy_value value;
    if (text.len == 0) {
        return CHY_OK;
    }
    if (filter->lower) {
        CHY_TRY(chy_slice_lower(call->op, text, &text));
        value = chy_value_text(text);
    } else {
        CHY_TRY(json_to_value(call, type, json_object_get(call->document, filter->name), &value));
    }
    chy_query_eq(query, filter->field, value);
    return CHY_OK;
}

static chy_status narrow(struct chy_call *call, struct chy_query *query)
{
    const struct chy_kind *kind = call->kind;
    struct chy_slice search = chy_json_member(call->document, "search");
    if (kind->project_field != CHY_NO_FIELD) {
        chy_query_eq(query, kind->project_field, chy_value_uuid(&call->project_id));
    }
    if (kind->has_application) {
        CHY_TRY(chy_call_narrow_applications(call, query, kind->application_field));
    }
    if (search.len != 0 && kind->search_field != CHY_NO_FIELD) {
        chy_query_prefix(query, kind->search_field, search);
    }
    for (size_t i = 0; i < kind->filter_count; i++) {
        CHY_TRY(narrow_by(call, query, &kind->filters[i]));
    }
    for (size_t i = 0; i < kind->member_count; i++) { // a query member of the same name: equality
        struct chy_list_filter same = {kind->members[i].name, kind->members[i].field, false};
        if (field_type(call, same.field) == CHY_VALUE_TEXT && filter_of(kind, same.name) == NULL) {
            CHY_TRY(narrow_by(call, query, &same));
        }
    }
    return kind->hooks.narrow == NULL ? CHY_OK : kind->hooks.narrow(call, query);
}

/** begin_list finds the project and asks for the permission. */
static chy_status begin_list(struct chy_call *call)
{
    const struct chy_kind *kind = call->kind;
    if (kind->project_field == CHY_NO_FIELD) {
        return chy_require(call->op, NULL, kind->subject, call->action->permission, kind->what);
    }
    return kind->has_application || kind->hooks.facts != NULL ? chy_call_project_partly(call)
                                                              : chy_call_project(call);
}

chy_status chy_kind_list(struct chy_call *call)
{
    struct chy_listing listing;
    struct chy_list_page page;
    struct chy_visible visible;
    CHY_TRY(begin_list(call));
    json_t *list = chy_json_array(call->op);
    if (list == NULL) {
        return chy_fail_memory(call->op);
    }
    CHY_TRY(chy_listing_init(&listing, call, call->kind->collection, chy_call_fields(call),
                             LIST_LIMIT));
    CHY_TRY(chy_visible_only(call, &visible, &listing));
    CHY_TRY(narrow(call, &listing.query));
    chy_query_order(&listing.query, call->kind->created_field, true);
    CHY_TRY(chy_listing_run(&listing, &page));
    CHY_TRY(visible.status);
    for (uint64_t i = 0; i < page.count; i++) {
        json_t *object;
        CHY_TRY(chy_call_object(call, page.rows[i], &object));
        if (json_array_append(list, object) != 0) {
            return chy_fail_memory(call->op);
        }
    }
    return chy_listing_answer(call, call->kind->plural, list, &page);
}
