#include "base/op.h"

#include "base/slice.h"

#include "test_main.h"
#include "test_op.h"

#include <ctype.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static struct chy_error last_error(struct chy_op *op)
{
    struct chy_error error;
    op->host->last_error(op, &error);
    return error;
}

/* --- memory ----------------------------------------------------------------------------------- */

START_TEST(allocations_have_a_ceiling)
{
    struct chy_op *op = test_op_new_with(1024);
    ck_assert_ptr_nonnull(chy_alloc(op, 1000));
    ck_assert_ptr_null(chy_alloc(op, 100));
    ck_assert_int_eq(chy_fail_memory(op), CHY_NO_MEMORY);
    ck_assert_str_eq(test_op_message(op), "the memory limit of the operation was reached");
    ck_assert_ptr_nonnull(chy_secret_alloc(op, 1000));
    ck_assert_ptr_null(chy_secret_alloc(op, 100));
    test_op_free(op);
}
END_TEST

static int seen;

static void look(void *arg)
{
    struct chy_op *op = arg;
    // Memory, secrets and services are still there while this runs.
    seen += chy_alloc(op, 8) != NULL && *chy_operation_of(op)->request_id == 'r';
}

static void look_at_secret(void *arg)
{
    seen += *(char *)arg == 's';
}

START_TEST(deferred_runs_while_everything_is_there)
{
    struct chy_op *op = test_op_new();
    char *secret = chy_secret_alloc(op, 1);
    *secret = 's';
    ck_assert_int_eq(chy_defer(op, look, op), CHY_OK);
    ck_assert_int_eq(chy_defer(op, look_at_secret, secret), CHY_OK);
    ck_assert_int_eq(seen, 0);
    test_op_free(op);
    ck_assert_int_eq(seen, 2);
}
END_TEST

START_TEST(no_memory_is_a_status)
{
    struct chy_op *op = test_op_new();
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_defer(op, look, op), CHY_NO_MEMORY);
    chy_test_fail_alloc_at(1);
    ck_assert_ptr_null(chy_secret_alloc(op, 1));
    chy_test_fail_alloc_at(2);
    ck_assert_ptr_null(chy_secret_alloc(op, 1));
    ck_assert_ptr_nonnull(chy_secret_alloc(op, 1));
    for (long n = 1; n <= 2; n++) {
        chy_test_fail_alloc_at(n);
        ck_assert_ptr_null(op->host->op_child(op));
        ck_assert(chy_test_fail_alloc_fired());
    }
    struct chy_operation operation;
    struct chy_operation_config config = {.host = op->host};
    chy_test_fail_alloc_at(1);
    ck_assert_int_eq(chy_operation_init(&operation, &config), CHY_NO_MEMORY);
    chy_test_fail_alloc_at(0);
    test_op_free(op);
    ck_assert_int_eq(seen, 0);
}
END_TEST

START_TEST(ended_twice_and_never_begun_are_fine)
{
    struct chy_host host = {0};
    chy_op_fill_host(&host);
    struct chy_operation operation = {0};
    chy_operation_fini(&operation);
    struct chy_operation_config config = {.host = &host};
    ck_assert_int_eq(chy_operation_init(&operation, &config), CHY_OK);
    ck_assert_ptr_nonnull(chy_secret_alloc(&operation.op, 8));
    ck_assert_int_eq(chy_deadline(&operation.op), CHY_NO_DEADLINE);
    ck_assert_int_gt(chy_now(&operation.op), TEST_NOW - INT64_C(100000000000000));
    chy_log_info(&operation.op, "to.nobody", "there is no log");
    chy_operation_fini(&operation);
    chy_operation_fini(&operation);
    chy_operation_free(NULL);
    host.op_end(NULL);
}
END_TEST

/* --- failing ---------------------------------------------------------------------------------- */

START_TEST(fail_records_the_cause)
{
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(last_error(op).status, CHY_OK);
    ck_assert_int_eq(chy_fail(op, CHY_BROKEN, 11, "cannot open '%s'", "x"), CHY_BROKEN);
    struct chy_error error = last_error(op);
    ck_assert_uint_eq(error.struct_size, sizeof error);
    ck_assert_int_eq(error.status, CHY_BROKEN);
    ck_assert_int_eq(error.native_code, 11);
    ck_assert_uint_eq(error.reason, CHY_REASON_NONE);
    ck_assert(chy_slice_is(error.message, "cannot open 'x'"));
    ck_assert_int_eq(chy_fail_reason(op, CHY_DENIED, CHY_REASON_TOKEN, "no"), CHY_DENIED);
    error = last_error(op);
    ck_assert_int_eq(error.native_code, 0);
    ck_assert_uint_eq(error.reason, CHY_REASON_TOKEN);
    ck_assert_int_eq(chy_fail(op, CHY_NOT_FOUND, 0, "gone"), CHY_NOT_FOUND);
    ck_assert_uint_eq(last_error(op).reason, CHY_REASON_NONE);
    test_op_free(op);
}
END_TEST

