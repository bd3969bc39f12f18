#include "x509/certificate.h"

#include "base/encode.h"
#include "base/slice.h"

#include <string.h>

enum {
    SERIAL_MAX = 20
}; // RFC 5280 4.1.2.2

void chy_serial_make(const uint8_t random[CHY_SERIAL_SIZE], uint8_t out_serial[CHY_SERIAL_SIZE])
{
    memcpy(out_serial, random, CHY_SERIAL_SIZE);
    uint8_t first = out_serial[0] & 0x7f;
    // A first digit of 0 becomes 1, so that the text always has 32 digits.
    out_serial[0] = (first & 0xf0) == 0 ? first | 0x10 : first;
}

void chy_serial_text(struct chy_slice serial, char out_text[CHY_SERIAL_TEXT_SIZE])
{
    static const uint8_t zero[1] = {0};
    if (serial.len == 0) {
        serial = chy_slice_of(zero, sizeof zero);
    }
    if (serial.len > SERIAL_MAX) {
        serial.len = SERIAL_MAX;
    }
    chy_hex_encode(serial, out_text);
    out_text[CHY_HEX_LEN(serial.len)] = '\0';
}

static bool hex_digit(uint8_t c, uint8_t *out_digit)
{
    uint8_t lower = chy_ascii_lower(c);
    if (c >= '0' && c <= '9') {
        *out_digit = (uint8_t)(c - '0');
        return true;
    }
    if (lower >= 'a' && lower <= 'f') {
        *out_digit = (uint8_t)(lower - 'a' + 10);
        return true;
    }
    return false;
}

/** Collects the digits of `text` without leading zeros; false for anything else, or too many. */
static bool collect_digits(struct chy_slice text, uint8_t digits[2 * SERIAL_MAX],
                           uint64_t *out_count)
{
    uint64_t count = 0;
    bool any = false;
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t digit;
        if (text.ptr[i] == ':' || text.ptr[i] == ' ') {
            continue;
        }
        if (!hex_digit(text.ptr[i], &digit)) {
            return false;
        }
        any = true;
        if (count == 0 && digit == 0) {
            continue;
        }
        if (count == (uint64_t)2 * SERIAL_MAX) {
            return false;
        }
        digits[count++] = digit;
    }
    *out_count = count;
    return any;
}

bool chy_serial_parse(struct chy_slice text, uint8_t out_octets[20], uint64_t *out_len)
{
    uint8_t digits[2 * SERIAL_MAX];
    uint64_t count;
    text = chy_slice_trim(text);
    if (text.len > 2 && text.ptr[0] == '0' && chy_ascii_lower(text.ptr[1]) == 'x') {
        text = chy_slice_skip(text, 2);
    }
    if (!collect_digits(text, digits, &count)) {
        return false;
    }
    uint64_t len = (count + 1) / 2;
    uint64_t odd = count % 2;
    for (uint64_t i = 0; i < len; i++) {
        uint8_t high = odd == 1 && i == 0 ? 0 : digits[2 * i - odd];
        out_octets[i] = (uint8_t)(high << 4 | digits[2 * i + 1 - odd]);
    }
    *out_len = len;
    return true;
}
