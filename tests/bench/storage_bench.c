/**
 * Durable issuances per second of a storage plugin, without the certificates:
 *
 *     storage_bench <plugin.so> [--option name=value]... [--threads N] [--seconds S] [--preload N]
 *                   [--directory DIR]
 *
 * Each of N threads submits, one after the other, batches as an issuance makes them: the certificate's
 * row (1.5 KB, four indexes, a set of two names), its serial, the request, the audit row, a check of
 * the issuer's row, three counters.  --preload first writes so many.  One line is printed.
 */
#include "host.h"

#include <chancery/storage.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define THREADS_MAX 512
#define LATENCIES_MAX 2000000
#define WRITES 8

enum collection {
    CERTIFICATES,
    SERIALS,
    REQUESTS,
    AUDIT,
    ISSUERS,
    COUNTERS,
    COLLECTIONS
};
enum certificate {
    C_ID,
    C_PROJECT,
    C_PROFILE,
    C_SERIAL,
    C_FINGERPRINT,
    C_COMMON_NAME,
    C_STATUS,
    C_CREATED,
    C_NOT_AFTER,
    C_NAMES,
    C_DETAIL,
    C_DER,
    C_KEY
};

#define FIELD(name, type, flags)             \
    {                                        \
        CHY_TEXT_INIT(name), (type), (flags) \
    }
#define KEY_OF(array) CHY_VIEW_INIT(array)

static const struct chy_field certificate_fields[] = {
    [C_ID] = FIELD("id", CHY_VALUE_UUID, 0),
    [C_PROJECT] = FIELD("project", CHY_VALUE_UUID, 0),
    [C_PROFILE] = FIELD("profile", CHY_VALUE_UUID, 0),
    [C_SERIAL] = FIELD("serial", CHY_VALUE_TEXT, 0),
    [C_FINGERPRINT] = FIELD("fingerprint", CHY_VALUE_TEXT, 0),
    [C_COMMON_NAME] = FIELD("common_name", CHY_VALUE_TEXT, 0),
    [C_STATUS] = FIELD("status", CHY_VALUE_TEXT, 0),
    [C_CREATED] = FIELD("created", CHY_VALUE_TIME, 0),
    [C_NOT_AFTER] = FIELD("not_after", CHY_VALUE_TIME, 0),
    [C_NAMES] = FIELD("names", CHY_VALUE_TEXT, CHY_FIELD_MANY),
    [C_DETAIL] = FIELD("detail", CHY_VALUE_JSON, 0),
    [C_DER] = FIELD("der", CHY_VALUE_BLOB, 0),
    [C_KEY] = FIELD("sealed_key", CHY_VALUE_BLOB, CHY_FIELD_NULLABLE),
};
static const uint32_t by_fingerprint[] = {C_FINGERPRINT};
static const uint32_t by_created[] = {C_PROJECT, C_CREATED};
static const uint32_t by_not_after[] = {C_PROJECT, C_NOT_AFTER};
static const uint32_t by_common_name[] = {C_PROJECT, C_COMMON_NAME};
static const struct chy_index certificate_indexes[] = {
    {CHY_TEXT_INIT("by_fingerprint"), CHY_INDEX_UNIQUE, 0, KEY_OF(by_fingerprint)},
    {CHY_TEXT_INIT("by_created"), 0, 0, KEY_OF(by_created)},
    {CHY_TEXT_INIT("by_not_after"), 0, 0, KEY_OF(by_not_after)},
    {CHY_TEXT_INIT("by_common_name"), 0, 0, KEY_OF(by_common_name)},
};
static const struct chy_field serial_fields[] = {
    FIELD("issuer", CHY_VALUE_UUID, 0),
    FIELD("serial", CHY_VALUE_TEXT, 0),
    FIELD("certificate", CHY_VALUE_UUID, 0),
};
static const struct chy_field request_fields[] = {
    FIELD("id", CHY_VALUE_UUID, 0),       FIELD("project", CHY_VALUE_UUID, 0),
    FIELD("status", CHY_VALUE_TEXT, 0),   FIELD("created", CHY_VALUE_TIME, 0),
    FIELD("decision", CHY_VALUE_JSON, 0), FIELD("certificate", CHY_VALUE_UUID, 0),
};
static const struct chy_field audit_fields[] = {
    FIELD("node", CHY_VALUE_TEXT, 0),    FIELD("number", CHY_VALUE_INT, 0),
    FIELD("project", CHY_VALUE_UUID, 0), FIELD("created", CHY_VALUE_TIME, 0),
    FIELD("event", CHY_VALUE_JSON, 0),   FIELD("mac", CHY_VALUE_BLOB, 0),
};
static const struct chy_field issuer_fields[] = {
    FIELD("id", CHY_VALUE_UUID, 0),
    FIELD("status", CHY_VALUE_TEXT, 0),
};
static const struct chy_field counter_fields[] = {
    FIELD("project", CHY_VALUE_UUID, 0), FIELD("dimension", CHY_VALUE_TEXT, 0),
    FIELD("value", CHY_VALUE_TEXT, 0),   FIELD("day", CHY_VALUE_INT, 0),
    FIELD("count", CHY_VALUE_INT, 0),
};
static const uint32_t first_field[] = {0};
static const uint32_t first_two[] = {0, 1};
static const uint32_t first_four[] = {0, 1, 2, 3};
static const uint32_t request_created[] = {1, 3};
static const uint32_t audit_created[] = {2, 3};
static const struct chy_index request_indexes[] = {
    {CHY_TEXT_INIT("by_created"), 0, 0, KEY_OF(request_created)}};
