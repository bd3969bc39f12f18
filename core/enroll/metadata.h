/** The pairs that people put on certificates and requests: [{"key", "value"}]. */
#ifndef CHY_ENROLL_METADATA_H
#define CHY_ENROLL_METADATA_H

#include "resource/runtime.h"

#include <jansson.h>

/** CHY_METADATA_SHAPE is the JSON Schema of a list of pairs, or null. */
#define CHY_METADATA_SHAPE                                             \
    "{\"type\":[\"array\",\"null\"],\"maxItems\":64,\"items\":{"       \
    "\"type\":\"object\",\"required\":[\"key\"],\"properties\":{"      \
    "\"key\":{\"type\":\"string\",\"minLength\":1,\"maxLength\":255}," \
    "\"value\":{\"type\":[\"string\",\"null\"],\"maxLength\":1020}}}}"

/** chy_metadata_check holds a view of struct chy_pair to the bounds: how many, how long. */
CHY_MUST_USE chy_status chy_metadata_check(struct chy_op *op, struct chy_view metadata);

/** chy_metadata_read makes a view of struct chy_pair of a list of that shape (NULL: empty), and
 *  checks it. The texts are borrowed of `list`. */
CHY_MUST_USE chy_status chy_metadata_read(struct chy_op *op, const json_t *list,
                                          struct chy_view *out_metadata);

#endif