START_TEST(a_message_outlives_the_next_failure)
{
    struct chy_op *op = test_op_new();
    (void)chy_fail(op, CHY_BROKEN, 0, "first");
    struct chy_error first = last_error(op);
    (void)chy_fail(op, CHY_BROKEN, 0, "second");
    ck_assert(chy_slice_is(first.message, "first"));
    ck_assert_int_eq(op->host->fail_with(op, &first), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(op), "first");
    // Failing again with the record itself must not read what it writes.
    struct chy_error same = chy_operation_of(op)->error;
    ck_assert_int_eq(op->host->fail_with(op, &same), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(op), "first");
    test_op_free(op);
}
END_TEST

START_TEST(a_message_is_clean_and_cut)
{
    struct chy_op *op = test_op_new();
    (void)op->host->fail(op, CHY_BROKEN, 0, chy_slice_of("a\nb\x1b[1m\xff\0c", 10));
    ck_assert_str_eq(test_op_message(op), "a?b?[1m??c");
    char *text = malloc(9000); // a policy may have many reasons: what is long is kept, up to 8192
    memset(text, 'x', 9000);
    (void)op->host->fail(op, CHY_BROKEN, 0, chy_slice_of(text, 5000));
    ck_assert_uint_eq(last_error(op).message.len, 5000);
    (void)op->host->fail(op, CHY_BROKEN, 0, chy_slice_of(text, 9000));
    ck_assert_uint_eq(last_error(op).message.len, 8192);
    free(text);
    (void)op->host->fail(op, CHY_BROKEN, 0, chy_slice_of(NULL, 0));
    ck_assert_uint_eq(last_error(op).message.len, 0);
    test_op_free(op);
}
END_TEST

START_TEST(failing_with_ok_is_a_bug_and_reads_as_one)
{
    struct chy_op *op = test_op_new();
    ck_assert_int_eq(chy_fail(op, CHY_OK, 0, "no failure"), CHY_BROKEN);
    struct chy_error error = {.struct_size = sizeof error, .status = CHY_OK};
    ck_assert_int_eq(op->host->fail_with(op, &error), CHY_BROKEN);
    test_op_free(op);
}
END_TEST

START_TEST(a_whole_error_is_copied)
{
    struct chy_op *op = test_op_new();
    char message[] = "too fast";
    char details[] = "[{\"action\":\"read\"}]";
    char code[] = "too_big";
    struct chy_issue issue = {chy_text(code), chy_text("/a"), chy_text("m\n")};
    struct chy_error error = {.struct_size = sizeof error,
                              .status = CHY_TRY_LATER,
                              .native_code = -3,
                              .reason = CHY_REASON_RATE,
                              .retry_after_s = 9,
                              .message = chy_text(message),
                              .issues = {&issue, 1, sizeof issue},
                              .details = chy_text(details)};
    ck_assert_int_eq(op->host->fail_with(op, &error), CHY_TRY_LATER);
    memset(message, 'x', sizeof message - 1);
    memset(details, 'x', sizeof details - 1);
    memset(code, 'x', sizeof code - 1);
    struct chy_error got = last_error(op);
    ck_assert_uint_eq(got.retry_after_s, 9);
    ck_assert_int_eq(got.native_code, -3);
    ck_assert(chy_slice_is(got.message, "too fast"));
    ck_assert(chy_slice_is(got.details, "[{\"action\":\"read\"}]"));
    ck_assert_uint_eq(got.issues.count, 1);
    const struct chy_issue *kept = chy_view_at(got.issues, 0);
    ck_assert(chy_slice_is(kept->code, "too_big") && chy_slice_is(kept->message, "m?"));
    test_op_free(op);
}
END_TEST

