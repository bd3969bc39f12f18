#include "schedule/schedule.h"

#include "access/token.h"
#include "base/slice.h"
#include "base/time.h"

#include <assert.h>
#include <pthread.h>
#include <stdlib.h>

#define NAME_SIZE 144U
#define LABEL_SIZE (NAME_SIZE + sizeof "job=\"\",outcome=\"elsewhere\"")
/** How long a clock that tests move is believed to stand. */
#define OTHER_CLOCK_PATIENCE (20 * CHY_US_PER_MS)

/** A task and what became of it. */
struct entry {
    struct chy_task task;
    char name[NAME_SIZE];
    struct chy_lease lease;
    /* of the lane's thread */
    int64_t due;       /**< monotonic */
    int64_t looked_at; /**< wall clock: when the look at it under way began */
    struct entry *next;
};

struct lane {
    struct chy_schedule *schedule;
    enum chy_lane number;
    struct entry *entries;
    pthread_t thread;
    bool is_started;
    /* guarded by the schedule's lock */
    struct chy_operation *running;
    struct entry *leased; /**< whose lease is to beat */
};

struct chy_schedule {
    struct chy_schedule_config config;
    char holder[CHY_LEASE_HOLDER_SIZE];
    struct lane lanes[CHY_LANES];
    pthread_t keeper;
    bool keeper_is_started;
    struct chy_mutex lock; /**< guards what follows */
    struct chy_cond wake;
    bool ends;
    int64_t skew;         /**< wall clock less monotonic clock when it was last looked at */
    int64_t paused_until; /**< monotonic; tasks that delete wait */
};

static int64_t now(const struct chy_schedule *s)
{
    return chy_clock_monotonic(s->config.clock);
}

static struct chy_operation *new_operation(struct chy_schedule *s, const char *name)
{
    struct chy_operation_config config = {.host = s->config.host,
                                          .clock = s->config.clock,
                                          .log = s->config.log,
                                          .name = chy_text(name),
                                          .flags = CHY_OP_JOB};
    struct chy_operation *operation = chy_operation_new(&config);
    if (operation != NULL) {
        chy_access_as_system(&operation->op);
    }
    return operation;
}

static void warn(struct chy_op *op, const char *event, const char *name, const char *what)
{
    struct chy_error error = {.struct_size = sizeof error};
    op->host->last_error(op, &error);
    chy_log_warning(op, event, "%s: %.*s; %s", name, (int)error.message.len,
                    error.message.len == 0 ? "" : (const char *)error.message.ptr, what);
}

/* ------------------------------------------------------------------------------------------------
 * A clock that jumps
 */

/** skew_of reads both clocks as one: a thread may be held up between them. */
static int64_t skew_of(const struct chy_clock *clock)
{
    int64_t before;
    int64_t wall;
    int64_t after;
    do {
        before = chy_clock_monotonic(clock);
        wall = chy_clock_now(clock);
        after = chy_clock_monotonic(clock);
    } while (after - before > CHY_US_PER_SECOND);
    return wall - after;
}

static bool is_paused_locked(struct chy_schedule *s)
{
    int64_t skew = skew_of(s->config.clock);
    int64_t gained = skew - s->skew;
    chy_mutex_assert_held(&s->lock);
    if (gained > s->config.clock_ahead_tolerance) {
        s->paused_until = now(s) + CHY_US_PER_DAY;
        chy_log_say(s->config.log, CHY_LOG_ERROR, "clock.jumped",
                    "the clock jumped ahead by %lld s: nothing is deleted for a day; set it right "
                    "if it is wrong",
                    (long long)(gained / CHY_US_PER_SECOND));
    }
    s->skew = skew;
    return now(s) < s->paused_until;
}

/** is_paused tells whether deleting has to wait: the wall clock ran away from the monotonic one. */
static bool is_paused(struct chy_schedule *s)
{
    chy_mutex_lock(&s->lock);
    bool paused = is_paused_locked(s);
    chy_mutex_unlock(&s->lock);
    return paused;
}

/* ------------------------------------------------------------------------------------------------
 * Running
 */

/** begin lets chy_schedule_free() cancel the operation.  false: the end has come already. */
static bool begin(struct lane *lane, struct entry *entry, struct chy_operation *operation)
{
    struct chy_schedule *s = lane->schedule;
    chy_mutex_lock(&s->lock);
    bool goes_on = !s->ends;
    lane->running = goes_on ? operation : NULL;
    lane->leased = goes_on && (entry->task.flags & CHY_TASK_EVERY_NODE) == 0 ? entry : NULL;
    chy_cond_broadcast(&s->wake);
    chy_mutex_unlock(&s->lock);
    return goes_on;
}

