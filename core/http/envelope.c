#include "http/envelope.h"

#include "base/buf.h"
#include "base/slice.h"
#include "base/status.h"

#include <stdio.h>

/** An envelope with all its issues and details fits; what does not is answered without them. */
#define ENVELOPE_MAX ((size_t)256 << 10)

static uint32_t status_of_denied(uint32_t reason)
{
    return reason == CHY_REASON_UNAUTHENTICATED ? 401 : 403;
}

static uint32_t status_of_bad_input(uint32_t reason)
{
    switch (reason) {
    case CHY_REASON_VALIDATION: return 422;
    case CHY_REASON_TOO_LARGE: return 413;
    case CHY_REASON_HEADERS_TOO_LARGE: return 431;
    default: return 400;
    }
}

static uint32_t status_of_unsupported(uint32_t reason)
{
    switch (reason) {
    case CHY_REASON_METHOD: return 405;
    case CHY_REASON_MEDIA_TYPE: return 415;
    default: return 400;
    }
}

static uint32_t status_of_try_later(uint32_t reason)
{
    switch (reason) {
    case CHY_REASON_RATE: return 429;
    case CHY_REASON_TIMEOUT: return 504;
    default: return 503;
    }
}

uint32_t chy_http_status_of(chy_status status, uint32_t reason)
{
    // A status that this version does not know means BROKEN, and so 500.
    if (status < CHY_OK || status > CHY_BROKEN) {
        return 500;
    }
    switch ((enum chy_status_value)status) {
    case CHY_OK: return 200;
    case CHY_NOT_FOUND: return 404;
    case CHY_CONFLICT: return reason == CHY_REASON_BOUNDARY ? 403 : 400;
    case CHY_DENIED: return status_of_denied(reason);
    case CHY_BAD_INPUT: return status_of_bad_input(reason);
    case CHY_UNSUPPORTED: return status_of_unsupported(reason);
    case CHY_TRY_LATER: return status_of_try_later(reason);
    case CHY_UNCERTAIN:
    case CHY_NO_MEMORY: return 503;
    case CHY_BROKEN: return 500;
    }
    return 500;
}

static const char *forbidden_name(uint32_t reason)
{
    switch (reason) {
    case CHY_REASON_TOKEN: return "TokenError";
    case CHY_REASON_PERMISSION: return "PermissionDenied";
    default: return "ForbiddenError";
    }
}

const char *chy_http_error_name(uint32_t http_status, uint32_t reason)
{
    switch (http_status) {
    case 400: return reason == CHY_REASON_CRYPTO ? "CryptographyError" : "BadRequest";
    case 401: return "UnauthorizedError";
    case 403: return forbidden_name(reason);
    case 404: return "NotFound";
    case 405: return "MethodNotAllowed";
    case 408: return "RequestTimeout";
    case 413: return "PayloadTooLarge";
    case 414: return "UriTooLong";
    case 415: return "UnsupportedMediaType";
    case 417: return "ExpectationFailed";
    case 422: return "ValidationFailure";
    case 429: return "RateLimitExceeded";
    case 431: return "RequestHeaderFieldsTooLarge";
    case 503: return "ServiceUnavailable";
    case 504: return "GatewayTimeoutError";
    default: return http_status < 500 ? "BadRequest" : "InternalServerError";
    }
}

static bool is_listed(const char *const *names, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return false;
}

size_t chy_http_error_names(uint32_t http_status, const char **out_names, size_t max)
{
    size_t count = 0;
    for (chy_status status = CHY_OK + 1; status <= CHY_BROKEN; status++) {
        for (uint32_t reason = CHY_REASON_NONE; reason <= CHY_REASON_HEADERS_TOO_LARGE; reason++) {
            const char *name = chy_http_error_name(http_status, reason);
            if (chy_http_status_of(status, reason) == http_status && count < max &&
                !is_listed(out_names, count, name)) {
                out_names[count++] = name;
            }
        }
    }
    if (count == 0 && max != 0) { // only a refusal without an error record has this status
        out_names[count++] = chy_http_error_name(http_status, CHY_REASON_NONE);
    }
    return count;
}

static void add_id(struct chy_buf *buf, struct chy_op *op, uint32_t http_status)
{
    chy_buf_add_text(buf, "{\"reqId\":");
    chy_buf_add_json_string(buf, op->host->request_id(op));
    chy_buf_add_text(buf, ",\"statusCode\":");
    chy_buf_add_u64(buf, http_status);
    chy_buf_add_text(buf, ",\"message\":");
}

