#include "ready_pool.h"

#include "provider_fixture.h"
#include "test_main.h"

#include "base/op.h"

#include <unistd.h>

#define SECOND INT64_C(1000000)

static struct chy_op *op;
static struct chy_provider *provider;

static void begin(uint32_t target)
{
    op = test_op_new();
    provider = provider_new(op, (struct provider_options){.ready_2048 = target});
}

static void end(void)
{
    provider_free(provider);
    test_op_free(op);
}

/** offer puts `count` keys onto the shelf: copies of one, which the shelf cannot know. */
static void offer(size_t count)
{
    struct chy_key *key = key_of(provider, CHY_KEY_RSA_2048);
    for (size_t i = 0; i < count; i++) {
        struct chy_key *copy = NULL;
        ck_assert_int_eq(chy_key_import(provider, key->algorithm, 0, key->secret, true, &copy), 0);
        chy_ready_offer(&provider->ready, copy);
    }
    chy_key_free(key);
}

/** take tells whether `requester` got a key at `now`. */
static bool take(const char *requester, int64_t now)
{
    struct chy_key *key =
        chy_ready_take(&provider->ready, CHY_KEY_RSA_2048, chy_text(requester), now);
    chy_key_free(key);
    return key != NULL;
}

/** taken counts the keys that `requester` gets in a row at `now`. */
static size_t taken(const char *requester, int64_t now)
{
    size_t count = 0;
    while (take(requester, now)) {
        count++;
    }
    return count;
}

static struct chy_ready_counts counted(void)
{
    struct chy_ready_counts counts;
    chy_ready_count(&provider->ready, &counts);
    return counts;
}

START_TEST(the_shelf_holds_its_target_and_no_more)
{
    begin(3);
    ck_assert_uint_eq(counted().target, 3);
    offer(5);
    ck_assert_uint_eq(counted().keys, 3);
    // Keys on the shelf are bytes, not objects.
    ck_assert_uint_eq(atomic_load(&provider->objects_open), 0);
    const uint32_t fewer[CHY_READY_SHELVES] = {1, 0, 0};
    chy_ready_configure(&provider->ready, fewer, 1);
    ck_assert_uint_eq(counted().keys, 1);
    end();
}
END_TEST

START_TEST(one_who_is_alone_gets_all)
{
    begin(6);
    offer(6);
    ck_assert_uint_eq(taken("alone", SECOND), 6);
    ck_assert_uint_eq(counted().hits, 6);
    ck_assert_uint_eq(counted().misses, 1);
    ck_assert_uint_eq(counted().keys, 0);
    end();
}
END_TEST

START_TEST(nobody_takes_the_share_of_another)
{
    begin(8);
    offer(8);
    ck_assert(take("modest", SECOND));
    // Two are here, each with a share of four; the modest one keeps three.
    ck_assert_uint_eq(taken("greedy", SECOND), 4);
    ck_assert_uint_eq(counted().keys, 3);
    ck_assert_uint_eq(taken("modest", 2 * SECOND), 3);
    end();
}
END_TEST

START_TEST(what_nobody_needs_is_for_whoever_comes)
{
    begin(8);
    offer(8);
    ck_assert_uint_eq(taken("first", SECOND), 8);
    offer(8);
    ck_assert(take("second", SECOND));
    ck_assert_uint_eq(taken("first", SECOND), 4);
    // The first has left: its share is nobody's.
    ck_assert_uint_eq(taken("second", SECOND + CHY_READY_WINDOW_US), 3);
    end();
}
END_TEST

START_TEST(a_share_comes_back_with_time)
{
    begin(4);
    offer(4);
    ck_assert(take("one", SECOND));
    ck_assert(take("other", SECOND));
    ck_assert(take("one", SECOND));
    ck_assert(!take("one", SECOND));
    ck_assert(take("other", 2 * SECOND));
    offer(4);
    ck_assert_uint_eq(counted().keys, 4);
    // In a new window each has its two again.
    int64_t later = SECOND + CHY_READY_WINDOW_US;
    ck_assert(take("other", later));
    ck_assert_uint_eq(taken("one", later), 2);
    ck_assert(take("other", later));
    end();
}
END_TEST

START_TEST(many_askers_do_not_overflow_the_table)
{
    begin(2);
    offer(2);
    char name[32];
    for (int i = 0; i < 4 * CHY_READY_ASKERS; i++) {
        (void)snprintf(name, sizeof name, "asker %d", i);
        (void)take(name, SECOND + i);
    }
    ck_assert_uint_le(counted().hits, 2);
    end();
}
END_TEST

START_TEST(other_algorithms_have_no_shelf)
{
    begin(2);
    offer(2);
    ck_assert_ptr_null(chy_ready_take(&provider->ready, CHY_KEY_EC_P256, chy_text("one"), SECOND));
    ck_assert_ptr_null(chy_ready_take(&provider->ready, CHY_KEY_RSA_3072, chy_text("one"), SECOND));
    end();
}
END_TEST

/** wait_for_keys gives the threads time to make `count` keys. */
static bool wait_for_keys(uint64_t count)
{
    for (int i = 0; i < 600 && counted().keys < count; i++) {
        (void)usleep(50000);
    }
    return counted().keys == count;
}

START_TEST(threads_fill_the_shelf_and_fill_it_again)
{
    begin(2);
    ck_assert(chy_ready_start(&provider->ready, 2));
    ck_assert(wait_for_keys(2));
    ck_assert(take("one", SECOND));
    ck_assert(wait_for_keys(2));
    chy_ready_stop(&provider->ready);
    end();
}
END_TEST

START_TEST(filling_pauses_under_load_and_when_told)
{
    begin(2);
    const uint32_t targets[CHY_READY_SHELVES] = {2, 0, 0};
    chy_ready_configure(&provider->ready, targets, 1);
    atomic_store(&provider->operations, UINT64_C(1) << 40);
    ck_assert(chy_ready_start(&provider->ready, 1));
    // A moment later no operation was added: it is quiet, and filling begins.
    ck_assert(wait_for_keys(2));
    chy_ready_pause(&provider->ready);
    ck_assert(take("one", SECOND));
    (void)usleep(300000);
    ck_assert_uint_eq(counted().keys, 1);
    chy_ready_stop(&provider->ready);
    end();
}
END_TEST

TEST_MAIN("wolfssl ready pool", TEST(the_shelf_holds_its_target_and_no_more),
          TEST(one_who_is_alone_gets_all), TEST(nobody_takes_the_share_of_another),
          TEST(what_nobody_needs_is_for_whoever_comes), TEST(a_share_comes_back_with_time),
          TEST(many_askers_do_not_overflow_the_table), TEST(other_algorithms_have_no_shelf),
          TEST(threads_fill_the_shelf_and_fill_it_again),
          TEST(filling_pauses_under_load_and_when_told))
