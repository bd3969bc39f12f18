#include "command/command.h"

#include "base/slice.h"
#include "command/paths.h"
#include "command/plugin_place.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/** What a plugin is given to load and describe itself. */
#define PROBE_SECONDS 20
#define OUTPUT_MAX 4096U

extern char **environ;

static const struct chy_argument arguments[] = {CHY_PLUGIN_ARGUMENT_LIST};

/* --- the child -------------------------------------------------------------------------------- */

enum probe_argument {
    PROBE_PLUGINS = 0,
    PROBE_PIN
};

static const struct chy_argument probe_arguments[] = {
    {"plugins", "DIR", "the folder of plugins", NULL, false},
    {"pin", "SHA256", "the file's expected hash", NULL, false},
};

static int run_probe(struct chy_cli *cli, const struct chy_given *given)
{
    const struct rlimit no_core = {0, 0};
    CHY_AUTO(chy_loaded_plugin_free) struct chy_loaded_plugin *plugin = NULL;
    const char *directory = chy_given_text(given, PROBE_PLUGINS);
    if (directory == NULL) {
        return chy_cli_say_usage(cli->path, "expected --plugins DIR");
    }
    (void)setrlimit(RLIMIT_CORE, &no_core);
    const struct chy_loader_config loader = {directory, true,
                                             chy_text(chy_given_text(given, PROBE_PIN))};
    if (chy_loader_load(cli->op, &loader, chy_text(given->operands[0]), &plugin) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    return CHY_EXIT_OK;
}

const struct chy_command chy_command_plugin_probe = {
    .name = "probe",
    .summary = "Load one plugin, for 'plugin check'",
    .example = "chancery plugin probe --plugins lib/chancery/plugins api",
    .is_hidden = true,
    .arguments = probe_arguments,
    .argument_count = sizeof probe_arguments / sizeof probe_arguments[0],
    .operands = "NAME",
    .operand_min = 1,
    .operand_max = 1,
    .run = run_probe,
};

/* --- the parent ------------------------------------------------------------------------------- */

/** A child while it loads a plugin. */
struct probe {
    pid_t pid;
    int output; /**< what it writes to standard error */
    char text[OUTPUT_MAX];
    size_t len;
    bool is_late;
};

static int spawn_with(const char *program, char *const *words, int write_end, pid_t *out_pid)
{
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);
    if (error != 0) {
        return error;
    }
    error = posix_spawn_file_actions_adddup2(&actions, write_end, STDERR_FILENO);
    if (error == 0) {
        error = posix_spawn(out_pid, program, &actions, NULL, words, environ);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return error;
}

static chy_status start_probe(struct chy_op *op, const struct chy_loader_config *loader,
                              struct chy_slice name, struct probe *probe)
{
    struct chy_slice program = {NULL, 0};
    struct chy_slice word = {NULL, 0};
    char pin[CHY_PLUGIN_HASH_SIZE];
    char plugins_word[] = "--plugins";
    char pin_word[] = "--pin";
    char plugin_word[] = "plugin";
    char probe_word[] = "probe";
    char chancery_word[] = "chancery";
    char directory[4096];
    int pipe_ends[2];
    CHY_TRY(chy_path_of_program(op, &program));
    CHY_TRY(chy_copy(op, name, &word));
    (void)snprintf(directory, sizeof directory, "%s", loader->directory);
    (void)snprintf(pin, sizeof pin, "%.*s", (int)loader->pin.len,
                   loader->pin.len == 0 ? "" : (const char *)loader->pin.ptr);
    char *words[] = {chancery_word, plugin_word, probe_word, plugins_word,
                     directory,     pin_word,    pin,        (char *)(uintptr_t)word.ptr,
                     NULL};
    if (pipe2(pipe_ends, O_CLOEXEC) != 0) {
        return chy_fail(op, CHY_BROKEN, errno, "cannot make a pipe: %s", strerror(errno));
    }
    int error = spawn_with((const char *)program.ptr, words, pipe_ends[1], &probe->pid);
    (void)close(pipe_ends[1]);
    if (error != 0) {
        (void)close(pipe_ends[0]);
        return chy_fail(op, CHY_BROKEN, error, "cannot start '%s': %s", (const char *)program.ptr,
                        strerror(error));
    }
    probe->output = pipe_ends[0];
    return CHY_OK;
}

/** Reads what the child says until it ends or its time is over. */
static void read_output(struct chy_op *op, struct probe *probe)
{
    int64_t end = chy_monotonic(op) + PROBE_SECONDS * INT64_C(1000000);
    for (;;) {
        struct pollfd waiting = {probe->output, POLLIN, 0};
        int64_t left = (end - chy_monotonic(op)) / 1000;
        char piece[512];
        if (left <= 0 || poll(&waiting, 1, (int)left) == 0) {
            probe->is_late = true;
            (void)kill(probe->pid, SIGKILL);
            return;
        }
        ssize_t got = read(probe->output, piece, sizeof piece);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return;
        }
        size_t room = sizeof probe->text - 1 - probe->len;
        size_t kept = (size_t)got < room ? (size_t)got : room;
        memcpy(probe->text + probe->len, piece, kept);
        probe->len += kept;
    }
}

