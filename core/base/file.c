#include "base/file.h"

#include "base/auto.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void close_fd(int fd)
{
    if (fd >= 0) {
        (void)close(fd);
    }
}

static inline void close_fd_at_scope_end(int *fd)
{
    close_fd(*fd);
}

static chy_status status_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR: return CHY_NOT_FOUND;
    case EACCES:
    case EPERM:
    case EROFS: return CHY_DENIED;
    case EEXIST: return CHY_CONFLICT;
    case ENOMEM: return CHY_NO_MEMORY;
    default: return CHY_BROKEN;
    }
}

static chy_status fail_errno(struct chy_op *op, const char *doing, const char *path)
{
    int error = errno;
    char text[128];
    const char *reason = strerror_r(error, text, sizeof text);
    return chy_fail(op, status_of(error), error, "cannot %s '%s': %s", doing, path, reason);
}

/* --- reading ---------------------------------------------------------------------------------- */

typedef void *alloc_fn(struct chy_op *op, uint64_t size);

/* Reads until the end or until `size` bytes are there. */
static chy_status read_up_to(struct chy_op *op, int fd, const char *path, uint8_t *out, size_t size,
                             size_t *out_len)
{
    size_t len = 0;
    while (len < size) {
        ssize_t count = read(fd, out + len, size - len);
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return fail_errno(op, "read", path);
        }
        if (count == 0) {
            break;
        }
        len += (size_t)count;
    }
    *out_len = len;
    return CHY_OK;
}

static chy_status fail_too_large(struct chy_op *op, const char *path, size_t max)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "file '%s' is larger than %zu bytes", path, max);
}

static chy_status read_file(struct chy_op *op, const char *path, size_t max, alloc_fn *alloc,
                            struct chy_slice *out_content)
{
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    CHY_AUTO(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return fail_errno(op, "open", path);
    }
    struct stat stat;
    if (fstat(fd, &stat) != 0) {
        return fail_errno(op, "look at", path);
    }
    if (!S_ISREG(stat.st_mode)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "'%s' is not a regular file", path);
    }
    // Files of /proc say that they are empty: such a one is read up to the ceiling.
    size_t expected = stat.st_size > 0 ? (size_t)stat.st_size : max;
    if (expected > max || max == SIZE_MAX) {
        return fail_too_large(op, path, max);
    }
    // One byte more than expected, to see that the file has ended; it stays for the NUL.
    uint8_t *content = alloc(op, (uint64_t)expected + 1);
    if (content == NULL) {
        return chy_fail_memory(op);
    }
    size_t len = 0;
    CHY_TRY(read_up_to(op, fd, path, content, expected + 1, &len));
    if (len > expected) {
        return expected == max ? fail_too_large(op, path, max)
                               : chy_fail(op, CHY_BROKEN, 0, "file '%s' grows", path);
    }
    content[len] = 0;
    *out_content = chy_slice_of(content, len);
    return CHY_OK;
}

chy_status chy_file_read(struct chy_op *op, const char *path, size_t max,
                         struct chy_slice *out_content)
{
    return read_file(op, path, max, chy_alloc, out_content);
}

chy_status chy_file_read_secret(struct chy_op *op, const char *path, size_t max,
                                struct chy_slice *out_content)
{
    return read_file(op, path, max, chy_secret_alloc, out_content);
}

/* --- writing ---------------------------------------------------------------------------------- */

/* The folder of a path, "." where it names none.  NULL: no memory. */
static const char *folder_of(struct chy_op *op, const char *path)
{
    const char *slash = strrchr(path, '/');
    if (slash == NULL) {
        return ".";
    }
    size_t len = slash == path ? 1 : (size_t)(slash - path);
    char *folder = chy_alloc(op, (uint64_t)len + 1);
    if (folder != NULL) {
        memcpy(folder, path, len);
    }
    return folder;
}

static chy_status write_content(struct chy_op *op, int fd, const char *path,
                                struct chy_slice content, mode_t mode)
{
    uint64_t at = 0;
    while (at < content.len) {
        ssize_t count = write(fd, content.ptr + at, (size_t)(content.len - at));
        if (count < 0 && errno == EINTR) {
            continue;
        }
        if (count < 0) {
            return fail_errno(op, "write", path);
        }
        at += (uint64_t)count;
    }
    // The umask does not decide about the mode.
    if (fchmod(fd, mode) != 0) {
        return fail_errno(op, "set the mode of", path);
    }
    if (fsync(fd) != 0) {
        return fail_errno(op, "sync", path);
    }
    return CHY_OK;
}

/* Opens a file beside `path`, which is written to `name`.  Below 0: errno says why. */
static int open_temporary(const char *path, char *name, size_t size)
{
    static atomic_uint counter;
    for (int attempt = 0; attempt < 100; attempt++) {
        (void)snprintf(name, size, "%s.tmp-%ld-%u", path, (long)getpid(),
                       atomic_fetch_add(&counter, 1));
        // Readable by nobody else until the content and its mode are there.
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
        if (fd >= 0 || errno != EEXIST) {
            return fd;
        }
    }
    errno = EBUSY; // EEXIST would read as if `path` itself were there
    return -1;
}

static chy_status sync_folder(struct chy_op *op, const char *folder)
{
    CHY_AUTO(close_fd) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || fsync(fd) != 0) {
        return fail_errno(op, "sync the folder", folder);
    }
    return CHY_OK;
}

static chy_status put_in_place(struct chy_op *op, const char *temporary, const char *path,
                               bool replaces)
{
    if (replaces) {
        return rename(temporary, path) == 0 ? CHY_OK : fail_errno(op, "write", path);
    }
    // A link fails where the name is taken, on every file system that has links.
    if (link(temporary, path) != 0) {
        return fail_errno(op, "create", path);
    }
    (void)unlink(temporary);
    return CHY_OK;
}

/* What open_temporary() adds to a path, at most, with the NUL. */
#define TEMPORARY_SUFFIX_SIZE 48

static chy_status write_file(struct chy_op *op, const char *path, struct chy_slice content,
                             mode_t mode, bool replaces)
{
    const char *folder = folder_of(op, path);
    size_t size = strlen(path) + TEMPORARY_SUFFIX_SIZE;
    char *temporary = chy_alloc(op, size);
    if (folder == NULL || temporary == NULL) {
        return chy_fail_memory(op);
    }
    CHY_AUTO(close_fd) int fd = open_temporary(path, temporary, size);
    if (fd < 0) {
        return fail_errno(op, "write", path);
    }
    chy_status status = write_content(op, fd, path, content, mode);
    if (status == CHY_OK) {
        status = put_in_place(op, temporary, path, replaces);
    }
    if (status != CHY_OK) {
        (void)unlink(temporary);
        return status;
    }
    return sync_folder(op, folder);
}

chy_status chy_file_write(struct chy_op *op, const char *path, struct chy_slice content,
                          mode_t mode)
{
    return write_file(op, path, content, mode, true);
}

chy_status chy_file_create(struct chy_op *op, const char *path, struct chy_slice content,
                           mode_t mode)
{
    return write_file(op, path, content, mode, false);
}
