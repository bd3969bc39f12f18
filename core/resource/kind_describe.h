/**
 * What the calls of a kind look like from outside, told from the tables by which they are served:
 * the description of the API is made of it.
 */
#ifndef CHY_RESOURCE_KIND_DESCRIBE_H
#define CHY_RESOURCE_KIND_DESCRIBE_H

#include "resource/kind.h"

/** A call, described.  What it has lives as long as the operation, and may be changed. */
struct chy_described {
    const struct chy_kind *kind;
    const struct chy_action *action;
    json_t *request;         /**< JSON Schema of the document; NULL: it is not looked at */
    json_t *answer;          /**< JSON Schema of the answer; NULL: it is no JSON, or not declared */
    const char *media_types; /**< of an answer that is no JSON, with commas between them */
    bool has_object;         /**< chy_kind_describe_object() describes the kind's objects */
    struct chy_slice name;   /**< what `answer` calls such an object: "CertificateProfile" */
};

/** chy_kind_describe describes a call.  NOT_FOUND: there is none such. */
CHY_MUST_USE chy_status chy_kind_describe(const struct chy_runtime *runtime, struct chy_op *op,
                                          struct chy_slice kind, struct chy_slice action,
                                          struct chy_described *out_described);

/** chy_kind_describe_object makes the JSON Schema of the objects that a call is about. */
CHY_MUST_USE chy_status chy_kind_describe_object(const struct chy_runtime *runtime,
                                                 struct chy_op *op,
                                                 const struct chy_described *described,
                                                 json_t **out_object);

#endif
