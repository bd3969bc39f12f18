/** What a daemon does by itself, on a thread of its own: CRLs before they end, cleaning up. */
#ifndef CHY_COMMAND_JOBS_H
#define CHY_COMMAND_JOBS_H

#include "command/assembly.h"

struct chy_jobs;

/** chy_jobs_start begins.  BROKEN: no thread could be made. */
CHY_MUST_USE chy_status chy_jobs_start(struct chy_assembly *assembly, struct chy_jobs **out_jobs);
/** chy_jobs_stop ends the job under way and the thread.  NULL is fine. */
void chy_jobs_stop(struct chy_jobs *jobs);

#endif