static void end(struct lane *lane)
{
    chy_mutex_lock(&lane->schedule->lock);
    lane->running = NULL;
    lane->leased = NULL;
    chy_mutex_unlock(&lane->schedule->lock);
}

/** count_run shows the run: by outcome, and the time by which this node knows the work done. */
static void count_run(const struct entry *entry, const char *outcome)
{
    char label[LABEL_SIZE];
    struct chy_metrics *metrics = chy_metrics_process();
    (void)snprintf(label, sizeof label, "job=\"%s\",outcome=\"%s\"", entry->name, outcome);
    chy_metrics_count(metrics, chy_text("job_runs"), chy_text(label), 1);
    if (strcmp(outcome, "failed") != 0) {
        (void)snprintf(label, sizeof label, "job=\"%s\"", entry->name);
        chy_metrics_gauge(metrics, chy_text("job_last_seen_seconds"), chy_text(label),
                          entry->looked_at / CHY_US_PER_SECOND);
    }
}

/** run_now runs a task, whose lease is held.  false: it failed. */
static bool run_now(struct lane *lane, struct entry *entry)
{
    struct chy_schedule *s = lane->schedule;
    CHY_AUTO(chy_operation_free)
    struct chy_operation *operation = new_operation(s, entry->name);
    if (operation == NULL || !begin(lane, entry, operation)) {
        return false;
    }
    if ((entry->task.flags & CHY_TASK_EVERY_NODE) == 0) {
        chy_lease_bind(&entry->lease, &operation->op);
    }
    chy_status status = entry->task.run(&entry->task, &operation->op);
    end(lane);
    bool is_lost = atomic_load(&entry->lease.hold.is_lost);
    if (status != CHY_OK) {
        warn(&operation->op, "job.failed", entry->name, "it is tried again later");
    }
    count_run(entry, is_lost ? "lost" : status == CHY_OK ? "ok" : "failed");
    return status == CHY_OK && !is_lost && chy_cancelled(&operation->op) == 0;
}

static void give_back(struct chy_schedule *s, struct entry *entry, int64_t ran_at)
{
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = new_operation(s, "job.lease");
    if (operation != NULL && chy_lease_give_back(&entry->lease, &operation->op, ran_at) != CHY_OK) {
        warn(&operation->op, "job.lease", entry->name, "its lease is free when its time is over");
    }
}

/** is_idle asks whether there is nothing to do.  Who cannot tell goes on, and fails there. */
static bool is_idle(const struct entry *entry, struct chy_op *op)
{
    bool is_due = true;
    return entry->task.is_due != NULL && entry->task.is_due(&entry->task, op, &is_due) == CHY_OK &&
           !is_due;
}

/** take asks for the lease.  Unless it is TAKEN, `*out_wait` is how long to wait until the task is
 *  looked at again. */
static enum chy_lease_state take(struct chy_schedule *s, struct entry *entry, int64_t *out_wait)
{
    CHY_AUTO(chy_operation_free) struct chy_operation *operation = new_operation(s, "job.lease");
    enum chy_lease_state state = CHY_LEASE_BUSY;
    int64_t period = entry->task.period;
    int64_t ran_at = 0;
    *out_wait = entry->lease.ttl / 3 < period ? entry->lease.ttl / 3 : period;
    if (operation == NULL) {
        return state;
    }
    struct chy_op *op = &operation->op;
    if (is_idle(entry, op)) {
        *out_wait = period;
        count_run(entry, "idle");
        return CHY_LEASE_DONE;
    }
    if (chy_lease_take(&entry->lease, op, period, &state, &ran_at) != CHY_OK) {
        warn(op, "job.lease", entry->name, "it is tried again later");
        count_run(entry, "failed");
        return CHY_LEASE_BUSY;
    }
    if (state == CHY_LEASE_DONE) {
        int64_t rest = ran_at + period - entry->looked_at;
        *out_wait = rest < 1 ? 1 : rest;
        count_run(entry, "elsewhere");
    }
    return state;
}

