/** Asking a person at the terminal for a secret. */
#ifndef CHY_BASE_TERMINAL_H
#define CHY_BASE_TERMINAL_H

#include <chancery/host.h>

/**
 * chy_terminal_ask_secret asks for `what` at the process's terminal, without an echo, and waits for
 * a line of at most `max` bytes; the answer, without its newline, lives in the secret arena.
 *   UNSUPPORTED  there is no terminal
 *   BAD_INPUT    nothing was typed, too much, or a signal came, which ends the question first: none
 *                leaves the terminal without its echo
 */
CHY_MUST_USE chy_status chy_terminal_ask_secret(struct chy_op *op, const char *what, size_t max,
                                                struct chy_slice *out_secret);

#endif
