#include "client/trail.h"

#define CURSOR_MAX 4096U
#define STEPS_MAX 1000000U

chy_status client_trail_go(struct chy_cli *cli, struct client_trail *trail, const char *cursor)
{
    if (strlen(cursor) > CURSOR_MAX || trail->all++ >= STEPS_MAX) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's list does not end: is it a Chancery?");
    }
    if (trail->mark != NULL && strcmp(trail->mark, cursor) == 0) {
        return client_fail(cli, CLIENT_EXIT_UNREACHABLE,
                           "the server's list goes round in a circle: its next page is one that "
                           "was there already");
    }
    // R. Brent's way to find a circle of whatever length with one cursor kept: a later one takes
    // its place after twice as many steps as the last time.
    if (trail->steps++ == trail->mark_next) {
        trail->mark = client_text(cli, "%s", cursor);
        trail->mark_next = trail->mark_next * 2 + 1;
        trail->steps = 0;
    }
    return trail->mark == NULL ? chy_fail_memory(cli->op) : CHY_OK;
}
