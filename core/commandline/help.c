#include "commandline/command.h"

#include <stdio.h>

#define COLUMN 24

static void add_line(FILE *out, const char *left, const char *right)
{
    int len = fprintf(out, "  %s", left);
    if (len < 0 || len >= COLUMN) {
        (void)fprintf(out, "\n%*s%s\n", COLUMN, "", right);
    } else {
        (void)fprintf(out, "%*s%s\n", COLUMN - len, "", right);
    }
}

static void add_commands(FILE *out, const struct chy_command *group)
{
    (void)fputs("\nCommands:\n", out);
    for (size_t i = 0; i < group->command_count; i++) {
        if (!group->commands[i]->is_hidden) {
            add_line(out, group->commands[i]->name, group->commands[i]->summary);
        }
    }
}

static void add_options(FILE *out, const struct chy_command *command)
{
    char left[128];
    char right[512];
    (void)fputs("\nOptions:\n", out);
    for (size_t i = 0; i < command->argument_count; i++) {
        const struct chy_argument *argument = &command->arguments[i];
        (void)snprintf(left, sizeof left, "--%s%s%s", argument->name,
                       argument->value == NULL ? "" : " ",
                       argument->value == NULL ? "" : argument->value);
        (void)snprintf(right, sizeof right, "%s%s%s%s%s", argument->help,
                       argument->is_repeatable ? " (may be repeated)" : "",
                       argument->default_text == NULL ? "" : " [",
                       argument->default_text == NULL ? "" : argument->default_text,
                       argument->default_text == NULL ? "" : "]");
        add_line(out, left, right);
    }
    add_line(out, "-h, --help", "show this help");
}

void chy_command_help(FILE *out, const char *path, const struct chy_command *command)
{
    bool is_group = command->commands != NULL;
    (void)fprintf(out, "Usage: %s %s%s%s\n\n%s.\n", path, is_group ? "COMMAND" : "[OPTION…]",
                  command->operands == NULL ? "" : " ",
                  command->operands == NULL ? "" : command->operands, command->summary);
    if (command->details != NULL) {
        (void)fprintf(out, "\n%s\n", command->details);
    }
    if (is_group) {
        add_commands(out, command);
        (void)fprintf(out, "\n'%s COMMAND --help' tells more about each.\n", path);
    } else {
        add_options(out, command);
    }
    (void)fprintf(out, "\nExample:\n  %s\n", command->example);
}
