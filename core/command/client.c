// What the client's program runs (client/): it is found beside this one.

#include "command/command.h"

#include <errno.h>
#include <limits.h>
#include <unistd.h>

#define ELSEWHERE(word, text)                               \
    {                                                       \
        .name = word, .summary = text, .is_elsewhere = true \
    }

// A test holds names and summaries to the client's own.
const struct chy_command chy_client_commands[CHY_CLIENT_COMMANDS] = {
    ELSEWHERE("login", "Log in to a server and keep the token"),
    ELSEWHERE("logout", "End the token and forget it"),
    ELSEWHERE("issue", "Ask for a certificate, and write key, certificate and chain"),
    ELSEWHERE("list", "Find certificates"),
    ELSEWHERE("show", "Show what is known of a certificate"),
    ELSEWHERE("renew", "Issue a certificate's successor"),
    ELSEWHERE("revoke", "Revoke a certificate, or end a hold"),
    ELSEWHERE("export", "Fetch certificate, chain and key again"),
    ELSEWHERE("profile", "Certificate profiles: create, list, show, delete"),
    ELSEWHERE("policy", "Certificate policies: create, list, show, delete"),
    ELSEWHERE("request", "Certificate requests: list, show, approve, reject, cancel"),
    ELSEWHERE("project", "Projects: list, create, show"),
    ELSEWHERE("watch", "Keep certificates in files fresh, as an agent"),
    ELSEWHERE("completion", "Print what makes a shell complete these commands"),
};

const struct chy_command chy_client_ca_commands[CHY_CLIENT_CA_COMMANDS] = {
    ELSEWHERE("create", "Create a CA from a document"),
    ELSEWHERE("list", "List the CAs of a project"),
    ELSEWHERE("show", "Show a CA"),
    ELSEWHERE("delete", "Delete a CA"),
};

/** Twice up from this program, as for the plugins: the same in a build tree and when installed. */
static bool find_client(char path[PATH_MAX])
{
    ssize_t len = readlink("/proc/self/exe", path, PATH_MAX - 1);
    if (len <= 0) {
        return false;
    }
    path[len] = '\0';
    for (int i = 0; i < 2; i++) {
        char *slash = strrchr(path, '/');
        if (slash == NULL) {
            return false;
        }
        *slash = '\0';
    }
    size_t folder_len = strlen(path);
    int more = snprintf(path + folder_len, PATH_MAX - folder_len, "/%s", CHY_CLIENT_SUBPATH);
    return more > 0 && (size_t)more < PATH_MAX - folder_len;
}

int chy_client_become(char **argv)
{
    char path[PATH_MAX];
    if (!find_client(path)) {
        (void)fprintf(stderr, "chancery: cannot tell where the client's program lies\n");
        return CHY_EXIT_FAILED;
    }
    (void)execv(path, argv);
    (void)fprintf(stderr, "chancery: cannot run the client's program '%s': %s\n", path,
                  strerror(errno));
    return CHY_EXIT_FAILED;
}
