#include "base/log.h"

#include "base/slice.h"
#include "base/time.h"

#include <errno.h>
#include <unistd.h>

/* The most that one value takes of a line, so that the others have room. */
#define VALUE_MAX 2048

static const char hex_digits[] = "0123456789abcdef";

static const char *const level_names[] = {"error", "warning", "info", "debug"};

#define LEVEL_COUNT (sizeof level_names / sizeof level_names[0])

void chy_log_init(struct chy_log *log, int fd, enum chy_log_format format, enum chy_log_level level,
                  const struct chy_clock *clock)
{
    log->fd = fd;
    log->format = format;
    log->clock = clock;
    atomic_init(&log->level, (uint32_t)level);
    atomic_init(&log->dropped, 0);
}

void chy_log_set_level(struct chy_log *log, enum chy_log_level level)
{
    atomic_store_explicit(&log->level, (uint32_t)level, memory_order_relaxed);
}

bool chy_log_level_parse(struct chy_slice text, enum chy_log_level *out_level)
{
    for (size_t i = 0; i < LEVEL_COUNT; i++) {
        if (chy_slice_is(text, level_names[i])) {
            *out_level = (enum chy_log_level)i;
            return true;
        }
    }
    return false;
}

const char *chy_log_level_name(uint32_t level)
{
    return level_names[level < LEVEL_COUNT ? level : LEVEL_COUNT - 1];
}

/* --- a line on the stack ---------------------------------------------------------------------- */

struct line {
    enum chy_log_format format;
    size_t len;
    size_t limit; // `len` does not pass it; behind it is room for what ends the line
    char text[CHY_LOG_LINE_MAX];
};

/* Appends all of it or nothing. */
static bool put(struct line *line, const char *text, size_t len)
{
    if (len > line->limit - line->len) {
        return false;
    }
    memcpy(line->text + line->len, text, len);
    line->len += len;
    return true;
}

static bool put_text(struct line *line, const char *text)
{
    return put(line, text, strlen(text));
}

/* A character that could harm a terminal or a reader of lines, as its number. */
static bool put_number(struct line *line, uint32_t character)
{
    char text[] = {'\\',
                   'u',
                   hex_digits[character >> 12 & 15],
                   hex_digits[character >> 8 & 15],
                   hex_digits[character >> 4 & 15],
                   hex_digits[character & 15]};
    return put(line, text, sizeof text);
}

/* A byte that is no part of UTF-8, as the text \x80. */
static bool put_stray(struct line *line, uint8_t byte)
{
    char text[] = {'\\', '\\', 'x', hex_digits[byte >> 4], hex_digits[byte & 15]};
    return put(line, text, sizeof text);
}

static bool put_character(struct line *line, struct chy_slice bytes, uint32_t character)
{
    if (character == '"' || character == '\\') {
        char text[] = {'\\', (char)character};
        return put(line, text, sizeof text);
    }
    if (!chy_text_is_clean(bytes)) {
        return put_number(line, character);
    }
    return put(line, (const char *)bytes.ptr, (size_t)bytes.len);
}

/* Appends a value as far as it fits, and no half of a character. */
static void put_escaped(struct line *line, struct chy_slice value)
{
    size_t before = line->limit;
    if (line->limit - line->len > VALUE_MAX) {
        line->limit = line->len + VALUE_MAX;
    }
    uint64_t at = 0;
    bool fits = true;
    while (at < value.len && fits) {
        uint64_t start = at;
        uint32_t character;
        if (chy_utf8_next(value, &at, &character)) {
            fits = put_character(line, chy_slice_of(value.ptr + start, at - start), character);
        } else {
            fits = put_stray(line, value.ptr[at]);
            at++;
        }
    }
    line->limit = before;
}

/* Numbers and truth values, which stand in JSON without quotes. */
static bool is_bare(struct chy_slice value)
{
    int64_t number;
    uint64_t point = 0;
    if (chy_slice_is(value, "true") || chy_slice_is(value, "false")) {
        return true;
    }
    if (chy_slice_find(value, '.', &point)) { // what follows is digits alone
        uint64_t at = point + 1;
        while (at < value.len && value.ptr[at] >= '0' && value.ptr[at] <= '9') {
            at++;
        }
        if (at != value.len || at == point + 1) {
            return false;
        }
        value = chy_slice_first(value, point);
    }
    return chy_slice_parse_i64(value, INT64_MIN, INT64_MAX, &number);
}

