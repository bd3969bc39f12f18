#include "command/cli.h"

#include "base/slice.h"
#include "command/command.h"

#include <unistd.h>

/** The largest configuration, its tree and all that is made of it. */
#define MEMORY_MAX ((size_t)256 << 20)

bool chy_cli_init(struct chy_cli *cli, const char *path)
{
    memset(cli, 0, sizeof *cli);
    cli->path = path;
    chy_log_init(&cli->log, STDERR_FILENO, CHY_LOG_FORMAT_TEXT, CHY_LOG_WARNING,
                 chy_clock_system());
    chy_services_init(&cli->services, chy_clock_system(), &cli->log, NULL);
    const struct chy_operation_config config = {
        .host = chy_services_table(&cli->services),
        .clock = chy_clock_system(),
        .log = &cli->log,
        .name = chy_text("command"),
        .memory_max = MEMORY_MAX,
    };
    if (chy_operation_init(&cli->operation, &config) != CHY_OK) {
        return false;
    }
    cli->op = &cli->operation.op;
    return true;
}

void chy_cli_fini(struct chy_cli *cli)
{
    chy_operation_fini(&cli->operation);
}

int chy_cli_fail(struct chy_cli *cli)
{
    struct chy_error error;
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    cli->op->host->last_error(cli->op, &error);
    if (error.issues.count < 2) {
        (void)fprintf(stderr, "chancery: %.*s\n", (int)error.message.len,
                      error.message.len == 0 ? "" : (const char *)error.message.ptr);
        return CHY_EXIT_FAILED;
    }
    (void)fprintf(stderr, "chancery: %llu problems:\n", (unsigned long long)error.issues.count);
    for (uint64_t i = 0; i < error.issues.count; i++) {
        const struct chy_issue *issue = chy_view_at(error.issues, i);
        if (issue != NULL) {
            (void)fprintf(stderr, "  %.*s\n", (int)issue->message.len,
                          (const char *)issue->message.ptr);
        }
    }
    return CHY_EXIT_FAILED;
}
