#include "base/uuid.h"

#include "base/encode.h"

/* Where each group of digits stands in the text: 8-4-4-4-12. */
static const struct {
    size_t at;
    size_t len;
} groups[] = {{0, 8}, {9, 4}, {14, 4}, {19, 4}, {24, 12}};

#define GROUP_COUNT (sizeof groups / sizeof groups[0])

bool chy_uuid_parse(struct chy_slice text, struct chy_uuid *out_uuid)
{
    if (text.len != CHY_UUID_TEXT_LEN) {
        return false;
    }
    struct chy_uuid uuid;
    size_t len = 0;
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        struct chy_buffer rest = {uuid.bytes + len, sizeof uuid.bytes - len};
        size_t group_len = 0;
        if (i > 0 && text.ptr[groups[i].at - 1] != '-') {
            return false;
        }
        if (!chy_hex_decode(chy_slice_of(text.ptr + groups[i].at, groups[i].len), rest,
                            &group_len)) {
            return false;
        }
        len += group_len;
    }
    *out_uuid = uuid;
    return true;
}

void chy_uuid_format(const struct chy_uuid *uuid, char out[CHY_UUID_TEXT_SIZE])
{
    size_t len = 0;
    for (size_t i = 0; i < GROUP_COUNT; i++) {
        if (i > 0) {
            out[groups[i].at - 1] = '-';
        }
        chy_hex_encode(chy_slice_of(uuid->bytes + len, groups[i].len / 2), out + groups[i].at);
        len += groups[i].len / 2;
    }
    out[CHY_UUID_TEXT_LEN] = '\0';
}

chy_status chy_uuid_text(struct chy_op *op, const struct chy_uuid *uuid, struct chy_slice *out_text)
{
    char *text = chy_alloc(op, CHY_UUID_TEXT_SIZE);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    chy_uuid_format(uuid, text);
    *out_text = chy_slice_of(text, CHY_UUID_TEXT_LEN);
    return CHY_OK;
}

struct chy_uuid chy_uuid_v7(int64_t unix_ms, const uint8_t random[CHY_UUID_RANDOM_LEN])
{
    // RFC 9562 5.7: 48 bits of time, version, 12 random bits, variant, 62 random bits.
    struct chy_uuid uuid;
    uint64_t time = unix_ms > 0 ? (uint64_t)unix_ms : 0;
    for (size_t i = 0; i < 6; i++) {
        uuid.bytes[i] = (uint8_t)(time >> (40 - 8 * i));
    }
    memcpy(uuid.bytes + 6, random, CHY_UUID_RANDOM_LEN);
    uuid.bytes[6] = (uint8_t)(0x70U | (uuid.bytes[6] & 0x0fU));
    uuid.bytes[8] = (uint8_t)(0x80U | (uuid.bytes[8] & 0x3fU));
    return uuid;
}

bool chy_uuid_is_nil(const struct chy_uuid *uuid)
{
    static const struct chy_uuid nil;
    return chy_uuid_compare(uuid, &nil) == 0;
}

int chy_uuid_compare(const struct chy_uuid *a, const struct chy_uuid *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

int64_t chy_uuid_time_ms(const struct chy_uuid *uuid)
{
    uint64_t time = 0;
    for (size_t i = 0; i < 6; i++) { // RFC 9562 5.7: the first 48 bits
        time = time << 8 | uuid->bytes[i];
    }
    return (int64_t)time;
}
