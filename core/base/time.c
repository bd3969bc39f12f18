#include "base/time.h"

#include <assert.h>

/* --- the calendar ----------------------------------------------------------------------------- */

#define DAYS_OF_400_YEARS INT64_C(146097)
#define DAYS_OF_100_YEARS INT64_C(36524)
#define DAYS_OF_4_YEARS INT64_C(1461)
#define DAYS_TO_1970 INT64_C(719162) // from 0001-01-01

/* How many days of the year lie before each month, without and with a leap day. */
static const int32_t days_before[2][13] = {
    {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365},
    {0, 31, 60, 91, 121, 152, 182, 213, 244, 274, 305, 335, 366},
};

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

bool chy_date_to_days(int32_t year, int32_t month, int32_t day, int64_t *out_days)
{
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) {
        return false;
    }
    const int32_t *before = days_before[is_leap(year)];
    if (day > before[month] - before[month - 1]) {
        return false;
    }
    int64_t years = year - 1;
    int64_t leap_days = years / 4 - years / 100 + years / 400;
    *out_days = years * 365 + leap_days + before[month - 1] + day - 1 - DAYS_TO_1970;
    return true;
}

/* `*part` is how often `unit` goes into `*days`, at most `most`; `*days` keeps the rest. */
static int64_t take_out(int64_t *days, int64_t unit, int64_t most)
{
    int64_t count = *days / unit;
    if (count > most) {
        count = most; // the last day of a leap year belongs to its year
    }
    *days -= count * unit;
    return count;
}

static void days_to_date(int64_t days, struct chy_civil *out_civil)
{
    days += DAYS_TO_1970;
    int64_t years = 400 * take_out(&days, DAYS_OF_400_YEARS, INT64_MAX);
    years += 100 * take_out(&days, DAYS_OF_100_YEARS, 3);
    years += 4 * take_out(&days, DAYS_OF_4_YEARS, INT64_MAX);
    years += take_out(&days, 365, 3);
    const int32_t *before = days_before[is_leap(years + 1)];
    int32_t month = 1;
    while (before[month] <= days) {
        month++;
    }
    out_civil->year = (int32_t)years + 1;
    out_civil->month = month;
    out_civil->day = (int32_t)days - before[month - 1] + 1;
}

bool chy_time_from_civil(const struct chy_civil *civil, int64_t *out_time)
{
    int64_t days;
    if (!chy_date_to_days(civil->year, civil->month, civil->day, &days)) {
        return false;
    }
    if (civil->hour < 0 || civil->hour > 23 || civil->minute < 0 || civil->minute > 59 ||
        civil->second < 0 || civil->second > 59 || civil->microsecond < 0 ||
        civil->microsecond >= CHY_US_PER_SECOND) {
        return false;
    }
    *out_time = days * CHY_US_PER_DAY + civil->hour * CHY_US_PER_HOUR +
                civil->minute * CHY_US_PER_MINUTE + civil->second * CHY_US_PER_SECOND +
                civil->microsecond;
    return true;
}

void chy_time_to_civil(int64_t time, struct chy_civil *out_civil)
{
    if (time < CHY_TIME_MIN) {
        time = CHY_TIME_MIN;
    } else if (time > CHY_TIME_MAX) {
        time = CHY_TIME_MAX;
    }
    // Division rounds towards zero; before 1970 the day began earlier.
    int64_t days = time / CHY_US_PER_DAY - (time % CHY_US_PER_DAY < 0);
    int64_t rest = time - days * CHY_US_PER_DAY;
    struct chy_civil civil;
    days_to_date(days, &civil);
    civil.hour = (int32_t)(rest / CHY_US_PER_HOUR);
    civil.minute = (int32_t)(rest / CHY_US_PER_MINUTE % 60);
    civil.second = (int32_t)(rest / CHY_US_PER_SECOND % 60);
    civil.microsecond = (int32_t)(rest % CHY_US_PER_SECOND);
    *out_civil = civil;
}

/* --- writing ---------------------------------------------------------------------------------- */

static char *put_digits(char *at, int32_t number, int32_t count)
{
    for (int32_t i = count - 1; i >= 0; i--) {
        at[i] = (char)('0' + number % 10);
        number /= 10;
    }
    return at + count;
}

void chy_time_format(int64_t time, char out[CHY_TIME_TEXT_SIZE])
{
    struct chy_civil civil;
    chy_time_to_civil(time, &civil);
    char *at = put_digits(out, civil.year, 4);
    *at++ = '-';
    at = put_digits(at, civil.month, 2);
    *at++ = '-';
    at = put_digits(at, civil.day, 2);
    *at++ = 'T';
    at = put_digits(at, civil.hour, 2);
    *at++ = ':';
    at = put_digits(at, civil.minute, 2);
    *at++ = ':';
    at = put_digits(at, civil.second, 2);
    *at++ = '.';
    at = put_digits(at, civil.microsecond / 1000, 3);
    *at++ = 'Z';
    *at++ = '\0';
    assert(at == out + CHY_TIME_TEXT_SIZE);
}

