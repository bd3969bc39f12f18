#include "base/status.h"

#include <stdbool.h>

static const char *const status_names[] = {
    [CHY_OK] = "ok",
    [CHY_NOT_FOUND] = "not_found",
    [CHY_CONFLICT] = "conflict",
    [CHY_DENIED] = "denied",
    [CHY_BAD_INPUT] = "bad_input",
    [CHY_UNSUPPORTED] = "unsupported",
    [CHY_TRY_LATER] = "try_later",
    [CHY_UNCERTAIN] = "uncertain",
    [CHY_NO_MEMORY] = "no_memory",
    [CHY_BROKEN] = "broken",
};

static const char *const reason_names[] = {
    [CHY_REASON_NONE] = "none",
    [CHY_REASON_VALIDATION] = "validation",
    [CHY_REASON_UNAUTHENTICATED] = "unauthenticated",
    [CHY_REASON_TOKEN] = "token",
    [CHY_REASON_PERMISSION] = "permission",
    [CHY_REASON_BOUNDARY] = "boundary",
    [CHY_REASON_TOO_LARGE] = "too_large",
    [CHY_REASON_METHOD] = "method",
    [CHY_REASON_MEDIA_TYPE] = "media_type",
    [CHY_REASON_RATE] = "rate",
    [CHY_REASON_OVERLOAD] = "overload",
    [CHY_REASON_CRYPTO] = "crypto",
    [CHY_REASON_TIMEOUT] = "timeout",
    [CHY_REASON_HEADERS_TOO_LARGE] = "headers_too_large",
};

const char *chy_status_name(chy_status status)
{
    size_t count = sizeof status_names / sizeof status_names[0];
    bool known = status >= 0 && (size_t)status < count;
    return status_names[known ? (size_t)status : (size_t)CHY_BROKEN];
}

const char *chy_reason_name(uint32_t reason)
{
    size_t count = sizeof reason_names / sizeof reason_names[0];
    return reason_names[reason < count ? reason : (uint32_t)CHY_REASON_NONE];
}
