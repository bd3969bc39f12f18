/** The generic cell rate algorithm, and what happens when the table is full. */
#include "http/rate.h"

#include "base/time.h"

#include "test_main.h"

#define START (1000 * CHY_US_PER_SECOND)
#define LIMIT 60U // one a second

static struct chy_http_allowance take(struct chy_http_rates *rates, uint8_t who, int64_t now)
{
    struct chy_http_rate_key key = {{who}};
    struct chy_http_allowance allowance;
    chy_http_rates_take(rates, CHY_HTTP_RATE_ADDRESS, &key, LIMIT, now, &allowance);
    return allowance;
}

START_TEST(gives_a_minutes_worth_at_once_and_then_one_a_second)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    for (uint32_t i = 0; i < LIMIT; i++) {
        struct chy_http_allowance allowance = take(rates, 1, START);
        ck_assert_uint_eq(allowance.retry_after_s, 0);
        ck_assert_uint_eq(allowance.limit, LIMIT);
        ck_assert_uint_eq(allowance.remaining, LIMIT - 1 - i);
        ck_assert_uint_eq(allowance.reset_s, i + 1);
    }
    struct chy_http_allowance refused = take(rates, 1, START);
    ck_assert_uint_eq(refused.retry_after_s, 1);
    ck_assert_uint_eq(refused.remaining, 0);
    ck_assert_uint_eq(refused.reset_s, 60);
    ck_assert_uint_eq(take(rates, 1, START + CHY_US_PER_SECOND).retry_after_s, 0);
    ck_assert_uint_eq(take(rates, 1, START + CHY_US_PER_SECOND).retry_after_s, 1);
    ck_assert_uint_eq(take(rates, 1, START + CHY_US_PER_HOUR).remaining, LIMIT - 1);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(a_refused_request_costs_nothing)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    for (uint32_t i = 0; i < LIMIT * 3; i++) {
        (void)take(rates, 1, START);
    }
    ck_assert_uint_eq(take(rates, 1, START).retry_after_s, 1);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(counts_callers_and_kinds_apart)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    struct chy_http_rate_key key = {{1}};
    struct chy_http_allowance allowance;
    (void)take(rates, 1, START);
    ck_assert_uint_eq(take(rates, 2, START).remaining, LIMIT - 1);
    chy_http_rates_take(rates, CHY_HTTP_RATE_IDENTITY, &key, LIMIT, START, &allowance);
    ck_assert_uint_eq(allowance.remaining, LIMIT - 1);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(charges_down_to_nothing_and_no_further)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    struct chy_http_rate_key key = {{1}};
    chy_http_rates_charge(rates, CHY_HTTP_RATE_ADDRESS, &key, LIMIT, 9, START);
    ck_assert_uint_eq(take(rates, 1, START).remaining, LIMIT - 10);
    chy_http_rates_charge(rates, CHY_HTTP_RATE_ADDRESS, &key, LIMIT, 1000000, START);
    ck_assert_uint_eq(take(rates, 1, START).retry_after_s, 1);
    ck_assert_uint_eq(take(rates, 1, START + CHY_US_PER_SECOND).retry_after_s, 0);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(no_limit_is_no_limit)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    struct chy_http_rate_key key = {{1}};
    struct chy_http_allowance allowance;
    chy_http_rates_charge(rates, CHY_HTTP_RATE_ADDRESS, &key, 0, 9, START);
    chy_http_rates_take(rates, CHY_HTTP_RATE_ADDRESS, &key, 0, START, &allowance);
    ck_assert_uint_eq(allowance.limit, 0);
    ck_assert_uint_eq(allowance.retry_after_s, 0);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(a_limit_above_what_the_clock_can_tell_still_counts)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    struct chy_http_rate_key key = {{1}};
    struct chy_http_allowance allowance;
    chy_http_rates_take(rates, CHY_HTTP_RATE_ADDRESS, &key, 1000000000, START, &allowance);
    ck_assert_uint_eq(allowance.remaining, 999999999);
    chy_http_rates_free(rates);
}
END_TEST

START_TEST(a_flood_of_strangers_does_not_free_who_is_limited)
{
    struct chy_http_rates *rates = chy_http_rates_new();
    while (take(rates, 1, START).retry_after_s == 0) {
    }
    // More strangers than the table has places.
    for (uint32_t i = 0; i < 200000; i++) {
        struct chy_http_rate_key key = {{2, (uint8_t)i, (uint8_t)(i >> 8), (uint8_t)(i >> 16)}};
        struct chy_http_allowance allowance;
        chy_http_rates_take(rates, CHY_HTTP_RATE_ADDRESS, &key, LIMIT, START, &allowance);
        ck_assert_uint_eq(allowance.retry_after_s, 0);
    }
    ck_assert_uint_eq(take(rates, 1, START).retry_after_s, 1);
    chy_http_rates_free(rates);
}
END_TEST

TEST_MAIN("http_rate", TEST(gives_a_minutes_worth_at_once_and_then_one_a_second),
          TEST(a_refused_request_costs_nothing), TEST(counts_callers_and_kinds_apart),
          TEST(charges_down_to_nothing_and_no_further), TEST(no_limit_is_no_limit),
          TEST(a_limit_above_what_the_clock_can_tell_still_counts),
          TEST(a_flood_of_strangers_does_not_free_who_is_limited))
