/** The table of channel types, and the way from a call to the right one. */
#include "notify.h"

#define NO_CHOICES \
    {              \
        NULL, 0, 0 \
    }
#define NO_DEFAULT \
    {              \
        NULL, 0    \
    }

static const struct chy_option webhook_options[WEBHOOK_OPTIONS] = {
    [WEBHOOK_URL] = {CHY_TEXT_INIT("url"), CHY_OPTION_TEXT, CHY_OPTION_REQUIRED, 1, URL_MAX,
                     NO_DEFAULT, NO_CHOICES,
                     CHY_TEXT_INIT("https URL that notifications are posted to")},
    [WEBHOOK_SIGNING_SECRET] =
        {CHY_TEXT_INIT("signing_secret"), CHY_OPTION_TEXT, CHY_OPTION_SECRET, 1, SECRET_MAX,
         NO_DEFAULT, NO_CHOICES,
         CHY_TEXT_INIT("key of the HMAC that each notification carries; none if not given")},
};

// Who knows the URL may write into the channel behind it, so it is as secret as a password.
static const struct chy_option slack_options[SLACK_OPTIONS] = {
    [SLACK_WEBHOOK_URL] = {CHY_TEXT_INIT("webhook_url"), CHY_OPTION_TEXT,
                           CHY_OPTION_REQUIRED | CHY_OPTION_SECRET, 1, URL_MAX, NO_DEFAULT,
                           NO_CHOICES, CHY_TEXT_INIT("the incoming webhook's https URL")},
};

static const struct chy_option email_options[EMAIL_OPTIONS] = {
    [EMAIL_RECIPIENTS] = {CHY_TEXT_INIT("recipients"), CHY_OPTION_TEXT_LIST, CHY_OPTION_REQUIRED, 1,
                          RECIPIENTS_MAX, NO_DEFAULT, NO_CHOICES,
                          CHY_TEXT_INIT("mail addresses, each user@host")},
};

enum type {
    TYPE_WEBHOOK = 0,
    TYPE_SLACK,
    TYPE_EMAIL,
    TYPES
};

static const struct chy_channel_type types[TYPES] = {
    [TYPE_WEBHOOK] = {CHY_TEXT_INIT("webhook"), CHY_TEXT_INIT("CloudEvents 1.0 by HTTPS, signed"),
                      CHY_VIEW_INIT(webhook_options)},
    [TYPE_SLACK] = {CHY_TEXT_INIT("slack"),
                    CHY_TEXT_INIT("a message to a Slack channel, by its incoming webhook"),
                    CHY_VIEW_INIT(slack_options)},
    [TYPE_EMAIL] = {CHY_TEXT_INIT("email"),
                    CHY_TEXT_INIT("mail, by the server that the plugin's options name"),
                    CHY_VIEW_INIT(email_options)},
};

static const struct channel *const channels[TYPES] = {
    [TYPE_WEBHOOK] = &channel_webhook,
    [TYPE_SLACK] = &channel_slack,
    [TYPE_EMAIL] = &channel_email,
};

struct chy_option_value channel_value(struct chy_view values, uint64_t index)
{
    struct chy_option_value value;
    const void *item = chy_view_at(values, index);
    memset(&value, 0, sizeof value);
    if (item != NULL) {
        memcpy(&value, item, values.stride < sizeof value ? (size_t)values.stride : sizeof value);
    }
    return value;
}

chy_status channel_unfit(struct chy_op *op, const char *name, const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    char path[64];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    (void)snprintf(path, sizeof path, "/%s", name);
    const struct chy_issue issue = {chy_text("invalid_string"), chy_text(path), chy_text(text)};
    op->host->issue(op, &issue);
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "%s: %s", name, text);
}

/** find: NULL: it is no type of ours. */
static const struct channel *find(struct chy_slice name)
{
    for (size_t i = 0; i < TYPES; i++) {
        if (chy_slice_equal(types[i].name, name)) {
            return channels[i];
        }
    }
    return NULL;
}

static chy_status fail_type(struct chy_op *op, struct chy_slice name)
{
    return chy_fail(op, CHY_BROKEN, 0, "there is no channel type '%.*s'", (int)name.len,
                    (const char *)name.ptr);
}

static chy_status check(void *self, struct chy_op *op, struct chy_slice channel_type,
                        struct chy_view values)
{
    const struct channel *channel = find(channel_type);
    return channel == NULL ? fail_type(op, channel_type) : channel->check(self, op, values);
}

static chy_status deliver(void *self, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    const struct channel *channel = find(notification->channel_type);
    if (channel == NULL) {
        return fail_type(op, notification->channel_type);
    }
    // Options were checked when they were kept; an older plugin may have thought otherwise of them.
    CHY_TRY(channel->check(self, op, notification->values));
    return channel->deliver(self, op, notification, out_delivery);
}

const struct chy_notifier_ops notify_ops = {
    .channel_types = CHY_VIEW_INIT(types),
    .check = check,
    .deliver = deliver,
};
