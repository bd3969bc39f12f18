/** The effective configuration as YAML: secrets masked, defaults marked. */
#ifndef CHY_CONFIG_PRINT_H
#define CHY_CONFIG_PRINT_H

#include "base/buf.h"
#include "config/config.h"

/** The option table of an instance's plugin, if it is known; else a view of nothing. */
typedef struct chy_view chy_config_table_fn(void *context, struct chy_slice plugin);

/** chy_config_print writes it to `out`.  `table_of` finds the option tables of plugins; NULL: the
 *  options of instances are printed as they are written, all masked. */
CHY_MUST_USE chy_status chy_config_print(struct chy_op *op, struct chy_config *config,
                                         chy_config_table_fn *table_of, void *context,
                                         struct chy_buf *out);

#endif
