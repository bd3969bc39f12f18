#include "base/time.h"

#include "test_main.h"

#define SECOND CHY_US_PER_SECOND
#define DAY CHY_US_PER_DAY

static const struct {
    const char *text;
    int64_t duration; // 0: refused
} request_cases[] = {
    {"1y", 365 * DAY},
    {"90d", 90 * DAY},
    {"12h", 12 * CHY_US_PER_HOUR},
    {"7776000s", 90 * DAY},
    {"2w", 14 * DAY},
    {"2m", 2 * CHY_US_PER_MINUTE},
    {"500ms", 500 * CHY_US_PER_MS},
    {"1ms", CHY_US_PER_MS},
    {"1.5h", 90 * CHY_US_PER_MINUTE},
    {".5d", 12 * CHY_US_PER_HOUR},
    {"0.25y", 365 * DAY / 4},
    {"0.001ms", 1},
    {"1 d", DAY},
    {"1  day", DAY},
    {"10 DAYS", 10 * DAY},
    {"1Y", 365 * DAY},
    {"3 milliseconds", 3 * CHY_US_PER_MS},
    {"1 millisecond", CHY_US_PER_MS},
    {"1msec", CHY_US_PER_MS},
    {"2msecs", 2 * CHY_US_PER_MS},
    {"1sec", SECOND},
    {"2secs", 2 * SECOND},
    {"1second", SECOND},
    {"2seconds", 2 * SECOND},
    {"1min", 60 * SECOND},
    {"2mins", 120 * SECOND},
    {"1minute", 60 * SECOND},
    {"2minutes", 120 * SECOND},
    {"1hr", 3600 * SECOND},
    {"2hrs", 7200 * SECOND},
    {"1hour", 3600 * SECOND},
    {"2hours", 7200 * SECOND},
    {"1week", 7 * DAY},
    {"2weeks", 14 * DAY},
    {"1yr", 365 * DAY},
    {"2yrs", 730 * DAY},
    {"1year", 365 * DAY},
    {"2years", 730 * DAY},
    {"100y", 36500 * DAY},
    {"36500d", 36500 * DAY},
    {"00000000000000000000000000001y", 365 * DAY},
    {"101y", 0},
    {"36501d", 0},
    {"100.0001y", 0},
    {"0d", 0},
    {"0.0s", 0},
    {"0.0001ms", 0},
    {"-1d", 0},
    {"+1d", 0},
    {"1", 0},
    {"", 0},
    {"d", 0},
    {".d", 0},
    {"1.d", 0},
    {"1..5d", 0},
    {"1.5.5d", 0},
    {"1,5d", 0},
    {" 1d", 0},
    {"1d ", 0},
    {"1d1h", 0},
    {"1mo", 0},
    {"1 month", 0},
    {"1day s", 0},
    {"1\td", 0},
    {"1e3s", 0},
    {"0x1s", 0},
    {"Infinityd", 0},
    {"99999999999999999999999y", 0},
    {"18446744073709551617s", 0},
    {"1.00000000000000000000000000000d", DAY}, // 32 characters
    {"1.000000000000000000000000000000d", 0},  // 33
};

START_TEST(reads_requests)
{
    int64_t expected = request_cases[_i].duration;
    int64_t duration = 77;
    bool ok = chy_duration_parse_request(chy_text(request_cases[_i].text), &duration);
    ck_assert_msg(ok == (expected != 0), "'%s'", request_cases[_i].text);
    ck_assert_int_eq(duration, ok ? expected : 77);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    int64_t duration;
} policy_cases[] = {
    {"90d", true, 90 * DAY},
    {"24h", true, DAY},
    {"12m", true, 360 * DAY},
    {"1y", true, 365 * DAY},
    {"0d", true, 0},
    {"1000y", true, 365000 * DAY},
    {"1s", false, 0},
    {"1w", false, 0},
    {"1D", false, 0},
    {"1 d", false, 0},
    {"1.5d", false, 0},
    {"-1d", false, 0},
    {"d", false, 0},
    {"1", false, 0},
    {"", false, 0},
    {"1d ", false, 0},
    {"99999999999999999999y", false, 0},
    {"300000y", false, 0},
};

START_TEST(reads_policies)
{
    int64_t duration = 77;
    bool ok = chy_duration_parse_policy(chy_text(policy_cases[_i].text), &duration);
    ck_assert_msg(ok == policy_cases[_i].ok, "'%s'", policy_cases[_i].text);
    ck_assert_int_eq(duration, ok ? policy_cases[_i].duration : 77);
}
END_TEST

static const struct {
    const char *text;
    int64_t duration; // -1: refused
    const char *written;
} config_cases[] = {
    {"250ms", 250 * CHY_US_PER_MS, "250ms"},
    {"30s", 30 * SECOND, "30s"},
    {"5m", 300 * SECOND, "5m"},
    {"12h", 43200 * SECOND, "12h"},
    {"7d", 7 * DAY, "7d"},
    {"0s", 0, "0ms"},
    {"0d", 0, "0ms"},
    {"1500ms", 1500 * CHY_US_PER_MS, "1500ms"},
    {"90s", 90 * SECOND, "90s"},
    {"120s", 120 * SECOND, "2m"},
    {"48h", 2 * DAY, "2d"},
    {"5", -1, NULL},
    {"5 m", -1, NULL},
    {"5M", -1, NULL},
    {"1w", -1, NULL},
    {"1y", -1, NULL},
    {"1.5h", -1, NULL},
    {"-5s", -1, NULL},
    {"s", -1, NULL},
    {"", -1, NULL},
    {"99999999999999999999d", -1, NULL},
};

START_TEST(reads_and_writes_configuration)
{
    int64_t duration = 77;
    bool ok = chy_duration_parse_config(chy_text(config_cases[_i].text), &duration);
    ck_assert_msg(ok == (config_cases[_i].duration >= 0), "'%s'", config_cases[_i].text);
    ck_assert_int_eq(duration, ok ? config_cases[_i].duration : 77);
    if (ok) {
        char text[CHY_DURATION_TEXT_SIZE];
        chy_duration_format(duration, text);
        ck_assert_str_eq(text, config_cases[_i].written);
    }
}
END_TEST

START_TEST(writes_any_duration)
{
    char text[CHY_DURATION_TEXT_SIZE];
    chy_duration_format(INT64_MAX, text);
    ck_assert_str_eq(text, "9223372036854775ms");
    chy_duration_format(INT64_MIN, text);
    ck_assert_str_eq(text, "-9223372036854775ms");
    chy_duration_format(999, text);
    ck_assert_str_eq(text, "0ms");
}
END_TEST

START_TEST(stored_counts_do_not_overflow)
{
    ck_assert_int_eq(chy_duration_of(7, CHY_US_PER_DAY), 7 * CHY_US_PER_DAY);
    ck_assert_int_eq(chy_duration_of(-7, CHY_US_PER_SECOND), -7 * CHY_US_PER_SECOND);
    ck_assert_int_eq(chy_duration_of(INT64_MAX, CHY_US_PER_SECOND), CHY_DURATION_MAX);
    ck_assert_int_eq(chy_duration_of(INT64_MIN, CHY_US_PER_DAY), -CHY_DURATION_MAX);
}
END_TEST

TEST_MAIN("duration", TEST_EACH(reads_requests, request_cases),
          TEST_EACH(reads_policies, policy_cases),
          TEST_EACH(reads_and_writes_configuration, config_cases), TEST(writes_any_duration),
          TEST(stored_counts_do_not_overflow))