/** A path segment: array indexes are numbers, everything else a string. */
static void add_segment(struct chy_buf *buf, struct chy_op *op, struct chy_slice segment)
{
    uint64_t number;
    bool is_index = segment.len < 10 && chy_slice_parse_u64(segment, UINT32_MAX, &number) &&
                    (segment.len == 1 || segment.ptr[0] != '0');
    if (is_index) {
        chy_buf_add(buf, segment);
        return;
    }
    uint8_t *text = chy_alloc(op, segment.len);
    if (text == NULL) {
        buf->failed = true;
        return;
    }
    // RFC 6901 4: "~1" is '/', then "~0" is '~'.
    uint64_t used = 0;
    for (uint64_t i = 0; i < segment.len; i++) {
        bool escaped = segment.ptr[i] == '~' && i + 1 < segment.len &&
                       (segment.ptr[i + 1] == '0' || segment.ptr[i + 1] == '1');
        if (escaped) {
            i++;
            text[used++] = segment.ptr[i] == '1' ? '/' : '~';
        } else {
            text[used++] = segment.ptr[i];
        }
    }
    chy_buf_add_json_string(buf, chy_slice_of(text, used));
}

static void add_path(struct chy_buf *buf, struct chy_op *op, struct chy_slice pointer)
{
    bool more = pointer.len != 0;
    struct chy_slice rest = chy_slice_skip(pointer, 1);
    chy_buf_add_u8(buf, '[');
    for (bool first = true; more; first = false) {
        struct chy_slice segment = rest;
        struct chy_slice after = {NULL, 0};
        more = chy_slice_cut(rest, '/', &segment, &after);
        rest = after;
        chy_buf_add_text(buf, first ? "" : ",");
        add_segment(buf, op, segment);
    }
    chy_buf_add_u8(buf, ']');
}

static void add_issue(struct chy_buf *buf, struct chy_op *op, const struct chy_issue *issue)
{
    chy_buf_add_text(buf, "{\"code\":");
    chy_buf_add_json_string(buf, issue->code);
    chy_buf_add_text(buf, ",\"path\":");
    add_path(buf, op, issue->path);
    chy_buf_add_text(buf, ",\"message\":");
    chy_buf_add_json_string(buf, issue->message);
    chy_buf_add_u8(buf, '}');
}

static void add_issues(struct chy_buf *buf, struct chy_op *op, const struct chy_error *error)
{
    chy_buf_add_u8(buf, '[');
    for (uint64_t i = 0; i < error->issues.count; i++) {
        chy_buf_add_text(buf, i == 0 ? "" : ",");
        add_issue(buf, op, chy_view_at(error->issues, i));
    }
    if (error->issues.count == 0) {
        struct chy_issue only = {chy_text("custom"), {NULL, 0}, error->message};
        add_issue(buf, op, &only);
    }
    chy_buf_add_u8(buf, ']');
}

/** The text for the caller: what went wrong inside is for the log only. */
static struct chy_slice public_message(struct chy_op *op, const struct chy_error *error)
{
    if (error->status == CHY_UNCERTAIN) {
        struct chy_slice id = op->host->request_id(op);
        char text[256];
        int len =
            snprintf(text, sizeof text,
                     "It is not known whether this was done. Look for the request %.*s before "
                     "trying again.",
                     (int)id.len, (const char *)id.ptr);
        struct chy_slice copy = {NULL, 0};
        if (len > 0 && chy_copy(op, chy_slice_of(text, (uint64_t)len), &copy) == CHY_OK) {
            return copy;
        }
        return chy_text("It is not known whether this was done.");
    }
    if (error->status == CHY_NO_MEMORY) {
        return chy_text("The request needs more memory than it may have.");
    }
    if (error->status == CHY_TRY_LATER && error->reason == CHY_REASON_TIMEOUT) {
        return chy_text("The request took too long. Try again.");
    }
    if (error->status == CHY_TRY_LATER && error->reason != CHY_REASON_RATE) {
        return chy_text("The service cannot do this now. Try again later.");
    }
    if (error->status >= CHY_NOT_FOUND && error->status < CHY_UNCERTAIN) {
        return error->message.len != 0 ? error->message : chy_text("The request was refused.");
    }
    return chy_text("Something went wrong.");
}

