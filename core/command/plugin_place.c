#include "command/plugin_place.h"

#include "command/paths.h"
#include "config/config.h"

chy_status chy_plugin_place_find(struct chy_cli *cli, const struct chy_given *given,
                                 struct chy_plugin_place *out_place)
{
    struct chy_config *config = NULL;
    struct chy_slice directory = {NULL, 0};
    const char *file = chy_given_text(given, CHY_PLUGIN_ARGUMENT_CONFIG);
    const char *folder = chy_given_text(given, CHY_PLUGIN_ARGUMENT_PLUGINS);
    if (file != NULL) {
        CHY_TRY(chy_config_load(cli->op, file, &config));
        directory = config->plugins.directory;
    }
    if (folder != NULL) {
        directory = chy_text(folder);
    }
    if (directory.len == 0) {
        CHY_TRY(chy_path_of_plugins(cli->op, &directory));
    }
    out_place->directory = (const char *)directory.ptr;
    out_place->config = config;
    return CHY_OK;
}

struct chy_loader_config chy_plugin_place_loader(const struct chy_plugin_place *place,
                                                 struct chy_slice plugin)
{
    struct chy_loader_config loader = {place->directory, true, {NULL, 0}};
    for (uint64_t i = 0; place->config != NULL && i < place->config->plugins.pin_count; i++) {
        if (chy_slice_equal(place->config->plugins.pins[i].plugin, plugin)) {
            loader.pin = place->config->plugins.pins[i].sha256;
        }
    }
    return loader;
}
