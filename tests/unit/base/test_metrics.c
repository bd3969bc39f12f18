#include "base/metrics.h"

#include "test_main.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static char written[1 << 20];

/* The text of a registry, without the line that counts what was dropped if that is 0. */
static const char *text_of(struct chy_metrics *metrics)
{
    struct chy_buf buf;
    chy_buf_init(&buf, NULL, sizeof written - 1);
    chy_metrics_write(metrics, &buf);
    ck_assert(chy_buf_ok(&buf));
    memcpy(written, buf.ptr, buf.len);
    written[buf.len] = '\0';
    chy_buf_fini(&buf);
    static const char none[] = "# TYPE chancery_metrics_dropped_total counter\n"
                               "chancery_metrics_dropped_total 0\n";
    char *tail = strstr(written, none);
    if (tail != NULL) {
        *tail = '\0';
    }
    return written;
}

static uint64_t dropped(struct chy_metrics *metrics)
{
    const char *line = strstr(text_of(metrics), "\nchancery_metrics_dropped_total ");
    return line == NULL ? 0 : strtoull(strrchr(written, ' '), NULL, 10);
}

START_TEST(the_text_is_sorted_and_typed)
{
    struct chy_metrics *metrics = chy_metrics_new();
    struct chy_slice none = {NULL, 0};
    ck_assert_str_eq(text_of(metrics), "");
    chy_metrics_gauge(metrics, chy_text("workers"), none, 7);
    chy_metrics_count(metrics, chy_text("requests"), chy_text("code=\"500\""), 1);
    chy_metrics_count(metrics, chy_text("requests"), chy_text("code=\"200\",method=\"GET\""), 2);
    chy_metrics_count(metrics, chy_text("requests"), chy_text("code=\"500\""), 3);
    chy_metrics_count(metrics, chy_text("bytes_total"), none, 0);
    chy_metrics_gauge(metrics, chy_text("workers"), none, -3);
    ck_assert_str_eq(text_of(metrics), "# TYPE chancery_bytes_total counter\n"
                                       "chancery_bytes_total 0\n"
                                       "# TYPE chancery_requests_total counter\n"
                                       "chancery_requests_total{code=\"200\",method=\"GET\"} 2\n"
                                       "chancery_requests_total{code=\"500\"} 4\n"
                                       "# TYPE chancery_workers gauge\n"
                                       "chancery_workers -3\n");
    chy_metrics_free(metrics);
    chy_metrics_free(NULL);
}
END_TEST

START_TEST(a_histogram_has_buckets_sum_and_count)
{
    struct chy_metrics *metrics = chy_metrics_new();
    static const int64_t durations[] = {500, 501, 1000000, 99000000};
    for (int i = 0; i < 4; i++) {
        chy_metrics_observe(metrics, chy_text("wait_seconds"), chy_text("k=\"v\""), durations[i]);
    }
    const char *text = text_of(metrics);
    ck_assert_ptr_nonnull(strstr(text, "# TYPE chancery_wait_seconds histogram\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"0.0005\"} 1\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"0.001\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"0.5\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"1\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"10\"} 3\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_bucket{k=\"v\",le=\"+Inf\"} 4\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_sum{k=\"v\"} 100.001001\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_wait_seconds_count{k=\"v\"} 4\n"));
    chy_metrics_free(metrics);
}
END_TEST

START_TEST(a_series_found_once_is_the_same)
{
    struct chy_metrics *metrics = chy_metrics_new();
    struct chy_slice none = {NULL, 0};
    struct chy_series *series = chy_metrics_counter(metrics, chy_text("c"), none);
    ck_assert_ptr_nonnull(series);
    ck_assert_ptr_eq(series, chy_metrics_counter(metrics, chy_text("c"), none));
    chy_series_add(series, 5);
    chy_metrics_count(metrics, chy_text("c"), none, 1);
    struct chy_series *gauge = chy_metrics_gauge_series(metrics, chy_text("g"), none);
    chy_series_set(gauge, 5);
    chy_series_add(gauge, -1);
    chy_series_observe(chy_metrics_histogram(metrics, chy_text("h"), none), 1);
    const char *text = text_of(metrics);
    ck_assert_ptr_nonnull(strstr(text, "chancery_c_total 6\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_g 4\n"));
    ck_assert_ptr_nonnull(strstr(text, "chancery_h_count 1\n"));
    chy_series_add(NULL, 1);
    chy_series_set(NULL, 1);
    chy_series_observe(NULL, 1);
    chy_metrics_free(metrics);
}
END_TEST

static const struct {
    const char *name;
    const char *label;
} malformed[] = {
    {"", ""},
    {"Name", ""},
    {"1name", ""},
    {"na-me", ""},
    {"name ", ""},
    {"name\n", ""},
    {"name", "x"},
    {"name", "x="},
    {"name", "x=y"},
    {"name", "x=\"y"},
    {"name", "x=\"y\" "},
    {"name", "x=\"y\","},
    {"name", "=\"y\""},
    {"name", "X=\"y\""},
    {"name", "x=\"y\"z"},
    {"name", "x=\"a\nb\""},
    {"name", "x=\"\\\""},
    {"name", "x=\"\\a\""},
    {"name", "x=\"y\"}\nchancery_evil 1\n#{y=\"z\""},
    {"name", "le=\"1\""},
    {"name", "x=\"\xff\""},
};

