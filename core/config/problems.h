/**
 * What is wrong with a configuration: everything at once, each with its place.
 *
 * Problems become the issues of the operation (chy_error.issues): `code` is a fixed word, `path` a
 * JSON Pointer, `message` reads `file:line:column: key.path: what is wrong`.
 */
#ifndef CHY_CONFIG_PROBLEMS_H
#define CHY_CONFIG_PROBLEMS_H

#include "config/yaml.h"

#include <chancery/host.h>

#include <stdbool.h>

struct chy_problem;

struct chy_problems {
    struct chy_op *op;
    struct chy_slice file;
    struct chy_problem *first; /**< in the order of the file; those without a place last */
    bool no_memory;
};

void chy_problems_init(struct chy_problems *problems, struct chy_op *op, struct chy_slice file);

/** chy_problems_add records one at a place.  `path` is dotted: "api.listen", "crypto[1].name". */
void chy_problems_add(struct chy_problems *problems, const char *code, uint32_t line,
                      uint32_t column, struct chy_slice path, const char *format, ...)
    CHY_PRINTF(6, 7);

/** chy_problems_end is CHY_OK if there were none, else CHY_BAD_INPUT with CHY_REASON_VALIDATION,
 *  all of them as issues in the order of the file, and the first as the message. */
CHY_MUST_USE chy_status chy_problems_end(struct chy_problems *problems);

/** chy_nearest_name finds the name that `text` may have been meant to be: at most a third of its
 *  letters differ.  Empty: none. */
struct chy_slice chy_nearest_name(struct chy_slice text, const struct chy_slice *names,
                                  size_t count);

#endif
