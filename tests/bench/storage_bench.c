/**
 * Durable issuances per second of a storage plugin, without the certificates:
 *
 *     storage_bench <plugin.so> [--option name=value]... [--threads N] [--seconds S] [--preload N]
 *                   [--directory DIR]
 *
 * Each of N threads submits, one after the other, batches as an issuance by CSR makes them, in
 * core's own collections and with what stands in them at the sizes of a P-256 certificate: the
 * certificate with one alternative name, its serial, the request with its decision and key, three
 * counters, the audit row.
 * --preload first writes so many.  Two lines are printed; the second is for programs:
 * "storage <batches a second> <µs CPU a batch>".
 */
#include "host.h"

#include "resource/collections.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <time.h>

#define THREADS_MAX 512
#define LATENCIES_MAX 2000000
#define WRITES 7
#define FIELDS 32

static struct chy_schema schema = {
    .struct_size = sizeof schema,
    .version = CHY_SCHEMA_VERSION,
    .min_compatible = CHY_SCHEMA_MIN_COMPATIBLE,
};

/* --- one thread --------------------------------------------------------------------------------*/

static const struct chy_storage_ops *ops;
static struct chy_instance *instance;
static void *self;
static atomic_bool is_over;
static atomic_llong to_write; /**< batches left of the preload; negative: until the time is over */
static uint8_t project[16] = {1};
static uint8_t generation[16] = {2};
static uint8_t filler[2048]; /**< stands for JSON and for DER */

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
    uint8_t audit[16];
    uint8_t digest[64]; /**< of the key, and of what else is hashed */
    char serial[40];
    char name[48];
    struct chy_slice names[1];
    struct chy_value keys[WRITES][5];
    struct chy_assignment fields[WRITES][FIELDS];
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

static struct chy_storage_write *start_write(struct issuance *s, unsigned i,
                                             enum chy_write_kind kind, uint32_t collection,
                                             uint64_t keys)
{
    s->writes[i] = (struct chy_storage_write){
        .kind = (uint32_t)kind,
        .collection = collection,
        .key = {s->keys[i], keys, sizeof s->keys[i][0]},
        .fields = {s->fields[i], 0, sizeof s->fields[0][0]},
    };
    return &s->writes[i];
}

static void set(struct issuance *s, unsigned i, uint32_t field, struct chy_value value)
{
    uint64_t at = s->writes[i].fields.count++;
    s->fields[i][at] = (struct chy_assignment){field, 0, value};
}

static struct chy_value blob(const void *ptr, uint64_t len)
{
    return bytes(CHY_VALUE_BLOB, ptr, len);
}

static struct chy_value json(uint64_t len)
{
    return bytes(CHY_VALUE_JSON, filler, len);
}

