#include "command/command.h"

#include "command/plugin_place.h"
#include "config/option_text.h"
#include "config/options.h"

#include <stdio.h>

static const struct chy_argument arguments[] = {CHY_PLUGIN_ARGUMENT_LIST};

static void print_fact(const char *name, struct chy_slice value)
{
    if (value.len != 0) {
        (void)printf("%-12s %.*s\n", name, (int)value.len, (const char *)value.ptr);
    }
}

static void print_range(const struct chy_option *option)
{
    char low[CHY_OPTION_NUMBER_SIZE];
    char high[CHY_OPTION_NUMBER_SIZE];
    if (option->minimum != 0 || option->maximum != 0) {
        chy_option_number_text(option, option->minimum, low);
        chy_option_number_text(option, option->maximum, high);
        (void)printf(", %s to %s", low, high);
    }
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_at(option->choices, i);
        if (choice != NULL) {
            (void)printf("%s%.*s", i == 0 ? ": " : " | ", (int)choice->len,
                         (const char *)choice->ptr);
        }
    }
}

static void print_option(const struct chy_option *option)
{
    (void)printf("  %.*s (%s", (int)option->name.len, (const char *)option->name.ptr,
                 chy_option_type_name(option->type));
    print_range(option);
    if ((option->flags & CHY_OPTION_REQUIRED) != 0) {
        (void)printf(", required");
    }
    if ((option->flags & CHY_OPTION_SECRET) != 0) {
        (void)printf(", secret");
    }
    if ((option->flags & CHY_OPTION_RELOADABLE) != 0) {
        (void)printf(", reloadable");
    }
    (void)printf(")");
    if (option->default_text.len != 0) {
        (void)printf(" [%.*s]", (int)option->default_text.len,
                     (const char *)option->default_text.ptr);
    }
    (void)printf("\n      %.*s\n", (int)option->help.len, (const char *)option->help.ptr);
}

static void print_options(const char *title, struct chy_view options)
{
    if (options.count != 0) {
        (void)printf("\n%s:\n", title);
    }
    for (uint64_t i = 0; i < options.count; i++) {
        const struct chy_option *option = chy_view_at(options, i);
        if (option != NULL) {
            print_option(option);
        }
    }
}

static const char *auth_word(uint32_t auth)
{
    switch ((enum chy_auth_mode)auth) {
    case CHY_AUTH_NONE: return "anyone";
    case CHY_AUTH_BEARER: return "bearer token";
    case CHY_AUTH_MTLS: return "client certificate";
    case CHY_AUTH_METHOD: return "the method's own proof";
    }
    return "unknown";
}

static void print_enrollment(const struct chy_enrollment_ops *ops)
{
    (void)printf("\n");
    print_fact("Method", ops->method);
    print_fact("", ops->method_summary);
    print_options("Profile options", ops->profile_options);
    if (ops->routes.count != 0) {
        (void)printf("\nRoutes:\n");
    }
    for (uint64_t i = 0; i < ops->routes.count; i++) {
        const struct chy_route *route = chy_view_at(ops->routes, i);
        if (route != NULL) {
            (void)printf("  %-6.*s %.*s (%s)\n", (int)route->method.len,
                         (const char *)route->method.ptr, (int)route->pattern.len,
                         (const char *)route->pattern.ptr, auth_word(route->auth));
        }
    }
    for (uint64_t i = 0; i < ops->collections.count; i++) {
        const struct chy_collection *collection = chy_view_at(ops->collections, i);
        if (collection != NULL) {
            (void)printf("%s  %.*s\n", i == 0 ? "\nCollections:\n" : "", (int)collection->name.len,
                         (const char *)collection->name.ptr);
        }
    }
}

static void print_notifier(const struct chy_notifier_ops *ops)
{
    for (uint64_t i = 0; i < ops->channel_types.count; i++) {
        char title[CHY_PLUGIN_NAME_MAX + sizeof "Options of channel ''"];
        const struct chy_channel_type *type = chy_view_at(ops->channel_types, i);
        if (type != NULL) {
            (void)printf("%s", i == 0 ? "\n" : "");
            print_fact(i == 0 ? "Channels" : "", type->name);
            print_fact("", type->summary);
            (void)snprintf(title, sizeof title, "Options of channel '%.*s'", (int)type->name.len,
                           (const char *)type->name.ptr);
            print_options(title, type->options);
        }
    }
}

static void print_plugin(const struct chy_loaded_plugin *plugin)
{
    const struct chy_plugin *d = &plugin->descriptor;
    print_fact("Name", d->name);
    print_fact("Version", d->version);
    print_fact("Summary", d->summary);
    print_fact("Licence", d->licence);
    print_fact("Built with", d->built_with);
    print_fact("File", plugin->path);
    print_fact("SHA-256", chy_text(plugin->hash));
    print_fact("Threads",
               chy_text(d->threading == CHY_THREADS_ONE ? "one call at a time" : "many"));
    for (uint64_t i = 0; i < d->interfaces.count; i++) {
        const struct chy_interface *interface = chy_view_at(d->interfaces, i);
        if (interface != NULL) {
            (void)printf("%-12s %s %u.%u, works from %u.%u on\n", i == 0 ? "Interfaces" : "",
                         chy_interface_name(interface->id), CHY_ABI_MAJOR, interface->minor,
                         CHY_ABI_MAJOR, interface->needs_minor);
        }
    }
    print_options("Options", d->options);
    if (chy_loaded_plugin_has(plugin, CHY_INTERFACE_ENROLLMENT)) {
        print_enrollment(&plugin->enrollment);
    }
    if (chy_loaded_plugin_has(plugin, CHY_INTERFACE_NOTIFIER)) {
        print_notifier(&plugin->notifier);
    }
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    struct chy_plugin_place place;
    CHY_AUTO(chy_loaded_plugin_free) struct chy_loaded_plugin *plugin = NULL;
    struct chy_slice name = chy_text(given->operands[0]);
    if (chy_plugin_place_find(cli, given, &place) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    const struct chy_loader_config loader = chy_plugin_place_loader(&place, name);
    if (chy_loader_load(cli->op, &loader, name, &plugin) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    print_plugin(plugin);
    return CHY_EXIT_OK;
}

const struct chy_command chy_command_plugin_describe = {
    .name = "describe",
    .summary = "Show what a plugin declares: options, interfaces, routes",
    .example = "chancery plugin describe storage-sqlite",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .operands = "NAME",
    .operand_min = 1,
    .operand_max = 1,
    .run = run,
};
