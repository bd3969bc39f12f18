#include "base/slice.h"
#include "base/time.h"
#include "command/forward_sink.h"
#include "command/syslog_message.h"
#include "config/listen.h"

#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

/** How long a server may take to answer a call, or to take more: µs. */
#define PATIENCE (3 * CHY_US_PER_SECOND)
/** Between two looks whether this operation was called off: ms. */
#define LOOK_MS 100
/** Between two looks whether everything has arrived: ms. */
#define ARRIVAL_MS 2

#define SEQUENCE_MAX 2147483647U // RFC 5424 7.3.1

static chy_status fail(struct chy_forward_sink *sink, struct chy_op *op, const char *what, int code)
{
    return chy_fail(op, CHY_TRY_LATER, code, "audit.syslog_server %s %s: %s",
                    (const char *)sink->where.ptr, what, strerror(code));
}

static int64_t patience_ends(struct chy_op *op)
{
    return chy_monotonic(op) + PATIENCE;
}

/** wait_for waits until the socket is ready or the time is over; 0, or what went wrong. */
static int wait_for(int fd, struct chy_op *op, short events, int64_t until)
{
    while (chy_cancelled(op) == 0 && chy_monotonic(op) < until) {
        struct pollfd one = {.fd = fd, .events = events};
        int ready = poll(&one, 1, LOOK_MS);
        if (ready > 0) {
            return 0;
        }
        if (ready < 0 && errno != EINTR) {
            return errno;
        }
    }
    return chy_cancelled(op) != 0 ? ECANCELED : ETIMEDOUT;
}

static int pending_error(int fd)
{
    int code = 0;
    socklen_t len = sizeof code;
    return getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) == 0 ? code : errno;
}

/* ------------------------------------------------------------------------------------------------
 * Opening
 */

/** try_address returns a connected socket in `out_fd`; 0, or what went wrong. */
static int try_address(struct chy_op *op, const struct addrinfo *address, int *out_fd)
{
    int on = 1;
    int fd = socket(address->ai_family, address->ai_socktype | SOCK_CLOEXEC | SOCK_NONBLOCK,
                    address->ai_protocol);
    if (fd < 0) {
        return errno;
    }
    int code = connect(fd, address->ai_addr, address->ai_addrlen) == 0 ? 0 : errno;
    if (code == EINPROGRESS) {
        code = wait_for(fd, op, POLLOUT, patience_ends(op));
        code = code == 0 ? pending_error(fd) : code;
    }
    if (code == 0 && address->ai_socktype == SOCK_STREAM &&
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on) != 0) {
        code = errno;
    }
    if (code != 0) {
        (void)close(fd);
        return code;
    }
    *out_fd = fd;
    return 0;
}

static chy_status open_server(struct chy_forward_sink *sink, struct chy_op *op)
{
    struct chy_syslog_server server;
    struct chy_slice host;
    struct chy_slice port;
    struct addrinfo *found = NULL;
    if (!chy_syslog_server_read(sink->where, &server)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "audit.syslog_server is no udp:// or tcp:// address");
    }
    CHY_TRY(chy_copy(op, server.host, &host));
    CHY_TRY(chy_copy(op, server.port, &port));
    const struct addrinfo wanted = {.ai_family = AF_UNSPEC,
                                    .ai_socktype = server.is_tcp ? SOCK_STREAM : SOCK_DGRAM,
                                    .ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV};
    int code = getaddrinfo((const char *)host.ptr, (const char *)port.ptr, &wanted, &found);
    if (code != 0) {
        return chy_fail(op, CHY_TRY_LATER, code, "audit.syslog_server %s cannot be found: %s",
                        (const char *)sink->where.ptr, gai_strerror(code));
    }
    code = EADDRNOTAVAIL;
    for (const struct addrinfo *one = found; one != NULL && code != 0; one = one->ai_next) {
        code = try_address(op, one, &sink->fd);
    }
    freeaddrinfo(found);
    sink->is_stream = server.is_tcp;
    return code == 0 ? CHY_OK : fail(sink, op, "cannot be reached", code);
}

/* ------------------------------------------------------------------------------------------------
 * Sending
 */

