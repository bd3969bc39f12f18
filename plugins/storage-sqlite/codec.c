/** Values to parameters, columns to values, sets to bytes. */
#include "db.h"

void bind_value(sqlite3_stmt *stmt, int number, const struct chy_value *value)
{
    // A bind fails only on a wrong number or a value over SQLite's limits: ours are far below.
    switch ((enum chy_value_type)value->type) {
    case CHY_VALUE_NULL: (void)sqlite3_bind_null(stmt, number); break;
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME: (void)sqlite3_bind_int64(stmt, number, value->number); break;
    case CHY_VALUE_TEXT:
    case CHY_VALUE_JSON:
        // A NULL pointer would bind null.
        (void)sqlite3_bind_text64(stmt, number,
                                  value->bytes.len == 0 ? "" : (const char *)value->bytes.ptr,
                                  value->bytes.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
        (void)sqlite3_bind_blob64(stmt, number,
                                  value->bytes.len == 0 ? (const void *)"" : value->bytes.ptr,
                                  value->bytes.len, SQLITE_STATIC);
        break;
    case CHY_VALUE_MANY:
        // An empty set is null, so that rows without one pay nothing.
        (void)sqlite3_bind_blob64(stmt, number, value->bytes.len == 0 ? NULL : value->bytes.ptr,
                                  value->bytes.len, SQLITE_STATIC);
        break;
    }
}

/* --- sets --------------------------------------------------------------------------------------*/

chy_status items_encode(struct chy_op *op, const struct chy_slice *items, uint64_t count,
                        struct chy_slice *out_bytes)
{
    uint64_t size = 0;
    for (uint64_t i = 0; i < count; i++) {
        size += 4 + items[i].len;
    }
    uint8_t *bytes = chy_alloc(op, size + 1);
    if (bytes == NULL) {
        return chy_fail_memory(op);
    }
    uint8_t *p = bytes;
    for (uint64_t i = 0; i < count; i++) {
        for (unsigned shift = 0; shift < 32; shift += 8) {
            *p++ = (uint8_t)(items[i].len >> shift);
        }
        if (items[i].len != 0) {
            memcpy(p, items[i].ptr, (size_t)items[i].len);
            p += items[i].len;
        }
    }
    *out_bytes = chy_slice_of(bytes, size);
    return CHY_OK;
}

bool items_next(struct chy_slice *rest, struct chy_slice *out_item)
{
    if (rest->len < 4) {
        return false;
    }
    uint64_t len = (uint64_t)rest->ptr[0] | (uint64_t)rest->ptr[1] << 8 |
                   (uint64_t)rest->ptr[2] << 16 | (uint64_t)rest->ptr[3] << 24;
    if (len > rest->len - 4) {
        return false;
    }
    *out_item = chy_slice_of(rest->ptr + 4, len);
    *rest = chy_slice_of(rest->ptr + 4 + len, rest->len - 4 - len);
    return true;
}

static chy_status items_decode(struct chy_op *op, struct chy_slice bytes,
                               struct chy_value *out_value)
{
    struct chy_slice rest = bytes;
    struct chy_slice item = {NULL, 0};
    uint64_t count = 0;
    while (items_next(&rest, &item)) {
        count++;
    }
    if (rest.len != 0) {
        return chy_fail(op, CHY_BROKEN, 0, "the database holds a set that is damaged");
    }
    struct chy_slice *items = chy_alloc(op, (count + 1) * sizeof *items);
    struct chy_slice copy = {NULL, 0};
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_copy(op, bytes, &copy));
    for (uint64_t i = 0; i < count; i++) {
        (void)items_next(&copy, &items[i]);
    }
    *out_value = (struct chy_value){.type = CHY_VALUE_MANY, .items = {items, count, sizeof *items}};
    return CHY_OK;
}

static void has_function(sqlite3_context *context, int count, sqlite3_value **arguments)
{
    bool prefix = sqlite3_user_data(context) != NULL;
    const void *set = sqlite3_value_blob(arguments[0]);
    const void *text = sqlite3_value_blob(arguments[1]);
    struct chy_slice rest = chy_slice_of(set, (uint64_t)sqlite3_value_bytes(arguments[0]));
    struct chy_slice wanted = chy_slice_of(text, (uint64_t)sqlite3_value_bytes(arguments[1]));
    struct chy_slice item = {NULL, 0};
    bool found = false;
    (void)count;
    while (!found && items_next(&rest, &item)) {
        if (prefix && item.len > wanted.len) {
            item.len = wanted.len;
        }
        found = chy_slice_equal(item, wanted);
    }
    sqlite3_result_int(context, found);
}

int functions_add(sqlite3 *db)
{
    static const int yes = 1;
    int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY;
    int code = sqlite3_create_function(db, HAS_FUNCTION, 2, flags, NULL, has_function, NULL, NULL);
    if (code == SQLITE_OK) {
        // Any pointer but NULL says that a prefix is enough.
        code = sqlite3_create_function(db, HAS_PREFIX_FUNCTION, 2, flags, (void *)(uintptr_t)&yes,
                                       has_function, NULL, NULL);
    }
    return code;
}

/* --- columns -----------------------------------------------------------------------------------*/

chy_status column_value(struct chy_op *op, sqlite3_stmt *stmt, int column,
                        const struct chy_field *field, struct chy_value *out_value)
{
    bool many = (field->flags & CHY_FIELD_MANY) != 0;
    struct chy_value value = {.type = field->type};
    if (!many && sqlite3_column_type(stmt, column) == SQLITE_NULL) {
        value.type = CHY_VALUE_NULL;
        *out_value = value;
        return CHY_OK;
    }
    if (field->type == CHY_VALUE_INT || field->type == CHY_VALUE_BOOL ||
        field->type == CHY_VALUE_TIME) {
        value.number = sqlite3_column_int64(stmt, column);
        *out_value = value;
        return CHY_OK;
    }
    // The text's bytes stand as they are in a UTF-8 database: no conversion.
    const void *bytes = sqlite3_column_blob(stmt, column);
    int len = sqlite3_column_bytes(stmt, column);
    struct chy_slice found = chy_slice_of(bytes, bytes == NULL ? 0 : (uint64_t)len);
    if (many) {
        return items_decode(op, found, out_value);
    }
    CHY_TRY(chy_copy(op, found, &value.bytes));
    *out_value = value;
    return CHY_OK;
}
