/**
 * JSON documents (RFC 8259) as values that belong to an operation.
 *
 * jansson parses and writes; here stand the bounds and the ownership.  Memory of JSON values is
 * zeroised when it is freed, because any of them may have held a secret.
 */
#ifndef CHY_RESOURCE_JSON_H
#define CHY_RESOURCE_JSON_H

#include "base/buf.h"
#include "base/uuid.h"

#include <chancery/host.h>

#include <jansson.h>

/** CHY_JSON_DEPTH_MAX is how deep a document may nest. */
#define CHY_JSON_DEPTH_MAX 32

/** CHY_JSON_MAX is the longest document that we write. */
#define CHY_JSON_MAX ((size_t)8 << 20)

/** chy_json_setup makes jansson zeroise what it frees.  Once, before any JSON is made. */
void chy_json_setup(void);

/** chy_json_parse reads a document that lives as long as the operation.  BAD_INPUT (no reason, so
 *  HTTP 400): malformed, a repeated key, nested too deep, not UTF-8. */
CHY_MUST_USE chy_status chy_json_parse(struct chy_op *op, struct chy_slice text, json_t **out_json);

/** chy_json_read is chy_json_parse for a short while: the caller lets go with json_decref().  What
 *  one thread makes and another frees costs locks. */
CHY_MUST_USE chy_status chy_json_read(struct chy_op *op, struct chy_slice text, json_t **out_json);

/** chy_json_own takes a reference to `json` and lets it go when the operation ends. */
CHY_MUST_USE chy_status chy_json_own(struct chy_op *op, json_t *json);

/** chy_json_object returns a new empty object that lives as long as the operation, or NULL. */
json_t *chy_json_object(struct chy_op *op);
/** chy_json_array does the same for an array. */
json_t *chy_json_array(struct chy_op *op);

/** chy_json_write writes a document, compact, into the arena. */
CHY_MUST_USE chy_status chy_json_write(struct chy_op *op, const json_t *json,
                                       struct chy_slice *out_text);

/** chy_json_write_sorted writes the members by their names: what says the same reads the same. */
CHY_MUST_USE chy_status chy_json_write_sorted(struct chy_op *op, const json_t *json,
                                              struct chy_slice *out_text);

/** chy_json_write_lines writes it for people: a member a line, and a line feed at the end. */
CHY_MUST_USE chy_status chy_json_write_lines(struct chy_op *op, const json_t *json,
                                             struct chy_slice *out_text);

/** chy_json_write_secret writes it into the secret arena. */
CHY_MUST_USE chy_status chy_json_write_secret(struct chy_op *op, const json_t *json,
                                              struct chy_slice *out_text);

/** chy_json_text borrows the text of a JSON string; anything else gives the empty slice. */
struct chy_slice chy_json_text(const json_t *json);

/** chy_json_member borrows the text of a member that is a string; else the empty slice. */
struct chy_slice chy_json_member(const json_t *object, const char *name);

/** chy_json_has_text tells whether a list of texts has `text`. */
CHY_MUST_USE bool chy_json_has_text(const json_t *list, struct chy_slice text);

/** The setters below return false when memory is out; the document is then worthless. */
CHY_MUST_USE bool chy_json_set_text(json_t *object, const char *name, struct chy_slice text);
CHY_MUST_USE bool chy_json_set_uuid(json_t *object, const char *name, const struct chy_uuid *uuid);
CHY_MUST_USE bool chy_json_set_time(json_t *object, const char *name, int64_t time);
CHY_MUST_USE bool chy_json_set_null(json_t *object, const char *name);
CHY_MUST_USE bool chy_json_set_int(json_t *object, const char *name, int64_t number);
CHY_MUST_USE bool chy_json_set_bool(json_t *object, const char *name, bool value);

#endif