static const struct chy_index audit_indexes[] = {
    {CHY_TEXT_INIT("by_created"), 0, 0, KEY_OF(audit_created)}};

#define NO_INDEX                          \
    {                                     \
        NULL, 0, sizeof(struct chy_index) \
    }
static const struct chy_collection collections[COLLECTIONS] = {
    [CERTIFICATES] = {CHY_TEXT_INIT("certificates"), 0, C_PROJECT,
                      CHY_VIEW_INIT(certificate_fields), KEY_OF(first_field),
                      CHY_VIEW_INIT(certificate_indexes)},
    [SERIALS] = {CHY_TEXT_INIT("serials"), 0, 0, CHY_VIEW_INIT(serial_fields), KEY_OF(first_two),
                 NO_INDEX},
    [REQUESTS] = {CHY_TEXT_INIT("requests"), 0, 1, CHY_VIEW_INIT(request_fields),
                  KEY_OF(first_field), CHY_VIEW_INIT(request_indexes)},
    [AUDIT] = {CHY_TEXT_INIT("audit"), 0, 0, CHY_VIEW_INIT(audit_fields), KEY_OF(first_two),
               CHY_VIEW_INIT(audit_indexes)},
    [ISSUERS] = {CHY_TEXT_INIT("issuers"), 0, 0, CHY_VIEW_INIT(issuer_fields), KEY_OF(first_field),
                 NO_INDEX},
    [COUNTERS] = {CHY_TEXT_INIT("counters"), 0, 0, CHY_VIEW_INIT(counter_fields),
                  KEY_OF(first_four), NO_INDEX},
};
static const struct chy_schema schema = {
    .struct_size = sizeof schema,
    .version = 1,
    .min_compatible = 1,
    .collections = CHY_VIEW_INIT(collections),
};

/* --- one thread --------------------------------------------------------------------------------*/

static const struct chy_storage_ops *ops;
static struct chy_instance *instance;
static void *self;
static atomic_bool is_over;
static atomic_llong to_write; /**< batches left of the preload; negative: until the time is over */
static atomic_llong audit_number;
static uint8_t project[16] = {1};
static uint8_t issuer[16] = {2};
static uint8_t filler[2048];

struct worker {
    pthread_t thread;
    uint64_t state;
    uint64_t done;
    uint64_t failed;
    uint32_t *latencies; /**< µs */
    uint64_t latency_count;
};

static uint64_t next_random(struct worker *w)
{
    w->state ^= w->state << 13;
    w->state ^= w->state >> 7;
    w->state ^= w->state << 17;
    return w->state;
}

static int64_t now_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static struct chy_value bytes(uint32_t type, const void *ptr, uint64_t len)
{
    return (struct chy_value){.type = type, .bytes = chy_slice_of(ptr, len)};
}

static struct chy_value text(const char *t)
{
    return bytes(CHY_VALUE_TEXT, t, strlen(t));
}

static struct chy_value uuid(const uint8_t *id)
{
    return bytes(CHY_VALUE_UUID, id, 16);
}

static struct chy_value number(uint32_t type, int64_t n)
{
    return (struct chy_value){.type = type, .number = n};
}

/** Everything that one batch points to. */
struct issuance {
    uint8_t certificate[16];
    uint8_t request[16];
    char serial[48];
    char fingerprint[72];
    char name[48];
    char other_name[48];
    struct chy_slice names[2];
    struct chy_value keys[WRITES][4];
    struct chy_assignment fields[4][12];
    struct chy_storage_write writes[WRITES];
};

