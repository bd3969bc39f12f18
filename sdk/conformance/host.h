/**
 * A small host for contract suites: loads one plugin and drives it, from the SDK's headers alone.
 *
 * It is not the product's host.  Memory is one malloc per object, so that a memory checker sees
 * every overrun; nothing is limited but what a test limits; the clock moves when a test says so;
 * services that belong to the core (storage, crypto, enrollment, resources) are absent.
 *
 * A program's shape:
 *
 *     struct conf_arguments arguments;
 *     if (!conf_arguments_parse(&arguments, argc, argv)) { return 2; }
 *     struct conf_plugin *plugin = conf_plugin_load(arguments.plugin);
 *     ...
 *     struct chy_instance *instance = conf_instance_new(plugin, &arguments, "one", directory);
 *     conf_instance_up(instance)            create and start
 *     struct chy_op *op = conf_op_new(instance);
 *     ops->something(conf_instance_self(instance), op, ...);
 *     conf_op_free(op);
 *     conf_instance_down(instance);         drain, stop, destroy
 *     conf_instance_free(instance);
 *     conf_plugin_free(plugin);
 */
#ifndef CHANCERY_CONFORMANCE_HOST_H
#define CHANCERY_CONFORMANCE_HOST_H

#include <chancery/plugin.h>

#include <stdbool.h>

CHY_BEGIN_DECLS

/* --- command line ------------------------------------------------------------------------------*/

#define CONF_OPTIONS_MAX 64
#define CONF_REST_MAX 64

/** What a contract program was told: `<plugin.so> [--option name=value]... [--log LEVEL]
 *  [rest]`. */
struct conf_arguments {
    const char *plugin;
    const char *options[CONF_OPTIONS_MAX]; /**< "name=value"; "%n" stands for the instance's tag */
    size_t option_count;
    const char *rest[CONF_REST_MAX]; /**< what only the program itself understands, in order */
    size_t rest_count;
};

/** conf_arguments_parse reads the command line.  On false it has said on standard error why. */
CHY_MUST_USE bool conf_arguments_parse(struct conf_arguments *arguments, int argc, char **argv);

/** conf_flag tells whether `name` ("--volatile") is among the rest. */
bool conf_flag(const struct conf_arguments *arguments, const char *name);

/** conf_value returns what follows `name` ("--vectors") among the rest, or NULL. */
const char *conf_value(const struct conf_arguments *arguments, const char *name);

/** conf_number reads decimal digits alone; `fallback` for NULL and for anything else. */
int64_t conf_number(const char *text, int64_t fallback);

/* --- plugin ------------------------------------------------------------------------------------*/

struct conf_plugin;

/** conf_plugin_load opens a plugin and copies its tables.  NULL: it has said why. */
struct conf_plugin *conf_plugin_load(const char *path);
void conf_plugin_free(struct conf_plugin *plugin);
const struct chy_plugin *conf_plugin_descriptor(const struct conf_plugin *plugin);

/** conf_plugin_interface returns the zero-extended copy of an interface's table, or NULL. */
const void *conf_plugin_interface(const struct conf_plugin *plugin, enum chy_interface_id id);

/* --- instance ----------------------------------------------------------------------------------*/

/**
 * conf_instance_new checks the options against the plugin's table and makes an instance, not yet
 * created.  `tag` is its name and replaces "%n" in option values, so that two instances with the
 * same tag mean the same external database, and others do not.  NULL: it has said why.
 */
struct chy_instance *conf_instance_new(const struct conf_plugin *plugin,
                                       const struct conf_arguments *arguments, const char *tag,
                                       const char *data_directory);
void conf_instance_free(struct chy_instance *instance);

/** conf_instance_up calls create and start.  Not OK: it has logged why and cleaned up. */
CHY_MUST_USE chy_status conf_instance_up(struct chy_instance *instance);
/** conf_instance_down calls drain, stop and destroy. */
void conf_instance_down(struct chy_instance *instance);
/** conf_instance_self is what create() gave; NULL when not up. */
void *conf_instance_self(const struct chy_instance *instance);

/** conf_live_operations counts the operations that have not ended. */
int64_t conf_live_operations(const struct chy_instance *instance);

/* --- operations --------------------------------------------------------------------------------*/

/** conf_op_new makes an operation without deadline; it ends the program when out of memory. */
struct chy_op *conf_op_new(struct chy_instance *instance);
/** conf_op_new_until makes one with a deadline on the monotonic clock. */
struct chy_op *conf_op_new_until(struct chy_instance *instance, int64_t deadline);
void conf_op_free(struct chy_op *op);

/** conf_op_limit lets the operation hold `bytes` from now on: the next alloc beyond fails. */
void conf_op_limit(struct chy_op *op, uint64_t bytes);
/** conf_op_cancel makes cancelled() say yes. */
void conf_op_cancel(struct chy_op *op);
/** conf_op_error returns the last failure; its views live as long as `op`. */
struct chy_error conf_op_error(struct chy_op *op);
/** conf_op_message returns the last failure's message as a C string, "" if there was none. */
const char *conf_op_message(struct chy_op *op);

/** conf_say prints one line to standard error. */
void conf_say(const char *format, ...) CHY_PRINTF(1, 2);

/** conf_must returns `p`, or ends the program when it is NULL: the tests' own memory is gone. */
void *conf_must(void *p);

/* --- clock and log -----------------------------------------------------------------------------*/

/** conf_clock_advance moves wall clock and monotonic clock of all operations by `us`. */
void conf_clock_advance(int64_t us);
/** conf_clock_monotonic is what host->monotonic() says now. */
int64_t conf_clock_monotonic(void);
/** conf_log_level sets what is written to standard error; the default is warnings and errors. */
void conf_log_level(enum chy_log_level level);

/* --- calling other machines --------------------------------------------------------------------*/

/** conf_outbound_allow says what outbound_address() answers; it begins with no. */
void conf_outbound_allow(bool allow);
/** conf_outbound_asked counts how often it was asked. */
uint64_t conf_outbound_asked(void);
/** conf_outbound_ca_file sets what outbound() tells; `path` outlives its use.  NULL: none. */
void conf_outbound_ca_file(const char *path);

/** conf_hmac_sha256 serves host->hmac from now on: `mac` has room for 32 bytes. */
void conf_hmac_sha256(void (*compute)(struct chy_slice key, struct chy_slice message,
                                      uint8_t *mac));

/* --- files -------------------------------------------------------------------------------------*/

/** conf_temp_dir_new makes an empty directory with mode 0700 and returns its path, to be freed by
 *  conf_temp_dir_remove(), which removes what is in it too.  Ends the program when it cannot. */
char *conf_temp_dir_new(void);
void conf_temp_dir_remove(char *path);

CHY_END_DECLS

#endif
