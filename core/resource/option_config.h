/**
 * Option tables in JSON: what the REST API takes for a plugin's options, checked against the table
 * that the plugin declares.  Wire names are the options' in camelCase.
 */
#ifndef CHY_RESOURCE_OPTION_CONFIG_H
#define CHY_RESOURCE_OPTION_CONFIG_H

#include "resource/json.h"

#include <chancery/plugin.h>

/** CHY_OPTION_NAME_SIZE is what the wire name of an option takes, with a NUL. */
#define CHY_OPTION_NAME_SIZE 64U

/** CHY_OPTION_ITEM_MAX is how many bytes one text of a list may have. */
#define CHY_OPTION_ITEM_MAX 1024

/** chy_option_config_name writes the wire name of an option: "renew_before" is "renewBefore". */
void chy_option_config_name(const struct chy_option *option, char out_name[CHY_OPTION_NAME_SIZE]);

/**
 * chy_option_config_take makes the stored form of `given` (NULL or JSON null: nothing given): every
 * option of `options` with its value or default.  `base`, when not NULL, is the stored form that
 * `given` changes.  Each wrong option becomes an issue at `path` in the body ("/apiConfig", or ""
 * when the options are the body's own members), and `*out_fine` false: the caller, who may have
 * found more, refuses.  BAD_INPUT: `given` is no object.
 */
CHY_MUST_USE chy_status chy_option_config_take(struct chy_op *op, struct chy_view options,
                                               const char *path, const json_t *given,
                                               const json_t *base, json_t **out_config,
                                               bool *out_fine);

/** chy_option_config_schema makes the JSON Schema of what may be given or, with `is_answer`, of
 *  what is shown. */
CHY_MUST_USE chy_status chy_option_config_schema(struct chy_op *op, struct chy_view options,
                                                 bool is_answer, json_t **out_schema);

/**
 * chy_option_config_values reads a stored form, in which secrets stand as they are, into a view of
 * struct chy_option_value, in the order of `options`; texts of secrets are in the secret arena.
 */
CHY_MUST_USE chy_status chy_option_config_values(struct chy_op *op, struct chy_view options,
                                                 const json_t *config, struct chy_view *out_values);

#endif
