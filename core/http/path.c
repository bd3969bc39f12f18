#include "http/path.h"

#include "base/slice.h"

#include <chancery/enrollment.h>
#include <chancery/host.h>

static bool hex_value(uint8_t digit, uint8_t *out_value)
{
    if (digit >= '0' && digit <= '9') {
        *out_value = (uint8_t)(digit - '0');
        return true;
    }
    uint8_t lower = chy_ascii_lower(digit);
    if (lower >= 'a' && lower <= 'f') {
        *out_value = (uint8_t)(lower - 'a' + 10);
        return true;
    }
    return false;
}

/** Reads the byte at `*at`, which may be a percent sequence, and moves past it. */
static bool decode_byte(struct chy_slice raw, uint64_t *at, uint8_t *out_byte)
{
    uint8_t byte = raw.ptr[*at];
    if (byte != '%') {
        *at += 1;
        *out_byte = byte;
        return true;
    }
    uint8_t high;
    uint8_t low;
    if (raw.len - *at < 3 || !hex_value(raw.ptr[*at + 1], &high) ||
        !hex_value(raw.ptr[*at + 2], &low)) {
        return false;
    }
    *at += 3;
    *out_byte = (uint8_t)(high << 4 | low);
    return true;
}

/** RFC 3986 3.3: pchar, the percent sign and the slash. */
static bool is_path_byte(uint8_t byte)
{
    uint8_t lower = chy_ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
           (byte != 0 && strchr("/%-._~!$&'()*+,;=:@", byte) != NULL);
}

static struct chy_slice rest_from(struct chy_slice slice, uint64_t start)
{
    return chy_slice_of(slice.ptr + start, slice.len - start);
}

/** Takes the scheme and authority off an absolute form (RFC 9112 3.2.2). */
static const char *cut_authority(struct chy_slice *target, struct chy_slice *out_authority)
{
    static const char *const schemes[] = {"http://", "https://"};
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        struct chy_slice scheme = chy_text(schemes[i]);
        if (!chy_slice_equal_nocase(chy_slice_first(*target, scheme.len), scheme)) {
            continue;
        }
        struct chy_slice rest = chy_slice_skip(*target, scheme.len);
        uint64_t end = 0;
        while (end < rest.len && rest.ptr[end] != '/' && rest.ptr[end] != '?') {
            end++;
        }
        if (end == 0) {
            return "the request target has no host";
        }
        *out_authority = chy_slice_first(rest, end);
        *target = chy_slice_skip(rest, end);
        return NULL;
    }
    return "the request target does not start with '/'";
}

static const char *check_query(struct chy_slice query)
{
    for (uint64_t i = 0; i < query.len; i++) {
        uint8_t byte = query.ptr[i];
        if (byte <= 0x20 || byte >= 0x7f || byte == '#') {
            return "the query has a byte that must be percent-encoded";
        }
    }
    return NULL;
}

const char *chy_http_target_split(struct chy_slice raw, struct chy_http_target *out_target)
{
    struct chy_http_target target = {{NULL, 0}, raw, {NULL, 0}};
    if (raw.len == 0) {
        return "the request target is empty";
    }
    if (raw.ptr[0] != '/') {
        const char *problem = cut_authority(&target.path, &target.authority);
        if (problem != NULL) {
            return problem;
        }
    }
    struct chy_slice before;
    struct chy_slice after;
    if (chy_slice_cut(target.path, '?', &before, &after)) {
        target.path = before;
        target.query = after;
    }
    if (target.path.len == 0) {
        target.path = chy_text("/");
    }
    const char *problem = check_query(target.query);
    if (problem == NULL) {
        *out_target = target;
    }
    return problem;
}

static const char *check_segment(struct chy_slice segment, bool is_last)
{
    if (segment.len == 0 && !is_last) {
        return "the path has an empty segment";
    }
    if (chy_slice_is(segment, ".") || chy_slice_is(segment, "..")) {
        return "the path has a dot segment";
    }
    if (!chy_text_is_clean(segment)) {
        return "the path has a control character or is not UTF-8";
    }
    return NULL;
}

