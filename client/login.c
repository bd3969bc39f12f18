#include "client/login.h"

#include "client/commands.h"
#include "client/context.h"
#include "client/http.h"
#include "client/secret.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

static const struct chy_argument login_arguments[] = {
    {"context", "NAME", "under which name to keep it", NULL, false},
    {"url", "URL", "the server: https://HOST[:PORT]", NULL, false},
    {"username", "NAME", "of a person", NULL, false},
    {"password-file", "FILE", "holds the password, '-' is standard input; else asked for", NULL,
     false},
    {"client-id", "ID", "of a machine identity", NULL, false},
    {"client-secret-file", "FILE", "holds the secret, '-' is standard input; else asked for", NULL,
     false},
    {"token-file", "FILE", "holds a token, instead of a client id; '-' is standard input", NULL,
     false},
    {"ca-file", "FILE", "trust these CAs instead of the system's", NULL, false},
    {"project", "ID|SLUG", "the project that commands mean", NULL, false},
    {"insecure-http", NULL, "allow plain http to another machine: everybody can read it", NULL,
     false},
};
enum {
    CONTEXT,
    URL,
    USERNAME,
    PASSWORD_FILE,
    CLIENT_ID,
    SECRET_FILE,
    TOKEN_FILE,
    CA_FILE,
    PROJECT,
    INSECURE
};

static const struct chy_argument logout_arguments[] = {
    {"context", "NAME", "which log-in; CHANCERY_CONTEXT or 'default' if not given", NULL, false},
};

/** A way to log in: a name, and a secret that nobody else knows. */
struct way {
    const char *path;     /**< of the route */
    const char *name;     /**< the body's member with the name */
    const char *secret;   /**< the body's member with the secret */
    const char *what;     /**< the secret, for people */
    const char *variable; /**< of the environment, that may hold it */
};

static const struct way as_person = {"/api/v1/auth/login", "username", "password", "password",
                                     "CHANCERY_PASSWORD"};
static const struct way as_machine = {"/api/v1/auth/universal-auth/login", "clientId",
                                      "clientSecret", "client secret", "CHANCERY_CLIENT_SECRET"};
#define TOKEN_VARIABLE "CHANCERY_TOKEN"

/** The token for a name and its secret, which is read from `file` if there is one; the secret is
 *  not kept. */
static chy_status log_in(struct chy_cli *cli, struct client_session *session, const struct way *way,
                         const char *name, const char *file)
{
    struct client_answer answer;
    const char *secret = NULL;
    CHY_TRY(client_secret_take(cli, way->what, file, way->variable, &secret));
    json_t *body = json_pack("{s:s, s:s}", way->name, name, way->secret, secret);
    if (body == NULL) {
        return client_fail(cli, CHY_EXIT_USAGE, "the %s and its %s are UTF-8", way->name,
                           way->what);
    }
    struct client_session asking = *session;
    asking.token = NULL;
    asking.client_secret_file = NULL; // a refused log-in is not tried again
    CHY_TRY(client_own(cli, body));
    CHY_TRY(client_call(cli, &asking, "POST", way->path, body, &answer));
    session->token = json_string_value(json_object_get(answer.json, "accessToken"));
    return session->token != NULL
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_UNREACHABLE, "the server's answer has no token");
}

chy_status client_log_in_again(struct chy_cli *cli, struct client_session *session)
{
    cli->failure = 0; // what fails from here on is another matter than the token
    CHY_TRY(log_in(cli, session, &as_machine, session->client_id, session->client_secret_file));
    return session->context == NULL ? CHY_OK : client_context_write(cli, session);
}

/** A relative path would mean another file tomorrow. */
static chy_status absolute(struct chy_cli *cli, const char *path, const char **out_path)
{
    char whole[PATH_MAX];
    *out_path = NULL;
    if (path == NULL) {
        return CHY_OK;
    }
    if (realpath(path, whole) == NULL) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot find '%s': %s", path, strerror(errno));
    }
    *out_path = client_text(cli, "%s", whole);
    return *out_path == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

/** A token that somebody made already: it is kept if the server knows it. */
static chy_status take_token(struct chy_cli *cli, struct client_session *session, const char *file)
{
    struct client_answer answer;
    CHY_TRY(client_secret_take(cli, "token", file, TOKEN_VARIABLE, &session->token));
    return client_call(cli, session, "GET", "/api/v1/projects?limit=1", NULL, &answer);
}

/** What came from a file can be read from it again when the token has ended. */
static chy_status remember_file(struct chy_cli *cli, struct client_session *session,
                                const char *file)
{
    struct stat stat_of_file;
    bool is_file = file != NULL && stat(file, &stat_of_file) == 0 && S_ISREG(stat_of_file.st_mode);
    return absolute(cli, is_file ? file : NULL, &session->client_secret_file);
}

