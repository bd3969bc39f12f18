/** Secrets that a person or a program hands over: never as a word of the command line. */
#ifndef CLIENT_SECRET_H
#define CLIENT_SECRET_H

#include "client/cli.h"

/**
 * client_secret_take takes one from `file` ("-" is standard input) if that is given, else from the
 * environment's `variable`, else asks for `what` at the terminal, without an echo.  A newline at
 * its end is dropped; the empty one is refused.
 */
CHY_MUST_USE chy_status client_secret_take(struct chy_cli *cli, const char *what, const char *file,
                                           const char *variable, const char **out_secret);

#endif
