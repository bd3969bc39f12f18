#include "plugin/trust.h"

#include "base/encode.h"
#include "base/slice.h"

#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#define HASH_LEN 32U
#define READ_SIZE ((size_t)8 * 1024)

/** The path by which the kernel knows an open file; links are resolved in it. */
static bool real_path(int fd, char out[PATH_MAX])
{
    char link[64];
    (void)snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t len = readlink(link, out, PATH_MAX - 1);
    if (len <= 0) {
        return false;
    }
    out[len] = '\0';
    return true;
}

/** Whose files are taken: who may change them may run code in this process. */
static bool is_trusted(uid_t owner, bool trust_owner)
{
    return owner == 0 || (trust_owner && owner == geteuid());
}

static chy_status check_directory(const struct chy_candidate *candidate, const char *directory,
                                  int fd, bool trust_owner)
{
    struct stat info;
    if (fstat(fd, &info) != 0) {
        return chy_refuse(candidate, CHY_BROKEN, "cannot look at its directory '%s': %s", directory,
                          strerror(errno));
    }
    if (!is_trusted(info.st_uid, trust_owner)) {
        return chy_refuse(
            candidate, CHY_DENIED, "expected a directory of root%s, found '%s' of the user id %lu",
            trust_owner ? " or the user who runs this" : "", directory, (unsigned long)info.st_uid);
    }
    if ((info.st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return chy_refuse(candidate, CHY_DENIED,
                          "expected a directory that only its owner may write, found mode %04o of "
                          "'%s'",
                          (unsigned)(info.st_mode & 07777), directory);
    }
    return CHY_OK;
}

static chy_status check_place(const struct chy_candidate *candidate, int directory_fd)
{
    char directory[PATH_MAX];
    char file[PATH_MAX];
    if (!real_path(directory_fd, directory) || !real_path(candidate->fd, file)) {
        return chy_refuse(candidate, CHY_BROKEN,
                          "cannot tell where it lies: %s (is /proc mounted?)", strerror(errno));
    }
    struct chy_slice parent = chy_text(file);
    uint64_t slash = 0;
    if (chy_slice_find_last(parent, '/', &slash)) {
        parent.len = slash == 0 ? 1 : slash;
    }
    if (!chy_slice_is(parent, directory)) {
        return chy_refuse(candidate, CHY_DENIED, "expected a file in '%s', found a link to '%s'",
                          directory, file);
    }
    return CHY_OK;
}

static chy_status check_file(const struct chy_candidate *candidate, const struct stat *info,
                             bool trust_owner)
{
    if (!S_ISREG(info->st_mode)) {
        return chy_refuse(candidate, CHY_BAD_INPUT, "expected a regular file, found %s",
                          S_ISDIR(info->st_mode) ? "a directory" : "a file of another kind");
    }
    if (!is_trusted(info->st_uid, trust_owner)) {
        return chy_refuse(
            candidate, CHY_DENIED, "expected the owner root%s, found the user id %lu%s",
            trust_owner ? " or the user who runs this" : "", (unsigned long)info->st_uid,
            trust_owner ? "" : " (plugins.trust_owner allows one's own)");
    }
    if ((info->st_mode & (S_IWGRP | S_IWOTH)) != 0) {
        return chy_refuse(candidate, CHY_DENIED,
                          "expected a file that only its owner may write, found mode %04o",
                          (unsigned)(info->st_mode & 07777));
    }
    return CHY_OK;
}

static chy_status open_in(struct chy_candidate *candidate, const struct chy_loader_config *config,
                          int directory_fd)
{
    char file[CHY_PLUGIN_NAME_MAX + sizeof ".so"];
    struct stat info;
    CHY_TRY(check_directory(candidate, config->directory, directory_fd, config->trust_owner));
    (void)snprintf(file, sizeof file, "%.*s.so", (int)candidate->name.len,
                   (const char *)candidate->name.ptr);
    // O_NONBLOCK: a FIFO in the file's place must not hold us up.
    candidate->fd = openat(directory_fd, file, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (candidate->fd < 0) {
        return chy_refuse(candidate, errno == ENOENT ? CHY_NOT_FOUND : CHY_DENIED,
                          "cannot open it: %s", strerror(errno));
    }
    if (fstat(candidate->fd, &info) != 0) {
        return chy_refuse(candidate, CHY_BROKEN, "cannot look at it: %s", strerror(errno));
    }
    candidate->size = (uint64_t)info.st_size;
    CHY_TRY(check_place(candidate, directory_fd));
    return check_file(candidate, &info, config->trust_owner);
}

chy_status chy_trust_open(struct chy_candidate *candidate, const struct chy_loader_config *config)
{
    if (!chy_plugin_name_is_valid(candidate->name)) {
        return chy_fail(
            candidate->op, CHY_BAD_INPUT, 0,
            "'%.*s' is no name of a plugin: expected a lower-case letter, then letters, "
            "digits, '-' and '_', at most %u",
            (int)chy_slice_first(candidate->name, CHY_PLUGIN_NAME_MAX).len,
            (const char *)candidate->name.ptr, CHY_PLUGIN_NAME_MAX);
    }
    int directory_fd = open(config->directory, O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (directory_fd < 0) {
        return chy_refuse(candidate, errno == ENOENT ? CHY_NOT_FOUND : CHY_DENIED,
                          "cannot open its directory '%s': %s", config->directory, strerror(errno));
    }
    chy_status status = open_in(candidate, config, directory_fd);
    (void)close(directory_fd);
    return status;
}

static chy_status hash_file(const struct chy_candidate *candidate, gnutls_hash_hd_t hash)
{
    uint8_t piece[READ_SIZE];
    uint64_t offset = 0;
    while (offset < candidate->size) {
        ssize_t got = pread(candidate->fd, piece, sizeof piece, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return chy_refuse(candidate, CHY_BROKEN, "cannot read it: %s",
                              got == 0 ? "it became shorter" : strerror(errno));
        }
        int code = gnutls_hash(hash, piece, (size_t)got);
        if (code != 0) {
            return chy_refuse(candidate, CHY_BROKEN, "cannot hash it: %s", gnutls_strerror(code));
        }
        offset += (uint64_t)got;
    }
    return CHY_OK;
}

chy_status chy_trust_hash(const struct chy_candidate *candidate, struct chy_slice pin,
                          char out_hash[CHY_PLUGIN_HASH_SIZE])
{
    gnutls_hash_hd_t hash = NULL;
    uint8_t digest[HASH_LEN];
    int code = gnutls_hash_init(&hash, GNUTLS_DIG_SHA256);
    if (code != 0) {
        return chy_refuse(candidate, CHY_BROKEN, "cannot hash it: %s", gnutls_strerror(code));
    }
    chy_status status = hash_file(candidate, hash);
    gnutls_hash_deinit(hash, digest);
    CHY_TRY(status);
    chy_hex_encode(chy_slice_of(digest, sizeof digest), out_hash);
    out_hash[CHY_PLUGIN_HASH_SIZE - 1] = '\0';
    if (pin.len != 0 && !chy_slice_is_nocase(pin, out_hash)) {
        return chy_refuse(candidate, CHY_DENIED, "expected the SHA-256 %.*s, found %s",
                          (int)chy_slice_first(pin, CHY_PLUGIN_HASH_SIZE).len,
                          (const char *)pin.ptr, out_hash);
    }
    return CHY_OK;
}
