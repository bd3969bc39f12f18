/** Asking the resource service from a command: the same actions that REST has. */
#ifndef CHY_COMMAND_ASK_H
#define CHY_COMMAND_ASK_H

#include "command/assembly.h"

#include <jansson.h>

/** chy_ask_authority runs `action` on certificate authorities and gives its answer.  `id` may be
 *  empty.  An error names the members that are wrong. */
CHY_MUST_USE chy_status chy_ask_authority(struct chy_op *op, const char *action, const char *id,
                                          const json_t *document, json_t **out_answer);

/** chy_ask_user does the same with users. */
CHY_MUST_USE chy_status chy_ask_user(struct chy_op *op, const char *action, const char *id,
                                     const json_t *document, json_t **out_answer);

/** chy_ask_find_authority finds a CA by its id, or by a name that only one has. */
CHY_MUST_USE chy_status chy_ask_find_authority(struct chy_assembly *assembly, struct chy_op *op,
                                               const char *text, struct chy_uuid *out_id);

#endif
