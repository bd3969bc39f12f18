/**
 * Start-up as a table; shutdown, and every failure on the way, is that table read backwards.
 *
 *     static const struct chy_stage stages[] = {
 *         {"storage", storage_up, storage_down},
 *         {"http", http_up, http_down}, // last: nothing may be served before this
 *     };
 */
#ifndef CHY_COMMAND_STAGE_H
#define CHY_COMMAND_STAGE_H

#include <chancery/host.h>

struct chy_stage {
    const char *name; /**< for the log */
    /** Not CHY_OK: it undid what it had begun, and its `down` is not called. */
    chy_status (*up)(void *daemon, struct chy_op *op);
    void (*down)(void *daemon, struct chy_op *op); /**< NULL: nothing to undo */
};

/** chy_stages_up runs the stages in order.  If one fails those before it go down, newest first, and
 *  its error is what the operation has. */
CHY_MUST_USE chy_status chy_stages_up(const struct chy_stage *stages, size_t count, void *daemon,
                                      struct chy_op *op);

/** chy_stages_down takes `count` stages down, newest first. */
void chy_stages_down(const struct chy_stage *stages, size_t count, void *daemon, struct chy_op *op);

#endif
