#include "client/objects.h"

#include "client/commands.h"
#include "client/document.h"
#include "client/output.h"
#include "client/trail.h"

#include <stdio.h>

#define CM "/api/v1/cert-manager"

/** What the commands need to know of a kind of objects. */
struct kind {
    const char *word; /**< for people: "profile" */
    const char *base; /**< of its routes */
    const char *one;  /**< the member of an answer with one; NULL: the answer itself */
    const char *many; /**< with many */
    const char *name; /**< the member by which people call one */
    const struct client_column *columns;
    size_t column_count;
};

static const struct client_column profile_columns[] = {
    {"SLUG", "slug", false},
    {"ID", "id", true},
    {"ISSUER", "certificateAuthority.name", false},
    {"ENROLLMENT", "enrollmentType", false},
    {"CREATED", "createdAt", false},
};
static const struct client_column policy_columns[] = {
    {"NAME", "name", false},
    {"ID", "id", true},
    {"MAX VALIDITY", "validity.max", false},
    {"CREATED", "createdAt", false},
};
static const struct client_column authority_columns[] = {
    {"NAME", "name", false},
    {"ID", "id", true},
    {"STATUS", "status", false},
    {"TYPE", "configuration.type", false},
    {"KEY", "configuration.keyAlgorithm", false},
    {"EXPIRES", "configuration.notAfter", false},
};

static const struct kind profile_kind = {
    "profile",
    CM "/certificate-profiles",
    "certificateProfile",
    "certificateProfiles",
    "slug",
    profile_columns,
    sizeof profile_columns / sizeof profile_columns[0],
};
static const struct kind policy_kind = {
    "policy",
    CM "/certificate-policies",
    "certificatePolicy",
    "certificatePolicies",
    "name",
    policy_columns,
    sizeof policy_columns / sizeof policy_columns[0],
};
static const struct kind authority_kind = {
    "ca",
    CM "/ca/internal",
    NULL,
    NULL,
    "name",
    authority_columns,
    sizeof authority_columns / sizeof authority_columns[0],
};

enum {
    SEARCH = CLIENT_COUNT,
    PAGE
};
static const struct chy_argument list_arguments[] = {
    CLIENT_ARGUMENTS,
    {"search", "TEXT", "only those whose name begins so", NULL, false},
    CLIENT_PAGE_ARGUMENTS("100"),
};
static const struct chy_argument plain_arguments[] = {CLIENT_ARGUMENTS};
enum {
    PARENT = CLIENT_COUNT,
    NOT_AFTER,
    PATH_LENGTH
};
static const struct chy_argument authority_arguments[] = {
    CLIENT_ARGUMENTS,
    {"parent", "ID|NAME", "let this CA of the project sign an intermediate's certificate", NULL,
     false},
    {"not-after", "DATE", "when that certificate ends, ISO 8601", NULL, false},
    {"max-path-length", "N", "how many CAs may stand below it", NULL, false},
};

static bool is_uuid(const char *text)
{
    return strlen(text) == 36 && strspn(text, "0123456789abcdefABCDEF-") == 36 && text[8] == '-';
}

/** An object's id in a page of the list, by its exact name. */
static const char *find_in(const struct kind *kind, const json_t *rows, const char *name)
{
    size_t index = 0;
    const json_t *row = NULL;
    json_array_foreach(rows, index, row)
    {
        const char *called = json_string_value(json_object_get(row, kind->name));
        if (called != NULL && strcmp(called, name) == 0) {
            return json_string_value(json_object_get(row, "id"));
        }
    }
    return NULL;
}

