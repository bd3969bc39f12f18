#include "plugin/storage.h"

#include "base/op.h"
#include "plugin/registry_state.h"
#include "plugin/schema.h"
#include "plugin/storage_state.h"
#include "plugin/values.h"
#include "plugin/view.h"

#include <assert.h>
#include <stdlib.h>

static const struct chy_meter_call calls[CHY_STORAGE_CALLS] = {
    [CHY_STORAGE_CALL_GET] = {"get", true},
    [CHY_STORAGE_CALL_FIND] = {"find", true},
    [CHY_STORAGE_CALL_WRITE] = {"write", true},
    [CHY_STORAGE_CALL_HEALTH] = {"health", true},
    [CHY_STORAGE_CALL_CHECK] = {"check", true},
    [CHY_STORAGE_CALL_VERIFY_SCHEMA] = {"verify_schema", true},
    [CHY_STORAGE_CALL_UPGRADE] = {"upgrade", true},
    [CHY_STORAGE_CALL_STATISTICS] = {"statistics", true},
    [CHY_STORAGE_CALL_BACKUP] = {"backup", true},
    [CHY_STORAGE_CALL_FREEZE] = {"freeze", true},
};

/** One call in progress. */
struct call {
    struct chy_storage *storage;
    struct chy_op *op;
    enum chy_storage_call kind;
    int64_t started;
    struct chy_visit visit;
};

static chy_status begin(struct call *call)
{
    struct chy_storage *storage = call->storage;
    if (call->kind == CHY_STORAGE_CALL_HEALTH) {
        CHY_TRY(chy_gate_enter_anyway(&storage->gate, call->op));
    } else {
        CHY_TRY(chy_gate_enter(&storage->gate, call->op));
    }
    call->started = chy_monotonic(call->op);
    chy_instance_enter(storage->instance);
    call->visit = chy_visit_begin(call->op, storage->instance);
    return CHY_OK;
}

static chy_status end(struct call *call, chy_status status)
{
    struct chy_storage *storage = call->storage;
    status = chy_instance_result(storage->instance, call->op, calls[call->kind].name, status);
    chy_visit_end(call->op, call->visit);
    chy_instance_leave(storage->instance);
    chy_gate_leave(&storage->gate, call->op, status);
    chy_meter_done(&storage->meter, call->kind, status, chy_monotonic(call->op) - call->started);
    return status;
}

static chy_status missing(const struct chy_storage *storage, struct chy_op *op, const char *slot)
{
    return chy_fail(op, CHY_UNSUPPORTED, 0, "%s does not offer '%s'", storage->what, slot);
}

chy_status chy_storage_open(struct chy_op *op, const struct chy_storage_config *config,
                            struct chy_storage **out_storage)
{
    assert(chy_loaded_plugin_has(config->instance->plugin, CHY_INTERFACE_STORAGE));
    CHY_TRY(chy_schema_check(op, "the schema", config->schema));
    CHY_AUTO(chy_storage_close) struct chy_storage *storage = calloc(1, sizeof *storage);
    if (storage == NULL) {
        return chy_fail_memory(op);
    }
    storage->instance = config->instance;
    storage->ops = &config->instance->plugin->storage;
    storage->schema = config->schema;
    storage->epoch = config->epoch;
    (void)snprintf(storage->what, sizeof storage->what, "storage '%.*s'",
                   (int)config->instance->name.len, (const char *)config->instance->name.ptr);
    chy_gate_init(&storage->gate, &config->gate, storage->what);
    chy_meter_init(&storage->meter, config->metrics, "storage", storage->instance->name, calls,
                   CHY_STORAGE_CALLS, &storage->gate);
    struct chy_visit visit = chy_visit_begin(op, storage->instance);
    chy_status status = storage->ops->declare(storage->instance->self, op, storage->schema);
    status = chy_instance_result(storage->instance, op, "declare", status);
    chy_visit_end(op, visit);
    CHY_TRY(status);
    *out_storage = CHY_TAKE(storage);
    return CHY_OK;
}

void chy_storage_close(struct chy_storage *storage)
{
    if (storage != NULL) {
        if (storage->ops != NULL) {
            chy_gate_fini(&storage->gate);
        }
        free(storage);
    }
}

struct chy_instance *chy_storage_instance(const struct chy_storage *storage)
{
    return storage->instance;
}

const struct chy_schema *chy_storage_schema(const struct chy_storage *storage)
{
    return storage->schema;
}

chy_status chy_storage_get(struct chy_storage *storage, struct chy_op *op,
                           const struct chy_storage_get *get, struct chy_storage_row *out_row)
{
    struct chy_storage_row row;
    CHY_TRY(chy_storage_check_get(storage, op, get));
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_GET};
    memset(&row, 0, sizeof row);
    CHY_TRY(begin(&call));
    chy_status status = storage->ops->get(storage->instance->self, op, get, &row);
    if (status == CHY_OK) {
        status = chy_storage_check_row(storage, op, get->collection, get->fields, &row);
    }
    CHY_TRY(end(&call, status));
    *out_row = row;
    return CHY_OK;
}

