/**
 * What a profile sets for its enrollment method: `apiConfig`, `estConfig` and so on, checked
 * against the option table that the method's plugin declares.  Wire names are the options' in
 * camelCase.
 */
#ifndef CHY_RESOURCE_METHOD_CONFIG_H
#define CHY_RESOURCE_METHOD_CONFIG_H

#include "resource/option_config.h"
#include "resource/runtime.h"

/** CHY_METHOD_NAME_MAX bounds the names of methods and, with suffix, of their members. */
#define CHY_METHOD_NAME_MAX 48

/** chy_method_member writes "<method>Config" or, with `id`, "<method>ConfigId". */
void chy_method_member(const struct chy_method *method, bool id,
                       char out_name[CHY_METHOD_NAME_MAX + 16]);

/**
 * chy_method_config_check makes the stored form of `given` (NULL or JSON null: nothing given):
 * every option with its value or default.  `base`, when not NULL, is the stored form that `given`
 * changes.  BAD_INPUT with an issue for each wrong option, at `path` in the body: "/apiConfig", or
 * "" when the options are the body's own members.
 */
CHY_MUST_USE chy_status chy_method_config_check(struct chy_op *op, const struct chy_method *method,
                                                const char *path, const json_t *given,
                                                const json_t *base, json_t **out_config);

/** chy_method_config_schema makes the JSON Schema of what may be given or, with `is_answer`, of
 *  what is shown. */
CHY_MUST_USE chy_status chy_method_config_schema(struct chy_op *op, const struct chy_method *method,
                                                 bool is_answer, json_t **out_schema);

#endif
