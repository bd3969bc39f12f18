/**
 * Every row of the database as files, whatever the storage plugin: what `backup` writes and
 * `restore` reads.
 *
 * A dump is a folder of parts and a manifest, written last: a folder without one is no dump.  The
 * manifest names collections and fields, so that a later program can read it, and has the digest of
 * each part.
 */
#ifndef CHY_COMMAND_DUMP_H
#define CHY_COMMAND_DUMP_H

#include "command/assembly.h"

#include <jansson.h>

#define CHY_DUMP_MANIFEST "manifest.json"
#define CHY_DUMP_FORMAT 1

/** What reading one CRL may take: its DER (CHY_CRL_MAX) and what is made of it. */
#define CHY_DUMP_CRL_MEMORY ((size_t)160 << 20)

/** The name in `settings` of the restoring that is not finished: its text is the dump's id. */
#define CHY_SETTING_RESTORE "restore"

/** chy_dump_write writes the rows as of one moment into the folder, and adds what there is to say
 *  of them to the manifest. */
CHY_MUST_USE chy_status chy_dump_write(struct chy_assembly *assembly, struct chy_op *op,
                                       const char *directory, json_t *manifest);

/** chy_dump_manifest reads the manifest of a dump, and gives its text too.  BAD_INPUT: it is none
 *  that we can read. */
CHY_MUST_USE chy_status chy_dump_manifest(struct chy_op *op, const char *directory,
                                          json_t **out_manifest, struct chy_slice *out_text);

/**
 * chy_dump_read writes the rows into the database, which is empty, or has what an earlier try of
 * the same dump left.  CHY_SETTING_RESTORE stands in it from the first write on.
 */
CHY_MUST_USE chy_status chy_dump_read(struct chy_assembly *assembly, struct chy_op *op,
                                      const char *directory, const json_t *manifest);

#endif
