#include "base/buf.h"
#include "command/forward_sink.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

static chy_status open_socket(struct chy_forward_sink *sink, struct chy_op *op)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (sink->where.len >= sizeof address.sun_path) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "the path of audit.syslog is too long");
    }
    memcpy(address.sun_path, sink->where.ptr, (size_t)sink->where.len);
    struct timeval patience = {.tv_sec = 1}; // what syslog is given to take a line
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) != 0 ||
        connect(fd, (const struct sockaddr *)&address, sizeof address) != 0) {
        int code = errno;
        if (fd >= 0) {
            (void)close(fd);
        }
        return chy_fail(op, CHY_TRY_LATER, code, "cannot reach audit.syslog '%s': %s",
                        (const char *)sink->where.ptr, strerror(code));
    }
    sink->fd = fd;
    return CHY_OK;
}

static chy_status send_line(struct chy_forward_sink *sink, struct chy_op *op,
                            const struct chy_forward_line *line)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_FORWARD_LINE_MAX + 64);
    chy_buf_add_format(&buf, "<%d>chancery[%ld]: ", CHY_FORWARD_PRIORITY, (long)getpid());
    chy_buf_add(&buf, line->text);
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "a line for syslog");
    }
    struct chy_slice datagram = chy_buf_slice(&buf);
    ssize_t count = send(sink->fd, datagram.ptr, (size_t)datagram.len, MSG_NOSIGNAL);
    if (count < 0 && errno == EMSGSIZE) {
        chy_log_warning(op, "audit.gap", "syslog takes no line of %llu bytes: one is left out",
                        (unsigned long long)datagram.len);
        sink->shortened++;
        return CHY_OK;
    }
    return count >= 0 ? CHY_OK
                      : chy_fail(op, CHY_TRY_LATER, errno, "cannot send to audit.syslog '%s': %s",
                                 (const char *)sink->where.ptr, strerror(errno));
}

static chy_status flush_nothing(struct chy_forward_sink *sink, struct chy_op *op)
{
    (void)sink;
    (void)op;
    return CHY_OK;
}

const struct chy_forward_way chy_forward_to_socket = {open_socket, send_line, flush_nothing};
