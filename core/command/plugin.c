#include "command/command.h"

#include "command/plugin_place.h"

#include <stdio.h>

static const struct chy_argument arguments[] = {CHY_PLUGIN_ARGUMENT_LIST};

/** "crypto, enrollment" */
static void interface_words(const struct chy_loaded_plugin *plugin, char *out, size_t size)
{
    size_t len = 0;
    out[0] = '\0';
    for (uint64_t i = 0; i < plugin->descriptor.interfaces.count && len < size; i++) {
        const struct chy_interface *interface = chy_view_at(plugin->descriptor.interfaces, i);
        if (interface != NULL) {
            len += (size_t)snprintf(out + len, size - len, "%s%s", i == 0 ? "" : ", ",
                                    chy_interface_name(interface->id));
        }
    }
}

static void print_row(struct chy_slice name, const struct chy_loaded_plugin *plugin)
{
    char interfaces[64];
    const struct chy_plugin *d = &plugin->descriptor;
    interface_words(plugin, interfaces, sizeof interfaces);
    (void)printf("%-20.*s %-10.*s %-12s %-34.*s %.*s\n", (int)name.len, (const char *)name.ptr,
                 (int)d->version.len, (const char *)d->version.ptr, interfaces, (int)d->licence.len,
                 (const char *)d->licence.ptr, (int)d->built_with.len,
                 d->built_with.len == 0 ? "" : (const char *)d->built_with.ptr);
}

static int list_all(struct chy_cli *cli, const struct chy_plugin_place *place,
                    struct chy_view names)
{
    int code = CHY_EXIT_OK;
    (void)printf("%-20s %-10s %-12s %-34s %s\n", "NAME", "VERSION", "INTERFACE", "LICENCE",
                 "BUILT WITH");
    for (uint64_t i = 0; i < names.count; i++) {
        const struct chy_slice *name = chy_view_at(names, i);
        CHY_AUTO(chy_loaded_plugin_free) struct chy_loaded_plugin *plugin = NULL;
        if (name == NULL) {
            continue;
        }
        const struct chy_loader_config loader = chy_plugin_place_loader(place, *name);
        if (chy_loader_load(cli->op, &loader, *name, &plugin) == CHY_OK) {
            print_row(*name, plugin);
        } else {
            (void)fflush(stdout);
            code = chy_cli_fail(cli);
        }
    }
    return code;
}

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    struct chy_plugin_place place;
    struct chy_view names = {NULL, 0, 0};
    if (chy_plugin_place_find(cli, given, &place) != CHY_OK ||
        chy_loader_list(cli->op, place.directory, &names) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    return list_all(cli, &place, names);
}

static const struct chy_command list = {
    .name = "list",
    .summary = "List the plugins of a folder",
    .example = "chancery plugin list",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .run = run_list,
};

static const struct chy_command *const commands[] = {
    &list,
    &chy_command_plugin_describe,
    &chy_command_plugin_check,
    &chy_command_plugin_probe,
};

const struct chy_command chy_command_plugin = {
    .name = "plugin",
    .summary = "List, describe or check plugins",
    .example = "chancery plugin describe api",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
