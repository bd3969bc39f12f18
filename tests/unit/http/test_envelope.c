#include "http/envelope.h"

#include "base/arena.h"
#include "base/op.h"

#include "test_main.h"
#include "test_op.h"

static const struct {
    chy_status status;
    uint32_t reason;
    uint32_t http;
    const char *name;
} mappings[] = {
    {CHY_NOT_FOUND, 0, 404, "NotFound"},
    {CHY_CONFLICT, 0, 400, "BadRequest"},
    {CHY_CONFLICT, CHY_REASON_BOUNDARY, 403, "ForbiddenError"},
    {CHY_DENIED, 0, 403, "ForbiddenError"},
    {CHY_DENIED, CHY_REASON_UNAUTHENTICATED, 401, "UnauthorizedError"},
    {CHY_DENIED, CHY_REASON_TOKEN, 403, "TokenError"},
    {CHY_DENIED, CHY_REASON_PERMISSION, 403, "PermissionDenied"},
    {CHY_DENIED, CHY_REASON_BOUNDARY, 403, "ForbiddenError"},
    {CHY_BAD_INPUT, 0, 400, "BadRequest"},
    {CHY_BAD_INPUT, CHY_REASON_CRYPTO, 400, "CryptographyError"},
    {CHY_BAD_INPUT, CHY_REASON_VALIDATION, 422, "ValidationFailure"},
    {CHY_BAD_INPUT, CHY_REASON_TOO_LARGE, 413, "PayloadTooLarge"},
    {CHY_BAD_INPUT, CHY_REASON_HEADERS_TOO_LARGE, 431, "RequestHeaderFieldsTooLarge"},
    {CHY_UNSUPPORTED, 0, 400, "BadRequest"},
    {CHY_UNSUPPORTED, CHY_REASON_METHOD, 405, "MethodNotAllowed"},
    {CHY_UNSUPPORTED, CHY_REASON_MEDIA_TYPE, 415, "UnsupportedMediaType"},
    {CHY_TRY_LATER, 0, 503, "ServiceUnavailable"},
    {CHY_TRY_LATER, CHY_REASON_RATE, 429, "RateLimitExceeded"},
    {CHY_TRY_LATER, CHY_REASON_OVERLOAD, 503, "ServiceUnavailable"},
    {CHY_TRY_LATER, CHY_REASON_TIMEOUT, 504, "GatewayTimeoutError"},
    {CHY_UNCERTAIN, 0, 503, "ServiceUnavailable"},
    {CHY_NO_MEMORY, 0, 503, "ServiceUnavailable"},
    {CHY_BROKEN, 0, 500, "InternalServerError"},
    {CHY_BROKEN, CHY_REASON_TOKEN, 500, "InternalServerError"},
    {4711, 0, 500, "InternalServerError"},
    {-1, 0, 500, "InternalServerError"},
};

START_TEST(maps_statuses)
{
    uint32_t http = chy_http_status_of(mappings[_i].status, mappings[_i].reason);
    ck_assert_msg(http == mappings[_i].http, "%d/%u: %u", mappings[_i].status, mappings[_i].reason,
                  http);
    ck_assert_str_eq(chy_http_error_name(http, mappings[_i].reason), mappings[_i].name);
}
END_TEST

static struct chy_http_spare spare;

static void render(struct chy_op *op, struct chy_error *error, struct chy_http_answer *answer)
{
    error->struct_size = (uint32_t)sizeof *error;
    memset(answer, 0, sizeof *answer);
    chy_http_envelope(op, error, &spare, answer);
    ck_assert(chy_slice_is(answer->media_type, "application/json"));
}

/** The body without the request id, which differs each time. */
static const char *after_id(struct chy_op *op, struct chy_slice body)
{
    static char text[4096];
    struct chy_slice id = op->host->request_id(op);
    char start[64];
    int len =
        snprintf(start, sizeof start, "{\"reqId\":\"%.*s\",", (int)id.len, (const char *)id.ptr);
    ck_assert_uint_lt(body.len, sizeof text);
    ck_assert(body.len > (uint64_t)len && memcmp(body.ptr, start, (size_t)len) == 0);
    memcpy(text, body.ptr + len, (size_t)body.len - (size_t)len);
    text[body.len - (uint64_t)len] = '\0';
    return text;
}

static const struct chy_pair *header(const struct chy_http_answer *answer, const char *name)
{
    for (uint64_t i = 0; i < answer->headers.count; i++) {
        const struct chy_pair *pair = chy_view_at(answer->headers, i);
        if (chy_slice_is(pair->name, name)) {
            return pair;
        }
    }
    return NULL;
}

START_TEST(writes_a_message_and_details)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_error error = {
        .status = CHY_DENIED,
        .reason = CHY_REASON_PERMISSION,
        .message = chy_text("no \"right\""),
        .details = chy_text("[{\"action\":\"read\"}]"),
    };
    render(op, &error, &answer);
    ck_assert_uint_eq(answer.status, 403);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":403,\"message\":\"no \\\"right\\\"\",\"error\":"
                     "\"PermissionDenied\",\"details\":[{\"action\":\"read\"}]}");
    test_op_free(op);
}
END_TEST

