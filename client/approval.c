#include "client/approval.h"

#include "client/commands.h"
#include "client/document.h"
#include "client/output.h"
#include "client/wait.h"

#include <stdio.h>

#define APPROVALS "/api/v1/approval-policies/cert-request/requests/"

#define COMMENT_ARGUMENT                                                                 \
    {                                                                                    \
        "comment", "TEXT", "why, kept with the vote; who asked can read it", NULL, false \
    }
static const struct chy_argument approve_arguments[] = {
    CLIENT_ARGUMENTS,
    COMMENT_ARGUMENT,
    {"bypass-reason", "TEXT", "in an emergency: past all steps, where the policy allows it", NULL,
     false},
};
static const struct chy_argument reject_arguments[] = {CLIENT_ARGUMENTS, COMMENT_ARGUMENT};
enum {
    COMMENT = CLIENT_COUNT,
    BYPASS_REASON
};

/** The id of the approval request that an operand means: its own, or the certificate request's that
 *  waits for it. */
static chy_status find_approval(struct chy_cli *cli, struct client_session *session,
                                const char *text, const char **out_id)
{
    struct client_answer answer;
    chy_status status =
        client_call(cli, session, "GET", client_path(cli, CLIENT_REQUESTS, text, "?statuses=full"),
                    NULL, &answer);
    // A change of a policy, for one, has no certificate request; and who approves may not read one.
    if (status != CHY_OK && (cli->refusal.status == 404 || cli->refusal.status == 403)) {
        *out_id = text;
        return CHY_OK;
    }
    CHY_TRY(status);
    *out_id = json_string_value(json_object_get(answer.json, "approvalRequestId"));
    const char *state = json_string_value(json_object_get(answer.json, "status"));
    return *out_id != NULL
               ? CHY_OK
               : client_fail(
                     cli, CLIENT_EXIT_REFUSED, "the request %s is %s: nobody has to approve it",
                     client_clean(cli, text),
                     state == NULL ? "of a server that tells no status" : client_clean(cli, state));
}

chy_status client_approval_show(struct chy_cli *cli, const struct chy_given *given,
                                struct client_session *session)
{
    struct client_answer answer;
    const char *id = NULL;
    CHY_TRY(find_approval(cli, session, given->operands[0], &id));
    CHY_TRY(client_call(cli, session, "GET", client_path(cli, APPROVALS, id, ""), NULL, &answer));
    return client_print_object(cli, given, &answer, "request");
}

/** "1 of 2": how many of those have approved that the step under way wants. */
static const char *progress(struct chy_cli *cli, const json_t *request)
{
    json_int_t number = json_integer_value(json_object_get(request, "currentStep"));
    const json_t *steps = json_object_get(request, "steps");
    const json_t *step = number < 0 ? NULL : json_array_get(steps, (size_t)number);
    json_int_t wanted = json_integer_value(json_object_get(step, "requiredApprovals"));
    json_int_t count = 0;
    size_t index = 0;
    const json_t *vote = NULL;
    json_array_foreach(json_object_get(request, "votes"), index, vote)
    {
        count += json_integer_value(json_object_get(vote, "step")) == number ? 1 : 0;
    }
    return client_text(cli, "%lld of %lld in step %lld of %zu", (long long)count, (long long)wanted,
                       (long long)number + 1, json_array_size(steps));
}

/** Which request it was, how it stands, and what became of the certificate. */
static chy_status tell(struct chy_cli *cli, const struct client_answer *answer)
{
    const json_t *request = json_object_get(answer->json, "request");
    const char *status = json_string_value(json_object_get(request, "status"));
    const char *issued =
        json_string_value(json_object_get(json_object_get(request, "requestData"), "status"));
    if (status == NULL) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's answer has not what was asked for");
    }
    bool is_open = strcmp(status, "open") == 0;
    json_t *shown = json_pack("{s:s, s:s*, s:s*, s:s*, s:s*}", "status", status, "approvals",
                              is_open ? progress(cli, request) : NULL, "certificateRequestId",
                              json_string_value(json_object_get(request, "certificateRequestId")),
                              "certificateRequestStatus", issued, "approvalRequestId",
                              json_string_value(json_object_get(request, "id")));
    CHY_TRY(client_own(cli, shown));
    CHY_TRY(client_pairs_write(cli, stdout, shown));
    if (issued != NULL && strcmp(issued, "failed") == 0) {
        (void)fflush(stdout);
        (void)fprintf(stderr, "chancery: note: it is approved, and could not be issued: 'chancery "
                              "request show' tells why\n");
    }
    return CHY_OK;
}

/** Sets a member of the body to what was given, if it was. */
static chy_status add_text(struct chy_cli *cli, const struct chy_given *given, size_t argument,
                           json_t *body, const char *member)
{
    const char *text = argument < given->argument_count ? chy_given_text(given, argument) : NULL;
    return text == NULL ? CHY_OK : client_json_set(cli, body, member, json_string(text));
}

static chy_status vote(struct chy_cli *cli, const struct chy_given *given, const char *verb)
{
    struct client_session session;
    struct client_answer answer;
    const char *id = NULL;
    json_t *body = json_object();
    CHY_TRY(client_own(cli, body));
    CHY_TRY(add_text(cli, given, COMMENT, body, "comment"));
    CHY_TRY(add_text(cli, given, BYPASS_REASON, body, "bypassReason"));
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(find_approval(cli, &session, given->operands[0], &id));
    CHY_TRY(
        client_call(cli, &session, "POST", client_path(cli, APPROVALS, id, verb), body, &answer));
    return chy_given_flag(given, CLIENT_JSON) ? client_print_raw(cli, &answer) : tell(cli, &answer);
}

static int run_approve(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, vote(cli, given, "/approve"));
}

static int run_reject(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, vote(cli, given, "/reject"));
}

const struct chy_command client_command_approve = {
    .name = "approve",
    .summary = "Agree to a request that waits for approval",
    .details =
        "ID is the certificate request's, or the approval request's. 'chancery request show\n"
        "--approval ID' shows what one agrees to.",
    .example =
        "chancery request approve 0199c0de-0000-7000-8000-000000000000 --comment 'as agreed'",
    CLIENT_TAKES(approve_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_approve,
};

const struct chy_command client_command_reject = {
    .name = "reject",
    .summary = "Refuse a request that waits for approval",
    .details = "ID is the certificate request's, or the approval request's.",
    .example = "chancery request reject 0199c0de-0000-7000-8000-000000000000 --comment 'not ours'",
    CLIENT_TAKES(reject_arguments),
    CLIENT_OPERAND("ID"),
    .run = run_reject,
};
