#include "client/commands.h"
#include "client/output.h"

#define REQUESTS "/api/v1/cert-manager/certificates/certificate-requests/"

static const struct chy_argument list_arguments[] = {
    CLIENT_ARGUMENTS,
    {"search", "TEXT", "the beginning of a name", NULL, false},
    {"status", "WORD", "issued, pending, failed …", NULL, false},
    {"limit", "N", "how many at once, up to 100", "20", false},
    {"cursor", "TEXT", "go on from there", NULL, false},
    {"all", NULL, "page after page", NULL, false},
};
enum {
    SEARCH = CLIENT_COUNT,
    STATUS,
    LIMIT,
    CURSOR,
    ALL
};
static const struct chy_argument show_arguments[] = {CLIENT_ARGUMENTS};

static const struct client_column columns[] = {
    {"COMMON NAME", "commonName"}, {"STATUS", "status"}, {"CREATED", "createdAt"},
    {"PROFILE", "profileName"},    {"ID", "id"},         {"CERTIFICATE", "certificateId"},
    {"WHY", "errorMessage"},
};

static chy_status list(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    const char *project = NULL;
    int64_t limit = 0;
    CHY_TRY(client_list_limit(cli, given, LIMIT, &limit));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_project_id(cli, &session, &project));
    json_t *query =
        json_pack("{s:s, s:I, s:s*, s:s*, s:s*}", "projectId", project, "limit", (json_int_t)limit,
                  "search", chy_given_text(given, SEARCH), "status", chy_given_text(given, STATUS),
                  "cursor", chy_given_text(given, CURSOR));
    CHY_TRY(client_own(cli, query));
    const struct client_list what = {
        .method = "POST",
        .path = REQUESTS "search",
        .query = query,
        .member = "certificateRequests",
        .columns = columns,
        .column_count = sizeof columns / sizeof columns[0],
        .takes_all = chy_given_flag(given, ALL),
    };
    return client_print_list(cli, given, &session, &what);
}

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, list(cli, given));
}

static chy_status show(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(cli, &session, "GET",
                        client_path(cli, REQUESTS, given->operands[0], "?statuses=full"), NULL,
                        &answer));
    return client_print_object(cli, given, &answer, NULL);
}

static int run_show(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, show(cli, given));
}

static const struct chy_command list_command = {
    .name = "list",
    .summary = "Find requests for certificates",
    .example = "chancery request list --status failed",
    CLIENT_TAKES(list_arguments),
    .run = run_list,
};
static const struct chy_command show_command = {
    .name = "show",
    .summary = "Show what became of a request",
    .example = "chancery request show 0199c0de-0000-7000-8000-000000000000",
    CLIENT_TAKES(show_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_show,
};

static const struct chy_command *const commands[] = {&list_command, &show_command};

const struct chy_command client_command_request = {
    .name = "request",
    .summary = "Certificate requests: list, show",
    .example = "chancery request list",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
