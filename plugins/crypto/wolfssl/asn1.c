#include "asn1.h"

static bool take_byte(struct chy_slice *rest, uint8_t *out_byte)
{
    if (rest->len == 0) {
        return false;
    }
    *out_byte = rest->ptr[0];
    rest->ptr++;
    rest->len--;
    return true;
}

static bool take_length(struct chy_slice *rest, uint64_t *out_len)
{
    uint8_t first;
    if (!take_byte(rest, &first)) {
        return false;
    }
    if (first < 0x80) {
        *out_len = first;
        return true;
    }
    uint8_t count = first & 0x7f;
    if (count == 0 || count > 4) {
        return false;
    }
    uint64_t len = 0;
    for (uint8_t i = 0; i < count; i++) {
        uint8_t byte;
        if (!take_byte(rest, &byte) || (i == 0 && byte == 0)) {
            return false;
        }
        len = len << 8 | byte;
    }
    if (len < 0x80) {
        return false; // the short form would have done
    }
    *out_len = len;
    return true;
}

static bool take_any(struct chy_slice *rest, uint8_t *out_tag, struct chy_slice *out_contents)
{
    struct chy_slice ahead = *rest;
    uint8_t tag;
    uint64_t len;
    if (!take_byte(&ahead, &tag) || !take_length(&ahead, &len) || len > ahead.len) {
        return false;
    }
    *out_tag = tag;
    *out_contents = chy_slice_of(ahead.ptr, len);
    *rest = chy_slice_of(ahead.ptr + len, ahead.len - len);
    return true;
}

bool chy_asn1_take(struct chy_slice *rest, uint8_t tag, struct chy_slice *out_contents)
{
    struct chy_slice ahead = *rest;
    struct chy_slice contents;
    uint8_t seen;
    if (!take_any(&ahead, &seen, &contents) || seen != tag) {
        return false;
    }
    *rest = ahead;
    *out_contents = contents;
    return true;
}

bool chy_asn1_take_whole(struct chy_slice *rest, struct chy_slice *out_element)
{
    struct chy_slice ahead = *rest;
    struct chy_slice contents;
    uint8_t tag;
    if (!take_any(&ahead, &tag, &contents)) {
        return false;
    }
    *out_element = chy_slice_of(rest->ptr, rest->len - ahead.len);
    *rest = ahead;
    return true;
}

bool chy_asn1_take_unsigned(struct chy_slice *rest, struct chy_slice *out_magnitude)
{
    struct chy_slice ahead = *rest;
    struct chy_slice value;
    if (!chy_asn1_take(&ahead, CHY_ASN1_INTEGER, &value) || value.len == 0 ||
        value.ptr[0] >= 0x80) {
        return false;
    }
    if (value.len > 1 && value.ptr[0] == 0) {
        if (value.ptr[1] < 0x80) {
            return false; // not the shortest form
        }
        value = chy_slice_of(value.ptr + 1, value.len - 1);
    }
    *rest = ahead;
    *out_magnitude = value;
    return true;
}

bool chy_asn1_take_bits(struct chy_slice *rest, struct chy_slice *out_bits)
{
    struct chy_slice ahead = *rest;
    struct chy_slice value;
    if (!chy_asn1_take(&ahead, CHY_ASN1_BIT_STRING, &value) || value.len == 0 ||
        value.ptr[0] != 0) {
        return false;
    }
    *rest = ahead;
    *out_bits = chy_slice_of(value.ptr + 1, value.len - 1);
    return true;
}

void chy_asn1_out_init(struct chy_asn1_out *out, void *buffer, uint64_t size)
{
    out->start = buffer;
    out->end = out->start + size;
    out->at = out->end;
    out->full = false;
}

struct chy_slice chy_asn1_out_slice(const struct chy_asn1_out *out)
{
    return chy_slice_of(out->at, (uint64_t)(out->end - out->at));
}

uint64_t chy_asn1_mark(const struct chy_asn1_out *out)
{
    return (uint64_t)(out->end - out->at);
}

void chy_asn1_put(struct chy_asn1_out *out, struct chy_slice bytes)
{
    if (out->full || bytes.len > (uint64_t)(out->at - out->start)) {
        out->full = true;
        return;
    }
    if (bytes.len > 0) {
        out->at -= bytes.len;
        memcpy(out->at, bytes.ptr, bytes.len);
    }
}

void chy_asn1_put_byte(struct chy_asn1_out *out, uint8_t byte)
{
    chy_asn1_put(out, chy_slice_of(&byte, 1));
}

void chy_asn1_put_header(struct chy_asn1_out *out, uint8_t tag, uint64_t mark)
{
    uint64_t len = chy_asn1_mark(out) - mark;
    if (len < 0x80) {
        chy_asn1_put_byte(out, (uint8_t)len);
    } else {
        uint8_t count = 0;
        for (; len > 0; len >>= 8) {
            chy_asn1_put_byte(out, (uint8_t)(len & 0xff));
            count++;
        }
        chy_asn1_put_byte(out, 0x80 | count);
    }
    chy_asn1_put_byte(out, tag);
}

void chy_asn1_put_unsigned(struct chy_asn1_out *out, struct chy_slice magnitude)
{
    uint64_t mark = chy_asn1_mark(out);
    while (magnitude.len > 1 && magnitude.ptr[0] == 0) {
        magnitude = chy_slice_of(magnitude.ptr + 1, magnitude.len - 1);
    }
    chy_asn1_put(out, magnitude);
    if (magnitude.len == 0 || magnitude.ptr[0] >= 0x80) {
        chy_asn1_put_byte(out, 0);
    }
    chy_asn1_put_header(out, CHY_ASN1_INTEGER, mark);
}
