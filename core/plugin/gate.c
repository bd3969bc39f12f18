#include "plugin/gate.h"

#include "base/clock.h"
#include "base/time.h"

#define DEFAULT_CONCURRENCY 256U
#define DEFAULT_FAILURES 5U
#define DEFAULT_PAUSE (250 * CHY_US_PER_MS)
#define DEFAULT_PAUSE_MAX (5 * CHY_US_PER_SECOND)

void chy_gate_init(struct chy_gate *gate, const struct chy_gate_config *config, const char *what)
{
    memset(gate, 0, sizeof *gate);
    gate->config = *config;
    gate->what = what;
    if (gate->config.concurrency == 0) {
        gate->config.concurrency = DEFAULT_CONCURRENCY;
    }
    if (gate->config.waiters == 0) {
        gate->config.waiters = gate->config.concurrency;
    }
    if (gate->config.failures == 0) {
        gate->config.failures = DEFAULT_FAILURES;
    }
    if (gate->config.pause == 0) {
        gate->config.pause = DEFAULT_PAUSE;
    }
    if (gate->config.pause_max == 0) {
        gate->config.pause_max = DEFAULT_PAUSE_MAX;
    }
    gate->pause = gate->config.pause;
    chy_mutex_init(&gate->lock);
    chy_cond_init(&gate->free_place);
}

void chy_gate_fini(struct chy_gate *gate)
{
    chy_cond_fini(&gate->free_place);
    chy_mutex_fini(&gate->lock);
}

static chy_status refuse(struct chy_gate *gate, struct chy_op *op, enum chy_reason reason,
                         int64_t wait, const char *why)
{
    char text[CHY_MESSAGE_MAX];
    struct chy_error error;
    memset(&error, 0, sizeof error);
    (void)snprintf(text, sizeof text, "%s %s", gate->what, why);
    error.struct_size = (uint32_t)sizeof error;
    error.status = CHY_TRY_LATER;
    error.reason = (uint32_t)reason;
    error.retry_after_s = (uint32_t)((wait + CHY_US_PER_SECOND - 1) / CHY_US_PER_SECOND);
    error.message = chy_text(text);
    chy_series_add(gate->refused, 1);
    return op->host->fail_with(op, &error);
}

static bool take_place(struct chy_gate *gate)
{
    uint32_t running = atomic_load(&gate->running);
    while (running < gate->config.concurrency) {
        if (atomic_compare_exchange_weak(&gate->running, &running, running + 1)) {
            return true;
        }
    }
    return false;
}

static bool wait_for_place_locked(struct chy_gate *gate, int64_t real_deadline)
{
    chy_mutex_assert_held(&gate->lock);
    while (!take_place(gate)) {
        if (!chy_cond_wait_until(&gate->free_place, &gate->lock, real_deadline)) {
            return take_place(gate);
        }
    }
    return true;
}

static chy_status wait_for_place(struct chy_gate *gate, struct chy_op *op)
{
    if (atomic_fetch_add(&gate->waiting, 1) >= gate->config.waiters) {
        (void)atomic_fetch_sub(&gate->waiting, 1);
        return refuse(gate, op, CHY_REASON_OVERLOAD, CHY_US_PER_SECOND,
                      "is at its limit, and too many wait for it already");
    }
    // The operation's clock may be a test's; what is left of it is waited for on the real one.
    int64_t deadline = chy_deadline(op);
    if (deadline != CHY_NO_DEADLINE) {
        deadline = chy_clock_monotonic(chy_clock_real()) + (deadline - chy_monotonic(op));
    }
    chy_mutex_lock(&gate->lock);
    bool got = wait_for_place_locked(gate, deadline);
    chy_mutex_unlock(&gate->lock);
    (void)atomic_fetch_sub(&gate->waiting, 1);
    return got ? CHY_OK
               : refuse(gate, op, CHY_REASON_TIMEOUT, CHY_US_PER_SECOND,
                        "is at its limit, and the deadline passed while waiting for it");
}

