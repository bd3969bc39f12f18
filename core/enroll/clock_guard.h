/**
 * A clock that went back does not sign.
 *
 * The latest time at which anything was signed is kept, in memory and, once a minute, in storage; a
 * clock further below it than pki.clock_back_tolerance (60 s) stops signing until a human looks or
 * the time has come again.
 */
#ifndef CHY_ENROLL_CLOCK_GUARD_H
#define CHY_ENROLL_CLOCK_GUARD_H

#include "resource/runtime.h"

struct chy_clock_guard;

/** chy_clock_guard_new starts from what storage remembers. */
CHY_MUST_USE chy_status chy_clock_guard_new(struct chy_runtime *runtime, struct chy_op *op,
                                            struct chy_clock_guard **out_guard);
void chy_clock_guard_free(struct chy_clock_guard *guard);

/** chy_clock_guard notes the time.  TRY_LATER: the clock is behind. */
CHY_MUST_USE chy_status chy_clock_guard(struct chy_runtime *runtime, struct chy_op *op);

#endif