chy_status chy_storage_read(struct chy_storage *storage, struct chy_op *op, uint32_t collection,
                            struct chy_view key, struct chy_view fields,
                            struct chy_storage_row *out_row)
{
    struct chy_storage_get get;
    memset(&get, 0, sizeof get);
    get.struct_size = (uint32_t)sizeof get;
    get.collection = collection;
    get.key = key;
    get.fields = fields;
    return chy_storage_get(storage, op, &get, out_row);
}

chy_status chy_storage_find(struct chy_storage *storage, struct chy_op *op,
                            const struct chy_storage_find *find, struct chy_storage_page *out_page)
{
    struct chy_storage_page page;
    CHY_TRY(chy_storage_check_find(storage, op, find));
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_FIND};
    memset(&page, 0, sizeof page);
    page.struct_size = (uint32_t)sizeof page;
    CHY_TRY(begin(&call));
    chy_status status = storage->ops->find(storage->instance->self, op, find, &page);
    if (status == CHY_OK) {
        status = chy_storage_check_page(storage, op, find, &page);
    }
    CHY_TRY(end(&call, status));
    *out_page = page;
    return CHY_OK;
}

/** The same batch with room for what core adds: the hold's check and the count of the epoch row. */
static chy_status make_room(struct chy_op *op, uint64_t more, struct chy_storage_batch *batch,
                            struct chy_storage_write **out_end)
{
    uint64_t count = batch->writes.count;
    if (count + more > CHY_STORAGE_BATCH_OPERATIONS) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "this batch has at most %u writes, found %llu",
                        CHY_STORAGE_BATCH_OPERATIONS - (uint32_t)more, (unsigned long long)count);
    }
    struct chy_storage_write *writes = chy_alloc(op, (count + more) * sizeof *writes);
    if (writes == NULL) {
        return chy_fail_memory(op);
    }
    for (uint64_t i = 0; i < count; i++) {
        memcpy(&writes[i], chy_view_item(batch->writes, i), sizeof writes[i]);
    }
    batch->writes = chy_view_of(writes, count + more, sizeof *writes);
    *out_end = &writes[count];
    return CHY_OK;
}

static chy_status text_key(struct chy_op *op, struct chy_slice text, struct chy_view *out_key)
{
    struct chy_value *key = chy_alloc(op, sizeof *key);
    if (key == NULL) {
        return chy_fail_memory(op);
    }
    *key = chy_value_text(text);
    *out_key = chy_view_of(key, 1, sizeof *key);
    return CHY_OK;
}

static chy_status add_hold(struct chy_op *op, const struct chy_hold *hold,
                           struct chy_storage_write *write)
{
    write->kind = CHY_WRITE_CHECK;
    write->collection = hold->collection;
    write->guard = CHY_GUARD_EQUALS;
    write->guard_field = hold->field;
    write->guard_value = chy_value_int(hold->number);
    return text_key(op, hold->key, &write->key);
}

static chy_status add_epoch(const struct chy_storage *storage, struct chy_op *op,
                            struct chy_storage_write *write)
{
    write->kind = CHY_WRITE_ADD;
    write->collection = storage->epoch.collection;
    write->add_field = storage->epoch.field;
    write->delta = 1;
    return text_key(op, storage->epoch.key, &write->key);
}

/** complete adds what core keeps in step with every batch. */
static chy_status complete(const struct chy_storage *storage, struct chy_op *op, bool counts,
                           struct chy_storage_batch *batch)
{
    const struct chy_hold *hold = chy_operation_of(op)->hold;
    bool bumps = counts && storage->epoch.collection != CHY_NO_COLLECTION;
    struct chy_storage_write *end = NULL;
    if (hold == NULL && !bumps) {
        return CHY_OK;
    }
    CHY_TRY(make_room(op, (hold != NULL ? 1U : 0U) + (bumps ? 1U : 0U), batch, &end));
    if (hold != NULL) {
        batch->flags &= ~(uint32_t)CHY_BATCH_JOINABLE; // it may fail otherwise than by accident
        CHY_TRY(add_hold(op, hold, end));
        end++;
    }
    return bumps ? add_epoch(storage, op, end) : CHY_OK;
}

/** lose ends the whole operation: somebody else does its work by now. */
static chy_status lose(struct chy_op *op, struct chy_hold *hold)
{
    struct chy_operation *whole = chy_operation_of(op);
    atomic_store(&hold->is_lost, true);
    while (whole->parent != NULL) {
        whole = whole->parent;
    }
    chy_operation_cancel(whole);
    return chy_fail(op, CHY_TRY_LATER, 0, "%s", hold->lost_message);
}

/** How many writes fail in a row before it is more than bad luck. */
#define WRITE_FAILURES 2U

static void note_write(struct chy_storage *storage, struct chy_op *op, chy_status status)
{
    if (status == CHY_OK) {
        if (atomic_load(&storage->write_failures) != 0) {
            atomic_store(&storage->write_failures, 0);
        }
    } else if (chy_gate_is_absence(op, status)) {
        atomic_fetch_add(&storage->write_failures, 1);
    }
}

