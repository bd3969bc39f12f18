#include "client/context.h"

#include "base/file.h"
#include "base/slice.h"
#include "client/document.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((size_t)64 << 10)
#define NAME_MAX_LEN 64U

static bool is_name(const char *name)
{
    size_t len = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-");
    return len > 0 && len <= NAME_MAX_LEN && name[len] == '\0' && name[0] != '.';
}

static chy_status find_folder(struct chy_cli *cli, const char **out_folder)
{
    // XDG Base Directory Specification: what is not absolute does not count.
    const char *base = getenv("XDG_CONFIG_HOME");
    const char *home = getenv("HOME");
    if (base != NULL && base[0] == '/') {
        *out_folder = client_text(cli, "%s/chancery/contexts", base);
    } else if (home != NULL && home[0] == '/') {
        *out_folder = client_text(cli, "%s/.config/chancery/contexts", home);
    } else {
        return client_fail(cli, CLIENT_EXIT_LOCAL,
                           "neither XDG_CONFIG_HOME nor HOME says where log-ins are kept");
    }
    return *out_folder == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

chy_status client_context_path(struct chy_cli *cli, const char *name, const char **out_path)
{
    const char *folder = NULL;
    if (!is_name(name)) {
        return client_fail(
            cli, CHY_EXIT_USAGE,
            "'%.80s' is no name of a context: expected letters, digits, '.', '_', '-'", name);
    }
    CHY_TRY(find_folder(cli, &folder));
    *out_path = client_text(cli, "%s/%s.json", folder, name);
    return *out_path == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}

static const char *member(const json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

chy_status client_context_read(struct chy_cli *cli, const char *name,
                               struct client_session *out_session)
{
    const char *path = NULL;
    struct chy_slice text;
    struct stat stat_of_file;
    json_t *json = NULL;
    CHY_TRY(client_context_path(cli, name, &path));
    if (stat(path, &stat_of_file) != 0 && errno == ENOENT) {
        return client_fail(cli, CLIENT_EXIT_LOCAL,
                           "not logged in as '%s': run 'chancery login%s%s'", name,
                           strcmp(name, CLIENT_CONTEXT_DEFAULT) == 0 ? "" : " --context ",
                           strcmp(name, CLIENT_CONTEXT_DEFAULT) == 0 ? "" : name);
    }
    CHY_TRY(chy_file_read_secret(cli->op, path, FILE_MAX, &text));
    if ((stat_of_file.st_mode & 077) != 0) {
        return client_fail(
            cli, CLIENT_EXIT_LOCAL,
            "'%s' holds a token and may be read by others: chmod 600, or log in anew", path);
    }
    CHY_TRY(client_json_parse(cli, path, text, &json));
    *out_session = (struct client_session){
        .context = name,
        .url = member(json, "url"),
        .token = member(json, "token"),
        .ca_file = member(json, "caFile"),
        .project = member(json, "project"),
        .username = member(json, "username"),
        .client_id = member(json, "clientId"),
        .client_secret_file = member(json, "clientSecretFile"),
        .insecure_http = json_is_true(json_object_get(json, "insecureHttp")),
    };
    return out_session->url != NULL
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_LOCAL, "'%s' names no server: log in anew", path);
}

static chy_status make_folder(struct chy_cli *cli, const char *folder)
{
    // Whatever is missing on the way is made for the owner alone.
    char *path = (char *)(uintptr_t)client_text(cli, "%s", folder);
    if (path == NULL) {
        return chy_fail_memory(cli->op);
    }
    for (char *at = path + 1; at != NULL;) {
        char *slash = strchr(at, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
        if (mkdir(path, 0700) != 0 && errno != EEXIST) {
            return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot make the folder '%s': %s", path,
                               strerror(errno));
        }
        if (slash != NULL) {
            *slash = '/';
        }
        at = slash == NULL ? NULL : slash + 1;
    }
    return CHY_OK;
}

chy_status client_context_write(struct chy_cli *cli, const struct client_session *session)
{
    const char *folder = NULL;
    const char *path = NULL;
    CHY_TRY(client_context_path(cli, session->context, &path));
    CHY_TRY(find_folder(cli, &folder));
    CHY_TRY(make_folder(cli, folder));
    json_t *json =
        json_pack("{s:s, s:s?, s:s*, s:s*, s:s*, s:s*, s:s*, s:b}", "url", session->url, "token",
                  session->token, "caFile", session->ca_file, "project", session->project,
                  "username", session->username, "clientId", session->client_id, "clientSecretFile",
                  session->client_secret_file, "insecureHttp", session->insecure_http ? 1 : 0);
    CHY_TRY(client_own(cli, json));
    const char *text = NULL;
    CHY_TRY(client_json_text(cli, json, &text));
    return chy_file_write(cli->op, path, chy_text(text), 0600);
}

chy_status client_context_remove(struct chy_cli *cli, const char *name)
{
    const char *path = NULL;
    CHY_TRY(client_context_path(cli, name, &path));
    if (unlink(path) != 0 && errno != ENOENT) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot remove '%s': %s", path, strerror(errno));
    }
    return CHY_OK;
}
