/**
 * Holds a notifier to its contract (chancery/notifier.h):
 *
 *     notifier_contract <plugin.so> [--option name=value]... [--log LEVEL]
 *         --channel TYPE [--exempt] --config name=value...  (for each type)
 *
 * Each declared channel type is given by an example whose receiver is this machine's loopback at
 * port %n, over TLS or not: tests open that port, or leave it closed.  `--exempt` says that the
 * plugin's own options name the receiver, so that no rule of outbound calls holds.  What people
 * shall not see has the word "hush" in it: no message may repeat it.
 *
 * What a delivery looks like to a receiver is between the plugin and its receivers.
 */
#include "notifier_contract.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

struct conf_arguments notifier_arguments;
struct conf_plugin *notifier_plugin;
const struct chy_notifier_ops *notifier;
struct example examples[EXAMPLES_MAX];
size_t example_count;

/* --- a world -----------------------------------------------------------------------------------*/

void world_open(struct world *world, const struct example *example, bool listens)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    char tag[8];
    *world = (struct world){.example = example};
    world->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(world->fd, 0);
    ck_assert_int_eq(bind(world->fd, (struct sockaddr *)&address, sizeof address), 0);
    ck_assert_int_eq(getsockname(world->fd, (struct sockaddr *)&address, &len), 0);
    if (listens) {
        ck_assert_int_eq(listen(world->fd, 64), 0);
    }
    world->port = ntohs(address.sin_port);
    (void)snprintf(tag, sizeof tag, "%u", world->port);
    world->directory = conf_temp_dir_new();
    world->instance =
        conf_instance_new(notifier_plugin, &notifier_arguments, tag, world->directory);
    ck_assert_ptr_nonnull(world->instance);
    ck_assert_int_eq(conf_instance_up(world->instance), CHY_OK);
    ck_assert(conf_channel_open(&world->channel, example->type, &example->pairs, tag));
}

void world_close(struct world *world)
{
    conf_channel_close(&world->channel);
    conf_instance_down(world->instance);
    ck_assert_int_eq(conf_live_operations(world->instance), 0);
    conf_instance_free(world->instance);
    conf_temp_dir_remove(world->directory);
    (void)close(world->fd);
}

chy_status world_deliver(struct world *world, struct chy_op *op,
                         const struct chy_notification *notification)
{
    struct chy_delivery delivery = {.struct_size = sizeof delivery};
    chy_status status =
        notifier->deliver(conf_instance_self(world->instance), op, notification, &delivery);
    ck_assert_uint_le(delivery.response_code, 999);
    ck_assert_int_ge(delivery.retry_after, 0);
    return status;
}

void check_failure(struct chy_op *op, chy_status status)
{
    struct chy_error error = conf_op_error(op);
    const char *message = conf_op_message(op);
    bool is_known = status == CHY_TRY_LATER || status == CHY_BAD_INPUT || status == CHY_DENIED ||
                    status == CHY_NO_MEMORY;
    ck_assert_msg(is_known, "status %d: %s", status, message);
    ck_assert_msg(error.status == status, "status %d, the record has %d", status, error.status);
    ck_assert_msg(error.message.len != 0, "status %d, and no word why", status);
    for (uint64_t i = 0; i < error.message.len; i++) {
        ck_assert_msg(error.message.ptr[i] >= 0x20 && error.message.ptr[i] != 0x7f,
                      "a control character in: %s", message);
    }
    ck_assert_msg(strstr(message, "hush") == NULL, "shows what it shall not: %s", message);
}

/** Not HMAC, but what is sent by this suite nobody verifies. */
static void no_hmac(struct chy_slice key, struct chy_slice message, uint8_t *mac)
{
    (void)key;
    (void)message;
    memset(mac, 0x5a, 32);
}

/* --- the command line --------------------------------------------------------------------------*/

static bool add_example(const char *name)
{
    const struct chy_channel_type *type = conf_channel_type(notifier, name);
    if (type == NULL || example_count == EXAMPLES_MAX) {
        conf_say("there is no channel type '%s', or there are too many", name);
        return false;
    }
    examples[example_count++].type = type;
    return true;
}

static bool read_examples(void)
{
    const struct conf_arguments *given = &notifier_arguments;
    for (size_t i = 0; i < given->rest_count; i++) {
        bool has_next = i + 1 < given->rest_count;
        struct example *latest = example_count == 0 ? NULL : &examples[example_count - 1];
        if (strcmp(given->rest[i], "--channel") == 0 && has_next) {
            if (!add_example(given->rest[++i])) {
                return false;
            }
        } else if (strcmp(given->rest[i], "--config") == 0 && has_next && latest != NULL &&
                   latest->pairs.option_count < CONF_OPTIONS_MAX) {
            latest->pairs.options[latest->pairs.option_count++] = given->rest[++i];
        } else if (strcmp(given->rest[i], "--exempt") == 0 && latest != NULL) {
            latest->is_exempt = true;
        } else {
            conf_say("'%s' is not understood", given->rest[i]);
            return false;
        }
    }
    return true;
}

int main(int argc, char **argv)
{
    if (!conf_arguments_parse(&notifier_arguments, argc, argv)) {
        conf_say("besides, for each channel type: --channel TYPE [--exempt] --config name=value…");
        return 2;
    }
    notifier_plugin = conf_plugin_load(notifier_arguments.plugin);
    notifier = notifier_plugin == NULL
                   ? NULL
                   : conf_plugin_interface(notifier_plugin, CHY_INTERFACE_NOTIFIER);
    if (notifier == NULL) {
        conf_say("'%s' is no notifier", notifier_arguments.plugin);
        return 2;
    }
    if (!read_examples()) {
        return 2;
    }
    conf_hmac_sha256(no_hmac);
    Suite *suite = suite_create("notifier contract");
    suite_add_tcase(suite, notifier_declaration_tests());
    suite_add_tcase(suite, notifier_delivery_tests());
    suite_add_tcase(suite, notifier_load_tests());
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    conf_plugin_free(notifier_plugin);
    return failed == 0 ? 0 : 1;
}