/** make_id makes a time-ordered id (UUIDv7). */
static void make_id(struct worker *w, uint8_t *id)
{
    uint64_t ms = (uint64_t)now_us(CLOCK_REALTIME) / 1000;
    uint64_t random[2] = {next_random(w), next_random(w)};
    memcpy(id, random, 16);
    for (unsigned i = 0; i < 6; i++) {
        id[i] = (uint8_t)(ms >> (8 * (5 - i)));
    }
    id[6] = (uint8_t)(0x70 | (id[6] & 0x0f));
    id[8] = (uint8_t)(0x80 | (id[8] & 0x3f));
}

static void set_write(struct issuance *s, unsigned i, enum chy_write_kind kind, uint32_t collection,
                      uint64_t keys, unsigned fields_of, uint64_t fields)
{
    s->writes[i] = (struct chy_storage_write){
        .kind = (uint32_t)kind,
        .collection = collection,
        .key = {s->keys[i], keys, sizeof s->keys[i][0]},
        .fields = {s->fields[fields_of], fields, sizeof s->fields[0][0]},
    };
}

static void set_certificate(struct issuance *s, int64_t now)
{
    struct chy_value names = {.type = CHY_VALUE_MANY, .items = {s->names, 2, sizeof s->names[0]}};
    const struct chy_assignment fields[] = {
        {C_PROJECT, 0, uuid(project)},
        {C_PROFILE, 0, uuid(project)},
        {C_SERIAL, 0, text(s->serial)},
        {C_FINGERPRINT, 0, text(s->fingerprint)},
        {C_COMMON_NAME, 0, text(s->name)},
        {C_STATUS, 0, text("active")},
        {C_CREATED, 0, number(CHY_VALUE_TIME, now)},
        {C_NOT_AFTER, 0, number(CHY_VALUE_TIME, now + 90LL * 86400 * 1000000)},
        {C_NAMES, 0, names},
        {C_DETAIL, 0, bytes(CHY_VALUE_JSON, filler, 500)},
        {C_DER, 0, bytes(CHY_VALUE_BLOB, filler, 800)},
    };
    memcpy(s->fields[0], fields, sizeof fields);
    s->keys[0][0] = uuid(s->certificate);
    set_write(s, 0, CHY_WRITE_INSERT, CERTIFICATES, 1, 0, 11);
}

static void set_others(struct issuance *s, int64_t now)
{
    s->keys[1][0] = uuid(issuer);
    s->keys[1][1] = text(s->serial);
    s->fields[1][0] = (struct chy_assignment){2, 0, uuid(s->certificate)};
    set_write(s, 1, CHY_WRITE_INSERT, SERIALS, 2, 1, 1);

    s->keys[2][0] = uuid(s->request);
    const struct chy_assignment request[] = {
        {1, 0, uuid(project)},
        {2, 0, text("issued")},
        {3, 0, number(CHY_VALUE_TIME, now)},
        {4, 0, bytes(CHY_VALUE_JSON, filler, 400)},
        {5, 0, uuid(s->certificate)},
    };
    memcpy(s->fields[2], request, sizeof request);
    set_write(s, 2, CHY_WRITE_INSERT, REQUESTS, 1, 2, 5);

    s->keys[3][0] = text("node-1");
    s->keys[3][1] = number(CHY_VALUE_INT, atomic_fetch_add(&audit_number, 1));
    const struct chy_assignment audit[] = {
        {2, 0, uuid(project)},
        {3, 0, number(CHY_VALUE_TIME, now)},
        {4, 0, bytes(CHY_VALUE_JSON, filler, 300)},
        {5, 0, bytes(CHY_VALUE_BLOB, filler, 32)},
    };
    memcpy(s->fields[3], audit, sizeof audit);
    set_write(s, 3, CHY_WRITE_INSERT, AUDIT, 2, 3, 4);

    s->keys[4][0] = uuid(issuer);
    set_write(s, 4, CHY_WRITE_CHECK, ISSUERS, 1, 0, 0);
    s->writes[4].guard = CHY_GUARD_EQUALS;
    s->writes[4].guard_field = 1;
    s->writes[4].guard_value = text("active");

    static const char *const dimensions[] = {"all", "profile", "key"};
    for (unsigned i = 0; i < 3; i++) {
        struct chy_value *key = s->keys[5 + i];
        key[0] = uuid(project);
        key[1] = text(dimensions[i]);
        key[2] = text("issued");
        key[3] = number(CHY_VALUE_INT, now / 86400000000);
        set_write(s, 5 + i, CHY_WRITE_ADD, COUNTERS, 4, 0, 0);
        s->writes[5 + i].add_field = 4;
        s->writes[5 + i].delta = 1;
    }
}

