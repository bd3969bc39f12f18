/**
 * What a notifier implements: channels by which people and programs are told of something.
 *
 * Core decides what is told, to which channel, in which order and how often it is tried again; it
 * keeps what is not delivered yet, over restarts.  A notifier carries one notification to one
 * channel, and knows nothing of certificates.  It declares its channel types, each with the options
 * that a channel of that type has; core checks them, keeps the secret ones sealed, and hands them
 * back parsed with each notification.
 *
 * A channel's options come from whoever may make alerts in a project: they are not to be trusted.
 * Who connects to an address that such an option names asks host->outbound_address first, connects
 * to that very address, and follows no redirect.  What the notifier's own options name (a mail
 * server) comes from the configuration file, and is not asked about.
 *
 * Calls may run on many threads at once (plugin.h).  All views of a call live as long as it does.
 *
 * Change log of this header
 *   1.0  first version
 */
#ifndef CHANCERY_NOTIFIER_H
#define CHANCERY_NOTIFIER_H

#include <chancery/plugin.h>
#include <chancery/types.h>

CHY_BEGIN_DECLS

#define CHY_NOTIFIER_MINOR 0U

/** A kind of channel: element of `chy_notifier_ops.channel_types`. */
struct chy_channel_type {
    struct chy_slice name;    /**< the channelType of an alert: "webhook"; named as a plugin is */
    struct chy_slice summary; /**< one line */
    /** Of struct chy_option: what a channel's `config` has, with camelCase names; sealed where
     *  secret, and then never shown again. */
    struct chy_view options;
};
CHY_ABI_SIZE(struct chy_channel_type, 56);

/** What is to be told, and by which channel. */
struct chy_notification {
    uint32_t struct_size;
    uint32_t attempt;              /**< 1: the first */
    struct chy_slice channel_type; /**< one of the declared ones */
    /** Of struct chy_option_value, in the order of the type's options; secret texts lie in the
     *  secret arena. */
    struct chy_view values;
    struct chy_slice id;      /**< printable ASCII, the same each time: by it repeats are known */
    struct chy_slice type;    /**< CloudEvents `type`: "com.example.certificate.issuance" */
    struct chy_slice source;  /**< CloudEvents `source`: a URI reference */
    struct chy_slice subject; /**< CloudEvents `subject`; may be empty */
    int64_t time;             /**< when it happened, µs UTC */
    struct chy_slice data;    /**< a JSON object, for programs */
    struct chy_slice title;   /**< one line for people; without control characters */
    struct chy_slice text;    /**< lines for people, each ended by '\n' */
};
CHY_ABI_SIZE(struct chy_notification, 168);

/** What became of it.  It starts as zero, and counts whatever the status is. */
struct chy_delivery {
    uint32_t struct_size;
    uint32_t response_code; /**< of the protocol: an HTTP status, an SMTP reply; 0: none came */
    int64_t retry_after;    /**< µs from now, if the receiver said so; 0: core decides */
};
CHY_ABI_SIZE(struct chy_delivery, 16);

struct chy_notifier_ops {
    struct chy_view channel_types; /**< of struct chy_channel_type; static, at least one */
    /**
     * Optional.  Looks at a channel's options beyond what the table says, without connecting
     * anywhere.  BAD_INPUT: unfit; what host->issue was told says which, with the path
     * "/<option in camelCase>".
     */
    chy_status (*check)(void *self, struct chy_op *op, struct chy_slice channel_type,
                        struct chy_view values);
    /**
     * Carries one notification, and is done by the operation's deadline, or soon after
     * host->cancelled says so.
     *
     *   OK          the receiver has taken it
     *   TRY_LATER   it has not, or nobody knows whether it has: it is tried again
     *   BAD_INPUT   it will never take this one: it is given up
     *   DENIED      the receiver's address is one that may not be called: it is tried again, as the
     *               configuration may change
     *
     * The error's message is shown to the project's people: it names the receiver's host and says
     * what happened, with no secret, no path of a URL, and of what the receiver answered the code
     * alone.
     */
    chy_status (*deliver)(void *self, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery);
};
CHY_ABI_SIZE(struct chy_notifier_ops, 40);

CHY_END_DECLS

#endif
