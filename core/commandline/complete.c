#include "commandline/command.h"

static bool begins_with(const char *text, const char *start)
{
    return strncmp(text, start, strlen(start)) == 0;
}

static void say_commands(const struct chy_command *group, const char *start)
{
    for (size_t i = 0; i < group->command_count; i++) {
        const struct chy_command *one = group->commands[i];
        if (!one->is_hidden && begins_with(one->name, start)) {
            (void)printf("%s\t%s\n", one->name, one->summary);
        }
    }
}

static void say_options(const struct chy_command *command, const char *start)
{
    for (size_t i = 0; i < command->argument_count; i++) {
        if (begins_with(command->arguments[i].name, start)) {
            (void)printf("--%s\t%s\n", command->arguments[i].name, command->arguments[i].help);
        }
    }
    if (begins_with("help", start)) {
        (void)printf("--help\tshow this help\n");
    }
}

/** Is `word` an option whose value comes next? */
static bool wants_value(const struct chy_command *command, const char *word)
{
    for (size_t i = 0; begins_with(word, "--") && i < command->argument_count; i++) {
        if (strcmp(command->arguments[i].name, word + 2) == 0) {
            return command->arguments[i].value != NULL;
        }
    }
    return false;
}

int chy_command_complete(const struct chy_program *program, int argc, char **argv)
{
    const struct chy_command *command = program->root;
    const char *last = argc > 2 ? argv[argc - 1] : "";
    int at = 2;
    while (command->commands != NULL && at < argc - 1) {
        const struct chy_command *next = chy_command_find(command, argv[at]);
        if (next == NULL) {
            return CHY_EXIT_OK;
        }
        command = next;
        at++;
    }
    if (command->is_elsewhere) {
        return program->hand_over(argv);
    }
    if (command->commands != NULL) {
        say_commands(command, last);
    } else if (begins_with(last, "-") && !wants_value(command, argv[argc - 2])) {
        say_options(command, last + (begins_with(last, "--") ? 2 : 1));
    }
    return CHY_EXIT_OK;
}