START_TEST(writes_issues_with_their_paths)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    const struct chy_issue issues[] = {
        {chy_text("invalid_type"), chy_text("/attributes/0/a~1b~0c"), chy_text("Expected string")},
        {chy_text("custom"), chy_text(""), chy_text("whole")},
        {chy_text("custom"), chy_text("/007/"), chy_text("odd")},
    };
    struct chy_error error = {
        .status = CHY_BAD_INPUT,
        .reason = CHY_REASON_VALIDATION,
        .issues = CHY_VIEW_INIT(issues),
    };
    render(op, &error, &answer);
    ck_assert_uint_eq(answer.status, 422);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":422,\"message\":["
                     "{\"code\":\"invalid_type\",\"path\":[\"attributes\",0,\"a/b~c\"],"
                     "\"message\":\"Expected string\"},"
                     "{\"code\":\"custom\",\"path\":[],\"message\":\"whole\"},"
                     "{\"code\":\"custom\",\"path\":[\"007\",\"\"],\"message\":\"odd\"}],"
                     "\"error\":\"ValidationFailure\"}");
    test_op_free(op);
}
END_TEST

START_TEST(a_422_without_issues_has_one)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_error error = {
        .status = CHY_BAD_INPUT, .reason = CHY_REASON_VALIDATION, .message = chy_text("bad")};
    render(op, &error, &answer);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":422,\"message\":[{\"code\":\"custom\",\"path\":[],"
                     "\"message\":\"bad\"}],\"error\":\"ValidationFailure\"}");
    test_op_free(op);
}
END_TEST

static const struct {
    chy_status status;
    uint32_t reason;
} inner[] = {
    {CHY_BROKEN, 0},
    {CHY_UNCERTAIN, 0},
    {CHY_NO_MEMORY, 0},
    {CHY_TRY_LATER, 0},
    {CHY_TRY_LATER, CHY_REASON_OVERLOAD},
    {CHY_TRY_LATER, CHY_REASON_TIMEOUT},
    {4711, 0},
};

START_TEST(keeps_inner_messages_inside)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_error error = {
        .status = inner[_i].status,
        .reason = inner[_i].reason,
        .message = chy_text("host=db password"),
        .details = chy_text("\"password\""),
    };
    render(op, &error, &answer);
    ck_assert_uint_ge(answer.status, 500);
    ck_assert_ptr_null(strstr(after_id(op, answer.body), "password"));
    test_op_free(op);
}
END_TEST

START_TEST(an_uncertain_answer_tells_what_to_look_for)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_slice id = op->host->request_id(op);
    char want[64];
    struct chy_error error = {.status = CHY_UNCERTAIN, .message = chy_text("commit lost")};
    (void)snprintf(want, sizeof want, "request %.*s ", (int)id.len, (const char *)id.ptr);
    render(op, &error, &answer);
    ck_assert_ptr_nonnull(strstr(after_id(op, answer.body), want));
    test_op_free(op);
}
END_TEST

START_TEST(adds_the_headers_that_belong_to_it)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_error error = {.status = CHY_DENIED, .reason = CHY_REASON_UNAUTHENTICATED};
    render(op, &error, &answer);
    ck_assert(chy_slice_is(header(&answer, "WWW-Authenticate")->value, "Bearer"));
    error.status = CHY_TRY_LATER;
    error.reason = CHY_REASON_RATE;
    error.retry_after_s = 17;
    error.message = chy_text("wait 17 seconds");
    render(op, &error, &answer);
    ck_assert(chy_slice_is(header(&answer, "Retry-After")->value, "17"));
    ck_assert_ptr_nonnull(strstr(after_id(op, answer.body), "wait 17 seconds"));
    error.reason = 0;
    error.retry_after_s = 0;
    render(op, &error, &answer);
    ck_assert(chy_slice_is(header(&answer, "Retry-After")->value, "1"));
    error.status = CHY_NOT_FOUND;
    render(op, &error, &answer);
    ck_assert_uint_eq(answer.headers.count, 0);
    test_op_free(op);
}
END_TEST

/** Takes all that the operation's arena still gives. */
static void exhaust(struct chy_op *op)
{
    for (uint64_t size = 64 << 10; size != 0; size /= 2) {
        while (chy_alloc(op, size) != NULL) {
        }
    }
}

START_TEST(answers_without_memory)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    struct chy_error error = {.status = CHY_NOT_FOUND, .message = chy_text("gone")};
    exhaust(op);
    render(op, &error, &answer);
    ck_assert_uint_eq(answer.status, 404);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":404,\"message\":\"The request was refused.\","
                     "\"error\":\"NotFound\"}");
    error.status = CHY_BROKEN;
    render(op, &error, &answer);
    ck_assert_uint_eq(answer.status, 503);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":503,\"message\":\"The request needs more memory than it may "
                     "have.\",\"error\":\"ServiceUnavailable\"}");
    chy_http_envelope_plain(op, 414, "too long", &spare, &answer);
    ck_assert_uint_eq(answer.status, 414);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":414,\"message\":\"The request was refused.\","
                     "\"error\":\"UriTooLong\"}");
    test_op_free(op);
}
END_TEST

START_TEST(writes_protocol_errors)
{
    struct chy_op *op = test_op_new();
    struct chy_http_answer answer;
    memset(&answer, 0, sizeof answer);
    chy_http_envelope_plain(op, 414, "too long", &spare, &answer);
    ck_assert_uint_eq(answer.status, 414);
    ck_assert_str_eq(after_id(op, answer.body),
                     "\"statusCode\":414,\"message\":\"too long\",\"error\":\"UriTooLong\"}");
    test_op_free(op);
}
END_TEST

TEST_MAIN("http_envelope", TEST_EACH(maps_statuses, mappings), TEST(writes_a_message_and_details),
          TEST(writes_issues_with_their_paths), TEST(a_422_without_issues_has_one),
          TEST_EACH(keeps_inner_messages_inside, inner),
          TEST(an_uncertain_answer_tells_what_to_look_for),
          TEST(adds_the_headers_that_belong_to_it), TEST(answers_without_memory),
          TEST(writes_protocol_errors))
