#include "base/secret.h"

#include "base/arena.h"
#include "base/sanitize.h"

#include "test_main.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define KIB ((size_t)1024)

static bool is_zero(const uint8_t *bytes, size_t len)
{
    size_t zeros = 0;
    while (zeros < len && bytes[zeros] == 0) {
        zeros++;
    }
    return zeros == len;
}

START_TEST(memory_is_zeroed_and_comes_back_zeroed)
{
    static const size_t sizes[] = {0, 1, 32, 4000, 16000, 16384, 50000};
    for (int round = 0; round < 3; round++) {
        struct chy_secret_arena *arena = chy_secret_arena_new(1 << 20);
        ck_assert_ptr_nonnull(arena);
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            uint8_t *bytes = chy_secret_arena_alloc(arena, sizes[i]);
            ck_assert_ptr_nonnull(bytes);
            ck_assert_uint_eq((uintptr_t)bytes % 16, 0);
            ck_assert(is_zero(bytes, sizes[i]));
            memset(bytes, 0xa5, sizes[i]);
        }
        chy_secret_arena_free(arena);
    }
    chy_secret_arena_free(NULL);
}
END_TEST

START_TEST(freed_pages_hold_nothing_of_the_secret)
{
#if CHY_ASAN
    return; // spare pages are poisoned: looking at them is what the sanitizer stops
#endif
    struct chy_secret_arena *arena = chy_secret_arena_new(4096);
    volatile uint8_t *secret = chy_secret_arena_alloc(arena, 100);
    for (int i = 0; i < 100; i++) {
        secret[i] = 0x5a;
    }
    chy_secret_arena_free(arena);
    for (int i = 0; i < 100; i++) {
        ck_assert_uint_eq(secret[i], 0); // the page is still mapped, and spare
    }
}
END_TEST

/* What the kernel says of the mapping that holds `address`; a line of VmFlags. */
static bool has_flag(const void *address, const char *flag)
{
    FILE *maps = fopen("/proc/self/smaps", "re");
    ck_assert_ptr_nonnull(maps);
    char line[512];
    bool inside = false;
    bool found = false;
    while (fgets(line, sizeof line, maps) != NULL) {
        char *end = NULL;
        unsigned long long first = strtoull(line, &end, 16);
        if (end != line && *end == '-') {
            unsigned long long last = strtoull(end + 1, NULL, 16);
            inside = (uintptr_t)address >= first && (uintptr_t)address < last;
        } else if (inside && strncmp(line, "VmFlags:", 8) == 0) {
            found = strstr(line, flag) != NULL;
        }
    }
    (void)fclose(maps);
    return found;
}

START_TEST(pages_are_locked_and_not_dumped)
{
    struct chy_secret_arena *arena = chy_secret_arena_new(1 << 20);
    void *small = chy_secret_arena_alloc(arena, 32);
    void *large = chy_secret_arena_alloc(arena, 100 * KIB);
    ck_assert(has_flag(small, " dd"));
    ck_assert(has_flag(large, " dd"));
    struct chy_secret_stats stats;
    chy_secret_stats(&stats);
    // The sanitizers' run-times make mlock() do nothing.
    if (stats.lock_failures == 0 && !CHY_ASAN && !CHY_TSAN) {
        ck_assert(has_flag(small, " lo"));
        ck_assert(has_flag(large, " lo"));
        ck_assert_uint_eq(stats.unlocked, 0);
    }
    chy_secret_arena_free(arena);
}
END_TEST

START_TEST(a_refused_lock_is_counted_and_tolerated)
{
    struct rlimit none = {0, 0};
    ck_assert_int_eq(setrlimit(RLIMIT_MEMLOCK, &none), 0);
    struct chy_secret_arena *arena = chy_secret_arena_new(1 << 20);
    ck_assert_ptr_nonnull(arena);
    uint8_t *bytes = chy_secret_arena_alloc(arena, 100 * KIB);
    ck_assert_ptr_nonnull(bytes);
    bytes[0] = 1;
    struct chy_secret_stats stats;
    chy_secret_stats(&stats);
    // Root, and CAP_IPC_LOCK, may lock whatever the limit says.
    ck_assert_uint_eq(stats.locked + stats.unlocked, stats.in_use + stats.spare);
    ck_assert((stats.lock_failures > 0) == (stats.unlocked > 0));
    chy_secret_arena_free(arena);
}
END_TEST

