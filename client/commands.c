#include "client/commands.h"

#include "client/cli.h"

static const struct chy_command *const top_commands[] = {
    &client_command_login,   &client_command_logout, &client_command_issue,
    &client_command_list,    &client_command_show,   &client_command_renew,
    &client_command_revoke,  &client_command_export, &client_command_profile,
    &client_command_policy,  &client_command_ca,     &client_command_request,
    &client_command_project, &client_command_watch,  &client_command_completion,
};

const struct chy_command client_command_root = {
    .name = "chancery",
    .summary = "The commands that talk to a server over REST",
    .example = "chancery login --url https://pki.example.com:8443 --username alice",
    .commands = top_commands,
    .command_count = sizeof top_commands / sizeof top_commands[0],
};

static int start(const char *path, const struct chy_command *command, const struct chy_given *given)
{
    CHY_AUTO(client_fini) struct chy_cli cli;
    if (!client_init(&cli, path)) {
        (void)fputs("chancery: out of memory\n", stderr);
        return CLIENT_EXIT_LOCAL;
    }
    return command->run(&cli, given);
}

int client_main(int argc, char **argv)
{
    static const struct chy_program program = {&client_command_root, start, NULL};
    return chy_program_main(&program, argc, argv);
}