static void set_certificate(struct issuance *s, int64_t now)
{
    struct chy_value created = number(CHY_VALUE_TIME, now);
    s->keys[0][0] = uuid(s->certificate);
    (void)start_write(s, 0, CHY_WRITE_INSERT, CHY_C_CERTIFICATES, 1);
    set(s, 0, CHY_CERT_PROJECT_ID, uuid(project));
    set(s, 0, CHY_CERT_PROFILE_ID, uuid(project));
    set(s, 0, CHY_CERT_REQUEST_ID, uuid(s->request));
    set(s, 0, CHY_CERT_IDENTITY_ID, uuid(project));
    set(s, 0, CHY_CERT_METHOD, text("api"));
    set(s, 0, CHY_CERT_SOURCE, text("issued"));
    set(s, 0, CHY_CERT_STATUS, text("active"));
    set(s, 0, CHY_CERT_SERIAL, text(s->serial));
    set(s, 0, CHY_CERT_COMMON_NAME, text(s->name));
    set(s, 0, CHY_CERT_ALT_NAMES, text(s->name));
    set(s, 0, CHY_CERT_NAMES,
        (struct chy_value){.type = CHY_VALUE_MANY, .items = {s->names, 1, sizeof s->names[0]}});
    set(s, 0, CHY_CERT_SUBJECT, json(52));
    set(s, 0, CHY_CERT_CREATED_AT, created);
    set(s, 0, CHY_CERT_UPDATED_AT, created);
    set(s, 0, CHY_CERT_AUTHORITY_ID, uuid(generation));
    set(s, 0, CHY_CERT_GENERATION_ID, uuid(generation));
    set(s, 0, CHY_CERT_AUTHORITY_CERTIFICATE_ID, uuid(generation));
    set(s, 0, CHY_CERT_SHARD, number(CHY_VALUE_INT, 1));
    set(s, 0, CHY_CERT_KEY_ALGORITHM, text("EC_prime256v1"));
    set(s, 0, CHY_CERT_SIGNATURE_ALGORITHM, text("ECDSA-SHA256"));
    set(s, 0, CHY_CERT_SPKI_SHA256, blob(s->digest, 32));
    set(s, 0, CHY_CERT_KEY_RETENTION, text("stored"));
    set(s, 0, CHY_CERT_NOT_BEFORE, created);
    set(s, 0, CHY_CERT_NOT_AFTER, number(CHY_VALUE_TIME, now + 90LL * 86400 * 1000000));
    set(s, 0, CHY_CERT_KEY_USAGES, number(CHY_VALUE_INT, 1));
    set(s, 0, CHY_CERT_EXT_KEY_USAGES, number(CHY_VALUE_INT, 0));
    set(s, 0, CHY_CERT_IS_CA, number(CHY_VALUE_BOOL, 0));
    set(s, 0, CHY_CERT_DER, blob(filler, 680));
    set(s, 0, CHY_CERT_FINGERPRINT_SHA256, blob(s->digest + 32, 32));
    set(s, 0, CHY_CERT_FINGERPRINT_SHA1, blob(s->digest + 16, 20));
}

static void set_serial(struct issuance *s, int64_t now)
{
    s->keys[1][0] = text(s->serial);
    s->keys[1][1] = uuid(project);
    s->keys[1][2] = uuid(generation);
    (void)start_write(s, 1, CHY_WRITE_INSERT, CHY_C_SERIALS, 3);
    set(s, 1, CHY_SERIAL_CERTIFICATE_ID, uuid(s->certificate));
    set(s, 1, CHY_SERIAL_NOT_AFTER, number(CHY_VALUE_TIME, now));
}

static void set_request(struct issuance *s, int64_t now)
{
    s->keys[2][0] = uuid(s->request);
    (void)start_write(s, 2, CHY_WRITE_INSERT, CHY_C_REQUESTS, 1);
    set(s, 2, CHY_REQUEST_PROJECT_ID, uuid(project));
    set(s, 2, CHY_REQUEST_PROFILE_ID, uuid(project));
    set(s, 2, CHY_REQUEST_AUTHORITY_ID, uuid(generation));
    set(s, 2, CHY_REQUEST_IDENTITY_ID, uuid(project));
    set(s, 2, CHY_REQUEST_METHOD, text("api"));
    set(s, 2, CHY_REQUEST_STATUS, text("issued"));
    set(s, 2, CHY_REQUEST_COMMON_NAME, text(s->name));
    set(s, 2, CHY_REQUEST_ALT_NAMES, text(s->name));
    set(s, 2, CHY_REQUEST_CREATED_AT, number(CHY_VALUE_TIME, now));
    set(s, 2, CHY_REQUEST_UPDATED_AT, number(CHY_VALUE_TIME, now));
    set(s, 2, CHY_REQUEST_DECISION, json(700));
    set(s, 2, CHY_REQUEST_DECISION_SHA256, blob(s->digest + 8, 32));
    set(s, 2, CHY_REQUEST_SPKI, blob(filler, 91));
    set(s, 2, CHY_REQUEST_CERTIFICATE_ID, uuid(s->certificate));
    set(s, 2, CHY_REQUEST_SERIAL, text(s->serial));
}

