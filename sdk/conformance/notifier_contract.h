/** What the files of the notifier contract share. */
#ifndef CHANCERY_CONFORMANCE_NOTIFIER_CONTRACT_H
#define CHANCERY_CONFORMANCE_NOTIFIER_CONTRACT_H

#include "notifier_fixture.h"

#include <check.h>

CHY_BEGIN_DECLS

#define EXAMPLES_MAX 16U

/** A channel as the command line describes it. */
struct example {
    const struct chy_channel_type *type;
    struct conf_arguments pairs;
    bool is_exempt; /**< the receiver is named by the plugin's own options */
};

extern struct conf_arguments notifier_arguments;
extern struct conf_plugin *notifier_plugin;
extern const struct chy_notifier_ops *notifier;
extern struct example examples[EXAMPLES_MAX];
extern size_t example_count;

/** An instance that is up, a channel of it, and a port of this machine, which "%n" stands for. */
struct world {
    const struct example *example;
    struct chy_instance *instance;
    struct conf_channel channel;
    int fd; /**< has the port; whether it listens is the test's business */
    uint16_t port;
    char *directory;
};

/** world_open binds a port and listens on it if told so; nobody accepts there. */
void world_open(struct world *world, const struct example *example, bool listens);
void world_close(struct world *world);

/** world_deliver tells the channel of something. */
chy_status world_deliver(struct world *world, struct chy_op *op,
                         const struct chy_notification *notification);

/** check_failure stops the test unless `status` is one that a delivery may have, and `op` says why
 *  in clean words without the word "hush", which stands in what people shall not see. */
void check_failure(struct chy_op *op, chy_status status);

TCase *notifier_declaration_tests(void);
TCase *notifier_delivery_tests(void);
TCase *notifier_load_tests(void);

CHY_END_DECLS

#endif
