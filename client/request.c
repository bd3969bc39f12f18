// Requests for certificates: finding, showing, taking back.

#include "client/approval.h"
#include "client/commands.h"
#include "client/document.h"
#include "client/output.h"
#include "client/wait.h"

static const struct chy_argument list_arguments[] = {
    CLIENT_ARGUMENTS,
    {"search", "TEXT", "the beginning of a name", NULL, false},
    {"status", "WORD", "issued, pending_approval, pending, failed, rejected, cancelled", NULL,
     false},
    {"approvals", NULL, "what is to be approved, changes of policies too; --status open", NULL,
     false},
    CLIENT_PAGE_ARGUMENTS("20"),
};
enum {
    SEARCH = CLIENT_COUNT,
    STATUS,
    APPROVALS,
    PAGE
};
static const struct chy_argument show_arguments[] = {
    CLIENT_ARGUMENTS,
    {"approval", NULL, "what is to be approved, by how many, and who did so far", NULL, false},
};
#define APPROVAL CLIENT_COUNT

static const struct client_column columns[] = {
    {"COMMON NAME", "commonName", false},
    {"STATUS", "status", false},
    {"CREATED", "createdAt", false},
    {"PROFILE", "profileName", false},
    {"ID", "id", true},
    {"CERTIFICATE", "certificateId", false},
    {"WHY", "errorMessage", false},
};

static chy_status narrow(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, json_t *query)
{
    const char *search = chy_given_text(given, SEARCH);
    const char *status = chy_given_text(given, STATUS);
    (void)session;
    if (search != NULL) {
        CHY_TRY(client_json_set(cli, query, "search", json_string(search)));
    }
    return status == NULL ? CHY_OK : client_json_set(cli, query, "status", json_string(status));
}

static const struct client_list requests = {
    .method = "POST",
    .path = CLIENT_REQUESTS "search",
    .has_pages = true,
    .page = PAGE,
    .member = "certificateRequests",
    .columns = columns,
    .column_count = sizeof columns / sizeof columns[0],
    .narrow = narrow,
};

static const struct client_column approval_columns[] = {
    {"TYPE", "type", false},
    {"STATUS", "status", false},
    {"POLICY", "policyName", false},
    {"CREATED", "createdAt", false},
    {"ID", "id", true},
    {"REQUEST", "certificateRequestId", false},
};

static const struct client_list approvals = {
    .method = "GET",
    .path = "/api/v1/approval-policies/cert-request/requests",
    .has_pages = true,
    .page = PAGE,
    .member = "requests",
    .columns = approval_columns,
    .column_count = sizeof approval_columns / sizeof approval_columns[0],
    .narrow = narrow,
};

static int run_list(struct chy_cli *cli, const struct chy_given *given)
{
    bool wants_approvals = chy_given_flag(given, APPROVALS);
    if (wants_approvals && chy_given_text(given, SEARCH) != NULL) {
        return chy_cli_say_usage(cli->path,
                                 "--search knows names of certificates, not --approvals");
    }
    return client_end(cli, client_print_list(cli, given, wants_approvals ? &approvals : &requests));
}

static chy_status show(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(client_session_of(cli, given, &session));
    if (chy_given_flag(given, APPROVAL)) {
        return client_approval_show(cli, given, &session);
    }
    CHY_TRY(client_call(cli, &session, "GET",
                        client_path(cli, CLIENT_REQUESTS, given->operands[0], "?statuses=full"),
                        NULL, &answer));
    return client_print_object(cli, given, &answer, NULL);
}

static int run_show(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, show(cli, given));
}

static chy_status cancel(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(client_call(cli, &session, "POST",
                        client_path(cli, CLIENT_REQUESTS, given->operands[0], "/cancel"), NULL,
                        &answer));
    return client_print_object(cli, given, &answer, NULL);
}

static int run_cancel(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, cancel(cli, given));
}

static const struct chy_argument cancel_arguments[] = {CLIENT_ARGUMENTS};

static const struct chy_command list_command = {
    .name = "list",
    .summary = "Find requests for certificates",
    .example = "chancery request list --status pending_approval",
    CLIENT_TAKES(list_arguments),
    .run = run_list,
};
static const struct chy_command show_command = {
    .name = "show",
    .summary = "Show what became of a request",
    .details = "With --approval: what is to be approved, all names and usages, and the votes.",
    .example = "chancery request show 0199c0de-0000-7000-8000-000000000000",
    CLIENT_TAKES(show_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_show,
};
static const struct chy_command cancel_command = {
    .name = "cancel",
    .summary = "Take back a request that waits for approval",
    .example = "chancery request cancel 0199c0de-0000-7000-8000-000000000000",
    CLIENT_TAKES(cancel_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_cancel,
};

static const struct chy_command *const commands[] = {
    &list_command, &show_command, &client_command_approve, &client_command_reject, &cancel_command,
};

const struct chy_command client_command_request = {
    .name = "request",
    .summary = "Certificate requests: list, show, approve, reject, cancel",
    .example = "chancery request list",
    .commands = commands,
    .command_count = sizeof commands / sizeof commands[0],
};
