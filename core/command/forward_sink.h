/**
 * A place that the audit is written to besides the database, and the lines that go there.
 *
 * All of it is for the thread that forwards.  What a sink says it has taken is not sent again, so
 * `flush` answers OK only when everything that was written has left this process for good.
 */
#ifndef CHY_COMMAND_FORWARD_SINK_H
#define CHY_COMMAND_FORWARD_SINK_H

#include "resource/audit_block.h"
#include "resource/runtime.h"

#define CHY_FORWARD_LINE_MAX (128U * 1024U)

/** authpriv.notice (RFC 5424 6.2.1). */
#define CHY_FORWARD_PRIORITY 85

/** What happened, as a line of JSON. */
struct chy_forward_line {
    struct chy_slice text;  /**< without a newline */
    struct chy_slice brief; /**< without its detail; empty: the text is short enough for any */
    const char *kind;       /**< "audit.row", "audit.block" */
    int64_t time;           /**< when it happened */
};

struct chy_forward_sink;

/** How lines get to a kind of place.  A call may wait a few seconds, no longer. */
struct chy_forward_way {
    /** Sets `fd`. */
    chy_status (*open)(struct chy_forward_sink *sink, struct chy_op *op);
    chy_status (*write)(struct chy_forward_sink *sink, struct chy_op *op,
                        const struct chy_forward_line *line);
    chy_status (*flush)(struct chy_forward_sink *sink, struct chy_op *op);
};

struct chy_forward_sink {
    const char *what;       /**< "file", for people and metrics */
    struct chy_slice where; /**< as configured, NUL-terminated; empty: not configured */
    const struct chy_forward_way *way;
    struct chy_slice machine; /**< the name of this one */
    size_t message_max;       /**< bytes of one message; 0: any number */
    int64_t bit;              /**< of CHY_BLOCK_FORWARDED */
    int fd;                   /**< below 0: not open */
    bool is_stream;           /**< of a server: TCP */
    uint32_t sequence;        /**< of the last message to a server */
    uint64_t shortened;       /**< lines without their detail since the last flush */
    bool fails;               /**< and the log tells it */
    int64_t wait;             /**< how long after the next failure: µs */
    int64_t retry_at;         /**< on the monotonic clock; 0: at once */
};

/** A file of lines. */
extern const struct chy_forward_way chy_forward_to_file;
/** The socket of a local syslog daemon, one datagram a line, as its own library writes them. */
extern const struct chy_forward_way chy_forward_to_socket;
/** Another machine's syslog: RFC 5424 over UDP (RFC 5426) or TCP (RFC 6587, octet counting). */
extern const struct chy_forward_way chy_forward_to_server;

CHY_MUST_USE chy_status chy_forward_row(struct chy_op *op, const struct chy_storage_row *row,
                                        struct chy_forward_line *out_line);
CHY_MUST_USE chy_status chy_forward_block(struct chy_op *op, const struct chy_audit_block *block,
                                          struct chy_forward_line *out_line);

#endif
