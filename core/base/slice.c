#include "base/slice.h"

#include <string.h>

/* --- searching and cutting -------------------------------------------------------------------- */

bool chy_slice_starts_with(struct chy_slice slice, struct chy_slice prefix)
{
    return chy_slice_equal(chy_slice_first(slice, prefix.len), prefix) != 0;
}

bool chy_slice_ends_with(struct chy_slice slice, struct chy_slice suffix)
{
    return slice.len >= suffix.len &&
           chy_slice_equal(chy_slice_skip(slice, slice.len - suffix.len), suffix) != 0;
}

bool chy_slice_contains(struct chy_slice slice, struct chy_slice part)
{
    if (part.len == 0) {
        return true;
    }
    return slice.len >= part.len &&
           memmem(slice.ptr, (size_t)slice.len, part.ptr, (size_t)part.len) != NULL;
}

bool chy_slice_find(struct chy_slice slice, uint8_t byte, uint64_t *out_index)
{
    const uint8_t *found = slice.len == 0 ? NULL : memchr(slice.ptr, byte, (size_t)slice.len);
    if (found == NULL) {
        return false;
    }
    *out_index = (uint64_t)(found - slice.ptr);
    return true;
}

bool chy_slice_find_last(struct chy_slice slice, uint8_t byte, uint64_t *out_index)
{
    const uint8_t *found = slice.len == 0 ? NULL : memrchr(slice.ptr, byte, (size_t)slice.len);
    if (found == NULL) {
        return false;
    }
    *out_index = (uint64_t)(found - slice.ptr);
    return true;
}

bool chy_slice_cut(struct chy_slice slice, uint8_t byte, struct chy_slice *out_before,
                   struct chy_slice *out_after)
{
    uint64_t index;
    if (!chy_slice_find(slice, byte, &index)) {
        return false;
    }
    *out_before = chy_slice_first(slice, index);
    *out_after = chy_slice_skip(slice, index + 1);
    return true;
}

struct chy_slice chy_slice_first(struct chy_slice slice, uint64_t len)
{
    return chy_slice_of(slice.ptr, len < slice.len ? len : slice.len);
}

struct chy_slice chy_slice_skip(struct chy_slice slice, uint64_t len)
{
    uint64_t skipped = len < slice.len ? len : slice.len;
    // NULL + 0 is undefined in C17.
    return skipped == 0 ? slice : chy_slice_of(slice.ptr + skipped, slice.len - skipped);
}

static bool is_space(uint8_t byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

struct chy_slice chy_slice_trim(struct chy_slice slice)
{
    while (slice.len > 0 && is_space(slice.ptr[slice.len - 1])) {
        slice.len--;
    }
    while (slice.len > 0 && is_space(slice.ptr[0])) {
        slice = chy_slice_skip(slice, 1);
    }
    return slice;
}

int chy_slice_compare(struct chy_slice a, struct chy_slice b)
{
    uint64_t common = a.len < b.len ? a.len : b.len;
    int order = common == 0 ? 0 : memcmp(a.ptr, b.ptr, (size_t)common);
    if (order != 0) {
        return order;
    }
    return (a.len > b.len) - (a.len < b.len);
}

/* --- ASCII case ------------------------------------------------------------------------------- */

bool chy_slice_equal_nocase(struct chy_slice a, struct chy_slice b)
{
    if (a.len != b.len) {
        return false;
    }
    for (uint64_t i = 0; i < a.len; i++) {
        if (chy_ascii_lower(a.ptr[i]) != chy_ascii_lower(b.ptr[i])) {
            return false;
        }
    }
    return true;
}

bool chy_slice_is_nocase(struct chy_slice slice, const char *text)
{
    return chy_slice_equal_nocase(slice, chy_text(text));
}

chy_status chy_slice_lower(struct chy_op *op, struct chy_slice slice, struct chy_slice *out_lower)
{
    uint8_t *lower = slice.len < UINT64_MAX ? chy_alloc(op, slice.len + 1) : NULL;
    if (lower == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < slice.len; i++) {
        lower[i] = chy_ascii_lower(slice.ptr[i]);
    }
    *out_lower = chy_slice_of(lower, slice.len);
    return CHY_OK;
}

chy_status chy_slice_to_cstring(struct chy_op *op, struct chy_slice slice, const char **out_text)
{
    uint64_t index;
    if (chy_slice_find(slice, 0, &index)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a text of %llu bytes has a NUL at byte %llu",
                        (unsigned long long)slice.len, (unsigned long long)index);
    }
    struct chy_slice copy = {0};
    CHY_TRY(chy_copy(op, slice, &copy));
    *out_text = (const char *)copy.ptr;
    return CHY_OK;
}

/* --- numbers ---------------------------------------------------------------------------------- */