static int wait_for(pid_t pid)
{
    int result = 0;
    while (waitpid(pid, &result, 0) < 0 && errno == EINTR) {
    }
    return result;
}

/** Says how the child ended; the first line of what it said is why. */
static bool report(struct chy_slice name, struct probe *probe, int result)
{
    probe->text[probe->len] = '\0';
    if (WIFEXITED(result) && WEXITSTATUS(result) == CHY_EXIT_OK && !probe->is_late) {
        return true;
    }
    (void)printf("%.*s: FAILED\n", (int)name.len, (const char *)name.ptr);
    (void)fflush(stdout);
    if (probe->is_late) {
        (void)fprintf(stderr, "chancery: plugin '%.*s' was not loaded within %d seconds\n",
                      (int)name.len, (const char *)name.ptr, PROBE_SECONDS);
    } else if (WIFSIGNALED(result)) {
        (void)fprintf(stderr, "%schancery: loading plugin '%.*s' ended the program: %s\n",
                      probe->text, (int)name.len, (const char *)name.ptr,
                      strsignal(WTERMSIG(result)));
    } else {
        (void)fputs(probe->text, stderr);
    }
    return false;
}

/** What serve will say to an owner that is fine here. */
static const char *owner_note(const struct chy_plugin_place *place, struct chy_slice name)
{
    char path[4200];
    struct stat info;
    (void)snprintf(path, sizeof path, "%s/%.*s.so", place->directory, (int)name.len,
                   (const char *)name.ptr);
    bool is_foreign = stat(path, &info) == 0 && info.st_uid != 0;
    return is_foreign ? " (not root's: serve wants plugins.trust_owner: true)" : "";
}

static bool check_one(struct chy_cli *cli, const struct chy_plugin_place *place,
                      struct chy_slice name)
{
    struct probe probe;
    const struct chy_loader_config loader = chy_plugin_place_loader(place, name);
    memset(&probe, 0, sizeof probe);
    if (start_probe(cli->op, &loader, name, &probe) != CHY_OK) {
        (void)chy_cli_fail(cli);
        return false;
    }
    read_output(cli->op, &probe);
    (void)close(probe.output);
    if (!report(name, &probe, wait_for(probe.pid))) {
        return false;
    }
    (void)printf("%.*s: ok%s\n", (int)name.len, (const char *)name.ptr, owner_note(place, name));
    return true;
}

/** check_word takes a plugin's name, or the path of its file wherever it lies. */
static bool check_word(struct chy_cli *cli, const struct chy_plugin_place *place, const char *word)
{
    struct chy_slice text = chy_text(word);
    struct chy_slice folder = {NULL, 0};
    struct chy_plugin_place beside = *place;
    uint64_t slash = 0;
    if (!chy_slice_find_last(text, '/', &slash)) {
        return check_one(cli, place, text);
    }
    struct chy_slice name = chy_slice_skip(text, slash + 1);
    if (chy_slice_ends_with(name, chy_text(".so"))) {
        name.len -= sizeof ".so" - 1;
    }
    if (chy_copy(cli->op, chy_slice_first(text, slash == 0 ? 1 : slash), &folder) != CHY_OK) {
        (void)chy_cli_fail(cli);
        return false;
    }
    beside.directory = (const char *)folder.ptr;
    return check_one(cli, &beside, name);
}

static int run_check(struct chy_cli *cli, const struct chy_given *given)
{
    struct chy_plugin_place place;
    struct chy_view names = {NULL, 0, 0};
    bool ok = true;
    if (chy_plugin_place_find(cli, given, &place) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    for (size_t i = 0; i < given->operand_count; i++) {
        ok = check_word(cli, &place, given->operands[i]) && ok;
    }
    if (given->operand_count == 0 && chy_loader_list(cli->op, place.directory, &names) != CHY_OK) {
        return chy_cli_fail(cli);
    }
    for (uint64_t i = 0; i < names.count; i++) {
        const struct chy_slice *name = chy_view_at(names, i);
        ok = name != NULL && check_one(cli, &place, *name) && ok;
    }
    return ok ? CHY_EXIT_OK : CHY_EXIT_FAILED;
}

const struct chy_command chy_command_plugin_check = {
    .name = "check",
    .summary = "Check that plugins load, each in a process of its own",
    .details =
        "Without a NAME all plugins of the folder are checked; FILE is a plugin anywhere. One\n"
        "that crashes takes nothing along.",
    .example = "chancery plugin check",
    .arguments = arguments,
    .argument_count = sizeof arguments / sizeof arguments[0],
    .operands = "[NAME|FILE…]",
    .operand_min = 0,
    .operand_max = CHY_ARGUMENT_WORDS_MAX,
    .run = run_check,
};
