// What a server's answer means: success, a refusal in its own words, or nonsense.

#include "client/context.h"
#include "client/http.h"
#include "client/login.h"

#include "base/buf.h"
#include "base/slice.h"

#include <stdio.h>

#define TEXT_MAX ((size_t)64 << 10)

static void read_json(struct chy_cli *cli, struct client_answer *answer)
{
    json_error_t error;
    json_t *json = json_loadb((const char *)answer->body.ptr, (size_t)answer->body.len,
                              JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
    if (json != NULL && client_own(cli, json) == CHY_OK) {
        answer->json = json;
    }
}

static void add_clean(struct chy_cli *cli, struct chy_buf *buf, const char *text)
{
    chy_buf_add_text(buf, client_clean(cli, text == NULL ? "" : text));
}

/** `  attributes.altNames: expected a list`. */
static void add_issue(struct chy_cli *cli, struct chy_buf *buf, const json_t *issue)
{
    size_t index = 0;
    const json_t *step = NULL;
    chy_buf_add_text(buf, "\n  ");
    json_array_foreach(json_object_get(issue, "path"), index, step)
    {
        chy_buf_add_text(buf, index == 0 ? "" : ".");
        if (json_is_integer(step)) {
            chy_buf_add_i64(buf, json_integer_value(step));
        } else {
            add_clean(cli, buf, json_string_value(step));
        }
    }
    chy_buf_add_text(buf, index == 0 ? "" : ": ");
    add_clean(cli, buf, json_string_value(json_object_get(issue, "message")));
}

static void add_message(struct chy_cli *cli, struct chy_buf *buf, const json_t *message)
{
    size_t index = 0;
    const json_t *issue = NULL;
    if (!json_is_array(message)) {
        add_clean(cli, buf, json_string_value(message));
        return;
    }
    chy_buf_add_text(buf, "what was asked has the wrong shape:");
    json_array_foreach(message, index, issue)
    {
        add_issue(cli, buf, issue);
    }
}

static bool is_envelope(const json_t *json)
{
    const json_t *message = json_object_get(json, "message");
    return json_is_string(json_object_get(json, "error")) &&
           (json_is_string(message) || json_is_array(message));
}

/** The server's own words, with what its operator needs to find it in the log. */
static chy_status refuse(struct chy_cli *cli, const struct client_answer *answer)
{
    struct chy_buf buf;
    const char *error = json_string_value(json_object_get(answer->json, "error"));
    const char *id = json_string_value(json_object_get(answer->json, "reqId"));
    chy_buf_init(&buf, cli->op, TEXT_MAX);
    add_message(cli, &buf, json_object_get(answer->json, "message"));
    chy_buf_add_format(&buf, "%s(%ld ",
                       json_is_array(json_object_get(answer->json, "message")) ? "\n" : " ",
                       answer->status);
    add_clean(cli, &buf, error);
    if (id != NULL) {
        chy_buf_add_text(&buf, ", ");
        add_clean(cli, &buf, id);
    }
    chy_buf_add_text(&buf, ")");
    chy_buf_add_u8(&buf, 0);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, cli->op, "the server's message");
    }
    cli->refusal.status = answer->status;
    (void)snprintf(cli->refusal.error, sizeof cli->refusal.error, "%s", error);
    // A server that has trouble of its own is as good as not there.
    int failure = answer->status >= 500 || answer->status == 429 ? CLIENT_EXIT_UNREACHABLE
                                                                 : CLIENT_EXIT_REFUSED;
    chy_status status = client_fail(cli, failure, "%s", (const char *)buf.ptr);
    cli->refusal.text = (const char *)buf.ptr;
    return status;
}

static chy_status judge(struct chy_cli *cli, const struct client_session *session,
                        struct client_answer *answer, bool wants_json)
{
    memset(&cli->refusal, 0, sizeof cli->refusal);
    if (wants_json || answer->status != 200) {
        read_json(cli, answer);
    }
    if (answer->status == 200 && (!wants_json || answer->json != NULL)) {
        return CHY_OK;
    }
    if (answer->status >= 400 && is_envelope(answer->json)) {
        return refuse(cli, answer);
    }
    if (answer->status >= 300 && answer->status < 400) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "'%s' answers with a redirect (%ld), which is not followed: is the "
                           "address right?",
                           session->url, answer->status);
    }
    return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                       "the answer of '%s' is none of a Chancery (status %ld, %s)", session->url,
                       answer->status, answer->json == NULL ? "no JSON" : "another shape");
}

/** A token that is unknown, used up or at its end. */
static bool is_token_gone(const struct chy_cli *cli)
{
    return cli->refusal.status == 401 || strcmp(cli->refusal.error, "TokenError") == 0;
}

/** How to get another token, for who has no secret in a file. */
static const char *way_back(struct chy_cli *cli, const struct client_session *session)
{
    bool is_default =
        session->context == NULL || strcmp(session->context, CLIENT_CONTEXT_DEFAULT) == 0;
    if (session->context == NULL) {
        return "CHANCERY_TOKEN holds no token that is good, or not any more";
    }
    return client_text(cli, "log in again: chancery login%s%s --url %s %s%s",
                       is_default ? "" : " --context ", is_default ? "" : session->context,
                       session->url,
                       session->username != NULL    ? "--username "
                       : session->client_id != NULL ? "--client-id "
                                                    : "--token-file FILE",
                       session->username != NULL    ? session->username
                       : session->client_id != NULL ? session->client_id
                                                    : "");
}

/** A log-in that has ended: the server's words, and what to do. */
static chy_status say_ended(struct chy_cli *cli, const struct client_session *session)
{
    const char *said = cli->refusal.text == NULL ? "" : cli->refusal.text;
    const char *way = way_back(cli, session);
    const char *text =
        way == NULL ? NULL : client_text(cli, "%s; %s", said, client_clean(cli, way));
    if (text == NULL) {
        return chy_fail_memory(cli->op);
    }
    chy_status status = client_fail(cli, CLIENT_EXIT_REFUSED, "%s", text);
    cli->refusal.text = text;
    return status;
}

static chy_status ask(struct chy_cli *cli, struct client_session *session, const char *method,
                      const char *path, const json_t *body, bool wants_json,
                      struct client_answer *out_answer)
{
    CHY_TRY(client_http_send(cli, session, method, path, body, out_answer));
    chy_status status = judge(cli, session, out_answer, wants_json);
    if (status == CHY_OK || !is_token_gone(cli) || session->token == NULL) {
        return status; // without a token it was a log-in, which is refused in the server's words
    }
    if (session->client_secret_file == NULL) {
        return say_ended(cli, session);
    }
    CHY_TRY(client_log_in_again(cli, session));
    CHY_TRY(client_http_send(cli, session, method, path, body, out_answer));
    return judge(cli, session, out_answer, wants_json);
}

chy_status client_call(struct chy_cli *cli, struct client_session *session, const char *method,
                       const char *path, const json_t *body, struct client_answer *out_answer)
{
    return ask(cli, session, method, path, body, true, out_answer);
}

chy_status client_fetch(struct chy_cli *cli, struct client_session *session, const char *method,
                        const char *path, const json_t *body, struct client_answer *out_answer)
{
    return ask(cli, session, method, path, body, false, out_answer);
}
