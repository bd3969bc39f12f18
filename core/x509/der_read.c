#include "x509/der_read.h"

#include "base/time.h"

/** The header of one element: where its contents start and end within the reader's rest. */
struct header {
    uint64_t header_len;
    uint64_t contents_len;
};

static bool read_header(struct chy_slice rest, struct header *out)
{
    if (rest.len < 2 || (rest.ptr[0] & 0x1f) == 0x1f) {
        return false; // multi-octet tags (X.690 8.1.2.4) stand nowhere in what we read
    }
    uint64_t len = rest.ptr[1];
    uint64_t header_len = 2;
    if (len >= 0x80) {
        uint64_t octets = len & 0x7f;
        if (octets == 0 || octets > 4 || rest.len < 2 + octets) {
            return false; // 0: the indefinite form of BER
        }
        len = 0;
        for (uint64_t i = 0; i < octets; i++) {
            len = len << 8 | rest.ptr[2 + i];
        }
        if (len < 0x80 || len >> (8 * (octets - 1)) == 0) {
            return false; // X.690 10.1: the least number of octets
        }
        header_len += octets;
    }
    if (len > rest.len - header_len) {
        return false;
    }
    *out = (struct header){header_len, len};
    return true;
}

static void advance(struct chy_der *der, uint64_t len)
{
    der->rest.ptr += len;
    der->rest.len -= len;
}

bool chy_der_any(struct chy_der *der, uint8_t *out_tag, struct chy_slice *out_contents)
{
    struct header header;
    if (!read_header(der->rest, &header)) {
        return false;
    }
    const uint8_t *element = der->rest.ptr;
    advance(der, header.header_len + header.contents_len);
    // Last, as the output may be the reader itself.
    *out_tag = element[0];
    *out_contents = chy_slice_of(element + header.header_len, header.contents_len);
    return true;
}

bool chy_der_whole(struct chy_der *der, struct chy_slice *out_element)
{
    struct header header;
    if (!read_header(der->rest, &header)) {
        return false;
    }
    uint64_t len = header.header_len + header.contents_len;
    *out_element = chy_slice_of(der->rest.ptr, len);
    advance(der, len);
    return true;
}

bool chy_der_take(struct chy_der *der, uint8_t tag, struct chy_slice *out_contents)
{
    uint8_t seen;
    return chy_der_next_is(der, tag) && chy_der_any(der, &seen, out_contents);
}

bool chy_der_enter(struct chy_der *der, uint8_t tag, struct chy_der *out_inner)
{
    return chy_der_take(der, tag, &out_inner->rest);
}

bool chy_der_optional(struct chy_der *der, uint8_t tag, bool *out_present,
                      struct chy_der *out_inner)
{
    if (!chy_der_next_is(der, tag)) {
        *out_present = false;
        return true;
    }
    if (!chy_der_enter(der, tag, out_inner)) {
        return false;
    }
    *out_present = true;
    return true;
}

static bool take_integer(struct chy_der *der, uint8_t tag, struct chy_slice *out_contents)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, tag, &contents) || contents.len == 0) {
        return false;
    }
    if (contents.len > 1) {
        // X.690 8.3.2: the first nine bits are neither all zero nor all one.
        bool high = (contents.ptr[1] & 0x80) != 0;
        if ((contents.ptr[0] == 0x00 && !high) || (contents.ptr[0] == 0xff && high)) {
            return false;
        }
    }
    *der = ahead;
    *out_contents = contents;
    return true;
}

bool chy_der_integer(struct chy_der *der, struct chy_slice *out_contents)
{
    return take_integer(der, CHY_DER_INTEGER, out_contents);
}

static bool take_magnitude(struct chy_der *der, uint8_t tag, struct chy_slice *out_magnitude)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!take_integer(&ahead, tag, &contents) || (contents.ptr[0] & 0x80) != 0) {
        return false;
    }
    if (contents.ptr[0] == 0) {
        contents.ptr++;
        contents.len--;
    }
    *der = ahead;
    *out_magnitude = contents;
    return true;
}

bool chy_der_magnitude(struct chy_der *der, struct chy_slice *out_magnitude)
{
    return take_magnitude(der, CHY_DER_INTEGER, out_magnitude);
}

bool chy_der_u64_tagged(struct chy_der *der, uint8_t tag, uint64_t *out_value)
{
    struct chy_der ahead = *der;
    struct chy_slice magnitude;
    if (!take_magnitude(&ahead, tag, &magnitude) || magnitude.len > 8) {
        return false;
    }
    uint64_t value = 0;
    for (uint64_t i = 0; i < magnitude.len; i++) {
        value = value << 8 | magnitude.ptr[i];
    }
    *der = ahead;
    *out_value = value;
    return true;
}

bool chy_der_u64(struct chy_der *der, uint64_t *out_value)
{
    return chy_der_u64_tagged(der, CHY_DER_INTEGER, out_value);
}

bool chy_der_boolean(struct chy_der *der, bool *out_value)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, CHY_DER_BOOLEAN, &contents) || contents.len != 1 ||
        (contents.ptr[0] != 0x00 && contents.ptr[0] != 0xff)) {
        return false;
    }
    *der = ahead;
    *out_value = contents.ptr[0] == 0xff;
    return true;
}

