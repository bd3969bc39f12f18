#include "logfile.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/** SQLite's own files take less than 128 KiB at a time. */
#define BUFFER_BYTES (120 * 1024)

/** An open log.  The real file stands behind it in the memory that SQLite gave. */
struct log_file {
    sqlite3_file base; // first: SQLite's pointer to it is a pointer to us
    sqlite3_file *real;
    uint8_t *buffer;
    sqlite3_int64 offset; /**< where the buffer's first byte belongs */
    int len;
};

static sqlite3_vfs log_vfs;
static sqlite3_vfs *real_vfs;

static struct log_file *of(sqlite3_file *file)
{
    return (struct log_file *)(void *)file;
}

/** flush gives the kernel what waits.  What could not be written is dropped: SQLite rolls back. */
static int flush(struct log_file *log)
{
    int len = log->len;
    log->len = 0;
    return len == 0 ? SQLITE_OK
                    : log->real->pMethods->xWrite(log->real, log->buffer, len, log->offset);
}

static int log_write(sqlite3_file *file, const void *bytes, int len, sqlite3_int64 offset)
{
    struct log_file *log = of(file);
    if (log->len != 0 && (offset != log->offset + log->len || len > BUFFER_BYTES - log->len)) {
        int code = flush(log);
        if (code != SQLITE_OK) {
            return code;
        }
    }
    if (log->buffer == NULL) {
        log->buffer = malloc(BUFFER_BYTES);
    }
    if (log->buffer == NULL || len > BUFFER_BYTES) {
        return log->real->pMethods->xWrite(log->real, bytes, len, offset);
    }
    if (log->len == 0) {
        log->offset = offset;
    }
    memcpy(log->buffer + log->len, bytes, (size_t)len);
    log->len += len;
    return SQLITE_OK;
}

static int log_close(sqlite3_file *file)
{
    struct log_file *log = of(file);
    int flushed = flush(log);
    int code = log->real->pMethods->xClose(log->real);
    free(log->buffer);
    log->buffer = NULL;
    return flushed != SQLITE_OK ? flushed : code;
}

static int log_read(sqlite3_file *file, void *bytes, int len, sqlite3_int64 offset)
{
    struct log_file *log = of(file);
    int code = flush(log);
    return code != SQLITE_OK ? code : log->real->pMethods->xRead(log->real, bytes, len, offset);
}

static int log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    struct log_file *log = of(file);
    int code = flush(log);
    return code != SQLITE_OK ? code : log->real->pMethods->xTruncate(log->real, size);
}

static int log_sync(sqlite3_file *file, int flags)
{
    struct log_file *log = of(file);
    int code = flush(log);
    return code != SQLITE_OK ? code : log->real->pMethods->xSync(log->real, flags);
}

static int log_size(sqlite3_file *file, sqlite3_int64 *out_size)
{
    struct log_file *log = of(file);
    int code = flush(log);
    return code != SQLITE_OK ? code : log->real->pMethods->xFileSize(log->real, out_size);
}

static int log_lock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xLock(of(file)->real, level);
}

static int log_unlock(sqlite3_file *file, int level)
{
    return of(file)->real->pMethods->xUnlock(of(file)->real, level);
}

static int log_check_lock(sqlite3_file *file, int *out_held)
{
    return of(file)->real->pMethods->xCheckReservedLock(of(file)->real, out_held);
}

static int log_control(sqlite3_file *file, int what, void *arg)
{
    return of(file)->real->pMethods->xFileControl(of(file)->real, what, arg);
}

static int log_sector(sqlite3_file *file)
{
    return of(file)->real->pMethods->xSectorSize(of(file)->real);
}

static int log_device(sqlite3_file *file)
{
    return of(file)->real->pMethods->xDeviceCharacteristics(of(file)->real);
}

// Version 1: a log has neither shared memory nor mapped pages.
static const sqlite3_io_methods log_methods = {
    .iVersion = 1,
    .xClose = log_close,
    .xRead = log_read,
    .xWrite = log_write,
    .xTruncate = log_truncate,
    .xSync = log_sync,
    .xFileSize = log_size,
    .xLock = log_lock,
    .xUnlock = log_unlock,
    .xCheckReservedLock = log_check_lock,
    .xFileControl = log_control,
    .xSectorSize = log_sector,
    .xDeviceCharacteristics = log_device,
};

static int log_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags,
                    int *out_flags)
{
    (void)vfs;
    if ((flags & SQLITE_OPEN_WAL) == 0) {
        return real_vfs->xOpen(real_vfs, name, file, flags, out_flags);
    }
    struct log_file *log = of(file);
    *log = (struct log_file){.real = (sqlite3_file *)(void *)(log + 1)};
    int code = real_vfs->xOpen(real_vfs, name, log->real, flags, out_flags);
    if (code == SQLITE_OK) {
        log->base.pMethods = &log_methods;
    } else if (log->real->pMethods != NULL) {
        // SQLite would close a file that failed to open and yet has methods: that is ours to do.
        (void)log->real->pMethods->xClose(log->real);
    }
    return code;
}

static void make(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    if (real_vfs != NULL) {
        log_vfs = *real_vfs; // all but opening is the real one's
        log_vfs.pNext = NULL;
        log_vfs.zName = LOGFILE_VFS;
        log_vfs.szOsFile = (int)sizeof(struct log_file) + real_vfs->szOsFile;
        log_vfs.xOpen = log_open;
    }
}

int logfile_register(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make);
    return real_vfs == NULL ? SQLITE_ERROR : sqlite3_vfs_register(&log_vfs, 0);
}