/** Lets one caller through at a time once the pause is over. */
static chy_status pass_breaker(struct chy_gate *gate, struct chy_op *op, int64_t now)
{
    int64_t until = atomic_load(&gate->open_until);
    if (until == 0) {
        return CHY_OK;
    }
    if (now >= until) {
        int64_t pause = 2 * atomic_load(&gate->pause);
        if (pause > gate->config.pause_max) {
            pause = gate->config.pause_max;
        }
        // Who moves the end of the pause is the one who tries; if it hangs, another follows then.
        if (atomic_compare_exchange_strong(&gate->open_until, &until, now + pause)) {
            atomic_store(&gate->pause, pause);
            return CHY_OK;
        }
        if (until == 0) {
            return CHY_OK;
        }
    }
    return refuse(gate, op, CHY_REASON_NONE, until > now ? until - now : CHY_US_PER_SECOND,
                  "did not answer the last calls and is not called for a moment");
}

static chy_status enter(struct chy_gate *gate, struct chy_op *op, bool past_breaker)
{
    int64_t now = chy_monotonic(op);
    if (chy_deadline(op) <= now) {
        return refuse(gate, op, CHY_REASON_TIMEOUT, 0, "was not called: the deadline has passed");
    }
    if (!past_breaker) {
        CHY_TRY(pass_breaker(gate, op, now));
    }
    if (!take_place(gate)) {
        CHY_TRY(wait_for_place(gate, op));
    }
    chy_series_add(gate->in_flight, 1);
    return CHY_OK;
}

chy_status chy_gate_enter(struct chy_gate *gate, struct chy_op *op)
{
    return enter(gate, op, false);
}

chy_status chy_gate_enter_anyway(struct chy_gate *gate, struct chy_op *op)
{
    return enter(gate, op, true);
}

static void note_success(struct chy_gate *gate, struct chy_op *op)
{
    // Plain loads first: on the usual path nothing is written that other threads read.
    if (atomic_load(&gate->failed_in_a_row) != 0) {
        atomic_store(&gate->failed_in_a_row, 0);
    }
    if (atomic_load(&gate->open_until) != 0 && atomic_exchange(&gate->open_until, 0) != 0) {
        atomic_store(&gate->pause, gate->config.pause);
        chy_series_set(gate->is_open, 0);
        chy_log_info(op, "gate.closed", "%s answers again", gate->what);
    }
}

static void note_failure(struct chy_gate *gate, struct chy_op *op)
{
    uint32_t failures = atomic_fetch_add(&gate->failed_in_a_row, 1) + 1;
    if (failures < gate->config.failures) {
        return;
    }
    int64_t closed = 0;
    int64_t until = chy_monotonic(op) + gate->config.pause;
    if (atomic_compare_exchange_strong(&gate->open_until, &closed, until)) {
        atomic_store(&gate->pause, gate->config.pause);
        chy_series_set(gate->is_open, 1);
        chy_log_warning(op, "gate.opened",
                        "%s failed %u times in a row; calls are refused and it is "
                        "tried again in a moment",
                        gate->what, failures);
    }
}

bool chy_gate_is_absence(struct chy_op *op, chy_status status)
{
    struct chy_error error;
    if (status == CHY_UNCERTAIN) {
        return true;
    }
    if (status != CHY_TRY_LATER) {
        return false;
    }
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    op->host->last_error(op, &error);
    // A limit of its own says that the back end is busy, not that it is away.
    return error.reason != CHY_REASON_OVERLOAD && error.reason != CHY_REASON_RATE;
}

void chy_gate_leave(struct chy_gate *gate, struct chy_op *op, chy_status status)
{
    (void)atomic_fetch_sub(&gate->running, 1);
    chy_series_add(gate->in_flight, -1);
    if (atomic_load(&gate->waiting) != 0) {
        chy_mutex_lock(&gate->lock);
        chy_cond_signal(&gate->free_place);
        chy_mutex_unlock(&gate->lock);
    }
    if (status == CHY_BROKEN || status == CHY_NO_MEMORY) {
        return; // says nothing about the back end being there
    }
    if (chy_gate_is_absence(op, status)) {
        note_failure(gate, op);
    } else if (status != CHY_TRY_LATER) {
        note_success(gate, op);
    }
}

bool chy_gate_is_open(struct chy_gate *gate, int64_t monotonic)
{
    return atomic_load(&gate->open_until) > monotonic;
}
