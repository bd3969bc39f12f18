/**
 * Finds, vets and maps a plugin file.
 *
 * The file is opened once, that descriptor is checked and that descriptor is loaded, so that
 * nothing can be swapped in between. It stays open, and the plugin mapped, until the process ends.
 * Every refusal names the file, what was expected and what was found.
 */
#ifndef CHY_PLUGIN_LOADER_H
#define CHY_PLUGIN_LOADER_H

#include "base/arena.h"

#include <chancery/crypto.h>
#include <chancery/enrollment.h>
#include <chancery/notifier.h>
#include <chancery/plugin.h>
#include <chancery/storage.h>

#include <stdbool.h>

/** The longest name of a plugin, and of an instance. */
#define CHY_PLUGIN_NAME_MAX 40U
/** 32 bytes as lower-case hexadecimal digits and a NUL. */
#define CHY_PLUGIN_HASH_SIZE 65U

/** What the loader insists on. */
struct chy_loader_config {
    const char *directory; /**< where plugins are; nothing outside of it is loaded */
    bool trust_owner;      /**< a file of the process's own user will do; else root's only */
    struct chy_slice pin;  /**< SHA-256 of the file, hexadecimal; empty: any */
};

/** A vetted plugin.  Tables and arrays are the host's own copies, zeroed where the plugin is older;
 *  the elements of arrays are as long as the longer of both takes them for. */
struct chy_loaded_plugin {
    struct chy_plugin descriptor;
    struct chy_storage_ops storage; /**< zero without that interface, like the next three */
    struct chy_crypto_ops crypto;
    struct chy_enrollment_ops enrollment;
    struct chy_notifier_ops notifier;
    struct chy_slice path;           /**< NUL-terminated */
    char hash[CHY_PLUGIN_HASH_SIZE]; /**< SHA-256 of the file */
    int fd;
    uint32_t interfaces;     /**< bit 1 << id for each interface it has */
    struct chy_arena *arena; /**< holds this and the copies */
};

/**
 * chy_loader_load loads `<directory>/<name>.so`. Fails with CHY_NOT_FOUND if there is no such file,
 * CHY_DENIED if it is not to be trusted, CHY_UNSUPPORTED if it is for another host, CHY_BAD_INPUT
 * if it is no plugin or contradicts itself.
 */
CHY_MUST_USE chy_status chy_loader_load(struct chy_op *op, const struct chy_loader_config *config,
                                        struct chy_slice name,
                                        struct chy_loaded_plugin **out_plugin);

/** chy_loaded_plugin_free frees the copies.  The file stays mapped and open.  NULL is fine. */
void chy_loaded_plugin_free(struct chy_loaded_plugin *plugin);
CHY_DEFINE_AUTO(struct chy_loaded_plugin, chy_loaded_plugin_free);

/** chy_loaded_plugin_has tells whether the plugin has an interface. */
static inline bool chy_loaded_plugin_has(const struct chy_loaded_plugin *plugin,
                                         enum chy_interface_id id)
{
    return (plugin->interfaces & (UINT32_C(1) << id)) != 0;
}

/** chy_interface_name is the word for an interface: "storage". */
const char *chy_interface_name(uint32_t id);

/** chy_plugin_name_is_valid: a lower-case letter, then lower-case letters, digits, '-' and '_'. */
CHY_MUST_USE bool chy_plugin_name_is_valid(struct chy_slice name);

/** chy_loader_list names the `.so` files of a directory, without the ending, in order, as a view of
 *  struct chy_slice in the arena of `op`. */
CHY_MUST_USE chy_status chy_loader_list(struct chy_op *op, const char *directory,
                                        struct chy_view *out_names);

#endif
