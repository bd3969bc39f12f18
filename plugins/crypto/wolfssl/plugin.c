/** The plugin: descriptor, options, life cycle. */
#include "operations.h"
#include "provider.h"
#include "wolf.h"

#include <chancery/crypto.h>
#include <chancery/plugin.h>

#include <sched.h>
#include <stdlib.h>

/* --- options -----------------------------------------------------------------------------------*/

enum option {
    OPTION_READY_2048,
    OPTION_READY_3072,
    OPTION_READY_4096,
    OPTION_READY_THREADS,
    OPTION_READY_PAUSE_RATE,
    OPTION_GENERATE_WAITING,
    OPTION_OBJECTS_PER_KEY,
};

#define INT_OPTION(option_name, option_flags, least, most, standard, text)                   \
    {                                                                                        \
        .name = CHY_TEXT_INIT(option_name), .type = CHY_OPTION_INT, .flags = (option_flags), \
        .minimum = (least), .maximum = (most), .default_text = CHY_TEXT_INIT(standard),      \
        .help = CHY_TEXT_INIT(text)                                                          \
    }

static const struct chy_option options[] = {
    [OPTION_READY_2048] = INT_OPTION("ready_rsa_2048", CHY_OPTION_RELOADABLE, 0, 4096, "32",
                                     "RSA-2048 keys to hold ready for leaf certificates"),
    [OPTION_READY_3072] = INT_OPTION("ready_rsa_3072", CHY_OPTION_RELOADABLE, 0, 1024, "0",
                                     "RSA-3072 keys to hold ready"),
    [OPTION_READY_4096] = INT_OPTION("ready_rsa_4096", CHY_OPTION_RELOADABLE, 0, 1024, "0",
                                     "RSA-4096 keys to hold ready"),
    [OPTION_READY_THREADS] =
        INT_OPTION("ready_threads", 0, 0, CHY_READY_THREADS_MAX, "0",
                   "threads of idle priority that make ready keys; 0: one a core"),
    [OPTION_READY_PAUSE_RATE] =
        INT_OPTION("ready_pause_rate", CHY_OPTION_RELOADABLE, 1, 1000000000, "2000",
                   "signatures made and checked a second above which no keys are made ahead"),
    [OPTION_GENERATE_WAITING] =
        INT_OPTION("generate_waiting", 0, 0, 1024, "16",
                   "requests that may wait for an RSA key to be made; more are turned away"),
    [OPTION_OBJECTS_PER_KEY] =
        INT_OPTION("objects_per_key", 0, 1, 1024, "64",
                   "calls that may use one key at once; more wait for each other"),
};

static uint32_t number_of(const struct chy_options *values, enum option option)
{
    return (uint32_t)chy_option_at(values, (uint64_t)option)->number;
}

static void configure_ready(struct chy_provider *provider, const struct chy_options *values)
{
    const uint32_t targets[CHY_READY_SHELVES] = {
        number_of(values, OPTION_READY_2048),
        number_of(values, OPTION_READY_3072),
        number_of(values, OPTION_READY_4096),
    };
    chy_ready_configure(&provider->ready, targets, number_of(values, OPTION_READY_PAUSE_RATE));
}

static uint32_t core_count(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) != 0) {
        return 1; // more than 1024 processors: be modest
    }
    int count = CPU_COUNT(&cores);
    return count > 0 ? (uint32_t)count : 1;
}

/* --- life cycle --------------------------------------------------------------------------------*/

static pthread_once_t wolfcrypt_once = PTHREAD_ONCE_INIT;
static int wolfcrypt_code;

/** Older releases count their users without a lock; it is never undone, as plugins stay loaded. */
static void start_wolfcrypt(void)
{
    wolfcrypt_code = wolfCrypt_Init();
}

static void destroy(void *self)
{
    struct chy_provider *provider = self;
    if (provider == NULL) {
        return;
    }
    chy_ready_fini(&provider->ready);
    chy_turnstile_fini(&provider->turnstile);
    chy_rngs_fini(&provider->rngs);
    chy_vault_fini(&provider->vault);
    free(provider);
}

