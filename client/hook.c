#include "client/hook.h"

#include "base/time.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define VARIABLES_MAX 1000U
#define MERCY_MS 3000 /**< between the request to end and the end */

/** What a hook must not see: it may be anybody's script. */
static const char *const secrets[] = {"CHANCERY_TOKEN=", "CHANCERY_CLIENT_SECRET=",
                                      "CHANCERY_PASSWORD=", "CHANCERY_PKCS12_PASSWORD="};

static bool is_secret(const char *variable)
{
    for (size_t i = 0; i < sizeof secrets / sizeof secrets[0]; i++) {
        if (strncmp(variable, secrets[i], strlen(secrets[i])) == 0) {
            return true;
        }
    }
    return false;
}

static void add_variable(struct chy_cli *cli, const char **environment, size_t *count,
                         const char *name, const char *value)
{
    const char *text = value == NULL ? NULL : client_text(cli, "%s=%s", name, value);
    if (text != NULL) {
        environment[(*count)++] = text;
    }
}

static const char **make_environment(struct chy_cli *cli, const struct client_watch_entry *entry)
{
    size_t count = 0;
    const char **environment = chy_alloc(cli->op, (VARIABLES_MAX + 8) * sizeof *environment);
    if (environment == NULL) {
        return NULL;
    }
    add_variable(cli, environment, &count, "CHANCERY_NAME", entry->name);
    add_variable(cli, environment, &count, "CHANCERY_KEY_FILE", entry->files.key);
    add_variable(cli, environment, &count, "CHANCERY_CERT_FILE", entry->files.certificate);
    add_variable(cli, environment, &count, "CHANCERY_CHAIN_FILE", entry->files.chain);
    add_variable(cli, environment, &count, "CHANCERY_FULLCHAIN_FILE", entry->files.fullchain);
    for (size_t i = 0; environ[i] != NULL && i < VARIABLES_MAX; i++) {
        if (!is_secret(environ[i])) {
            environment[count++] = environ[i];
        }
    }
    return environment;
}

/** A group of its own, the usual signals, nothing to read, and the log to write to. */
static int spawn(const struct client_watch_entry *entry, const char **environment, pid_t *out_pid)
{
    static const int changed[] = {SIGPIPE, SIGXFSZ, SIGTERM, SIGINT};
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    sigset_t usual;
    (void)sigemptyset(&none);
    (void)sigemptyset(&usual);
    for (size_t i = 0; i < sizeof changed / sizeof changed[0]; i++) {
        (void)sigaddset(&usual, changed[i]);
    }
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawnattr_init(&attributes);
    if (error != 0) {
        (void)posix_spawn_file_actions_destroy(&actions);
        return error;
    }
    (void)posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    (void)posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO, STDOUT_FILENO);
    (void)posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK |
                                                    POSIX_SPAWN_SETSIGDEF);
    (void)posix_spawnattr_setpgroup(&attributes, 0);
    (void)posix_spawnattr_setsigmask(&attributes, &none);
    (void)posix_spawnattr_setsigdefault(&attributes, &usual);
    error =
        posix_spawn(out_pid, entry->hook[0], &actions, &attributes,
                    (char *const *)(uintptr_t)entry->hook, (char *const *)(uintptr_t)environment);
    (void)posix_spawnattr_destroy(&attributes);
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

/** Has it ended within `patience_ms`? */
static bool has_ended(int process, int64_t patience_ms)
{
    struct pollfd one = {.fd = process, .events = POLLIN};
    int64_t end = chy_clock_monotonic(chy_clock_real()) + patience_ms * CHY_US_PER_MS;
    for (;;) {
        int64_t left = (end - chy_clock_monotonic(chy_clock_real())) / CHY_US_PER_MS;
        int found = poll(&one, 1, left < 0 ? 0 : (int)left);
        if (found > 0 || (found == 0 && left <= 0)) {
            return found > 0;
        }
    }
}

static chy_status judge(struct chy_cli *cli, const struct client_watch_entry *entry, bool in_time,
                        int outcome)
{
    if (!in_time) {
        return client_fail(cli, CLIENT_EXIT_LOCAL,
                           "the hook '%s' took longer than %lld s and was "
                           "ended",
                           entry->hook[0], (long long)(entry->hook_timeout / CHY_US_PER_SECOND));
    }
    if (WIFSIGNALED(outcome)) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "the hook '%s' was ended by signal %d",
                           entry->hook[0], WTERMSIG(outcome));
    }
    return WEXITSTATUS(outcome) == 0
               ? CHY_OK
               : client_fail(cli, CLIENT_EXIT_LOCAL, "the hook '%s' ended with %d", entry->hook[0],
                             WEXITSTATUS(outcome));
}

chy_status client_hook_run(struct chy_cli *cli, const struct client_watch_entry *entry)
{
    pid_t pid = -1;
    int outcome = 0;
    const char **environment = make_environment(cli, entry);
    if (environment == NULL) {
        return chy_fail_memory(cli->op);
    }
    int error = spawn(entry, environment, &pid);
    if (error != 0) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "cannot run the hook '%s': %s", entry->hook[0],
                           strerror(error));
    }
    int process = pidfd_open(pid, 0);
    bool in_time = process >= 0 && has_ended(process, entry->hook_timeout / CHY_US_PER_MS);
    if (!in_time) {
        (void)kill(-pid, SIGTERM);
        if (process < 0 || !has_ended(process, MERCY_MS)) {
            (void)kill(-pid, SIGKILL);
        }
    }
    while (waitpid(pid, &outcome, 0) < 0 && errno == EINTR) {
    }
    if (!in_time) {
        (void)kill(-pid, SIGKILL); // what it started and left behind
    }
    if (process >= 0) {
        (void)close(process);
    }
    return judge(cli, entry, in_time, outcome);
}