static void add_error_name(struct chy_buf *buf, uint32_t http_status, uint32_t reason)
{
    chy_buf_add_text(buf, ",\"error\":\"");
    chy_buf_add_text(buf, chy_http_error_name(http_status, reason));
    chy_buf_add_u8(buf, '"');
}

static void add_headers(struct chy_op *op, const struct chy_error *error,
                        struct chy_http_answer *answer)
{
    struct chy_pair pair = {{NULL, 0}, {NULL, 0}};
    char seconds[16];
    if (answer->status == 401) {
        pair.name = chy_text("WWW-Authenticate");
        pair.value = chy_text("Bearer");
    } else if (answer->status == 429 || answer->status == 503) {
        uint32_t wait = error->retry_after_s == 0 ? 1 : error->retry_after_s;
        (void)snprintf(seconds, sizeof seconds, "%u", wait);
        pair.name = chy_text("Retry-After");
        if (chy_copy(op, chy_text(seconds), &pair.value) != CHY_OK) {
            pair.value = chy_text("1");
        }
    } else {
        return;
    }
    struct chy_pair *kept = chy_alloc(op, sizeof *kept);
    if (kept != NULL) {
        *kept = pair;
        struct chy_view view = {kept, 1, sizeof *kept};
        answer->headers = view;
    }
}

static void set_body(struct chy_http_answer *answer, uint32_t http_status, struct chy_slice body)
{
    answer->struct_size = (uint32_t)sizeof *answer;
    answer->status = http_status;
    answer->flags = 0;
    answer->media_type = chy_text("application/json");
    answer->body = body;
    struct chy_view none = {NULL, 0, 0};
    answer->headers = none;
}

/** set_spare is what is left when not even the envelope could be allocated: without the headers,
 *  the issues and the details, but with its id. */
static void set_spare(struct chy_http_answer *answer, struct chy_op *op, uint32_t http_status,
                      struct chy_http_spare *spare)
{
    const struct chy_slice id = op->host->request_id(op);
    const uint32_t said = http_status < 500 ? http_status : 503;
    int len = snprintf(spare->text, sizeof spare->text,
                       "{\"reqId\":\"%.*s\",\"statusCode\":%u,\"message\":\"%s\",\"error\":\"%s\"}",
                       (int)id.len, (const char *)id.ptr, said,
                       said < 500 ? "The request was refused."
                                  : "The request needs more memory than it may have.",
                       chy_http_error_name(said, CHY_REASON_NONE));
    set_body(answer, said, chy_slice_of(spare->text, len > 0 ? strlen(spare->text) : 0));
}

static void write_envelope(struct chy_buf *buf, struct chy_op *op, const struct chy_error *error,
                           uint32_t http_status)
{
    add_id(buf, op, http_status);
    if (http_status == 422) {
        add_issues(buf, op, error);
    } else {
        chy_buf_add_json_string(buf, public_message(op, error));
    }
    add_error_name(buf, http_status, error->reason);
    if (error->details.len != 0 && http_status < 500) {
        chy_buf_add_text(buf, ",\"details\":");
        chy_buf_add(buf, error->details);
    }
    chy_buf_add_u8(buf, '}');
}

void chy_http_envelope(struct chy_op *op, const struct chy_error *error,
                       struct chy_http_spare *spare, struct chy_http_answer *out_answer)
{
    uint32_t http_status = chy_http_status_of(error->status, error->reason);
    struct chy_buf buf;
    chy_buf_init(&buf, op, ENVELOPE_MAX);
    write_envelope(&buf, op, error, http_status);
    if (!chy_buf_ok(&buf)) {
        set_spare(out_answer, op, http_status, spare);
        return;
    }
    set_body(out_answer, http_status, chy_buf_slice(&buf));
    add_headers(op, error, out_answer);
}

void chy_http_envelope_plain(struct chy_op *op, uint32_t http_status, const char *message,
                             struct chy_http_spare *spare, struct chy_http_answer *out_answer)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, ENVELOPE_MAX);
    add_id(&buf, op, http_status);
    chy_buf_add_json_string(&buf, chy_text(message));
    add_error_name(&buf, http_status, CHY_REASON_NONE);
    chy_buf_add_u8(&buf, '}');
    if (chy_buf_ok(&buf)) {
        set_body(out_answer, http_status, chy_buf_slice(&buf));
    } else {
        set_spare(out_answer, op, http_status, spare);
    }
}
