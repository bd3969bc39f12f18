#include "command/command.h"

#include "plugin/loader.h"

#include <stdio.h>

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    (void)cli;
    (void)given;
    (void)printf("chancery %s\n"
                 "plugin ABI %u, host minor %u\n"
                 "interfaces: storage 1.%u, crypto 1.%u, enrollment 1.%u, notifier 1.%u\n",
                 CHANCERY_VERSION, CHY_ABI_MAJOR, CHY_HOST_MINOR, CHY_STORAGE_MINOR,
                 CHY_CRYPTO_MINOR, CHY_ENROLLMENT_MINOR, CHY_NOTIFIER_MINOR);
    return CHY_EXIT_OK;
}

const struct chy_command chy_command_version = {
    .name = "version",
    .summary = "Tell this program's version and the plugin ABI it speaks",
    .example = "chancery version",
    .run = run,
};
