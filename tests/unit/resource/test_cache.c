#include "resource/cache.h"

#include "resource/collections.h"
#include "test_main.h"
#include "test_runtime.h"

#include <stdlib.h>

/* What the cache holds here: the number of its load. */
struct thing {
    struct chy_cached cached; /**< first member */
    int number;
};

static int loads;
static int frees;
static chy_status load_answer;
static struct chy_runtime *bumped_while_loading;

static void free_thing(struct chy_cached *cached)
{
    frees++;
    free(cached);
}

static void bump(struct chy_runtime *runtime, struct chy_op *op)
{
    struct chy_batch batch;
    chy_batch_init(&batch, op, 0);
    struct chy_write *write =
        chy_batch_upsert(&batch, CHY_C_SETTINGS, CHY_KEY(chy_value_text(chy_text("any"))));
    chy_write_set(write, CHY_SETTING_NUMBER, chy_value_int(loads));
    chy_runtime_bump(&batch);
    ck_assert_int_eq(chy_runtime_commit(runtime, &batch, NULL), CHY_OK);
}

static chy_status load_thing(struct chy_runtime *runtime, struct chy_op *op, struct chy_slice key,
                             struct chy_cached **out_cached)
{
    (void)runtime;
    (void)key;
    loads++;
    if (load_answer != CHY_OK) {
        return chy_fail(op, load_answer, 0, "not today");
    }
    if (bumped_while_loading != NULL) {
        bump(bumped_while_loading, op);
        bumped_while_loading = NULL;
    }
    struct thing *thing = calloc(1, sizeof *thing);
    ck_assert_ptr_nonnull(thing);
    chy_cached_init(&thing->cached, free_thing);
    thing->number = loads;
    *out_cached = &thing->cached;
    return CHY_OK;
}

/** number_of gives the number of the load that the object of `key` came from. */
static int number_of(struct test_runtime *test, enum chy_cache_kind kind, const char *key)
{
    const struct chy_cached *cached;
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(
        chy_cache_get(test_runtime_of(test)->cache, op, kind, chy_text(key), load_thing, &cached),
        CHY_OK);
    int number = ((const struct thing *)cached)->number;
    test_runtime_op_end(op);
    return number;
}

static int get(struct test_runtime *test)
{
    return number_of(test, CHY_CACHE_PROFILE, "key");
}

static void bump_on(struct test_runtime *test)
{
    struct chy_op *op = test_runtime_op(test);
    bump(test_runtime_of(test), op);
    test_runtime_op_end(op);
}

START_TEST(an_object_is_loaded_once)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    ck_assert_int_eq(get(test), 1);
    ck_assert_int_eq(get(test), 1);
    chy_clock_manual_advance(test_runtime_clock(test), 10 * CHY_CACHE_FRESH);
    ck_assert_int_eq(get(test), 1); // polled again: nothing has changed
    ck_assert_int_eq(frees, 0);
    test_runtime_free(test);
    ck_assert_int_eq(frees, 1);
}
END_TEST

START_TEST(kinds_and_keys_are_apart)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    ck_assert_int_eq(number_of(test, CHY_CACHE_PROFILE, "a"), 1);
    ck_assert_int_eq(number_of(test, CHY_CACHE_PROFILE, "b"), 2);
    ck_assert_int_eq(number_of(test, CHY_CACHE_ISSUER, "a"), 3);
    ck_assert_int_eq(number_of(test, CHY_CACHE_PROFILE, "a"), 1);
    test_runtime_free(test);
}
END_TEST

START_TEST(a_node_sees_its_own_change_at_once)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    ck_assert_int_eq(get(test), 1);
    bump_on(test);
    ck_assert_int_eq(get(test), 2);
    ck_assert_int_eq(get(test), 2);
    test_runtime_free(test);
}
END_TEST

START_TEST(another_node_sees_a_change_within_a_second)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct test_runtime *beside = test_runtime_beside(test);
    ck_assert_int_eq(get(beside), 1);
    bump_on(test);
    chy_clock_manual_advance(test_runtime_clock(test), CHY_CACHE_FRESH - 1);
    ck_assert_int_eq(get(beside), 1); // its poll is still fresh
    chy_clock_manual_advance(test_runtime_clock(test), 1);
    ck_assert_int_eq(get(beside), 2);
    test_runtime_free(beside);
    test_runtime_free(test);
}
END_TEST

START_TEST(what_was_loaded_before_a_change_is_not_kept)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    bumped_while_loading = test_runtime_of(test);
    ck_assert_int_eq(get(test), 1); // this caller began before the change
    ck_assert_int_eq(get(test), 2);
    test_runtime_free(test);
}
END_TEST

START_TEST(a_failure_is_not_remembered)
{
    const struct chy_cached *cached = NULL;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_op *op = test_runtime_op(test);
    load_answer = CHY_NOT_FOUND;
    ck_assert_int_eq(chy_cache_get(test_runtime_of(test)->cache, op, CHY_CACHE_PROFILE,
                                   chy_text("key"), load_thing, &cached),
                     CHY_NOT_FOUND);
    ck_assert_ptr_null(cached);
    load_answer = CHY_OK;
    ck_assert_int_eq(get(test), 2);
    test_runtime_op_end(op);
    test_runtime_free(test);
}
END_TEST

START_TEST(an_object_outlives_its_entry_as_long_as_it_is_used)
{
    const struct chy_cached *cached;
    struct test_runtime *test = test_runtime_new(NULL, 0);
    struct chy_op *op = test_runtime_op(test);
    ck_assert_int_eq(chy_cache_get(test_runtime_of(test)->cache, op, CHY_CACHE_PROFILE,
                                   chy_text("key"), load_thing, &cached),
                     CHY_OK);
    bump_on(test);
    ck_assert_int_eq(get(test), 2);
    ck_assert_int_eq(frees, 0);
    ck_assert_int_eq(((const struct thing *)cached)->number, 1);
    test_runtime_op_end(op);
    ck_assert_int_eq(frees, 1);
    test_runtime_free(test);
}
END_TEST

START_TEST(at_its_limit_the_cache_starts_anew)
{
    struct test_runtime *test = test_runtime_new(NULL, 0);
    char key[32];
    for (uint32_t i = 0; i <= CHY_CACHE_ENTRIES_MAX; i++) {
        (void)snprintf(key, sizeof key, "key-%u", i);
        ck_assert_int_eq(number_of(test, CHY_CACHE_PROFILE, key), (int)i + 1);
    }
    ck_assert_int_eq(frees, (int)CHY_CACHE_ENTRIES_MAX);
    ck_assert_int_eq(number_of(test, CHY_CACHE_PROFILE, key), (int)CHY_CACHE_ENTRIES_MAX + 1);
    test_runtime_free(test);
}
END_TEST

TEST_MAIN("resource cache", TEST(an_object_is_loaded_once), TEST(kinds_and_keys_are_apart),
          TEST(a_node_sees_its_own_change_at_once),
          TEST(another_node_sees_a_change_within_a_second),
          TEST(what_was_loaded_before_a_change_is_not_kept), TEST(a_failure_is_not_remembered),
          TEST(an_object_outlives_its_entry_as_long_as_it_is_used),
          TEST(at_its_limit_the_cache_starts_anew))
