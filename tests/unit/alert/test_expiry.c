#include "alert/expiry.h"

#include "alert/alert.h"
#include "base/time.h"
#include "test_main.h"

static const struct before_case {
    const char *text;
    int64_t days; /**< 0: it is none */
} before_cases[] = {
    {"1d", 1},     {"30d", 30},       {"4w", 28}, {"2m", 60},
    {"1y", 365},   {"100y", 36500},   {"0d", 0},  {"d", 0},
    {"", 0},       {"1", 0},          {"1h", 0},  {"-1d", 0},
    {"1.5d", 0},   {" 1d", 0},        {"1D", 0},  {"99999999999999999999d", 0},
    {"36501d", 0}, {"36500y", 36500},
};

START_TEST(times_before_the_end_are_read)
{
    const struct before_case *c = &before_cases[_i];
    int64_t before = 0;
    bool is_one = chy_alert_before_parse(chy_text(c->text), &before);
    ck_assert_msg(is_one == (c->days != 0), "%s", c->text);
    ck_assert_msg(before == c->days * CHY_US_PER_DAY, "%s: %lld", c->text, (long long)before);
}
END_TEST

START_TEST(an_alert_looks_in_time)
{
    ck_assert_int_eq(chy_alert_expiry_period(30 * CHY_US_PER_DAY), CHY_US_PER_DAY);
    ck_assert_int_eq(chy_alert_expiry_period(7 * CHY_US_PER_DAY), CHY_US_PER_DAY);
    ck_assert_int_eq(chy_alert_expiry_period(CHY_US_PER_DAY), CHY_US_PER_DAY / 7);
    ck_assert_int_eq(chy_alert_expiry_period(CHY_US_PER_HOUR), CHY_US_PER_HOUR);
}
END_TEST

TEST_MAIN("alert expiry", TEST_EACH(times_before_the_end_are_read, before_cases),
          TEST(an_alert_looks_in_time))
