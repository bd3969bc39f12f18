/**
 * JSON Schema (2020-12): the part of it by which requests are checked.
 *
 * Known keywords: type (a name or a list), enum, minLength, maxLength (characters), pattern (POSIX
 * extended), format ("uuid"), minimum, maximum, exclusiveMinimum, minItems, maxItems, uniqueItems,
 * items, properties, required, and ours: "x-fold" (enum ignores the case of ASCII letters),
 * "x-trim" (white space around a string does not count).  title, description, default and examples
 * are for readers.  Other keywords are refused when a schema is read, so that none is silently not
 * checked.
 */
#ifndef CHY_RESOURCE_SHAPE_H
#define CHY_RESOURCE_SHAPE_H

#include <chancery/host.h>

#include <jansson.h>

/** What many schemas say of a member: an id, and what people write about a thing. */
#define CHY_SHAPE_ID "{\"type\":\"string\",\"format\":\"uuid\"}"
#define CHY_SHAPE_ID_OR_NULL "{\"type\":[\"string\",\"null\"],\"format\":\"uuid\"}"
#define CHY_SHAPE_DESCRIPTION "{\"type\":[\"string\",\"null\"],\"maxLength\":1000}"

/** A schema made ready.  Immutable: any number of threads may check with it. */
struct chy_shape;

/** chy_shape_new reads a schema; `where` names it in messages.  The text may be freed after. */
CHY_MUST_USE chy_status chy_shape_new(struct chy_op *op, struct chy_slice text, const char *where,
                                      struct chy_shape **out_schema);
/** chy_shape_from_json is chy_shape_new for a schema that was put together. */
CHY_MUST_USE chy_status chy_shape_from_json(struct chy_op *op, const json_t *json,
                                            const char *where, struct chy_shape **out_schema);
/** chy_shape_free: NULL is fine. */
void chy_shape_free(struct chy_shape *schema);

/** chy_shape_check holds a document to a schema.  BAD_INPUT with CHY_REASON_VALIDATION and an issue
 *  for each thing that is wrong.  Members that the schema does not name are left alone. */
CHY_MUST_USE chy_status chy_shape_check(struct chy_op *op, const struct chy_shape *schema,
                                        const json_t *document);

/** chy_shape_coerce turns the strings of a query into what the schema expects of a member: numbers,
 *  true and false, lists written with commas.  What cannot be turned stays, and fails the check. */
void chy_shape_coerce(const struct chy_shape *shape, json_t *document);

/**
 * chy_shape_trim takes the white space around the strings away that the schema marks with x-trim,
 * in an object's own members.
 */
CHY_MUST_USE chy_status chy_shape_trim(struct chy_op *op, const struct chy_shape *shape,
                                       json_t *document);

/** chy_shape_issue records one wrong field found by other means: `path` is a JSON Pointer. */
void chy_shape_issue(struct chy_op *op, const char *code, const char *path, const char *format, ...)
    CHY_PRINTF(4, 5);

/** chy_shape_refuse fails with all issues recorded so far. */
CHY_MUST_USE chy_status chy_shape_refuse(struct chy_op *op);

/** chy_shape_refuse_one is chy_shape_issue and chy_shape_refuse in one. */
CHY_MUST_USE chy_status chy_shape_refuse_one(struct chy_op *op, const char *code, const char *path,
                                             const char *format, ...) CHY_PRINTF(4, 5);

#endif
