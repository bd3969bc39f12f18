/**
 * What `chancery watch` remembers: which certificate each entry has, and how far its files and its
 * hook are. Written before and after each step, so that a restart goes on where it stopped.
 */
#ifndef CLIENT_WATCH_STATE_H
#define CLIENT_WATCH_STATE_H

#include "client/cli.h"

/** How far the hook is. */
#define CLIENT_HOOK_DUE "due"
#define CLIENT_HOOK_STARTED "started" /**< when it is found so, nobody knows how it ended */
#define CLIENT_HOOK_DONE "done"
#define CLIENT_HOOK_FAILED "failed"

struct client_state_file {
    const char *path;
    json_t *root; /**< members are the entries' names */
    int lock;     /**< held while the program runs */
};

/** client_state_open takes the lock and reads the file, which need not be there.  Another agent
 *  with the same file is a failure. */
CHY_MUST_USE chy_status client_state_open(struct chy_cli *cli, const char *path,
                                          struct client_state_file *out_state);
void client_state_close(struct client_state_file *state);
CHY_DEFINE_AUTO_FINI(struct client_state_file, client_state_close);

/** client_state_of is an entry's own object; NULL: out of memory. */
json_t *client_state_of(struct client_state_file *state, const char *name);

/** client_state_set changes a member, NULL takes it away, and client_state_save makes all changes
 *  durable. */
CHY_MUST_USE chy_status client_state_set(struct chy_cli *cli, json_t *entry, const char *member,
                                         const char *text);
CHY_MUST_USE chy_status client_state_save(struct chy_cli *cli,
                                          const struct client_state_file *state);

/** client_state_text is a member, NULL if it is not there. */
const char *client_state_text(const json_t *entry, const char *member);

#endif
