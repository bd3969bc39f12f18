/** One look of `chancery watch` at one certificate: what is to be done, and doing it. */
#ifndef CLIENT_WATCH_TURN_H
#define CLIENT_WATCH_TURN_H

#include "client/watch_config.h"
#include "client/watch_state.h"

/**
 * client_watch_turn brings one entry a step further: asks for its certificate, renews it when it is
 * time, writes the files, runs the hook. The memory of `cli` is used up by it. A failure leaves the
 * state so that the next turn goes on.
 */
CHY_MUST_USE chy_status client_watch_turn(struct chy_cli *cli,
                                          const struct client_watch_config *config,
                                          const struct client_watch_entry *entry,
                                          struct client_state_file *file);

#endif