chy_status chy_storage_takes_writes(const struct chy_storage *storage, struct chy_op *op)
{
    return atomic_load(&storage->write_failures) < WRITE_FAILURES
               ? CHY_OK
               : chy_fail(op, CHY_TRY_LATER, 0,
                          "%s can be read, but takes no writes: the last ones failed, and none has "
                          "succeeded since; is the disk full?",
                          storage->what);
}

chy_status chy_storage_write(struct chy_storage *storage, struct chy_op *op,
                             const struct chy_storage_batch *batch,
                             struct chy_storage_outcome *out_outcome)
{
    bool touches_watched = false;
    struct chy_hold *hold = chy_operation_of(op)->hold;
    struct chy_storage_outcome outcome;
    struct chy_storage_batch whole = *batch;
    CHY_TRY(chy_storage_check_batch(storage, op, batch, &touches_watched));
    CHY_TRY(complete(storage, op, touches_watched, &whole));
    memset(&outcome, 0, sizeof outcome);
    outcome.struct_size = (uint32_t)sizeof outcome;
    outcome.failed_write = CHY_NO_WRITE;
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_WRITE};
    CHY_TRY(begin(&call));
    chy_status status = storage->ops->write(storage->instance->self, op, &whole, &outcome);
    chy_status answer =
        chy_storage_check_outcome(storage, op, status, whole.writes.count, &outcome);
    status = end(&call, answer == CHY_OK ? status : answer);
    note_write(storage, op, status);
    if (status == CHY_CONFLICT && hold != NULL && outcome.failed_write == batch->writes.count) {
        return lose(op, hold);
    }
    if ((status == CHY_OK || status == CHY_CONFLICT) && out_outcome != NULL) {
        if (outcome.results.count > batch->writes.count) {
            outcome.results.count = batch->writes.count;
        }
        *out_outcome = outcome;
    }
    return status;
}

/** The calls that take nothing but the operation. */
static chy_status plain_call(struct chy_storage *storage, struct chy_op *op,
                             enum chy_storage_call kind,
                             chy_status (*slot)(void *self, struct chy_op *op))
{
    if (slot == NULL) {
        return missing(storage, op, calls[kind].name);
    }
    struct call call = {.storage = storage, .op = op, .kind = kind};
    CHY_TRY(begin(&call));
    return end(&call, slot(storage->instance->self, op));
}

chy_status chy_storage_health(struct chy_storage *storage, struct chy_op *op)
{
    return plain_call(storage, op, CHY_STORAGE_CALL_HEALTH, storage->ops->health);
}

chy_status chy_storage_check(struct chy_storage *storage, struct chy_op *op)
{
    return plain_call(storage, op, CHY_STORAGE_CALL_CHECK, storage->ops->check);
}

chy_status chy_storage_upgrade(struct chy_storage *storage, struct chy_op *op)
{
    return plain_call(storage, op, CHY_STORAGE_CALL_UPGRADE, storage->ops->upgrade);
}

chy_status chy_storage_verify_schema(struct chy_storage *storage, struct chy_op *op,
                                     struct chy_schema_report *out_report)
{
    struct chy_schema_report report;
    memset(&report, 0, sizeof report);
    report.struct_size = (uint32_t)sizeof report;
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_VERIFY_SCHEMA};
    CHY_TRY(begin(&call));
    chy_status status = storage->ops->verify_schema(storage->instance->self, op, &report);
    if (status == CHY_OK && report.state > CHY_SCHEMA_DIFFERS) {
        status = chy_fail(op, CHY_BROKEN, report.state, "%s reports the unknown schema state %u",
                          storage->what, report.state);
    }
    CHY_TRY(end(&call, status));
    *out_report = report;
    return CHY_OK;
}

chy_status chy_storage_statistics(struct chy_storage *storage, struct chy_op *op,
                                  struct chy_storage_statistics *out_statistics)
{
    struct chy_storage_statistics statistics;
    if (storage->ops->statistics == NULL) {
        return missing(storage, op, "statistics");
    }
    memset(&statistics, 0, sizeof statistics);
    statistics.struct_size = (uint32_t)sizeof statistics;
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_STATISTICS};
    CHY_TRY(begin(&call));
    chy_status status = storage->ops->statistics(storage->instance->self, op, &statistics);
    CHY_TRY(end(&call, status));
    *out_statistics = statistics;
    return CHY_OK;
}

chy_status chy_storage_backup(struct chy_storage *storage, struct chy_op *op, struct chy_slice path)
{
    if (storage->ops->backup == NULL) {
        return missing(storage, op, "backup");
    }
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_BACKUP};
    CHY_TRY(begin(&call));
    return end(&call, storage->ops->backup(storage->instance->self, op, path));
}

chy_status chy_storage_freeze(struct chy_storage *storage, struct chy_op *op, bool on)
{
    if (storage->ops->freeze == NULL) {
        return missing(storage, op, "freeze");
    }
    struct call call = {.storage = storage, .op = op, .kind = CHY_STORAGE_CALL_FREEZE};
    CHY_TRY(begin(&call));
    return end(&call, storage->ops->freeze(storage->instance->self, op, on ? 1 : 0));
}
