#include "schedule/jobs.h"

#include "access/token.h"
#include "alert/delivery.h"
#include "alert/expiry.h"
#include "alert/fanout.h"
#include "base/slice.h"
#include "base/time.h"
#include "enroll/approval_issue.h"
#include "enroll/authority_expiry.h"
#include "enroll/crl.h"
#include "enroll/crl_folder.h"
#include "enroll/renewal.h"
#include "plugin/view.h"
#include "resource/audit_retention.h"
#include "resource/keyring.h"

static chy_status refresh_crls(const struct chy_task *task, struct chy_op *op)
{
    uint64_t built;
    CHY_TRY(chy_crl_refresh(task->self, op, &built));
    if (built > 0) {
        chy_log_info(op, "crl.built", "%llu CRLs were brought up to date",
                     (unsigned long long)built);
    }
    return CHY_OK;
}

static chy_status clean_access(const struct chy_task *task, struct chy_op *op)
{
    return chy_access_clean(task->self, op);
}

static chy_status clean_revocations(const struct chy_task *task, struct chy_op *op)
{
    uint64_t dropped;
    CHY_TRY(chy_crl_clean(task->self, op, &dropped));
    if (dropped > 0) {
        chy_log_info(op, "crl.cleaned", "%llu revocations of certificates that ended were dropped",
                     (unsigned long long)dropped);
    }
    return CHY_OK;
}

static chy_status write_crls(const struct chy_task *task, struct chy_op *op)
{
    uint64_t written;
    CHY_TRY(chy_crl_folder_write(task->self, op, &written));
    if (written > 0) {
        chy_log_info(op, "crl.written", "%llu files were written for web servers",
                     (unsigned long long)written);
    }
    return CHY_OK;
}

/** follow_kek learns of a KEK that was rotated while this process runs. */
static chy_status follow_kek(const struct chy_task *task, struct chy_op *op)
{
    const struct chy_runtime *runtime = task->self;
    return chy_keks_refresh(chy_keyring_keks(runtime->keyring), op);
}

static chy_status watch_authorities(const struct chy_task *task, struct chy_op *op)
{
    return chy_authority_watch(task->self, op);
}

static chy_status warn_of_authorities(const struct chy_task *task, struct chy_op *op)
{
    return chy_authority_warn(task->self, op);
}

static chy_status retain_audit(const struct chy_task *task, struct chy_op *op)
{
    struct chy_runtime *runtime = task->self;
    return runtime->audit_keep == 0 ? CHY_OK : chy_audit_retain(runtime, op, runtime->audit_keep);
}

static void count(const char *outcome, uint64_t number)
{
    char label[64];
    (void)snprintf(label, sizeof label, "outcome=\"%s\"", outcome);
    chy_metrics_count(chy_metrics_process(), chy_text("renewals"), chy_text(label),
                      (int64_t)number);
}

static chy_status renew(const struct chy_task *task, struct chy_op *op)
{
    struct chy_renewal_counts counts;
    CHY_TRY(chy_renewal_run(task->self, op, &counts));
    count("renewed", counts.renewed);
    count("failed", counts.failed);
    if (counts.renewed + counts.failed > 0) {
        chy_log_info(op, "renewal.done", "%llu certificates were renewed, %llu could not be",
                     (unsigned long long)counts.renewed, (unsigned long long)counts.failed);
    }
    return CHY_OK;
}

static chy_status is_renewal_due(const struct chy_task *task, struct chy_op *op, bool *out_is_due)
{
    if (op->host->renew == NULL) {
        *out_is_due = false;
        return CHY_OK;
    }
    return chy_renewal_is_due(task->self, op, out_is_due);
}

/** add_renewal: this job looks first, so that no lease is taken while nothing is due. */
static chy_status add_renewal(struct chy_schedule *schedule, struct chy_op *op,
                              const struct chy_schedule_config *config)
{
    const struct chy_task task = {
        .name = chy_text("job.renew"),
        .period = CHY_US_PER_MINUTE,
        .run = renew,
        .is_due = is_renewal_due,
        .self = config->runtime,
        .lane = CHY_LANE_RENEWAL,
    };
    return chy_schedule_add(schedule, op, &task);
}

