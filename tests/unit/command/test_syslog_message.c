#include "command/syslog_message.h"

#include "base/slice.h"
#include "base/time.h"

#include "test_main.h"
#include "test_op.h"

static struct chy_syslog_message message;

static void prepare(void)
{
    message = (struct chy_syslog_message){.priority = 85,
                                          .time = INT64_C(1767225600) * CHY_US_PER_SECOND + 7000,
                                          .machine = chy_text("pki-1.example"),
                                          .process = 42,
                                          .kind = "audit.row",
                                          .sequence = 7,
                                          .json = chy_text("{\"a\":1}")};
}

/** written makes the message, which lives as long as `op`. */
static struct chy_slice written(struct chy_op *op)
{
    struct chy_slice made;
    ck_assert_int_eq(chy_syslog_write(op, &message, &made), CHY_OK);
    return made;
}

START_TEST(a_message_has_every_field)
{
    struct chy_op *op = test_op_new();
    prepare();
    ck_assert(chy_slice_is(written(op), "<85>1 2026-01-01T00:00:00.007Z pki-1.example chancery 42 "
                                        "audit.row [origin software=\"chancery\" "
                                        "swVersion=\"" CHANCERY_VERSION "\"]"
                                        "[meta sequenceId=\"7\"] {\"a\":1}"));
    test_op_free(op);
}
END_TEST

struct host_case {
    const char *machine;
    bool stays;
};

static const struct host_case host_cases[] = {
    {"a", true}, {"", false}, {"a b", false}, {"m\xc3\xbcller", false}, {"x\n", false},
};

START_TEST(a_host_that_may_not_be_there_is_a_dash)
{
    const struct host_case *c = &host_cases[_i];
    struct chy_op *op = test_op_new();
    prepare();
    message.machine = chy_text(c->machine);
    struct chy_slice made = written(op);
    ck_assert_int_eq(chy_slice_contains(made, chy_text("Z - chancery")), !c->stays);
    ck_assert(!chy_slice_contains(made, chy_text("\n")));
    test_op_free(op);
}
END_TEST

START_TEST(what_is_beyond_ascii_is_escaped)
{
    struct chy_op *op = test_op_new();
    prepare();
    message.json = chy_text("{\"a\":\"\xc3\xbc \xe2\x82\xac \xf0\x9f\x94\x91\"}");
    ck_assert(
        chy_slice_ends_with(written(op), chy_text("] {\"a\":\"\\u00fc \\u20ac \\ud83d\\udd11\"}")));
    test_op_free(op);
}
END_TEST

START_TEST(a_frame_begins_with_the_length)
{
    struct chy_op *op = test_op_new();
    struct chy_slice frame;
    ck_assert_int_eq(chy_syslog_frame(op, chy_text("<85>1 - -"), &frame), CHY_OK);
    ck_assert(chy_slice_is(frame, "9 <85>1 - -"));
    test_op_free(op);
}
END_TEST

TEST_MAIN("syslog message", TEST(a_message_has_every_field),
          TEST_EACH(a_host_that_may_not_be_there_is_a_dash, host_cases),
          TEST(what_is_beyond_ascii_is_escaped), TEST(a_frame_begins_with_the_length))
