/** The plugin's instance, and what its channel types share. */
#ifndef NOTIFY_H
#define NOTIFY_H

#include <chancery/notifier.h>

#include <stdbool.h>

/** What the limits are. */
#define URL_MAX 2048
#define SECRET_MAX 256
#define RECIPIENTS_MAX 10
#define ADDRESS_MAX 254 // RFC 5321 4.5.3.1.3, without the brackets

/** The mail server, as the configuration file names it.  `url` NULL: there is none. */
struct mail_server {
    char *url; /**< "smtp://host:port" or "smtps://host:port" */
    char *host;
    char *user; /**< NULL: no log-in */
    char *password;
    char *from;
    char *ca_file; /**< NULL: the system's CAs */
    bool is_plain; /**< no TLS at all: said in the configuration */
};

/** One instance; read only once it is created. */
struct notify {
    int64_t timeout; /**< µs, of one delivery */
    struct mail_server mail;
};

/** The options of each kind of channel, as channel.c declares them. */
enum webhook_option {
    WEBHOOK_URL = 0,
    WEBHOOK_SIGNING_SECRET,
    WEBHOOK_OPTIONS
};
enum slack_option {
    SLACK_WEBHOOK_URL = 0,
    SLACK_OPTIONS
};
enum email_option {
    EMAIL_RECIPIENTS = 0,
    EMAIL_OPTIONS
};

/** One kind of channel. */
struct channel {
    chy_status (*check)(const struct notify *notify, struct chy_op *op, struct chy_view values);
    chy_status (*deliver)(const struct notify *notify, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery);
};

extern const struct channel channel_webhook;
extern const struct channel channel_slack;
extern const struct channel channel_email;

/** channel_value is the value of option `index`: zero if the caller handed none in. */
struct chy_option_value channel_value(struct chy_view values, uint64_t index);

/** channel_unfit records what is wrong with one option (`name` is in camelCase) and gives
 *  BAD_INPUT. */
chy_status channel_unfit(struct chy_op *op, const char *name, const char *format, ...)
    CHY_PRINTF(3, 4);

/** The operations of the interface. */
extern const struct chy_notifier_ops notify_ops;

#endif