bool chy_slice_parse_u64(struct chy_slice slice, uint64_t maximum, uint64_t *out_number)
{
    if (slice.len == 0) {
        return false;
    }
    uint64_t number = 0;
    for (uint64_t i = 0; i < slice.len; i++) {
        if (slice.ptr[i] < '0' || slice.ptr[i] > '9') {
            return false;
        }
        uint64_t digit = (uint64_t)(slice.ptr[i] - '0');
        if (number > maximum / 10 || number * 10 > maximum - digit || digit > maximum) {
            return false;
        }
        number = number * 10 + digit;
    }
    *out_number = number;
    return true;
}

bool chy_slice_parse_i64(struct chy_slice slice, int64_t minimum, int64_t maximum,
                         int64_t *out_number)
{
    bool is_negative = slice.len > 0 && slice.ptr[0] == '-';
    uint64_t most = is_negative ? (uint64_t)INT64_MAX + 1 : (uint64_t)INT64_MAX;
    uint64_t size;
    if (!chy_slice_parse_u64(is_negative ? chy_slice_skip(slice, 1) : slice, most, &size)) {
        return false;
    }
    // The way over size - 1 reaches INT64_MIN without leaving int64_t.
    int64_t number = is_negative && size != 0 ? -(int64_t)(size - 1) - 1 : (int64_t)size;
    if (number < minimum || number > maximum) {
        return false;
    }
    *out_number = number;
    return true;
}

/* --- UTF-8 ------------------------------------------------------------------------------------ */

/* How many bytes a character has by its first one; 0: it cannot be a first one. */
static uint64_t utf8_len(uint8_t first)
{
    if (first < 0x80) {
        return 1;
    }
    if (first < 0xc2) {
        return 0; // a continuation, or the start of an overlong form
    }
    if (first < 0xe0) {
        return 2;
    }
    if (first < 0xf0) {
        return 3;
    }
    return first < 0xf5 ? 4 : 0;
}

bool chy_utf8_next(struct chy_slice text, uint64_t *at, uint32_t *out_character)
{
    if (*at >= text.len) {
        return false;
    }
    const uint8_t *bytes = text.ptr + *at;
    uint64_t len = utf8_len(bytes[0]);
    if (len == 0 || len > text.len - *at) {
        return false;
    }
    static const uint32_t masks[] = {0, 0x7f, 0x1f, 0x0f, 0x07};
    static const uint32_t smallest[] = {0, 0, 0x80, 0x800, 0x10000};
    uint32_t character = bytes[0] & masks[len];
    for (uint64_t i = 1; i < len; i++) {
        if ((bytes[i] & 0xc0) != 0x80) {
            return false;
        }
        character = character << 6 | (bytes[i] & 0x3fU);
    }
    bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    if (character < smallest[len] || is_surrogate || character > 0x10ffff) {
        return false;
    }
    *at += len;
    *out_character = character;
    return true;
}

bool chy_utf8_is_valid(struct chy_slice text)
{
    uint64_t at = 0;
    while (at < text.len) {
        uint32_t character;
        if (!chy_utf8_next(text, &at, &character)) {
            return false;
        }
    }
    return true;
}

static bool is_clean(uint32_t character)
{
    static const struct {
        uint32_t first;
        uint32_t last;
    } unclean[] = {
        {0x0000, 0x001f}, // C0
        {0x007f, 0x009f}, // DEL and C1
        {0x061c, 0x061c}, // Arabic letter mark
        {0x200e, 0x200f}, // left-to-right and right-to-left marks
        {0x2028, 0x202e}, // line and paragraph separators, embeddings and overrides
        {0x2066, 0x2069}, // isolates
    };
    for (size_t i = 0; i < sizeof unclean / sizeof unclean[0]; i++) {
        if (character >= unclean[i].first && character <= unclean[i].last) {
            return false;
        }
    }
    return true;
}

bool chy_text_is_clean(struct chy_slice text)
{
    uint64_t at = 0;
    while (at < text.len) {
        uint32_t character;
        if (!chy_utf8_next(text, &at, &character) || !is_clean(character)) {
            return false;
        }
    }
    return true;
}

size_t chy_text_sanitise(struct chy_slice text, char *out, size_t size)
{
    uint64_t at = 0;
    size_t len = 0;
    while (at < text.len && len < size) {
        uint64_t start = at;
        uint32_t character = 0;
        if (!chy_utf8_next(text, &at, &character)) {
            at++;
        }
        if (!is_clean(character)) {
            out[len++] = '?';
            continue;
        }
        if (at - start > size - len) {
            break;
        }
        memmove(out + len, text.ptr + start, (size_t)(at - start));
        len += (size_t)(at - start);
    }
    return len;
}
