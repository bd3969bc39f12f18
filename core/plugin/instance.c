#include "plugin/registry.h"

#include "base/status.h"
#include "plugin/registry_state.h"

void chy_instance_enter(struct chy_instance *instance)
{
    if (!instance->one_at_a_time) {
        return;
    }
    if (!chy_mutex_is_held(&instance->lock)) {
        chy_mutex_lock(&instance->lock);
    }
    instance->lock_depth++;
}

void chy_instance_leave(struct chy_instance *instance)
{
    if (!instance->one_at_a_time) {
        return;
    }
    chy_mutex_assert_held(&instance->lock);
    instance->lock_depth--;
    if (instance->lock_depth == 0) {
        chy_mutex_unlock(&instance->lock);
    }
}

chy_status chy_instance_result(const struct chy_instance *instance, struct chy_op *op,
                               const char *call, chy_status status)
{
    struct chy_error error;
    if (status == CHY_OK) {
        return CHY_OK;
    }
    if (status < CHY_OK || status > CHY_BROKEN) {
        return chy_fail(op, CHY_BROKEN, status,
                        "instance '%.*s' answered %s with the unknown status %d",
                        (int)instance->name.len, (const char *)instance->name.ptr, call, status);
    }
    memset(&error, 0, sizeof error);
    error.struct_size = (uint32_t)sizeof error;
    op->host->last_error(op, &error);
    if (error.status != status) {
        return chy_fail(op, status, 0, "instance '%.*s' answered %s with %s and gave no reason",
                        (int)instance->name.len, (const char *)instance->name.ptr, call,
                        chy_status_name(status));
    }
    return status;
}

chy_status chy_instance_run_job(struct chy_instance *instance, struct chy_op *op,
                                const struct chy_job *job)
{
    chy_instance_enter(instance);
    struct chy_visit visit = chy_visit_begin(op, instance);
    chy_status status = job->run(instance->self, op);
    status = chy_instance_result(instance, op, "a job", status);
    chy_visit_end(op, visit);
    chy_instance_leave(instance);
    return status;
}
