// Projects: listing, creating, showing.

#include "client/commands.h"
#include "client/document.h"
#include "client/output.h"

#include <stdio.h>

#define PROJECTS "/api/v1/projects"

static const struct client_column columns[] = {
    {"NAME", "name", false},
    {"SLUG", "slug", false},
    {"ID", "id", true},
    {"CREATED", "createdAt", false},
};

static const struct chy_argument plain_arguments[] = {CLIENT_ARGUMENTS};
static const struct chy_argument create_arguments[] = {
    CLIENT_ARGUMENTS,
    {"slug", "WORD", "by which --project knows it; made of the name if not given", NULL, false},
    {"description", "TEXT", "what it is for", NULL, false},
};
enum {
    SLUG = CLIENT_COUNT,
    DESCRIPTION
};

static chy_status list(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(cli, &session, "GET", PROJECTS, NULL, &answer));
    const json_t *rows = json_object_get(answer.json, "projects");
    if (!json_is_array(rows)) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no list");
    }
    return chy_given_flag(given, CLIENT_JSON)
               ? client_print_raw(cli, &answer)
               : client_table_write(cli, stdout, columns, sizeof columns / sizeof columns[0], rows,
                                    client_table_width());
}

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, list(cli, given));
}

static chy_status create(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    json_t *body = json_pack("{s:s, s:s*, s:s*}", "projectName", given->operands[0], "slug",
                             chy_given_text(given, SLUG), "projectDescription",
                             chy_given_text(given, DESCRIPTION));
    if (body == NULL) {
        return client_fail(cli, CHY_EXIT_USAGE, "a project's name and description are UTF-8");
    }
    CHY_TRY(client_own(cli, body));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(cli, &session, "POST", PROJECTS, body, &answer));
    return client_print_object(cli, given, &answer, "project");
}

static int run_create(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, create(cli, given));
}

static chy_status show(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    const char *id = NULL;
    CHY_TRY(client_session_of(cli, given, &session));
    session.project = given->operands[0];
    CHY_TRY(client_project_id(cli, &session, &id));
    CHY_TRY(
        client_call(cli, &session, "GET", client_path(cli, PROJECTS "/", id, ""), NULL, &answer));
    return client_print_object(cli, given, &answer, "project");
}

static int run_show(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, show(cli, given));
}

static const struct chy_command list_command = {
    .name = "list",
    .summary = "List your projects",
    .example = "chancery project list",
    CLIENT_TAKES(plain_arguments),
    .run = run_list,
};
static const struct chy_command create_command = {
    .name = "create",
    .summary = "Create a project",
    .example = "chancery project create Payments --slug payments",
    CLIENT_TAKES(create_arguments),
    CLIENT_OPERAND("NAME"),
    .run = run_create,
};
static const struct chy_command show_command = {
    .name = "show",
    .summary = "Show a project",
    .example = "chancery project show payments",
    CLIENT_TAKES(plain_arguments),
    CLIENT_OPERAND("ID|SLUG"),
    .run = run_show,
};

static const struct chy_command *const commands[] = {&list_command, &create_command, &show_command};

const struct chy_command client_command_project = {
    .name = "project",
    .summary = "Projects: list, create, show",
    .example = "chancery project list",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
