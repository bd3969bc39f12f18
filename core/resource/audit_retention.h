/** How long the audit's rows are kept: whole blocks lose theirs, their heads stay. */
#ifndef CHY_RESOURCE_AUDIT_RETENTION_H
#define CHY_RESOURCE_AUDIT_RETENTION_H

#include "resource/runtime.h"

/** chy_audit_retain drops the rows of blocks that were closed more than `keep` µs ago.  What one
 *  call leaves, because there is too much of it, the next takes. */
CHY_MUST_USE chy_status chy_audit_retain(struct chy_runtime *runtime, struct chy_op *op,
                                         int64_t keep);

/** chy_audit_dropped_before tells up to when rows may be missing; 0: none may.  The time is
 *  recorded with a MAC: without the master key nobody moves it. */
CHY_MUST_USE chy_status chy_audit_dropped_before(struct chy_runtime *runtime, struct chy_op *op,
                                                 int64_t *out_before);

#endif
