/**
 * The description of the API (OpenAPI 3.1), made of the tables by which requests are routed,
 * checked and answered, so that it says what the program does.
 */
#ifndef CHY_COMMAND_OPENAPI_H
#define CHY_COMMAND_OPENAPI_H

#include "resource/runtime.h"

#include <chancery/enrollment.h>

#include <jansson.h>

/** A description in the making; its document lives as long as the operation. */
struct chy_openapi {
    struct chy_op *op;
    const struct chy_runtime *runtime;
    json_t *document;
    json_t *paths;
    json_t *schemas;
    json_t *tags;
};

CHY_MUST_USE chy_status chy_openapi_begin(struct chy_openapi *api, struct chy_op *op,
                                          const struct chy_runtime *runtime);
/** chy_openapi_add describes routes of struct chy_route; those of other `owner`s may have the same
 *  operations. */
CHY_MUST_USE chy_status chy_openapi_add(struct chy_openapi *api, struct chy_view routes,
                                        struct chy_slice owner);

#endif
