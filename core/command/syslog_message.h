/** Syslog messages as RFC 5424 wants them. */
#ifndef CHY_COMMAND_SYSLOG_MESSAGE_H
#define CHY_COMMAND_SYSLOG_MESSAGE_H

#include "base/buf.h"

struct chy_syslog_message {
    int priority;             /**< facility * 8 + severity */
    int64_t time;             /**< wall clock: µs */
    struct chy_slice machine; /**< what HOSTNAME cannot hold becomes "-" */
    long process;
    const char *kind;      /**< MSGID: printable ASCII, at most 32 */
    uint32_t sequence;     /**< 1 to 2147483647: its gaps show the receiver what is missing */
    struct chy_slice json; /**< characters beyond ASCII are written as JSON's escapes */
};

CHY_MUST_USE chy_status chy_syslog_write(struct chy_op *op,
                                         const struct chy_syslog_message *message,
                                         struct chy_slice *out_message);

/** chy_syslog_frame puts its length before a message, as TCP wants (RFC 6587 3.4.1). */
CHY_MUST_USE chy_status chy_syslog_frame(struct chy_op *op, struct chy_slice message,
                                         struct chy_slice *out_frame);

#endif