/** run returns how long to wait until the task is looked at again. */
static int64_t run(struct lane *lane, struct entry *entry)
{
    struct chy_schedule *s = lane->schedule;
    int64_t wait = entry->task.period;
    if (is_paused(s) && (entry->task.flags & CHY_TASK_DELETES) != 0) {
        return wait;
    }
    if ((entry->task.flags & CHY_TASK_EVERY_NODE) != 0) {
        (void)run_now(lane, entry);
        return wait;
    }
    if (take(s, entry, &wait) != CHY_LEASE_TAKEN) {
        return wait;
    }
    bool is_done = run_now(lane, entry);
    give_back(s, entry, is_done ? entry->looked_at : 0);
    return entry->task.period;
}

static bool is_ending(struct chy_schedule *s)
{
    chy_mutex_lock(&s->lock);
    bool ends = s->ends;
    chy_mutex_unlock(&s->lock);
    return ends;
}

int64_t chy_schedule_step(struct chy_schedule *schedule, enum chy_lane lane)
{
    struct lane *own = &schedule->lanes[lane];
    int64_t next = INT64_MAX;
    for (struct entry *entry = own->entries; entry != NULL; entry = entry->next) {
        if (now(schedule) >= entry->due && !is_ending(schedule)) {
            // From its beginning: time that passes while it runs is time that passes.
            int64_t began = now(schedule);
            entry->looked_at = chy_clock_now(schedule->config.clock);
            entry->due = began + run(own, entry);
        }
        next = entry->due < next ? entry->due : next;
    }
    return next;
}

/* ------------------------------------------------------------------------------------------------
 * The threads
 */

/** sleep_until waits for a time on the schedule's clock; waiting itself knows the real one only. */
static bool sleep_until(struct chy_schedule *s, int64_t when)
{
    const struct chy_clock *real = chy_clock_real();
    bool is_real = s->config.clock == real;
    chy_mutex_lock(&s->lock);
    while (!s->ends && now(s) < when) {
        int64_t until = is_real ? when : chy_clock_monotonic(real) + OTHER_CLOCK_PATIENCE;
        bool in_time = chy_cond_wait_until(&s->wake, &s->lock, until);
        (void)in_time; // the clock is asked again either way
    }
    bool goes_on = !s->ends;
    chy_mutex_unlock(&s->lock);
    return goes_on;
}

static void *run_lane(void *arg)
{
    struct lane *lane = arg;
    while (sleep_until(lane->schedule, chy_schedule_step(lane->schedule, lane->number))) {
    }
    return NULL;
}

static bool is_any_leased_locked(struct chy_schedule *s)
{
    bool any = false;
    chy_mutex_assert_held(&s->lock);
    for (size_t i = 0; i < CHY_LANES; i++) {
        any = any || s->lanes[i].leased != NULL;
    }
    return any;
}

/** wait_for_beat waits until the leases of what runs are to beat.  false: the end has come. */
static bool wait_for_beat(struct chy_schedule *s)
{
    chy_mutex_lock(&s->lock);
    while (!s->ends && !is_any_leased_locked(s)) {
        chy_cond_wait(&s->wake, &s->lock);
    }
    int64_t until = chy_clock_monotonic(chy_clock_real()) + CHY_LEASE_TTL / 3;
    bool in_time = true;
    while (!s->ends && in_time) {
        in_time = chy_cond_wait_until(&s->wake, &s->lock, until);
    }
    bool goes_on = !s->ends;
    chy_mutex_unlock(&s->lock);
    return goes_on;
}

static struct entry *leased_of(struct lane *lane)
{
    chy_mutex_lock(&lane->schedule->lock);
    struct entry *entry = lane->leased;
    chy_mutex_unlock(&lane->schedule->lock);
    return entry;
}

static void beat(struct lane *lane)
{
    struct chy_schedule *s = lane->schedule;
    struct entry *entry = leased_of(lane); // entries live until all threads have ended
    CHY_AUTO(chy_operation_free)
    struct chy_operation *operation = entry == NULL ? NULL : new_operation(s, "job.lease");
    if (operation == NULL || chy_lease_beat(&entry->lease, &operation->op) == CHY_OK) {
        return;
    }
    warn(&operation->op, "job.lease", entry->name, "its lease did not beat");
    chy_mutex_lock(&s->lock);
    if (atomic_load(&entry->lease.hold.is_lost) && lane->leased == entry) {
        chy_operation_cancel(lane->running);
    }
    chy_mutex_unlock(&s->lock);
}

