// The durations of time.h.

#include "base/slice.h"
#include "base/time.h"

struct unit {
    const char *name;
    int64_t length;
};

/* A number and the word behind it. */
struct amount {
    struct chy_slice whole;    // digits, may be empty
    struct chy_slice fraction; // digits behind the point, may be empty
    struct chy_slice word;
    bool has_space; // between number and word
    bool has_point;
};

static struct chy_slice take_digits(struct chy_slice *rest)
{
    uint64_t len = 0;
    while (len < rest->len && rest->ptr[len] >= '0' && rest->ptr[len] <= '9') {
        len++;
    }
    struct chy_slice digits = chy_slice_first(*rest, len);
    *rest = chy_slice_skip(*rest, len);
    return digits;
}

static void split(struct chy_slice text, struct amount *out_amount)
{
    struct amount amount = {.whole = take_digits(&text)};
    if (text.len > 0 && text.ptr[0] == '.') {
        text = chy_slice_skip(text, 1);
        amount.has_point = true;
        amount.fraction = take_digits(&text);
    }
    while (text.len > 0 && text.ptr[0] == ' ') {
        text = chy_slice_skip(text, 1);
        amount.has_space = true;
    }
    amount.word = text;
    *out_amount = amount;
}

/* Finds the length of a unit; 0: there is none of that name. */
static int64_t find_unit(const struct unit *units, size_t count, struct chy_slice word)
{
    for (size_t i = 0; i < count; i++) {
        if (chy_slice_is(word, units[i].name)) {
            return units[i].length;
        }
    }
    return 0;
}

/* Digits times a unit, at most `maximum`. */
static bool multiply(struct chy_slice digits, int64_t unit, int64_t maximum, int64_t *out_duration)
{
    int64_t count;
    if (!chy_slice_parse_i64(digits, 0, maximum / unit, &count)) {
        return false;
    }
    *out_duration = count * unit;
    return true;
}

/* The digits behind the point, of a unit.  From last to first, so that nothing overflows. */
static int64_t part_of(struct chy_slice fraction, int64_t unit)
{
    int64_t part = 0;
    for (uint64_t i = fraction.len; i > 0; i--) {
        part = (part + (fraction.ptr[i - 1] - '0') * unit) / 10;
    }
    return part;
}

/* --- requests --------------------------------------------------------------------------------- */

#define REQUEST_TEXT_MAX 32

bool chy_duration_parse_request(struct chy_slice text, int64_t *out_duration)
{
    static const struct {
        int64_t length;
        const char *names[5];
    } units[] = {
        {CHY_US_PER_MS, {"ms", "msec", "msecs", "millisecond", "milliseconds"}},
        {CHY_US_PER_SECOND, {"s", "sec", "secs", "second", "seconds"}},
        {CHY_US_PER_MINUTE, {"m", "min", "mins", "minute", "minutes"}},
        {CHY_US_PER_HOUR, {"h", "hr", "hrs", "hour", "hours"}},
        {CHY_US_PER_DAY, {"d", "day", "days", NULL, NULL}},
        {7 * CHY_US_PER_DAY, {"w", "week", "weeks", NULL, NULL}},
        {365 * CHY_US_PER_DAY, {"y", "yr", "yrs", "year", "years"}},
    };
    struct amount amount;
    split(text, &amount);
    if (text.len > REQUEST_TEXT_MAX || (amount.has_point && amount.fraction.len == 0)) {
        return false;
    }
    int64_t unit = 0;
    for (size_t i = 0; i < sizeof units / sizeof units[0] * 5 && unit == 0; i++) {
        const char *name = units[i / 5].names[i % 5];
        if (name != NULL && chy_slice_is_nocase(amount.word, name)) {
            unit = units[i / 5].length;
        }
    }
    int64_t duration = 0;
    if (unit == 0 || (amount.whole.len == 0 && !amount.has_point)) {
        return false;
    }
    if (amount.whole.len > 0 && !multiply(amount.whole, unit, CHY_DURATION_MAX, &duration)) {
        return false;
    }
    duration += part_of(amount.fraction, unit);
    if (duration <= 0 || duration > CHY_DURATION_MAX) {
        return false;
    }
    *out_duration = duration;
    return true;
}

/* --- policies and configuration --------------------------------------------------------------- */

/* A policy may say any number of years that leaves sums of times inside int64_t. */
#define LONGEST (INT64_C(9999) * 366 * CHY_US_PER_DAY)

static bool parse_plain(const struct unit *units, size_t count, struct chy_slice text,
                        int64_t *out_duration)
{
    struct amount amount;
    split(text, &amount);
    int64_t unit = find_unit(units, count, amount.word);
    if (unit == 0 || amount.has_point || amount.has_space) {
        return false;
    }
    return multiply(amount.whole, unit, LONGEST, out_duration);
}

bool chy_duration_parse_policy(struct chy_slice text, int64_t *out_duration)
{
    static const struct unit units[] = {
        {"h", CHY_US_PER_HOUR},
        {"d", CHY_US_PER_DAY},
        {"m", 30 * CHY_US_PER_DAY},
        {"y", 365 * CHY_US_PER_DAY},
    };
    return parse_plain(units, sizeof units / sizeof units[0], text, out_duration);
}

/* From the shortest on, each a multiple of the one before. */
static const struct unit config_units[] = {
    {"ms", CHY_US_PER_MS},  {"s", CHY_US_PER_SECOND}, {"m", CHY_US_PER_MINUTE},
    {"h", CHY_US_PER_HOUR}, {"d", CHY_US_PER_DAY},
};

#define CONFIG_UNIT_COUNT (sizeof config_units / sizeof config_units[0])

bool chy_duration_parse_config(struct chy_slice text, int64_t *out_duration)
{
    return parse_plain(config_units, CONFIG_UNIT_COUNT, text, out_duration);
}

void chy_duration_format(int64_t duration, char out[CHY_DURATION_TEXT_SIZE])
{
    const struct unit *unit = &config_units[0];
    int64_t whole = duration - duration % CHY_US_PER_MS;
    for (size_t i = 1; i < CONFIG_UNIT_COUNT && whole != 0; i++) {
        if (whole % config_units[i].length == 0) {
            unit = &config_units[i];
        }
    }
    (void)snprintf(out, CHY_DURATION_TEXT_SIZE, "%lld%s", (long long)(whole / unit->length),
                   unit->name);
}