static void make_issuance(struct worker *w, struct issuance *s)
{
    int64_t now = now_us(CLOCK_REALTIME);
    make_id(w, s->certificate);
    make_id(w, s->request);
    (void)snprintf(s->serial, sizeof s->serial, "%016llx%016llx",
                   (unsigned long long)next_random(w), (unsigned long long)next_random(w));
    (void)snprintf(s->fingerprint, sizeof s->fingerprint, "%016llx%016llx%016llx%016llx",
                   (unsigned long long)next_random(w), (unsigned long long)next_random(w),
                   (unsigned long long)next_random(w), (unsigned long long)next_random(w));
    (void)snprintf(s->name, sizeof s->name, "host-%08llx.example.com",
                   (unsigned long long)(next_random(w) & 0xffffffff));
    (void)snprintf(s->other_name, sizeof s->other_name, "www.%.40s", s->name);
    s->names[0] = chy_text(s->name);
    s->names[1] = chy_text(s->other_name);
    set_certificate(s, now);
    set_others(s, now);
}

static void *work(void *arg)
{
    struct worker *w = arg;
    struct issuance s;
    memset(&s, 0, sizeof s);
    bool preloads = atomic_load(&to_write) > 0;
    while (preloads ? atomic_fetch_sub(&to_write, 1) > 0 : !atomic_load(&is_over)) {
        make_issuance(w, &s);
        struct chy_storage_batch batch = {.struct_size = sizeof batch,
                                          .flags = CHY_BATCH_JOINABLE,
                                          .writes = {s.writes, WRITES, sizeof s.writes[0]}};
        struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
        struct chy_op *op = conf_op_new(instance);
        int64_t start = now_us(CLOCK_MONOTONIC);
        chy_status status = ops->write(self, op, &batch, &outcome);
        int64_t us = now_us(CLOCK_MONOTONIC) - start;
        if (status == CHY_OK) {
            w->done++;
            if (w->latency_count < LATENCIES_MAX / 8) {
                w->latencies[w->latency_count++] = (uint32_t)us;
            }
        } else if (w->failed++ == 0) {
            conf_say("write answered %d: %s", status, conf_op_message(op));
        }
        conf_op_free(op);
    }
    return NULL;
}

/* --- the run -----------------------------------------------------------------------------------*/

static int compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static struct worker workers[THREADS_MAX];

static void run_threads(int64_t threads, int64_t seconds)
{
    for (int64_t i = 0; i < threads; i++) {
        struct worker *w = &workers[i];
        *w = (struct worker){.state = (uint64_t)now_us(CLOCK_REALTIME) * 2654435761U +
                                      (uint64_t)i * 0x9e3779b97f4a7c15U + 1};
        w->latencies = conf_must(calloc(LATENCIES_MAX / 8, sizeof *w->latencies));
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            conf_say("cannot start a thread");
            exit(1);
        }
    }
    if (atomic_load(&to_write) <= 0) {
        const struct timespec time = {.tv_sec = seconds};
        (void)nanosleep(&time, NULL);
        atomic_store(&is_over, true);
    }
    for (int64_t i = 0; i < threads; i++) {
        (void)pthread_join(workers[i].thread, NULL);
    }
}

static uint32_t percentile(int64_t threads, uint64_t per_mille)
{
    uint64_t count = 0;
    for (int64_t i = 0; i < threads; i++) {
        count += workers[i].latency_count;
    }
    uint32_t *all = conf_must(calloc(count + 1, sizeof *all));
    uint64_t at = 0;
    for (int64_t i = 0; i < threads; i++) {
        memcpy(all + at, workers[i].latencies, workers[i].latency_count * sizeof *all);
        at += workers[i].latency_count;
    }
    qsort(all, count, sizeof *all, compare);
    uint32_t result = count == 0 ? 0 : all[(count - 1) * per_mille / 1000];
    free(all);
    return result;
}

