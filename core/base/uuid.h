/** UUIDs (RFC 9562): reading, writing, and the time-ordered version 7. */
#ifndef CHY_BASE_UUID_H
#define CHY_BASE_UUID_H

#include <chancery/host.h>

#include <stdbool.h>

struct chy_uuid {
    uint8_t bytes[16];
};

#define CHY_UUID_TEXT_LEN 36
#define CHY_UUID_TEXT_SIZE (CHY_UUID_TEXT_LEN + 1)
#define CHY_UUID_RANDOM_LEN 10

/** chy_uuid_parse reads the form 8-4-4-4-12 in either case and nothing else. */
CHY_MUST_USE bool chy_uuid_parse(struct chy_slice text, struct chy_uuid *out_uuid);
/** chy_uuid_format writes the lower-case form and a NUL. */
void chy_uuid_format(const struct chy_uuid *uuid, char out[CHY_UUID_TEXT_SIZE]);
/** chy_uuid_text makes the lower-case form in the arena, NUL-terminated. */
CHY_MUST_USE chy_status chy_uuid_text(struct chy_op *op, const struct chy_uuid *uuid,
                                      struct chy_slice *out_text);
/** chy_uuid_v7 makes a version 7 UUID of a time and ten random bytes. */
struct chy_uuid chy_uuid_v7(int64_t unix_ms, const uint8_t random[CHY_UUID_RANDOM_LEN]);
/** chy_uuid_time_ms is the time in a version 7 UUID, ms since 1970. */
int64_t chy_uuid_time_ms(const struct chy_uuid *uuid);
/** chy_uuid_is_nil tells whether all bits are zero. */
CHY_MUST_USE bool chy_uuid_is_nil(const struct chy_uuid *uuid);
/** chy_uuid_compare orders bytewise, which for version 7 is by time. */
int chy_uuid_compare(const struct chy_uuid *a, const struct chy_uuid *b);

#endif
