#include "http/head.h"

#include "base/slice.h"

enum {
    BAD_REQUEST = 400,
    LENGTH_MAX_DIGITS = 18, // below 2^63, whatever is added to it
    TOO_LARGE_HEAD = 431,
    TOO_LONG_URI = 414,
    UNSUPPORTED_MEDIA = 415,
    EXPECTATION_FAILED = 417
};

static bool is_token_byte(uint8_t byte)
{
    uint8_t lower = chy_ascii_lower(byte);
    return (lower >= 'a' && lower <= 'z') || (byte >= '0' && byte <= '9') ||
           (byte != 0 && strchr("!#$%&'*+-.^_`|~", byte) != NULL);
}

bool chy_http_is_token(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        if (!is_token_byte(text.ptr[i])) {
            return false;
        }
    }
    return text.len != 0;
}

bool chy_http_is_field_value(struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t byte = text.ptr[i];
        if ((byte < 0x20 && byte != '\t') || byte == 0x7f) {
            return false;
        }
    }
    return true;
}

static bool is_port(struct chy_slice text)
{
    uint64_t port;
    return text.len == 0 || (text.len <= 5 && chy_slice_parse_u64(text, 65535, &port));
}

static bool is_ip_literal(struct chy_slice text)
{
    struct chy_slice inside;
    struct chy_slice after;
    if (!chy_slice_cut(text, ']', &inside, &after) ||
        (after.len != 0 && (after.ptr[0] != ':' || !is_port(chy_slice_skip(after, 1))))) {
        return false;
    }
    for (uint64_t i = 1; i < inside.len; i++) {
        uint8_t lower = chy_ascii_lower(inside.ptr[i]);
        bool is_hex = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
        if (!is_hex && lower != ':' && lower != '.') {
            return false;
        }
    }
    return inside.len > 2;
}

bool chy_http_is_authority(struct chy_slice text)
{
    if (text.len == 0 || text.len > 255 + 6) {
        return false;
    }
    if (text.ptr[0] == '[') {
        return is_ip_literal(text);
    }
    struct chy_slice host = text;
    struct chy_slice port = {NULL, 0};
    if (chy_slice_cut(text, ':', &host, &port) && !is_port(port)) {
        return false;
    }
    for (uint64_t i = 0; i < host.len; i++) {
        uint8_t lower = chy_ascii_lower(host.ptr[i]);
        bool is_plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
        if (!is_plain && lower != '-' && lower != '.' && lower != '_') {
            return false;
        }
    }
    return host.len != 0;
}

/** What has been seen while walking over the lines. */
struct scan {
    const struct chy_http_head *head;
    const struct chy_http_limits *limits;
    struct chy_http_verdict *verdict;
    uint32_t hosts;
    uint32_t lengths;
    uint32_t encodings; // Transfer-Encoding
    uint32_t types;
    uint32_t authorizations;
    bool encoded; // Content-Encoding: refused, though the end of the request is sure
    uint64_t block_len;
};

static bool refuse(struct scan *scan, uint32_t status, bool close, const char *problem)
{
    scan->verdict->status = status;
    scan->verdict->close = close;
    scan->verdict->problem = problem;
    return false;
}

static bool see_length(struct scan *scan, struct chy_slice value)
{
    scan->lengths++;
    if (scan->lengths > 1) {
        return refuse(scan, BAD_REQUEST, true, "there is more than one Content-Length");
    }
    if (value.len > LENGTH_MAX_DIGITS ||
        !chy_slice_parse_u64(value, UINT64_MAX, &scan->verdict->content_length)) {
        return refuse(scan, BAD_REQUEST, true, "the Content-Length is not a number of bytes");
    }
    return true;
}

static bool see_transfer_encoding(struct scan *scan, struct chy_slice value)
{
    scan->encodings++;
    if (scan->encodings > 1 || !chy_slice_is_nocase(value, "chunked")) {
        return refuse(scan, BAD_REQUEST, true,
                      "the only Transfer-Encoding taken is 'chunked', once");
    }
    if (!chy_slice_is(scan->head->version, "HTTP/1.1")) {
        return refuse(scan, BAD_REQUEST, true, "HTTP/1.0 has no Transfer-Encoding");
    }
    scan->verdict->chunked = true;
    return true;
}

static bool see_host(struct scan *scan, struct chy_slice value)
{
    scan->hosts++;
    value = chy_slice_trim(value);
    if (scan->hosts > 1) {
        return refuse(scan, BAD_REQUEST, true, "there is more than one Host");
    }
    if (!chy_http_is_authority(value)) {
        return refuse(scan, BAD_REQUEST, true, "the Host is not a host name with an optional port");
    }
    scan->verdict->host = value;
    return true;
}

static bool see_expect(struct scan *scan, struct chy_slice value)
{
    if (!chy_slice_is_nocase(chy_slice_trim(value), "100-continue")) {
        return refuse(scan, EXPECTATION_FAILED, true, "the only Expect taken is '100-continue'");
    }
    scan->verdict->expects_continue = true;
    return true;
}

static bool see_content_encoding(struct scan *scan, struct chy_slice value)
{
    scan->encoded = scan->encoded || !chy_slice_is_nocase(chy_slice_trim(value), "identity");
    return true;
}

