/**
 * The writer's view of the log: what SQLite writes in many small pieces goes to the kernel in few.
 *
 * SQLite writes each page of a commit to the log as a header and a page, one system call each, and
 * then syncs; only after the sync does it tell anybody, in this process or another, that the pages
 * are there.  So they may wait in memory until the sync, which each commit has (synchronous=FULL).
 */
#ifndef STORAGE_SQLITE_LOGFILE_H
#define STORAGE_SQLITE_LOGFILE_H

#include <sqlite3.h>

/** The name under which the writer's connection opens its files. */
#define LOGFILE_VFS "chancery-log"

/** logfile_register makes it known to SQLite, once per process; it stands before the default
 *  one. */
int logfile_register(void);

#endif
