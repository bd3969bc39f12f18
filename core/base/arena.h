/**
 * Memory that dies together: allocations without a free of their own, under one ceiling.
 *
 * Release builds bump a pointer through chunks, the first of which is kept per thread; builds with
 * AddressSanitizer make one malloc per object, so that it sees every overrun.  An arena belongs to
 * one thread at a time.
 */
#ifndef CHY_BASE_ARENA_H
#define CHY_BASE_ARENA_H

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>

struct chy_arena;

/** chy_arena_new makes an arena that gives at most `max` bytes.  NULL: out of memory. */
CHY_MUST_USE struct chy_arena *chy_arena_new(size_t max);

/** chy_arena_free runs what was deferred and frees everything.  NULL is fine. */
void chy_arena_free(struct chy_arena *arena);
CHY_DEFINE_AUTO(struct chy_arena, chy_arena_free);

/**
 * chy_arena_alloc gives `size` zeroed bytes aligned for any type, or NULL at the ceiling.  Zero
 * bytes are a pointer of their own.  What counts towards the ceiling is the size, rounded up to 16.
 */
CHY_MUST_USE void *chy_arena_alloc(struct chy_arena *arena, uint64_t size);

/** chy_arena_defer runs fn(arg) before the memory goes, newest first.  false: not registered. */
CHY_MUST_USE bool chy_arena_defer(struct chy_arena *arena, void (*fn)(void *arg), void *arg);

/** chy_arena_run_deferred runs what was deferred now; chy_arena_free() will not run it again. */
void chy_arena_run_deferred(struct chy_arena *arena);

/** chy_arena_used tells how much of the ceiling is taken. */
size_t chy_arena_used(const struct chy_arena *arena);

/**
 * chy_test_fail_alloc_at lets the n-th allocation from now (1 is the next) fail once, in whatever
 * arena, secret arena or heap buffer of the process it happens.  0 turns it off.  For tests only.
 */
void chy_test_fail_alloc_at(long n);

/** chy_test_fail_alloc_fired tells whether the failure asked for has happened. */
bool chy_test_fail_alloc_fired(void);

/** chy_test_alloc_fails is what the allocators of base ask before each allocation. */
bool chy_test_alloc_fails(void);

#endif
