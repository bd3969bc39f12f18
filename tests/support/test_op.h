/**
 * An operation for unit tests: real memory, errors and log services, a clock that the test moves.
 *
 * The other slots of the service table are NULL until a test sets them through test_op_host().
 */
#ifndef TEST_OP_H
#define TEST_OP_H

#include "base/clock.h"

#include <chancery/host.h>

/** When the clock of a new test operation stands: 2026-01-15T12:00:00Z. */
#define TEST_NOW INT64_C(1768478400000000)

/** test_op_new makes an operation with 64 MiB; stops the test when there is no memory. */
struct chy_op *test_op_new(void);
/** test_op_new_with makes one with `memory_max` bytes for its arena and as many for secrets. */
struct chy_op *test_op_new_with(uint64_t memory_max);
/** test_op_free ends it, with everything allocated.  NULL is fine. */
void test_op_free(struct chy_op *op);
/** test_op_host is its service table, to be changed. */
struct chy_host *test_op_host(struct chy_op *op);
/** test_op_clock is its clock, to be moved. */
struct chy_clock_manual *test_op_clock(struct chy_op *op);
/** test_op_message is the text of its last error, NUL-terminated; "" if nothing failed. */
const char *test_op_message(struct chy_op *op);
/** test_op_set_log_fd lets its log lines, of every level, go to `fd`. */
void test_op_set_log_fd(struct chy_op *op, int fd);

#endif
