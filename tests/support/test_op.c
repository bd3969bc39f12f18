#include "test_op.h"

#include "base/log.h"
#include "base/op.h"

#include <stdio.h>
#include <stdlib.h>

/* All that a test operation needs, in one place. */
struct test_op {
    struct chy_operation operation; // first member
    struct chy_host host;
    struct chy_clock_manual clock;
    struct chy_log log;
    char message[CHY_MESSAGE_MAX + 1];
};

static struct test_op *behind(struct chy_op *op)
{
    return (struct test_op *)op;
}

struct chy_op *test_op_new(void)
{
    return test_op_new_with((uint64_t)64 << 20);
}

struct chy_op *test_op_new_with(uint64_t memory_max)
{
    struct test_op *test = calloc(1, sizeof *test);
    if (test == NULL) {
        abort();
    }
    chy_op_fill_host(&test->host);
    chy_clock_manual_init(&test->clock, TEST_NOW);
    chy_log_init(&test->log, -1, CHY_LOG_FORMAT_JSON, CHY_LOG_ERROR, &test->clock.clock);
    struct chy_operation_config config = {
        .host = &test->host,
        .clock = &test->clock.clock,
        .log = &test->log,
        .name = chy_text("test"),
        .request_id = chy_text("req-Test0000000000"),
        .memory_max = (size_t)memory_max,
        .secret_max = (size_t)memory_max,
    };
    if (chy_operation_init(&test->operation, &config) != CHY_OK) {
        abort();
    }
    return &test->operation.op;
}

void test_op_free(struct chy_op *op)
{
    if (op == NULL) {
        return;
    }
    struct test_op *test = behind(op);
    chy_operation_fini(&test->operation);
    free(test);
}

struct chy_host *test_op_host(struct chy_op *op)
{
    return &behind(op)->host;
}

struct chy_clock_manual *test_op_clock(struct chy_op *op)
{
    return &behind(op)->clock;
}

const char *test_op_message(struct chy_op *op)
{
    struct test_op *test = behind(op);
    struct chy_slice message = test->operation.error.message;
    (void)snprintf(test->message, sizeof test->message, "%.*s", (int)message.len,
                   message.len == 0 ? "" : (const char *)message.ptr);
    return test->message;
}

void test_op_set_log_fd(struct chy_op *op, int fd)
{
    struct test_op *test = behind(op);
    test->log.fd = fd;
    chy_log_set_level(&test->log, CHY_LOG_DEBUG);
}