START_TEST(an_error_of_an_older_plugin_is_read_as_far_as_it_goes)
{
    struct chy_op *op = test_op_new();
    struct chy_error error;
    memset(&error, 0xee, sizeof error);
    error.struct_size = offsetof(struct chy_error, issues);
    error.status = CHY_CONFLICT;
    error.native_code = 0;
    error.reason = CHY_REASON_NONE;
    error.message = chy_text("short");
    ck_assert_int_eq(op->host->fail_with(op, &error), CHY_CONFLICT);
    struct chy_error got = last_error(op);
    ck_assert_uint_eq(got.issues.count, 0);
    ck_assert_uint_eq(got.details.len, 0);
    ck_assert(chy_slice_is(got.message, "short"));
    test_op_free(op);
}
END_TEST

static void add_issue(struct chy_op *op, const char *path)
{
    struct chy_issue issue = {chy_text("invalid_type"), chy_text(path), chy_text("wrong")};
    op->host->issue(op, &issue);
}

START_TEST(added_issues_go_with_the_next_validation_error)
{
    struct chy_op *op = test_op_new();
    add_issue(op, "/a");
    add_issue(op, "/b");
    ck_assert_int_eq(chy_fail(op, CHY_NOT_FOUND, 0, "in between"), CHY_NOT_FOUND);
    ck_assert_uint_eq(last_error(op).issues.count, 0);
    ck_assert_int_eq(chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "v"), CHY_BAD_INPUT);
    struct chy_error error = last_error(op);
    ck_assert_uint_eq(error.issues.count, 2);
    const struct chy_issue *second = chy_view_at(error.issues, 1);
    ck_assert(chy_slice_is(second->path, "/b"));
    ck_assert_int_eq(chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "v"), CHY_BAD_INPUT);
    ck_assert_uint_eq(last_error(op).issues.count, 0);
    test_op_free(op);
}
END_TEST

START_TEST(issues_are_bounded)
{
    struct chy_op *op = test_op_new();
    for (int i = 0; i < 250; i++) {
        char path[16];
        (void)snprintf(path, sizeof path, "/%d", i);
        add_issue(op, path);
    }
    (void)chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_VALIDATION, "v");
    struct chy_error error = last_error(op);
    ck_assert_uint_eq(error.issues.count, CHY_ISSUES_MAX);
    const struct chy_issue *last = chy_view_at(error.issues, CHY_ISSUES_MAX - 1);
    ck_assert(chy_slice_is(last->path, "/99"));
    test_op_free(op);
}
END_TEST

START_TEST(errors_need_no_memory)
{
    struct chy_op *op = test_op_new_with(64);
    (void)chy_alloc(op, 64);
    add_issue(op, "/a");
    struct chy_issue issue = {chy_text("c"), chy_text("/p"), chy_text("m")};
    struct chy_error error = {.struct_size = sizeof error,
                              .status = CHY_BAD_INPUT,
                              .reason = CHY_REASON_VALIDATION,
                              .message = chy_text("kept"),
                              .issues = {&issue, 1, sizeof issue},
                              .details = chy_text("{}")};
    ck_assert_int_eq(op->host->fail_with(op, &error), CHY_BAD_INPUT);
    struct chy_error got = last_error(op);
    ck_assert(chy_slice_is(got.message, "kept"));
    ck_assert_uint_eq(got.issues.count, 0);
    ck_assert_uint_eq(got.details.len, 0);
    test_op_free(op);
}
END_TEST

/* --- time and identity ------------------------------------------------------------------------ */

START_TEST(time_and_identity_are_what_was_given)
{
    struct chy_op *test = test_op_new();
    char name[] = "issue";
    struct chy_operation_config config = {.host = test->host,
                                          .clock = &test_op_clock(test)->clock,
                                          .name = chy_text(name),
                                          .request_id = chy_text("req-given"),
                                          .deadline = 5000,
                                          .principal = name,
                                          .flags = CHY_OP_JOB};
    struct chy_operation *operation = chy_operation_new(&config);
    struct chy_op *op = &operation->op;
    name[0] = 'X';
    ck_assert_uint_eq(op->flags, CHY_OP_JOB);
    ck_assert_uint_eq(op->struct_size, sizeof *op);
    ck_assert_int_eq(chy_now(op), TEST_NOW);
    chy_clock_manual_advance(test_op_clock(test), 10);
    ck_assert_int_eq(chy_now(op), TEST_NOW + 10);
    ck_assert_int_eq(chy_monotonic(op), operation->started + 10);
    ck_assert_int_eq(chy_deadline(op), 5000);
    ck_assert(chy_slice_is(op->host->request_id(op), "req-given"));
    ck_assert(chy_slice_is(chy_slice_of(operation->name, operation->name_len), "issue"));
    ck_assert_ptr_eq(operation->principal, name);
    ck_assert_ptr_eq(chy_operation_of(op), operation);
    chy_operation_free(operation);
    test_op_free(test);
}
END_TEST

