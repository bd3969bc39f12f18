/** Which folder of plugins the `plugin` commands look at. */
#ifndef CHY_COMMAND_PLUGIN_PLACE_H
#define CHY_COMMAND_PLUGIN_PLACE_H

#include "command/cli.h"
#include "commandline/arguments.h"
#include "plugin/loader.h"

struct chy_config;

/** The arguments that all of them have, first in their lists. */
enum chy_plugin_argument {
    CHY_PLUGIN_ARGUMENT_CONFIG = 0,
    CHY_PLUGIN_ARGUMENT_PLUGINS,
    CHY_PLUGIN_ARGUMENTS
};

#define CHY_PLUGIN_ARGUMENT_LIST                                                                 \
    {"config", "FILE", "use the folder and the pins of this configuration", NULL, false},        \
    {                                                                                            \
        "plugins", "DIR",                                                                        \
            "the folder of plugins; lib/chancery/plugins beside the program if not given", NULL, \
            false                                                                                \
    }

struct chy_plugin_place {
    const char *directory;
    const struct chy_config *config; /**< NULL: none was given */
};

/** chy_plugin_place_find reads the arguments. */
CHY_MUST_USE chy_status chy_plugin_place_find(struct chy_cli *cli, const struct chy_given *given,
                                              struct chy_plugin_place *out_place);

/** chy_plugin_place_loader is how the loader is asked for `plugin`; one's own files are fine. */
struct chy_loader_config chy_plugin_place_loader(const struct chy_plugin_place *place,
                                                 struct chy_slice plugin);

#endif
