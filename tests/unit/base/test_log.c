#include "base/log.h"

#include "base/slice.h"
#include "base/time.h"

#include "test_main.h"
#include "test_op.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A log that writes into a file without a name, and what it wrote. */
struct captured {
    struct chy_clock_manual clock;
    struct chy_log log;
    char text[1 << 20];
    size_t len;
};

static struct captured captured;

static void start(enum chy_log_format format, enum chy_log_level level)
{
    chy_clock_manual_init(&captured.clock, TEST_NOW);
    int fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0); // as a log file is opened
    chy_log_init(&captured.log, fd, format, level, &captured.clock.clock);
}

static void finish(void)
{
    ssize_t len = pread(captured.log.fd, captured.text, sizeof captured.text - 1, 0);
    ck_assert_int_ge(len, 0);
    captured.len = (size_t)len;
    captured.text[len] = '\0';
    (void)close(captured.log.fd);
}

START_TEST(a_json_line_has_everything_in_order)
{
    start(CHY_LOG_FORMAT_JSON, CHY_LOG_INFO);
    struct chy_log_field fields[] = {
        {"status", chy_text("200"), true},
        {"path", chy_text("/api"), false},
        {"cached", chy_text("true"), true},
        {"odd", chy_text("1,\"x\":2"), true}, // no number: quoted after all
        {"ms", chy_text("0.323"), true},
        {"dots", chy_text("1.2.3"), true},
        {"point", chy_text("1."), true},
    };
    struct chy_log_line line = {.level = CHY_LOG_WARNING,
                                .event = chy_text("http.answered"),
                                .message = chy_text("done"),
                                .request_id = chy_text("req-1"),
                                .operation = chy_text("issue"),
                                .instance = chy_text("api"),
                                .fields = fields,
                                .field_count = 7};
    chy_log_write(&captured.log, &line);
    finish();
    ck_assert_str_eq(captured.text,
                     "{\"time\":\"2026-01-15T12:00:00.000Z\",\"level\":\"warning\","
                     "\"event\":\"http.answered\",\"message\":\"done\",\"requestId\":\"req-1\","
                     "\"operation\":\"issue\",\"instance\":\"api\",\"status\":200,"
                     "\"path\":\"/api\",\"cached\":true,\"odd\":\"1,\\\"x\\\":2\",\"ms\":0.323,"
                     "\"dots\":\"1.2.3\",\"point\":\"1.\"}\n");
}
END_TEST

START_TEST(a_text_line_is_for_people)
{
    start(CHY_LOG_FORMAT_TEXT, CHY_LOG_INFO);
    struct chy_log_field field = {"port", chy_text("8080"), true};
    struct chy_log_line line = {.level = CHY_LOG_INFO,
                                .event = chy_text("server.started"),
                                .message = chy_text("listening"),
                                .fields = &field,
                                .field_count = 1};
    chy_log_write(&captured.log, &line);
    line = (struct chy_log_line){.level = CHY_LOG_ERROR,
                                 .message = chy_text("a\nb\x1b[31m"),
                                 .request_id = chy_text("req-1")};
    chy_log_write(&captured.log, &line);
    finish();
    ck_assert_str_eq(captured.text, "12:00:00.000 info    server.started: listening port=8080\n"
                                    "12:00:00.000 error   a\\u000ab\\u001b[31m "
                                    "requestId=\"req-1\"\n");
}
END_TEST

START_TEST(levels_filter)
{
    start(CHY_LOG_FORMAT_TEXT, CHY_LOG_WARNING);
    ck_assert(chy_log_is_on(&captured.log, CHY_LOG_ERROR));
    ck_assert(chy_log_is_on(&captured.log, CHY_LOG_WARNING));
    ck_assert(!chy_log_is_on(&captured.log, CHY_LOG_INFO));
    chy_log_say(&captured.log, CHY_LOG_INFO, "no", "no");
    chy_log_say(&captured.log, CHY_LOG_WARNING, "yes", "%d %s", 1, "x");
    chy_log_set_level(&captured.log, CHY_LOG_DEBUG);
    chy_log_say(&captured.log, CHY_LOG_DEBUG, "debug", "too");
    finish();
    ck_assert_str_eq(captured.text, "12:00:00.000 warning yes: 1 x\n"
                                    "12:00:00.000 debug   debug: too\n");
}
END_TEST

static const struct {
    const char *text;
    size_t len;
    const char *json;
} escape_cases[] = {
    {"q\" b\\", 5, "q\\\" b\\\\"},
    {"\n\r\t\0", 4, "\\u000a\\u000d\\u0009\\u0000"},
    {"\x7f\xc2\x85", 3, "\\u007f\\u0085"},
    {"\xe2\x80\xae", 3, "\\u202e"},
    {"gr\xc3\xbc\xc3\x9f", 6, "gr\xc3\xbc\xc3\x9f"},
    {"a\xff\xc3", 3, "a\\\\xff\\\\xc3"},
};

