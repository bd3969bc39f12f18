#include "config/expand.h"

#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SECRET_MAX ((size_t)64 << 10)
#define CREDENTIAL_NAME_MAX 128U

/** A file with a secret, while it is read. */
struct secret_file {
    struct chy_op *op;
    struct chy_options_source *source;
    const struct chy_config_place *place;
    const char *path;
    bool is_credential; /**< of the service manager, who sees to its mode */
};

static bool refuse(const struct secret_file *file, const char *code, const char *expected,
                   const char *found)
{
    chy_problems_add(file->source->problems, code, file->place->line, file->place->column,
                     file->place->path, "'%s': %s%s%s", file->path, expected,
                     found == NULL ? "" : ", found ", found == NULL ? "" : found);
    return false;
}

static bool check_file(const struct secret_file *file, const struct stat *info)
{
    char found[64];
    if (!S_ISREG(info->st_mode)) {
        return refuse(file, "invalid_secret", "expected a regular file", "another kind");
    }
    if (info->st_size > (off_t)SECRET_MAX) {
        return refuse(file, "invalid_secret", "expected a file of at most 64 KiB", "a larger one");
    }
    if (file->is_credential) {
        return true;
    }
    if (info->st_uid != 0 && info->st_uid != geteuid()) {
        (void)snprintf(found, sizeof found, "the user id %lu", (unsigned long)info->st_uid);
        return refuse(file, "unsafe_secret", "expected a file of root or of the user who runs this",
                      found);
    }
    // root:chancery 0640 is how packages hand a secret to a service.
    mode_t forbidden = info->st_uid == 0 ? S_IRWXO | S_IWGRP | S_IXGRP : S_IRWXO | S_IRWXG;
    if ((info->st_mode & forbidden) != 0) {
        (void)snprintf(found, sizeof found, "mode %04o", (unsigned)(info->st_mode & 07777));
        return refuse(file, "unsafe_secret",
                      "expected a file that only its owner may read (chmod 600)", found);
    }
    return true;
}

static bool read_whole(const struct secret_file *file, int fd, uint8_t *into, size_t size)
{
    size_t got = 0;
    while (got < size) {
        ssize_t piece = read(fd, into + got, size - got);
        if (piece < 0 && errno == EINTR) {
            continue;
        }
        if (piece <= 0) {
            return refuse(file, "invalid_secret", "cannot read it",
                          piece == 0 ? "a shorter file than before" : strerror(errno));
        }
        got += (size_t)piece;
    }
    return true;
}

/** Without its last line end; a secret is text. */
static bool check_content(const struct secret_file *file, uint8_t *content, size_t len,
                          struct chy_slice *out_secret)
{
    if (len > 0 && content[len - 1] == '\n') {
        len--;
        if (len > 0 && content[len - 1] == '\r') {
            len--;
        }
    }
    if (len == 0) {
        return refuse(file, "invalid_secret", "expected a secret", "an empty file");
    }
    if (memchr(content, 0, len) != NULL || !chy_utf8_is_valid(chy_slice_of(content, len))) {
        return refuse(file, "invalid_secret", "expected text", "binary content");
    }
    content[len] = 0;
    *out_secret = chy_slice_of(content, len);
    return true;
}

static bool read_open(const struct secret_file *file, int fd, struct chy_slice *out_secret)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return refuse(file, "invalid_secret", "cannot look at it", strerror(errno));
    }
    if (!check_file(file, &info)) {
        return false;
    }
    size_t size = (size_t)info.st_size;
    uint8_t *content = chy_secret_alloc(file->op, size + 1);
    if (content == NULL) {
        return refuse(file, "invalid_secret", "no memory for it", NULL);
    }
    return read_whole(file, fd, content, size) && check_content(file, content, size, out_secret);
}

static bool read_file(const struct secret_file *file, struct chy_slice *out_secret)
{
    int fd = open(file->path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        return refuse(file, "missing_secret", "cannot open it", strerror(errno));
    }
    bool ok = read_open(file, fd, out_secret);
    (void)close(fd);
    return ok;
}

static bool read_credential(struct chy_op *op, struct chy_options_source *source,
                            const struct chy_config_place *place, struct chy_slice name,
                            struct chy_slice *out_secret)
{
    char path[4096];
    uint64_t slash = 0;
    const char *directory = chy_source_variable(source, "CREDENTIALS_DIRECTORY");
    if (directory == NULL || directory[0] == '\0') {
        chy_problems_add(source->problems, "missing_secret", place->line, place->column,
                         place->path,
                         "expected credentials of the service manager, found none "
                         "(CREDENTIALS_DIRECTORY is not set)");
        return false;
    }
    if (name.len == 0 || name.len > CREDENTIAL_NAME_MAX || name.ptr[0] == '.' ||
        chy_slice_find(name, '/', &slash)) {
        chy_problems_add(source->problems, "invalid_secret", place->line, place->column,
                         place->path, "expected the name of a credential after 'credential:'");
        return false;
    }
    (void)snprintf(path, sizeof path, "%s/%.*s", directory, (int)name.len, (const char *)name.ptr);
    const struct secret_file file = {op, source, place, path, true};
    return read_file(&file, out_secret);
}

bool chy_secret_read(struct chy_op *op, struct chy_options_source *source,
                     const struct chy_config_place *place, struct chy_slice text,
                     struct chy_slice *out_secret)
{
    const struct chy_slice file_prefix = chy_text("file:");
    const struct chy_slice credential_prefix = chy_text("credential:");
    struct chy_slice word = {NULL, 0};
    // The prefix is looked for in what the file says, never in what the environment gave.
    if (chy_slice_starts_with(text, file_prefix)) {
        struct chy_slice path = chy_slice_skip(text, file_prefix.len);
        if (!chy_expand(op, source, place, path, false, &word) ||
            !chy_path_from(op, source, place, word, &path)) {
            return false;
        }
        const struct secret_file file = {op, source, place, (const char *)path.ptr, false};
        return read_file(&file, out_secret);
    }
    if (chy_slice_starts_with(text, credential_prefix)) {
        return read_credential(op, source, place, chy_slice_skip(text, credential_prefix.len),
                               out_secret);
    }
    return chy_expand(op, source, place, text, true, out_secret);
}
