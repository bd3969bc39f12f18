#include "base/terminal.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <termios.h>
#include <unistd.h>

/** One line, up to `size` bytes.  -1: too long, nothing was typed, or a signal came, which can do
 *  so only while this waits. */
static ssize_t read_line(int fd, char *line, size_t size, const sigset_t *while_waiting)
{
    size_t len = 0;
    struct pollfd input = {.fd = fd, .events = POLLIN};
    while (len < size) {
        if (ppoll(&input, 1, NULL, while_waiting) < 0) {
            return -1;
        }
        ssize_t count = read(fd, line + len, 1);
        if (count <= 0) {
            return -1;
        }
        if (line[len] == '\n') {
            return (ssize_t)len;
        }
        len++;
    }
    return -1;
}

static const int asked_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define ASKED_SIGNALS (sizeof asked_signals / sizeof asked_signals[0])
static volatile sig_atomic_t caught;

static void catch (int number)
{
    caught = number;
}

/** A signal ends the question first: none leaves the terminal without its echo. */
static ssize_t ask_unseen(int terminal, const char *what, char *line, size_t size)
{
    struct termios usual;
    struct sigaction before[ASKED_SIGNALS];
    const struct sigaction action = {.sa_handler = catch};
    sigset_t asked;
    sigset_t usual_mask;
    if (tcgetattr(terminal, &usual) != 0) {
        return -1;
    }
    struct termios silent = usual;
    silent.c_lflag &= ~(tcflag_t)ECHO;
    silent.c_lflag |= ICANON | ECHONL;
    caught = 0;
    (void)sigemptyset(&asked);
    for (size_t i = 0; i < ASKED_SIGNALS; i++) {
        (void)sigaddset(&asked, asked_signals[i]);
    }
    (void)sigprocmask(SIG_BLOCK, &asked, &usual_mask);
    for (size_t i = 0; i < ASKED_SIGNALS; i++) {
        (void)sigaction(asked_signals[i], &action, &before[i]);
    }
    ssize_t len = -1;
    if (tcsetattr(terminal, TCSAFLUSH, &silent) == 0) {
        (void)dprintf(terminal, "%s: ", what);
        len = read_line(terminal, line, size, &usual_mask);
        (void)tcsetattr(terminal, TCSAFLUSH, &usual);
    }
    for (size_t i = 0; i < ASKED_SIGNALS; i++) {
        (void)sigaction(asked_signals[i], &before[i], NULL);
    }
    (void)sigprocmask(SIG_SETMASK, &usual_mask, NULL);
    if (caught != 0) {
        (void)raise(caught);
    }
    return caught != 0 ? -1 : len;
}

chy_status chy_terminal_ask_secret(struct chy_op *op, const char *what, size_t max,
                                   struct chy_slice *out_secret)
{
    char *line = chy_secret_alloc(op, max);
    if (line == NULL) {
        return chy_fail_memory(op);
    }
    int terminal = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
    if (terminal < 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "there is no terminal to ask for the %s", what);
    }
    ssize_t len = ask_unseen(terminal, what, line, max);
    (void)close(terminal);
    if (len < 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "no %s was given", what);
    }
    *out_secret = chy_slice_of(line, (uint64_t)len);
    return CHY_OK;
}
