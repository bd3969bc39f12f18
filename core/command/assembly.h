/**
 * A running instance put together from its configuration: plugins, storage, keys, kinds.
 *
 * Every command that opens storage builds one; the daemon adds listeners and jobs to it.
 */
#ifndef CHY_COMMAND_ASSEMBLY_H
#define CHY_COMMAND_ASSEMBLY_H

#include "command/cli.h"
#include "command/prepare.h"
#include "commandline/arguments.h"
#include "resource/runtime.h"

/** What a command needs of an instance. */
enum chy_assembly_need {
    CHY_NEED_STORAGE = 1, /**< the storage plugin, opened; the schema may be in any state */
    CHY_NEED_RUNTIME = 2, /**< everything: the schema must be current, the KEK right */
    CHY_NEED_NEW = 3,     /**< everything, made where it is missing: schema, KEK check value */
    CHY_NEED_RESTORE = 4, /**< storage, its schema made where it is missing, and providers */
    CHY_NEED_FINISH = 5   /**< everything, of a database whose restoring is not finished */
};

/** One instance.  Read-only for others once it is started. */
struct chy_assembly {
    struct chy_cli *cli;
    struct chy_config *config;
    enum chy_assembly_need need;
    bool trust_owner; /**< plugins of the process's own user will do */
    struct chy_registry *registry;
    struct chy_prepared prepared;
    struct chy_instance *instances[CHY_PREPARED_MAX]; /**< as in `prepared` */
    struct chy_crypto *cryptos[CHY_PREPARED_MAX];     /**< likewise */
    struct chy_schema schema;
    struct chy_runtime runtime;
    char machine[64];
    char node[80]; /**< the machine's name and what tells its processes apart */
};

/** chy_assembly_start puts everything together; `config` lives as long as the program.  After a
 *  failure nothing is left, and cli->op has the error. */
CHY_MUST_USE chy_status chy_assembly_start(struct chy_assembly *assembly, struct chy_cli *cli,
                                           struct chy_config *config, enum chy_assembly_need need,
                                           bool trust_owner);
/** chy_assembly_stop takes it apart. */
void chy_assembly_stop(struct chy_assembly *assembly);

/**
 * chy_assembly_run does some work in an operation of its own, which acts for the instance itself.
 * What the work read from caches goes before the instance does.  The error, if any, is on cli->op.
 */
typedef chy_status chy_assembly_work(struct chy_assembly *assembly, struct chy_op *op,
                                     void *context);
CHY_MUST_USE chy_status chy_assembly_run(struct chy_assembly *assembly, chy_assembly_work *work,
                                         void *context);

/** chy_assembly_part does a part of such work in an operation of its own, which may take
 *  `memory_max` (0: as much as any) and gives it back.  The error, if any, is on `op`. */
CHY_MUST_USE chy_status chy_assembly_part(struct chy_assembly *assembly, struct chy_op *op,
                                          size_t memory_max, chy_assembly_work *work,
                                          void *context);

/** chy_assembly_command is a whole command: it finds the instance (command/locate.h), puts it
 *  together, does the work and takes it apart.  It gives the exit code. */
int chy_assembly_command(struct chy_cli *cli, const struct chy_given *given,
                         chy_assembly_work *work, void *context);

#endif
