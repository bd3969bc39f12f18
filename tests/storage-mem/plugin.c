/** The descriptor, the life of an instance, and what an operator asks. */
#include "mem.h"

#include <stdlib.h>

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *options, void **out_self)
{
    (void)instance;
    (void)options;
    struct mem *mem = calloc(1, sizeof *mem);
    if (mem == NULL || pthread_mutex_init(&mem->lock, NULL) != 0) {
        free(mem);
        return chy_fail_memory(op);
    }
    mem->host = host;
    *out_self = mem;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

/** drain waits for the call that has the lock; those after it are refused. */
static chy_status drain(void *self, struct chy_op *op)
{
    struct mem *mem = self;
    (void)op;
    pthread_mutex_lock(&mem->lock);
    mem->is_draining = true;
    pthread_mutex_unlock(&mem->lock);
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
}

static void destroy(void *self)
{
    struct mem *mem = self;
    if (mem == NULL) {
        return;
    }
    for (uint64_t i = 0; mem->tables != NULL && i < mem->schema->collections.count; i++) {
        for (uint64_t r = 0; r < mem->tables[i].count; r++) {
            free(mem->tables[i].rows[r]);
        }
        free(mem->tables[i].rows);
    }
    free(mem->tables);
    (void)pthread_mutex_destroy(&mem->lock);
    free(mem);
}

chy_status mem_ready(struct mem *mem, struct chy_op *op)
{
    if (mem->is_draining) {
        return chy_fail(op, CHY_TRY_LATER, 0, "the instance is stopping");
    }
    return mem->is_made ? CHY_OK
                        : chy_fail(op, CHY_BROKEN, 0, "the collections have not been made");
}

static chy_status mem_declare(void *self, struct chy_op *op, const struct chy_schema *schema)
{
    struct mem *mem = self;
    CHY_TRY(chy_storage_check_schema(op, schema));
    mem->tables = calloc(schema->collections.count + 1, sizeof *mem->tables);
    if (mem->tables == NULL) {
        return chy_fail_memory(op);
    }
    mem->schema = schema;
    for (uint32_t i = 0; i < schema->collections.count; i++) {
        mem->tables[i].collection = chy_storage_collection(schema, i);
    }
    return CHY_OK;
}

static chy_status mem_verify_schema(void *self, struct chy_op *op,
                                    struct chy_schema_report *out_report)
{
    struct mem *mem = self;
    (void)op;
    pthread_mutex_lock(&mem->lock);
    bool made = mem->is_made;
    pthread_mutex_unlock(&mem->lock);
    out_report->state = made ? CHY_SCHEMA_CURRENT : CHY_SCHEMA_EMPTY;
    out_report->found_version = made ? mem->schema->version : 0;
    out_report->found_min_compatible = made ? mem->schema->min_compatible : 0;
    out_report->detail = chy_text(made ? "" : "nothing has been made yet");
    return CHY_OK;
}

static chy_status mem_upgrade(void *self, struct chy_op *op)
{
    struct mem *mem = self;
    (void)op;
    pthread_mutex_lock(&mem->lock);
    mem->is_made = true;
    pthread_mutex_unlock(&mem->lock);
    return CHY_OK;
}

static chy_status mem_health(void *self, struct chy_op *op)
{
    struct mem *mem = self;
    pthread_mutex_lock(&mem->lock);
    chy_status status = mem_ready(mem, op);
    pthread_mutex_unlock(&mem->lock);
    return status;
}

static chy_status check_locked(const struct mem *mem, struct chy_op *op)
{
    for (uint64_t i = 0; i < mem->schema->collections.count; i++) {
        const struct table *table = &mem->tables[i];
        for (uint64_t r = 0; r < table->count; r++) {
            struct chy_value room[CHY_STORAGE_KEY_FIELDS_MAX];
            uint64_t place = 0;
            if (!table_place(table, key_of(table, table->rows[r], room), &place) || place != r) {
                return chy_fail(op, CHY_BROKEN, 0, "collection %llu is not sorted",
                                (unsigned long long)i);
            }
        }
    }
    return CHY_OK;
}

static chy_status mem_check(void *self, struct chy_op *op)
{
    struct mem *mem = self;
    pthread_mutex_lock(&mem->lock);
    chy_status status = check_locked(mem, op);
    pthread_mutex_unlock(&mem->lock);
    return status;
}

static chy_status mem_statistics(void *self, struct chy_op *op,
                                 struct chy_storage_statistics *out_statistics)
{
    struct mem *mem = self;
    (void)op;
    pthread_mutex_lock(&mem->lock);
    out_statistics->commits = mem->commits;
    out_statistics->batches = mem->commits;
    out_statistics->rows_estimate = 0;
    for (uint64_t i = 0; i < mem->schema->collections.count; i++) {
        out_statistics->rows_estimate += mem->tables[i].count;
    }
    pthread_mutex_unlock(&mem->lock);
    out_statistics->bytes = 0;
    out_statistics->detail = chy_text("{}");
    return CHY_OK;
}

static const struct chy_storage_ops ops = {
    .declare = mem_declare,
    .verify_schema = mem_verify_schema,
    .upgrade = mem_upgrade,
    .get = mem_get,
    .find = mem_find,
    .write = mem_write,
    .health = mem_health,
    .check = mem_check,
    .statistics = mem_statistics,
};

static const struct chy_interface interfaces[] = {
    {CHY_INTERFACE_STORAGE, CHY_STORAGE_MINOR, 0, sizeof ops, &ops},
};

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .name = CHY_TEXT_INIT("storage-mem"),
    .version = CHY_TEXT_INIT("0.1.0"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("records in memory: the reference of the storage contract"),
    .built_with = CHY_TEXT_INIT("libc"),
    .threading = CHY_THREADS_MANY,
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &plugin;
}