static chy_status find_id(struct chy_cli *cli, struct client_session *session,
                          const struct kind *kind, const char *text, const char **out_id)
{
    struct client_answer answer;
    const char *project = NULL;
    const char *cursor = NULL;
    struct client_trail trail = {0};
    if (is_uuid(text)) {
        *out_id = text;
        return CHY_OK;
    }
    CHY_TRY(client_project_id(cli, session, &project));
    do {
        const char *path = client_text(
            cli, "%s?projectId=%s%s%s%s", kind->base, client_path(cli, "", project, ""),
            client_path(cli, "&limit=100&search=", text, ""), cursor == NULL ? "" : "&cursor=",
            cursor == NULL ? "" : client_path(cli, "", cursor, ""));
        if (path == NULL) {
            return chy_fail_memory(cli->op);
        }
        CHY_TRY(client_call(cli, session, "GET", path, NULL, &answer));
        *out_id = find_in(
            kind, kind->many == NULL ? answer.json : json_object_get(answer.json, kind->many),
            text);
        cursor = json_string_value(json_object_get(answer.json, "cursor"));
        if (cursor != NULL) {
            CHY_TRY(client_trail_go(cli, &trail, cursor));
        }
    } while (*out_id == NULL && cursor != NULL);
    return *out_id != NULL ? CHY_OK
                           : client_fail(cli, CLIENT_EXIT_REFUSED, "there is no %s '%s'",
                                         kind->word, client_clean(cli, text));
}

chy_status client_profile_id(struct chy_cli *cli, struct client_session *session, const char *text,
                             const char **out_id)
{
    return find_id(cli, session, &profile_kind, text, out_id);
}

/** The application by its id, or by its name in the session's project, or in the only one. */
static chy_status find_application(struct chy_cli *cli, struct client_session *session,
                                   const char *text, const json_t **out_application)
{
    struct client_answer answer;
    const char *project = NULL;
    const char *path = client_path(
        cli, is_uuid(text) ? CM "/applications/" : CM "/applications/by-name/", text, "");
    if (!is_uuid(text) && session->project != NULL) {
        CHY_TRY(client_project_id(cli, session, &project));
        path = client_text(cli, "%s%s", path, client_path(cli, "?projectId=", project, ""));
    }
    CHY_TRY(client_call(cli, session, "GET", path, NULL, &answer));
    *out_application = json_object_get(answer.json, "application");
    return CHY_OK;
}

/** A profile of the application's project, for who may not list them all. */
static chy_status find_profile_of(struct chy_cli *cli, struct client_session *session,
                                  const json_t *application, const char *slug, const char **out_id)
{
    struct client_answer answer;
    const char *project = json_string_value(json_object_get(application, "projectId"));
    if (is_uuid(slug) || project == NULL) {
        *out_id = slug;
        return CHY_OK;
    }
    CHY_TRY(client_call(cli, session, "GET",
                        client_text(cli, "%s%s",
                                    client_path(cli, CM "/certificate-profiles/slug/", slug, ""),
                                    client_path(cli, "?projectId=", project, "")),
                        NULL, &answer));
    *out_id = json_string_value(
        json_object_get(json_object_get(answer.json, "certificateProfile"), "id"));
    return CHY_OK;
}

chy_status client_issue_under(struct chy_cli *cli, struct client_session *session,
                              const char *application, const char *profile, json_t *body)
{
    const json_t *found = NULL;
    const char *id = NULL;
    if (application == NULL) {
        CHY_TRY(client_profile_id(cli, session, profile, &id));
        return client_json_set(cli, body, "profileId", json_string(id));
    }
    CHY_TRY(find_application(cli, session, application, &found));
    CHY_TRY(find_profile_of(cli, session, found, profile, &id));
    json_t *application_id = json_copy(json_object_get(found, "id"));
    if (id == NULL || application_id == NULL) {
        json_decref(application_id);
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's answer about the application or the profile has no id");
    }
    CHY_TRY(client_json_set(cli, body, "applicationId", application_id));
    return client_json_set(cli, body, "profileId", json_string(id));
}

chy_status client_authority_id(struct chy_cli *cli, struct client_session *session,
                               const char *text, const char **out_id)
{
    return find_id(cli, session, &authority_kind, text, out_id);
}

/* --- what is done with them ------------------------------------------------------------------- */

static chy_status create(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, const struct kind *kind,
                         struct client_answer *out_answer)
{
    json_t *body = NULL;
    const char *project = NULL;
    CHY_TRY(client_session_of(cli, given, session));
    CHY_TRY(client_document_read(cli, given->operands[0], &body));
    if (json_object_get(body, "projectId") == NULL) {
        CHY_TRY(client_project_id(cli, session, &project));
        if (json_object_set_new(body, "projectId", json_string(project)) != 0) {
            return chy_fail_memory(cli->op);
        }
    }
    return client_call(cli, session, "POST", kind->base, body, out_answer);
}

