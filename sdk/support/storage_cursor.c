/**
 * The whole order of a find, and cursors: where in that order an earlier page ended.
 *
 * A cursor is: version, fingerprint of collection and order, then each term's value.  It holds no
 * state of a process, so that any node can read on.
 */
#include <chancery/support/storage_check.h>

#define CURSOR_VERSION 1U
#define HEADER_BYTES 9U

uint64_t chy_storage_terms(const struct chy_collection *collection, struct chy_view order,
                           struct chy_order *terms)
{
    uint64_t count = 0;
    for (uint64_t i = 0; i < order.count + collection->key.count; i++) {
        struct chy_order term = {0, 0};
        if (i < order.count) {
            term = *(const struct chy_order *)chy_storage_at(order, i);
        } else {
            term.field = chy_storage_number_at(collection->key, i - order.count);
        }
        bool known = false;
        for (uint64_t j = 0; j < count; j++) {
            known = known || terms[j].field == term.field;
        }
        if (!known) {
            terms[count++] = term;
        }
    }
    return count;
}

static uint64_t hash(uint64_t seed, struct chy_slice bytes)
{
    for (uint64_t i = 0; i < bytes.len; i++) {
        seed = (seed ^ bytes.ptr[i]) * 0x100000001b3U; // FNV-1a
    }
    return seed;
}

/** fingerprint uses names, not numbers: a program of the next version may number otherwise. */
static uint64_t fingerprint(const struct chy_collection *collection, const struct chy_order *terms,
                            uint64_t count)
{
    uint64_t h = hash(0xcbf29ce484222325U, collection->name);
    for (uint64_t i = 0; i < count; i++) {
        h = hash(h, chy_text(terms[i].descending != 0 ? "/-" : "/+"));
        h = hash(h, chy_storage_field(collection, terms[i].field)->name);
    }
    return h;
}

static uint8_t *put_number(uint8_t *p, uint64_t number)
{
    for (unsigned i = 0; i < 8; i++) {
        *p++ = (uint8_t)(number >> (8 * i));
    }
    return p;
}

static uint64_t number_from(const uint8_t *p)
{
    uint64_t number = 0;
    for (unsigned i = 0; i < 8; i++) {
        number |= (uint64_t)p[i] << (8 * i);
    }
    return number;
}

static bool is_number(uint32_t type)
{
    return type == CHY_VALUE_INT || type == CHY_VALUE_BOOL || type == CHY_VALUE_TIME;
}

chy_status chy_storage_cursor_write(struct chy_op *op, const struct chy_collection *collection,
                                    const struct chy_order *terms, uint64_t count,
                                    const struct chy_value *values, struct chy_slice *out_cursor)
{
    uint64_t size = HEADER_BYTES;
    for (uint64_t i = 0; i < count; i++) {
        size += 9 + (is_number(values[i].type) ? 0 : values[i].bytes.len);
    }
    uint8_t *cursor = chy_alloc(op, size);
    if (cursor == NULL) {
        return chy_fail_memory(op);
    }
    uint8_t *p = cursor;
    *p++ = CURSOR_VERSION;
    p = put_number(p, fingerprint(collection, terms, count));
    for (uint64_t i = 0; i < count; i++) {
        const struct chy_value *value = &values[i];
        *p++ = (uint8_t)value->type;
        if (value->type == CHY_VALUE_NULL) {
            continue;
        }
        if (is_number(value->type)) {
            p = put_number(p, (uint64_t)value->number);
            continue;
        }
        p = put_number(p, value->bytes.len);
        if (value->bytes.len != 0) {
            memcpy(p, value->bytes.ptr, (size_t)value->bytes.len);
            p += value->bytes.len;
        }
    }
    *out_cursor = chy_slice_of(cursor, (uint64_t)(p - cursor));
    return CHY_OK;
}

/** read_value takes one value from the front of `rest`. */
static bool read_value(struct chy_slice *rest, uint32_t type, struct chy_value *out_value)
{
    struct chy_value value = {0};
    if (rest->len == 0 || (rest->ptr[0] != type && rest->ptr[0] != CHY_VALUE_NULL)) {
        return false;
    }
    value.type = rest->ptr[0];
    *rest = chy_slice_of(rest->ptr + 1, rest->len - 1);
    if (value.type != CHY_VALUE_NULL) {
        if (rest->len < 8) {
            return false;
        }
        uint64_t number = number_from(rest->ptr);
        *rest = chy_slice_of(rest->ptr + 8, rest->len - 8);
        if (is_number(type)) {
            value.number = (int64_t)number;
        } else {
            if (number > rest->len || (type == CHY_VALUE_UUID && number != 16)) {
                return false;
            }
            value.bytes = chy_slice_of(rest->ptr, number);
            *rest = chy_slice_of(rest->ptr + number, rest->len - number);
        }
    }
    *out_value = value;
    return true;
}

chy_status chy_storage_cursor_read(struct chy_op *op, const struct chy_collection *collection,
                                   const struct chy_order *terms, uint64_t count,
                                   struct chy_slice cursor, struct chy_value *out_values)
{
    bool ok = cursor.len >= HEADER_BYTES && cursor.ptr[0] == CURSOR_VERSION &&
              number_from(cursor.ptr + 1) == fingerprint(collection, terms, count);
    struct chy_slice rest =
        ok ? chy_slice_of(cursor.ptr + HEADER_BYTES, cursor.len - HEADER_BYTES) : cursor;
    struct chy_value values[CHY_STORAGE_TERMS_MAX];
    for (uint64_t i = 0; ok && i < count; i++) {
        const struct chy_field *field = chy_storage_field(collection, terms[i].field);
        ok = read_value(&rest, field->type, &values[i]) &&
             (values[i].type != CHY_VALUE_TEXT || chy_storage_text_is_valid(values[i].bytes));
    }
    if (!ok || rest.len != 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the cursor does not belong to this listing");
    }
    memcpy(out_values, values, (size_t)count * sizeof *out_values);
    return CHY_OK;
}
