/**
 * Lets a notifier tell one channel of something, and says what became of it:
 *
 *     notify_tool <plugin.so> [--option name=value]... --channel TYPE [--config name=value]...
 *         [--allow] [--ca FILE] [--deadline MS] [--cancel MS] [--check]
 *         [--id TEXT] [--title TEXT] [--text TEXT] [--data JSON]
 *
 * One line each: "status N", "code N", "retry µs", "asked N", "took ms", "issue PATH", and last
 * "message TEXT".
 */
#include "notifier_fixture.h"

#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct conf_arguments arguments;
static struct conf_channel channel;

static void hmac(struct chy_slice key, struct chy_slice message, uint8_t *mac)
{
    if (gnutls_hmac_fast(GNUTLS_MAC_SHA256, key.ptr, (size_t)key.len, message.ptr,
                         (size_t)message.len, mac) != 0) {
        abort();
    }
}

static bool open_channel(const struct chy_notifier_ops *ops)
{
    struct conf_arguments pairs = {0};
    const char *name = conf_value(&arguments, "--channel");
    const struct chy_channel_type *type = name == NULL ? NULL : conf_channel_type(ops, name);
    for (size_t i = 0; i + 1 < arguments.rest_count; i++) {
        if (strcmp(arguments.rest[i], "--config") == 0 && pairs.option_count < CONF_OPTIONS_MAX) {
            pairs.options[pairs.option_count++] = arguments.rest[i + 1];
        }
    }
    if (type == NULL) {
        conf_say("there is no channel type '%s'", name == NULL ? "" : name);
        return false;
    }
    return conf_channel_open(&channel, type, &pairs, "tool");
}

static void take(struct chy_slice *slot, const char *name)
{
    const char *text = conf_value(&arguments, name);
    if (text != NULL) {
        *slot = chy_text(text);
    }
}

static void *cancel_later(void *op)
{
    (void)usleep((useconds_t)conf_number(conf_value(&arguments, "--cancel"), 0) * 1000);
    conf_op_cancel(op);
    return NULL;
}

static chy_status deliver(const struct chy_notifier_ops *ops, void *self, struct chy_op *op,
                          struct chy_delivery *delivery)
{
    struct chy_notification notification = conf_notification(&channel);
    pthread_t canceller;
    bool cancels = conf_value(&arguments, "--cancel") != NULL;
    take(&notification.id, "--id");
    take(&notification.title, "--title");
    take(&notification.text, "--text");
    take(&notification.data, "--data");
    if (cancels && pthread_create(&canceller, NULL, cancel_later, op) != 0) {
        abort();
    }
    chy_status status = ops->deliver(self, op, &notification, delivery);
    if (cancels) {
        (void)pthread_join(canceller, NULL);
    }
    return status;
}

static void run(const struct chy_notifier_ops *ops, void *self, struct chy_op *op)
{
    struct chy_delivery delivery = {.struct_size = sizeof delivery};
    int64_t start = conf_clock_monotonic();
    chy_status status = conf_flag(&arguments, "--check")
                            ? ops->check(self, op, channel.type->name, channel.values)
                            : deliver(ops, self, op, &delivery);
    struct chy_error error = conf_op_error(op);
    (void)printf("status %d\ncode %u\nretry %" PRId64 "\nasked %" PRIu64 "\ntook %" PRId64 "\n",
                 status, delivery.response_code, delivery.retry_after, conf_outbound_asked(),
                 (conf_clock_monotonic() - start) / 1000);
    for (uint64_t i = 0; i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_at(error.issues, i);
        (void)printf("issue %.*s\n", (int)issue->path.len, (const char *)issue->path.ptr);
    }
    (void)printf("message %s\n", conf_op_message(op));
}

static void run_instance(const struct chy_notifier_ops *ops, struct chy_instance *instance)
{
    int64_t deadline = conf_number(conf_value(&arguments, "--deadline"), -1);
    struct chy_op *op = conf_op_new_until(
        instance, deadline < 0 ? CHY_NO_DEADLINE : conf_clock_monotonic() + deadline * 1000);
    run(ops, conf_instance_self(instance), op);
    conf_op_free(op);
}

int main(int argc, char **argv)
{
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        return 2;
    }
    conf_outbound_allow(conf_flag(&arguments, "--allow"));
    conf_outbound_ca_file(conf_value(&arguments, "--ca"));
    conf_hmac_sha256(hmac);
    struct conf_plugin *plugin = conf_plugin_load(arguments.plugin);
    const struct chy_notifier_ops *ops =
        plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_NOTIFIER);
    if (ops == NULL || !open_channel(ops)) {
        return 2;
    }
    struct chy_instance *instance = conf_instance_new(plugin, &arguments, "tool", "/");
    bool is_up = instance != NULL && conf_instance_up(instance) == CHY_OK;
    if (is_up) {
        run_instance(ops, instance);
        conf_instance_down(instance);
    }
    conf_channel_close(&channel);
    conf_instance_free(instance);
    conf_plugin_free(plugin);
    return is_up ? 0 : 3;
}
