#include "http/inside.h"

#include "base/slice.h"
#include "base/status.h"

#include <stdio.h>

/** A refusal may write a row of the audit and of requests, so it takes more of the allowance than
 *  what succeeds: this many requests besides its own. */
#define REFUSAL_CHARGE 9U

static int64_t now_us(void)
{
    // Not the operation's clock: limits are about real time.
    return chy_clock_monotonic(chy_clock_real());
}

static bool is_limited(const struct chy_http_exchange *x)
{
    return x->listener->kind == CHY_LISTENER_API && !x->slot->owner->mount.is_unlimited;
}

/** What the answer tells: the allowance that ends first. */
static void keep_tighter(struct chy_http_exchange *x, const struct chy_http_allowance *allowance)
{
    if (allowance->limit != 0 &&
        (x->allowance.limit == 0 || allowance->remaining < x->allowance.remaining)) {
        x->allowance = *allowance;
    }
}

static chy_status settle(struct chy_http_exchange *x, const struct chy_http_allowance *allowance,
                         const char *whose)
{
    keep_tighter(x, allowance);
    if (allowance->retry_after_s == 0) {
        return CHY_OK;
    }
    x->allowance = *allowance;
    chy_http_refused(x->server, "reason=\"rate\"");
    char message[CHY_MESSAGE_MAX];
    (void)snprintf(
        message, sizeof message,
        "too many requests by your %s: %u a minute are allowed, and a refused one counts "
        "%u; try again in %u s",
        whose, allowance->limit, REFUSAL_CHARGE + 1, allowance->retry_after_s);
    struct chy_error error = {
        .struct_size = (uint32_t)sizeof error,
        .status = CHY_TRY_LATER,
        .reason = CHY_REASON_RATE,
        .retry_after_s = allowance->retry_after_s,
        .message = chy_text(message),
    };
    struct chy_op *op = &x->operation.op;
    return op->host->fail_with(op, &error);
}

chy_status chy_http_admit_address(struct chy_http_exchange *x,
                                  const struct chy_http_address *address)
{
    // What a proxy does by itself, it does for everybody behind it.
    bool is_proxy =
        x->connection->is_trusted && memcmp(address, &x->connection->address, sizeof *address) == 0;
    if (!is_limited(x) || is_proxy) {
        return CHY_OK;
    }
    struct chy_http_address counted = chy_http_address_counted_as(address);
    struct chy_http_allowance allowance;
    memcpy(x->address_key.bytes, counted.bytes, sizeof counted.bytes);
    x->has_address_key = true;
    chy_http_rates_take(x->server->rates, CHY_HTTP_RATE_ADDRESS, &x->address_key,
                        x->server->config.limits.address_rate, now_us(), &allowance);
    return settle(x, &allowance, "address");
}

chy_status chy_http_admit_identity(struct chy_http_exchange *x)
{
    const struct chy_http_hooks *hooks = &x->server->config.hooks;
    struct chy_http_allowance allowance;
    if (!is_limited(x) || hooks->caller == NULL ||
        !hooks->caller(hooks->context, &x->operation.op, x->identity_key.bytes)) {
        return CHY_OK;
    }
    x->has_identity_key = true;
    chy_http_rates_take(x->server->rates, CHY_HTTP_RATE_IDENTITY, &x->identity_key,
                        x->server->config.limits.identity_rate, now_us(), &allowance);
    return settle(x, &allowance, "identity");
}

void chy_http_charge_refusal(struct chy_http_exchange *x)
{
    const struct chy_http_limits *limits = &x->server->config.limits;
    bool is_refusal = x->answer.status >= 400 && x->answer.status < 500 && x->answer.status != 429;
    if (!is_refusal) {
        return;
    }
    if (x->has_identity_key) {
        chy_http_rates_charge(x->server->rates, CHY_HTTP_RATE_IDENTITY, &x->identity_key,
                              limits->identity_rate, REFUSAL_CHARGE, now_us());
    } else if (x->has_address_key) {
        chy_http_rates_charge(x->server->rates, CHY_HTTP_RATE_ADDRESS, &x->address_key,
                              limits->address_rate, REFUSAL_CHARGE, now_us());
    }
}

static void add_number(struct MHD_Response *response, const char *name, uint32_t number)
{
    char text[16];
    (void)snprintf(text, sizeof text, "%u", number);
    (void)MHD_add_response_header(response, name, text);
}

void chy_http_add_allowance(const struct chy_http_exchange *x)
{
    if (x->allowance.limit == 0) {
        return;
    }
    add_number(x->response, "X-RateLimit-Limit", x->allowance.limit);
    add_number(x->response, "X-RateLimit-Remaining", x->allowance.remaining);
    add_number(x->response, "X-RateLimit-Reset", x->allowance.reset_s);
}
