/** Loading a plugin, and the life of an instance. */
#include "internal.h"

#include <dlfcn.h>
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#define INTERFACES_MAX 8
#define OPS_SIZE_MAX 4096

struct conf_plugin {
    struct chy_plugin descriptor;
    struct {
        uint32_t id;
        uint32_t reserved;
        uint64_t ops[OPS_SIZE_MAX / sizeof(uint64_t)]; // zero behind what the plugin has
    } interfaces[INTERFACES_MAX];
    uint64_t interface_count;
};

static bool copy_interface(struct conf_plugin *plugin, const struct chy_interface *interface)
{
    if (plugin->interface_count == INTERFACES_MAX || interface->ops == NULL ||
        interface->ops_size > OPS_SIZE_MAX) {
        conf_say("interface %u has no table, or one too many or too large", interface->id);
        return false;
    }
    plugin->interfaces[plugin->interface_count].id = interface->id;
    memcpy(plugin->interfaces[plugin->interface_count].ops, interface->ops, interface->ops_size);
    plugin->interface_count++;
    return true;
}

static bool copy_tables(struct conf_plugin *plugin, const struct chy_plugin *theirs)
{
    size_t size = theirs->struct_size;
    memcpy(&plugin->descriptor, theirs,
           size < sizeof plugin->descriptor ? size : sizeof plugin->descriptor);
    const struct chy_plugin *d = &plugin->descriptor;
    if (d->create == NULL || d->start == NULL || d->stop == NULL || d->destroy == NULL) {
        conf_say("the descriptor lacks create, start, stop or destroy");
        return false;
    }
    if (d->needs_host_minor > CHY_HOST_MINOR) {
        conf_say("the plugin needs host services 1.%u", d->needs_host_minor);
        return false;
    }
    for (uint64_t i = 0; i < d->interfaces.count; i++) {
        struct chy_interface interface = {0};
        uint64_t stride = d->interfaces.stride;
        memcpy(&interface, chy_view_at(d->interfaces, i),
               stride < sizeof interface ? (size_t)stride : sizeof interface);
        if (!copy_interface(plugin, &interface)) {
            return false;
        }
    }
    return true;
}

static bool is_named_like(const struct chy_plugin *descriptor, const char *path)
{
    const char *slash = strrchr(path, '/');
    const char *file = slash == NULL ? path : slash + 1;
    size_t len = strlen(file);
    return len > 3 && strcmp(file + len - 3, ".so") == 0 &&
           chy_slice_equal(descriptor->name, chy_slice_of(file, len - 3));
}

struct conf_plugin *conf_plugin_load(const char *path)
{
    // Never closed: libraries leave handlers behind, and leak reports need the names.
    void *object = dlopen(path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    if (object == NULL) {
        conf_say("cannot load '%s': %s", path, dlerror());
        return NULL;
    }
    void *symbol = dlsym(object, CHY_PLUGIN_ENTRY_NAME);
    if (symbol == NULL) {
        conf_say("'%s' has no symbol %s", path, CHY_PLUGIN_ENTRY_NAME);
        return NULL;
    }
    chy_plugin_entry_fn *entry = NULL;
    memcpy(&entry, &symbol, sizeof entry); // ISO C has no cast from object to function
    const struct chy_plugin *theirs = entry();
    struct conf_plugin *plugin = conf_must(calloc(1, sizeof *plugin));
    if (theirs == NULL || !copy_tables(plugin, theirs) ||
        !is_named_like(&plugin->descriptor, path)) {
        conf_say("'%s' has no sound descriptor of its own name", path);
        free(plugin);
        return NULL;
    }
    return plugin;
}

void conf_plugin_free(struct conf_plugin *plugin)
{
    free(plugin);
}

const struct chy_plugin *conf_plugin_descriptor(const struct conf_plugin *plugin)
{
    return &plugin->descriptor;
}

const void *conf_plugin_interface(const struct conf_plugin *plugin, enum chy_interface_id id)
{
    for (uint64_t i = 0; i < plugin->interface_count; i++) {
        if (plugin->interfaces[i].id == (uint32_t)id) {
            return plugin->interfaces[i].ops;
        }
    }
    return NULL;
}

struct chy_instance *conf_instance_new(const struct conf_plugin *plugin,
                                       const struct conf_arguments *arguments, const char *tag,
                                       const char *data_directory)
{
    struct chy_instance *instance = conf_must(calloc(1, sizeof *instance));
    instance->descriptor = &plugin->descriptor;
    instance->name = conf_must(strdup(tag));
    instance->data_directory = conf_must(strdup(data_directory));
    instance->values =
        conf_must(calloc(plugin->descriptor.options.count + 1, sizeof *instance->values));
    if (!conf_options_parse(instance, arguments)) {
        conf_instance_free(instance);
        return NULL;
    }
    return instance;
}

void conf_instance_free(struct chy_instance *instance)
{
    if (instance == NULL) {
        return;
    }
    for (size_t i = 0; i < instance->owned_count; i++) {
        free(instance->owned[i]);
    }
    free(instance->owned);
    free(instance->values);
    free(instance->data_directory);
    free(instance->name);
    free(instance);
}

chy_status conf_instance_up(struct chy_instance *instance)
{
    const struct chy_plugin *d = instance->descriptor;
    const struct chy_options options = {
        .struct_size = sizeof options,
        .instance_name = chy_text(instance->name),
        .data_directory = chy_text(instance->data_directory),
        .values = {instance->values, d->options.count, sizeof *instance->values},
    };
    struct chy_op *op = conf_op_new(instance);
    void *self = NULL;
    const char *step = "create";
    chy_status status = d->create(&conf_host_table, instance, op, &options, &self);
    if (status == CHY_OK) {
        step = "start";
        status = d->start(self, op);
        if (status != CHY_OK) {
            d->stop(self, op);
            d->destroy(self);
        }
    }
    if (status == CHY_OK) {
        instance->self = self;
    } else {
        conf_say("%s answered %d: %s", step, status, conf_op_message(op));
    }
    conf_op_free(op);
    return status;
}

void conf_instance_down(struct chy_instance *instance)
{
    const struct chy_plugin *d = instance->descriptor;
    struct chy_op *op = conf_op_new(instance);
    if (d->drain != NULL) {
        chy_status status = d->drain(instance->self, op);
        if (status != CHY_OK) {
            conf_say("drain answered %d: %s", status, conf_op_message(op));
        }
    }
    d->stop(instance->self, op);
    d->destroy(instance->self);
    instance->self = NULL;
    conf_op_free(op);
}

void *conf_instance_self(const struct chy_instance *instance)
{
    return instance->self;
}

int64_t conf_live_operations(const struct chy_instance *instance)
{
    return atomic_load(&instance->live_operations);
}

char *conf_temp_dir_new(void)
{
    const char *base = getenv("TMPDIR");
    char *path = NULL;
    if (asprintf(&path, "%s/chancery-XXXXXX", base == NULL ? "/tmp" : base) < 0 ||
        mkdtemp(path) == NULL) {
        conf_say("cannot make a temporary directory");
        abort();
    }
    return path;
}

static int remove_entry(const char *path, const struct stat *status, int kind, struct FTW *where)
{
    (void)status;
    (void)kind;
    (void)where;
    return remove(path);
}

void conf_temp_dir_remove(char *path)
{
    if (path != NULL && nftw(path, remove_entry, 16, FTW_DEPTH | FTW_PHYS) != 0) {
        conf_say("cannot remove '%s'", path);
    }
    free(path);
}
