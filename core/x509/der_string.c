#include "x509/der_string.h"

#include "base/slice.h"

#include <chancery/host.h>

#include <string.h>

static bool is_printable(uint8_t c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != 0 && memchr(" '()+,-./:=?*@&_", c, 16) != NULL);
}

static bool all_printable(struct chy_slice contents)
{
    for (uint64_t i = 0; i < contents.len; i++) {
        if (!is_printable(contents.ptr[i])) {
            return false;
        }
    }
    return true;
}

static bool all_ascii(struct chy_slice contents)
{
    for (uint64_t i = 0; i < contents.len; i++) {
        if (contents.ptr[i] == 0 || contents.ptr[i] >= 0x80) {
            return false;
        }
    }
    return true;
}

static bool has_nul(struct chy_slice contents)
{
    return contents.len > 0 && memchr(contents.ptr, 0, contents.len) != NULL;
}

/** Characters of `width` big-endian octets each: no NUL, no surrogate, nothing past U+10FFFF. */
static bool all_scalar(struct chy_slice contents, uint64_t width)
{
    if (contents.len % width != 0) {
        return false;
    }
    for (uint64_t at = 0; at < contents.len; at += width) {
        uint32_t c = 0;
        for (uint64_t i = 0; i < width; i++) {
            c = c << 8 | contents.ptr[at + i];
        }
        if (c == 0 || (c >= 0xd800 && c < 0xe000) || c > 0x10ffff) {
            return false;
        }
    }
    return true;
}

bool chy_der_string_valid(uint8_t tag, struct chy_slice contents)
{
    switch (tag) {
    case CHY_DER_PRINTABLE_STRING: return all_printable(contents);
    case CHY_DER_IA5_STRING: return all_ascii(contents);
    case CHY_DER_UTF8_STRING: return !has_nul(contents) && chy_utf8_is_valid(contents);
    case CHY_DER_TELETEX_STRING: return !has_nul(contents);
    case CHY_DER_BMP_STRING: return all_scalar(contents, 2);
    case CHY_DER_UNIVERSAL_STRING: return all_scalar(contents, 4);
    default: return false;
    }
}

static uint64_t put_utf8(uint8_t *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (uint8_t)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (uint8_t)(0xc0 | c >> 6);
        out[1] = (uint8_t)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (uint8_t)(0xe0 | c >> 12);
        out[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | c >> 18);
    out[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (c & 0x3f));
    return 4;
}

chy_status chy_der_string_text(struct chy_op *op, uint8_t tag, struct chy_slice contents,
                               struct chy_slice *out_text)
{
    if (tag != CHY_DER_BMP_STRING && tag != CHY_DER_UNIVERSAL_STRING &&
        tag != CHY_DER_TELETEX_STRING) {
        *out_text = contents;
        return CHY_OK;
    }
    uint64_t width = tag == CHY_DER_BMP_STRING ? 2 : tag == CHY_DER_UNIVERSAL_STRING ? 4 : 1;
    uint8_t *text = chy_alloc(op, contents.len / width * 4 + 1);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t len = 0;
    for (uint64_t at = 0; at + width <= contents.len; at += width) {
        uint32_t c = 0;
        for (uint64_t i = 0; i < width; i++) {
            c = c << 8 | contents.ptr[at + i];
        }
        len += put_utf8(text + len, c);
    }
    *out_text = chy_slice_of(text, len);
    return CHY_OK;
}
