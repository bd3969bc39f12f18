/** Values: validity of text, order, sets. */
#include <chancery/support/storage_check.h>

#include <stdlib.h>

bool chy_storage_contains(struct chy_view numbers, uint32_t number)
{
    for (uint64_t i = 0; i < numbers.count; i++) {
        if (chy_storage_number_at(numbers, i) == number) {
            return true;
        }
    }
    return false;
}

/** ascii_length counts the leading bytes 0x01 to 0x7F, eight at a time. */
static uint64_t ascii_length(const uint8_t *p, uint64_t len)
{
    uint64_t i = 0;
    for (; len - i >= 8; i += 8) {
        uint64_t word;
        memcpy(&word, p + i, sizeof word);
        // The second part finds a zero byte; its false alarms are settled byte by byte below.
        if ((word & 0x8080808080808080U) != 0 ||
            ((word - 0x0101010101010101U) & 0x8080808080808080U) != 0) {
            break;
        }
    }
    while (i < len && p[i] != 0 && p[i] < 0x80) {
        i++;
    }
    return i;
}

/** sequence_length returns the length of the multi-byte character at `p`, or 0. */
static uint64_t sequence_length(const uint8_t *p, uint64_t len)
{
    // The second byte's range excludes overlong forms, surrogates and what lies past U+10FFFF.
    static const struct {
        uint8_t first_low, first_high, second_low, second_high, length;
    } forms[] = {
        {0xC2, 0xDF, 0x80, 0xBF, 2}, {0xE0, 0xE0, 0xA0, 0xBF, 3}, {0xE1, 0xEC, 0x80, 0xBF, 3},
        {0xED, 0xED, 0x80, 0x9F, 3}, {0xEE, 0xEF, 0x80, 0xBF, 3}, {0xF0, 0xF0, 0x90, 0xBF, 4},
        {0xF1, 0xF3, 0x80, 0xBF, 4}, {0xF4, 0xF4, 0x80, 0x8F, 4},
    };
    for (size_t f = 0; f < sizeof forms / sizeof forms[0]; f++) {
        if (p[0] < forms[f].first_low || p[0] > forms[f].first_high) {
            continue;
        }
        if (len < forms[f].length || p[1] < forms[f].second_low || p[1] > forms[f].second_high) {
            return 0;
        }
        for (uint64_t i = 2; i < forms[f].length; i++) {
            if ((p[i] & 0xC0) != 0x80) {
                return 0;
            }
        }
        return forms[f].length;
    }
    return 0;
}

bool chy_storage_text_is_valid(struct chy_slice text)
{
    for (uint64_t at = 0; at < text.len;) {
        at += ascii_length(text.ptr + at, text.len - at);
        if (at == text.len) {
            break;
        }
        uint64_t length = sequence_length(text.ptr + at, text.len - at);
        if (length == 0) {
            return false;
        }
        at += length;
    }
    return true;
}

int chy_storage_bytes_compare(struct chy_slice a, struct chy_slice b)
{
    uint64_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, (size_t)common);
    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

int chy_storage_value_compare(const struct chy_value *a, const struct chy_value *b)
{
    if (a->type == CHY_VALUE_NULL || b->type == CHY_VALUE_NULL) {
        return (a->type != CHY_VALUE_NULL) - (b->type != CHY_VALUE_NULL);
    }
    if (a->type == CHY_VALUE_INT || a->type == CHY_VALUE_BOOL || a->type == CHY_VALUE_TIME) {
        return (a->number > b->number) - (a->number < b->number);
    }
    return chy_storage_bytes_compare(a->bytes, b->bytes);
}

static int compare_items(const void *a, const void *b)
{
    return chy_storage_bytes_compare(*(const struct chy_slice *)a, *(const struct chy_slice *)b);
}

chy_status chy_storage_items_sorted(struct chy_op *op, const struct chy_value *value,
                                    struct chy_slice **out_items, uint64_t *out_count)
{
    uint64_t count = value->items.count;
    struct chy_slice *items = chy_alloc(op, (count + 1) * sizeof *items);
    if (items == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        items[i] = *(const struct chy_slice *)chy_storage_at(value->items, i);
    }
    qsort(items, (size_t)count, sizeof *items, compare_items);
    uint64_t kept = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (kept == 0 || !chy_slice_equal(items[kept - 1], items[i])) {
            items[kept++] = items[i];
        }
    }
    *out_items = items;
    *out_count = kept;
    return CHY_OK;
}
