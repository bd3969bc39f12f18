/**
 * Programs with subcommands.  A program is a tree of `struct chy_command`: parsing, --help, errors
 * and what a shell completes come from what these declare.
 *
 * Exit codes: 0 it worked, 1 it did not, 2 it was called wrongly.  A program may have more.
 */
#ifndef CHY_COMMANDLINE_COMMAND_H
#define CHY_COMMANDLINE_COMMAND_H

#include "commandline/arguments.h"

#include <stdbool.h>
#include <stdio.h>

#define CHY_EXIT_OK 0
#define CHY_EXIT_FAILED 1
#define CHY_EXIT_USAGE 2

/** What the program's commands work with.  Each program defines its own. */
struct chy_cli;

struct chy_command {
    const char *name;
    const char *summary; /**< one line, no full stop */
    const char *details; /**< more for --help; NULL: nothing */
    const char *example; /**< a line that works when it is pasted */
    bool is_hidden;      /**< left out of the help: for this program's own use */
    /** Another program runs it, and tells its help: nothing of what follows is given. */
    bool is_elsewhere;

    /** A group has commands and nothing of what follows. */
    const struct chy_command *const *commands;
    size_t command_count;

    const struct chy_argument *arguments;
    size_t argument_count;
    const char *operands; /**< for the usage line: "[NAME…]"; NULL: none are taken */
    size_t operand_min;
    size_t operand_max;
    /** Gives the exit code. */
    int (*run)(struct chy_cli *cli, const struct chy_given *given);
};

/** What all of a program's commands share. */
struct chy_program {
    const struct chy_command *root;
    /** Makes what commands work with, runs one, and gives its exit code.  `path` is how it was
     *  called: "chancery plugin list". */
    int (*start)(const char *path, const struct chy_command *command,
                 const struct chy_given *given);
    /** Becomes the program that has the commands `is_elsewhere`, or gives an exit code.  NULL if
     *  there are none. */
    int (*hand_over)(char **argv);
};

/** chy_program_main is such a program's main(): it finds the command, parses its words, and runs
 *  it. */
int chy_program_main(const struct chy_program *program, int argc, char **argv);

/** chy_command_find finds a command of a group, or NULL. */
const struct chy_command *chy_command_find(const struct chy_command *group, const char *name);

/** chy_command_help writes the help of a command.  `path` is how it is called: "chancery
 *  plugin". */
void chy_command_help(FILE *out, const char *path, const struct chy_command *command);

/** CHY_COMPLETE is the hidden word behind which a shell's function puts the words of a line. */
#define CHY_COMPLETE "complete"

/** chy_command_complete writes what the last of the words argv[2] and so on may become: a line for
 *  each, with a tab and its summary.  Nothing: a file, or whatever the shell thinks. */
int chy_command_complete(const struct chy_program *program, int argc, char **argv);

/** chy_cli_say_usage writes why the command was called wrongly, and where help is; it gives the
 *  exit code of that. */
int chy_cli_say_usage(const char *path, const char *problem);

#endif