START_TEST(values_are_escaped)
{
    start(CHY_LOG_FORMAT_JSON, CHY_LOG_INFO);
    struct chy_log_line line = {.level = CHY_LOG_INFO,
                                .message =
                                    chy_slice_of(escape_cases[_i].text, escape_cases[_i].len)};
    chy_log_write(&captured.log, &line);
    finish();
    char expected[256];
    (void)snprintf(
        expected, sizeof expected,
        "{\"time\":\"2026-01-15T12:00:00.000Z\",\"level\":\"info\",\"message\":\"%s\"}\n",
        escape_cases[_i].json);
    ck_assert_str_eq(captured.text, expected);
}
END_TEST

START_TEST(a_line_never_passes_its_limit)
{
    char *long_text = malloc(20000);
    static const char *const units[] = {"x", "\n", "\xe2\x82\xac", "\xff", "\""};
    for (size_t unit = 0; unit < 5; unit++) {
        size_t unit_len = strlen(units[unit]);
        for (size_t i = 0; i + unit_len <= 20000; i += unit_len) {
            memcpy(long_text + i, units[unit], unit_len);
        }
        struct chy_slice value = chy_slice_of(long_text, 20000 / unit_len * unit_len);
        for (int format = 0; format < 2; format++) {
            start((enum chy_log_format)format, CHY_LOG_INFO);
            struct chy_log_field fields[] = {
                {"one", value, false}, {"two", value, false}, {"three", value, false}};
            struct chy_log_line line = {
                .event = value, .message = value, .fields = fields, .field_count = 3};
            chy_log_write(&captured.log, &line);
            finish();
            ck_assert_uint_le(captured.len, CHY_LOG_LINE_MAX);
            ck_assert_uint_gt(captured.len, CHY_LOG_LINE_MAX / 2);
            ck_assert_int_eq(captured.text[captured.len - 1], '\n');
            ck_assert_ptr_eq(strchr(captured.text, '\n'), captured.text + captured.len - 1);
            ck_assert(chy_utf8_is_valid(chy_slice_of(captured.text, captured.len)));
            if (format == CHY_LOG_FORMAT_JSON) {
                ck_assert_mem_eq(captured.text + captured.len - 3, "\"}\n", 3);
            }
        }
    }
    free(long_text);
}
END_TEST

START_TEST(what_cannot_be_written_is_counted)
{
    start(CHY_LOG_FORMAT_JSON, CHY_LOG_INFO);
    int good = captured.log.fd;
    captured.log.fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
    ck_assert_int_ge(captured.log.fd, 0);
    errno = 7;
    chy_log_say(&captured.log, CHY_LOG_INFO, "lost", "lost");
    ck_assert_int_eq(errno, 7);
    ck_assert_uint_eq(captured.log.dropped, 1);
    (void)close(captured.log.fd);
    captured.log.fd = -1;
    chy_log_say(&captured.log, CHY_LOG_INFO, "off", "off");
    ck_assert_uint_eq(captured.log.dropped, 1);
    captured.log.fd = good;
    finish();
}
END_TEST

START_TEST(level_words_read_back)
{
    for (uint32_t level = CHY_LOG_ERROR; level <= CHY_LOG_DEBUG; level++) {
        enum chy_log_level back = CHY_LOG_ERROR;
        ck_assert(chy_log_level_parse(chy_text(chy_log_level_name(level)), &back));
        ck_assert_uint_eq((uint32_t)back, level);
    }
    enum chy_log_level level = CHY_LOG_DEBUG;
    ck_assert(!chy_log_level_parse(chy_text("verbose"), &level));
    ck_assert_uint_eq((uint32_t)level, CHY_LOG_DEBUG);
    ck_assert_str_eq(chy_log_level_name(99), "debug");
}
END_TEST

static void *say_much(void *arg)
{
    for (int i = 0; i < 500; i++) {
        chy_log_say(&captured.log, CHY_LOG_INFO, "thread", "%s%s", (const char *)arg,
                    "...........................................................");
        chy_log_set_level(&captured.log, CHY_LOG_INFO);
    }
    return NULL;
}

START_TEST(lines_of_threads_do_not_mix)
{
    static char names[4][2] = {"a", "b", "c", "d"};
    start(CHY_LOG_FORMAT_TEXT, CHY_LOG_INFO);
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, say_much, names[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    finish();
    size_t lines = 0;
    for (const char *at = captured.text; *at != '\0'; at = strchr(at, '\n') + 1) {
        ck_assert_mem_eq(at, "12:00:00.000 info    thread: ", 29);
        ck_assert_uint_eq((size_t)(strchr(at, '\n') - at), 29 + 60);
        lines++;
    }
    ck_assert_uint_eq(lines, 2000);
}
END_TEST

TEST_MAIN("log", TEST(a_json_line_has_everything_in_order), TEST(a_text_line_is_for_people),
          TEST(levels_filter), TEST_EACH(values_are_escaped, escape_cases),
          TEST(a_line_never_passes_its_limit), TEST(what_cannot_be_written_is_counted),
          TEST(level_words_read_back), TEST(lines_of_threads_do_not_mix))
