#include "fault_vfs.h"

#include <check.h>
#include <sqlite3.h>

struct faults faults;

struct fault_file {
    sqlite3_file base;
    sqlite3_file *real;
    bool is_log;
    bool is_database;
};

static sqlite3_vfs fault_vfs;
static sqlite3_vfs *real_vfs;

static struct fault_file *of(sqlite3_file *file)
{
    return (struct fault_file *)(void *)file;
}

static const sqlite3_io_methods *real(sqlite3_file *file)
{
    return of(file)->real->pMethods;
}

static int fault_close(sqlite3_file *f)
{
    return real(f)->xClose(of(f)->real);
}

static int fault_read(sqlite3_file *f, void *bytes, int len, sqlite3_int64 at)
{
    if (of(f)->is_database && atomic_load(&faults.database_read)) {
        return SQLITE_IOERR_READ;
    }
    return real(f)->xRead(of(f)->real, bytes, len, at);
}

static int fault_write(sqlite3_file *f, const void *bytes, int len, sqlite3_int64 at)
{
    if (of(f)->is_log && atomic_load(&faults.log_write_full)) {
        return SQLITE_FULL;
    }
    if (of(f)->is_log && atomic_load(&faults.log_write_error)) {
        return SQLITE_IOERR_WRITE;
    }
    return real(f)->xWrite(of(f)->real, bytes, len, at);
}

static int fault_sync(sqlite3_file *f, int flags)
{
    if (of(f)->is_log) {
        atomic_fetch_add(&faults.log_syncs, 1);
    }
    if ((of(f)->is_log && atomic_load(&faults.log_sync)) ||
        (of(f)->is_database && atomic_load(&faults.database_sync))) {
        return SQLITE_IOERR_FSYNC;
    }
    return real(f)->xSync(of(f)->real, flags);
}

static int fault_truncate(sqlite3_file *f, sqlite3_int64 size)
{
    return real(f)->xTruncate(of(f)->real, size);
}

static int fault_size(sqlite3_file *f, sqlite3_int64 *size)
{
    return real(f)->xFileSize(of(f)->real, size);
}

static int fault_lock(sqlite3_file *f, int level)
{
    return real(f)->xLock(of(f)->real, level);
}

static int fault_unlock(sqlite3_file *f, int level)
{
    return real(f)->xUnlock(of(f)->real, level);
}

static int fault_check_lock(sqlite3_file *f, int *held)
{
    return real(f)->xCheckReservedLock(of(f)->real, held);
}

static int fault_control(sqlite3_file *f, int what, void *arg)
{
    return real(f)->xFileControl(of(f)->real, what, arg);
}

static int fault_sector(sqlite3_file *f)
{
    return real(f)->xSectorSize(of(f)->real);
}

static int fault_device(sqlite3_file *f)
{
    return real(f)->xDeviceCharacteristics(of(f)->real);
}

static int fault_shm_map(sqlite3_file *f, int page, int size, int extend, void volatile **map)
{
    return real(f)->xShmMap(of(f)->real, page, size, extend, map);
}

static int fault_shm_lock(sqlite3_file *f, int offset, int count, int flags)
{
    return real(f)->xShmLock(of(f)->real, offset, count, flags);
}

static void fault_shm_barrier(sqlite3_file *f)
{
    real(f)->xShmBarrier(of(f)->real);
}

static int fault_shm_unmap(sqlite3_file *f, int delete)
{
    return real(f)->xShmUnmap(of(f)->real, delete);
}

static const sqlite3_io_methods methods = {
    .iVersion = 2,
    .xClose = fault_close,
    .xRead = fault_read,
    .xWrite = fault_write,
    .xTruncate = fault_truncate,
    .xSync = fault_sync,
    .xFileSize = fault_size,
    .xLock = fault_lock,
    .xUnlock = fault_unlock,
    .xCheckReservedLock = fault_check_lock,
    .xFileControl = fault_control,
    .xSectorSize = fault_sector,
    .xDeviceCharacteristics = fault_device,
    .xShmMap = fault_shm_map,
    .xShmLock = fault_shm_lock,
    .xShmBarrier = fault_shm_barrier,
    .xShmUnmap = fault_shm_unmap,
};

static int fault_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    (void)vfs;
    struct fault_file *f = of(file);
    *f = (struct fault_file){.real = (sqlite3_file *)(void *)(f + 1),
                             .is_log = (flags & SQLITE_OPEN_WAL) != 0,
                             .is_database = (flags & SQLITE_OPEN_MAIN_DB) != 0};
    int code = real_vfs->xOpen(real_vfs, name, f->real, flags, out);
    f->base.pMethods = code == SQLITE_OK ? &methods : NULL;
    return code;
}

void fault_vfs_register(void)
{
    real_vfs = sqlite3_vfs_find(NULL);
    ck_assert_ptr_nonnull(real_vfs);
    fault_vfs = *real_vfs;
    fault_vfs.pNext = NULL;
    fault_vfs.zName = "faulty";
    fault_vfs.szOsFile = (int)sizeof(struct fault_file) + real_vfs->szOsFile;
    fault_vfs.xOpen = fault_open;
    ck_assert_int_eq(sqlite3_vfs_register(&fault_vfs, 1), SQLITE_OK);
}
