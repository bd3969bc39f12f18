#include "base/arena.h"

#include "base/sanitize.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#if CHY_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define ALIGNMENT ((size_t)16)

struct deferred {
    struct deferred *next;
    void (*fn)(void *arg);
    void *arg;
};

/* The head of each piece of memory that an arena got from malloc. */
struct piece {
    struct piece *next;
    size_t unused; // keeps what follows aligned
};
CHY_STATIC_ASSERT(sizeof(struct piece) % ALIGNMENT == 0, "what follows a piece is aligned");

struct chy_arena {
    uint8_t *room; // what is left of the piece in use; release builds only
    size_t room_len;
    size_t used;
    size_t max;
    size_t next_size;
    struct piece *pieces; // newest first
    struct deferred *deferred;
};

/* --- failing on purpose ---------------------------------------------------------------------- */

static atomic_long fail_countdown;
static atomic_bool fail_fired;

void chy_test_fail_alloc_at(long n)
{
    atomic_store(&fail_fired, false);
    atomic_store(&fail_countdown, n);
}

bool chy_test_fail_alloc_fired(void)
{
    return atomic_load(&fail_fired);
}

bool chy_test_alloc_fails(void)
{
    if (atomic_load_explicit(&fail_countdown, memory_order_relaxed) <= 0) {
        return false;
    }
    if (atomic_fetch_sub(&fail_countdown, 1) != 1) {
        return false;
    }
    atomic_store(&fail_fired, true);
    return true;
}

/* --- the ceiling ------------------------------------------------------------------------------ */

