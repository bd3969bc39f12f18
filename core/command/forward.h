/**
 * The audit written elsewhere: to a file of JSON lines, to the local syslog and to a syslog server,
 * block by block.  forward_sink.h has the places.
 *
 * A block is taken when it is closed, its rows first, then itself with its head.  That it was taken
 * is stored with it, so nothing is lost over restarts, and what could not be written is tried
 * again; a line may then come twice.  No request waits for any of it.
 */
#ifndef CHY_COMMAND_FORWARD_H
#define CHY_COMMAND_FORWARD_H

#include "config/config.h"
#include "resource/runtime.h"

struct chy_forward;

/** chy_forward_new makes it as the configuration says; NULL in `out_forward`: nowhere.  It borrows
 *  the configuration and the machine's name. */
CHY_MUST_USE chy_status chy_forward_new(struct chy_op *op, const struct chy_config *config,
                                        struct chy_slice machine, struct chy_forward **out_forward);
void chy_forward_free(struct chy_forward *forward);

/** chy_forward_reopen lets the file be opened anew before the next line: it was moved away.  Any
 *  thread. */
void chy_forward_reopen(struct chy_forward *forward);

/** chy_forward_run writes what waits; what one call leaves the next takes.  For one thread; it
 *  waits a few seconds for what does not answer, longer while a name server is silent. */
CHY_MUST_USE chy_status chy_forward_run(struct chy_forward *forward, struct chy_runtime *runtime,
                                        struct chy_op *op);

#endif
