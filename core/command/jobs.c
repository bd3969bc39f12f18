#include "command/jobs.h"

#include "access/token.h"
#include "base/lock.h"
#include "base/time.h"
#include "enroll/crl.h"
#include "resource/keyring.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

struct chy_jobs {
    struct chy_assembly *assembly;
    pthread_t thread;
    struct chy_mutex lock; /**< guards what follows */
    struct chy_cond wake;
    bool ends;
    struct chy_operation *running;
    /* of the jobs' own thread */
    int64_t skew;         /**< wall clock less monotonic clock when it was last looked at */
    int64_t paused_until; /**< monotonic; jobs that delete wait */
};

static chy_status refresh_crls(struct chy_runtime *runtime, struct chy_op *op)
{
    uint64_t built;
    CHY_TRY(chy_crl_refresh(runtime, op, &built));
    if (built > 0) {
        chy_log_info(op, "crl.built", "%llu CRLs were brought up to date",
                     (unsigned long long)built);
    }
    return CHY_OK;
}

static chy_status clean_revocations(struct chy_runtime *runtime, struct chy_op *op)
{
    uint64_t dropped;
    CHY_TRY(chy_crl_clean(runtime, op, &dropped));
    if (dropped > 0) {
        chy_log_info(op, "crl.cleaned", "%llu revocations of certificates that ended were dropped",
                     (unsigned long long)dropped);
    }
    return CHY_OK;
}

/** follow_kek learns of a KEK that was rotated while this process runs. */
static chy_status follow_kek(struct chy_runtime *runtime, struct chy_op *op)
{
    return chy_keks_refresh(chy_keyring_keks(runtime->keyring), op);
}

/** All may run on every node at once: what they do is guarded row by row. */
static const struct {
    const char *name;
    int64_t period;
    chy_status (*run)(struct chy_runtime *runtime, struct chy_op *op);
    bool deletes; /**< waits when the clock has jumped ahead: it may be wrong, rows do not come back
                      */
} table[] = {
    {"job.crl", 5 * CHY_US_PER_MINUTE, refresh_crls, false},
    {"job.kek", 10 * CHY_US_PER_SECOND, follow_kek, false},
    {"job.clean", CHY_US_PER_HOUR, chy_access_clean, true},
    {"job.crl-clean", CHY_US_PER_HOUR, clean_revocations, true},
};
#define JOB_COUNT (sizeof table / sizeof table[0])

static bool begin(struct chy_jobs *jobs, struct chy_operation *operation)
{
    chy_mutex_lock(&jobs->lock);
    bool goes_on = !jobs->ends;
    jobs->running = goes_on ? operation : NULL;
    chy_mutex_unlock(&jobs->lock);
    return goes_on;
}

static int64_t now(void)
{
    return chy_clock_monotonic(chy_clock_real());
}

/** is_paused tells whether deleting has to wait: the wall clock ran away from the monotonic one. */
static bool is_paused(struct chy_jobs *jobs)
{
    int64_t skew = chy_clock_now(chy_clock_real()) - now();
    if (skew - jobs->skew > jobs->assembly->config->pki.clock_ahead_tolerance) {
        jobs->paused_until = now() + CHY_US_PER_DAY;
        chy_log_say(&jobs->assembly->cli->log, CHY_LOG_ERROR, "clock.jumped",
                    "the clock jumped ahead by %lld s: nothing is deleted for a day; set it right "
                    "if it is wrong",
                    (long long)((skew - jobs->skew) / CHY_US_PER_SECOND));
    }
    jobs->skew = skew;
    return now() < jobs->paused_until;
}

static void run_job(struct chy_jobs *jobs, size_t number)
{
    if (is_paused(jobs) && table[number].deletes) {
        return;
    }
    struct chy_cli *cli = jobs->assembly->cli;
    struct chy_operation_config config = {.host = &cli->services.host,
                                          .log = &cli->log,
                                          .name = chy_text(table[number].name),
                                          .flags = CHY_OP_JOB};
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = chy_operation_new(&config);
    if (operation == NULL || !begin(jobs, operation)) {
        return;
    }
    chy_access_as_system(&operation->op);
    if (table[number].run(&jobs->assembly->runtime, &operation->op) != CHY_OK) {
        struct chy_error error = {.struct_size = sizeof error};
        operation->op.host->last_error(&operation->op, &error);
        chy_log_warning(&operation->op, "job.failed", "%s: %.*s; it is tried again later",
                        table[number].name, (int)error.message.len,
                        (const char *)error.message.ptr);
    }
    chy_mutex_lock(&jobs->lock);
    jobs->running = NULL;
    chy_mutex_unlock(&jobs->lock);
}

/** sleep_until returns false when the jobs are to end. */
static bool sleep_until(struct chy_jobs *jobs, int64_t when)
{
    chy_mutex_lock(&jobs->lock);
    bool in_time = true;
    while (!jobs->ends && in_time && now() < when) {
        in_time = chy_cond_wait_until(&jobs->wake, &jobs->lock, when);
    }
    bool goes_on = !jobs->ends;
    chy_mutex_unlock(&jobs->lock);
    return goes_on;
}

static void *work(void *arg)
{
    struct chy_jobs *jobs = arg;
    int64_t due[JOB_COUNT];
    for (size_t i = 0; i < JOB_COUNT; i++) {
        due[i] = now() + CHY_US_PER_SECOND; // the first requests come first
    }
    size_t next = 0;
    while (sleep_until(jobs, due[next])) {
        run_job(jobs, next);
        due[next] = now() + table[next].period;
        for (size_t i = 0; i < JOB_COUNT; i++) {
            next = due[i] < due[next] ? i : next;
        }
    }
    return NULL;
}

chy_status chy_jobs_start(struct chy_assembly *assembly, struct chy_jobs **out_jobs)
{
    struct chy_jobs *jobs = calloc(1, sizeof *jobs);
    if (jobs == NULL) {
        return chy_fail_memory(assembly->cli->op);
    }
    jobs->assembly = assembly;
    jobs->skew = chy_clock_now(chy_clock_real()) - now();
    chy_mutex_init(&jobs->lock);
    chy_cond_init(&jobs->wake);
    int code = pthread_create(&jobs->thread, NULL, work, jobs);
    if (code != 0) {
        free(jobs);
        return chy_fail(assembly->cli->op, CHY_BROKEN, code,
                        "no thread for the jobs could be made");
    }
    *out_jobs = jobs;
    return CHY_OK;
}

void chy_jobs_stop(struct chy_jobs *jobs)
{
    if (jobs == NULL) {
        return;
    }
    chy_mutex_lock(&jobs->lock);
    jobs->ends = true;
    if (jobs->running != NULL) {
        chy_operation_cancel(jobs->running);
    }
    chy_cond_broadcast(&jobs->wake);
    chy_mutex_unlock(&jobs->lock);
    int code = pthread_join(jobs->thread, NULL);
    assert(code == 0);
    chy_cond_fini(&jobs->wake);
    chy_mutex_fini(&jobs->lock);
    free(jobs);
}
