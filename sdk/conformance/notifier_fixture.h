/** Channels of a notifier, as a command line writes them, and a notification to send by one. */
#ifndef CHANCERY_CONFORMANCE_NOTIFIER_FIXTURE_H
#define CHANCERY_CONFORMANCE_NOTIFIER_FIXTURE_H

#include "host.h"

#include <chancery/notifier.h>

CHY_BEGIN_DECLS

/** One channel: a type, and its options' values.  Zero is none. */
struct conf_channel {
    const struct chy_channel_type *type;
    struct chy_instance *values_owner;
    struct chy_view values; /**< of struct chy_option_value */
};

/** conf_channel_type finds a declared type.  NULL: there is none. */
const struct chy_channel_type *conf_channel_type(const struct chy_notifier_ops *ops,
                                                 const char *name);

/** conf_channel_open makes the values of a channel from "name=value" pairs; `tag` replaces "%n" in
 *  them, and a list's items come one by one.  On false it has said why. */
bool conf_channel_open(struct conf_channel *channel, const struct chy_channel_type *type,
                       const struct conf_arguments *pairs, const char *tag);
void conf_channel_close(struct conf_channel *channel);

/** conf_notification makes one for the channel, with texts that live as long as the program. */
struct chy_notification conf_notification(const struct conf_channel *channel);

CHY_END_DECLS

#endif
