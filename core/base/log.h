/**
 * The log: one line per event, JSON for machines or text for people at a terminal.
 *
 * A line is one write() of at most CHY_LOG_LINE_MAX bytes, so lines of several threads, or of
 * several processes on one pipe, do not mix.  Control characters and bytes that are not UTF-8 are
 * escaped.
 * A log file has to be open for appending.
 */
#ifndef CHY_BASE_LOG_H
#define CHY_BASE_LOG_H

#include "base/clock.h"

#include <chancery/host.h>

#include <stdbool.h>

/** PIPE_BUF: the most that a pipe takes in one piece. */
#define CHY_LOG_LINE_MAX 4096

enum chy_log_format {
    CHY_LOG_FORMAT_JSON = 0,
    CHY_LOG_FORMAT_TEXT = 1
};

/** A log may be used from any thread. */
struct chy_log {
    int fd; /**< below 0: nothing is written */
    enum chy_log_format format;
    const struct chy_clock *clock;
    _Atomic uint32_t level;   /**< enum chy_log_level: the least urgent that is written */
    _Atomic uint64_t dropped; /**< lines that could not be written */
};

/** One more `"key": value` of a line. */
struct chy_log_field {
    const char *key; /**< camelCase word */
    struct chy_slice value;
    bool bare; /**< a number, true or false: written without quotes in JSON */
};

/** What a line says.  Empty parts are left out. */
struct chy_log_line {
    uint32_t level;           /**< enum chy_log_level */
    struct chy_slice event;   /**< fixed word: "server.started" */
    struct chy_slice message; /**< for people, no secrets */
    struct chy_slice request_id;
    struct chy_slice operation; /**< name of the operation */
    struct chy_slice instance;  /**< name of the plugin instance */
    const struct chy_log_field *fields;
    size_t field_count;
};

/** chy_log_init starts a log that writes to `fd`, which stays the caller's. */
void chy_log_init(struct chy_log *log, int fd, enum chy_log_format format, enum chy_log_level level,
                  const struct chy_clock *clock);
/** chy_log_set_level changes what is written from now on. */
void chy_log_set_level(struct chy_log *log, enum chy_log_level level);
/** chy_log_level_parse reads "error", "warning", "info" or "debug". */
CHY_MUST_USE bool chy_log_level_parse(struct chy_slice text, enum chy_log_level *out_level);
/** chy_log_level_name is the word for a level. */
const char *chy_log_level_name(uint32_t level);

/** chy_log_is_on tells whether lines of `level` are written. */
static inline bool chy_log_is_on(struct chy_log *log, uint32_t level)
{
    return level <= atomic_load_explicit(&log->level, memory_order_relaxed);
}

/** chy_log_write writes a line if its level is on. */
void chy_log_write(struct chy_log *log, const struct chy_log_line *what);

/** chy_log_say writes a line outside of any operation: start-up and shutdown. */
void chy_log_say(struct chy_log *log, enum chy_log_level level, const char *event,
                 const char *format, ...) CHY_PRINTF(4, 5);

#endif