chy_status chy_time_text(struct chy_op *op, int64_t time, struct chy_slice *out_text)
{
    char *text = chy_alloc(op, CHY_TIME_TEXT_SIZE);
    if (text == NULL) {
        return chy_fail_memory(op);
    }
    chy_time_format(time, text);
    *out_text = chy_slice_of(text, CHY_TIME_TEXT_LEN);
    return CHY_OK;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* What is left to read.  Each take_…() leaves it alone when it answers false. */
struct cursor {
    struct chy_slice rest;
};

static bool at_end(const struct cursor *cursor)
{
    return cursor->rest.len == 0;
}

static void advance(struct cursor *cursor, uint64_t len)
{
    cursor->rest.ptr += len;
    cursor->rest.len -= len;
}

static bool take_byte(struct cursor *cursor, char byte)
{
    if (at_end(cursor) || cursor->rest.ptr[0] != (uint8_t)byte) {
        return false;
    }
    advance(cursor, 1);
    return true;
}

static bool next_is_digit(const struct cursor *cursor)
{
    return !at_end(cursor) && cursor->rest.ptr[0] >= '0' && cursor->rest.ptr[0] <= '9';
}

static bool take_digits(struct cursor *cursor, int32_t count, int32_t *out_number)
{
    struct cursor ahead = *cursor;
    int32_t number = 0;
    for (int32_t i = 0; i < count; i++) {
        if (!next_is_digit(&ahead)) {
            return false;
        }
        number = number * 10 + (ahead.rest.ptr[0] - '0');
        advance(&ahead, 1);
    }
    *cursor = ahead;
    *out_number = number;
    return true;
}

static bool take_fraction(struct cursor *cursor, int32_t *out_microsecond)
{
    if (!next_is_digit(cursor)) {
        return false;
    }
    int32_t microsecond = 0;
    for (int32_t unit = (int32_t)CHY_US_PER_SECOND / 10; next_is_digit(cursor); unit /= 10) {
        microsecond += unit * (cursor->rest.ptr[0] - '0');
        advance(cursor, 1);
    }
    *out_microsecond = microsecond;
    return true;
}

static bool take_clock(struct cursor *cursor, struct chy_civil *civil)
{
    if (!take_digits(cursor, 2, &civil->hour) || !take_byte(cursor, ':') ||
        !take_digits(cursor, 2, &civil->minute)) {
        return false;
    }
    if (!take_byte(cursor, ':')) {
        return true;
    }
    if (!take_digits(cursor, 2, &civil->second)) {
        return false;
    }
    return !take_byte(cursor, '.') || take_fraction(cursor, &civil->microsecond);
}

static bool take_offset(struct cursor *cursor, int64_t *out_offset)
{
    if (at_end(cursor) || take_byte(cursor, 'Z') || take_byte(cursor, 'z')) {
        *out_offset = 0;
        return true;
    }
    int64_t sign = take_byte(cursor, '+') ? 1 : -1;
    if (sign < 0 && !take_byte(cursor, '-')) {
        return false;
    }
    int32_t hours;
    int32_t minutes;
    if (!take_digits(cursor, 2, &hours) || !take_byte(cursor, ':') ||
        !take_digits(cursor, 2, &minutes) || hours > 23 || minutes > 59) {
        return false;
    }
    *out_offset = sign * (hours * CHY_US_PER_HOUR + minutes * CHY_US_PER_MINUTE);
    return true;
}

bool chy_time_parse(struct chy_slice text, int64_t *out_time)
{
    struct cursor cursor = {text};
    struct chy_civil civil = {.month = 1, .day = 1};
    int64_t offset = 0;
    if (!take_digits(&cursor, 4, &civil.year)) {
        return false;
    }
    if (take_byte(&cursor, '-')) {
        if (!take_digits(&cursor, 2, &civil.month)) {
            return false;
        }
        if (take_byte(&cursor, '-')) {
            if (!take_digits(&cursor, 2, &civil.day)) {
                return false;
            }
            bool has_clock = take_byte(&cursor, 'T') || take_byte(&cursor, 't');
            if (has_clock && (!take_clock(&cursor, &civil) || !take_offset(&cursor, &offset))) {
                return false;
            }
        }
    }
    int64_t time;
    if (!at_end(&cursor) || !chy_time_from_civil(&civil, &time)) {
        return false;
    }
    time -= offset;
    if (time < CHY_TIME_MIN || time > CHY_TIME_MAX) {
        return false;
    }
    *out_time = time;
    return true;
}
