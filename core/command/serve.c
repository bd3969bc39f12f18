#include "command/command.h"
#include "command/daemon.h"
#include "command/locate.h"

#include <unistd.h>

static const struct chy_argument arguments[] = {CHY_LOCATE_ARGUMENTS};

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    static struct chy_assembly assembly;
    struct chy_config *config = NULL;
    struct chy_daemon daemon;
    chy_daemon_block_signals();
    if (chy_locate(cli, given, &config) != CHY_OK ||
        chy_config_require_serve(cli->op, config) != CHY_OK ||
        chy_config_check_files(cli->op, config) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    chy_daemon_harden();
    chy_daemon_set_log(cli, config);
    bool of_dev = chy_given_text(given, CHY_LOCATE_DATA) != NULL;
    if (chy_assembly_start(&assembly, cli, config, CHY_NEED_RUNTIME, of_dev) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    chy_config_scrub_environment(config);
    if (chy_daemon_start(&daemon, &assembly) != CHY_OK) {
        int code = chy_cli_fail(cli);
        chy_assembly_stop(&assembly);
        return code;
    }
    chy_daemon_wait(&daemon);
    if (!chy_daemon_stop(&daemon)) {
        _exit(CHY_EXIT_FAILED); // handlers still run: nothing they use may be taken away
    }
    chy_assembly_stop(&assembly);
    return CHY_EXIT_OK;
}

const struct chy_command chy_command_serve = {
    .name = "serve",
    .summary = "Run the enrollment service",
    .details = "Needs a configuration with pki.public_url, and TLS unless the API listens on\n"
               "loopback only. The database must be of this version: 'chancery storage upgrade'.\n"
               "SIGTERM ends it, SIGHUP makes it read the TLS files again.",
    .example = "chancery serve --config /etc/chancery/chancery.yaml",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run,
};