static chy_status serve_approvals(const struct chy_task *task, struct chy_op *op)
{
    struct chy_approval_counts counts;
    CHY_TRY(chy_approval_run(task->self, op, &counts));
    if (counts.expired + counts.resumed > 0) {
        chy_log_info(op, "approval.served", "%llu requests expired, %llu were issued late",
                     (unsigned long long)counts.expired, (unsigned long long)counts.resumed);
    }
    return CHY_OK;
}

static chy_status are_approvals_due(const struct chy_task *task, struct chy_op *op,
                                    bool *out_is_due)
{
    return chy_approval_are_due(task->self, op, out_is_due);
}

static chy_status add_approvals(struct chy_schedule *schedule, struct chy_op *op,
                                const struct chy_schedule_config *config)
{
    const struct chy_task task = {
        .name = chy_text("job.approvals"),
        .period = 10 * CHY_US_PER_SECOND,
        .run = serve_approvals,
        .is_due = are_approvals_due,
        .self = config->runtime,
        .lane = CHY_LANE_CORE,
    };
    return chy_schedule_add(schedule, op, &task);
}

/* ------------------------------------------------------------------------------------------------
 * Alerts
 */

static void count_overflow(struct chy_op *op, uint64_t overflowed)
{
    if (overflowed > 0) {
        chy_metrics_count(chy_metrics_process(), chy_text("alert_deliveries"),
                          chy_text("result=\"overflowed\",channel=\"\""), (int64_t)overflowed);
        chy_log_warning(op, "alert.overflowed",
                        "%llu deliveries were given up, as more than 1000 waited for a channel",
                        (unsigned long long)overflowed);
    }
}

static chy_status fan_out(const struct chy_task *task, struct chy_op *op)
{
    struct chy_alert_fanout_counts counts;
    chy_status status = chy_alert_fanout_run(task->self, op, &counts);
    count_overflow(op, counts.overflowed);
    if (counts.stale > 0) {
        chy_log_warning(op, "alert.stale", "%llu events were too old to tell anybody of",
                        (unsigned long long)counts.stale);
    }
    return status;
}

static chy_status is_fan_out_due(const struct chy_task *task, struct chy_op *op, bool *out_is_due)
{
    return chy_alert_fanout_is_due(task->self, op, out_is_due);
}

static chy_status look_for_ends(const struct chy_task *task, struct chy_op *op)
{
    struct chy_alert_expiry_counts counts;
    chy_status status = chy_alert_expiry_run(task->self, op, &counts);
    count_overflow(op, counts.overflowed);
    if (counts.told > 0) {
        chy_log_info(op, "alert.ends-soon", "alerts tell of %llu certificates that end",
                     (unsigned long long)counts.told);
    }
    return status;
}

static chy_status are_ends_due(const struct chy_task *task, struct chy_op *op, bool *out_is_due)
{
    return chy_alert_expiry_is_due(task->self, op, out_is_due);
}

static chy_status deliver(const struct chy_task *task, struct chy_op *op)
{
    struct chy_alert_delivery_counts counts;
    CHY_TRY(chy_alert_delivery_run(task->self, op, &counts));
    if (counts.delivered > 0) {
        chy_log_info(op, "alert.delivered", "notifications that were delivered: %llu",
                     (unsigned long long)counts.delivered);
    }
    return CHY_OK;
}

static chy_status is_delivery_due(const struct chy_task *task, struct chy_op *op, bool *out_is_due)
{
    return chy_alert_delivery_is_due(task->self, op, out_is_due);
}

static chy_status measure_alerts(const struct chy_task *task, struct chy_op *op)
{
    return chy_alert_measure(task->self, op);
}

static chy_status clean_alerts(const struct chy_task *task, struct chy_op *op)
{
    return chy_alert_clean(task->self, op);
}

