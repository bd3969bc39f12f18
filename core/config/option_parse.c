#include "config/options.h"

#include "base/slice.h"
#include "base/time.h"
#include "config/option_text.h"

static bool has_range(const struct chy_option *option)
{
    return option->minimum != 0 || option->maximum != 0;
}

/** "expected a duration from 1s to 1h, found '5h'" */
static bool expect(const struct chy_option *option, struct chy_slice found,
                   char out_expected[CHY_MESSAGE_MAX])
{
    char range[128] = "";
    char low[CHY_OPTION_NUMBER_SIZE];
    char high[CHY_OPTION_NUMBER_SIZE];
    if (has_range(option)) {
        chy_option_number_text(option, option->minimum, low);
        chy_option_number_text(option, option->maximum, high);
        (void)snprintf(range, sizeof range, " from %s to %s", low, high);
    }
    (void)snprintf(out_expected, CHY_MESSAGE_MAX, "expected %s%s, found '%.*s'",
                   chy_option_type_phrase(option->type), range, (int)chy_slice_first(found, 80).len,
                   (const char *)found.ptr);
    return false;
}

static bool in_range(const struct chy_option *option, int64_t number)
{
    return !has_range(option) || (number >= option->minimum && number <= option->maximum);
}

static bool parse_size(struct chy_slice text, int64_t *out_size)
{
    unsigned shift = 0;
    struct chy_slice digits = text;
    if (text.len > 1) {
        uint8_t unit = chy_ascii_lower(text.ptr[text.len - 1]);
        shift = unit == 'k' ? 10 : unit == 'm' ? 20 : unit == 'g' ? 30 : 0;
        digits.len -= shift != 0 ? 1 : 0;
    }
    int64_t number = 0;
    if (!chy_slice_parse_i64(digits, 0, INT64_MAX >> shift, &number)) {
        return false;
    }
    *out_size = (int64_t)((uint64_t)number << shift);
    return true;
}

static bool parse_bool(struct chy_slice text, int64_t *out_bool)
{
    *out_bool = chy_slice_is(text, "true") ? 1 : 0;
    return *out_bool == 1 || chy_slice_is(text, "false");
}

static bool parse_choice(const struct chy_option *option, struct chy_slice text,
                         struct chy_option_value *out_value, char out_expected[CHY_MESSAGE_MAX])
{
    size_t len = 0;
    struct chy_slice names[64];
    size_t count = 0;
    for (uint64_t i = 0; i < option->choices.count; i++) {
        const struct chy_slice *choice = chy_view_at(option->choices, i);
        if (choice != NULL && chy_slice_equal(*choice, text)) {
            out_value->number = (int64_t)i;
            out_value->text = *choice;
            return true;
        }
        if (choice != NULL && count < sizeof names / sizeof names[0]) {
            names[count++] = *choice;
        }
    }
    len = (size_t)snprintf(out_expected, CHY_MESSAGE_MAX, "expected one of");
    for (size_t i = 0; i < count && len < CHY_MESSAGE_MAX / 2; i++) {
        len += (size_t)snprintf(out_expected + len, CHY_MESSAGE_MAX - len, "%s '%.*s'",
                                i == 0 ? "" : ",", (int)chy_slice_first(names[i], 40).len,
                                (const char *)names[i].ptr);
    }
    struct chy_slice near = chy_nearest_name(text, names, count);
    (void)snprintf(out_expected + len, CHY_MESSAGE_MAX - len, ", found '%.*s'%s%.*s%s",
                   (int)chy_slice_first(text, 80).len, (const char *)text.ptr,
                   near.len == 0 ? "" : "; did you mean '", (int)near.len, (const char *)near.ptr,
                   near.len == 0 ? "" : "'?");
    return false;
}

static bool parse_text(const struct chy_option *option, struct chy_slice text,
                       struct chy_option_value *out_value, char out_expected[CHY_MESSAGE_MAX])
{
    if (!in_range(option, (int64_t)text.len)) {
        // The text itself is not shown: it may be a secret.
        (void)snprintf(out_expected, CHY_MESSAGE_MAX,
                       "expected a text of %lld to %lld bytes, found %llu bytes",
                       (long long)option->minimum, (long long)option->maximum,
                       (unsigned long long)text.len);
        return false;
    }
    if (!chy_utf8_is_valid(text) ||
        (text.len != 0 && memchr(text.ptr, 0, (size_t)text.len) != NULL)) {
        (void)snprintf(out_expected, CHY_MESSAGE_MAX,
                       "expected a text in UTF-8, found other bytes");
        return false;
    }
    out_value->text = text;
    return true;
}

bool chy_option_parse(const struct chy_option *option, struct chy_slice text,
                      struct chy_option_value *out_value, char out_expected[CHY_MESSAGE_MAX])
{
    struct chy_option_value value;
    bool ok = false;
    memset(&value, 0, sizeof value);
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH:
    case CHY_OPTION_TEXT_LIST:
        if (!parse_text(option, text, &value, out_expected)) {
            return false;
        }
        ok = true;
        break;
    case CHY_OPTION_CHOICE:
        if (!parse_choice(option, text, &value, out_expected)) {
            return false;
        }
        ok = true;
        break;
    case CHY_OPTION_INT: ok = chy_slice_parse_i64(text, INT64_MIN, INT64_MAX, &value.number); break;
    case CHY_OPTION_BOOL: ok = parse_bool(text, &value.number); break;
    case CHY_OPTION_DURATION: ok = chy_duration_parse_config(text, &value.number); break;
    case CHY_OPTION_SIZE: ok = parse_size(text, &value.number); break;
    }
    bool is_number = option->type == CHY_OPTION_INT || option->type == CHY_OPTION_DURATION ||
                     option->type == CHY_OPTION_SIZE;
    if (!ok || (is_number && !in_range(option, value.number))) {
        return expect(option, text, out_expected);
    }
    *out_value = value;
    return true;
}
