/*
 * An enrollment plugin that does nothing but leave a trace, and that CMake builds with one thing
 * wrong or odd at a time (PROBE_…).
 */
#include <chancery/crypto.h>
#include <chancery/enrollment.h>
#include <chancery/notifier.h>
#include <chancery/plugin.h>

#include <stdlib.h>

#ifndef PROBE_NAME
#define PROBE_NAME PROBE_FILE
#endif
#ifndef PROBE_ENTRY
#define PROBE_ENTRY chancery_plugin_v1
#endif
#ifndef PROBE_HOST_MINOR
#define PROBE_HOST_MINOR 0
#endif
#ifndef PROBE_INTERFACE_MINOR
#define PROBE_INTERFACE_MINOR 0
#endif
#ifndef PROBE_INTERFACE_ID
#define PROBE_INTERFACE_ID CHY_INTERFACE_ENROLLMENT
#endif
#ifndef PROBE_THREADING
#define PROBE_THREADING CHY_THREADS_MANY
#endif
#ifndef PROBE_STRUCT_SIZE
#define PROBE_STRUCT_SIZE sizeof(struct chy_plugin)
#endif
#ifndef PROBE_OPTION_TYPE
#define PROBE_OPTION_TYPE CHY_OPTION_INT
#endif
#ifndef PROBE_INTERFACES
#define PROBE_INTERFACES (sizeof interfaces / sizeof interfaces[0])
#endif
#ifndef PROBE_CREATE_STATUS
#define PROBE_CREATE_STATUS CHY_OK
#endif
#ifndef PROBE_START_STATUS
#define PROBE_START_STATUS CHY_OK
#endif

struct probe {
    struct chy_instance *instance;
    char name[64];
    char trace[4096];
};

enum option_number {
    OPTION_TRACE = 0,
    OPTION_LEVEL,
    OPTION_TOKEN
};

static const struct chy_option options[] = {
    {
        .name = CHY_TEXT_INIT("trace"),
        .type = CHY_OPTION_PATH,
        .help = CHY_TEXT_INIT("file to which each life-cycle call appends a line"),
    },
    {
        .name = CHY_TEXT_INIT("level"),
        .type = PROBE_OPTION_TYPE,
        .flags = CHY_OPTION_RELOADABLE,
        .minimum = 1,
        .maximum = 9,
        .default_text = CHY_TEXT_INIT("5"),
        .help = CHY_TEXT_INIT("a number from 1 to 9"),
    },
#ifdef PROBE_OPTION_TWICE
    {
        .name = CHY_TEXT_INIT("trace"),
        .type = CHY_OPTION_TEXT,
        .help = CHY_TEXT_INIT("the same name again"),
    },
#endif
    {
        .name = CHY_TEXT_INIT("token"),
        .type = CHY_OPTION_TEXT,
        .flags = CHY_OPTION_SECRET,
        .help = CHY_TEXT_INIT("a secret that nothing uses"),
    },
};

static void trace(const struct probe *probe, const char *what)
{
    FILE *file = probe->trace[0] == '\0' ? NULL : fopen(probe->trace, "a");
    if (file != NULL) {
        (void)fprintf(file, "%s %s\n", what, probe->name);
        (void)fclose(file);
    }
}

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *given, void **out_self)
{
    struct probe *probe = calloc(1, sizeof *probe);
    (void)host;
    if (probe == NULL) {
        return chy_fail(op, CHY_NO_MEMORY, 0, "no memory for a probe");
    }
    struct chy_slice path = chy_option_at(given, OPTION_TRACE)->text;
    probe->instance = instance;
    (void)snprintf(probe->name, sizeof probe->name, "%.*s", (int)given->instance_name.len,
                   (const char *)given->instance_name.ptr);
    (void)snprintf(probe->trace, sizeof probe->trace, "%.*s", (int)path.len,
                   (const char *)path.ptr);
    trace(probe, "create");
    chy_status status = PROBE_CREATE_STATUS;
    if (status != CHY_OK) {
        free(probe);
        return status == CHY_BAD_INPUT ? chy_fail(op, status, 0, "the probe refuses its options")
                                       : status;
    }
    *out_self = probe;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    trace(self, "start");
    chy_log_info(op, "probe.started", "the probe was started");
    chy_status status = PROBE_START_STATUS;
    return status == CHY_OK ? CHY_OK : chy_fail(op, status, 0, "the probe does not start");
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)op;
    trace(self, "drain");
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)op;
    trace(self, "stop");
}

