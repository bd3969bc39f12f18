#include "plugin/storage_state.h"

#include "base/time.h"
#include "plugin/schema.h"
#include "plugin/view.h"

static chy_status fail_answer(const struct chy_storage *storage, struct chy_op *op,
                              const char *what, uint64_t found, uint64_t expected)
{
    return chy_fail(op, CHY_BROKEN, 0, "%s answered with %s: found %llu, expected %llu",
                    storage->what, what, (unsigned long long)found, (unsigned long long)expected);
}

static chy_status check_value(const struct chy_storage *storage, struct chy_op *op,
                              const struct chy_field *field, const struct chy_value *value)
{
    uint32_t expected =
        (field->flags & CHY_FIELD_MANY) != 0 ? (uint32_t)CHY_VALUE_MANY : field->type;
    bool is_allowed_null =
        value->type == CHY_VALUE_NULL && (field->flags & CHY_FIELD_NULLABLE) != 0;
    if (value->type != expected && !is_allowed_null) {
        return fail_answer(storage, op, "a value of another type", value->type, expected);
    }
    if (value->type == CHY_VALUE_UUID && value->bytes.len != 16) {
        return fail_answer(storage, op, "a uuid of another length", value->bytes.len, 16);
    }
    // Damaged times must not reach who adds and subtracts.
    if (value->type == CHY_VALUE_TIME &&
        (value->number < CHY_TIME_MIN || value->number > CHY_TIME_MAX)) {
        return fail_answer(storage, op, "a time outside the calendar", (uint64_t)value->number,
                           (uint64_t)CHY_TIME_MAX);
    }
    if (value->type == CHY_VALUE_MANY && value->items.count != 0 &&
        value->items.stride < sizeof(struct chy_slice)) {
        return fail_answer(storage, op, "texts of another size", value->items.stride,
                           sizeof(struct chy_slice));
    }
    return CHY_OK;
}

chy_status chy_storage_check_row(const struct chy_storage *storage, struct chy_op *op,
                                 uint32_t collection, struct chy_view fields,
                                 const struct chy_storage_row *row)
{
    const struct chy_collection *declared = chy_schema_collection(storage->schema, collection);
    if (row->values.count != fields.count) {
        return fail_answer(storage, op, "another number of values", row->values.count,
                           fields.count);
    }
    if (fields.count != 0 && row->values.stride < sizeof(struct chy_value)) {
        return fail_answer(storage, op, "values of another size", row->values.stride,
                           sizeof(struct chy_value));
    }
    for (uint64_t i = 0; i < fields.count; i++) {
        const uint32_t *number = chy_view_item(fields, i);
        const struct chy_field *field = chy_view_item(declared->fields, *number);
        CHY_TRY(check_value(storage, op, field, chy_view_item(row->values, i)));
    }
    return CHY_OK;
}

chy_status chy_storage_check_page(const struct chy_storage *storage, struct chy_op *op,
                                  const struct chy_storage_find *find,
                                  const struct chy_storage_page *page)
{
    if (page->rows.count > find->limit) {
        return fail_answer(storage, op, "more rows than were asked for", page->rows.count,
                           find->limit);
    }
    if (page->rows.count != 0 && page->rows.stride < sizeof(struct chy_storage_row)) {
        return fail_answer(storage, op, "rows of another size", page->rows.stride,
                           sizeof(struct chy_storage_row));
    }
    if (page->more != 0 && page->cursor.len == 0) {
        return fail_answer(storage, op, "more to come but no cursor", page->cursor.len, 1);
    }
    for (uint64_t i = 0; i < page->rows.count; i++) {
        CHY_TRY(chy_storage_check_row(storage, op, find->collection, find->fields,
                                      chy_view_item(page->rows, i)));
    }
    return CHY_OK;
}

chy_status chy_storage_check_outcome(const struct chy_storage *storage, struct chy_op *op,
                                     chy_status status, uint64_t write_count,
                                     const struct chy_storage_outcome *outcome)
{
    if (status == CHY_CONFLICT && outcome->failed_write != CHY_NO_WRITE &&
        outcome->failed_write >= write_count) {
        return fail_answer(storage, op, "a conflict in a write that was not sent",
                           outcome->failed_write, write_count);
    }
    if (status != CHY_OK) {
        return CHY_OK;
    }
    if (outcome->results.count != write_count) {
        return fail_answer(storage, op, "another number of results", outcome->results.count,
                           write_count);
    }
    if (outcome->results.stride < sizeof(struct chy_write_result)) {
        return fail_answer(storage, op, "results of another size", outcome->results.stride,
                           sizeof(struct chy_write_result));
    }
    return CHY_OK;
}
