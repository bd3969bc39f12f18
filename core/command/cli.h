/** What every command has: services, a log for people on standard error, and one operation. */
#ifndef CHY_COMMAND_CLI_H
#define CHY_COMMAND_CLI_H

#include "base/log.h"
#include "base/op.h"
#include "plugin/services.h"

#include <chancery/host.h>

#include <stdio.h>

/** Where a configuration is looked for unless --config says otherwise. */
#define CHY_DEFAULT_CONFIG "/etc/chancery/chancery.yaml"

struct chy_cli {
    const char *path; /**< how the command was called: "chancery plugin list" */
    struct chy_log log;
    struct chy_services services;
    struct chy_operation operation;
    struct chy_op *op; /**< of `operation`; what a command reads lives as long as the program */
};

/** chy_cli_init makes it ready.  false: out of memory. */
CHY_MUST_USE bool chy_cli_init(struct chy_cli *cli, const char *path);
void chy_cli_fini(struct chy_cli *cli);
CHY_DEFINE_AUTO_FINI(struct chy_cli, chy_cli_fini);

/** chy_cli_fail writes the last error of the operation to standard error, each issue on a line
 *  of its own, and gives the exit code of a failure. */
int chy_cli_fail(struct chy_cli *cli);

#endif
