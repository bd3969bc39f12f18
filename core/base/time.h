/**
 * Dates, times and durations as text and as int64_t microseconds.
 *
 * Times are valid from 0001-01-01T00:00:00Z to 9999-12-31T23:59:59.999999Z, in the proleptic
 * Gregorian calendar, without leap seconds.
 */
#ifndef CHY_BASE_TIME_H
#define CHY_BASE_TIME_H

#include <chancery/host.h>

#include <stdbool.h>

#define CHY_US_PER_MS INT64_C(1000)
#define CHY_US_PER_SECOND INT64_C(1000000)
#define CHY_US_PER_MINUTE (60 * CHY_US_PER_SECOND)
#define CHY_US_PER_HOUR (60 * CHY_US_PER_MINUTE)
#define CHY_US_PER_DAY (24 * CHY_US_PER_HOUR)

#define CHY_TIME_MIN INT64_C(-62135596800000000)
#define CHY_TIME_MAX INT64_C(253402300799999999)

/** A point in time as the calendar has it, UTC. */
struct chy_civil {
    int32_t year;   /**< 1 to 9999 */
    int32_t month;  /**< 1 to 12 */
    int32_t day;    /**< 1 to 31 */
    int32_t hour;   /**< 0 to 23 */
    int32_t minute; /**< 0 to 59 */
    int32_t second; /**< 0 to 59 */
    int32_t microsecond;
};

/** chy_time_from_civil checks every part and gives microseconds since 1970-01-01T00:00:00Z. */
CHY_MUST_USE bool chy_time_from_civil(const struct chy_civil *civil, int64_t *out_time);
/** chy_time_to_civil takes a time apart.  One outside the valid range becomes the nearest in it. */
void chy_time_to_civil(int64_t time, struct chy_civil *out_civil);
/** chy_date_to_days counts the days from 1970-01-01.  false: there is no such day. */
CHY_MUST_USE bool chy_date_to_days(int32_t year, int32_t month, int32_t day, int64_t *out_days);

/** "2023-01-19T09:44:36.267Z" and a NUL. */
#define CHY_TIME_TEXT_LEN 24
#define CHY_TIME_TEXT_SIZE (CHY_TIME_TEXT_LEN + 1)

/** chy_time_format writes ISO 8601 with milliseconds, cut off, in UTC, and a NUL. */
void chy_time_format(int64_t time, char out[CHY_TIME_TEXT_SIZE]);
/** chy_time_text makes the same in the arena, NUL-terminated. */
CHY_MUST_USE chy_status chy_time_text(struct chy_op *op, int64_t time, struct chy_slice *out_text);

/**
 * chy_time_parse reads RFC 3339 and its shorter forms: YYYY, YYYY-MM, YYYY-MM-DD, and a time of day
 * without seconds or without offset (UTC is meant).  A fraction may be of any length; what lies
 * below a microsecond is cut off.
 */
CHY_MUST_USE bool chy_time_parse(struct chy_slice text, int64_t *out_time);

/** CHY_DURATION_MAX is the longest that a request may ask for: 100 years of 365 days. */
#define CHY_DURATION_MAX (INT64_C(36500) * CHY_US_PER_DAY)

/**
 * chy_duration_of gives `count` units of `unit` µs, to at most CHY_DURATION_MAX either way: stored
 * numbers may be damaged, and sums with the result must not overflow.
 */
static inline int64_t chy_duration_of(int64_t count, int64_t unit)
{
    int64_t most = CHY_DURATION_MAX / unit;
    return (count > most ? most : count < -most ? -most : count) * unit;
}

/**
 * chy_duration_parse_request reads what requests write: a number, which may have decimals, and a
 * unit: ms, s, m, h, d, w, y and their long names, in any case.  `m` is minutes, `y` 365 days.  At
 * most 32 characters, more than 0, at most CHY_DURATION_MAX.
 */
CHY_MUST_USE bool chy_duration_parse_request(struct chy_slice text, int64_t *out_duration);
/** chy_duration_parse_policy reads what policies write: digits and d, h, m (30 days) or y (365). */
CHY_MUST_USE bool chy_duration_parse_policy(struct chy_slice text, int64_t *out_duration);
/** chy_duration_parse_config reads what configuration writes: digits and ms, s, m (minutes), h
 *  or d.  0 is allowed. */
CHY_MUST_USE bool chy_duration_parse_config(struct chy_slice text, int64_t *out_duration);

#define CHY_DURATION_TEXT_SIZE 24

/** chy_duration_format writes a duration as configuration has it, in the largest unit that is exact
 *  (below a millisecond it is cut off), and a NUL. */
void chy_duration_format(int64_t duration, char out[CHY_DURATION_TEXT_SIZE]);

#endif
