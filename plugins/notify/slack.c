/** Slack's incoming webhooks: {"text": …}, as plain words. */
#include "json.h"
#include "transfer.h"
#include "url.h"

/** Slack cuts at 40,000 characters; we do so before, between two characters. */
#define TEXT_MAX 30000U
/** "&amp;", the longest that one octet becomes. */
#define ESCAPED_MAX 5U

static chy_status check(const struct notify *notify, struct chy_op *op, struct chy_view values)
{
    struct url url;
    (void)notify;
    return url_read(op, "webhookUrl", channel_value(values, SLACK_WEBHOOK_URL).text, &url);
}

/** add_escaped: a name in a certificate shall not call everybody (<!channel>) or hide a link. */
static size_t add_escaped(char *out, size_t len, struct chy_slice text)
{
    for (uint64_t i = 0; i < text.len; i++) {
        const char *escaped = text.ptr[i] == '&'   ? "&amp;"
                              : text.ptr[i] == '<' ? "&lt;"
                              : text.ptr[i] == '>' ? "&gt;"
                                                   : NULL;
        if (escaped == NULL) {
            out[len++] = (char)text.ptr[i];
        } else {
            memcpy(out + len, escaped, strlen(escaped));
            len += strlen(escaped);
        }
    }
    return len;
}

static struct chy_slice cut(struct chy_slice text, uint64_t max)
{
    if (text.len <= max) {
        return text;
    }
    while (max > 0 && (text.ptr[max] & 0xc0) == 0x80) {
        max--;
    }
    return chy_slice_of(text.ptr, max);
}

static chy_status write_message(struct chy_op *op, const struct chy_notification *n,
                                struct chy_slice *out_body)
{
    bool is_said = n->title.len != 0 && n->title.len <= n->text.len &&
                   memcmp(n->text.ptr, n->title.ptr, (size_t)n->title.len) == 0;
    struct chy_slice title = cut(n->title, is_said ? 0 : TEXT_MAX); // the text begins with it
    struct chy_slice text = cut(n->text, TEXT_MAX - title.len);
    char *words = chy_alloc(op, (title.len + text.len + 2) * ESCAPED_MAX);
    if (words == NULL) {
        return chy_fail_memory(op);
    }
    size_t len = add_escaped(words, 0, title);
    if (!is_said) {
        words[len++] = '\n';
    }
    len = add_escaped(words, len, text);
    json_t *message = json_pack("{s:s%, s:b, s:b, s:b}", "text", words, len, "mrkdwn", 0,
                                "unfurl_links", 0, "unfurl_media", 0);
    return json_write(op, message, out_body);
}

static chy_status deliver(const struct notify *notify, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    struct url url;
    struct transfer transfer;
    struct chy_slice body = {NULL, 0};
    CHY_TRY(url_read(op, "webhookUrl", channel_value(notification->values, SLACK_WEBHOOK_URL).text,
                     &url));
    CHY_TRY(write_message(op, notification, &body));
    chy_status status = transfer_open(&transfer, notify, op, url.host);
    if (status == CHY_OK) {
        status = transfer_post(&transfer, url.text, "application/json; charset=utf-8", body,
                               out_delivery);
    }
    transfer_close(&transfer);
    return status;
}

const struct channel channel_slack = {check, deliver};