/** By what the command line has: exactly one of the three, as run_login() saw to. */
static chy_status get_token(struct chy_cli *cli, const struct chy_given *given,
                            struct client_session *session)
{
    const char *secret_file = chy_given_text(given, SECRET_FILE);
    if (session->username != NULL) {
        return log_in(cli, session, &as_person, session->username,
                      chy_given_text(given, PASSWORD_FILE));
    }
    if (session->client_id != NULL) {
        CHY_TRY(remember_file(cli, session, secret_file));
        return log_in(cli, session, &as_machine, session->client_id, secret_file);
    }
    return take_token(cli, session, chy_given_text(given, TOKEN_FILE));
}

static chy_status login(struct chy_cli *cli, const struct chy_given *given)
{
    const char *context = chy_given_text(given, CONTEXT);
    const char *named = getenv("CHANCERY_CONTEXT");
    const char *ignored = NULL;
    struct client_session session = {
        .context = context != NULL ? context
                   : named != NULL ? named
                                   : CLIENT_CONTEXT_DEFAULT,
        .project = chy_given_text(given, PROJECT),
        .username = chy_given_text(given, USERNAME),
        .client_id = chy_given_text(given, CLIENT_ID),
        .insecure_http = chy_given_flag(given, INSECURE),
    };
    CHY_TRY(client_context_path(cli, session.context, &ignored));
    CHY_TRY(client_url_check(cli, chy_given_text(given, URL), session.insecure_http, &session.url));
    CHY_TRY(absolute(cli, chy_given_text(given, CA_FILE), &session.ca_file));
    CHY_TRY(get_token(cli, given, &session));
    if (session.project != NULL) {
        CHY_TRY(client_project_id(cli, &session, &ignored));
    }
    CHY_TRY(client_context_write(cli, &session));
    (void)printf("Logged in to %s; it is kept as the context '%s'.\n",
                 client_clean(cli, session.url), session.context);
    return CHY_OK;
}

static int run_login(struct chy_cli *cli, const struct chy_given *given)
{
    bool has_user = chy_given_text(given, USERNAME) != NULL;
    bool has_id = chy_given_text(given, CLIENT_ID) != NULL;
    bool has_token = chy_given_text(given, TOKEN_FILE) != NULL;
    if (chy_given_text(given, URL) == NULL || (int)has_user + (int)has_id + (int)has_token != 1) {
        return chy_cli_say_usage(
            cli->path, "expected --url, and one of --username, --client-id, --token-file");
    }
    if ((chy_given_text(given, PASSWORD_FILE) != NULL && !has_user) ||
        (chy_given_text(given, SECRET_FILE) != NULL && !has_id)) {
        return chy_cli_say_usage(cli->path, "--password-file goes with --username, "
                                            "--client-secret-file with --client-id");
    }
    return client_end(cli, login(cli, given));
}

static chy_status logout(struct chy_cli *cli, const struct chy_given *given)
{
    struct client_session session = {0};
    struct client_answer answer;
    const char *context = chy_given_text(given, 0);
    const char *named = getenv("CHANCERY_CONTEXT");
    context = context != NULL ? context : named != NULL ? named : CLIENT_CONTEXT_DEFAULT;
    CHY_TRY(client_context_read(cli, context, &session));
    // A token that logging in made is ended; one that was brought along belongs to somebody else.
    bool is_ours = session.client_id != NULL || session.username != NULL;
    if (is_ours && session.token != NULL) {
        json_t *body = json_pack("{s:s}", "accessToken", session.token);
        CHY_TRY(client_own(cli, body));
        session.client_secret_file = NULL;
        chy_status status =
            client_call(cli, &session, "POST", "/api/v1/auth/token/revoke", body, &answer);
        if (status != CHY_OK && cli->failure != CLIENT_EXIT_REFUSED) {
            return status; // it would go on living, and nobody would have it to end it
        }
    }
    CHY_TRY(client_context_remove(cli, context));
    (void)printf("Logged out of '%s'.\n", context);
    return CHY_OK;
}

static int run_logout(struct chy_cli *cli, const struct chy_given *given)
{
    return client_end(cli, logout(cli, given));
}

const struct chy_command client_command_login = {
    .name = "login",
    .summary = "Log in to a server and keep the token",
    .details =
        "The token is kept in a file that only you may read. Password or client secret are\n"
        "asked for, or come from a file or from CHANCERY_PASSWORD or CHANCERY_CLIENT_SECRET; they\n"
        "are not kept. With --client-secret-file commands log in again by themselves when the\n"
        "token has ended; a person logs in again.",
    .example = "chancery login --url https://pki.example.com:8443 --username alice",
    CLIENT_TAKES(login_arguments),
    .run = run_login,
};

const struct chy_command client_command_logout = {
    .name = "logout",
    .summary = "End the token and forget it",
    .example = "chancery logout",
    CLIENT_TAKES(logout_arguments),
    .run = run_logout,
};
