/**
 * What runs by itself: tasks with a period, each on a lane, most of them under a lease.
 *
 * A lane is a thread that runs its tasks one after another: one for core's own, one for those of
 * plugins, one for renewals and one for what alerts send, so that neither a slow plugin, nor
 * thousands of certificates that are due, nor a receiver that hangs keep a CRL waiting.  Another
 * thread beats the leases of what is running.  Tasks are added before the start; then only stopping
 * is left to do.
 */
#ifndef CHY_SCHEDULE_SCHEDULE_H
#define CHY_SCHEDULE_SCHEDULE_H

#include "schedule/lease.h"

#include "base/auto.h"

enum chy_lane {
    CHY_LANE_CORE = 0,
    CHY_LANE_PLUGINS,
    CHY_LANE_RENEWAL,
    CHY_LANE_ALERTS, /**< calls receivers, which may hang */
    CHY_LANES
};

enum chy_task_flag {
    /** On every node, without a lease: what each needs for itself. */
    CHY_TASK_EVERY_NODE = 1U << 0,
    /** It deletes: it waits when the clock has jumped ahead, which may be wrong.  Rows do not come
     *  back. */
    CHY_TASK_DELETES = 1U << 1
};

struct chy_task {
    struct chy_slice name; /**< "job.crl"; copied */
    int64_t period;
    /** Runs it.  `op` acts for the instance itself; what it writes depends on the lease.  It ends
     *  soon after chy_cancelled(). */
    chy_status (*run)(const struct chy_task *task, struct chy_op *op);
    /** NULL, or looks, without writing, whether there is anything to do: else no lease is taken. */
    chy_status (*is_due)(const struct chy_task *task, struct chy_op *op, bool *out_is_due);
    void *self; /**< of whoever wrote `run`, as is what follows */
    const void *detail;
    enum chy_lane lane;
    uint32_t flags; /**< enum chy_task_flag */
};

struct chy_schedule_config {
    struct chy_runtime *runtime;
    const struct chy_host *host;
    struct chy_log *log;
    const struct chy_clock *clock;
    int64_t clock_ahead_tolerance; /**< what the wall clock may gain on the monotonic one */
};

struct chy_schedule;

/** chy_schedule_new makes one without tasks. */
CHY_MUST_USE chy_status chy_schedule_new(struct chy_op *op,
                                         const struct chy_schedule_config *config,
                                         struct chy_schedule **out_schedule);
/** chy_schedule_free stops what runs and frees it.  NULL is fine. */
void chy_schedule_free(struct chy_schedule *schedule);
CHY_DEFINE_AUTO(struct chy_schedule, chy_schedule_free);

/** chy_schedule_add takes a task; it is first due a second from now. */
CHY_MUST_USE chy_status chy_schedule_add(struct chy_schedule *schedule, struct chy_op *op,
                                         const struct chy_task *task);

/** chy_schedule_start makes the threads.  BROKEN: one could not be made; none is left. */
CHY_MUST_USE chy_status chy_schedule_start(struct chy_schedule *schedule, struct chy_op *op);

/** chy_schedule_step is what a lane does over and over: it runs what is due, and returns when the
 *  next is (monotonic).  For tests, which start no threads. */
int64_t chy_schedule_step(struct chy_schedule *schedule, enum chy_lane lane);

#endif
