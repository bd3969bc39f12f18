/**
 * Values, keys, rows: what makes storage calls read well.  Nothing here copies or allocates.
 *
 *     CHY_KEY(chy_value_uuid(&id))                      the key of a row
 *     CHY_FIELDS(CERTIFICATE_DER, CERTIFICATE_STATUS)   the fields to read
 *     chy_row_text(&row, 1)                             the second field that was asked for
 *
 * CHY_KEY and CHY_FIELDS live to the end of the enclosing block.
 */
#ifndef CHY_PLUGIN_VALUES_H
#define CHY_PLUGIN_VALUES_H

#include "base/uuid.h"

#include <chancery/storage.h>

#include <assert.h>
#include <stdbool.h>

/* --- values ---------------------------------------------------------------------------------- */

static inline struct chy_value chy_value_null(void)
{
    struct chy_value value;
    memset(&value, 0, sizeof value);
    return value;
}

static inline struct chy_value chy_value_number(enum chy_value_type type, int64_t number)
{
    struct chy_value value = chy_value_null();
    value.type = (uint32_t)type;
    value.number = number;
    return value;
}

static inline struct chy_value chy_value_bytes(enum chy_value_type type, struct chy_slice bytes)
{
    struct chy_value value = chy_value_null();
    value.type = (uint32_t)type;
    value.bytes = bytes;
    return value;
}

static inline struct chy_value chy_value_int(int64_t number)
{
    return chy_value_number(CHY_VALUE_INT, number);
}

static inline struct chy_value chy_value_bool(bool yes)
{
    return chy_value_number(CHY_VALUE_BOOL, yes ? 1 : 0);
}

/** chy_value_time takes µs UTC. */
static inline struct chy_value chy_value_time(int64_t time)
{
    return chy_value_number(CHY_VALUE_TIME, time);
}

static inline struct chy_value chy_value_text(struct chy_slice text)
{
    return chy_value_bytes(CHY_VALUE_TEXT, text);
}

/** chy_value_text_or_null is null for the empty slice. */
static inline struct chy_value chy_value_text_or_null(struct chy_slice text)
{
    return text.len == 0 ? chy_value_null() : chy_value_text(text);
}

static inline struct chy_value chy_value_blob(struct chy_slice bytes)
{
    return chy_value_bytes(CHY_VALUE_BLOB, bytes);
}

/** chy_value_blob_or_null and chy_value_json_or_null are null for the empty slice. */
static inline struct chy_value chy_value_blob_or_null(struct chy_slice bytes)
{
    return bytes.len == 0 ? chy_value_null() : chy_value_blob(bytes);
}

static inline struct chy_value chy_value_json(struct chy_slice json)
{
    return chy_value_bytes(CHY_VALUE_JSON, json);
}

static inline struct chy_value chy_value_json_or_null(struct chy_slice json)
{
    return json.len == 0 ? chy_value_null() : chy_value_json(json);
}

/** chy_value_uuid borrows `uuid`. */
static inline struct chy_value chy_value_uuid(const struct chy_uuid *uuid)
{
    return chy_value_bytes(CHY_VALUE_UUID, chy_slice_of(uuid->bytes, sizeof uuid->bytes));
}

/** chy_value_uuid_or_null is null for NULL and for the nil UUID. */
static inline struct chy_value chy_value_uuid_or_null(const struct chy_uuid *uuid)
{
    return uuid == NULL || chy_uuid_is_nil(uuid) ? chy_value_null() : chy_value_uuid(uuid);
}

/** chy_value_many takes a view of struct chy_slice. */
static inline struct chy_value chy_value_many(struct chy_view texts)
{
    struct chy_value value = chy_value_null();
    value.type = CHY_VALUE_MANY;
    value.items = texts;
    return value;
}

/* --- keys and field lists
 *  ---------------------------------------------------------------------- */

static inline struct chy_view chy_view_of(const void *ptr, uint64_t count, uint64_t stride)
{
    struct chy_view view = {ptr, count, stride};
    return view;
}