/* Counts `size` bytes.  0: they do not fit. */
static size_t count_in(struct chy_arena *arena, uint64_t size)
{
    size_t left = arena->max - arena->used;
    if (size > left) {
        return 0;
    }
    size_t rounded = size == 0 ? ALIGNMENT : ((size_t)size + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
    if (rounded > left) {
        return 0;
    }
    return rounded;
}

/* Keeps the rounding in count_in() from overflowing. */
static size_t usable_max(size_t max)
{
    return max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
}

#if CHY_ASAN

/* --- one malloc per object -------------------------------------------------------------------- */

struct chy_arena *chy_arena_new(size_t max)
{
    struct chy_arena *arena = chy_test_alloc_fails() ? NULL : calloc(1, sizeof *arena);
    if (arena == NULL) {
        return NULL;
    }
    arena->max = usable_max(max);
    return arena;
}

void *chy_arena_alloc(struct chy_arena *arena, uint64_t size)
{
    size_t rounded = count_in(arena, size);
    if (rounded == 0 || chy_test_alloc_fails()) {
        return NULL;
    }
    struct piece *piece = calloc(1, sizeof *piece + (size_t)size);
    if (piece == NULL) {
        return NULL;
    }
    arena->used += rounded;
    piece->next = arena->pieces;
    arena->pieces = piece;
    ASAN_POISON_MEMORY_REGION(piece, sizeof *piece);
    return piece + 1;
}

void chy_arena_free(struct chy_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    chy_arena_run_deferred(arena);
    while (arena->pieces != NULL) {
        struct piece *piece = arena->pieces;
        ASAN_UNPOISON_MEMORY_REGION(piece, sizeof *piece);
        arena->pieces = piece->next;
        free(piece);
    }
    free(arena);
}

#else

/* --- bumping through pieces ------------------------------------------------------------------- */

#define FIRST_SIZE ((size_t)16 << 10)
#define PIECE_SIZE_MAX ((size_t)256 << 10)
#define KEPT_MAX 2

/* The first pieces that this thread keeps for its next arenas. */
struct kept {
    void *pieces[KEPT_MAX];
    size_t count;
    bool is_registered; // the thread's end frees them
};

static _Thread_local struct kept kept;
static pthread_key_t kept_key;
static bool has_kept_key;
static pthread_once_t kept_once = PTHREAD_ONCE_INIT;

static void drop_kept(void *arg)
{
    struct kept *of_thread = arg;
    while (of_thread->count > 0) {
        free(of_thread->pieces[--of_thread->count]);
    }
    of_thread->is_registered = false;
}

static void make_kept_key(void)
{
    has_kept_key = pthread_key_create(&kept_key, drop_kept) == 0;
}

static void *take_first(void)
{
    return kept.count > 0 ? kept.pieces[--kept.count] : malloc(FIRST_SIZE);
}

static void keep_first(void *piece)
{
    if (!kept.is_registered) {
        (void)pthread_once(&kept_once, make_kept_key);
        kept.is_registered = has_kept_key && pthread_setspecific(kept_key, &kept) == 0;
    }
    if (!kept.is_registered || kept.count == KEPT_MAX) {
        free(piece);
        return;
    }
    kept.pieces[kept.count++] = piece;
}

/* The arena itself lies at the beginning of its first piece. */
#define ARENA_SIZE ((sizeof(struct chy_arena) + ALIGNMENT - 1) & ~(ALIGNMENT - 1))

struct chy_arena *chy_arena_new(size_t max)
{
    uint8_t *first = chy_test_alloc_fails() ? NULL : take_first();
    if (first == NULL) {
        return NULL;
    }
    struct chy_arena *arena = (struct chy_arena *)(void *)first;
    *arena = (struct chy_arena){
        .room = first + ARENA_SIZE,
        .room_len = FIRST_SIZE - ARENA_SIZE,
        .max = usable_max(max),
        .next_size = 2 * FIRST_SIZE,
    };
    return arena;
}

static struct piece *new_piece(struct chy_arena *arena, size_t size)
{
    struct piece *piece = malloc(sizeof *piece + size);
    if (piece == NULL) {
        return NULL;
    }
    piece->next = arena->pieces;
    arena->pieces = piece;
    return piece;
}

static void *take(struct chy_arena *arena, size_t rounded)
{
    uint8_t *object = arena->room;
    arena->room += rounded;
    arena->room_len -= rounded;
    arena->used += rounded;
    return memset(object, 0, rounded);
}

static void *take_from_new_piece(struct chy_arena *arena, size_t rounded)
{
    bool is_large = rounded > arena->next_size / 4;
    struct piece *piece = new_piece(arena, is_large ? rounded : arena->next_size);
    if (piece == NULL) {
        return NULL;
    }
    if (is_large) {
        // A piece of its own: the room in the present one is still good for small objects.
        arena->used += rounded;
        return memset(piece + 1, 0, rounded);
    }
    arena->room = (uint8_t *)(piece + 1);
    arena->room_len = arena->next_size;
    if (arena->next_size < PIECE_SIZE_MAX) {
        arena->next_size *= 2;
    }
    return take(arena, rounded);
}

void *chy_arena_alloc(struct chy_arena *arena, uint64_t size)
{
    size_t rounded = count_in(arena, size);
    if (rounded == 0 || chy_test_alloc_fails()) {
        return NULL;
    }
    return rounded <= arena->room_len ? take(arena, rounded) : take_from_new_piece(arena, rounded);
}

void chy_arena_free(struct chy_arena *arena)
{
    if (arena == NULL) {
        return;
    }
    chy_arena_run_deferred(arena);
    while (arena->pieces != NULL) {
        struct piece *piece = arena->pieces;
        arena->pieces = piece->next;
        free(piece);
    }
    keep_first(arena);
}

#endif

bool chy_arena_defer(struct chy_arena *arena, void (*fn)(void *arg), void *arg)
{
    struct deferred *deferred = chy_arena_alloc(arena, sizeof *deferred);
    if (deferred == NULL) {
        return false;
    }
    *deferred = (struct deferred){.next = arena->deferred, .fn = fn, .arg = arg};
    arena->deferred = deferred;
    return true;
}

void chy_arena_run_deferred(struct chy_arena *arena)
{
    while (arena->deferred != NULL) {
        struct deferred *deferred = arena->deferred;
        arena->deferred = deferred->next;
        deferred->fn(deferred->arg);
    }
}

size_t chy_arena_used(const struct chy_arena *arena)
{
    return arena->used;
}
