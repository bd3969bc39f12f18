#include "command/command.h"

#include "command/prepare.h"
#include "config/print.h"

#include <stdio.h>

/** What a printed configuration may take. */
#define PRINTED_MAX ((size_t)16 << 20)

enum argument_number {
    ARGUMENT_CONFIG = 0
};

static const struct chy_argument arguments[] = {
    {"config", "FILE", "the configuration", CHY_DEFAULT_CONFIG, false},
};

static int check_instances(struct chy_cli *cli, struct chy_config *config,
                           struct chy_registry *registry)
{
    int code = CHY_EXIT_OK;
    struct chy_prepared prepared;
    chy_prepared_list(config, &prepared);
    for (size_t i = 0; i < prepared.count; i++) {
        struct chy_prepared_instance *one = &prepared.instances[i];
        if (chy_prepare_instance(cli->op, config, registry, one) != CHY_OK ||
            chy_prepare_try(cli->op, config, registry, one) != CHY_OK) {
            code = chy_cli_fail(cli);
        }
    }
    if (chy_config_require_serve(cli->op, config) != CHY_OK) {
        code = chy_cli_fail(cli);
    }
    if (chy_config_check_files(cli->op, config) != CHY_OK) {
        code = chy_cli_fail(cli);
    }
    return code;
}

static int run_check(struct chy_cli *cli, const struct chy_given *given)
{
    struct chy_config *config = NULL;
    CHY_AUTO(chy_registry_free) struct chy_registry *registry = NULL;
    const char *file = chy_given_text(given, ARGUMENT_CONFIG);
    if (chy_config_load(cli->op, file, &config) != CHY_OK ||
        chy_prepare_registry(cli->op, config, cli->op->host, false, &registry) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    int code = check_instances(cli, config, registry);
    if (code == CHY_EXIT_OK) {
        (void)printf("%s: fine\n", file);
    }
    return code;
}

/** Finds option tables by loading plugins; one that does not load is not known. */
struct tables {
    struct chy_op *op;
    struct chy_registry *registry;
};

static struct chy_view table_of(void *context, struct chy_slice name)
{
    const struct tables *tables = context;
    const struct chy_loaded_plugin *plugin = NULL;
    const struct chy_view unknown = {NULL, 0, 0};
    return chy_registry_load(tables->registry, tables->op, name, &plugin) == CHY_OK
               ? plugin->descriptor.options
               : unknown;
}

static int run_print(struct chy_cli *cli, const struct chy_given *given)
{
    struct chy_config *config = NULL;
    struct chy_buf out;
    CHY_AUTO(chy_registry_free) struct chy_registry *registry = NULL;
    if (chy_config_load(cli->op, chy_given_text(given, ARGUMENT_CONFIG), &config) != CHY_OK ||
        chy_prepare_registry(cli->op, config, cli->op->host, true, &registry) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    struct tables tables = {cli->op, registry};
    chy_buf_init(&out, cli->op, PRINTED_MAX);
    if (chy_config_print(cli->op, config, table_of, &tables, &out) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    return fwrite(out.ptr, 1, out.len, stdout) == out.len ? CHY_EXIT_OK : CHY_EXIT_FAILED;
}

static const struct chy_command check = {
    .name = "check",
    .summary = "Check a configuration with everything that serve would need of it",
    .details =
        "Reads the file, loads the plugins that it names, lets them look at their options, and\n"
        "looks whether files of certificates are there. Nothing is opened and nothing is\n"
        "changed. Every problem is told with its line.",
    .example = "chancery config check --config /etc/chancery/chancery.yaml",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run_check,
};

static const struct chy_command print = {
    .name = "print",
    .summary = "Print the configuration in effect: values, defaults, no secrets",
    .example = "chancery config print --config /etc/chancery/chancery.yaml",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run_print,
};

static const struct chy_command *const commands[] = {&check, &print};

const struct chy_command chy_command_config = {
    .name = "config",
    .summary = "Check or print a configuration",
    .example = "chancery config check --config /etc/chancery/chancery.yaml",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
