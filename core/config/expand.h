/** `${NAME}` in texts, and where secrets come from. */
#ifndef CHY_CONFIG_EXPAND_H
#define CHY_CONFIG_EXPAND_H

#include "config/options.h"

#include <stdbool.h>

/** The place of a value, for messages. */
struct chy_config_place {
    uint32_t line;
    uint32_t column;
    struct chy_slice path;
};

/** chy_expand replaces `${NAME}`; a secret goes to the secret arena, and the variables are
 *  remembered. false: a problem was recorded.  `out_text` is NUL-terminated past its length. */
CHY_MUST_USE bool chy_expand(struct chy_op *op, struct chy_options_source *source,
                             const struct chy_config_place *place, struct chy_slice text,
                             bool secret, struct chy_slice *out_text);

/** chy_expand_used tells whether the text has a `${NAME}` in it. */
CHY_MUST_USE bool chy_expand_used(struct chy_slice text);

/** chy_path_from makes a path absolute that starts at the configuration's directory. */
CHY_MUST_USE bool chy_path_from(struct chy_op *op, struct chy_options_source *source,
                                const struct chy_config_place *place, struct chy_slice path,
                                struct chy_slice *out_path);

/** chy_secret_read gives the value of a secret: `file:PATH`, `credential:NAME`, or the text itself.
 *  false: a problem was recorded. */
CHY_MUST_USE bool chy_secret_read(struct chy_op *op, struct chy_options_source *source,
                                  const struct chy_config_place *place, struct chy_slice text,
                                  struct chy_slice *out_secret);

/** chy_source_variable asks the source's environment. */
const char *chy_source_variable(const struct chy_options_source *source, const char *name);

#endif