static void *keep_leases(void *arg)
{
    struct chy_schedule *s = arg;
    while (wait_for_beat(s)) {
        for (size_t i = 0; i < CHY_LANES; i++) {
            beat(&s->lanes[i]);
        }
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------
 * Making and ending
 */

static chy_status name_holder(struct chy_schedule *s, struct chy_op *op)
{
    struct chy_uuid id;
    char text[CHY_UUID_TEXT_SIZE];
    struct chy_slice node = s->config.runtime->node;
    CHY_TRY(chy_runtime_new_uuid(s->config.runtime, op, &id));
    chy_uuid_format(&id, text);
    (void)snprintf(s->holder, sizeof s->holder, "%.*s %s", (int)(node.len < 80 ? node.len : 80),
                   (const char *)node.ptr, text);
    return CHY_OK;
}

chy_status chy_schedule_new(struct chy_op *op, const struct chy_schedule_config *config,
                            struct chy_schedule **out_schedule)
{
    struct chy_schedule *s = calloc(1, sizeof *s);
    if (s == NULL) {
        return chy_fail_memory(op);
    }
    s->config = *config;
    chy_mutex_init(&s->lock);
    chy_cond_init(&s->wake);
    s->skew = skew_of(config->clock);
    for (size_t i = 0; i < CHY_LANES; i++) {
        s->lanes[i].schedule = s;
        s->lanes[i].number = (enum chy_lane)i;
    }
    chy_status status = name_holder(s, op);
    if (status != CHY_OK) {
        chy_schedule_free(s);
        return status;
    }
    *out_schedule = s;
    return CHY_OK;
}

chy_status chy_schedule_add(struct chy_schedule *schedule, struct chy_op *op,
                            const struct chy_task *task)
{
    struct entry *entry = calloc(1, sizeof *entry);
    if (entry == NULL) {
        return chy_fail_memory(op);
    }
    entry->task = *task;
    (void)snprintf(entry->name, sizeof entry->name, "%.*s", (int)task->name.len,
                   (const char *)task->name.ptr);
    entry->due = now(schedule) + CHY_US_PER_SECOND; // the first requests come first
    chy_lease_init(&entry->lease, schedule->config.runtime, chy_text(entry->name),
                   chy_text(schedule->holder), CHY_LEASE_TTL);
    struct entry **last = &schedule->lanes[task->lane].entries;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = entry;
    return CHY_OK;
}

static bool start_thread(pthread_t *thread, bool *out_started, void *(*work)(void *arg), void *arg)
{
    *out_started = pthread_create(thread, NULL, work, arg) == 0;
    return *out_started;
}

static void join(pthread_t thread, bool *is_started)
{
    if (*is_started) {
        int code = pthread_join(thread, NULL);
        assert(code == 0);
        *is_started = false;
    }
}

/** stop ends what runs and waits for the threads. */
static void stop(struct chy_schedule *s)
{
    chy_mutex_lock(&s->lock);
    s->ends = true;
    for (size_t i = 0; i < CHY_LANES; i++) {
        if (s->lanes[i].running != NULL) {
            chy_operation_cancel(s->lanes[i].running);
        }
    }
    chy_cond_broadcast(&s->wake);
    chy_mutex_unlock(&s->lock);
    for (size_t i = 0; i < CHY_LANES; i++) {
        join(s->lanes[i].thread, &s->lanes[i].is_started);
    }
    join(s->keeper, &s->keeper_is_started);
}

chy_status chy_schedule_start(struct chy_schedule *schedule, struct chy_op *op)
{
    bool all = start_thread(&schedule->keeper, &schedule->keeper_is_started, keep_leases, schedule);
    for (size_t i = 0; all && i < CHY_LANES; i++) {
        struct lane *lane = &schedule->lanes[i];
        if (lane->entries != NULL) {
            all = start_thread(&lane->thread, &lane->is_started, run_lane, lane);
        }
    }
    if (!all) {
        stop(schedule);
        return chy_fail(op, CHY_BROKEN, 0, "no thread for the jobs could be made");
    }
    return CHY_OK;
}

void chy_schedule_free(struct chy_schedule *schedule)
{
    if (schedule == NULL) {
        return;
    }
    stop(schedule);
    for (size_t i = 0; i < CHY_LANES; i++) {
        struct entry *entry = schedule->lanes[i].entries;
        while (entry != NULL) {
            struct entry *next = entry->next;
            chy_lease_fini(&entry->lease);
            free(entry);
            entry = next;
        }
    }
    chy_cond_fini(&schedule->wake);
    chy_mutex_fini(&schedule->lock);
    free(schedule);
}
