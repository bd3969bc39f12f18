#include "plugin/loader.h"

#include "base/slice.h"
#include "plugin/descriptor.h"
#include "plugin/elf.h"
#include "plugin/refusal.h"
#include "plugin/trust.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

/** The newest major of which a plugin's symbol is looked for, to say what was found. */
#define MAJOR_SEARCHED 20U
/** What the copies of one plugin's tables may take. */
#define COPIES_MAX ((size_t)4 << 20)
#define LISTED_MAX 1000U

bool chy_plugin_name_is_valid(struct chy_slice name)
{
    if (name.len == 0 || name.len > CHY_PLUGIN_NAME_MAX || name.ptr[0] < 'a' || name.ptr[0] > 'z') {
        return false;
    }
    for (uint64_t i = 0; i < name.len; i++) {
        uint8_t c = name.ptr[i];
        if (!((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_')) {
            return false;
        }
    }
    return true;
}

static chy_status refuse_without_entry(const struct chy_candidate *candidate, void *library)
{
    for (unsigned major = 0; major <= MAJOR_SEARCHED; major++) {
        char symbol[sizeof "chancery_plugin_v" + 10];
        (void)snprintf(symbol, sizeof symbol, "chancery_plugin_v%u", major);
        if (dlsym(library, symbol) != NULL) {
            return chy_refuse(candidate, CHY_UNSUPPORTED,
                              "expected a plugin for ABI %u (symbol %s), found one for ABI %u",
                              CHY_ABI_MAJOR, CHY_PLUGIN_ENTRY_NAME, major);
        }
    }
    return chy_refuse(
        candidate, CHY_BAD_INPUT,
        "expected the symbol %s, found a shared object without it, which is no plugin",
        CHY_PLUGIN_ENTRY_NAME);
}

static chy_status map(struct chy_candidate *candidate, const struct chy_plugin **out_descriptor)
{
    char file[64];
    (void)snprintf(file, sizeof file, "/proc/self/fd/%d", candidate->fd);
    void *library = dlopen(file, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (library == NULL) {
        return chy_refuse(candidate, CHY_BAD_INPUT, "cannot load it: %s", dlerror());
    }
    candidate->is_mapped = true;
    void *symbol = dlsym(library, CHY_PLUGIN_ENTRY_NAME);
    if (symbol == NULL) {
        return refuse_without_entry(candidate, library);
    }
    chy_plugin_entry_fn *entry = NULL;
    // ISO C has no conversion from an object pointer to a function pointer; POSIX says the bits
    // fit.
    memcpy(&entry, &symbol, sizeof entry);
    const struct chy_plugin *descriptor = entry();
    if (descriptor == NULL) {
        return chy_refuse(candidate, CHY_BAD_INPUT, "expected a descriptor from %s(), found NULL",
                          CHY_PLUGIN_ENTRY_NAME);
    }
    *out_descriptor = descriptor;
    return CHY_OK;
}

static chy_status new_plugin(struct chy_op *op, struct chy_loaded_plugin **out_plugin)
{
    CHY_AUTO(chy_arena_free) struct chy_arena *arena = chy_arena_new(COPIES_MAX);
    if (arena == NULL) {
        return chy_fail_memory(op);
    }
    struct chy_loaded_plugin *plugin = chy_arena_alloc(arena, sizeof *plugin);
    if (plugin == NULL) {
        return chy_fail_memory(op);
    }
    plugin->fd = -1;
    plugin->arena = CHY_TAKE(arena);
    *out_plugin = plugin;
    return CHY_OK;
}

static chy_status keep_path(const struct chy_candidate *candidate, struct chy_loaded_plugin *plugin)
{
    size_t len = strlen(candidate->path);
    char *copy = chy_arena_alloc(plugin->arena, len + 1);
    if (copy == NULL) {
        return chy_fail_memory(candidate->op);
    }
    memcpy(copy, candidate->path, len);
    plugin->path = chy_slice_of(copy, len);
    return CHY_OK;
}

static chy_status load(struct chy_candidate *candidate, const struct chy_loader_config *config,
                       struct chy_loaded_plugin *plugin)
{
    const struct chy_plugin *descriptor = NULL;
    CHY_TRY(chy_trust_open(candidate, config));
    CHY_TRY(chy_elf_check(candidate));
    CHY_TRY(chy_trust_hash(candidate, config->pin, plugin->hash));
    CHY_TRY(keep_path(candidate, plugin));
    CHY_TRY(map(candidate, &descriptor));
    CHY_TRY(chy_descriptor_copy(candidate, descriptor, plugin));
    plugin->fd = candidate->fd;
    return CHY_OK;
}

chy_status chy_loader_load(struct chy_op *op, const struct chy_loader_config *config,
                           struct chy_slice name, struct chy_loaded_plugin **out_plugin)
{
    char path[4096];
    struct chy_candidate candidate = {op, name, path, -1, 0, false};
    (void)snprintf(path, sizeof path, "%s/%.*s.so", config->directory,
                   (int)chy_slice_first(name, CHY_PLUGIN_NAME_MAX).len, (const char *)name.ptr);
    CHY_AUTO(chy_loaded_plugin_free) struct chy_loaded_plugin *plugin = NULL;
    CHY_TRY(new_plugin(op, &plugin));
    chy_status status = load(&candidate, config, plugin);
    if (status != CHY_OK) {
        // A mapped file is known to the linker by its descriptor's number, which must not be used
        // again.
        if (candidate.fd >= 0 && !candidate.is_mapped) {
            (void)close(candidate.fd);
        }
        return status;
    }
    *out_plugin = CHY_TAKE(plugin);
    return CHY_OK;
}

void chy_loaded_plugin_free(struct chy_loaded_plugin *plugin)
{
    if (plugin != NULL) {
        // The plugin itself lives in the arena.
        chy_arena_free(plugin->arena);
    }
}

const char *chy_interface_name(uint32_t id)
{
    switch ((enum chy_interface_id)id) {
    case CHY_INTERFACE_STORAGE: return "storage";
    case CHY_INTERFACE_CRYPTO: return "crypto";
    case CHY_INTERFACE_ENROLLMENT: return "enrollment";
    case CHY_INTERFACE_NOTIFIER: return "notifier";
    }
    return "unknown";
}

static int is_shared_object(const struct dirent *entry)
{
    struct chy_slice name = chy_text(entry->d_name);
    return chy_slice_ends_with(name, chy_text(".so")) && name.len > sizeof ".so" - 1;
}

static void free_entries(struct dirent **entries, int count)
{
    for (int i = 0; i < count; i++) {
        free(entries[i]);
    }
    free(entries);
}

static chy_status copy_names(struct chy_op *op, struct dirent *const *entries, uint64_t count,
                             struct chy_view *out_names)
{
    struct chy_slice *names = chy_alloc(op, count * sizeof *names);
    if (names == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        struct chy_slice name = chy_text(entries[i]->d_name);
        CHY_TRY(chy_copy(op, chy_slice_first(name, name.len - (sizeof ".so" - 1)), &names[i]));
    }
    struct chy_view view = {names, count, sizeof *names};
    *out_names = view;
    return CHY_OK;
}

chy_status chy_loader_list(struct chy_op *op, const char *directory, struct chy_view *out_names)
{
    struct dirent **entries = NULL;
    int count = scandir(directory, &entries, is_shared_object, alphasort);
    if (count < 0) {
        return chy_fail(op, errno == ENOENT ? CHY_NOT_FOUND : CHY_DENIED, errno,
                        "cannot list the plugin directory '%s': %s", directory, strerror(errno));
    }
    uint64_t listed = (uint64_t)count < LISTED_MAX ? (uint64_t)count : LISTED_MAX;
    chy_status status = copy_names(op, entries, listed, out_names);
    free_entries(entries, count);
    return status;
}
