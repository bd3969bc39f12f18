#include "alert/delivery.h"

#include "base/time.h"
#include "test_main.h"

START_TEST(waiting_doubles_from_ten_seconds_to_an_hour)
{
    const int64_t middle = 500; // neither more nor less
    ck_assert_int_eq(chy_alert_back_off(1, middle), 10 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_alert_back_off(2, middle), 20 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_alert_back_off(5, middle), 160 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_alert_back_off(10, middle), CHY_US_PER_HOUR);
    ck_assert_int_eq(chy_alert_back_off(INT64_MAX, middle), CHY_US_PER_HOUR);
    ck_assert_int_eq(chy_alert_back_off(0, middle), 10 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_alert_back_off(-1, middle), 10 * CHY_US_PER_SECOND);
}
END_TEST

START_TEST(noise_moves_it_by_a_fifth_at_most)
{
    int64_t least = INT64_MAX;
    int64_t most = 0;
    for (uint32_t noise = 0; noise < 5000; noise++) {
        int64_t wait = chy_alert_back_off(3, noise);
        least = wait < least ? wait : least;
        most = wait > most ? wait : most;
    }
    ck_assert_int_eq(least, 32 * CHY_US_PER_SECOND);
    ck_assert_int_gt(most, 47 * CHY_US_PER_SECOND);
    ck_assert_int_le(most, 48 * CHY_US_PER_SECOND);
    ck_assert_int_gt(chy_alert_back_off(1, UINT32_MAX), 0);
}
END_TEST

TEST_MAIN("alert delivery", TEST(waiting_doubles_from_ten_seconds_to_an_hour),
          TEST(noise_moves_it_by_a_fifth_at_most))