START_TEST(malformed_names_and_labels_are_dropped)
{
    struct chy_metrics *metrics = chy_metrics_new();
    chy_metrics_count(metrics, chy_text(malformed[_i].name), chy_text(malformed[_i].label), 1);
    ck_assert_uint_eq(dropped(metrics), 1);
    ck_assert_ptr_null(strstr(text_of(metrics), "name"));
    chy_metrics_free(metrics);
}
END_TEST

START_TEST(escaped_labels_are_fine)
{
    struct chy_metrics *metrics = chy_metrics_new();
    chy_metrics_count(metrics, chy_text("n"), chy_text("a=\"q\\\"\\\\\\n\",b=\"\""), 1);
    ck_assert_str_eq(text_of(metrics), "# TYPE chancery_n_total counter\n"
                                       "chancery_n_total{a=\"q\\\"\\\\\\n\",b=\"\"} 1\n");
    chy_metrics_free(metrics);
}
END_TEST

START_TEST(another_type_and_a_falling_counter_are_dropped)
{
    struct chy_metrics *metrics = chy_metrics_new();
    chy_metrics_count(metrics, chy_text("n"), chy_text(""), 4);
    chy_metrics_gauge(metrics, chy_text("n"), chy_text(""), 9);
    chy_metrics_gauge(metrics, chy_text("n"), chy_text("x=\"y\""), 9);
    chy_metrics_observe(metrics, chy_text("n"), chy_text(""), 9);
    chy_metrics_count(metrics, chy_text("n"), chy_text(""), -1);
    ck_assert_uint_eq(dropped(metrics), 4);
    ck_assert_ptr_nonnull(strstr(text_of(metrics), "chancery_n_total 4\n"));
    chy_metrics_free(metrics);
}
END_TEST

START_TEST(series_are_bounded)
{
    struct chy_metrics *metrics = chy_metrics_new();
    for (uint32_t i = 0; i < CHY_METRICS_SERIES_MAX + 50; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "n=\"%u\"", i);
        chy_metrics_count(metrics, chy_text("n"), chy_text(label), 1);
    }
    ck_assert_uint_eq(dropped(metrics), 50);
    // Those that are there go on counting.
    chy_metrics_count(metrics, chy_text("n"), chy_text("n=\"7\""), 1);
    ck_assert_ptr_nonnull(strstr(text_of(metrics), "chancery_n_total{n=\"7\"} 2\n"));
    chy_metrics_free(metrics);
}
END_TEST

START_TEST(a_text_that_does_not_fit_is_a_failure)
{
    struct chy_metrics *metrics = chy_metrics_new();
    chy_metrics_count(metrics, chy_text("n"), chy_text(""), 1);
    struct chy_buf buf;
    chy_buf_init(&buf, NULL, 20);
    chy_metrics_write(metrics, &buf);
    ck_assert(!chy_buf_ok(&buf));
    chy_buf_fini(&buf);
    chy_metrics_free(metrics);
}
END_TEST

static void *count_much(void *arg)
{
    (void)arg;
    struct chy_metrics *metrics = chy_metrics_process();
    for (int i = 0; i < 2000; i++) {
        char label[32];
        (void)snprintf(label, sizeof label, "n=\"%d\"", i % 100);
        chy_metrics_count(metrics, chy_text("shared"), chy_text(label), 1);
        chy_metrics_observe(metrics, chy_text("time"), chy_text(""), i);
        if (i % 500 == 0) {
            struct chy_buf buf;
            chy_buf_init(&buf, NULL, 1 << 20);
            chy_metrics_write(metrics, &buf);
            ck_assert(chy_buf_ok(&buf));
            chy_buf_fini(&buf);
        }
    }
    return NULL;
}

START_TEST(threads_lose_no_count)
{
    pthread_t threads[4];
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_create(&threads[i], NULL, count_much, NULL), 0);
    }
    for (int i = 0; i < 4; i++) {
        ck_assert_int_eq(pthread_join(threads[i], NULL), 0);
    }
    const char *text = text_of(chy_metrics_process());
    for (int i = 0; i < 100; i++) {
        char line[64];
        (void)snprintf(line, sizeof line, "chancery_shared_total{n=\"%d\"} 80\n", i);
        ck_assert_ptr_nonnull(strstr(text, line));
    }
    ck_assert_ptr_nonnull(strstr(text, "chancery_time_count 8000\n"));
}
END_TEST

TEST_MAIN("metrics", TEST(the_text_is_sorted_and_typed),
          TEST(a_histogram_has_buckets_sum_and_count), TEST(a_series_found_once_is_the_same),
          TEST_EACH(malformed_names_and_labels_are_dropped, malformed),
          TEST(escaped_labels_are_fine), TEST(another_type_and_a_falling_counter_are_dropped),
          TEST(series_are_bounded), TEST(a_text_that_does_not_fit_is_a_failure),
          TEST(threads_lose_no_count))