bool chy_der_boolean_default(struct chy_der *der, bool *out_value)
{
    if (!chy_der_next_is(der, CHY_DER_BOOLEAN)) {
        *out_value = false;
        return true;
    }
    struct chy_der ahead = *der;
    bool value;
    if (!chy_der_boolean(&ahead, &value) || !value) {
        return false; // X.690 11.5: a default value is not encoded
    }
    *der = ahead;
    *out_value = true;
    return true;
}

bool chy_der_null(struct chy_der *der)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, CHY_DER_NULL, &contents) || contents.len != 0) {
        return false;
    }
    *der = ahead;
    return true;
}

bool chy_der_oid_valid(struct chy_slice contents)
{
    if (contents.len == 0 || (contents.ptr[contents.len - 1] & 0x80) != 0) {
        return false;
    }
    bool first = true; // of an arc, whose first octet may not be 80 (X.690 8.19.2)
    for (uint64_t i = 0; i < contents.len; i++) {
        if (first && contents.ptr[i] == 0x80) {
            return false;
        }
        first = (contents.ptr[i] & 0x80) == 0;
    }
    return true;
}

bool chy_der_oid(struct chy_der *der, struct chy_slice *out_contents)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, CHY_DER_OID, &contents) || !chy_der_oid_valid(contents)) {
        return false;
    }
    *der = ahead;
    *out_contents = contents;
    return true;
}

bool chy_der_octets(struct chy_der *der, struct chy_slice *out_octets)
{
    return chy_der_take(der, CHY_DER_OCTET_STRING, out_octets);
}

bool chy_der_bits(struct chy_der *der, struct chy_slice *out_octets)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, CHY_DER_BIT_STRING, &contents) || contents.len == 0 ||
        contents.ptr[0] != 0) {
        return false;
    }
    *der = ahead;
    *out_octets = chy_slice_of(contents.ptr + 1, contents.len - 1);
    return true;
}

bool chy_der_named_bits(struct chy_der *der, uint8_t tag, uint32_t *out_mask)
{
    struct chy_der ahead = *der;
    struct chy_slice contents;
    if (!chy_der_take(&ahead, tag, &contents) || contents.len == 0 || contents.len > 5 ||
        contents.ptr[0] > 7) {
        return false;
    }
    uint32_t unused = contents.ptr[0];
    if (contents.len == 1) {
        if (unused != 0) {
            return false;
        }
    } else {
        uint32_t last = contents.ptr[contents.len - 1];
        // The bit before the unused ones is the last named one: it is set, and they are not.
        if ((last & ((1U << unused) - 1U)) != 0 || (last >> unused & 1U) == 0) {
            return false;
        }
    }
    uint32_t mask = 0;
    for (uint64_t bit = 0; bit < 8 * (contents.len - 1); bit++) {
        if ((contents.ptr[1 + bit / 8] & 0x80U >> bit % 8) != 0) {
            mask |= 1U << bit;
        }
    }
    *der = ahead;
    *out_mask = mask;
    return true;
}

static bool two_digits(const uint8_t *text, int32_t *out_number)
{
    if (text[0] < '0' || text[0] > '9' || text[1] < '0' || text[1] > '9') {
        return false;
    }
    *out_number = (text[0] - '0') * 10 + (text[1] - '0');
    return true;
}

/** Reads MMDDHHMMSSZ after the year. */
static bool parse_time(const uint8_t *text, int32_t year, int64_t *out_time)
{
    struct chy_civil civil = {.year = year};
    return two_digits(text, &civil.month) && two_digits(text + 2, &civil.day) &&
           two_digits(text + 4, &civil.hour) && two_digits(text + 6, &civil.minute) &&
           two_digits(text + 8, &civil.second) && text[10] == 'Z' &&
           chy_time_from_civil(&civil, out_time);
}

static bool parse_utc_time(struct chy_slice contents, int64_t *out_time)
{
    int32_t year;
    if (contents.len != 13 || !two_digits(contents.ptr, &year)) {
        return false;
    }
    return parse_time(contents.ptr + 2, year < 50 ? 2000 + year : 1900 + year, out_time);
}

static bool parse_generalized_time(struct chy_slice contents, int64_t *out_time)
{
    int32_t century;
    int32_t year;
    if (contents.len != 15 || !two_digits(contents.ptr, &century) ||
        !two_digits(contents.ptr + 2, &year)) {
        return false;
    }
    year += 100 * century;
    // RFC 5280 4.1.2.5: dates through 2049 are a UTCTime.
    return year >= 2050 && parse_time(contents.ptr + 4, year, out_time);
}

bool chy_der_time(struct chy_der *der, int64_t *out_time)
{
    struct chy_der ahead = *der;
    uint8_t tag;
    struct chy_slice contents;
    int64_t time;
    if (!chy_der_any(&ahead, &tag, &contents)) {
        return false;
    }
    if (!(tag == CHY_DER_UTC_TIME && parse_utc_time(contents, &time)) &&
        !(tag == CHY_DER_GENERALIZED_TIME && parse_generalized_time(contents, &time))) {
        return false;
    }
    *der = ahead;
    *out_time = time;
    return true;
}
