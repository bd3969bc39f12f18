/** Hooks: programs that run when files were renewed. */
#ifndef CLIENT_HOOK_H
#define CLIENT_HOOK_H

#include "client/watch_config.h"

/**
 * client_hook_run runs an entry's hook and waits for it, for as long as it may take; then it is
 * ended, with whatever it started.  No shell reads its words.  It finds the paths and the entry's
 * name in its environment, and none of this program's secrets.  A failure says how it ended.
 */
CHY_MUST_USE chy_status client_hook_run(struct chy_cli *cli,
                                        const struct client_watch_entry *entry);

#endif
