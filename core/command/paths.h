/** Where things lie. */
#ifndef CHY_COMMAND_PATHS_H
#define CHY_COMMAND_PATHS_H

#include <chancery/host.h>

/** chy_path_of_program is the absolute path of the running program, NUL-terminated. */
CHY_MUST_USE chy_status chy_path_of_program(struct chy_op *op, struct chy_slice *out_path);

/** chy_path_of_plugins is lib/chancery/plugins beside the folder of the program, NUL-terminated:
 *  right in a build tree and when installed. */
CHY_MUST_USE chy_status chy_path_of_plugins(struct chy_op *op, struct chy_slice *out_path);

#endif
