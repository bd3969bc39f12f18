/**
 * What a daemon does each second, on threads of its own so that no long job delays it: closing the
 * audit's blocks, showing that it is alive, closing those of nodes that died; and, on another,
 * forwarding.
 */
#ifndef CHY_COMMAND_UPKEEP_H
#define CHY_COMMAND_UPKEEP_H

#include "command/assembly.h"

struct chy_upkeep;

/** chy_upkeep_start begins.  BROKEN: no thread could be made. */
CHY_MUST_USE chy_status chy_upkeep_start(struct chy_assembly *assembly,
                                         struct chy_upkeep **out_upkeep);
/** chy_upkeep_reload lets the audit's file be opened anew: it was moved away. */
void chy_upkeep_reload(struct chy_upkeep *upkeep);
/** chy_upkeep_stop ends what is under way and the threads.  NULL is fine. */
void chy_upkeep_stop(struct chy_upkeep *upkeep);

#endif
