#include "base/clock.h"

#include "base/time.h"

#include "test_main.h"

START_TEST(the_real_clock_runs)
{
    const struct chy_clock *clock = chy_clock_real();
    int64_t first = chy_clock_monotonic(clock);
    int64_t second = chy_clock_monotonic(clock);
    ck_assert_int_gt(first, 0);
    ck_assert_int_ge(second, first);
    int64_t start_of_2024 = 0;
    ck_assert(chy_time_parse(chy_text("2024"), &start_of_2024));
    ck_assert_int_gt(chy_clock_now(clock), start_of_2024);
}
END_TEST

START_TEST(the_manual_clock_stands_until_moved)
{
    struct chy_clock_manual manual;
    chy_clock_manual_init(&manual, 1000);
    ck_assert_int_eq(chy_clock_now(&manual.clock), 1000);
    int64_t before = chy_clock_monotonic(&manual.clock);
    ck_assert_int_eq(chy_clock_monotonic(&manual.clock), before);
    chy_clock_manual_advance(&manual, 50);
    ck_assert_int_eq(chy_clock_now(&manual.clock), 1050);
    ck_assert_int_eq(chy_clock_monotonic(&manual.clock), before + 50);
    chy_clock_manual_set(&manual, 7);
    ck_assert_int_eq(chy_clock_now(&manual.clock), 7);
    ck_assert_int_eq(chy_clock_monotonic(&manual.clock), before + 50);
}
END_TEST

TEST_MAIN("clock", TEST(the_real_clock_runs), TEST(the_manual_clock_stands_until_moved))
