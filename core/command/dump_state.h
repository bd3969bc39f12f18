/** What the writing and the reading of a dump share. */
#ifndef CHY_COMMAND_DUMP_STATE_H
#define CHY_COMMAND_DUMP_STATE_H

#include "command/dump.h"

#define CHY_DUMP_PART_MAX ((size_t)64 << 20)

/** chy_dump_is_kept tells whether a collection is in dumps: the epoch counts by itself. */
bool chy_dump_is_kept(uint32_t collection);
/** chy_dump_collection is the declaration of one. */
const struct chy_collection *chy_dump_collection(const struct chy_assembly *a, uint64_t number);
/** chy_dump_operation makes one for a part, with room for it.  NULL: out of memory. */
struct chy_operation *chy_dump_operation(struct chy_assembly *a, const char *name);
/** chy_dump_digest writes a part's digest, as the manifest has it. */
CHY_MUST_USE chy_status chy_dump_digest(struct chy_assembly *a, struct chy_op *op,
                                        struct chy_slice content, char out_text[65]);

#endif
