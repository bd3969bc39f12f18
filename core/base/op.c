#include "base/op.h"

#include <assert.h>
#include <pthread.h>
#include <sys/random.h>

/* --- request ids ------------------------------------------------------------------------------ */

/* A step of SplitMix64 (Steele, Lea and Flood, 2014): a permutation, so no value comes twice. */
static uint64_t next_number(uint64_t *state)
{
    *state += UINT64_C(0x9e3779b97f4a7c15);
    uint64_t number = *state;
    number = (number ^ number >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    number = (number ^ number >> 27) * UINT64_C(0x94d049bb133111eb);
    return number ^ number >> 31;
}

static void seed(uint64_t states[2])
{
    if (getrandom(states, 2 * sizeof states[0], 0) == (ssize_t)(2 * sizeof states[0])) {
        return;
    }
    // Ids tell log lines apart and guard nothing: time and thread will do.
    states[0] = (uint64_t)chy_clock_now(chy_clock_real());
    states[1] = (uint64_t)chy_clock_monotonic(chy_clock_real()) ^ (uint64_t)(uintptr_t)states;
}

void chy_request_id_make(char out[CHY_REQUEST_ID_LEN])
{
    static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
    static _Thread_local uint64_t states[2];
    static _Thread_local bool is_seeded;
    if (!is_seeded) {
        seed(states);
        is_seeded = true;
    }
    memcpy(out, "req-", 4);
    for (size_t half = 0; half < 2; half++) {
        uint64_t number = next_number(&states[half]);
        for (size_t i = 0; i < 7; i++) {
            out[4 + 7 * half + i] = alphabet[number % 62];
            number /= 62;
        }
    }
}

/* --- life ------------------------------------------------------------------------------------- */

static uint8_t keep_text(char *out, struct chy_slice text)
{
    size_t len = text.len < CHY_OPERATION_TEXT_MAX ? (size_t)text.len : CHY_OPERATION_TEXT_MAX;
    if (len > 0) {
        memcpy(out, text.ptr, len);
    }
    return (uint8_t)len;
}

/* Fills an operation whose arena is there. */
static void fill(struct chy_operation *operation, const struct chy_operation_config *config,
                 struct chy_arena *arena, size_t memory_max)
{
    assert(config->host != NULL);
    *operation = (struct chy_operation){
        .op = {.struct_size = sizeof(struct chy_op), .flags = config->flags, .host = config->host},
        .arena = arena,
        .memory_max = memory_max,
        .secret_max = config->secret_max != 0 ? config->secret_max : CHY_OPERATION_SECRET_MAX,
        .clock = config->clock != NULL ? config->clock : chy_clock_real(),
        .log = config->log,
        .instance = config->instance,
        .instance_name = config->instance_name,
        .principal = config->principal,
        .hold = config->hold,
        .deadline = config->deadline != 0 ? config->deadline : CHY_NO_DEADLINE,
        .error = {.struct_size = sizeof(struct chy_error), .status = CHY_OK},
    };
    operation->started = chy_clock_monotonic(operation->clock);
    operation->name_len = keep_text(operation->name, config->name);
    if (config->request_id.len == 0) {
        chy_request_id_make(operation->request_id);
        operation->request_id_len = CHY_REQUEST_ID_LEN;
    } else {
        operation->request_id_len = keep_text(operation->request_id, config->request_id);
    }
}

static size_t memory_max_of(const struct chy_operation_config *config)
{
    size_t max = config->memory_max != 0 ? config->memory_max : CHY_OPERATION_MEMORY_MAX;
    return max < SIZE_MAX / 2 ? max : SIZE_MAX / 2;
}

chy_status chy_operation_init(struct chy_operation *operation,
                              const struct chy_operation_config *config)
{
    size_t memory_max = memory_max_of(config);
    struct chy_arena *arena = chy_arena_new(memory_max);
    if (arena == NULL) {
        return CHY_NO_MEMORY;
    }
    fill(operation, config, arena, memory_max);
    return CHY_OK;
}

void chy_operation_fini(struct chy_operation *operation)
{
    struct chy_arena *arena = operation->arena;
    if (arena == NULL) {
        return;
    }
    // What was deferred may still look at secrets, log, and allocate.
    chy_arena_run_deferred(arena);
    chy_secret_arena_free(operation->secrets);
    bool owns_itself = operation->owns_itself;
    if (!owns_itself) {
        operation->secrets = NULL;
        operation->arena = NULL;
    }
    chy_arena_free(arena);
}

/* What the operation itself takes of its arena, which rounds up. */
#define OPERATION_ROOM ((sizeof(struct chy_operation) + 15) / 16 * 16)

struct chy_operation *chy_operation_new(const struct chy_operation_config *config)
{
    size_t memory_max = memory_max_of(config);
    // The operation itself does not count towards what it may take.
    CHY_AUTO(chy_arena_free)
    struct chy_arena *arena = chy_arena_new(memory_max + OPERATION_ROOM);
    if (arena == NULL) {
        return NULL;
    }
    struct chy_operation *operation = chy_arena_alloc(arena, sizeof *operation);
    if (operation == NULL) {
        return NULL;
    }
    fill(operation, config, CHY_TAKE(arena), memory_max);
    operation->owns_itself = true;
    return operation;
}

void chy_operation_free(struct chy_operation *operation)
{
    if (operation == NULL) {
        return;
    }
    assert(operation->owns_itself);
    chy_operation_fini(operation);
}

void chy_operation_cancel(struct chy_operation *operation)
{
    atomic_store_explicit(&operation->is_cancelled, true, memory_order_relaxed);
}

/* --- memory ----------------------------------------------------------------------------------- */

void *chy_op_host_alloc(struct chy_op *op, uint64_t size)
{
    return chy_arena_alloc(chy_operation_of(op)->arena, size);
}

void *chy_op_host_secret_alloc(struct chy_op *op, uint64_t size)
{
    struct chy_operation *operation = chy_operation_of(op);
    if (operation->secrets == NULL) {
        operation->secrets = chy_secret_arena_new(operation->secret_max);
    }
    return operation->secrets == NULL ? NULL : chy_secret_arena_alloc(operation->secrets, size);
}

chy_status chy_op_host_defer(struct chy_op *op, void (*fn)(void *arg), void *arg)
{
    if (!chy_arena_defer(chy_operation_of(op)->arena, fn, arg)) {
        return chy_fail_memory(op);
    }
    return CHY_OK;
}

/* --- time and identity ------------------------------------------------------------------------ */

int64_t chy_op_host_now(struct chy_op *op)
{
    return chy_clock_now(chy_operation_of(op)->clock);
}

int64_t chy_op_host_monotonic(struct chy_op *op)
{
    return chy_clock_monotonic(chy_operation_of(op)->clock);
}

int64_t chy_op_host_deadline(struct chy_op *op)
{
    return chy_operation_of(op)->deadline;
}

int32_t chy_op_host_cancelled(struct chy_op *op)
{
    for (struct chy_operation *operation = chy_operation_of(op); operation != NULL;
         operation = operation->parent) {
        if (atomic_load_explicit(&operation->is_cancelled, memory_order_relaxed)) {
            return 1;
        }
    }
    return 0;
}

struct chy_slice chy_op_host_request_id(struct chy_op *op)
{
    struct chy_operation *operation = chy_operation_of(op);
    return chy_slice_of(operation->request_id, operation->request_id_len);
}

static struct chy_slice name_of(const struct chy_operation *operation)
{
    return chy_slice_of(operation->name, operation->name_len);
}

struct chy_op *chy_op_host_op_child(struct chy_op *op)
{
    struct chy_operation *parent = chy_operation_of(op);
    struct chy_operation_config config = {
        .host = op->host,
        .clock = parent->clock,
        .log = parent->log,
        .name = name_of(parent),
        .request_id = chy_op_host_request_id(op),
        .instance_name = parent->instance_name,
        .instance = parent->instance,
        .principal = parent->principal,
        .hold = parent->hold,
        .deadline = parent->deadline,
        .memory_max = parent->memory_max,
        .secret_max = parent->secret_max,
        .flags = op->flags,
    };
    struct chy_operation *child = chy_operation_new(&config);
    if (child == NULL) {
        return NULL;
    }
    child->parent = parent;
    return &child->op;
}

void chy_op_host_op_end(struct chy_op *op)
{
    chy_operation_free(op == NULL ? NULL : chy_operation_of(op));
}

/* --- seeing ----------------------------------------------------------------------------------- */

uint32_t chy_op_host_log_level(struct chy_op *op)
{
    struct chy_log *log = chy_operation_of(op)->log;
    // Errors are formatted even where nothing is written: there is no level below.
    return log == NULL ? (uint32_t)CHY_LOG_ERROR
                       : atomic_load_explicit(&log->level, memory_order_relaxed);
}

void chy_op_host_log(struct chy_op *op, uint32_t level, struct chy_slice event,
                     struct chy_slice message)
{
    struct chy_operation *operation = chy_operation_of(op);
    if (operation->log == NULL) {
        return;
    }
    struct chy_log_line line = {
        .level = level,
        .event = event,
        .message = message,
        .request_id = chy_op_host_request_id(op),
        .operation = name_of(operation),
        .instance = operation->instance_name,
    };
    chy_log_write(operation->log, &line);
}

/* --- the table -------------------------------------------------------------------------------- */

void chy_op_fill_host(struct chy_host *host)
{
    host->struct_size = (uint32_t)sizeof *host;
    host->minor = CHY_HOST_MINOR;
    host->alloc = chy_op_host_alloc;
    host->secret_alloc = chy_op_host_secret_alloc;
    host->defer = chy_op_host_defer;
    host->fail = chy_op_host_fail;
    host->fail_with = chy_op_host_fail_with;
    host->issue = chy_op_host_issue;
    host->last_error = chy_op_host_last_error;
    host->now = chy_op_host_now;
    host->monotonic = chy_op_host_monotonic;
    host->deadline = chy_op_host_deadline;
    host->cancelled = chy_op_host_cancelled;
    host->request_id = chy_op_host_request_id;
    host->op_child = chy_op_host_op_child;
    host->op_end = chy_op_host_op_end;
    host->log_level = chy_op_host_log_level;
    host->log = chy_op_host_log;
}
