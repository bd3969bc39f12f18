#include "base/buf.h"
#include "command/forward_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

static chy_status open_file(struct chy_forward_sink *sink, struct chy_op *op)
{
    sink->fd = open((const char *)sink->where.ptr,
                    O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
    return sink->fd >= 0 ? CHY_OK
                         : chy_fail(op, CHY_TRY_LATER, errno, "cannot open audit.file '%s': %s",
                                    (const char *)sink->where.ptr, strerror(errno));
}

static chy_status write_file(struct chy_forward_sink *sink, struct chy_op *op,
                             const struct chy_forward_line *line)
{
    struct chy_buf buf;
    chy_buf_init(&buf, op, CHY_FORWARD_LINE_MAX);
    chy_buf_add(&buf, line->text);
    chy_buf_add_u8(&buf, '\n');
    if (!chy_buf_ok(&buf)) {
        return chy_buf_fail(&buf, op, "a line of audit.file");
    }
    struct chy_slice whole = chy_buf_slice(&buf);
    uint64_t done = 0;
    while (done < whole.len) {
        ssize_t count = write(sink->fd, whole.ptr + done, (size_t)(whole.len - done));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count <= 0) {
            return chy_fail(op, CHY_TRY_LATER, errno, "cannot write audit.file '%s': %s",
                            (const char *)sink->where.ptr, strerror(errno));
        }
        done += (uint64_t)count;
    }
    return CHY_OK;
}

static chy_status flush_file(struct chy_forward_sink *sink, struct chy_op *op)
{
    if (fdatasync(sink->fd) == 0 || errno == EINVAL ||
        errno == EROFS) { // a pipe has nothing to sync
        return CHY_OK;
    }
    return chy_fail(op, CHY_TRY_LATER, errno, "cannot make audit.file '%s' durable: %s",
                    (const char *)sink->where.ptr, strerror(errno));
}

const struct chy_forward_way chy_forward_to_file = {open_file, write_file, flush_file};
