#include "client/secret.h"

#include "base/slice.h"
#include "base/terminal.h"
#include "client/document.h"

#include <stdlib.h>

#define SECRET_MAX ((size_t)4096)

static chy_status ask(struct chy_cli *cli, const char *what, const char *variable,
                      struct chy_slice *out_secret)
{
    chy_status status = chy_terminal_ask_secret(cli->op, what, SECRET_MAX, out_secret);
    if (status == CHY_UNSUPPORTED) {
        return client_fail(cli, CHY_EXIT_USAGE,
                           "there is no terminal to ask for the %s: give a file, '-' for standard "
                           "input, or %s in the environment",
                           what, variable);
    }
    return status == CHY_BAD_INPUT ? client_fail(cli, CLIENT_EXIT_LOCAL, "no %s was given", what)
                                   : status;
}

chy_status client_secret_take(struct chy_cli *cli, const char *what, const char *file,
                              const char *variable, const char **out_secret)
{
    struct chy_slice secret = {NULL, 0};
    const char *from = getenv(variable);
    if (file != NULL) {
        CHY_TRY(client_input_read(cli, file, SECRET_MAX, &secret));
    } else if (from != NULL) {
        secret = chy_text(from);
    } else {
        CHY_TRY(ask(cli, what, variable, &secret));
    }
    while (secret.len > 0 &&
           (secret.ptr[secret.len - 1] == '\n' || secret.ptr[secret.len - 1] == '\r')) {
        secret.len--;
    }
    if (secret.len == 0) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "the %s is empty", what);
    }
    char *copy = chy_secret_alloc(cli->op, secret.len + 1);
    if (copy == NULL) {
        return chy_fail_memory(cli->op);
    }
    memcpy(copy, secret.ptr, (size_t)secret.len);
    if (!chy_text_is_clean(secret)) {
        return client_fail(cli, CLIENT_EXIT_LOCAL, "the %s has control characters in it", what);
    }
    *out_secret = copy;
    return CHY_OK;
}
