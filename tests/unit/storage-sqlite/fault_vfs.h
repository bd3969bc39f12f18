/** A disk that fails on demand: SQLite's default file system, with faults. */
#ifndef TEST_FAULT_VFS_H
#define TEST_FAULT_VFS_H

#include <stdatomic.h>
#include <stdbool.h>

/** What fails from now on.  Zero: nothing. */
struct faults {
    atomic_bool log_write_full;  /**< the log's disk is full */
    atomic_bool log_write_error; /**< the log cannot be written */
    atomic_bool log_sync;        /**< syncs of the log fail: its pages may be lost */
    atomic_bool database_sync;
    atomic_bool database_read;
    atomic_llong log_syncs; /**< counts those that were asked for */
};
extern struct faults faults;

/** fault_vfs_register makes it the default; call it before the plugin is created. */
void fault_vfs_register(void);

#endif
