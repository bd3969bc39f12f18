/**
 * Webhooks: CloudEvents 1.0 in the structured mode of its JSON format, posted by HTTPS.
 *
 * With a secret each request carries `x-infisical-signature: t=<ms>,v1=<hex>`, where v1 is the
 * HMAC-SHA256 of "<ms>.<body>": the name and form that receivers of this API's events know.
 */
#include "json.h"
#include "transfer.h"
#include "url.h"

#include <chancery/crypto.h>

#include <inttypes.h>
#include <time.h>

#define US_PER_SECOND INT64_C(1000000)
#define MAC_LEN 32U

static chy_status check(const struct notify *notify, struct chy_op *op, struct chy_view values)
{
    struct url url;
    (void)notify;
    if (channel_value(values, WEBHOOK_SIGNING_SECRET).text.len > SECRET_MAX) {
        return channel_unfit(op, "signingSecret", "expected at most %d octets", SECRET_MAX);
    }
    return url_read(op, "url", channel_value(values, WEBHOOK_URL).text, &url);
}

/** RFC 3339, with the microseconds there are. */
static chy_status write_time(struct chy_op *op, int64_t time, char *out, size_t size)
{
    struct tm parts;
    time_t seconds = (time_t)(time / US_PER_SECOND);
    size_t len = 0;
    if (time < 0 || gmtime_r(&seconds, &parts) == NULL ||
        (len = strftime(out, size, "%Y-%m-%dT%H:%M:%S", &parts)) == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the time of a notification is no time");
    }
    (void)snprintf(out + len, size - len, ".%06" PRId64 "Z", time % US_PER_SECOND);
    return CHY_OK;
}

static bool set_text(json_t *object, const char *name, struct chy_slice text)
{
    return json_object_set_new(
               object, name,
               json_stringn(text.len == 0 ? "" : (const char *)text.ptr, (size_t)text.len)) == 0;
}

static chy_status write_event(struct chy_op *op, const struct chy_notification *n, const char *time,
                              struct chy_slice *out_body)
{
    json_error_t where;
    json_t *data =
        json_loadb((const char *)n->data.ptr, (size_t)n->data.len, JSON_REJECT_DUPLICATES, &where);
    if (!json_is_object(data)) {
        json_decref(data);
        return chy_fail(op, CHY_BAD_INPUT, 0, "the data of a notification is no JSON object");
    }
    json_t *event = json_object();
    bool fine = set_text(event, "specversion", chy_text("1.0")) && set_text(event, "id", n->id) &&
                set_text(event, "source", n->source) && set_text(event, "type", n->type) &&
                (n->subject.len == 0 || set_text(event, "subject", n->subject)) &&
                set_text(event, "time", chy_text(time)) &&
                set_text(event, "datacontenttype", chy_text("application/json"));
    fine = json_object_set_new(event, "data", data) == 0 && fine; // it takes data in any case
    if (!fine) {
        json_decref(event);
        return chy_fail_memory(op);
    }
    return json_write(op, event, out_body);
}

/** sign makes the header's line.  The time is that of this try, so that receivers can refuse old
 *  ones. */
static chy_status sign(struct chy_op *op, struct chy_slice secret, struct chy_slice body,
                       char *out_line, size_t size)
{
    struct chy_slice mac = {NULL, 0};
    char stamp[24];
    int stamp_len = snprintf(stamp, sizeof stamp, "%" PRId64 ".", chy_now(op) / 1000);
    uint8_t *message = chy_alloc(op, (uint64_t)stamp_len + body.len);
    if (message == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(message, stamp, (size_t)stamp_len);
    memcpy(message + stamp_len, body.ptr, (size_t)body.len);
    if (!CHY_HOST_HAS(op, hmac)) {
        return chy_missing_service(op, "hmac");
    }
    CHY_TRY(op->host->hmac(op, CHY_DIGEST_SHA256, secret,
                           chy_slice_of(message, (uint64_t)stamp_len + body.len), &mac));
    int len = snprintf(out_line, size, "x-infisical-signature: t=%.*s,v1=", stamp_len - 1, stamp);
    for (uint64_t i = 0; i < mac.len && i < MAC_LEN; i++) {
        len += snprintf(out_line + len, size - (size_t)len, "%02x", mac.ptr[i]);
    }
    return CHY_OK;
}

static chy_status post(struct transfer *transfer, const struct chy_notification *n, const char *url,
                       struct chy_delivery *out_delivery)
{
    char time[40];
    char line[160];
    struct chy_slice body = {NULL, 0};
    struct chy_slice secret = channel_value(n->values, WEBHOOK_SIGNING_SECRET).text;
    CHY_TRY(write_time(transfer->op, n->time, time, sizeof time));
    CHY_TRY(write_event(transfer->op, n, time, &body));
    if (secret.len != 0) {
        CHY_TRY(sign(transfer->op, secret, body, line, sizeof line));
        CHY_TRY(transfer_add(transfer, line));
    }
    return transfer_post(transfer, url, "application/cloudevents+json; charset=utf-8", body,
                         out_delivery);
}

static chy_status deliver(const struct notify *notify, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    struct url url;
    struct transfer transfer;
    CHY_TRY(url_read(op, "url", channel_value(notification->values, WEBHOOK_URL).text, &url));
    chy_status status = transfer_open(&transfer, notify, op, url.host);
    if (status == CHY_OK) {
        status = post(&transfer, notification, url.text, out_delivery);
    }
    transfer_close(&transfer);
    return status;
}

const struct channel channel_webhook = {check, deliver};