static void put_quoted(struct line *line, struct chy_slice value)
{
    line->limit--; // for the quote that ends it
    if (put(line, "\"", 1)) {
        put_escaped(line, value);
        line->limit++;
        (void)put(line, "\"", 1);
        return;
    }
    line->limit++;
}

static void put_member(struct line *line, const char *key, struct chy_slice value, bool bare)
{
    size_t before = line->len;
    bool is_json = line->format == CHY_LOG_FORMAT_JSON;
    bool fits = is_json ? put_text(line, line->len > 1 ? ",\"" : "\"") && put_text(line, key) &&
                              put_text(line, "\":")
                        : put_text(line, " ") && put_text(line, key) && put_text(line, "=");
    if (!fits || line->limit - line->len < 2) {
        line->len = before; // no room: the line goes without it
        return;
    }
    if (!bare || !is_bare(value)) {
        put_quoted(line, value);
    } else if (!put(line, (const char *)value.ptr, (size_t)value.len)) {
        line->len = before;
    }
}

static void put_member_if(struct line *line, const char *key, struct chy_slice value)
{
    if (value.len > 0) {
        put_member(line, key, value, false);
    }
}

static void put_fields(struct line *line, const struct chy_log_line *what)
{
    put_member_if(line, "requestId", what->request_id);
    put_member_if(line, "operation", what->operation);
    put_member_if(line, "instance", what->instance);
    for (size_t i = 0; i < what->field_count; i++) {
        put_member(line, what->fields[i].key, what->fields[i].value, what->fields[i].bare);
    }
}

static void put_json(struct line *line, const struct chy_log_line *what, const char *time)
{
    (void)put_text(line, "{");
    put_member(line, "time", chy_text(time), false);
    put_member(line, "level", chy_text(chy_log_level_name(what->level)), false);
    put_member_if(line, "event", what->event);
    put_member_if(line, "message", what->message);
    put_fields(line, what);
}

static void put_plain(struct line *line, const struct chy_log_line *what, const char *time)
{
    // For people at a terminal the time of day will do: "09:44:36.267".
    (void)put(line, time + 11, 12);
    (void)put_text(line, " ");
    const char *level = chy_log_level_name(what->level);
    (void)put_text(line, level);
    (void)put(line, "        ", 8 - strlen(level));
    put_escaped(line, what->event);
    if (what->message.len > 0) {
        (void)put_text(line, what->event.len > 0 ? ": " : "");
        put_escaped(line, what->message);
    }
    put_fields(line, what);
}

static bool write_all(int fd, const char *text, size_t len)
{
    while (len > 0) {
        ssize_t written = write(fd, text, len);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            return false;
        }
        text += written;
        len -= (size_t)written;
    }
    return true;
}

void chy_log_write(struct chy_log *log, const struct chy_log_line *what)
{
    if (log->fd < 0 || !chy_log_is_on(log, what->level)) {
        return;
    }
    char time[CHY_TIME_TEXT_SIZE];
    chy_time_format(chy_clock_now(log->clock), time);
    struct line line;
    line.format = log->format;
    line.len = 0;
    line.limit = sizeof line.text - 2; // the brace and the newline
    if (log->format == CHY_LOG_FORMAT_JSON) {
        put_json(&line, what, time);
        line.text[line.len++] = '}';
    } else {
        put_plain(&line, what, time);
    }
    line.text[line.len++] = '\n';
    int saved = errno; // a log line must not change what its caller looks at next
    if (!write_all(log->fd, line.text, line.len)) {
        (void)atomic_fetch_add_explicit(&log->dropped, 1, memory_order_relaxed);
    }
    errno = saved;
}

void chy_log_say(struct chy_log *log, enum chy_log_level level, const char *event,
                 const char *format, ...)
{
    if (!chy_log_is_on(log, (uint32_t)level)) {
        return;
    }
    char text[CHY_MESSAGE_MAX];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    struct chy_log_line line = {
        .level = (uint32_t)level, .event = chy_text(event), .message = chy_text(text)};
    chy_log_write(log, &line);
}
