#include "base/auto.h"

#include "test_main.h"

#include <stdbool.h>

static int freed;

static void thing_free(int *thing)
{
    if (thing != NULL) {
        freed++;
    }
}
CHY_DEFINE_AUTO(int, thing_free);

struct place {
    bool is_used;
};

static void place_fini(struct place *place)
{
    if (place->is_used) {
        freed++;
    }
}
CHY_DEFINE_AUTO_FINI(struct place, place_fini);

static int *make(int *thing, bool succeeds)
{
    CHY_AUTO(thing_free) int *guarded = thing;
    if (!succeeds) {
        return NULL;
    }
    return CHY_TAKE(guarded);
}

START_TEST(scope_frees_what_is_not_taken)
{
    int thing = 1;
    ck_assert_ptr_null(make(&thing, false));
    ck_assert_int_eq(freed, 1);
    ck_assert_ptr_eq(make(&thing, true), &thing);
    ck_assert_int_eq(freed, 1);
    ck_assert_ptr_null(make(NULL, true));
    ck_assert_int_eq(freed, 1);
}
END_TEST

START_TEST(scope_ends_values)
{
    {
        CHY_AUTO(place_fini) struct place unused = {false};
        CHY_AUTO(place_fini) struct place used = {true};
        ck_assert(used.is_used && !unused.is_used);
    }
    ck_assert_int_eq(freed, 1);
}
END_TEST

TEST_MAIN("auto", TEST(scope_frees_what_is_not_taken), TEST(scope_ends_values))
