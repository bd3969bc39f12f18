#include "base/time.h"
#include "client/commands.h"
#include "client/session.h"
#include "client/watch_turn.h"

#include <signal.h>
#include <sys/random.h>
#include <time.h>

#define FIRST_PAUSE (5 * CHY_US_PER_SECOND)
#define LONGEST_PAUSE (15 * CHY_US_PER_MINUTE)

static const struct chy_argument arguments[] = {
    {"once", NULL, "look at each certificate once, and end", NULL, false},
};
#define ONCE 0

/** When an entry is looked at again. */
struct due {
    int64_t at;    /**< on the machine's monotonic clock: what waits uses that */
    int64_t pause; /**< of the last failure; 0: there was none */
};

static void end_signals(sigset_t *out_set)
{
    (void)sigemptyset(out_set);
    (void)sigaddset(out_set, SIGTERM);
    (void)sigaddset(out_set, SIGINT);
}

/** Was this program asked to end? The signal stays, for who waits. */
static bool should_stop(void)
{
    sigset_t pending;
    return sigpending(&pending) == 0 &&
           (sigismember(&pending, SIGTERM) == 1 || sigismember(&pending, SIGINT) == 1);
}

/** Waits until the monotonic clock shows `end`.  true: this program is to end. */
static bool wait_until(int64_t end)
{
    sigset_t set;
    int64_t left = end - chy_clock_monotonic(chy_clock_real());
    left = left < 0 ? 0 : left;
    const struct timespec patience = {.tv_sec = left / CHY_US_PER_SECOND,
                                      .tv_nsec = left % CHY_US_PER_SECOND * 1000};
    end_signals(&set);
    return sigtimedwait(&set, NULL, &patience) > 0;
}

/** A quarter more or less, so that a fleet does not come back all at once. */
static int64_t spread(int64_t pause)
{
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, GRND_NONBLOCK) != (ssize_t)sizeof number) {
        return pause;
    }
    return pause * 3 / 4 + pause / 2 * (int64_t)(number % 1001) / 1000;
}

/** Looks at one entry.  The exit code of a failure, which the log tells. */
static int look_at(struct chy_cli *cli, const struct client_watch_config *config, size_t index,
                   struct client_state_file *file, struct due *due)
{
    CHY_AUTO(client_fini) struct chy_cli turn;
    const struct client_watch_entry *entry = &config->entries[index];
    char again[CHY_DURATION_TEXT_SIZE];
    if (!client_init(&turn, cli->path)) {
        return CLIENT_EXIT_LOCAL;
    }
    turn.should_stop = should_stop;
    chy_status status = client_watch_turn(&turn, config, entry, file);
    int64_t now = chy_clock_monotonic(chy_clock_real());
    if (status == CHY_OK) {
        due->pause = 0;
        due->at = now + config->check_every;
        return CHY_EXIT_OK;
    }
    due->pause = due->pause == 0 ? FIRST_PAUSE : due->pause * 2;
    due->pause = due->pause > LONGEST_PAUSE ? LONGEST_PAUSE : due->pause;
    int64_t pause = spread(due->pause) / CHY_US_PER_SECOND * CHY_US_PER_SECOND;
    due->at = now + pause;
    if (!should_stop()) {
        chy_duration_format(pause, again);
        chy_log_say(&cli->log, CHY_LOG_WARNING, "watch.failed", "%s: %s%s%s",
                    client_clean(&turn, entry->name), client_failure_text(&turn),
                    config->is_once ? "" : "; again in ", config->is_once ? "" : again);
    }
    return turn.failure == 0 ? CLIENT_EXIT_LOCAL : turn.failure;
}

/** Looks at what is due; gives the worst exit code and when to look again. */
static int look_around(struct chy_cli *cli, const struct client_watch_config *config,
                       struct client_state_file *file, struct due *dues, int64_t *out_next)
{
    int worst = CHY_EXIT_OK;
    int64_t now = chy_clock_monotonic(chy_clock_real());
    *out_next = now + config->check_every;
    for (size_t i = 0; i < config->entry_count && !should_stop(); i++) {
        if (dues[i].at <= now) {
            int code = look_at(cli, config, i, file, &dues[i]);
            worst = code > worst ? code : worst;
        }
        *out_next = dues[i].at < *out_next ? dues[i].at : *out_next;
    }
    return worst;
}

/** What an agent that was killed in the middle of a write left behind; the lock is ours. */
static void sweep(const struct client_watch_config *config)
{
    client_files_sweep(config->state);
    for (size_t i = 0; i < config->entry_count; i++) {
        const struct client_files *files = &config->entries[i].files;
        client_files_sweep(files->key);
        client_files_sweep(files->certificate);
        client_files_sweep(files->chain);
        client_files_sweep(files->fullchain);
    }
}

static int watch(struct chy_cli *cli, const struct client_watch_config *config,
                 struct client_state_file *file)
{
    int64_t next = 0;
    struct due *dues = chy_alloc(cli->op, config->entry_count * sizeof *dues);
    if (dues == NULL) {
        return client_end(cli, chy_fail_memory(cli->op));
    }
    if (config->is_once) {
        return look_around(cli, config, file, dues, &next);
    }
    chy_log_say(&cli->log, CHY_LOG_INFO, "watch.started", "watching %zu certificates",
                config->entry_count);
    do {
        (void)look_around(cli, config, file, dues, &next);
    } while (!wait_until(next));
    chy_log_say(&cli->log, CHY_LOG_INFO, "watch.ended", "asked to end");
    return CHY_EXIT_OK;
}

static int run(struct chy_cli *cli, const struct chy_given *given)
{
    sigset_t set;
    struct client_watch_config config;
    struct client_session session;
    CHY_AUTO(client_state_close) struct client_state_file file = {.lock = -1};
    chy_status status = client_watch_config_read(cli, given->operands[0], &config);
    if (status == CHY_OK) {
        status = client_session_open(cli, config.context, &session); // a missing log-in is told now
    }
    if (status == CHY_OK) {
        status = client_state_open(cli, config.state, &file);
    }
    if (status != CHY_OK) {
        return client_end(cli, status);
    }
    sweep(&config);
    end_signals(&set);
    (void)sigprocmask(SIG_BLOCK, &set, NULL);
    config.is_once = chy_given_flag(given, ONCE);
    return watch(cli, &config, &file);
}

const struct chy_command client_command_watch = {
    .name = "watch",
    .summary = "Keep certificates in files fresh, as an agent",
    .details =
        "FILE names the certificates, where they go, when they are renewed and what runs then:\n"
        "docs/cli.md shows one. Runs until SIGTERM.",
    .example = "chancery watch /etc/chancery/watch.yaml",
    CLIENT_TAKES(arguments),
    CLIENT_OPERAND("FILE"),
    .run = run,
};
