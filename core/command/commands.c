#include "command/command.h"

static const struct chy_command *const top_commands[] = {
    &chy_command_init,        &chy_command_serve,       &chy_command_dev,
    &chy_command_config,      &chy_command_storage,     &chy_command_key,
    &chy_command_audit,       &chy_command_plugin,      &chy_command_version,
    &chy_command_ca,          &chy_command_backup,      &chy_command_restore,
    &chy_command_user,        &chy_client_commands[0],  &chy_client_commands[1],
    &chy_client_commands[2],  &chy_client_commands[3],  &chy_client_commands[4],
    &chy_client_commands[5],  &chy_client_commands[6],  &chy_client_commands[7],
    &chy_client_commands[8],  &chy_client_commands[9],  &chy_client_commands[10],
    &chy_client_commands[11], &chy_client_commands[12], &chy_client_commands[13],
};

const struct chy_command chy_command_root = {
    .name = "chancery",
    .summary = "An X.509 enrollment service whose methods, storage and keys are plugins",
    .example = "chancery dev",
    .commands = top_commands,
    .command_count = sizeof top_commands / sizeof top_commands[0],
};

static int start(const char *path, const struct chy_command *command, const struct chy_given *given)
{
    CHY_AUTO(chy_cli_fini) struct chy_cli cli;
    if (!chy_cli_init(&cli, path)) {
        (void)fputs("chancery: out of memory\n", stderr);
        return CHY_EXIT_FAILED;
    }
    return command->run(&cli, given);
}

int chy_command_main(int argc, char **argv)
{
    static const struct chy_program program = {&chy_command_root, start, chy_client_become};
    return chy_program_main(&program, argc, argv);
}