static int run_create(struct chy_cli *cli, const struct chy_given *given, const struct kind *kind)
{
    struct client_session session;
    struct client_answer answer;
    chy_status status = create(cli, given, &session, kind, &answer);
    if (status == CHY_OK) {
        status = client_print_object(cli, given, &answer, kind->one);
    }
    return client_end(cli, status);
}

static chy_status narrow(struct chy_cli *cli, const struct chy_given *given,
                         struct client_session *session, json_t *query)
{
    const char *search = chy_given_text(given, SEARCH);
    (void)session;
    return search == NULL ? CHY_OK : client_json_set(cli, query, "search", json_string(search));
}

static int run_list(struct chy_cli *cli, const struct chy_given *given, const struct kind *kind)
{
    bool has_pages = kind->many != NULL; // CAs are few: their list has none
    const struct client_list list = {
        .method = "GET",
        .path = kind->base,
        .has_pages = has_pages,
        .page = PAGE,
        .member = kind->many,
        .columns = kind->columns,
        .column_count = kind->column_count,
        .narrow = has_pages ? narrow : NULL,
    };
    return client_end(cli, client_print_list(cli, given, &list));
}

static chy_status ask_one(struct chy_cli *cli, const struct chy_given *given,
                          const struct kind *kind, const char *method,
                          struct client_answer *out_answer)
{
    struct client_session session;
    const char *id = NULL;
    CHY_TRY(client_session_of(cli, given, &session));
    CHY_TRY(find_id(cli, &session, kind, given->operands[0], &id));
    return client_call(cli, &session, method,
                       client_path(cli, client_text(cli, "%s/", kind->base), id, ""), NULL,
                       out_answer);
}

static int run_show(struct chy_cli *cli, const struct chy_given *given, const struct kind *kind)
{
    struct client_answer answer;
    chy_status status = ask_one(cli, given, kind, "GET", &answer);
    if (status == CHY_OK) {
        status = client_print_object(cli, given, &answer, kind->one);
    }
    return client_end(cli, status);
}

static int run_delete(struct chy_cli *cli, const struct chy_given *given, const struct kind *kind)
{
    struct client_answer answer;
    chy_status status = ask_one(cli, given, kind, "DELETE", &answer);
    if (status == CHY_OK && chy_given_flag(given, CLIENT_JSON)) {
        status = client_print_raw(cli, &answer);
    } else if (status == CHY_OK) {
        (void)printf("The %s %s is deleted.\n", kind->word, client_clean(cli, given->operands[0]));
    }
    return client_end(cli, status);
}

/* --- intermediates ---------------------------------------------------------------------------- */

/** Lets a parent of the project make the certificate of a CA that was just created. */
static chy_status certify(struct chy_cli *cli, const struct chy_given *given,
                          struct client_session *session, const char *id)
{
    struct client_answer answer;
    const char *parent = NULL;
    const char *length = chy_given_text(given, PATH_LENGTH);
    json_int_t number = length == NULL ? -1 : 0;
    for (const char *at = length; at != NULL && *at != '\0'; at++) {
        if (*at < '0' || *at > '9' || number > 255) {
            return client_fail(cli, CHY_EXIT_USAGE, "--max-path-length is a number up to 255");
        }
        number = number * 10 + (*at - '0');
    }
    CHY_TRY(client_authority_id(cli, session, chy_given_text(given, PARENT), &parent));
    json_t *body = json_pack("{s:s, s:s, s:I}", "parentCaId", parent, "notAfter",
                             chy_given_text(given, NOT_AFTER), "maxPathLength", number);
    CHY_TRY(client_own(cli, body));
    return client_call(cli, session, "POST",
                       client_path(cli, CM "/ca/internal/", id, "/certificate"), body, &answer);
}

