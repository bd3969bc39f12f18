/**
 * The header block of a request: checked strictly against request smuggling, before anything
 * else.
 *
 * libmicrohttpd (before 1.0) accepts two Content-Lengths, Content-Length beside
 * Transfer-Encoding, two Hosts, folded lines, bare line feeds and NULs.  What it hands over is
 * checked here, and every byte of the block is accounted for: a fold, a NUL, a bare line feed or
 * a stray space makes the sum of the parts differ from the size of the block.
 */
#ifndef CHY_HTTP_HEAD_H
#define CHY_HTTP_HEAD_H

#include "http/limits.h"

#include <chancery/types.h>

#include <stdbool.h>

/** One header line as the parser saw it. */
struct chy_http_line {
    struct chy_slice name;
    struct chy_slice value;
};

struct chy_http_head {
    struct chy_slice method;
    struct chy_slice target;  /**< as sent */
    struct chy_slice version; /**< "HTTP/1.1" */
    const struct chy_http_line *lines;
    uint32_t line_count;
    bool same_block; /**< names and values point into the received block: account for its bytes */
    uint64_t block_len; /**< of the block, final empty line included; with `same_block` */
};

/** What the check found.  With `status` 0 the request may go on. */
struct chy_http_verdict {
    uint32_t status;     /**< HTTP status of the refusal, or 0 */
    const char *problem; /**< for people */
    bool close;          /**< where the request ends is not sure: answer and close */
    bool has_body;
    bool chunked;
    bool expects_continue;
    uint64_t content_length; /**< 0 with `chunked` */
    struct chy_slice host;   /**< may be empty with HTTP/1.0 */
    struct chy_slice authorization;
    struct chy_slice media_type; /**< as sent, without parameters */
    bool has_media_type;
};

/** chy_http_head_check looks at the block once. */
void chy_http_head_check(const struct chy_http_head *head, const struct chy_http_limits *limits,
                         struct chy_http_verdict *out_verdict);

/** chy_http_is_token checks for the `token` of RFC 9110 5.6.2. */
CHY_MUST_USE bool chy_http_is_token(struct chy_slice text);
/** chy_http_is_field_value checks for what may stand in a header: no control bytes but tab. */
CHY_MUST_USE bool chy_http_is_field_value(struct chy_slice text);
/** chy_http_is_authority checks for `host [":" port]` as it may stand in a URL. */
CHY_MUST_USE bool chy_http_is_authority(struct chy_slice text);

#endif
