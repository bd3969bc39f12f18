/**
 * What shows that a backup is what this instance wrote: a MAC over its manifest, which has the
 * digest of each part.
 *
 * The MAC's key comes of the instance's MAC root.  The manifest carries that root as the database
 * has it, sealed by the KEK, so that a restore can check before it writes anything.
 */
#ifndef CHY_COMMAND_BACKUP_MAC_H
#define CHY_COMMAND_BACKUP_MAC_H

#include "command/assembly.h"

#include <jansson.h>

/** chy_backup_mac_describe says in the manifest which KEK the backup needs, and adds the root. */
CHY_MUST_USE chy_status chy_backup_mac_describe(struct chy_assembly *assembly, struct chy_op *op,
                                                json_t *manifest);

/** chy_backup_mac_write makes the file with the MAC of the manifest's text; before the manifest. */
CHY_MUST_USE chy_status chy_backup_mac_write(struct chy_assembly *assembly, struct chy_op *op,
                                             const char *directory, struct chy_slice text);

/** chy_backup_mac_check holds a backup to its MAC; no database is needed.  DENIED: the configured
 *  KEK is not the backup's.  BAD_INPUT: the manifest is not the one that was written. */
CHY_MUST_USE chy_status chy_backup_mac_check(struct chy_assembly *assembly, struct chy_op *op,
                                             const char *directory, const json_t *manifest,
                                             struct chy_slice text);

#endif