static chy_status create(const struct chy_host *host, struct chy_instance *instance,
                         struct chy_op *op, const struct chy_options *values, void **out_self)
{
    (void)pthread_once(&wolfcrypt_once, start_wolfcrypt);
    if (wolfcrypt_code != 0) {
        return chy_wolf_fail(op, wolfcrypt_code, "starting wolfCrypt");
    }
    struct chy_provider *provider = calloc(1, sizeof *provider);
    if (provider == NULL) {
        return chy_fail(op, CHY_NO_MEMORY, 0, "no memory for a crypto provider");
    }
    uint32_t cores = core_count();
    provider->host = host;
    provider->instance = instance;
    provider->objects_per_key = number_of(values, OPTION_OBJECTS_PER_KEY);
    chy_vault_init(&provider->vault);
    chy_turnstile_init(&provider->turnstile, cores > 1 ? cores / 2 : 1,
                       number_of(values, OPTION_GENERATE_WAITING));
    chy_ready_init(&provider->ready, provider);
    provider->ready_threads = number_of(values, OPTION_READY_THREADS);
    if (provider->ready_threads == 0) {
        provider->ready_threads = cores;
    }
    configure_ready(provider, values);
    if (!chy_rngs_init(&provider->rngs, &provider->vault)) {
        destroy(provider);
        return chy_fail(op, CHY_NO_MEMORY, 0, "no memory for random generators");
    }
    *out_self = provider;
    return CHY_OK;
}

static chy_status start(void *self, struct chy_op *op)
{
    struct chy_provider *provider = self;
    CHY_TRY(chy_crypto_table.health(provider, op));
    if (!chy_ready_start(&provider->ready, provider->ready_threads)) {
        return chy_fail(op, CHY_BROKEN, 0, "no thread could be started for the ready pool");
    }
    if (!chy_vault_locked(&provider->vault)) {
        chy_log_warning(op, "crypto.memory_unlocked",
                        "memory of private keys could not be locked, going on: raise the limit of "
                        "locked memory, or turn swap off");
    }
    return CHY_OK;
}

static chy_status drain(void *self, struct chy_op *op)
{
    (void)op;
    struct chy_provider *provider = self;
    chy_ready_pause(&provider->ready);
    return CHY_OK;
}

static void stop(void *self, struct chy_op *op)
{
    (void)op;
    struct chy_provider *provider = self;
    chy_ready_stop(&provider->ready);
}

static chy_status reload(void *self, struct chy_op *op, const struct chy_options *values)
{
    (void)op;
    configure_ready(self, values);
    return CHY_OK;
}

/* --- descriptor --------------------------------------------------------------------------------*/

static const struct chy_interface interfaces[] = {
    {.id = CHY_INTERFACE_CRYPTO,
     .minor = CHY_CRYPTO_MINOR,
     .needs_minor = 0,
     .ops_size = sizeof chy_crypto_table,
     .ops = &chy_crypto_table},
};

// wolfSSL changed its licence with release 5.8.2; what is linked decides what this file is.
#if CHY_WOLF_AT_LEAST(5, 8, 2)
#define LICENCE "Apache-2.0 AND GPL-3.0-or-later"
#else
#define LICENCE "Apache-2.0 AND GPL-2.0-or-later"
#endif

static const struct chy_plugin plugin = {
    .struct_size = sizeof plugin,
    .needs_host_minor = 0,
    .name = CHY_TEXT_INIT("crypto-wolfssl"),
    .version = CHY_TEXT_INIT(CHANCERY_VERSION),
    .licence = CHY_TEXT_INIT(LICENCE),
    .summary = CHY_TEXT_INIT("Software keys and all primitives, by wolfCrypt"),
    .built_with = CHY_TEXT_INIT("wolfSSL " LIBWOLFSSL_VERSION_STRING ", libargon2"),
    .threading = CHY_THREADS_MANY,
    .options = CHY_VIEW_INIT(options),
    .interfaces = CHY_VIEW_INIT(interfaces),
    .create = create,
    .start = start,
    .drain = drain,
    .stop = stop,
    .destroy = destroy,
    .reload = reload,
};

const struct chy_plugin *chancery_plugin_v1(void)
{
    return &plugin;
}
