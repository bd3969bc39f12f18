#include "command/assembly.h"
#include "command/command.h"
#include "command/locate.h"

#include <stdio.h>

static const struct chy_argument arguments[] = {CHY_LOCATE_ARGUMENTS};

static chy_status upgrade(struct chy_assembly *assembly, struct chy_op *op)
{
    struct chy_schema_report report = {.struct_size = sizeof report};
    CHY_TRY(chy_storage_verify_schema(assembly->runtime.storage, op, &report));
    if (report.state == CHY_SCHEMA_CURRENT || report.state == CHY_SCHEMA_NEWER) {
        (void)printf("nothing to do: the database is of version %u\n", report.found_version);
        return CHY_OK;
    }
    if (report.state == CHY_SCHEMA_TOO_NEW) {
        return chy_fail(op, CHY_DENIED, 0,
                        "the database was made by a newer version that this one cannot live with");
    }
    CHY_TRY(chy_storage_upgrade(assembly->runtime.storage, op));
    (void)printf("the database is of version %u now\n", assembly->schema.version);
    return CHY_OK;
}

static chy_status check(struct chy_assembly *assembly, struct chy_op *op)
{
    struct chy_schema_report report = {.struct_size = sizeof report};
    CHY_TRY(chy_storage_verify_schema(assembly->runtime.storage, op, &report));
    if (report.state != CHY_SCHEMA_CURRENT && report.state != CHY_SCHEMA_NEWER) {
        return chy_fail(op, CHY_DENIED, 0, "the schema is not current: %.*s",
                        (int)report.detail.len, (const char *)report.detail.ptr);
    }
    CHY_TRY(chy_storage_check(assembly->runtime.storage, op));
    (void)printf("sound: version %u\n", report.found_version);
    return CHY_OK;
}

static chy_status stats(struct chy_assembly *assembly, struct chy_op *op)
{
    struct chy_storage_statistics statistics = {.struct_size = sizeof statistics};
    CHY_TRY(chy_storage_statistics(assembly->runtime.storage, op, &statistics));
    (void)printf("rows (estimate): %llu\nbytes: %llu\ndetail: %.*s\n",
                 (unsigned long long)statistics.rows_estimate, (unsigned long long)statistics.bytes,
                 (int)statistics.detail.len, (const char *)statistics.detail.ptr);
    return CHY_OK;
}

static int run_with(struct chy_cli *cli, const struct chy_given *given,
                    chy_status (*work)(struct chy_assembly *assembly, struct chy_op *op))
{
    static struct chy_assembly assembly;
    struct chy_config *config = NULL;
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    chy_log_set_level(&cli->log, CHY_LOG_WARNING);
    if (chy_locate(cli, given, &config) != CHY_OK ||
        chy_assembly_start(&assembly, cli, config, CHY_NEED_STORAGE, of_dev) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    int code = work(&assembly, cli->op) == CHY_OK ? CHY_EXIT_OK : chy_cli_fail(cli);
    chy_assembly_stop(&assembly);
    return code;
}

static int run_upgrade(struct chy_cli *cli, const struct chy_given *given)
{
    return run_with(cli, given, upgrade);
}

static int run_check(struct chy_cli *cli, const struct chy_given *given)
{
    return run_with(cli, given, check);
}

static int run_stats(struct chy_cli *cli, const struct chy_given *given)
{
    return run_with(cli, given, stats);
}

#define STORAGE_COMMAND(word, text, more, fn)                                             \
    {                                                                                     \
        .name = word, .summary = text, .details = more,                                   \
        .example = "chancery storage " word " --config /etc/chancery/chancery.yaml",      \
        .arguments = arguments, .argument_count = sizeof arguments / sizeof arguments[0], \
        .run = fn                                                                         \
    }

static const struct chy_command upgrade_command = STORAGE_COMMAND(
    "upgrade", "Bring the database to this program's schema",
    "Steps only add; a daemon of the previous version may go on running. It can be\n"
    "run again after it was interrupted.",
    run_upgrade);
static const struct chy_command check_command = STORAGE_COMMAND(
    "check", "Check the database: its schema, and whether it is sound", NULL, run_check);
static const struct chy_command stats_command =
    STORAGE_COMMAND("stats", "Tell what the database holds", NULL, run_stats);

static const struct chy_command *const commands[] = {&upgrade_command, &check_command,
                                                     &stats_command};

const struct chy_command chy_command_storage = {
    .name = "storage",
    .summary = "Upgrade, check or look at the database, also while a daemon runs",
    .example = "chancery storage check --config /etc/chancery/chancery.yaml",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
