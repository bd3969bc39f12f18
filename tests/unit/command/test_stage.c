#include "command/stage.h"

#include "test_main.h"
#include "test_op.h"

/** What the stages did, one letter each: capital up, small down. */
struct trace {
    char text[32];
    size_t len;
};

static void note(void *daemon, char letter)
{
    struct trace *trace = daemon;
    trace->text[trace->len++] = letter;
}

static chy_status a_up(void *daemon, struct chy_op *op)
{
    (void)op;
    note(daemon, 'A');
    return CHY_OK;
}

static void a_down(void *daemon, struct chy_op *op)
{
    (void)chy_fail(op, CHY_BROKEN, 0, "going down fails too");
    note(daemon, 'a');
}

static chy_status b_up(void *daemon, struct chy_op *op)
{
    (void)op;
    note(daemon, 'B');
    return CHY_OK;
}

static void b_down(void *daemon, struct chy_op *op)
{
    (void)op;
    note(daemon, 'b');
}

static chy_status fail_up(void *daemon, struct chy_op *op)
{
    note(daemon, 'F');
    return chy_fail(op, CHY_TRY_LATER, 7, "the port is taken");
}

static void fail_down(void *daemon, struct chy_op *op)
{
    (void)op;
    note(daemon, 'f');
}

START_TEST(down_is_up_read_backwards)
{
    static const struct chy_stage stages[] = {
        {"a", a_up, a_down}, {"none", b_up, NULL}, {"b", b_up, b_down}};
    struct chy_op *op = test_op_new();
    struct trace trace = {"", 0};
    ck_assert_int_eq(chy_stages_up(stages, 3, &trace, op), CHY_OK);
    chy_stages_down(stages, 3, &trace, op);
    ck_assert_str_eq(trace.text, "ABBba");
    test_op_free(op);
}
END_TEST

START_TEST(a_failure_takes_those_before_it_down_and_keeps_its_reason)
{
    static const struct chy_stage stages[] = {
        {"a", a_up, a_down}, {"b", b_up, b_down}, {"f", fail_up, fail_down}, {"b", b_up, b_down}};
    struct chy_op *op = test_op_new();
    struct trace trace = {"", 0};
    ck_assert_int_eq(chy_stages_up(stages, 4, &trace, op), CHY_TRY_LATER);
    ck_assert_str_eq(trace.text, "ABFba");
    ck_assert_str_eq(test_op_message(op), "the port is taken");
    test_op_free(op);
}
END_TEST

TEST_MAIN("command_stage", TEST(down_is_up_read_backwards),
          TEST(a_failure_takes_those_before_it_down_and_keeps_its_reason))