#ifndef PROBE_NO_DESTROY
static void destroy(void *self)
{
    trace(self, "destroy");
    free(self);
}
#endif

static chy_status reload(void *self, struct chy_op *op, const struct chy_options *given)
{
    (void)op;
    (void)given;
    trace(self, "reload");
    return CHY_OK;
}

/* --- what it declares ------------------------------------------------------------------------- */

#ifndef PROBE_NO_HANDLER
static chy_status answer(void *self, struct chy_op *op, const struct chy_route *route,
                         const struct chy_http_request *request, struct chy_http_answer *out_answer)
{
    (void)op;
    (void)route;
    (void)request;
    trace(self, "route");
    out_answer->status = 204;
    return CHY_OK;
}
#endif

#ifdef PROBE_NEWER
/** What a later release may make of a route: a member more. */
struct probe_route {
    struct chy_route route;
    uint64_t from_the_future;
};
#else
struct probe_route {
    struct chy_route route;
};
#endif

static const struct probe_route routes[] = {
    {
        .route =
            {
                .method = CHY_TEXT_INIT("GET"),
                .pattern = CHY_TEXT_INIT("/probe/{id}"),
                .operation = CHY_TEXT_INIT("getProbe"),
                .summary = CHY_TEXT_INIT("Answer with nothing"),
#ifndef PROBE_NO_HANDLER
                .handle = answer,
#endif
            },
#ifdef PROBE_NEWER
        .from_the_future = 77,
#endif
    },
};

