/**
 * What a JSON answer looks like, in a line that people can read.
 *
 *     {'csr': 'text', 'revokedAt': 'time?', 'certificates': ['#Certificate'], 'note?': 'text'}
 *
 * It is JSON with ' instead of ".  A text says what a value is: `text`, `int`, `bool`, `id` (a
 * UUID), `time`, `any`; `#Name` is an object that the description of the API has under that name;
 * `=a|b` is one of these words.  A ? behind it: or null.  A list holds what each of its elements
 * is, an object its members;
 * `[what, null]` may be null.  A member whose name ends in ? may be missing.
 */
#ifndef CHY_RESOURCE_OUTLINE_H
#define CHY_RESOURCE_OUTLINE_H

#include "resource/json.h"

/** CHY_OUTLINE_REFERENCE is where the description of the API has its objects. */
#define CHY_OUTLINE_REFERENCE "#/components/schemas/"

/** chy_outline_schema makes the JSON Schema of an outline; it lives as long as the operation.
 *  BROKEN: the outline is ill-formed, which is a bug of who wrote it. */
CHY_MUST_USE chy_status chy_outline_schema(struct chy_op *op, const char *outline,
                                           json_t **out_schema);

#endif
