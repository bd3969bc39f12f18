#include "base/secret.h"

#include "base/arena.h"
#include "base/lock.h"
#include "base/sanitize.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#if CHY_ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#define ASAN_UNPOISON_MEMORY_REGION(ptr, len) ((void)(ptr), (void)(len))
#endif

#define ALIGNMENT ((size_t)16)
#define PAGE ((size_t)4096)
#define BLOCK_SIZE ((size_t)16 << 10)
#define BLOCKS_AT_ONCE ((size_t)4)

/* The head of a block of locked pages.  What follows it is zero while the block is spare. */
struct block {
    struct block *next;
    size_t size;    // with this head
    size_t taken;   // from the block's beginning: what has to be wiped
    uint64_t flags; // BLOCK_LOCKED
};
CHY_STATIC_ASSERT(sizeof(struct block) % ALIGNMENT == 0, "what follows a block's head is aligned");

#define BLOCK_LOCKED 1U

struct chy_secret_arena {
    struct block *blocks; // newest first; the last one holds this struct
    size_t used;
    size_t max;
};

#define ARENA_SIZE ((sizeof(struct chy_secret_arena) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))

/* The pool.  `lock` guards all of it. */
static struct {
    struct chy_mutex lock;
    struct block *spare; // each BLOCK_SIZE long
    size_t max;
    struct chy_secret_stats stats;
} pool = {.lock = CHY_MUTEX_INIT, .max = CHY_SECRET_POOL_MAX};

/* --- pages ------------------------------------------------------------------------------------ */

static uint8_t *map_pages(size_t size, bool *out_locked)
{
    void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) {
        return NULL;
    }
    // Locking may be refused by RLIMIT_MEMLOCK: counted by the caller, and the daemon warns.
    *out_locked = mlock(pages, size) == 0;
    (void)madvise(pages, size, MADV_DONTDUMP);
    return pages;
}

static uint8_t *grow_locked(size_t size, bool *out_locked)
{
    chy_mutex_assert_held(&pool.lock);
    size_t held = pool.stats.in_use + pool.stats.spare;
    if (held >= pool.max || size > pool.max - held) {
        return NULL;
    }
    bool is_locked = false;
    uint8_t *pages = map_pages(size, &is_locked);
    if (pages == NULL) {
        return NULL;
    }
    if (is_locked) {
        pool.stats.locked += size;
    } else {
        pool.stats.unlocked += size;
        pool.stats.lock_failures++;
    }
    *out_locked = is_locked;
    return pages;
}

static struct block *block_at(uint8_t *pages, size_t size, bool is_locked)
{
    struct block *block = (struct block *)(void *)pages;
    *block =
        (struct block){.size = size, .taken = sizeof *block, .flags = is_locked ? BLOCK_LOCKED : 0};
    ASAN_POISON_MEMORY_REGION(block + 1, size - sizeof *block);
    return block;
}

static void fill_spare_locked(void)
{
    bool is_locked = false;
    size_t count = BLOCKS_AT_ONCE;
    uint8_t *pages = grow_locked(count * BLOCK_SIZE, &is_locked);
    if (pages == NULL) {
        // Near the ceiling, or where memory is short, one block may still be had.
        count = 1;
        pages = grow_locked(BLOCK_SIZE, &is_locked);
    }
    for (size_t i = 0; pages != NULL && i < count; i++) {
        struct block *block = block_at(pages + i * BLOCK_SIZE, BLOCK_SIZE, is_locked);
        block->next = pool.spare;
        pool.spare = block;
        pool.stats.spare += BLOCK_SIZE;
    }
}

static struct block *take_block_locked(size_t size)
{
    if (size > BLOCK_SIZE) {
        bool is_locked = false;
        uint8_t *pages = grow_locked(size, &is_locked);
        if (pages == NULL) {
            return NULL;
        }
        pool.stats.in_use += size;
        return block_at(pages, size, is_locked);
    }
    if (pool.spare == NULL) {
        fill_spare_locked();
    }
    struct block *block = pool.spare;
    if (block == NULL) {
        return NULL;
    }
    pool.spare = block->next;
    pool.stats.spare -= BLOCK_SIZE;
    pool.stats.in_use += BLOCK_SIZE;
    return block;
}