/** add_alerts: these jobs look first, so that no lease is taken while there is nothing to tell. */
static chy_status add_alerts(struct chy_schedule *schedule, struct chy_op *op,
                             const struct chy_schedule_config *config)
{
    const struct chy_task tasks[] = {
        {.name = chy_text("job.alert-events"),
         .period = CHY_US_PER_SECOND,
         .run = fan_out,
         .is_due = is_fan_out_due,
         .lane = CHY_LANE_CORE},
        {.name = chy_text("job.alert-ends"),
         .period = 10 * CHY_US_PER_SECOND,
         .run = look_for_ends,
         .is_due = are_ends_due,
         .lane = CHY_LANE_CORE},
        {.name = chy_text("job.alert-deliveries"),
         .period = CHY_US_PER_SECOND,
         .run = deliver,
         .is_due = is_delivery_due,
         .lane = CHY_LANE_ALERTS},
    };
    for (size_t i = 0; i < CHY_COUNT_OF(tasks); i++) {
        struct chy_task task = tasks[i];
        task.self = config->runtime;
        CHY_TRY(chy_schedule_add(schedule, op, &task));
    }
    return CHY_OK;
}

/** A row of the table below. */
struct job {
    const char *name;
    int64_t period;
    chy_status (*run)(const struct chy_task *task, struct chy_op *op);
    uint32_t flags; /**< enum chy_task_flag */
};

static const struct job jobs[] = {
    {"job.crl", 5 * CHY_US_PER_MINUTE, refresh_crls, 0},
    {"job.ca-watch", 10 * CHY_US_PER_MINUTE, watch_authorities, CHY_TASK_EVERY_NODE},
    {"job.ca-expiry", CHY_US_PER_DAY, warn_of_authorities, 0},
    {"job.kek", 10 * CHY_US_PER_SECOND, follow_kek, CHY_TASK_EVERY_NODE},
    {"job.clean", CHY_US_PER_HOUR, clean_access, CHY_TASK_DELETES},
    {"job.crl-clean", CHY_US_PER_HOUR, clean_revocations, CHY_TASK_DELETES},
    {"job.crl-dir", 10 * CHY_US_PER_SECOND, write_crls, CHY_TASK_EVERY_NODE},
    {"job.audit", CHY_US_PER_HOUR, retain_audit, CHY_TASK_DELETES},
    {"job.alert-clean", CHY_US_PER_HOUR, clean_alerts, CHY_TASK_DELETES},
    {"job.alert-state", 15 * CHY_US_PER_SECOND, measure_alerts, CHY_TASK_EVERY_NODE},
};

static chy_status add_core(struct chy_schedule *schedule, struct chy_op *op,
                           const struct chy_schedule_config *config)
{
    for (size_t i = 0; i < CHY_COUNT_OF(jobs); i++) {
        const struct chy_task task = {
            .name = chy_text(jobs[i].name),
            .period = jobs[i].period,
            .run = jobs[i].run,
            .self = config->runtime,
            .lane = CHY_LANE_CORE,
            .flags = jobs[i].flags,
        };
        CHY_TRY(chy_schedule_add(schedule, op, &task));
    }
    return CHY_OK;
}

chy_status chy_jobs_new(struct chy_op *op, const struct chy_schedule_config *config,
                        struct chy_schedule **out_schedule)
{
    CHY_AUTO(chy_schedule_free) struct chy_schedule *schedule = NULL;
    CHY_TRY(chy_schedule_new(op, config, &schedule));
    CHY_TRY(add_core(schedule, op, config));
    CHY_TRY(add_renewal(schedule, op, config));
    CHY_TRY(add_approvals(schedule, op, config));
    CHY_TRY(add_alerts(schedule, op, config));
    *out_schedule = CHY_TAKE(schedule);
    return CHY_OK;
}

static chy_status run_of_instance(const struct chy_task *task, struct chy_op *op)
{
    return chy_instance_run_job(task->self, op, task->detail);
}

chy_status chy_jobs_add_instance(struct chy_schedule *schedule, struct chy_op *op,
                                 struct chy_instance *instance)
{
    const struct chy_view *declared = &instance->plugin->enrollment.jobs;
    for (uint64_t i = 0; i < declared->count; i++) {
        const struct chy_job *job = chy_view_item(*declared, i);
        char name[128]; // the loader limits both parts
        (void)snprintf(name, sizeof name, "%.*s.%.*s", (int)instance->name.len,
                       (const char *)instance->name.ptr, (int)job->name.len,
                       (const char *)job->name.ptr);
        const struct chy_task task = {
            .name = chy_text(name),
            .period = job->period,
            .run = run_of_instance,
            .self = instance,
            .detail = job,
            .lane = CHY_LANE_PLUGINS,
        };
        CHY_TRY(chy_schedule_add(schedule, op, &task));
    }
    return CHY_OK;
}
