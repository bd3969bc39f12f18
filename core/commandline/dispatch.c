#include "commandline/command.h"
#include "config/problems.h"

#define NAMES_MAX 64U
#define PATH_SIZE 128U

const struct chy_command *chy_command_find(const struct chy_command *group, const char *name)
{
    for (size_t i = 0; i < group->command_count; i++) {
        if (strcmp(group->commands[i]->name, name) == 0) {
            return group->commands[i];
        }
    }
    return NULL;
}

int chy_cli_say_usage(const char *path, const char *problem)
{
    (void)fprintf(stderr, "chancery: %s\nTry '%s --help'.\n", problem, path);
    return CHY_EXIT_USAGE;
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

static int run(const struct chy_program *program, const char *path,
               const struct chy_command *command, int argc, char **argv, int first)
{
    struct chy_given given;
    char problem[CHY_ARGUMENT_WORDS_MAX];
    if (command->is_elsewhere) {
        return program->hand_over(argv);
    }
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
    return program->start(path, command, &given);
}

static bool is_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0 || strcmp(word, "help") == 0;
}

static void go_down(char path[PATH_SIZE], const struct chy_command *command)
{
    size_t len = strlen(path);
    (void)snprintf(path + len, PATH_SIZE - len, " %s", command->name);
}

/** `chancery help plugin check` is `chancery plugin check --help`. */
static int help(const struct chy_program *program, const char *path,
                const struct chy_command *command, int argc, char **argv, int at)
{
    char longer[PATH_SIZE];
    (void)snprintf(longer, sizeof longer, "%s", path);
    while (at < argc && command->commands != NULL) {
        const struct chy_command *next = chy_command_find(command, argv[at]);
        if (next == NULL) {
            return refuse_unknown(longer, command, argv[at]);
        }
        go_down(longer, next);
        command = next;
        at++;
    }
    if (command->is_elsewhere) {
        return program->hand_over(argv);
    }
    chy_command_help(stdout, longer, command);
    return CHY_EXIT_OK;
}

int chy_program_main(const struct chy_program *program, int argc, char **argv)
{
    char path[PATH_SIZE];
    const struct chy_command *command = program->root;
    int at = 1;
    (void)snprintf(path, sizeof path, "%s", command->name);
    if (argc > 1 && strcmp(argv[1], CHY_COMPLETE) == 0) {
        return chy_command_complete(program, argc, argv);
    }
    while (command->commands != NULL) {
        if (at >= argc) {
            chy_command_help(stderr, path, command);
            return CHY_EXIT_USAGE;
        }
        if (is_help(argv[at])) {
            return help(program, path, command, argc, argv, at + 1);
        }
        // `chancery --version` is `chancery version`.
        bool is_version = command == program->root && strcmp(argv[at], "--version") == 0;
        const struct chy_command *next =
            chy_command_find(command, is_version ? "version" : argv[at]);
        if (next == NULL) {
            return refuse_unknown(path, command, argv[at]);
        }
        go_down(path, next);
        command = next;
        at++;
    }
    return run(program, path, command, argc, argv, at);
}