static chy_status create_authority(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session;
    struct client_answer answer;
    CHY_TRY(create(cli, given, &session, &authority_kind, &answer));
    const char *id = json_string_value(json_object_get(answer.json, "id"));
    if (chy_given_text(given, PARENT) != NULL && id != NULL) {
        CHY_TRY(certify(cli, given, &session, id));
        CHY_TRY(client_call(cli, &session, "GET", client_path(cli, CM "/ca/internal/", id, ""),
                            NULL, &answer));
    }
    return client_print_object(cli, given, &answer, NULL);
}

static int run_create_authority(struct chy_cli *cli, const struct chy_given *given)
{
    if ((chy_given_text(given, PARENT) == NULL) != (chy_given_text(given, NOT_AFTER) == NULL)) {
        return chy_cli_say_usage(cli->path, "--parent and --not-after go together");
    }
    return client_end(cli, create_authority(cli, given));
}

/* --- the commands ----------------------------------------------------------------------------- */

#define RUNS(word, action)                                                               \
    static int run_##word##_##action(struct chy_cli *cli, const struct chy_given *given) \
    {                                                                                    \
        return run_##action(cli, given, &word##_kind);                                   \
    }
RUNS(profile, create)
RUNS(profile, list)
RUNS(profile, show)
RUNS(profile, delete)
RUNS(policy, create)
RUNS(policy, list)
RUNS(policy, show)
RUNS(policy, delete)
RUNS(authority, list)
RUNS(authority, show)
RUNS(authority, delete)

#define COMMANDS(kind, word, what, whats, pages, create_arguments, create_fn)                    \
    static const struct chy_command kind##_create = {                                            \
        .name = "create",                                                                        \
        .summary = "Create a " what " from a document",                                          \
        .details = "The document is JSON or YAML "                                               \
                   "with the members of docs/api.md;\n"                                          \
                   "'-' is standard input.",                                                     \
        .example = "chancery " word " create " word ".yaml",                                     \
        CLIENT_TAKES(create_arguments),                                                          \
        CLIENT_OPERAND("FILE|-"),                                                                \
        .run = create_fn};                                                                       \
    static const struct chy_command kind##_list = {.name = "list",                               \
                                                   .summary = "List the " whats " of a project", \
                                                   .example = "chancery " word " list",          \
                                                   CLIENT_TAKES(pages),                          \
                                                   .run = run_##kind##_list};                    \
    static const struct chy_command kind##_show = {.name = "show",                               \
                                                   .summary = "Show a " what,                    \
                                                   .example = "chancery " word " show acme",     \
                                                   CLIENT_TAKES(plain_arguments),                \
                                                   CLIENT_OPERAND("ID|NAME"),                    \
                                                   .run = run_##kind##_show};                    \
    static const struct chy_command kind##_delete = {.name = "delete",                           \
                                                     .summary = "Delete a " what,                \
                                                     .example = "chancery " word " delete acme", \
                                                     CLIENT_TAKES(plain_arguments),              \
                                                     CLIENT_OPERAND("ID|NAME"),                  \
                                                     .run = run_##kind##_delete};                \
    static const struct chy_command *const kind##_commands[] = {&kind##_create, &kind##_list,    \
                                                                &kind##_show, &kind##_delete}

COMMANDS(profile, "profile", "profile", "profiles", list_arguments, plain_arguments,
         run_profile_create);
COMMANDS(policy, "policy", "policy", "policies", list_arguments, plain_arguments,
         run_policy_create);
COMMANDS(authority, "ca", "CA", "CAs", plain_arguments, authority_arguments, run_create_authority);

#define GROUP(kind, word, text)                                             \
    {                                                                       \
        .name = word, .summary = text, .example = "chancery " word " list", \
        .commands = kind##_commands,                                        \
        .command_count = sizeof kind##_commands / sizeof kind##_commands[0] \
    }
const struct chy_command client_command_profile =
    GROUP(profile, "profile", "Certificate profiles: create, list, show, delete");
const struct chy_command client_command_policy =
    GROUP(policy, "policy", "Certificate policies: create, list, show, delete");
const struct chy_command client_command_ca =
    GROUP(authority, "ca", "Certificate authorities: create, list, show, delete");
