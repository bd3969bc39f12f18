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

/** A thread and its part of the table.  What waits for other machines has one of its own, so that
 *  blocks are closed and leases kept whatever those do. */
enum lane {
    LANE_AUDIT,
    LANE_FORWARD,
    LANES
};

struct worker {
    struct chy_upkeep *upkeep;
    enum lane lane;
    pthread_t thread;
    struct chy_operation *running; /**< guarded by the lock of `upkeep` */
};

struct chy_upkeep {
    struct chy_assembly *assembly;
    struct chy_forward *forward; /**< NULL: nowhere */
    struct worker workers[LANES];
    size_t worker_count;
    struct chy_mutex lock; /**< guards the next two */
    struct chy_cond wake;
    bool ends;
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
    enum lane lane;
    const char *name;
    int64_t period;
    chy_status (*run)(struct chy_upkeep *upkeep, struct chy_op *op);
} table[] = {
    {LANE_AUDIT, "upkeep.audit", CHY_US_PER_SECOND, close_blocks},
    {LANE_FORWARD, "upkeep.forward", CHY_US_PER_SECOND, forward},
    {LANE_AUDIT, "upkeep.beat", 10 * CHY_US_PER_SECOND, beat},
    {LANE_AUDIT, "upkeep.recover", 10 * CHY_US_PER_SECOND, recover},
};
#define COUNT (sizeof table / sizeof table[0])

static int64_t now(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

static bool begin(struct worker *worker, struct chy_operation *operation)
{
    chy_mutex_lock(&worker->upkeep->lock);
    bool goes_on = !worker->upkeep->ends;
    worker->running = goes_on ? operation : NULL;
    chy_mutex_unlock(&worker->upkeep->lock);
    return goes_on;
}

static void end(struct worker *worker)
{
    chy_mutex_lock(&worker->upkeep->lock);
    worker->running = NULL;
    chy_mutex_unlock(&worker->upkeep->lock);
}

static void run(struct worker *worker, size_t number, int64_t *said)
{
    struct chy_upkeep *upkeep = worker->upkeep;
    struct chy_cli *cli = upkeep->assembly->cli;
    struct chy_operation_config config = {.host = &cli->services.host,
                                          .clock = cli->services.clock,
                                          .log = &cli->log,
                                          .name = chy_text(table[number].name),
                                          .flags = CHY_OP_JOB};
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = chy_operation_new(&config);
    if (operation == NULL || !begin(worker, operation)) {
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
    end(worker);
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
    struct worker *worker = arg;
    int64_t due[COUNT] = {0};
    int64_t said[COUNT] = {0};
    while (sleep_until(worker->upkeep, now() + CHY_US_PER_SECOND)) {
        for (size_t i = 0; i < COUNT; i++) {
            if (table[i].lane == worker->lane && now() >= due[i]) {
                run(worker, i, &said[i]);
                due[i] = now() + table[i].period;
            }
        }
    }
    return NULL;
}

/** start_workers leaves out the thread that would have nothing to do. */
static chy_status start_workers(struct chy_upkeep *upkeep)
{
    for (enum lane lane = LANE_AUDIT; lane < LANES; lane++) {
        if (lane == LANE_FORWARD && upkeep->forward == NULL) {
            continue;
        }
        struct worker *worker = &upkeep->workers[upkeep->worker_count];
        worker->upkeep = upkeep;
        worker->lane = lane;
        int code = pthread_create(&worker->thread, NULL, work, worker);
        if (code != 0) {
            return chy_fail(upkeep->assembly->cli->op, CHY_BROKEN, code,
                            "no thread for upkeep could be made");
        }
        upkeep->worker_count++;
    }
    return CHY_OK;
}

chy_status chy_upkeep_start(struct chy_assembly *assembly, struct chy_upkeep **out_upkeep)
{
    struct chy_upkeep *upkeep = calloc(1, sizeof *upkeep);
    if (upkeep == NULL) {
        return chy_fail_memory(assembly->cli->op);
    }
    upkeep->assembly = assembly;
    chy_mutex_init(&upkeep->lock);
    chy_cond_init(&upkeep->wake);
    chy_status status = chy_forward_new(assembly->cli->op, assembly->config,
                                        assembly->runtime.machine, &upkeep->forward);
    status = status == CHY_OK ? start_workers(upkeep) : status;
    if (status != CHY_OK) {
        chy_upkeep_stop(upkeep);
        return status;
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
    for (size_t i = 0; i < upkeep->worker_count; i++) {
        if (upkeep->workers[i].running != NULL) {
            chy_operation_cancel(upkeep->workers[i].running);
        }
    }
    chy_cond_broadcast(&upkeep->wake);
    chy_mutex_unlock(&upkeep->lock);
    for (size_t i = 0; i < upkeep->worker_count; i++) {
        int code = pthread_join(upkeep->workers[i].thread, NULL);
        assert(code == 0);
    }
    chy_cond_fini(&upkeep->wake);
    chy_mutex_fini(&upkeep->lock);
    chy_forward_free(upkeep->forward);
    free(upkeep);
}

void chy_upkeep_reload(struct chy_upkeep *upkeep)
{
    chy_forward_reopen(upkeep->forward);
}
