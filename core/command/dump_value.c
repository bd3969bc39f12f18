#include "command/dump_value.h"

#include "plugin/values.h"
#include "plugin/view.h"

/* ------------------------------------------------------------------------------------------------
 * Written
 */

void chy_dump_add_number(struct chy_buf *buf, uint64_t number, uint32_t octets)
{
    for (uint32_t i = octets; i > 0; i--) {
        chy_buf_add_u8(buf, (uint8_t)(number >> ((i - 1) * 8)));
    }
}

static void add_bytes(struct chy_buf *buf, struct chy_slice bytes)
{
    chy_dump_add_number(buf, bytes.len, 4);
    chy_buf_add(buf, bytes);
}

void chy_dump_add_value(struct chy_buf *buf, const struct chy_value *value)
{
    chy_buf_add_u8(buf, (uint8_t)value->type);
    switch ((enum chy_value_type)value->type) {
    case CHY_VALUE_NULL: break;
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME: chy_dump_add_number(buf, (uint64_t)value->number, 8); break;
    case CHY_VALUE_TEXT:
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_JSON: add_bytes(buf, value->bytes); break;
    case CHY_VALUE_MANY:
        chy_dump_add_number(buf, value->items.count, 4);
        for (uint64_t i = 0; i < value->items.count; i++) {
            add_bytes(buf, *(const struct chy_slice *)chy_view_item(value->items, i));
        }
        break;
    }
}

/* ------------------------------------------------------------------------------------------------
 * Read
 */

bool chy_dump_take_number(struct chy_slice *rest, uint32_t octets, uint64_t *out_number)
{
    uint64_t number = 0;
    if (rest->len < octets) {
        return false;
    }
    for (uint32_t i = 0; i < octets; i++) {
        number = number << 8 | rest->ptr[i];
    }
    *rest = chy_slice_of(rest->ptr + octets, rest->len - octets);
    *out_number = number;
    return true;
}

static bool take_bytes(struct chy_slice *rest, struct chy_slice *out_bytes)
{
    uint64_t len;
    if (!chy_dump_take_number(rest, 4, &len) || len > rest->len) {
        return false;
    }
    *out_bytes = chy_slice_of(rest->ptr, len);
    *rest = chy_slice_of(rest->ptr + len, rest->len - len);
    return true;
}

static bool take_items(struct chy_op *op, struct chy_slice *rest, struct chy_value *value)
{
    uint64_t count;
    if (!chy_dump_take_number(rest, 4, &count) || count > rest->len / 4) {
        return false;
    }
    struct chy_slice *items = chy_alloc(op, (count + 1) * sizeof *items);
    for (uint64_t i = 0; i < count; i++) {
        if (items == NULL || !take_bytes(rest, &items[i])) {
            return false;
        }
    }
    value->items = chy_view_of(items, count, sizeof *items);
    return items != NULL;
}

bool chy_dump_take_value(struct chy_op *op, struct chy_slice *rest, struct chy_value *out_value)
{
    uint64_t type;
    uint64_t number = 0;
    bool fine = chy_dump_take_number(rest, 1, &type) && type <= CHY_VALUE_MANY;
    memset(out_value, 0, sizeof *out_value);
    if (!fine) {
        return false;
    }
    out_value->type = (uint32_t)type;
    switch ((enum chy_value_type)type) {
    case CHY_VALUE_NULL: return true;
    case CHY_VALUE_INT:
    case CHY_VALUE_BOOL:
    case CHY_VALUE_TIME:
        fine = chy_dump_take_number(rest, 8, &number);
        out_value->number = (int64_t)number;
        return fine;
    case CHY_VALUE_TEXT:
    case CHY_VALUE_UUID:
    case CHY_VALUE_BLOB:
    case CHY_VALUE_JSON: return take_bytes(rest, &out_value->bytes);
    case CHY_VALUE_MANY: return take_items(op, rest, out_value);
    }
    return false;
}