static const struct chy_field fields[] = {
    {CHY_TEXT_INIT("id"), CHY_VALUE_UUID, 0},
    {CHY_TEXT_INIT("note"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
};
static const uint32_t key[] = {0};
static const struct chy_collection collections[] = {
    {.name = CHY_TEXT_INIT("notes"), .fields = CHY_VIEW_INIT(fields), .key = CHY_VIEW_INIT(key)},
    {.name = CHY_TEXT_INIT("marks"), .fields = CHY_VIEW_INIT(fields), .key = CHY_VIEW_INIT(key)},
};

#ifdef PROBE_JOBS
static chy_status work(void *self, struct chy_op *op)
{
    (void)op;
    trace(self, "job");
    return CHY_OK;
}

static chy_status complain(void *self, struct chy_op *op)
{
    (void)op;
    trace(self, "complaint");
    return CHY_TRY_LATER; // and no word why
}

static const struct chy_job jobs[] = {
    {CHY_TEXT_INIT("work"), 60000000, work},
    {CHY_TEXT_INIT("complain"), 3600000000, complain},
};
#endif

static const struct chy_enrollment_ops enrollment = {
    .method = CHY_TEXT_INIT("probe"),
    .method_summary = CHY_TEXT_INIT("A probe"),
    .routes = CHY_VIEW_INIT(routes),
    .collections = CHY_VIEW_INIT(collections),
#ifdef PROBE_JOBS
    .jobs = CHY_VIEW_INIT(jobs),
#endif
};

#ifdef PROBE_NO_SIGN
static const struct chy_crypto_ops crypto;
#endif

#ifdef PROBE_CHANNEL
#ifndef PROBE_CHANNELS
#define PROBE_CHANNELS 2
#endif

#ifndef PROBE_NO_DELIVER
static chy_status deliver(void *self, struct chy_op *op,
                          const struct chy_notification *notification,
                          struct chy_delivery *out_delivery)
{
    (void)self;
    (void)notification;
    out_delivery->response_code = 200;
    return chy_fail(op, CHY_TRY_LATER, 0, "the probe takes nothing");
}
#endif

static const struct chy_option channel_options[] = {
    {.name = CHY_TEXT_INIT("place_name"),
     .type = CHY_OPTION_TEXT,
     .flags = CHY_OPTION_REQUIRED,
     .help = CHY_TEXT_INIT("where to")},
};

static const struct chy_channel_type channel_types[] = {
    {CHY_TEXT_INIT("drum"), CHY_TEXT_INIT("Drums"), CHY_VIEW_INIT(channel_options)},
    {CHY_TEXT_INIT(PROBE_CHANNEL), CHY_TEXT_INIT("Another"), {NULL, 0, 0}},
};

static const struct chy_notifier_ops notifier = {
    .channel_types = {channel_types, PROBE_CHANNELS, sizeof channel_types[0]},
#ifndef PROBE_NO_DELIVER
    .deliver = deliver,
#endif
};
#endif

static const struct chy_interface interfaces[] = {
    {
        .id = PROBE_INTERFACE_ID,
        .needs_minor = PROBE_INTERFACE_MINOR,
        .ops_size = sizeof enrollment,
        .ops = &enrollment,
    },
#ifdef PROBE_INTERFACE_TWICE
    {
        .id = PROBE_INTERFACE_ID,
        .ops_size = sizeof enrollment,
        .ops = &enrollment,
    },
#endif
#ifdef PROBE_NO_SIGN
    {
        .id = CHY_INTERFACE_CRYPTO,
        .ops_size = sizeof crypto,
        .ops = &crypto,
    },
#endif
#ifdef PROBE_CHANNEL
    {
        .id = CHY_INTERFACE_NOTIFIER,
        .minor = CHY_NOTIFIER_MINOR,
        .ops_size = sizeof notifier,
        .ops = &notifier,
    },
#endif
};

static const struct chy_plugin descriptor = {
    .struct_size = PROBE_STRUCT_SIZE,
    .needs_host_minor = PROBE_HOST_MINOR,
    .name = CHY_TEXT_INIT(PROBE_NAME),
    .version = CHY_TEXT_INIT("1.2.3"),
    .licence = CHY_TEXT_INIT("Apache-2.0"),
    .summary = CHY_TEXT_INIT("A plugin for tests"),
    .built_with = CHY_TEXT_INIT("nothing"),
    .threading = PROBE_THREADING,
    .options = CHY_VIEW_INIT(options),
    .interfaces = {interfaces, PROBE_INTERFACES, sizeof interfaces[0]},
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
#ifndef PROBE_NO_DESTROY
    .destroy = destroy,
#endif
    .reload = reload,
};

CHY_API const struct chy_plugin *PROBE_ENTRY(void);

#if defined(PROBE_OLDER)
/** As if made before `reload` was there: reading past the end is for AddressSanitizer to see. */
static struct {
    _Alignas(struct chy_plugin) uint8_t bytes[offsetof(struct chy_plugin, reload)];
} older;

const struct chy_plugin *PROBE_ENTRY(void)
{
    uint32_t size = sizeof older.bytes;
    memcpy(older.bytes, &descriptor, sizeof older.bytes);
    memcpy(older.bytes, &size, sizeof size);
    return (const struct chy_plugin *)(const void *)older.bytes;
}
#elif defined(PROBE_NEWER)
/** As if made when a descriptor had more at its end. */
static struct {
    struct chy_plugin plugin;
    uint64_t from_the_future[4];
} newer;

const struct chy_plugin *PROBE_ENTRY(void)
{
    newer.plugin = descriptor;
    newer.plugin.struct_size = sizeof newer;
    memset(newer.from_the_future, 0xee, sizeof newer.from_the_future);
    return &newer.plugin;
}
#elif defined(PROBE_CRASH)
const struct chy_plugin *PROBE_ENTRY(void)
{
    (void)descriptor;
    abort();
}
#elif defined(PROBE_NULL)
const struct chy_plugin *PROBE_ENTRY(void)
{
    (void)descriptor;
    return NULL;
}
#else
const struct chy_plugin *PROBE_ENTRY(void)
{
    return &descriptor;
}
#endif