#define CHY_KEY(...)                                                                        \
    chy_view_of((const struct chy_value[]){__VA_ARGS__},                                    \
                sizeof((const struct chy_value[]){__VA_ARGS__}) / sizeof(struct chy_value), \
                sizeof(struct chy_value))

#define CHY_FIELDS(...)                          \
    chy_view_of((const uint32_t[]){__VA_ARGS__}, \
                sizeof((const uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t), sizeof(uint32_t))

/** CHY_NO_FIELDS asks for the revision only. */
#define CHY_NO_FIELDS chy_view_of(NULL, 0, sizeof(uint32_t))

/* --- rows ------------------------------------------------------------------------------------ */

/** chy_row_value is value `index` of a row that chy_storage_get() or _find() gave, which has it. */
static inline const struct chy_value *chy_row_value(const struct chy_storage_row *row,
                                                    uint32_t index)
{
    const struct chy_value *value = (const struct chy_value *)chy_view_at(row->values, index);
    assert(value != NULL);
    return value;
}

static inline bool chy_row_is_null(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_value(row, index)->type == CHY_VALUE_NULL;
}

/** chy_row_bytes is a text, blob, json or uuid; empty for null. */
static inline struct chy_slice chy_row_bytes(const struct chy_storage_row *row, uint32_t index,
                                             enum chy_value_type type)
{
    const struct chy_value *value = chy_row_value(row, index);
    assert(value->type == (uint32_t)type || value->type == CHY_VALUE_NULL);
    return value->type == CHY_VALUE_NULL ? chy_slice_of(NULL, 0) : value->bytes;
}

static inline struct chy_slice chy_row_text(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_bytes(row, index, CHY_VALUE_TEXT);
}

static inline struct chy_slice chy_row_blob(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_bytes(row, index, CHY_VALUE_BLOB);
}

static inline struct chy_slice chy_row_json(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_bytes(row, index, CHY_VALUE_JSON);
}

/** chy_row_number is an int, bool or time; 0 for null. */
static inline int64_t chy_row_number(const struct chy_storage_row *row, uint32_t index,
                                     enum chy_value_type type)
{
    const struct chy_value *value = chy_row_value(row, index);
    assert(value->type == (uint32_t)type || value->type == CHY_VALUE_NULL);
    return value->type == CHY_VALUE_NULL ? 0 : value->number;
}

static inline int64_t chy_row_int(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_number(row, index, CHY_VALUE_INT);
}

static inline int64_t chy_row_time(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_number(row, index, CHY_VALUE_TIME);
}

static inline bool chy_row_bool(const struct chy_storage_row *row, uint32_t index)
{
    return chy_row_number(row, index, CHY_VALUE_BOOL) != 0;
}

/** chy_row_uuid is the nil UUID for null. */
static inline struct chy_uuid chy_row_uuid(const struct chy_storage_row *row, uint32_t index)
{
    struct chy_uuid uuid = {{0}};
    struct chy_slice bytes = chy_row_bytes(row, index, CHY_VALUE_UUID);
    if (bytes.len == sizeof uuid.bytes) {
        memcpy(uuid.bytes, bytes.ptr, sizeof uuid.bytes);
    }
    return uuid;
}

/** chy_row_many is a view of struct chy_slice, in bytewise order. */
static inline struct chy_view chy_row_many(const struct chy_storage_row *row, uint32_t index)
{
    const struct chy_value *value = chy_row_value(row, index);
    assert(value->type == CHY_VALUE_MANY || value->type == CHY_VALUE_NULL);
    return value->type == CHY_VALUE_MANY ? value->items
                                         : chy_view_of(NULL, 0, sizeof(struct chy_slice));
}

/** chy_page_row is row `index` of a page, which has it. */
static inline const struct chy_storage_row *chy_page_row(const struct chy_storage_page *page,
                                                         uint64_t index)
{
    const struct chy_storage_row *row =
        (const struct chy_storage_row *)chy_view_at(page->rows, index);
    assert(row != NULL);
    return row;
}

#endif