static void give_back_locked(struct block *block)
{
    pool.stats.in_use -= block->size;
    if (block->size == BLOCK_SIZE) {
        block->taken = sizeof *block;
        block->next = pool.spare;
        pool.spare = block;
        pool.stats.spare += BLOCK_SIZE;
        return;
    }
    if ((block->flags & BLOCK_LOCKED) != 0) {
        pool.stats.locked -= block->size;
    } else {
        pool.stats.unlocked -= block->size;
    }
    size_t size = block->size;
    ASAN_UNPOISON_MEMORY_REGION(block, size);
    (void)munmap(block, size);
}

/* A block with room for `size` bytes behind its head. */
static struct block *take_block(size_t size)
{
    size_t whole = size + sizeof(struct block);
    whole = whole <= BLOCK_SIZE ? BLOCK_SIZE : (whole + PAGE - 1) & ~(PAGE - 1);
    chy_mutex_lock(&pool.lock);
    struct block *block = take_block_locked(whole);
    chy_mutex_unlock(&pool.lock);
    return block;
}

static void give_back(struct block *block)
{
    // Wiped outside of the lock, before anyone else can have it.
    ASAN_UNPOISON_MEMORY_REGION(block + 1, block->size - sizeof *block);
    chy_secret_wipe(block + 1, block->taken - sizeof *block);
    ASAN_POISON_MEMORY_REGION(block + 1, block->size - sizeof *block);
    chy_mutex_lock(&pool.lock);
    give_back_locked(block);
    chy_mutex_unlock(&pool.lock);
}

/* --- arenas ----------------------------------------------------------------------------------- */

/* Takes `size` bytes of a block that has them. */
static void *take(struct block *block, size_t size, size_t rounded)
{
    uint8_t *object = (uint8_t *)block + block->taken;
    block->taken += rounded;
    ASAN_UNPOISON_MEMORY_REGION(object, size);
    return object;
}

struct chy_secret_arena *chy_secret_arena_new(size_t max)
{
    struct block *block = chy_test_alloc_fails() ? NULL : take_block(ARENA_SIZE);
    if (block == NULL) {
        return NULL;
    }
    block->next = NULL;
    struct chy_secret_arena *arena = take(block, ARENA_SIZE, ARENA_SIZE);
    arena->blocks = block;
    arena->max = max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
    return arena;
}

void *chy_secret_arena_alloc(struct chy_secret_arena *arena, uint64_t size)
{
    size_t left = arena->max - arena->used;
    if (size > left || chy_test_alloc_fails()) {
        return NULL;
    }
    size_t rounded = size == 0 ? ALIGNMENT : ((size_t)size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded > left) {
        return NULL;
    }
    // With AddressSanitizer a poisoned gap follows each object.
    size_t with_gap = rounded + (CHY_ASAN ? ALIGNMENT : 0);
    struct block *block = arena->blocks;
    if (with_gap > block->size - block->taken) {
        block = take_block(with_gap);
        if (block == NULL) {
            return NULL;
        }
        block->next = arena->blocks;
        arena->blocks = block;
    }
    arena->used += rounded;
    return take(block, (size_t)size, with_gap);
}

void chy_secret_arena_free(struct chy_secret_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    struct block *block = arena->blocks;
    while (block != NULL) {
        struct block *next = block->next;
        give_back(block); // the last one takes the arena itself along
        block = next;
    }
}

size_t chy_secret_arena_used(const struct chy_secret_arena *arena)
{
    return arena->used;
}

void chy_secret_stats(struct chy_secret_stats *out_stats)
{
    chy_mutex_lock(&pool.lock);
    *out_stats = pool.stats;
    chy_mutex_unlock(&pool.lock);
}

void chy_secret_set_pool_max(size_t max)
{
    chy_mutex_lock(&pool.lock);
    pool.max = max;
    chy_mutex_unlock(&pool.lock);
}

/* --- wiping and comparing --------------------------------------------------------------------- */

void chy_secret_wipe(void *ptr, size_t len)
{
    if (len != 0) {
        explicit_bzero(ptr, len);
    }
}

bool chy_secret_equal(struct chy_slice a, struct chy_slice b)
{
    if (a.len != b.len) {
        return false;
    }
    // Volatile, so that the compiler does not leave the loop at the first difference.
    volatile uint8_t difference = 0;
    for (uint64_t i = 0; i < a.len; i++) {
        difference = (uint8_t)(difference | (a.ptr[i] ^ b.ptr[i]));
    }
    return difference == 0;
}
