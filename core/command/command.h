/**
 * Subcommands of the server's program.  A new one is a file with a `struct chy_command` and a line
 * in commands.c (or in the list of its group).
 */
#ifndef CHY_COMMAND_COMMAND_H
#define CHY_COMMAND_COMMAND_H

#include "command/cli.h"
#include "commandline/command.h"

extern const struct chy_command chy_command_root;
extern const struct chy_command chy_command_audit;
extern const struct chy_command chy_command_backup;
extern const struct chy_command chy_command_ca;
extern const struct chy_command chy_command_config;
extern const struct chy_command chy_command_dev;
extern const struct chy_command chy_command_init;
extern const struct chy_command chy_command_key;
extern const struct chy_command chy_command_plugin;
extern const struct chy_command chy_command_plugin_check;
extern const struct chy_command chy_command_plugin_describe;
extern const struct chy_command chy_command_plugin_probe;
extern const struct chy_command chy_command_restore;
extern const struct chy_command chy_command_serve;
extern const struct chy_command chy_command_storage;
extern const struct chy_command chy_command_user;
extern const struct chy_command chy_command_version;

/** What the client's program runs (client.c): commands of the root, and of the group `ca`. */
#define CHY_CLIENT_COMMANDS 14
#define CHY_CLIENT_CA_COMMANDS 4
extern const struct chy_command chy_client_commands[CHY_CLIENT_COMMANDS];
extern const struct chy_command chy_client_ca_commands[CHY_CLIENT_CA_COMMANDS];

/** chy_client_become runs the client's program in place of this one.  It returns only if that
 *  fails, the exit code. */
int chy_client_become(char **argv);

/** chy_command_main is the program: it finds the command, parses its words, and runs it. */
int chy_command_main(int argc, char **argv);

#endif
