/** One operation of the description: parameters, body, answers (openapi.c has the whole). */
#ifndef CHY_COMMAND_OPENAPI_OPERATION_H
#define CHY_COMMAND_OPENAPI_OPERATION_H

#include "command/openapi.h"
#include "resource/kind_describe.h"

/** A route and what is known of it. */
struct chy_openapi_route {
    struct chy_op *op;
    const struct chy_route *route;
    bool has_call;
    struct chy_described call; /**< what the resource service does for it */
    json_t *request;           /**< JSON Schema of body or query; NULL: nothing is looked at */
    json_t *answer;            /**< JSON Schema; NULL: not JSON */
    bool from_query;
};

/** chy_openapi_parameters describes path and query, and takes what the path gives out of the
 *  request's schema. */
CHY_MUST_USE chy_status chy_openapi_parameters(struct chy_openapi_route *r, json_t *parameters);

/** chy_openapi_body describes the request's body; untouched: it has none. */
CHY_MUST_USE chy_status chy_openapi_body(const struct chy_openapi_route *r, json_t *operation);

/** chy_openapi_responses describes every status that may be answered. */
CHY_MUST_USE chy_status chy_openapi_responses(const struct chy_openapi_route *r, json_t *responses);

/** chy_openapi_add_errors adds the envelopes of every status to the document's components. */
CHY_MUST_USE chy_status chy_openapi_add_errors(struct chy_op *op, json_t *schemas,
                                               json_t *responses);

#endif
