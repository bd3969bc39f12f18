#include "codec.h"

Oid pgs_oid_of(uint32_t type)
{
    switch (type) {
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME: return PGS_INT8;
    case CHY_VALUE_BOOL: return PGS_BOOL;
    case CHY_VALUE_UUID: return PGS_UUID;
    case CHY_VALUE_BLOB: return PGS_BYTEA;
    default: return PGS_TEXT;
    }
}

Oid pgs_array_oid_of(uint32_t type)
{
    switch (type) {
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME: return PGS_INT8S;
    case CHY_VALUE_BOOL: return PGS_BOOLS;
    case CHY_VALUE_UUID: return PGS_UUIDS;
    case CHY_VALUE_BLOB: return PGS_BYTEAS;
    default: return PGS_TEXTS;
    }
}

void pgs_cell_of(const struct chy_value *value, struct pgs_cell *out_cell)
{
    switch (value->type) {
    case CHY_VALUE_NULL:
        out_cell->ptr = NULL;
        out_cell->len = 0;
        return;
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME:
        pgs_put_int(out_cell->number, value->number);
        out_cell->ptr = (const char *)out_cell->number;
        out_cell->len = 8;
        return;
    case CHY_VALUE_BOOL:
        out_cell->number[0] = value->number != 0;
        out_cell->ptr = (const char *)out_cell->number;
        out_cell->len = 1;
        return;
    default:
        // NULL would mean null, and an empty slice may have it.
        out_cell->ptr = value->bytes.len == 0 ? "" : (const char *)value->bytes.ptr;
        out_cell->len = (int)value->bytes.len;
        return;
    }
}

static void put_word(uint8_t **at, uint32_t word)
{
    for (int shift = 24; shift >= 0; shift -= 8) {
        *(*at)++ = (uint8_t)(word >> shift);
    }
}

chy_status pgs_cell_array(struct chy_op *op, uint32_t type, const struct pgs_cell *cells,
                          uint64_t count, struct pgs_cell *out_cell)
{
    uint64_t size = 20;
    for (uint64_t i = 0; i < count; i++) {
        size += 4 + (uint64_t)cells[i].len;
    }
    uint8_t *bytes = chy_alloc(op, size);
    if (bytes == NULL) {
        return chy_fail_memory(op);
    }
    uint8_t *at = bytes;
    put_word(&at, count == 0 ? 0 : 1); // dimensions
    put_word(&at, 0);                  // no nulls
    put_word(&at, pgs_oid_of(type));
    if (count != 0) {
        put_word(&at, (uint32_t)count);
        put_word(&at, 1); // the first subscript
    }
    for (uint64_t i = 0; i < count; i++) {
        put_word(&at, (uint32_t)cells[i].len);
        if (cells[i].len != 0) {
            memcpy(at, cells[i].ptr, (size_t)cells[i].len);
        }
        at += cells[i].len;
    }
    out_cell->ptr = (const char *)bytes;
    out_cell->len = (int)(at - bytes);
    return CHY_OK;
}

static chy_status unexpected(struct chy_op *op)
{
    return chy_fail(op, CHY_BROKEN, 0, "PostgreSQL gave a value of another type than declared");
}

static int64_t read_big_endian(const uint8_t *bytes, int len)
{
    uint64_t bits = 0;
    for (int i = 0; i < len; i++) {
        bits = bits << 8 | bytes[i];
    }
    return (int64_t)bits;
}

chy_status pgs_value_read(struct chy_op *op, const PGresult *result, int row, int column,
                          uint32_t type, struct chy_value *out_value)
{
    struct chy_value value;
    memset(&value, 0, sizeof value);
    if (PQgetisnull(result, row, column)) {
        *out_value = value;
        return CHY_OK;
    }
    const uint8_t *bytes = (const uint8_t *)PQgetvalue(result, row, column);
    int len = PQgetlength(result, row, column);
    value.type = type;
    switch (type) {
    case CHY_VALUE_INT:
    case CHY_VALUE_TIME:
    case CHY_VALUE_BOOL:
        if (len != (type == CHY_VALUE_BOOL ? 1 : 8)) {
            return unexpected(op);
        }
        value.number = read_big_endian(bytes, len);
        break;
    case CHY_VALUE_UUID:
        if (len != 16) {
            return unexpected(op);
        }
        CHY_TRY(chy_copy(op, chy_slice_of(bytes, 16), &value.bytes));
        break;
    default: CHY_TRY(chy_copy(op, chy_slice_of(bytes, (uint64_t)len), &value.bytes)); break;
    }
    *out_value = value;
    return CHY_OK;
}

/** A place in a binary array. */
struct reader {
    const uint8_t *at;
    uint64_t left;
};

static bool take_word(struct reader *r, uint32_t *out_word)
{
    if (r->left < 4) {
        return false;
    }
    *out_word = (uint32_t)read_big_endian(r->at, 4);
    r->at += 4;
    r->left -= 4;
    return true;
}

chy_status pgs_items_read(struct chy_op *op, const PGresult *result, int row, int column,
                          struct chy_value *out_value)
{
    // One copy of the whole; the items are views of it.
    struct chy_slice copy = {NULL, 0};
    CHY_TRY(chy_copy(
        op,
        chy_slice_of(PQgetvalue(result, row, column), (uint64_t)PQgetlength(result, row, column)),
        &copy));
    struct reader r = {copy.ptr, copy.len};
    uint32_t dimensions = 0;
    uint32_t flags = 0;
    uint32_t type = 0;
    uint32_t count = 0;
    uint32_t first = 0;
    if (!take_word(&r, &dimensions) || !take_word(&r, &flags) || !take_word(&r, &type) ||
        dimensions > 1 || (dimensions == 1 && (!take_word(&r, &count) || !take_word(&r, &first))) ||
        count > r.left / 4) {
        return unexpected(op);
    }
    struct chy_slice *items = chy_alloc(op, (count + UINT64_C(1)) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t len = 0;
        if (!take_word(&r, &len) || len > r.left) {
            return unexpected(op);
        }
        items[i] = chy_slice_of(r.at, len);
        r.at += len;
        r.left -= len;
    }
    memset(out_value, 0, sizeof *out_value);
    out_value->type = CHY_VALUE_MANY;
    out_value->items = (struct chy_view){items, count, sizeof *items};
    return CHY_OK;
}
