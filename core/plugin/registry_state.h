/** What the parts of the registry share. */
#ifndef CHY_PLUGIN_REGISTRY_STATE_H
#define CHY_PLUGIN_REGISTRY_STATE_H

#include "plugin/registry.h"

#define CHY_PLUGINS_MAX 64U
#define CHY_INSTANCES_MAX 64U

struct chy_registry {
    struct chy_arena *arena; /**< holds this, names, paths and the schema */
    struct chy_registry_config config;
    struct chy_loaded_plugin *plugins[CHY_PLUGINS_MAX];
    size_t plugin_count;
    struct chy_instance *instances[CHY_INSTANCES_MAX];
    size_t instance_count;
};

/** chy_registry_keep copies a text, NUL-terminated, for as long as the registry lives.  A NULL
 *  pointer: out of memory. */
struct chy_slice chy_registry_keep(struct chy_registry *registry, struct chy_slice text);

/** What of an operation changes while it is in the hands of an instance. */
struct chy_visit {
    struct chy_instance *instance;
    struct chy_slice instance_name;
};

/** chy_visit_begin lets the operation work for the instance until chy_visit_end(). */
struct chy_visit chy_visit_begin(struct chy_op *op, struct chy_instance *instance);
void chy_visit_end(struct chy_op *op, struct chy_visit visit);

#endif
