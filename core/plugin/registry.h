/**
 * The plugins of the process and their named instances.
 *
 * Instances are created, started and stopped by one thread; they are looked up from any. They start
 * in the order in which they were added and drain, stop and are destroyed in the reverse one.
 */
#ifndef CHY_PLUGIN_REGISTRY_H
#define CHY_PLUGIN_REGISTRY_H

#include "base/lock.h"
#include "plugin/loader.h"

#include <chancery/plugin.h>

#include <stdbool.h>

enum chy_instance_state {
    CHY_INSTANCE_CREATED = 1,
    CHY_INSTANCE_STARTED = 2,
    CHY_INSTANCE_DRAINED = 3,
    CHY_INSTANCE_STOPPED = 4
};

/** One collection that an instance declared, and its number in the whole schema. */
struct chy_instance_collection {
    struct chy_slice name; /**< without the prefix, as the plugin says it */
    uint32_t number;
};

/** One configured use of a plugin.  Its interfaces are called between chy_instance_enter() and
 *  chy_instance_leave(); the wrappers of storage.h and crypto.h do so. */
struct chy_instance {
    struct chy_slice name;
    const struct chy_loaded_plugin *plugin;
    void *self;
    const struct chy_host *host;
    struct chy_slice data_directory; /**< NUL-terminated */
    enum chy_instance_state state;
    bool one_at_a_time; /**< CHY_THREADS_ONE: `lock` serialises its calls */
    struct chy_mutex lock;
    uint32_t lock_depth; /**< how often the holder entered; guarded by `lock` */
    const struct chy_instance_collection *collections;
    uint32_t collection_count;
};

/** chy_instance_enter waits until the instance may be called.  The thread that is in may enter
 *  again, for a plugin that is called back through its own host call. */
void chy_instance_enter(struct chy_instance *instance);
void chy_instance_leave(struct chy_instance *instance);

/** chy_instance_result checks what a call into the plugin returned: an unknown status is
 *  CHY_BROKEN, and a failure without an error record gets one that names the instance and
 *  `call`. */
CHY_MUST_USE chy_status chy_instance_result(const struct chy_instance *instance, struct chy_op *op,
                                            const char *call, chy_status status);

/** chy_instance_run_job runs a job that the instance's enrollment interface declares. */
CHY_MUST_USE chy_status chy_instance_run_job(struct chy_instance *instance, struct chy_op *op,
                                             const struct chy_job *job);

/** The expected hash of one plugin's file. */
struct chy_plugin_pin {
    struct chy_slice plugin;
    struct chy_slice sha256; /**< hexadecimal */
};

struct chy_registry_config {
    const struct chy_host *host;  /**< the service table; outlives the registry */
    const char *plugin_directory; /**< copied */
    bool trust_owner;
    const struct chy_plugin_pin *pins; /**< outlive the registry */
    size_t pin_count;
    const char *data_directory; /**< instances keep their files in folders of it; copied */
};

struct chy_registry;

/** chy_registry_new makes an empty registry.  NULL: out of memory. */
CHY_MUST_USE struct chy_registry *chy_registry_new(const struct chy_registry_config *config);
/** chy_registry_free destroys every instance, which is stopped by then, and frees the registry.
 *  NULL is fine. */
void chy_registry_free(struct chy_registry *registry);
CHY_DEFINE_AUTO(struct chy_registry, chy_registry_free);

/** chy_registry_directory is the folder that it loads from. */
const char *chy_registry_directory(const struct chy_registry *registry);

/** chy_registry_load loads a plugin, or finds it when it is loaded already. */
CHY_MUST_USE chy_status chy_registry_load(struct chy_registry *registry, struct chy_op *op,
                                          struct chy_slice name,
                                          const struct chy_loaded_plugin **out_plugin);

/**
 * chy_registry_add creates an instance. `options->instance_name` names it and `options->values`
 * fits the plugin's option table (core/config/options.h makes them); the data directory is filled
 * in here: `<data_directory>/<instance>`, made with mode 0700. CHY_CONFLICT: the name is taken.
 */
CHY_MUST_USE chy_status chy_registry_add(struct chy_registry *registry, struct chy_op *op,
                                         const struct chy_loaded_plugin *plugin,
                                         const struct chy_options *options,
                                         struct chy_instance **out_instance);

/** chy_registry_try creates such an instance and ends it again, so that the plugin says what it
 *  finds wrong with the options. No directory is made. */
CHY_MUST_USE chy_status chy_registry_try(struct chy_registry *registry, struct chy_op *op,
                                         const struct chy_loaded_plugin *plugin,
                                         const struct chy_options *options);

/** chy_registry_start starts those that are created and not started, in order.  If one fails it is
 *  stopped, and so are those that this call started. */
CHY_MUST_USE chy_status chy_registry_start(struct chy_registry *registry, struct chy_op *op);
/** chy_registry_drain lets every started instance finish what it has in hand.  All are asked; the
 *  first failure is returned. */
CHY_MUST_USE chy_status chy_registry_drain(struct chy_registry *registry, struct chy_op *op);
/** chy_registry_stop stops every instance that was started. */
void chy_registry_stop(struct chy_registry *registry, struct chy_op *op);

/** chy_instance_reload gives an instance new values of its options.  An option that differs and
 *  is not CHY_OPTION_RELOADABLE is CHY_CONFLICT, named; the instance keeps everything then.
 *  `current` is what it was created or last reloaded with. */
CHY_MUST_USE chy_status chy_instance_reload(struct chy_instance *instance, struct chy_op *op,
                                            const struct chy_options *current,
                                            const struct chy_options *wanted);

/** chy_registry_find finds an instance by its name; with an interface only one that has it. */
CHY_MUST_USE struct chy_instance *chy_registry_find(const struct chy_registry *registry,
                                                    struct chy_slice name);
CHY_MUST_USE struct chy_instance *chy_registry_find_with(const struct chy_registry *registry,
                                                         enum chy_interface_id id,
                                                         struct chy_slice name);
/** chy_registry_count and chy_registry_at walk the instances in the order of their start. */
size_t chy_registry_count(const struct chy_registry *registry);
struct chy_instance *chy_registry_at(const struct chy_registry *registry, size_t index);

/**
 * chy_registry_schema makes the whole schema: core's collections, then those that the instances
 * declare, named `<instance>.<name>`. Each declaration is checked first: CHY_BAD_INPUT names the
 * instance, the collection and what is wrong. From then on instances know their collections'
 * numbers. `out_schema` lives as long as the registry.
 */
CHY_MUST_USE chy_status chy_registry_schema(struct chy_registry *registry, struct chy_op *op,
                                            const struct chy_schema *core_schema,
                                            struct chy_schema *out_schema);

#endif
