/**
 * The request target: path and query, decoded strictly.  Nothing here allocates but the query.
 *
 * Refused: what does not start with '/', empty and dot segments (also percent-encoded), a bad
 * percent sequence, control characters, NUL, text that is not UTF-8, a raw '\\' or other byte
 * that RFC 3986 does not allow in a path.  A slash within a segment ("%2F") stays within it.
 */
#ifndef CHY_HTTP_PATH_H
#define CHY_HTTP_PATH_H

#include "http/limits.h"

#include <chancery/types.h>

#include <stdbool.h>

/** A path in pieces.  The slices lie in the buffer that chy_http_path_parse() was given. */
struct chy_http_path {
    struct chy_slice text; /**< decoded, with its slashes */
    struct chy_slice segments[CHY_HTTP_SEGMENTS_MAX];
    uint32_t segment_count; /**< 0 for "/" */
};

/** A target in its three parts, as sent. */
struct chy_http_target {
    struct chy_slice authority; /**< of the absolute form, else empty */
    struct chy_slice path;
    struct chy_slice query; /**< without '?' */
};

/** chy_http_target_split takes "/path?query" or "http://authority/path?query" apart.  NULL, or
 *  what is wrong. */
CHY_MUST_USE const char *chy_http_target_split(struct chy_slice raw,
                                               struct chy_http_target *out_target);

/** chy_http_path_parse decodes `raw` into `scratch`, which has room for raw.len bytes.  NULL, or
 *  what is wrong, and then `out_path` is untouched. */
CHY_MUST_USE const char *chy_http_path_parse(struct chy_slice raw, struct chy_buffer scratch,
                                             struct chy_http_path *out_path);

/** chy_http_query_parse decodes pairs, in order, into the operation's arena: '+' is a space.
 *  CHY_BAD_INPUT: a bad percent sequence, NUL, not UTF-8, or too many. */
struct chy_op;
CHY_MUST_USE chy_status chy_http_query_parse(struct chy_op *op, struct chy_slice raw,
                                             struct chy_view *out_pairs);

#endif
