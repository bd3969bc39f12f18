/** What the HTTP server asks of access and resource. */
#ifndef CHY_COMMAND_HOOKS_H
#define CHY_COMMAND_HOOKS_H

#include "command/assembly.h"
#include "http/server.h"

/** chy_hooks_of makes the hooks of an assembly. */
struct chy_http_hooks chy_hooks_of(struct chy_assembly *assembly);

#endif
