/** What the files of the conformance host share. */
#ifndef CHANCERY_CONFORMANCE_INTERNAL_H
#define CHANCERY_CONFORMANCE_INTERNAL_H

#include "host.h"

#include <stdatomic.h>

/** What host->instance means to this host. */
struct chy_instance {
    const struct chy_plugin *descriptor;
    void *self; /**< what create() gave */
    char *name;
    char *data_directory;
    struct chy_option_value *values; /**< one per option of the table */
    void **owned;                    /**< heap blocks that the values point into */
    size_t owned_count;
    atomic_llong live_operations;
};

/** conf_host_table is the one table of services. */
extern const struct chy_host conf_host_table;

/** conf_options_parse fills instance->values from `arguments` and the table's defaults. */
bool conf_options_parse(struct chy_instance *instance, const struct conf_arguments *arguments);

#endif