static bool see_content_type(struct scan *scan, struct chy_slice value)
{
    scan->types++;
    if (scan->types > 1) {
        return refuse(scan, BAD_REQUEST, true, "there is more than one Content-Type");
    }
    struct chy_slice parameters;
    if (!chy_slice_cut(value, ';', &scan->verdict->media_type, &parameters)) {
        scan->verdict->media_type = value;
    }
    scan->verdict->media_type = chy_slice_trim(scan->verdict->media_type);
    scan->verdict->has_media_type = true;
    return true;
}

static bool see_authorization(struct scan *scan, struct chy_slice value)
{
    scan->authorizations++;
    scan->verdict->authorization = chy_slice_trim(value);
    return scan->authorizations == 1 ||
           refuse(scan, BAD_REQUEST, true, "there is more than one Authorization");
}

static const struct {
    const char *name;
    bool (*see)(struct scan *scan, struct chy_slice value);
} watched[] = {
    {"host", see_host},
    {"content-length", see_length},
    {"transfer-encoding", see_transfer_encoding},
    {"content-type", see_content_type},
    {"content-encoding", see_content_encoding},
    {"authorization", see_authorization},
    {"expect", see_expect},
};

/** Adds the bytes of a line to the sum: name, colon, blanks, value, CR, LF. */
static bool account_line(struct scan *scan, const struct chy_http_line *line)
{
    uintptr_t after_colon = (uintptr_t)line->name.ptr + line->name.len + 1;
    uintptr_t value = (uintptr_t)line->value.ptr;
    // A folded line is copied elsewhere by the parser: its value is not behind its name any more.
    if (value < after_colon || value - after_colon > scan->head->block_len) {
        return false;
    }
    uint64_t blanks = value - after_colon;
    for (uint64_t i = 0; i < blanks; i++) {
        uint8_t byte = line->name.ptr[line->name.len + 1 + i];
        if (byte != ' ' && byte != '\t') {
            return false;
        }
    }
    scan->block_len += line->name.len + 1 + blanks + line->value.len + 2;
    return true;
}

static bool see_line(struct scan *scan, const struct chy_http_line *line)
{
    if (!chy_http_is_token(line->name)) {
        return refuse(scan, BAD_REQUEST, true, "a header's name is not a token");
    }
    if (!chy_http_is_field_value(line->value)) {
        return refuse(scan, BAD_REQUEST, true, "a header has a control byte");
    }
    if (scan->head->same_block && !account_line(scan, line)) {
        return refuse(scan, BAD_REQUEST, true, "a header line is folded");
    }
    for (size_t i = 0; i < sizeof watched / sizeof watched[0]; i++) {
        if (chy_slice_is_nocase(line->name, watched[i].name)) {
            return watched[i].see(scan, line->value);
        }
    }
    return true;
}

static bool check_sizes(struct scan *scan)
{
    if (scan->head->target.len > scan->limits->uri_max) {
        return refuse(scan, TOO_LONG_URI, true, "the request target is too long");
    }
    if (scan->head->line_count > scan->limits->header_count_max) {
        return refuse(scan, TOO_LARGE_HEAD, true, "there are too many header lines");
    }
    if (scan->head->block_len > scan->limits->header_size_max) {
        return refuse(scan, TOO_LARGE_HEAD, true, "the header block is too large");
    }
    return true;
}

static bool check_together(struct scan *scan)
{
    if (scan->lengths != 0 && scan->encodings != 0) {
        return refuse(scan, BAD_REQUEST, true,
                      "there are both Content-Length and Transfer-Encoding");
    }
    if (scan->hosts == 0 && !chy_slice_is(scan->head->version, "HTTP/1.0")) {
        return refuse(scan, BAD_REQUEST, true, "there is no Host");
    }
    if (scan->head->same_block && scan->block_len != scan->head->block_len) {
        return refuse(
            scan, BAD_REQUEST, true,
            "the header block has a NUL, a bare line feed, a folded line or a stray space");
    }
    return true;
}

void chy_http_head_check(const struct chy_http_head *head, const struct chy_http_limits *limits,
                         struct chy_http_verdict *out_verdict)
{
    memset(out_verdict, 0, sizeof *out_verdict);
    struct scan scan = {.head = head, .limits = limits, .verdict = out_verdict};
    if (!chy_http_is_token(head->method)) {
        (void)refuse(&scan, BAD_REQUEST, true, "the method is not a token");
        return;
    }
    if (!check_sizes(&scan)) {
        return;
    }
    // Request line: two spaces, CR, LF; then the empty line at the end.
    scan.block_len = head->method.len + 1 + head->target.len + 1 + head->version.len + 2 + 2;
    for (uint32_t i = 0; i < head->line_count; i++) {
        if (!see_line(&scan, &head->lines[i])) {
            return;
        }
    }
    if (!check_together(&scan)) {
        return;
    }
    out_verdict->has_body = out_verdict->chunked || out_verdict->content_length != 0;
    if (scan.encoded) {
        (void)refuse(&scan, UNSUPPORTED_MEDIA, false,
                     "a body with a Content-Encoding is not taken");
    }
}
