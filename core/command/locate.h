/** Which instance a command means: `--config FILE`, or `--data DIR` of `chancery dev`. */
#ifndef CHY_COMMAND_LOCATE_H
#define CHY_COMMAND_LOCATE_H

#include "command/cli.h"
#include "commandline/arguments.h"
#include "config/config.h"

/** The arguments that such a command has first, in this order. */
#define CHY_LOCATE_ARGUMENTS                                                                       \
    {"config", "FILE", "the configuration; " CHY_DEFAULT_CONFIG " if none is given", NULL, false}, \
    {                                                                                              \
        "data", "DIR", "a directory of 'chancery dev', instead of --config", NULL, false           \
    }
enum {
    CHY_LOCATE_CONFIG = 0,
    CHY_LOCATE_DATA = 1,
    CHY_LOCATE_COUNT = 2
};

/** The file in a directory of `chancery dev` that holds its configuration. */
#define CHY_DEV_CONFIG "dev.yaml"

/** chy_locate loads the configuration that was meant. */
CHY_MUST_USE chy_status chy_locate(struct chy_cli *cli, const struct chy_given *given,
                                   struct chy_config **out_config);

/** chy_path_join puts a file's name behind a directory's, NUL-terminated, in the arena. */
CHY_MUST_USE chy_status chy_path_join(struct chy_op *op, const char *directory, const char *name,
                                      const char **out_path);

#endif
