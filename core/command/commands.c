#include "command/command.h"

#include "config/problems.h"

#include <stdio.h>

#define NAMES_MAX 64U
#define PATH_SIZE 128U

static const struct chy_command *const top_commands[] = {
    &chy_command_init,    &chy_command_serve, &chy_command_dev,    &chy_command_config,
    &chy_command_storage, &chy_command_key,   &chy_command_audit,  &chy_command_plugin,
    &chy_command_version, &chy_command_ca,    &chy_command_backup, &chy_command_restore,
};

const struct chy_command chy_command_root = {
    .name = "chancery",
    .summary = "An X.509 enrollment service whose methods, storage and keys are plugins",
    .example = "chancery dev",
    .commands = top_commands,
    .command_count = sizeof top_commands / sizeof top_commands[0],
};

static const struct chy_command *find(const struct chy_command *group, const char *name)
{
    for (size_t i = 0; i < group->command_count; i++) {
        if (strcmp(group->commands[i]->name, name) == 0) {
            return group->commands[i];
        }
    }
    return NULL;
}

static int refuse_unknown(const char *path, const struct chy_command *group, const char *word)
{
    struct chy_slice names[NAMES_MAX];
    char problem[256];
    size_t count = 0;
    for (size_t i = 0; i < group->command_count && count < NAMES_MAX; i++) {
        if (!group->commands[i]->is_hidden) {
            names[count++] = chy_text(group->commands[i]->name);
        }
    }
    struct chy_slice near = chy_nearest_name(chy_text(word), names, count);
    (void)snprintf(problem, sizeof problem, "unknown %s '%.60s'%s%.*s%s",
                   word[0] == '-' ? "option" : "command", word,
                   near.len == 0 ? "" : "; did you mean '", (int)near.len, (const char *)near.ptr,
                   near.len == 0 ? "" : "'?");
    return chy_cli_say_usage(path, problem);
}

static int run(const char *path, const struct chy_command *command, int argc, char **argv,
               int first)
{
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    if (!chy_arguments_parse(command->arguments, command->argument_count, argc, argv, first, &given,
                             problem)) {
        return chy_cli_say_usage(path, problem);
    }
    if (given.wants_help) {
        chy_command_help(stdout, path, command);
        return CHY_EXIT_OK;
    }
    if (given.operand_count > command->operand_max) {
        (void)snprintf(problem, sizeof problem, "unexpected word '%.100s'",
                       given.operands[command->operand_max]);
        return chy_cli_say_usage(path, problem);
    }
    if (given.operand_count < command->operand_min) {
        (void)snprintf(problem, sizeof problem, "expected %s", command->operands);
        return chy_cli_say_usage(path, problem);
    }
    CHY_AUTO(chy_cli_fini) struct chy_cli cli;
    if (!chy_cli_init(&cli, path)) {
        (void)fputs("chancery: out of memory\n", stderr);
        return CHY_EXIT_FAILED;
    }
    return command->run(&cli, &given);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

/** `chancery help plugin check` is `chancery plugin check --help`. */
static int help(const char *path, const struct chy_command *command, int argc, char **argv, int at)
{
    char longer[PATH_SIZE];
    (void)snprintf(longer, sizeof longer, "%s", path);
    while (at < argc && command->commands != NULL) {
        const struct chy_command *next = find(command, argv[at]);
        if (next == NULL) {
            return refuse_unknown(longer, command, argv[at]);
        }
        size_t len = strlen(longer);
        (void)snprintf(longer + len, sizeof longer - len, " %s", next->name);
        command = next;
        at++;
    }
    chy_command_help(stdout, longer, command);
    return CHY_EXIT_OK;
}

int chy_command_main(int argc, char **argv)
{
    char path[PATH_SIZE] = "chancery";
    const struct chy_command *command = &chy_command_root;
    int at = 1;
    while (command->commands != NULL) {
        if (at >= argc) {
            chy_command_help(stderr, path, command);
            return CHY_EXIT_USAGE;
        }
        if (is_help(argv[at])) {
            return help(path, command, argc, argv, at + 1);
        }
        const struct chy_command *next = find(command, argv[at]);
        if (next == NULL) {
            if (command == &chy_command_root && strcmp(argv[at], "--version") == 0) {
                return run("chancery version", &chy_command_version, argc, argv, at + 1);
            }
            return refuse_unknown(path, command, argv[at]);
        }
        size_t len = strlen(path);
        (void)snprintf(path + len, sizeof path - len, " %s", next->name);
        command = next;
        at++;
    }
    return run(path, command, argc, argv, at);
}
