#include "enroll/memory.h"

#define MEMORY_MAX ((size_t)4 << 20)

struct chy_operation *chy_memory_new(struct chy_op *op)
{
    const struct chy_operation *maker = chy_operation_of(op);
    struct chy_operation_config config = {
        .host = op->host,
        .clock = maker->clock,
        .log = maker->log,
        .name = chy_text("cached"),
        .request_id = op->host->request_id(op),
        .memory_max = MEMORY_MAX,
    };
    return chy_operation_new(&config);
}