START_TEST(stats_follow_what_is_held)
{
    struct chy_secret_stats before;
    struct chy_secret_stats during;
    struct chy_secret_stats after;
    struct chy_secret_arena *first = chy_secret_arena_new(1 << 20);
    chy_secret_stats(&before);
    struct chy_secret_arena *arena = chy_secret_arena_new(1 << 20);
    ck_assert_ptr_nonnull(chy_secret_arena_alloc(arena, 100 * KIB));
    chy_secret_stats(&during);
    ck_assert_uint_ge(during.in_use, before.in_use + 116 * KIB);
    chy_secret_arena_free(arena);
    chy_secret_stats(&after);
    ck_assert_uint_eq(after.in_use, before.in_use);
    ck_assert_uint_eq(after.locked + after.unlocked, after.in_use + after.spare);
    chy_secret_arena_free(first);
}
END_TEST

START_TEST(ceilings_hold)
{
    struct chy_secret_arena *arena = chy_secret_arena_new(64);
    ck_assert_ptr_nonnull(chy_secret_arena_alloc(arena, 40));
    ck_assert_uint_eq(chy_secret_arena_used(arena), 48);
    ck_assert_ptr_null(chy_secret_arena_alloc(arena, 17));
    ck_assert_ptr_null(chy_secret_arena_alloc(arena, UINT64_MAX));
    ck_assert_ptr_nonnull(chy_secret_arena_alloc(arena, 16));
    ck_assert_ptr_null(chy_secret_arena_alloc(arena, 0));
    chy_secret_arena_free(arena);

    chy_secret_set_pool_max(128 * KIB);
    arena = chy_secret_arena_new(1 << 20);
    ck_assert_ptr_nonnull(arena);
    ck_assert_ptr_null(chy_secret_arena_alloc(arena, 128 * KIB));
    ck_assert_ptr_nonnull(chy_secret_arena_alloc(arena, 20 * KIB));
    struct chy_secret_arena *more[16];
    size_t count = 0;
    while (count < 16) {
        more[count] = chy_secret_arena_new(1024);
        if (more[count] == NULL) {
            break;
        }
        count++;
    }
    ck_assert_uint_gt(count, 0);
    ck_assert_uint_lt(count, 8);
    while (count > 0) {
        chy_secret_arena_free(more[--count]);
    }
    chy_secret_arena_free(arena);
}
END_TEST

START_TEST(allocations_fail_on_purpose)
{
    chy_test_fail_alloc_at(1);
    ck_assert_ptr_null(chy_secret_arena_new(1024));
    struct chy_secret_arena *arena = chy_secret_arena_new(1024);
    chy_test_fail_alloc_at(1);
    ck_assert_ptr_null(chy_secret_arena_alloc(arena, 8));
    ck_assert_ptr_nonnull(chy_secret_arena_alloc(arena, 8));
    chy_secret_arena_free(arena);
}
END_TEST

START_TEST(wiping_and_comparing)
{
    uint8_t bytes[40];
    memset(bytes, 7, sizeof bytes);
    chy_secret_wipe(bytes, 20);
    for (size_t i = 0; i < sizeof bytes; i++) {
        ck_assert_uint_eq(bytes[i], i < 20 ? 0 : 7);
    }
    chy_secret_wipe(NULL, 0);

    struct chy_slice none = {NULL, 0};
    ck_assert(chy_secret_equal(none, none));
    ck_assert(chy_secret_equal(chy_text("secret"), chy_text("secret")));
    ck_assert(!chy_secret_equal(chy_text("secret"), chy_text("secreT")));
    ck_assert(!chy_secret_equal(chy_text("Secret"), chy_text("secret")));
    ck_assert(!chy_secret_equal(chy_text("secret"), chy_text("secret1")));
    ck_assert(!chy_secret_equal(none, chy_text("s")));
}
END_TEST

static void *use_secrets(void *arg)
{
    (void)arg;
    for (int i = 0; i < 200; i++) {
        struct chy_secret_arena *arena = chy_secret_arena_new(1 << 20);
        ck_assert_ptr_nonnull(arena);
        size_t size = i % 10 == 0 ? 40 * KIB : 500;
        uint8_t *bytes = chy_secret_arena_alloc(arena, size);
        ck_assert_ptr_nonnull(bytes);
        ck_assert(is_zero(bytes, size));
        memset(bytes, 1 + i % 100, size);
        chy_secret_arena_free(arena);
    }
    return NULL;
}

START_TEST(threads_share_the_pool)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, use_secrets, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
}
END_TEST

TEST_MAIN("secret", TEST(memory_is_zeroed_and_comes_back_zeroed),
          TEST(freed_pages_hold_nothing_of_the_secret), TEST(pages_are_locked_and_not_dumped),
          TEST(a_refused_lock_is_counted_and_tolerated), TEST(stats_follow_what_is_held),
          TEST(ceilings_hold), TEST(allocations_fail_on_purpose), TEST(wiping_and_comparing),
          TEST(threads_share_the_pool))
