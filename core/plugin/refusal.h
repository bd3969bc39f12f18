/** How the loader says no: every message begins with the file. */
#ifndef CHY_PLUGIN_REFUSAL_H
#define CHY_PLUGIN_REFUSAL_H

#include <chancery/host.h>

#include <stdbool.h>

/** The file in hand, while it is vetted. */
struct chy_candidate {
    struct chy_op *op;
    struct chy_slice name; /**< of the plugin */
    const char *path;      /**< as it is shown */
    int fd;
    uint64_t size;
    bool is_mapped; /**< from then on `fd` stays open: the linker knows it by that number */
};

/** chy_refuse fails with "plugin '<path>': <what>". */
chy_status chy_refuse(const struct chy_candidate *candidate, chy_status status, const char *format,
                      ...) CHY_PRINTF(3, 4);

#endif
