#include "config/option_text.h"

#include "base/slice.h"
#include "base/time.h"
#include "config/options.h"

#include <inttypes.h>

const char *chy_option_type_name(uint32_t type)
{
    switch ((enum chy_option_type)type) {
    case CHY_OPTION_TEXT: return "text";
    case CHY_OPTION_INT: return "int";
    case CHY_OPTION_BOOL: return "bool";
    case CHY_OPTION_DURATION: return "duration";
    case CHY_OPTION_SIZE: return "size";
    case CHY_OPTION_PATH: return "path";
    case CHY_OPTION_CHOICE: return "choice";
    case CHY_OPTION_TEXT_LIST: return "list of texts";
    }
    return "unknown";
}

const char *chy_option_type_phrase(uint32_t type)
{
    switch ((enum chy_option_type)type) {
    case CHY_OPTION_TEXT: return "a text";
    case CHY_OPTION_INT: return "a whole number";
    case CHY_OPTION_BOOL: return "true or false";
    case CHY_OPTION_DURATION: return "a duration (250ms, 30s, 5m, 12h, 7d)";
    case CHY_OPTION_SIZE: return "a size (64, 16k, 2m, 1g)";
    case CHY_OPTION_PATH: return "a path";
    case CHY_OPTION_CHOICE: return "a word";
    case CHY_OPTION_TEXT_LIST: return "a list of texts";
    }
    return "something else";
}

static void size_text(int64_t number, char out[CHY_OPTION_NUMBER_SIZE])
{
    static const char units[] = {'g', 'm', 'k'};
    for (unsigned i = 0; i < sizeof units; i++) {
        unsigned shift = 30 - 10 * i;
        if (number != 0 && number % (INT64_C(1) << shift) == 0) {
            (void)snprintf(out, CHY_OPTION_NUMBER_SIZE, "%" PRId64 "%c", number >> shift, units[i]);
            return;
        }
    }
    (void)snprintf(out, CHY_OPTION_NUMBER_SIZE, "%" PRId64, number);
}

void chy_option_number_text(const struct chy_option *option, int64_t number,
                            char out[CHY_OPTION_NUMBER_SIZE])
{
    if (option->type == CHY_OPTION_DURATION) {
        chy_duration_format(number, out);
    } else if (option->type == CHY_OPTION_SIZE) {
        size_text(number, out);
    } else {
        (void)snprintf(out, CHY_OPTION_NUMBER_SIZE, "%" PRId64, number);
    }
}

/** Whether YAML would read it as just this text. */
static bool is_plain(struct chy_slice text)
{
    if (text.len == 0 || chy_slice_is(text, "null") || chy_slice_is(text, "true") ||
        chy_slice_is(text, "false")) {
        return false;
    }
    for (uint64_t i = 0; i < text.len; i++) {
        uint8_t c = text.ptr[i];
        bool is_word = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '_' || c == '/' || c == '.';
        bool is_inner = i > 0 && (c == '-' || c == '@' || c == '+' || c == '=');
        bool is_colon = c == ':' && i > 0 && i + 1 < text.len;
        if (!is_word && !is_inner && !is_colon) {
            return false;
        }
    }
    return true;
}

/** Whether a character may stand in quotes as it is: YAML reads some as line ends, others not at
 *  all. */
static bool stands_for_itself(struct chy_slice character, uint32_t number)
{
    return number != '"' && number != '\\' && number != 0xfeff && number != 0xfffe &&
           number != 0xffff && chy_text_is_clean(character);
}

void chy_yaml_text_add(struct chy_buf *out, struct chy_slice text)
{
    uint64_t at = 0;
    uint64_t start = 0;
    uint32_t number = 0;
    if (is_plain(text)) {
        chy_buf_add(out, text);
        return;
    }
    chy_buf_add_u8(out, '"');
    while (chy_utf8_next(text, &at, &number)) {
        struct chy_slice character = chy_slice_of(text.ptr + start, at - start);
        if (stands_for_itself(character, number)) {
            chy_buf_add(out, character);
        } else {
            chy_buf_add_format(out, "\\U%08x", number);
        }
        start = at;
    }
    chy_buf_add_u8(out, '"');
}

void chy_option_value_add(struct chy_buf *out, const struct chy_option *option,
                          const struct chy_option_value *value)
{
    char number[CHY_OPTION_NUMBER_SIZE];
    switch ((enum chy_option_type)option->type) {
    case CHY_OPTION_TEXT:
    case CHY_OPTION_PATH:
    case CHY_OPTION_CHOICE: chy_yaml_text_add(out, value->text); return;
    case CHY_OPTION_BOOL: chy_buf_add_text(out, value->number != 0 ? "true" : "false"); return;
    case CHY_OPTION_INT:
    case CHY_OPTION_DURATION:
    case CHY_OPTION_SIZE:
        chy_option_number_text(option, value->number, number);
        chy_buf_add_text(out, number);
        return;
    case CHY_OPTION_TEXT_LIST:
        chy_buf_add_u8(out, '[');
        for (uint64_t i = 0; i < value->list.count; i++) {
            const struct chy_slice *item = chy_view_at(value->list, i);
            chy_buf_add_text(out, i == 0 ? "" : ", ");
            if (item != NULL) {
                chy_yaml_text_add(out, *item);
            }
        }
        chy_buf_add_u8(out, ']');
        return;
    }
}
