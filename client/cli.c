#include "client/cli.h"

#include "base/slice.h"

#include <stdio.h>
#include <unistd.h>

/** Answers, their trees and what is made of them. */
#define MEMORY_MAX ((size_t)128 << 20)

bool client_init(struct chy_cli *cli, const char *path)
{
    memset(cli, 0, sizeof *cli);
    cli->path = path;
    chy_log_init(&cli->log, STDERR_FILENO, CHY_LOG_FORMAT_TEXT, CHY_LOG_INFO, chy_clock_system());
    chy_op_fill_host(&cli->host);
    const struct chy_operation_config config = {
        .host = &cli->host,
        .clock = chy_clock_system(),
        .log = &cli->log,
        .name = chy_text("client"),
        .memory_max = MEMORY_MAX,
        .secret_max = MEMORY_MAX / 2,
    };
    if (chy_operation_init(&cli->operation, &config) != CHY_OK) {
        return false;
    }
    cli->op = &cli->operation.op;
    return true;
}

void client_fini(struct chy_cli *cli)
{
    chy_operation_fini(&cli->operation);
}

chy_status client_fail(struct chy_cli *cli, int failure, const char *format, ...)
{
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    cli->failure = failure;
    cli->refusal.text = NULL;
    return chy_fail(cli->op, CHY_DENIED, 0, "%s", len < 0 ? "it failed" : text);
}

const char *client_clean(struct chy_cli *cli, const char *text)
{
    size_t len = strlen(text);
    char *out = chy_alloc(cli->op, len + 1);
    if (out == NULL) {
        return "?";
    }
    out[chy_text_sanitise(chy_text(text), out, len)] = '\0';
    return out;
}

const char *client_failure_text(struct chy_cli *cli)
{
    struct chy_error error = {.struct_size = (uint32_t)sizeof error};
    cli->op->host->last_error(cli->op, &error);
    const char *text = client_text(cli, "%.*s", (int)error.message.len,
                                   error.message.len == 0 ? "" : (const char *)error.message.ptr);
    return text == NULL ? "out of memory" : client_clean(cli, text);
}

chy_status client_fail_like(struct chy_cli *cli, struct chy_cli *other)
{
    const char *text = other->refusal.text;
    chy_status status = client_fail(cli, other->failure == 0 ? CLIENT_EXIT_LOCAL : other->failure,
                                    "%s", client_failure_text(other));
    cli->refusal = other->refusal;
    cli->refusal.text = text == NULL ? NULL : client_text(cli, "%s", text);
    return status;
}

int client_say_failure(struct chy_cli *cli)
{
    if (cli->failure == CLIENT_EXIT_REFUSED && cli->refusal.text != NULL) {
        (void)fprintf(stderr, "chancery: %s\n", cli->refusal.text);
    } else {
        (void)fprintf(stderr, "chancery: %s\n", client_failure_text(cli));
    }
    return cli->failure == 0 ? CLIENT_EXIT_LOCAL : cli->failure;
}

int client_end(struct chy_cli *cli, chy_status status)
{
    if (status == CHY_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        status = client_fail(cli, CLIENT_EXIT_LOCAL, "cannot write to standard output");
    }
    return status == CHY_OK ? CHY_EXIT_OK : client_say_failure(cli);
}

static void let_go(void *json)
{
    json_decref(json);
}

chy_status client_own(struct chy_cli *cli, json_t *json)
{
    if (json == NULL) {
        return chy_fail_memory(cli->op);
    }
    chy_status status = chy_defer(cli->op, let_go, json);
    if (status != CHY_OK) {
        json_decref(json);
    }
    return status;
}

const char *client_text(struct chy_cli *cli, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    char *text = len < 0 ? NULL : chy_alloc(cli->op, (uint64_t)len + 1);
    if (text != NULL) {
        va_start(arguments, format);
        (void)vsnprintf(text, (size_t)len + 1, format, arguments);
        va_end(arguments);
    }
    return text;
}
