/** Options and their values as words. */
#ifndef CHY_CONFIG_OPTION_TEXT_H
#define CHY_CONFIG_OPTION_TEXT_H

#include "base/buf.h"

#include <chancery/plugin.h>

#define CHY_OPTION_NUMBER_SIZE 32U

/** chy_option_type_phrase is what a message expects: "a duration (such as 250ms, 30s, 5m, 12h,
 *  7d)". */
const char *chy_option_type_phrase(uint32_t type);

/** chy_option_number_text writes a number as the configuration would have it, in the option's
 *  type. */
void chy_option_number_text(const struct chy_option *option, int64_t number,
                            char out[CHY_OPTION_NUMBER_SIZE]);

/** chy_option_value_add appends a value as YAML has it, on one line. */
void chy_option_value_add(struct chy_buf *out, const struct chy_option *option,
                          const struct chy_option_value *value);

/** chy_yaml_text_add appends a text as a YAML scalar, quoted where it must be. */
void chy_yaml_text_add(struct chy_buf *out, struct chy_slice text);

#endif
