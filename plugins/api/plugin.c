#include "api.h"

#include <chancery/plugin.h>

/** There is no state: everything is the host's. */
static uint8_t instance;

static chy_status create(const struct chy_host *host, struct chy_instance *handle,
                         struct chy_op *op, const struct chy_options *options, void **out_self)
{
    (void)host;
    (void)handle;
    (void)op;
    (void)options;
    *out_self = &instance;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)self;
    (void)op;
}

static void destroy(void *self)
{
    (void)self;
}

static const struct chy_option profile_options[] = {
    {CHY_TEXT_INIT("auto_renew"),
     CHY_OPTION_BOOL,
     0,
     0,
     0,
     CHY_TEXT_INIT("false"),
     {NULL, 0, 0},
     CHY_TEXT_INIT("renew certificates whose key is kept here before they expire")},
    {CHY_TEXT_INIT("renew_before_days"),
     CHY_OPTION_INT,
     0,
     1,
     30,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("how many days before a certificate expires it is renewed")},
    {CHY_TEXT_INIT("renew_before"),
     CHY_OPTION_DURATION,
     0,
     0,
     0,
     {NULL, 0},
     {NULL, 0, 0},
     CHY_TEXT_INIT("the same, finer than by days: 30m, 12h; instead of renewBeforeDays")},
};

/* Filled once: C11 has no constant for another file's count. */
static struct chy_enrollment_ops ops = {
    .method = CHY_TEXT_INIT("api"),
    .method_summary = CHY_TEXT_INIT("certificates by REST requests"),
    .profile_options = CHY_VIEW_INIT(profile_options),
};

static const struct chy_interface interfaces[] = {
    {CHY_INTERFACE_ENROLLMENT, CHY_ENROLLMENT_MINOR, 0, sizeof ops, &ops},
};

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .needs_host_minor = 0,
    .name = CHY_TEXT_INIT("api"),
    .version = CHY_TEXT_INIT(CHANCERY_VERSION),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("the REST API, for enrolling and for managing"),
    .built_with = CHY_TEXT_INIT("jansson " JANSSON_VERSION),
    .threading = CHY_THREADS_MANY,
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    ops.routes = api_route_table();
    return &plugin;
}
