/** Memory of objects that outlive the request that made them. */
#ifndef CHY_ENROLL_MEMORY_H
#define CHY_ENROLL_MEMORY_H

#include "base/op.h"

/**
 * chy_memory_new makes an operation of `op`'s host that does nothing but hold memory: what a cached
 * object points to is made with it and freed with it.  NULL: out of memory.
 */
struct chy_operation *chy_memory_new(struct chy_op *op);

#endif
