#include "base/time.h"

#include "base/arena.h"

#include "test_main.h"
#include "test_op.h"

#include <time.h>

START_TEST(days_count_up_one_by_one)
{
    int64_t expected = 0;
    ck_assert(chy_date_to_days(1, 1, 1, &expected));
    ck_assert_int_eq(expected, -719162);
    for (int32_t year = 1; year <= 9999; year++) {
        for (int32_t month = 1; month <= 12; month++) {
            int64_t days;
            for (int32_t day = 1; chy_date_to_days(year, month, day, &days); day++) {
                struct chy_civil civil;
                chy_time_to_civil(days * CHY_US_PER_DAY + CHY_US_PER_DAY - 1, &civil);
                // An assertion of Check for each of three million days would take a minute.
                if (days != expected || civil.year != year || civil.month != month ||
                    civil.day != day || civil.hour != 23 || civil.minute != 59 ||
                    civil.second != 59 || civil.microsecond != 999999) {
                    ck_abort_msg("%d-%d-%d", year, month, day);
                }
                expected++;
            }
        }
    }
    ck_assert_int_eq(expected * CHY_US_PER_DAY - 1, CHY_TIME_MAX);
}
END_TEST

START_TEST(the_calendar_is_that_of_the_c_library)
{
    uint64_t state = 42;
    for (int i = 0; i < 2000; i++) {
        state = state * UINT64_C(6364136223846793005) + 1442695040888963407U;
        int64_t span = (CHY_TIME_MAX - CHY_TIME_MIN) / CHY_US_PER_SECOND;
        time_t seconds = (time_t)((int64_t)(state >> 8) % span) + CHY_TIME_MIN / CHY_US_PER_SECOND;
        struct tm tm;
        ck_assert_ptr_nonnull(gmtime_r(&seconds, &tm));
        struct chy_civil civil;
        chy_time_to_civil((int64_t)seconds * CHY_US_PER_SECOND, &civil);
        ck_assert_int_eq(civil.year, tm.tm_year + 1900);
        ck_assert_int_eq(civil.month, tm.tm_mon + 1);
        ck_assert_int_eq(civil.day, tm.tm_mday);
        ck_assert_int_eq(civil.hour, tm.tm_hour);
        ck_assert_int_eq(civil.minute, tm.tm_min);
        ck_assert_int_eq(civil.second, tm.tm_sec);
        int64_t back;
        ck_assert(chy_time_from_civil(&civil, &back));
        ck_assert_int_eq(back, (int64_t)seconds * CHY_US_PER_SECOND);
    }
}
END_TEST

static const struct chy_civil impossible[] = {
    {0, 1, 1, 0, 0, 0, 0},     {10000, 1, 1, 0, 0, 0, 0},      {2023, 0, 1, 0, 0, 0, 0},
    {2023, 13, 1, 0, 0, 0, 0}, {2023, 1, 0, 0, 0, 0, 0},       {2023, 1, 32, 0, 0, 0, 0},
    {2023, 2, 29, 0, 0, 0, 0}, {1900, 2, 29, 0, 0, 0, 0},      {2023, 4, 31, 0, 0, 0, 0},
    {2023, 1, 1, 24, 0, 0, 0}, {2023, 1, 1, -1, 0, 0, 0},      {2023, 1, 1, 0, 60, 0, 0},
    {2023, 1, 1, 0, -1, 0, 0}, {2023, 1, 1, 0, 0, 60, 0},      {2023, 1, 1, 0, 0, -1, 0},
    {2023, 1, 1, 0, 0, 0, -1}, {2023, 1, 1, 0, 0, 0, 1000000},
};

START_TEST(impossible_times_are_refused)
{
    int64_t time = 77;
    ck_assert(!chy_time_from_civil(&impossible[_i], &time));
    ck_assert_int_eq(time, 77);
}
END_TEST

static const struct {
    int64_t time;
    const char *text;
} format_cases[] = {
    {INT64_C(1674121476267000), "2023-01-19T09:44:36.267Z"},
    {INT64_C(1674121476267999), "2023-01-19T09:44:36.267Z"},
    {0, "1970-01-01T00:00:00.000Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {CHY_TIME_MIN, "0001-01-01T00:00:00.000Z"},
    {CHY_TIME_MAX, "9999-12-31T23:59:59.999Z"},
    {INT64_MIN, "0001-01-01T00:00:00.000Z"},
    {INT64_MAX, "9999-12-31T23:59:59.999Z"},
    {INT64_C(1709164800000000), "2024-02-29T00:00:00.000Z"},
};

START_TEST(writes_iso_8601)
{
    char text[CHY_TIME_TEXT_SIZE];
    chy_time_format(format_cases[_i].time, text);
    ck_assert_str_eq(text, format_cases[_i].text);
    struct chy_op *op = test_op_new();
    struct chy_slice slice;
    ck_assert_int_eq(chy_time_text(op, format_cases[_i].time, &slice), CHY_OK);
    ck_assert(chy_slice_is(slice, format_cases[_i].text));
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_time_text(op, 0, &slice), CHY_NO_MEMORY);
    test_op_free(op);
}
END_TEST