START_TEST(long_identities_are_cut)
{
    struct chy_op *test = test_op_new();
    char text[200];
    memset(text, 'n', sizeof text);
    struct chy_operation_config config = {.host = test->host,
                                          .name = chy_slice_of(text, sizeof text),
                                          .request_id = chy_slice_of(text, sizeof text)};
    struct chy_operation *operation = chy_operation_new(&config);
    ck_assert_uint_eq(operation->name_len, CHY_OPERATION_TEXT_MAX);
    ck_assert_uint_eq(test->host->request_id(&operation->op).len, CHY_OPERATION_TEXT_MAX);
    chy_operation_free(operation);
    test_op_free(test);
}
END_TEST

START_TEST(fresh_request_ids_are_well_formed_and_differ)
{
    enum {
        COUNT = 2000
    };
    static char ids[COUNT][CHY_REQUEST_ID_LEN];
    for (int i = 0; i < COUNT; i++) {
        chy_request_id_make(ids[i]);
        ck_assert_mem_eq(ids[i], "req-", 4);
        size_t alphanumeric = 4;
        while (alphanumeric < CHY_REQUEST_ID_LEN && isalnum((unsigned char)ids[i][alphanumeric])) {
            alphanumeric++;
        }
        ck_assert_uint_eq(alphanumeric, CHY_REQUEST_ID_LEN);
        int others = 0;
        while (others < i && memcmp(ids[i], ids[others], CHY_REQUEST_ID_LEN) != 0) {
            others++;
        }
        ck_assert_int_eq(others, i);
    }
    struct chy_op *test = test_op_new();
    struct chy_operation_config config = {.host = test->host};
    struct chy_operation *operation = chy_operation_new(&config);
    struct chy_slice id = test->host->request_id(&operation->op);
    ck_assert_uint_eq(id.len, CHY_REQUEST_ID_LEN);
    ck_assert(chy_slice_starts_with(id, chy_text("req-")));
    chy_operation_free(operation);
    test_op_free(test);
}
END_TEST

static void *cancel(void *arg)
{
    chy_operation_cancel(arg);
    return NULL;
}

START_TEST(a_child_is_like_its_parent_with_memory_of_its_own)
{
    struct chy_op *op = test_op_new_with(4096);
    struct chy_operation *parent = chy_operation_of(op);
    parent->principal = &seen;
    parent->deadline = 99;
    struct chy_op *child = op->host->op_child(op);
    ck_assert_ptr_nonnull(child);
    ck_assert_ptr_eq(child->host, op->host);
    ck_assert_ptr_eq(chy_operation_of(child)->principal, &seen);
    ck_assert_int_eq(chy_deadline(child), 99);
    ck_assert_int_eq(chy_now(child), TEST_NOW);
    ck_assert(chy_slice_is(op->host->request_id(child), "req-Test0000000000"));
    ck_assert_ptr_nonnull(chy_alloc(child, 4096));
    ck_assert_ptr_null(chy_alloc(child, 1));
    ck_assert_ptr_nonnull(chy_alloc(op, 4000));
    ck_assert_int_eq(chy_fail(child, CHY_BROKEN, 0, "child's"), CHY_BROKEN);
    ck_assert_int_eq(last_error(op).status, CHY_OK);

    ck_assert_int_eq(chy_cancelled(child), 0);
    pthread_t thread;
    ck_assert_int_eq(pthread_create(&thread, NULL, cancel, parent), 0);
    while (chy_cancelled(child) == 0) {
        (void)usleep(100);
    }
    ck_assert_int_eq(pthread_join(thread, NULL), 0);
    ck_assert_int_eq(chy_cancelled(op), 1);
    op->host->op_end(child);
    test_op_free(op);
}
END_TEST

