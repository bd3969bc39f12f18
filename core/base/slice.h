/** Looking into slices: searching, trimming, ASCII case, numbers, UTF-8.  Nothing here copies
 *  unless it takes an operation. */
#ifndef CHY_BASE_SLICE_H
#define CHY_BASE_SLICE_H

#include <chancery/host.h>

#include <stdbool.h>

/** chy_slice_starts_with tells whether `prefix` stands at the beginning. */
CHY_MUST_USE bool chy_slice_starts_with(struct chy_slice slice, struct chy_slice prefix);
/** chy_slice_ends_with tells whether `suffix` stands at the end. */
CHY_MUST_USE bool chy_slice_ends_with(struct chy_slice slice, struct chy_slice suffix);
/** chy_slice_contains tells whether `part` occurs.  The empty one always does. */
CHY_MUST_USE bool chy_slice_contains(struct chy_slice slice, struct chy_slice part);
/** chy_slice_find finds the first `byte`. */
CHY_MUST_USE bool chy_slice_find(struct chy_slice slice, uint8_t byte, uint64_t *out_index);
/** chy_slice_find_last finds the last `byte`. */
CHY_MUST_USE bool chy_slice_find_last(struct chy_slice slice, uint8_t byte, uint64_t *out_index);
/** chy_slice_cut splits at the first `byte`, which neither part has.  false: it does not occur. */
CHY_MUST_USE bool chy_slice_cut(struct chy_slice slice, uint8_t byte, struct chy_slice *out_before,
                                struct chy_slice *out_after);
/** chy_slice_first gives the first `len` bytes, or all if there are fewer. */
struct chy_slice chy_slice_first(struct chy_slice slice, uint64_t len);
/** chy_slice_skip gives what follows the first `len` bytes, which may be nothing. */
struct chy_slice chy_slice_skip(struct chy_slice slice, uint64_t len);
/** chy_slice_trim drops spaces, tabs, carriage returns and newlines at both ends. */
struct chy_slice chy_slice_trim(struct chy_slice slice);
/** chy_slice_compare orders bytewise, a prefix first: less than, equal to or greater than 0. */
int chy_slice_compare(struct chy_slice a, struct chy_slice b);

/** chy_ascii_lower gives the lower-case form of an ASCII letter, and any other byte as it is. */
static inline uint8_t chy_ascii_lower(uint8_t byte)
{
    return byte >= 'A' && byte <= 'Z' ? (uint8_t)(byte | 0x20U) : byte;
}

/** chy_slice_equal_nocase compares, ignoring the case of ASCII letters. */
CHY_MUST_USE bool chy_slice_equal_nocase(struct chy_slice a, struct chy_slice b);
/** chy_slice_is_nocase compares with a NUL-terminated string, ignoring the case of ASCII
 *  letters. */
CHY_MUST_USE bool chy_slice_is_nocase(struct chy_slice slice, const char *text);
/** chy_slice_lower copies into the arena with ASCII letters in lower case, NUL-terminated. */
CHY_MUST_USE chy_status chy_slice_lower(struct chy_op *op, struct chy_slice slice,
                                        struct chy_slice *out_lower);
/** chy_slice_to_cstring copies into the arena.  CHY_BAD_INPUT: it has a NUL inside. */
CHY_MUST_USE chy_status chy_slice_to_cstring(struct chy_op *op, struct chy_slice slice,
                                             const char **out_text);

/** chy_slice_parse_i64 reads the whole slice as a decimal number from `minimum` to `maximum`; a
 *  leading '-' is the only sign. */
CHY_MUST_USE bool chy_slice_parse_i64(struct chy_slice slice, int64_t minimum, int64_t maximum,
                                      int64_t *out_number);
/** chy_slice_parse_u64 reads the whole slice as a decimal number without sign, up to `maximum`. */
CHY_MUST_USE bool chy_slice_parse_u64(struct chy_slice slice, uint64_t maximum,
                                      uint64_t *out_number);

/** chy_utf8_next reads the character at `*at` and moves past it.  false: the end, or not UTF-8. */
CHY_MUST_USE bool chy_utf8_next(struct chy_slice text, uint64_t *at, uint32_t *out_character);
/** chy_utf8_is_valid checks: shortest forms only, no surrogates, up to U+10FFFF.  NUL is valid. */
CHY_MUST_USE bool chy_utf8_is_valid(struct chy_slice text);
/** chy_text_is_clean checks for UTF-8 without control characters (C0, DEL, C1, line and paragraph
 *  separators) and without bidirectional ones. */
CHY_MUST_USE bool chy_text_is_clean(struct chy_slice text);
/**
 * chy_text_sanitise copies at most `size` bytes of `text` to `out`, each character that is not
 * clean as '?', and returns how many were written.  A character is never cut.  `out` may be
 * text.ptr.
 */
CHY_MUST_USE size_t chy_text_sanitise(struct chy_slice text, char *out, size_t size);

#endif
