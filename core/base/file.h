/**
 * Whole files: read under a ceiling, written so that a reader sees the old or the new, never a
 * part.
 *
 * Failures name the path.  CHY_NOT_FOUND: no such file or folder.  CHY_DENIED: not permitted.
 * CHY_BAD_INPUT: not a regular file, or larger than the ceiling.  CHY_CONFLICT: exists already.
 * CHY_BROKEN: anything else, with errno as the native code.
 */
#ifndef CHY_BASE_FILE_H
#define CHY_BASE_FILE_H

#include <chancery/host.h>

#include <sys/types.h>

/** chy_file_read reads a file of at most `max` bytes into the arena, NUL-terminated past its
 *  end. */
CHY_MUST_USE chy_status chy_file_read(struct chy_op *op, const char *path, size_t max,
                                      struct chy_slice *out_content);
/** chy_file_read_secret reads it into the secret arena. */
CHY_MUST_USE chy_status chy_file_read_secret(struct chy_op *op, const char *path, size_t max,
                                             struct chy_slice *out_content);
/** chy_file_write makes or replaces a file with exactly `mode`, durably. */
CHY_MUST_USE chy_status chy_file_write(struct chy_op *op, const char *path,
                                       struct chy_slice content, mode_t mode);
/** chy_file_create is chy_file_write() that never replaces: CHY_CONFLICT. */
CHY_MUST_USE chy_status chy_file_create(struct chy_op *op, const char *path,
                                        struct chy_slice content, mode_t mode);

#endif
