/**
 * What a plugin is: one exported function, one descriptor, a typed option table, a life cycle.
 *
 *     CHY_API const struct chy_plugin *chancery_plugin_v1(void);
 *
 * is the only symbol a plugin exports.  Its name carries the major version of the ABI: a plugin
 * made for another major lacks the symbol, and the host can say so.  The function returns a table
 * with static storage, may be called more than once, and does nothing else.
 *
 * A plugin is trusted code in the host's process.  It does not: exit, abort, register atexit or
 * signal handlers, fork, write to standard output or error, use errno as an interface.  It logs,
 * counts, tells time and gets randomness through the host.  It is never unloaded before the process
 * ends.
 *
 * Life cycle of an instance; several instances of one plugin may live side by side.  Each of these
 * runs on one thread with nothing else running on the instance, except `drain`:
 *
 *     create → start → (operations of its interfaces) → drain → stop → destroy
 *
 *   create   reads and checks options, opens nothing that start could not undo
 *   start    opens connections and threads; not OK: the host calls stop and destroy
 *   drain    finish what is in hand, refuse what is new; other calls may run beside it
 *   stop     close everything; what operations are still running has ended before
 *   destroy  free `self`; accepts what a failed create or start left
 *   reload   optional: takes new values of the options marked CHY_OPTION_RELOADABLE, all or nothing
 *
 * Change log of this header
 *   1.0  first version
 *   1.1  CHY_INTERFACE_NOTIFIER
 */
#ifndef CHANCERY_PLUGIN_H
#define CHANCERY_PLUGIN_H

#include <chancery/host.h>
#include <chancery/types.h>

CHY_BEGIN_DECLS

#define CHY_ABI_MAJOR 1U

/** The kinds of interface.  Append only. */
enum chy_interface_id {
    CHY_INTERFACE_STORAGE = 1,    /**< struct chy_storage_ops, storage.h */
    CHY_INTERFACE_CRYPTO = 2,     /**< struct chy_crypto_ops, crypto.h */
    CHY_INTERFACE_ENROLLMENT = 3, /**< struct chy_enrollment_ops, enrollment.h */
    CHY_INTERFACE_NOTIFIER = 4    /**< struct chy_notifier_ops, notifier.h */
};

/** How the host may call an instance's interfaces. */
enum chy_threading {
    CHY_THREADS_MANY = 0, /**< any number of calls at once */
    CHY_THREADS_ONE = 1   /**< the host lets one call in at a time */
};

enum chy_option_type {
    CHY_OPTION_TEXT = 1,
    CHY_OPTION_INT = 2,
    CHY_OPTION_BOOL = 3,
    CHY_OPTION_DURATION = 4, /**< written "250ms", "30s", "5m", "12h", "7d"; crosses as µs */
    CHY_OPTION_SIZE = 5, /**< written "64", "16k", "2m", "1g" (powers of 1024); crosses as bytes */
    CHY_OPTION_PATH = 6, /**< a relative one starts at the configuration file's directory */
    CHY_OPTION_CHOICE = 7, /**< one of `choices`; crosses as its number there, and as text */
    CHY_OPTION_TEXT_LIST = 8
};

enum chy_option_flag {
    CHY_OPTION_REQUIRED = 1U << 0,
    CHY_OPTION_SECRET = 1U << 1,    /**< never printed or logged; `${ENV}` and `file:` are usual */
    CHY_OPTION_RELOADABLE = 1U << 2 /**< reload() takes a new value without a restart */
};

/** One option an instance understands: element of `chy_plugin.options`. */
struct chy_option {
    struct chy_slice name; /**< snake_case */
    uint32_t type;         /**< enum chy_option_type */
    uint32_t flags;        /**< enum chy_option_flag */
    int64_t minimum;       /**< of the number, of the text's or list's length; both 0: no limit */
    int64_t maximum;
    struct chy_slice default_text; /**< as it would be written; empty: none */
    struct chy_view choices;       /**< of struct chy_slice, for CHY_OPTION_CHOICE */
    struct chy_slice help;         /**< one line */
};
CHY_ABI_SIZE(struct chy_option, 96);

/** The value of one option: element `i` of `chy_options.values` belongs to option `i`. */
struct chy_option_value {
    uint32_t given; /**< 1: written in the configuration, 0: the default, or nothing */
    uint32_t reserved;
    int64_t number;        /**< INT, BOOL (0, 1), DURATION (µs), SIZE (bytes), CHOICE (index) */
    struct chy_slice text; /**< TEXT, PATH, CHOICE; NUL-terminated past its length; may be empty */
    struct chy_view list;  /**< of struct chy_slice, for TEXT_LIST */
};
CHY_ABI_SIZE(struct chy_option_value, 56);

/** What create() and reload() are given: checked against the option table.  Valid for the call. */
struct chy_options {
    uint32_t struct_size;
    uint32_t reserved;
    struct chy_slice instance_name;  /**< as written in the configuration */
    struct chy_slice data_directory; /**< where the instance may keep files; exists, mode 0700 */
    struct chy_view values;          /**< of struct chy_option_value */
};
CHY_ABI_SIZE(struct chy_options, 64);

/** chy_option_at returns the value of option `index`, which the table is sure to have. */
static inline const struct chy_option_value *chy_option_at(const struct chy_options *options,
                                                           uint64_t index)
{
    return (const struct chy_option_value *)(const void *)((const uint8_t *)options->values.ptr +
                                                           index * options->values.stride);
}

/** One interface a plugin implements: element of `chy_plugin.interfaces`. */
struct chy_interface {
    uint32_t id;          /**< enum chy_interface_id */
    uint32_t minor;       /**< the interface's minor that the plugin was built with: for people */
    uint32_t needs_minor; /**< the least that it needs of the host: compared when loading */
    uint32_t ops_size;    /**< sizeof(*ops) as the plugin saw it */
    const void *ops;      /**< the table; the host copies it into a zeroed one of its own */
};
CHY_ABI_SIZE(struct chy_interface, 24);

/** The descriptor. */
struct chy_plugin {
    uint32_t struct_size;
    uint32_t needs_host_minor;   /**< the least CHY_HOST_MINOR that it works with */
    struct chy_slice name;       /**< equal to the file's name without ".so" */
    struct chy_slice version;    /**< of the plugin */
    struct chy_slice licence;    /**< SPDX expression of the built file */
    struct chy_slice summary;    /**< one line */
    struct chy_slice built_with; /**< libraries and versions: "SQLite 3.40.1" */
    uint32_t threading;          /**< enum chy_threading */
    uint32_t reserved;
    struct chy_view options;    /**< of struct chy_option */
    struct chy_view interfaces; /**< of struct chy_interface */

    /** `host` and `instance` stay valid until destroy.  `options` is valid for the call. */
    chy_status (*create)(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *options, void **out_self);
    chy_status (*start)(void *self, struct chy_op *op);
    chy_status (*drain)(void *self, struct chy_op *op);
    void (*stop)(void *self, struct chy_op *op);
    void (*destroy)(void *self);
    chy_status (*reload)(void *self, struct chy_op *op, const struct chy_options *options);
};
CHY_ABI_SIZE(struct chy_plugin, 192);
CHY_ABI_OFFSET(struct chy_plugin, create, 144);

/** What dlsym() finds. */
typedef const struct chy_plugin *chy_plugin_entry_fn(void);
#define CHY_PLUGIN_ENTRY_NAME "chancery_plugin_v1"

/** The one symbol a plugin exports. */
CHY_API const struct chy_plugin *chancery_plugin_v1(void);

CHY_END_DECLS

#endif
