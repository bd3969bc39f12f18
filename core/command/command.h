/**
 * Subcommands.  A new one is a file with a `struct chy_command` and a line in commands.c (or in the
 * list of its group): parsing, --help and errors come from what it declares.
 *
 * Exit codes: 0 it worked, 1 it did not, 2 it was called wrongly.
 */
#ifndef CHY_COMMAND_COMMAND_H
#define CHY_COMMAND_COMMAND_H

#include "command/arguments.h"
#include "command/cli.h"

#include <stdbool.h>

#define CHY_EXIT_OK 0
#define CHY_EXIT_FAILED 1
#define CHY_EXIT_USAGE 2

struct chy_command {
    const char *name;
    const char *summary; /**< one line, no full stop */
    const char *details; /**< more for --help; NULL: nothing */
    const char *example; /**< a line that works when it is pasted */
    bool is_hidden;      /**< left out of the help: for this program's own use */

    /** A group has commands and nothing of what follows. */
    const struct chy_command *const *commands;
    size_t command_count;

    const struct chy_argument *arguments;
    size_t argument_count;
    const char *operands; /**< for the usage line: "[NAME…]"; NULL: none are taken */
    size_t operand_min;
    size_t operand_max;
    /** Gives the exit code.  What it fails with on `cli->op` is for it to report
     *  (chy_cli_fail()). */
    int (*run)(struct chy_cli *cli, const struct chy_given *given);
};

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
extern const struct chy_command chy_command_version;

/** chy_command_main is the program: it finds the command, parses its words, and runs it. */
int chy_command_main(int argc, char **argv);

/** chy_command_help writes the help of a command.  `path` is how it is called: "chancery
 *  plugin". */
void chy_command_help(FILE *out, const char *path, const struct chy_command *command);

#endif