static void set_counter(struct issuance *s, unsigned i, const char *dimension, const char *value,
                        int64_t day)
{
    struct chy_value *key = s->keys[i];
    key[0] = uuid(project);
    key[1] = text(dimension);
    key[2] = text(value);
    key[3] = number(CHY_VALUE_INT, day);
    key[4] = text("3");
    struct chy_storage_write *write = start_write(s, i, CHY_WRITE_ADD, CHY_C_STATISTICS, 5);
    write->add_field = CHY_STATISTIC_COUNT;
    write->delta = 1;
}

/** set_counters: what is issued on a day, what ends on one, and what there is of each kind. */
static void set_counters(struct issuance *s, int64_t now)
{
    int64_t day = now / 86400000000;
    set_counter(s, 4, "issued", "", day);
    set_counter(s, 5, "stored", "01a1ff95-8e2b-7738-ad50-5a605089686a/EC_prime256v1/api", 0);
    set_counter(s, 6, "ends", "0/1", day + 90);
}

static void set_audit(struct issuance *s, int64_t now)
{
    s->keys[3][0] = uuid(s->audit);
    (void)start_write(s, 3, CHY_WRITE_INSERT, CHY_C_AUDIT_EVENTS, 1);
    set(s, 3, CHY_AUDIT_NODE, text("node-1"));
    set(s, 3, CHY_AUDIT_BLOCK, number(CHY_VALUE_INT, now / 1000000));
    set(s, 3, CHY_AUDIT_TIME, number(CHY_VALUE_TIME, now));
    set(s, 3, CHY_AUDIT_PROJECT_ID, uuid(project));
    set(s, 3, CHY_AUDIT_ACTOR_KIND, text("machine"));
    set(s, 3, CHY_AUDIT_ACTOR_ID, uuid(project));
    set(s, 3, CHY_AUDIT_ACTION, text("certificate.issue"));
    set(s, 3, CHY_AUDIT_TARGET_KIND, text("certificates"));
    set(s, 3, CHY_AUDIT_TARGET_ID, text("01a1ff96-8106-7c01-86a5-bd0c37dda371"));
    set(s, 3, CHY_AUDIT_OUTCOME, text("ok"));
    set(s, 3, CHY_AUDIT_DETAIL, json(150));
    set(s, 3, CHY_AUDIT_REQUEST_ID, text("req-MYRJjohXQZWUdC"));
    set(s, 3, CHY_AUDIT_PEER, text("127.0.0.1"));
    set(s, 3, CHY_AUDIT_MAC, blob(s->digest + 24, 32));
}

static void make_issuance(struct worker *w, struct issuance *s)
{
    int64_t now = now_us(CLOCK_REALTIME);
    make_id(w, s->certificate);
    make_id(w, s->request);
    make_id(w, s->audit);
    for (size_t i = 0; i < sizeof s->digest; i += 8) {
        uint64_t random = next_random(w);
        memcpy(s->digest + i, &random, 8);
    }
    (void)snprintf(s->serial, sizeof s->serial, "%016llx%016llx",
                   (unsigned long long)next_random(w), (unsigned long long)next_random(w));
    (void)snprintf(s->name, sizeof s->name, "host-%016llx.bench.example",
                   (unsigned long long)next_random(w));
    s->names[0] = chy_text(s->name);
    set_certificate(s, now);
    set_serial(s, now);
    set_request(s, now);
    set_audit(s, now);
    set_counters(s, now);
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
    schema.collections = chy_core_collections();
    bool ok = ops->declare(self, op, &schema) == CHY_OK && ops->upgrade(self, op) == CHY_OK;
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
    (void)printf("storage %.0f %.1f\n", (double)done / seconds,
                 done == 0 ? 0.0 : cpu / (double)done);
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
