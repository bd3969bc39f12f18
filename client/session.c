#include "client/session.h"

#include "base/buf.h"
#include "client/context.h"
#include "client/http.h"

#include <stdlib.h>

/** How many projects are named to who must say which. */
#define NAMED_PROJECTS 10
#define SLUGS_MAX 4096

chy_status client_session_open(struct chy_cli *cli, const char *context,
                               struct client_session *out_session)
{
    const char *url = getenv("CHANCERY_URL");
    const char *token = getenv("CHANCERY_TOKEN");
    const char *project = getenv("CHANCERY_PROJECT");
    const char *named = context != NULL ? context : getenv("CHANCERY_CONTEXT");
    struct client_session session = {.url = url, .token = token};
    if (named == NULL && (url == NULL) != (token == NULL)) { // which server is meant?
        return client_fail(cli, CHY_EXIT_USAGE,
                           "%s is set and %s is not: set both, or neither, or say --context",
                           url != NULL ? "CHANCERY_URL" : "CHANCERY_TOKEN",
                           url != NULL ? "CHANCERY_TOKEN" : "CHANCERY_URL");
    }
    if (named == NULL && url != NULL) {
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

/** slugs makes a list of them for people. */
static const char *slugs(struct chy_cli *cli, const json_t *projects)
{
    struct chy_buf buf;
    chy_buf_init(&buf, cli->op, SLUGS_MAX);
    for (size_t i = 0; i < json_array_size(projects); i++) {
        const char *slug = json_string_value(json_object_get(json_array_get(projects, i), "slug"));
        chy_buf_add_text(&buf, i == 0 ? "" : ", ");
        chy_buf_add_text(&buf, slug == NULL ? "?" : slug);
    }
    chy_buf_add_text(&buf, json_array_size(projects) < NAMED_PROJECTS ? "" : " …");
    chy_buf_add_u8(&buf, 0);
    return chy_buf_ok(&buf) ? client_clean(cli, (const char *)buf.ptr) : "too many to name";
}

static chy_status only_project(struct chy_cli *cli, struct client_session *session,
                               const char **out_id)
{
    struct client_answer answer;
    const char *path = client_text(cli, "/api/v1/projects?limit=%d", NAMED_PROJECTS);
    CHY_TRY(client_call(cli, session, "GET", path, NULL, &answer));
    const json_t *projects = json_object_get(answer.json, "projects");
    *out_id = json_string_value(json_object_get(json_array_get(projects, 0), "id"));
    if (json_array_size(projects) == 1 && *out_id != NULL) {
        return CHY_OK;
    }
    if (json_array_size(projects) == 0) {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "this log-in has no project: an administrator makes one with POST "
                           "/api/v1/projects, or gives you a role in one");
    }
    return client_fail(cli, CHY_EXIT_USAGE,
                       "which project? Say --project, CHANCERY_PROJECT, or log in with one; there "
                       "are: %s",
                       slugs(cli, projects));
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
