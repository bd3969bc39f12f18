#include "client/session.h"

#include "client/context.h"
#include "client/http.h"

#include <stdlib.h>

chy_status client_session_open(struct chy_cli *cli, const char *context,
                               struct client_session *out_session)
{
    const char *url = getenv("CHANCERY_URL");
    const char *token = getenv("CHANCERY_TOKEN");
    const char *project = getenv("CHANCERY_PROJECT");
    const char *named = context != NULL ? context : getenv("CHANCERY_CONTEXT");
    struct client_session session = {.url = url, .token = token};
    if (named == NULL && url != NULL && token != NULL) {
        session.ca_file = getenv("CHANCERY_CA_FILE");
    } else {
        CHY_TRY(client_context_read(cli, named == NULL ? CLIENT_CONTEXT_DEFAULT : named, &session));
    }
    if (project != NULL) {
        session.project = project;
    }
    CHY_TRY(client_url_check(cli, session.url, session.insecure_http, &session.url));
    *out_session = session;
    return CHY_OK;
}

chy_status client_session_of(struct chy_cli *cli, const struct chy_given *given,
                             struct client_session *out_session)
{
    const char *project = chy_given_text(given, CLIENT_PROJECT);
    CHY_TRY(client_session_open(cli, chy_given_text(given, CLIENT_CONTEXT), out_session));
    if (project != NULL) {
        out_session->project = project;
    }
    return CHY_OK;
}

static chy_status only_project(struct chy_cli *cli, struct client_session *session,
                               const char **out_id)
{
    struct client_answer answer;
    CHY_TRY(client_call(cli, session, "GET", "/api/v1/projects?limit=2", NULL, &answer));
    const json_t *projects = json_object_get(answer.json, "projects");
    *out_id = json_string_value(json_object_get(json_array_get(projects, 0), "id"));
    if (json_array_size(projects) == 1 && *out_id != NULL) {
        return CHY_OK;
    }
    return client_fail(cli, CHY_EXIT_USAGE,
                       json_array_size(projects) == 0
                           ? "this log-in has no project"
                           : "which project? Say --project, CHANCERY_PROJECT, or log in with one");
}

static bool is_uuid(const char *text)
{
    size_t len = strspn(text, "0123456789abcdefABCDEF-");
    return len == 36 && text[len] == '\0' && text[8] == '-' && text[13] == '-';
}

chy_status client_project_id(struct chy_cli *cli, struct client_session *session,
                             const char **out_id)
{
    struct client_answer answer;
    if (session->project == NULL) {
        CHY_TRY(only_project(cli, session, &session->project));
    } else if (!is_uuid(session->project)) {
        CHY_TRY(client_call(cli, session, "GET",
                            client_path(cli, "/api/v1/projects/slug/", session->project, ""), NULL,
                            &answer));
        session->project = json_string_value(json_object_get(answer.json, "id"));
    }
    *out_id = session->project;
    return *out_id != NULL ? CHY_OK
                           : client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                                         "the server's answer about the project has no id");
}
