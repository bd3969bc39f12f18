/** The parts of the configuration that are lists of plugin instances. */
#ifndef CHY_CONFIG_INSTANCES_H
#define CHY_CONFIG_INSTANCES_H

#include "config/config.h"

/** chy_instances_read fills storage, crypto, enrollment, notifier, roles' defaults and pins from
 *  the root. */
CHY_MUST_USE chy_status chy_instances_read(struct chy_op *op, struct chy_config *config);

#endif
