/** What every command of the client has: memory, a clock, and the last failure. */
#ifndef CLIENT_CLI_H
#define CLIENT_CLI_H

#include "base/log.h"
#include "base/op.h"
#include "commandline/command.h"

#include <chancery/host.h>

#include <jansson.h>

/** Exit codes, besides CHY_EXIT_OK and CHY_EXIT_USAGE.  docs/cli.md has them too. */
#define CLIENT_EXIT_REFUSED 1     /**< the server said no, or the request failed */
#define CLIENT_EXIT_UNREACHABLE 3 /**< no server there, or not one that answers as it should */
#define CLIENT_EXIT_LOCAL 4       /**< something on this side: files, no log-in, memory */
#define CLIENT_EXIT_PENDING 5     /**< the certificate is not there yet */

/** What the server said when it refused. */
struct client_refusal {
    long status;      /**< HTTP; 0: it did not refuse */
    char error[40];   /**< the word for it: "PermissionDenied" */
    const char *text; /**< for people: one line, or several */
};

struct chy_cli {
    const char *path; /**< how the command was called: "chancery issue" */
    struct chy_log log;
    struct chy_host host;
    struct chy_operation operation;
    struct chy_op *op; /**< of `operation` */
    int failure;       /**< the exit code of what failed last; 0: CLIENT_EXIT_LOCAL */
    struct client_refusal refusal;
    bool (*should_stop)(void); /**< asked while a server is waited for; NULL: nobody asks */
};

/** client_init makes it ready.  false: out of memory. */
CHY_MUST_USE bool client_init(struct chy_cli *cli, const char *path);
void client_fini(struct chy_cli *cli);
CHY_DEFINE_AUTO_FINI(struct chy_cli, client_fini);

/** client_fail records why something failed, and with which exit code the program will end. */
chy_status client_fail(struct chy_cli *cli, int failure, const char *format, ...) CHY_PRINTF(3, 4);

/** client_fail_like fails as `other` did. */
chy_status client_fail_like(struct chy_cli *cli, struct chy_cli *other);

/** client_say_failure writes the last failure to standard error and gives its exit code. */
int client_say_failure(struct chy_cli *cli);

/** client_failure_text is the last failure, NUL-terminated, fit to be shown. */
const char *client_failure_text(struct chy_cli *cli);

/** client_end gives the exit code of what `status` says, after telling of a failure. */
int client_end(struct chy_cli *cli, chy_status status);

/** client_own lets go of `json` when the operation ends. */
CHY_MUST_USE chy_status client_own(struct chy_cli *cli, json_t *json);

/** client_text copies a format's result into memory of the operation; NULL: out of memory. */
const char *client_text(struct chy_cli *cli, const char *format, ...) CHY_PRINTF(2, 3);

/** client_clean copies text with '?' in place of what would move a terminal's cursor. */
const char *client_clean(struct chy_cli *cli, const char *text);

#endif