/** Decodes the segment of `raw` at `*at`, up to the next slash, behind `*used` bytes of scratch.
 *  */
static const char *decode_segment(struct chy_slice raw, uint64_t *at, struct chy_buffer scratch,
                                  uint64_t *used, struct chy_slice *out_segment)
{
    uint64_t start = *used;
    while (*at < raw.len && raw.ptr[*at] != '/') {
        if (!is_path_byte(raw.ptr[*at])) {
            return "the path has a byte that must be percent-encoded";
        }
        if (!decode_byte(raw, at, &scratch.ptr[*used])) {
            return "the path has a bad percent sequence";
        }
        *used += 1;
    }
    *out_segment = chy_slice_of(scratch.ptr + start, *used - start);
    return check_segment(*out_segment, *at == raw.len);
}

const char *chy_http_path_parse(struct chy_slice raw, struct chy_buffer scratch,
                                struct chy_http_path *out_path)
{
    if (raw.len == 0 || raw.ptr[0] != '/') {
        return "the path does not start with '/'";
    }
    if (scratch.len < raw.len) {
        return "the path is too long";
    }
    struct chy_http_path path;
    path.segment_count = 0;
    uint64_t at = 0;
    uint64_t used = 0;
    while (at < raw.len) {
        at++; // the slash
        scratch.ptr[used++] = '/';
        if (path.segment_count == CHY_HTTP_SEGMENTS_MAX) {
            return "the path has too many segments";
        }
        const char *problem =
            decode_segment(raw, &at, scratch, &used, &path.segments[path.segment_count]);
        if (problem != NULL) {
            return problem;
        }
        path.segment_count++;
    }
    if (path.segment_count == 1 && path.segments[0].len == 0) {
        path.segment_count = 0; // "/"
    }
    path.text = chy_slice_of(scratch.ptr, used);
    *out_path = path;
    return NULL;
}

static chy_status decode_query_text(struct chy_op *op, struct chy_slice raw,
                                    struct chy_slice *out_text)
{
    uint8_t *text = chy_alloc(op, raw.len + 1);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t used = 0;
    for (uint64_t at = 0; at < raw.len; used++) {
        if (raw.ptr[at] == '+') {
            text[used] = ' ';
            at++;
        } else if (!decode_byte(raw, &at, &text[used])) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the query has a bad percent sequence");
        } else if (text[used] == 0) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the query has a NUL");
        }
    }
    *out_text = chy_slice_of(text, used);
    if (!chy_utf8_is_valid(*out_text)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the query is not UTF-8");
    }
    return CHY_OK;
}

static uint64_t count_pairs(struct chy_slice raw)
{
    uint64_t count = raw.len == 0 ? 0 : 1;
    for (uint64_t i = 0; i < raw.len; i++) {
        count += raw.ptr[i] == '&' ? 1 : 0;
    }
    return count;
}

chy_status chy_http_query_parse(struct chy_op *op, struct chy_slice raw, struct chy_view *out_pairs)
{
    uint64_t room = count_pairs(raw);
    if (room > CHY_HTTP_QUERY_MAX) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the query has more than %u parameters",
                        CHY_HTTP_QUERY_MAX);
    }
    struct chy_pair *pairs = chy_alloc(op, room * sizeof *pairs);
    if (pairs == NULL) {
        return chy_fail_memory(op);
    }
    uint64_t count = 0;
    while (raw.len != 0) {
        struct chy_slice pair = raw;
        struct chy_slice rest = {NULL, 0};
        if (chy_slice_cut(raw, '&', &pair, &rest)) {
            raw = rest;
        } else {
            raw = rest_from(raw, raw.len);
        }
        if (pair.len == 0) {
            continue;
        }
        struct chy_slice name = pair;
        struct chy_slice value = {NULL, 0};
        if (!chy_slice_cut(pair, '=', &name, &value)) {
            name = pair;
        }
        CHY_TRY(decode_query_text(op, name, &pairs[count].name));
        CHY_TRY(decode_query_text(op, value, &pairs[count].value));
        count++;
    }
    struct chy_view view = {pairs, count, sizeof *pairs};
    *out_pairs = view;
    return CHY_OK;
}
