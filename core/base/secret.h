/**
 * Memory for secrets: locked, left out of core dumps, zeroised when freed; comparing and wiping.
 *
 * All secret arenas share one pool of locked pages.  A page that cannot be locked (RLIMIT_MEMLOCK)
 * is used all the same and counted; chy_secret_stats() tells, and the daemon warns.
 */
#ifndef CHY_BASE_SECRET_H
#define CHY_BASE_SECRET_H

#include "base/auto.h"

#include <chancery/types.h>

#include <stdbool.h>

struct chy_secret_arena;

/** chy_secret_arena_new makes an arena that gives at most `max` bytes.  NULL: out of memory. */
CHY_MUST_USE struct chy_secret_arena *chy_secret_arena_new(size_t max);

/** chy_secret_arena_free zeroises and gives everything back.  NULL is fine. */
void chy_secret_arena_free(struct chy_secret_arena *arena);
CHY_DEFINE_AUTO(struct chy_secret_arena, chy_secret_arena_free);

/** chy_secret_arena_alloc gives zeroed bytes aligned for any type; NULL at a ceiling. */
CHY_MUST_USE void *chy_secret_arena_alloc(struct chy_secret_arena *arena, uint64_t size);

/** chy_secret_arena_used tells how much of the ceiling is taken. */
size_t chy_secret_arena_used(const struct chy_secret_arena *arena);

/** What the pool of secret pages has, in bytes. */
struct chy_secret_stats {
    size_t in_use;          /**< held by arenas */
    size_t spare;           /**< zeroised, waiting for the next one */
    size_t locked;          /**< of both, how much is locked */
    size_t unlocked;        /**< of both, how much is not, because the limit was reached */
    uint64_t lock_failures; /**< how often locking failed since the start */
};

/** chy_secret_stats tells what the pool has. */
void chy_secret_stats(struct chy_secret_stats *out_stats);

/** CHY_SECRET_POOL_MAX is the pool's ceiling unless chy_secret_set_pool_max() was called. */
#define CHY_SECRET_POOL_MAX ((size_t)64 << 20)

/** chy_secret_set_pool_max sets the ceiling of the pool for what is taken from now on. */
void chy_secret_set_pool_max(size_t max);

/** chy_secret_wipe zeroises `len` bytes in a way that the compiler keeps.  NULL with 0 is fine. */
void chy_secret_wipe(void *ptr, size_t len);

/** chy_secret_equal compares in a time that depends on the lengths only. */
CHY_MUST_USE bool chy_secret_equal(struct chy_slice a, struct chy_slice b);

#endif
