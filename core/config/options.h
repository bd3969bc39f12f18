/**
 * Option tables: a map of YAML, checked against `struct chy_option`s, becomes `struct chy_options`.
 *
 * Texts may hold `${NAME}`, the environment's value (unset is an error; `$${` stands for `${`). The
 * value of a secret may be `file:PATH`: the file's content without its last line end, of a file
 * that only its owner may read; or `credential:NAME`: a credential of the service manager. Secrets
 * live in the operation's secret arena, everything else in its arena.
 */
#ifndef CHY_CONFIG_OPTIONS_H
#define CHY_CONFIG_OPTIONS_H

#include "config/problems.h"
#include "config/yaml.h"

#include <chancery/plugin.h>

/** How many environment variables with secrets are remembered. */
#define CHY_SECRET_VARIABLES_MAX 32U

/** Where texts of options come from. */
struct chy_options_source {
    struct chy_problems *problems;
    struct chy_slice directory; /**< where relative paths start; NUL-terminated */
    const char *(*environment)(void *context, const char *name); /**< NULL: getenv() */
    void *context;
    struct chy_slice secret_variables[CHY_SECRET_VARIABLES_MAX]; /**< NUL-terminated names that
                                             gave secrets, for the caller to scrub */
    uint32_t secret_variable_count;
};

/**
 * chy_options_read checks `map` (NULL, or a null node: nothing is given) against `table`, a view of
 * struct chy_option.  `path` is the dotted path of the map, for messages.  What is wrong goes to
 * `source->problems`; the values of what is right are filled all the same.  `out_options` lacks the
 * instance's name and data directory.  Fails only for want of memory.
 */
CHY_MUST_USE chy_status chy_options_read(struct chy_op *op, struct chy_options_source *source,
                                         struct chy_view table, const struct chy_yaml_node *map,
                                         struct chy_slice path, struct chy_options *out_options);

/** chy_options_read_beside does the same where the map has other keys too, which are left alone. */
CHY_MUST_USE chy_status chy_options_read_beside(
    struct chy_op *op, struct chy_options_source *source, struct chy_view table,
    const struct chy_slice *others, size_t other_count, const struct chy_yaml_node *map,
    struct chy_slice path, struct chy_options *out_options);

/** chy_options_from_pairs does the same for `name=value` words of a command line.  A list is
 *  given by naming it several times. */
CHY_MUST_USE chy_status chy_options_from_pairs(struct chy_op *op, struct chy_options_source *source,
                                               struct chy_view table, const char *const *pairs,
                                               size_t count, struct chy_options *out_options);

/** chy_option_parse reads one scalar as an option's type and checks its range.  false:
 *  `out_expected` says what was expected instead.  Texts are taken as they are;
 *  `out_value->text` borrows. */
CHY_MUST_USE bool chy_option_parse(const struct chy_option *option, struct chy_slice text,
                                   struct chy_option_value *out_value,
                                   char out_expected[CHY_MESSAGE_MAX]);

/** chy_option_type_name is the word for an option's type: "duration". */
const char *chy_option_type_name(uint32_t type);

#endif