#define BASE INT64_C(1674121476000000) // 2023-01-19T09:44:36Z

static const struct {
    const char *text;
    int64_t time;
} parse_cases[] = {
    {"2023-01-19T09:44:36Z", BASE},
    {"2023-01-19t09:44:36z", BASE},
    {"2023-01-19T09:44:36.267Z", BASE + 267000},
    {"2023-01-19T09:44:36.2Z", BASE + 200000},
    {"2023-01-19T09:44:36.123456Z", BASE + 123456},
    {"2023-01-19T09:44:36.1234569999999999Z", BASE + 123456},
    {"2023-01-19T09:44:36+00:00", BASE},
    {"2023-01-19T09:44:36-00:00", BASE},
    {"2023-01-19T10:44:36+01:00", BASE},
    {"2023-01-19T04:14:36-05:30", BASE},
    {"2023-01-20T09:43:36.5+23:59", BASE + 500000},
    {"2023-01-19T09:44:36", BASE},
    {"2023-01-19T09:44Z", BASE - 36 * CHY_US_PER_SECOND},
    {"2023-01-19T09:44", BASE - 36 * CHY_US_PER_SECOND},
    {"2023-01-19", INT64_C(1674086400000000)},
    {"2023-01", INT64_C(1672531200000000)},
    {"2023", INT64_C(1672531200000000)},
    {"2024-02-29", INT64_C(1709164800000000)},
    {"0001", CHY_TIME_MIN},
    {"9999-12-31T23:59:59.999999Z", CHY_TIME_MAX},
};

START_TEST(reads_rfc_3339)
{
    int64_t time = 77;
    ck_assert_msg(chy_time_parse(chy_text(parse_cases[_i].text), &time), "%s",
                  parse_cases[_i].text);
    ck_assert_int_eq(time, parse_cases[_i].time);
}
END_TEST

static const char *const bad_times[] = {
    "",
    "2",
    "202",
    "20230",
    "2023-",
    "2023-1",
    "2023-01-",
    "2023-01-1",
    "2023-13",
    "2023-02-30",
    "0000-01-01",
    "2023-01-19T",
    "2023-01-19T09",
    "2023-01-19T09:",
    "2023-01-19T09:4",
    "2023-01-19T09:44:",
    "2023-01-19T09:44:3",
    "2023-01-19T09:44:36.",
    "2023-01-19T09:44:36.Z",
    "2023-01-19T09:44:36,5Z",
    "2023-01-19T24:00:00Z",
    "2023-01-19T09:60:00Z",
    "2023-01-19T23:59:60Z",
    "2023-01-19T09:44:36ZZ",
    "2023-01-19T09:44:36Z ",
    " 2023",
    "2023-01-19 09:44:36Z",
    "2023-01-19T09:44:36+0100",
    "2023-01-19T09:44:36+01",
    "2023-01-19T09:44:36+24:00",
    "2023-01-19T09:44:36+01:60",
    "2023-01-19T09:44:36+1:00",
    "2023-01-19Z",
    "2023Z",
    "-2023-01-19",
    "+02023-01-19",
    "20230119",
    "2023/01/19",
    "0001-01-01T00:00:00+00:01",
    "9999-12-31T23:59:59-00:01",
    "99999-01-01",
    "2023-01-19T09:44:36\n",
    "Thu, 19 Jan 2023 09:44:36 GMT",
    "1674121476",
};

START_TEST(bad_times_are_refused)
{
    int64_t time = 77;
    ck_assert_msg(!chy_time_parse(chy_text(bad_times[_i]), &time), "%s", bad_times[_i]);
    ck_assert_int_eq(time, 77);
}
END_TEST

START_TEST(what_is_written_reads_back)
{
    for (int64_t time = CHY_TIME_MIN; time < CHY_TIME_MAX - 7 * INT64_C(10000000000000);
         time += INT64_C(7000000123000)) {
        char text[CHY_TIME_TEXT_SIZE];
        chy_time_format(time, text);
        int64_t back = 0;
        if (!chy_time_parse(chy_text(text), &back) || back != time) {
            ck_abort_msg("%s", text);
        }
    }
}
END_TEST

TEST_MAIN("time", TEST(days_count_up_one_by_one), TEST(the_calendar_is_that_of_the_c_library),
          TEST_EACH(impossible_times_are_refused, impossible),
          TEST_EACH(writes_iso_8601, format_cases), TEST_EACH(reads_rfc_3339, parse_cases),
          TEST_EACH(bad_times_are_refused, bad_times), TEST(what_is_written_reads_back))
