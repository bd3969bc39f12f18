#include "command/upkeep.h"

#include "access/token.h"
#include "base/lock.h"
#include "base/time.h"
#include "command/forward.h"
#include "resource/audit_chain.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define REPEATED (60 * CHY_US_PER_SECOND) // a failure that goes on is said again after this

struct chy_upkeep {
    struct chy_assembly *assembly;
    struct chy_forward *forward; /**< NULL: nowhere */
    pthread_t thread;
    struct chy_mutex lock; /**< guards the next three */
    struct chy_cond wake;
    bool ends;
    struct chy_operation *running;
};

static chy_status close_blocks(struct chy_upkeep *upkeep, struct chy_op *op)
{
    return chy_audit_close_settled(&upkeep->assembly->runtime, op);
}

static chy_status beat(struct chy_upkeep *upkeep, struct chy_op *op)
{
    return chy_audit_beat(&upkeep->assembly->runtime, op);
}

static chy_status recover(struct chy_upkeep *upkeep, struct chy_op *op)
{
    return chy_audit_recover(&upkeep->assembly->runtime, op);
}

static chy_status forward(struct chy_upkeep *upkeep, struct chy_op *op)
{
    return upkeep->forward == NULL
               ? CHY_OK
               : chy_forward_run(upkeep->forward, &upkeep->assembly->runtime, op);
}

/** Each on every node. */
static const struct {
    const char *name;
    int64_t period;
    chy_status (*run)(struct chy_upkeep *upkeep, struct chy_op *op);
} table[] = {
    {"upkeep.audit", CHY_US_PER_SECOND, close_blocks},
    {"upkeep.forward", CHY_US_PER_SECOND, forward},
    {"upkeep.beat", 10 * CHY_US_PER_SECOND, beat},
    {"upkeep.recover", 10 * CHY_US_PER_SECOND, recover},
};
#define COUNT (sizeof table / sizeof table[0])

static int64_t now(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

static bool begin(struct chy_upkeep *upkeep, struct chy_operation *operation)
{
    chy_mutex_lock(&upkeep->lock);
    bool goes_on = !upkeep->ends;
    upkeep->running = goes_on ? operation : NULL;
    chy_mutex_unlock(&upkeep->lock);
    return goes_on;
}

static void end(struct chy_upkeep *upkeep)
{
    chy_mutex_lock(&upkeep->lock);
    upkeep->running = NULL;
    chy_mutex_unlock(&upkeep->lock);
}

static void run(struct chy_upkeep *upkeep, size_t number, int64_t *said)
{
    struct chy_cli *cli = upkeep->assembly->cli;
    struct chy_operation_config config = {.host = &cli->services.host,
                                          .clock = cli->services.clock,
                                          .log = &cli->log,
                                          .name = chy_text(table[number].name),
                                          .flags = CHY_OP_JOB};
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = chy_operation_new(&config);
    if (operation == NULL || !begin(upkeep, operation)) {
        return;
    }
    chy_access_as_system(&operation->op);
    chy_status status = table[number].run(upkeep, &operation->op);
    if (status != CHY_OK && (*said == 0 || now() - *said > REPEATED)) {
        struct chy_error error = {.struct_size = sizeof error};
        operation->op.host->last_error(&operation->op, &error);
        chy_log_warning(&operation->op, "upkeep.failed", "%s: %.*s; it is tried again",
                        table[number].name, (int)error.message.len,
                        (const char *)error.message.ptr);
        *said = now();
    }
    *said = status == CHY_OK ? 0 : *said;
    end(upkeep);
}

/** sleep_until returns false when the thread is to end. */
static bool sleep_until(struct chy_upkeep *upkeep, int64_t when)
{
    chy_mutex_lock(&upkeep->lock);
    bool in_time = true;
    while (!upkeep->ends && in_time && now() < when) {
        in_time = chy_cond_wait_until(&upkeep->wake, &upkeep->lock, when);
    }
    bool goes_on = !upkeep->ends;
    chy_mutex_unlock(&upkeep->lock);
    return goes_on;
}

static void *work(void *arg)
{
    struct chy_upkeep *upkeep = arg;
    int64_t due[COUNT] = {0};
    int64_t said[COUNT] = {0};
    while (sleep_until(upkeep, now() + CHY_US_PER_SECOND)) {
        for (size_t i = 0; i < COUNT; i++) {
            if (now() >= due[i]) {
                run(upkeep, i, &said[i]);
                due[i] = now() + table[i].period;
            }
        }
    }
    return NULL;
}

chy_status chy_upkeep_start(struct chy_assembly *assembly, struct chy_upkeep **out_upkeep)
{
    struct chy_upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (upkeep == NULL) {
        return chy_fail_memory(assembly->cli->op);
    }
    upkeep->assembly = assembly;
    chy_status status = chy_forward_new(assembly->cli->op, assembly->config, &upkeep->forward);
    if (status != CHY_OK) {
        free(upkeep);
        return status;
    }
    chy_mutex_init(&upkeep->lock);
    chy_cond_init(&upkeep->wake);
    int code = pthread_create(&upkeep->thread, NULL, work, upkeep);
    if (code != 0) {
        chy_forward_free(upkeep->forward);
        free(upkeep);
        return chy_fail(assembly->cli->op, CHY_BROKEN, code, "no thread for upkeep could be made");
    }
    *out_upkeep = upkeep;
    return CHY_OK;
}

void chy_upkeep_stop(struct chy_upkeep *upkeep)
{
    if (upkeep == NULL) {
        return;
    }
    chy_mutex_lock(&upkeep->lock);
    upkeep->ends = true;
    if (upkeep->running != NULL) {
        chy_operation_cancel(upkeep->running);
    }
    chy_cond_broadcast(&upkeep->wake);
    chy_mutex_unlock(&upkeep->lock);
    int code = pthread_join(upkeep->thread, NULL);
    assert(code == 0);
    chy_cond_fini(&upkeep->wake);
    chy_mutex_fini(&upkeep->lock);
    chy_forward_free(upkeep->forward);
    free(upkeep);
}

void chy_upkeep_reload(struct chy_upkeep *upkeep)
{
    chy_forward_reopen(upkeep->forward);
}
