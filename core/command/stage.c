#include "command/stage.h"

void chy_stages_down(const struct chy_stage *stages, size_t count, void *daemon, struct chy_op *op)
{
    while (count > 0) {
        count--;
        chy_log_debug(op, "stage.down", "%s", stages[count].name);
        if (stages[count].down != NULL) {
            stages[count].down(daemon, op);
        }
    }
}

chy_status chy_stages_up(const struct chy_stage *stages, size_t count, void *daemon,
                         struct chy_op *op)
{
    for (size_t i = 0; i < count; i++) {
        chy_log_debug(op, "stage.up", "%s", stages[i].name);
        chy_status status = stages[i].up(daemon, op);
        if (status != CHY_OK) {
            struct chy_error error;
            memset(&error, 0, sizeof error);
            error.struct_size = (uint32_t)sizeof error;
            op->host->last_error(op, &error);
            chy_stages_down(stages, i, daemon, op);
            // What went wrong while going down must not hide why.
            return error.status == status ? op->host->fail_with(op, &error) : status;
        }
    }
    return CHY_OK;
}