/** How much of what a server says is read at a time: one that never ends must not hold us up. */
#define SAID_MAX ((size_t)64 << 10)

/** has_left tells whether the server closed the connection; what it says is nothing to us. */
static bool has_left(const struct chy_forward_sink *sink)
{
    uint8_t said[4096];
    size_t total = 0;
    ssize_t count = 1;
    while (count > 0 && total < SAID_MAX) {
        count = recv(sink->fd, said, sizeof said, MSG_DONTWAIT);
        total += count > 0 ? (size_t)count : 0;
    }
    if (count > 0) {
        return false; // it is there, and talks
    }
    return count == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

static chy_status send_all(struct chy_forward_sink *sink, struct chy_op *op, struct chy_slice bytes)
{
    int64_t until = patience_ends(op);
    while (bytes.len != 0) {
        ssize_t count = send(sink->fd, bytes.ptr, (size_t)bytes.len, MSG_NOSIGNAL);
        int code = count >= 0 ? 0 : errno;
        if (count > 0) {
            bytes = chy_slice_skip(bytes, (uint64_t)count);
            until = patience_ends(op);
        } else if (code == EAGAIN || code == EWOULDBLOCK) {
            code = wait_for(sink->fd, op, POLLOUT, until);
        } else if (code == EINTR) {
            code = 0;
        }
        if (code != 0) {
            return fail(sink, op, "takes nothing", code);
        }
    }
    return CHY_OK;
}

/** make writes the message of a line: without its detail, if it is too long with it. */
static chy_status make(struct chy_forward_sink *sink, struct chy_op *op,
                       const struct chy_forward_line *line, struct chy_slice *out_message)
{
    struct chy_slice made;
    sink->sequence = sink->sequence >= SEQUENCE_MAX ? 1 : sink->sequence + 1;
    struct chy_syslog_message message = {.priority = CHY_FORWARD_PRIORITY,
                                         .time = line->time,
                                         .machine = sink->machine,
                                         .process = (long)getpid(),
                                         .kind = line->kind,
                                         .sequence = sink->sequence,
                                         .json = line->text};
    CHY_TRY(chy_syslog_write(op, &message, &made));
    if (made.len > sink->message_max && line->brief.len != 0) {
        sink->shortened++;
        message.json = line->brief;
        CHY_TRY(chy_syslog_write(op, &message, &made));
    }
    if (made.len > sink->message_max) {
        return chy_fail(op, CHY_BROKEN, 0, "a line of the audit has %llu bytes without its detail",
                        (unsigned long long)made.len);
    }
    *out_message = made;
    return CHY_OK;
}

static chy_status send_message(struct chy_forward_sink *sink, struct chy_op *op,
                               const struct chy_forward_line *line)
{
    struct chy_slice message;
    CHY_TRY(make(sink, op, line, &message));
    if (sink->is_stream) {
        CHY_TRY(chy_syslog_frame(op, message, &message));
    }
    return send_all(sink, op, message);
}

/**
 * flush_server waits until the server's machine has everything (TCP).  What UDP lost nobody knows,
 * unless that machine said that nobody listens.
 */
static chy_status flush_server(struct chy_forward_sink *sink, struct chy_op *op)
{
    int64_t until = patience_ends(op);
    int waiting = sink->is_stream ? 1 : 0;
    int code = 0;
    while (waiting != 0 && code == 0) {
        if (ioctl(sink->fd, SIOCOUTQ, &waiting) != 0) {
            code = errno;
        } else if (chy_cancelled(op) != 0 || chy_monotonic(op) >= until) {
            code = waiting == 0 ? 0 : ETIMEDOUT;
        } else if (waiting != 0) {
            (void)poll(NULL, 0, ARRIVAL_MS);
        }
    }
    code = code == 0 ? pending_error(sink->fd) : code;
    if (code == 0 && sink->is_stream && has_left(sink)) {
        code = ECONNRESET;
    }
    return code == 0 ? CHY_OK : fail(sink, op, "did not take it", code);
}

const struct chy_forward_way chy_forward_to_server = {open_server, send_message, flush_server};
