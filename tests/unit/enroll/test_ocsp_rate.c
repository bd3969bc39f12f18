#include "enroll/ocsp_rate.h"

#include "base/time.h"
#include "test_main.h"

static const struct chy_uuid one = {{1}};
static const struct chy_uuid other = {{2}};

static struct chy_ocsp_rate rate;

/** A moment that is not zero, as the monotonic clock's. */
static const int64_t start = 1000 * CHY_US_PER_SECOND;

static void begin(void)
{
    memset(&rate, 0, sizeof rate);
    chy_ocsp_rate_init(&rate);
}

/** take_all takes until nothing is left; how many there were. */
static int64_t take_all(const struct chy_uuid *project_id, int64_t now, int64_t per_second)
{
    int64_t count = 0;
    while (chy_ocsp_rate_take(&rate, project_id, now, per_second)) {
        count++;
    }
    return count;
}

START_TEST(a_lone_project_has_all_of_it)
{
    begin();
    int64_t taken = take_all(&one, start, 100);
    ck_assert_int_ge(taken, 100);
    ck_assert_int_le(taken, 150);
    taken = 0;
    for (int i = 1; i <= 100; i++) { // ten seconds
        taken += take_all(&one, start + i * CHY_US_PER_SECOND / 10, 100);
    }
    ck_assert_int_ge(taken, 990);
    ck_assert_int_le(taken, 1010);
    chy_ocsp_rate_fini(&rate);
}
END_TEST

START_TEST(a_flood_leaves_others_their_share)
{
    begin();
    int64_t flood = 0;
    int64_t refused = 0;
    for (int i = 0; i < 1000; i++) { // ten seconds
        int64_t now = start + i * CHY_US_PER_SECOND / 100;
        flood += take_all(&one, now, 100);
        // Every 40 ms, which is less than a third of the rate.
        refused += i % 4 == 0 && !chy_ocsp_rate_take(&rate, &other, now, 100);
    }
    ck_assert_int_eq(refused, 0);
    ck_assert_int_ge(flood, 700); // what the other leaves
    ck_assert_int_le(flood + 250, 1150);
    chy_ocsp_rate_fini(&rate);
}
END_TEST

START_TEST(many_floods_stay_within_the_rate)
{
    begin();
    int64_t taken = 0;
    int64_t least = INT64_MAX;
    int64_t own[20] = {0};
    for (int i = 0; i < 1000; i++) {
        for (uint8_t p = 0; p < 20; p++) {
            struct chy_uuid id = {{p, 9}};
            own[p] += take_all(&id, start + i * CHY_US_PER_SECOND / 100, 1000);
        }
    }
    for (int p = 0; p < 20; p++) {
        taken += own[p];
        least = own[p] < least ? own[p] : least;
    }
    ck_assert_int_le(taken, 11500);
    ck_assert_int_ge(taken, 9990);
    ck_assert_int_ge(least, 400); // of some 476 that are each one's
    chy_ocsp_rate_fini(&rate);
}
END_TEST

START_TEST(the_lowest_rate_signs)
{
    begin();
    ck_assert(chy_ocsp_rate_take(&rate, &one, start, 1));
    ck_assert(!chy_ocsp_rate_take(&rate, &one, start, 1));
    ck_assert(chy_ocsp_rate_take(&rate, &one, start + CHY_US_PER_SECOND, 1));
    chy_ocsp_rate_fini(&rate);
}
END_TEST

TEST_MAIN("enroll/ocsp_rate", TEST(a_lone_project_has_all_of_it),
          TEST(a_flood_leaves_others_their_share), TEST(many_floods_stay_within_the_rate),
          TEST(the_lowest_rate_signs))