static bool set_up(void)
{
    struct chy_op *op = conf_op_new(instance);
    struct chy_value key = uuid(issuer);
    struct chy_assignment field = {1, 0, text("active")};
    struct chy_storage_write write = {.kind = CHY_WRITE_UPSERT,
                                      .collection = ISSUERS,
                                      .key = {&key, 1, sizeof key},
                                      .fields = {&field, 1, sizeof field}};
    struct chy_storage_batch batch = {.struct_size = sizeof batch,
                                      .writes = {&write, 1, sizeof write}};
    struct chy_storage_outcome outcome = {.struct_size = sizeof outcome};
    bool ok = ops->declare(self, op, &schema) == CHY_OK && ops->upgrade(self, op) == CHY_OK &&
              ops->write(self, op, &batch, &outcome) == CHY_OK;
    if (!ok) {
        conf_say("%s", conf_op_message(op));
    }
    conf_op_free(op);
    return ok;
}

static double cpu_us(void)
{
    struct rusage u;
    (void)getrusage(RUSAGE_SELF, &u);
    return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) * 1e6 +
           (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec);
}

static void report(int64_t threads, double seconds, double cpu,
                   const struct chy_storage_statistics *before)
{
    struct chy_op *op = conf_op_new(instance);
    struct chy_storage_statistics after = {.struct_size = sizeof after};
    (void)ops->statistics(self, op, &after);
    uint64_t done = 0;
    uint64_t failed = 0;
    for (int64_t i = 0; i < threads; i++) {
        done += workers[i].done;
        failed += workers[i].failed;
    }
    uint64_t commits = after.commits - before->commits;
    (void)printf("%lld threads: %.0f batches/s (%d writes each), %.1f batches/commit, "
                 "%.1f us CPU/batch, p50 %.2f ms, p99 %.2f ms, p99.9 %.2f ms, failed %llu, %.1f "
                 "MB\n  %.*s\n",
                 (long long)threads, (double)done / seconds, WRITES,
                 commits == 0 ? 0.0 : (double)(after.batches - before->batches) / (double)commits,
                 done == 0 ? 0.0 : cpu / (double)done, percentile(threads, 500) / 1000.0,
                 percentile(threads, 990) / 1000.0, percentile(threads, 999) / 1000.0,
                 (unsigned long long)failed, (double)after.bytes / 1e6, (int)after.detail.len,
                 (const char *)after.detail.ptr);
    conf_op_free(op);
}

static void bench(int64_t threads, int64_t seconds, int64_t preload)
{
    struct chy_op *op = conf_op_new(instance);
    struct chy_storage_statistics before = {.struct_size = sizeof before};
    if (preload > 0) {
        atomic_store(&to_write, preload);
        run_threads(64, 0);
        for (size_t i = 0; i < 64; i++) {
            free(workers[i].latencies);
        }
    }
    atomic_store(&to_write, -1);
    (void)ops->statistics(self, op, &before);
    int64_t start = now_us(CLOCK_MONOTONIC);
    double cpu = cpu_us();
    run_threads(threads, seconds);
    report(threads, (double)(now_us(CLOCK_MONOTONIC) - start) / 1e6, cpu_us() - cpu, &before);
    for (int64_t i = 0; i < threads; i++) {
        free(workers[i].latencies);
    }
    conf_op_free(op);
}

int main(int argc, char **argv)
{
    struct conf_arguments arguments;
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        return 2;
    }
    int64_t threads = conf_number(conf_value(&arguments, "--threads"), 64);
    int64_t seconds = conf_number(conf_value(&arguments, "--seconds"), 5);
    int64_t preload = conf_number(conf_value(&arguments, "--preload"), 0);
    const char *given = conf_value(&arguments, "--directory");
    char *made = given == NULL ? conf_temp_dir_new() : NULL;
    struct conf_plugin *plugin = conf_plugin_load(arguments.plugin);
    ops = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_STORAGE);
    if (ops == NULL || threads < 1 || threads > THREADS_MAX) {
        return 2;
    }
    char tag[32];
    (void)snprintf(tag, sizeof tag, "b%lld", (long long)now_us(CLOCK_REALTIME));
    memset(filler, '7', sizeof filler); // a JSON number, and bytes as good as any
    atomic_store(&audit_number, now_us(CLOCK_REALTIME));
    instance = conf_instance_new(plugin, &arguments, tag, made != NULL ? made : given);
    if (instance == NULL || conf_instance_up(instance) != CHY_OK) {
        return 1;
    }
    self = conf_instance_self(instance);
    bool ok = set_up();
    if (ok) {
        bench(threads, seconds, preload);
    }
    conf_instance_down(instance);
    conf_instance_free(instance);
    conf_plugin_free(plugin);
    conf_temp_dir_remove(made);
    return ok ? 0 : 1;
}