START_TEST(what_a_child_says_of_its_failure_is_passed_on)
{
    struct chy_op *op = test_op_new();
    struct chy_op *child = op->host->op_child(op);
    (void)chy_fail(child, CHY_DENIED, 7, "the child's");
    ck_assert_int_eq(chy_op_end_child(op, child, CHY_DENIED), CHY_DENIED);
    ck_assert_int_eq(last_error(op).status, CHY_DENIED);
    ck_assert_int_eq(last_error(op).native_code, 7);
    ck_assert_str_eq(test_op_message(op), "the child's");

    child = op->host->op_child(op);
    (void)chy_fail(child, CHY_BROKEN, 0, "which was dealt with");
    ck_assert_int_eq(chy_op_end_child(op, child, CHY_OK), CHY_OK);
    ck_assert_str_eq(test_op_message(op), "the child's");
    test_op_free(op);
}
END_TEST

START_TEST(a_failure_that_was_dealt_with_does_not_speak_for_another)
{
    struct chy_op *op = test_op_new();
    struct chy_op *child = op->host->op_child(op);
    (void)chy_fail(child, CHY_NOT_FOUND, 0, "which was dealt with");
    ck_assert_int_eq(chy_op_end_child(op, child, CHY_CONFLICT), CHY_CONFLICT);
    ck_assert_int_eq(last_error(op).status, CHY_OK);
    (void)chy_fail(op, CHY_NO_MEMORY, 0, "there was none");
    ck_assert_int_eq(chy_op_adopt(op, NULL, CHY_NO_MEMORY), CHY_NO_MEMORY);
    ck_assert_str_eq(test_op_message(op), "there was none");
    test_op_free(op);
}
END_TEST

/* --- seeing ----------------------------------------------------------------------------------- */

START_TEST(log_lines_say_who)
{
    struct chy_op *op = test_op_new();
    int fd = memfd_create("log", MFD_CLOEXEC);
    ck_assert_uint_eq(op->host->log_level(op), CHY_LOG_ERROR);
    chy_log_info(op, "not.written", "the level is off");
    test_op_set_log_fd(op, fd);
    chy_operation_of(op)->instance_name = chy_text("sqlite-1");
    ck_assert_uint_eq(op->host->log_level(op), CHY_LOG_DEBUG);
    chy_log_warning(op, "store.slow", "took %d ms", 7);
    char text[512] = "";
    ck_assert_int_gt(pread(fd, text, sizeof text - 1, 0), 0);
    ck_assert_str_eq(text, "{\"time\":\"2026-01-15T12:00:00.000Z\",\"level\":\"warning\","
                           "\"event\":\"store.slow\",\"message\":\"took 7 ms\","
                           "\"requestId\":\"req-Test0000000000\",\"operation\":\"test\","
                           "\"instance\":\"sqlite-1\"}\n");
    (void)close(fd);
    test_op_free(op);
}
END_TEST

START_TEST(filling_a_table_leaves_other_slots_alone)
{
    struct chy_host host;
    memset(&host, 0, sizeof host);
    chy_op_fill_host(&host);
    ck_assert_uint_eq(host.struct_size, sizeof host);
    ck_assert(host.random == NULL && host.op_begin == NULL && host.resource == NULL);
    ck_assert(host.alloc != NULL && host.log != NULL && host.op_child != NULL);
    struct chy_op *op = test_op_new();
    struct chy_buffer out = {NULL, 0};
    ck_assert_int_eq(chy_random(op, out), CHY_UNSUPPORTED);
    test_op_free(op);
}
END_TEST

TEST_MAIN("op", TEST(allocations_have_a_ceiling), TEST(deferred_runs_while_everything_is_there),
          TEST(no_memory_is_a_status), TEST(ended_twice_and_never_begun_are_fine),
          TEST(fail_records_the_cause), TEST(a_message_outlives_the_next_failure),
          TEST(a_message_is_clean_and_cut), TEST(failing_with_ok_is_a_bug_and_reads_as_one),
          TEST(a_whole_error_is_copied),
          TEST(an_error_of_an_older_plugin_is_read_as_far_as_it_goes),
          TEST(added_issues_go_with_the_next_validation_error), TEST(issues_are_bounded),
          TEST(errors_need_no_memory), TEST(time_and_identity_are_what_was_given),
          TEST(long_identities_are_cut), TEST(fresh_request_ids_are_well_formed_and_differ),
          TEST(a_child_is_like_its_parent_with_memory_of_its_own),
          TEST(what_a_child_says_of_its_failure_is_passed_on),
          TEST(a_failure_that_was_dealt_with_does_not_speak_for_another), TEST(log_lines_say_who),
          TEST(filling_a_table_leaves_other_slots_alone))
