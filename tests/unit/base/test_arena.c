#include "base/arena.h"

#include "test_main.h"

#include <pthread.h>
#include <stdlib.h>

static bool is_zero(const uint8_t *bytes, size_t len)
{
    size_t zeros = 0;
    while (zeros < len && bytes[zeros] == 0) {
        zeros++;
    }
    return zeros == len;
}

START_TEST(memory_is_zeroed_aligned_and_apart)
{
    static const size_t sizes[] = {0, 1, 15, 16, 17, 4000, 16384, 20000, 300000, 3};
    struct chy_arena *arena = chy_arena_new(1 << 20);
    for (int round = 0; round < 2; round++) {
        // The second round gets the first one's memory back where pieces are kept.
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint8_t *bytes = chy_arena_alloc(arena, sizes[i]);
            ck_assert_ptr_nonnull(bytes);
            ck_assert_uint_eq((uintptr_t)bytes % _Alignof(max_align_t), 0);
            ck_assert(is_zero(bytes, sizes[i]));
            memset(bytes, 0xa5, sizes[i]);
        }
        chy_arena_free(arena);
        arena = chy_arena_new(1 << 20);
    }
    chy_arena_free(arena);
}
END_TEST

START_TEST(small_objects_keep_their_contents)
{
    enum {
        COUNT = 5000
    };
    struct chy_arena *arena = chy_arena_new(1 << 20);
    uint32_t **numbers = chy_arena_alloc(arena, COUNT * sizeof(uint32_t *));
    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = chy_arena_alloc(arena, sizeof(uint32_t));
        *numbers[i] = i;
    }
    uint32_t kept = 0;
    while (kept < COUNT && *numbers[kept] == kept) {
        kept++;
    }
    ck_assert_uint_eq(kept, COUNT);
    chy_arena_free(arena);
}
END_TEST

START_TEST(ceiling_counts_rounded_sizes)
{
    struct chy_arena *arena = chy_arena_new(64);
    ck_assert_ptr_nonnull(chy_arena_alloc(arena, 1));
    ck_assert_uint_eq(chy_arena_used(arena), 16);
    ck_assert_ptr_nonnull(chy_arena_alloc(arena, 0));
    ck_assert_uint_eq(chy_arena_used(arena), 32);
    ck_assert_ptr_null(chy_arena_alloc(arena, 33));
    ck_assert_ptr_nonnull(chy_arena_alloc(arena, 32));
    ck_assert_ptr_null(chy_arena_alloc(arena, 0));
    ck_assert_uint_eq(chy_arena_used(arena), 64);
    chy_arena_free(arena);
}
END_TEST

START_TEST(absurd_sizes_are_refused)
{
    struct chy_arena *arena = chy_arena_new(SIZE_MAX);
    ck_assert_ptr_null(chy_arena_alloc(arena, UINT64_MAX));
    ck_assert_ptr_null(chy_arena_alloc(arena, UINT64_MAX - 15));
    ck_assert_uint_eq(chy_arena_used(arena), 0);
    chy_arena_free(arena);
    arena = chy_arena_new(0);
    ck_assert_ptr_null(chy_arena_alloc(arena, 0));
    chy_arena_free(arena);
    chy_arena_free(NULL);
}
END_TEST

static int order[3];
static int order_count;

static void note(void *arg)
{
    order[order_count++] = *(int *)arg;
}

START_TEST(deferred_runs_once_newest_first_before_memory_goes)
{
    struct chy_arena *arena = chy_arena_new(4096);
    for (int i = 0; i < 3; i++) {
        int *number = chy_arena_alloc(arena, sizeof *number);
        *number = i;
        ck_assert(chy_arena_defer(arena, note, number));
    }
    chy_arena_run_deferred(arena);
    ck_assert_int_eq(order_count, 3);
    chy_arena_free(arena);
    ck_assert_int_eq(order_count, 3);
    ck_assert_int_eq(order[0], 2);
    ck_assert_int_eq(order[2], 0);
}
END_TEST

START_TEST(defer_fails_without_room)
{
    int number = 7;
    struct chy_arena *arena = chy_arena_new(8);
    ck_assert(!chy_arena_defer(arena, note, &number));
    chy_arena_free(arena);
    ck_assert_int_eq(order_count, 0);
}
END_TEST

START_TEST(nth_allocation_fails_once)
{
    struct chy_arena *arena = chy_arena_new(4096);
    chy_test_fail_alloc_at(2);
    ck_assert_ptr_nonnull(chy_arena_alloc(arena, 8));
    ck_assert(!chy_test_fail_alloc_fired());
    ck_assert_ptr_null(chy_arena_alloc(arena, 8));
    ck_assert(chy_test_fail_alloc_fired());
    ck_assert_ptr_nonnull(chy_arena_alloc(arena, 8));
    chy_test_fail_alloc_at(1);
    ck_assert_ptr_null(chy_arena_new(4096));
    chy_test_fail_alloc_at(0);
    chy_arena_free(arena);
}
END_TEST

static void *use_arenas(void *arg)
{
    (void)arg;
    struct chy_arena *arenas[4];
    for (int i = 0; i < 4; i++) {
        arenas[i] = chy_arena_new(1 << 16);
        ck_assert_ptr_nonnull(chy_arena_alloc(arenas[i], 1000));
    }
    for (int i = 0; i < 3; i++) {
        chy_arena_free(arenas[i]);
    }
    return arenas[3];
}

START_TEST(an_arena_may_end_on_another_thread)
{
    for (int i = 0; i < 8; i++) {
        pthread_t thread;
        void *left = NULL;
        ck_assert_int_eq(pthread_create(&thread, NULL, use_arenas, NULL), 0);
        ck_assert_int_eq(pthread_join(thread, &left), 0);
        chy_arena_free(left);
    }
}
END_TEST

TEST_MAIN("arena", TEST(memory_is_zeroed_aligned_and_apart),
          TEST(small_objects_keep_their_contents), TEST(ceiling_counts_rounded_sizes),
          TEST(absurd_sizes_are_refused), TEST(deferred_runs_once_newest_first_before_memory_goes),
          TEST(defer_fails_without_room), TEST(nth_allocation_fails_once),
          TEST(an_arena_may_end_on_another_thread))
