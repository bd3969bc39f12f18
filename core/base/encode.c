#include "base/encode.h"

/* --- hexadecimal ------------------------------------------------------------------------------ */

void chy_hex_encode(struct chy_slice bytes, char *out)
{
    static const char digits[] = "0123456789abcdef";
    for (uint64_t i = 0; i < bytes.len; i++) {
        out[2 * i] = digits[bytes.ptr[i] >> 4];
        out[2 * i + 1] = digits[bytes.ptr[i] & 15];
    }
}

/* The value of a digit, or 16. */
static uint8_t hex_value(uint8_t digit)
{
    if (digit >= '0' && digit <= '9') {
        return (uint8_t)(digit - '0');
    }
    uint8_t letter = (uint8_t)(digit | 0x20U);
    return letter >= 'a' && letter <= 'f' ? (uint8_t)(letter - 'a' + 10) : 16;
}

bool chy_hex_decode(struct chy_slice text, struct chy_buffer out, size_t *out_len)
{
    if (text.len % 2 != 0 || text.len / 2 > out.len) {
        return false;
    }
    for (uint64_t i = 0; i < text.len; i++) {
        if (hex_value(text.ptr[i]) > 15) {
            return false;
        }
    }
    for (uint64_t i = 0; i < text.len / 2; i++) {
        out.ptr[i] = (uint8_t)(hex_value(text.ptr[2 * i]) << 4 | hex_value(text.ptr[2 * i + 1]));
    }
    *out_len = (size_t)(text.len / 2);
    return true;
}

/* --- base64 ----------------------------------------------------------------------------------- */

static const char standard[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char urlsafe[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/* Writes the digits of `bytes` and returns how many, unpadded. */
static size_t encode(const char *alphabet, struct chy_slice bytes, char *out)
{
    size_t len = 0;
    uint32_t bits = 0;
    uint32_t count = 0;
    for (uint64_t i = 0; i < bytes.len; i++) {
        bits = bits << 8 | bytes.ptr[i];
        count += 8;
        while (count >= 6) {
            count -= 6;
            out[len++] = alphabet[bits >> count & 63];
        }
    }
    if (count > 0) {
        out[len++] = alphabet[bits << (6 - count) & 63];
    }
    return len;
}

/* The value of a digit, or 64. */
static uint32_t value_of(const char *alphabet, uint8_t digit)
{
    if (digit >= 'A' && digit <= 'Z') {
        return (uint32_t)(digit - 'A');
    }
    if (digit >= 'a' && digit <= 'z') {
        return (uint32_t)(digit - 'a') + 26;
    }
    if (digit >= '0' && digit <= '9') {
        return (uint32_t)(digit - '0') + 52;
    }
    if (digit == (uint8_t)alphabet[62]) {
        return 62;
    }
    return digit == (uint8_t)alphabet[63] ? 63 : 64;
}

/* Tells whether `text` is digits only, with zero spare bits: one encoding for each content. */
static bool is_strict(const char *alphabet, struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (value_of(alphabet, text.ptr[i]) > 63) {
            return false;
        }
    }
    uint64_t odd = text.len % 4;
    if (odd == 0) {
        return true;
    }
    static const uint32_t spare[] = {0, 0, 15, 3};
    return odd != 1 && (value_of(alphabet, text.ptr[text.len - 1]) & spare[odd]) == 0;
}

static bool decode(const char *alphabet, struct chy_slice text, struct chy_buffer out,
                   size_t *out_len)
{
    uint64_t needed = text.len / 4 * 3 + text.len % 4 * 3 / 4;
    if (needed > out.len || !is_strict(alphabet, text)) {
        return false;
    }
    size_t len = 0;
    uint32_t bits = 0;
    uint32_t count = 0;
    for (uint64_t i = 0; i < text.len; i++) {
        bits = bits << 6 | value_of(alphabet, text.ptr[i]);
        count += 6;
        if (count >= 8) {
            count -= 8;
            out.ptr[len++] = (uint8_t)(bits >> count);
        }
    }
    *out_len = len;
    return true;
}

void chy_base64_encode(struct chy_slice bytes, char *out)
{
    size_t len = encode(standard, bytes, out);
    while (len % 4 != 0) {
        out[len++] = '=';
    }
}

bool chy_base64_decode(struct chy_slice text, struct chy_buffer out, size_t *out_len)
{
    if (text.len % 4 != 0) {
        return false;
    }
    for (int i = 0; i < 2 && text.len > 0 && text.ptr[text.len - 1] == '='; i++) {
        text.len--;
    }
    return decode(standard, text, out, out_len);
}

void chy_base64url_encode(struct chy_slice bytes, char *out)
{
    (void)encode(urlsafe, bytes, out);
}

bool chy_base64url_decode(struct chy_slice text, struct chy_buffer out, size_t *out_len)
{
    return decode(urlsafe, text, out, out_len);
}

/* --- into buffers and the arena --------------------------------------------------------------- */

/* How much is encoded at a time: a multiple of three, so that pieces join without padding. */
#define PIECE ((uint64_t)192)

static void add_in_pieces(struct chy_buf *buf, struct chy_slice bytes,
                          void (*encode_piece)(struct chy_slice bytes, char *out),
                          uint64_t (*len_of)(uint64_t len))
{
    uint64_t at = 0;
    while (at < bytes.len && !buf->failed) {
        uint64_t len = bytes.len - at < PIECE ? bytes.len - at : PIECE;
        uint64_t text_len = len_of(len);
        chy_buf_reserve(buf, (size_t)text_len);
        if (buf->failed) {
            return;
        }
        encode_piece(chy_slice_of(bytes.ptr + at, len), (char *)buf->ptr + buf->len);
        buf->len += (size_t)text_len;
        at += len;
    }
}

static uint64_t hex_len(uint64_t len)
{
    return CHY_HEX_LEN(len);
}

static uint64_t base64_len(uint64_t len)
{
    return CHY_BASE64_LEN(len);
}

static uint64_t base64url_len(uint64_t len)
{
    return CHY_BASE64URL_LEN(len);
}

void chy_hex_add(struct chy_buf *buf, struct chy_slice bytes)
{
    add_in_pieces(buf, bytes, chy_hex_encode, hex_len);
}

void chy_base64_add(struct chy_buf *buf, struct chy_slice bytes)
{
    add_in_pieces(buf, bytes, chy_base64_encode, base64_len);
}

void chy_base64url_add(struct chy_buf *buf, struct chy_slice bytes)
{
    add_in_pieces(buf, bytes, chy_base64url_encode, base64url_len);
}

chy_status chy_hex_text(struct chy_op *op, struct chy_slice bytes, struct chy_slice *out_text)
{
    char *text = bytes.len < UINT64_MAX / 4 ? chy_alloc(op, CHY_HEX_LEN(bytes.len) + 1) : NULL;
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    chy_hex_encode(bytes, text);
    *out_text = chy_slice_of(text, CHY_HEX_LEN(bytes.len));
    return CHY_OK;
}
