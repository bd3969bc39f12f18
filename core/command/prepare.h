/** From a configuration to loaded plugins and checked options: what comes before any instance. */
#ifndef CHY_COMMAND_PREPARE_H
#define CHY_COMMAND_PREPARE_H

#include "config/config.h"
#include "plugin/registry.h"

/** One configured instance whose plugin is loaded. */
struct chy_prepared_instance {
    const struct chy_config_instance *config;
    enum chy_interface_id interface;
    const struct chy_loaded_plugin *plugin;
    struct chy_options options; /**< as chy_registry_add() wants them */
};

#define CHY_PREPARED_MAX (1 + 3 * CHY_CONFIG_INSTANCES_MAX)

/** All of them, in the order in which they start: storage, crypto, enrollment,
 *  notifiers. */
struct chy_prepared {
    struct chy_prepared_instance instances[CHY_PREPARED_MAX];
    size_t count;
};

/** chy_prepared_list lists what the configuration has, without loading anything. */
void chy_prepared_list(const struct chy_config *config, struct chy_prepared *out_prepared);

/** chy_prepare_instance loads the instance's plugin, checks that it has the interface and that the
 *  options fit. */
CHY_MUST_USE chy_status chy_prepare_instance(struct chy_op *op, struct chy_config *config,
                                             struct chy_registry *registry,
                                             struct chy_prepared_instance *instance);

/** chy_prepare_try lets the plugin of a prepared instance look at its options, without starting
 *  anything. */
CHY_MUST_USE chy_status chy_prepare_try(struct chy_op *op, struct chy_config *config,
                                        struct chy_registry *registry,
                                        const struct chy_prepared_instance *instance);

/** chy_prepare does what chy_prepare_instance() does for every instance. */
CHY_MUST_USE chy_status chy_prepare(struct chy_op *op, struct chy_config *config,
                                    struct chy_registry *registry,
                                    struct chy_prepared *out_prepared);

/** chy_prepare_registry makes an empty registry as the configuration wants it.  `trust_owner`
 *  besides what the configuration says.  It lives shorter than the operation. */
CHY_MUST_USE chy_status chy_prepare_registry(struct chy_op *op, const struct chy_config *config,
                                             const struct chy_host *host, bool trust_owner,
                                             struct chy_registry **out_registry);

#endif
