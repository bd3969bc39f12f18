/**
 * What the crypto of one issuance costs, and nothing else:
 *
 *     crypto_bench <plugin.so> [--threads N] [--seconds N] [--ca p256|rsa2048]
 *                  [--work issuance|answer|signature] [--option name=value]...
 *
 * Each operation is what a CSR with a P-256 key asks of the provider: load its public key, check
 * its signature, release the key; sign 500 bytes with the CA's key; check that signature.  An
 * `answer` is the last two alone, as for an OCSP response, a `signature` the signing alone.  All
 * threads share the one CA key and each has 64 keys of callers.  The last line of output is for
 * programs: "crypto <operations a second> <threads> <CPU µs of one>".
 */
#include "host.h"

#include <chancery/crypto.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#define CALLERS 64
#define BATCH 32
#define BODY_LEN 500

static const struct chy_crypto_ops *crypto;
static struct chy_instance *instance;
static void *self;
static struct chy_key *ca;
static uint32_t ca_algorithm;
static atomic_bool stopping;

/** How much of an issuance is done: each is part of the one before. */
enum work {
    ISSUANCE = 0,
    ANSWER,
    SIGNATURE,
    UNKNOWN_WORK
};
static enum work work;

/** A caller's CSR, as far as it matters here. */
struct caller {
    struct chy_slice spki;
    struct chy_slice signature;
};

struct worker {
    pthread_t thread;
    struct chy_op *op; /**< holds the callers */
    struct caller callers[CALLERS];
    uint8_t body[BODY_LEN];
    uint64_t done;
};

static void check(chy_status status, struct chy_op *op, const char *what)
{
    if (status != CHY_OK) {
        conf_say("%s: status %d: %s", what, status, conf_op_message(op));
        exit(1);
    }
}

static struct chy_key *make(struct chy_op *op, uint32_t algorithm, uint32_t flags)
{
    struct chy_key_template template = {
        .struct_size = sizeof template, .algorithm = algorithm, .flags = flags};
    struct chy_key *key = NULL;
    check(crypto->generate(self, op, &template, &key), op, "generate");
    return key;
}

static void prepare(struct worker *worker)
{
    worker->op = conf_op_new(instance);
    check(crypto->random(self, worker->op, (struct chy_buffer){worker->body, BODY_LEN}), worker->op,
          "random");
    struct chy_slice body = chy_slice_of(worker->body, BODY_LEN);
    for (size_t i = 0; i < CALLERS; i++) {
        struct caller *caller = &worker->callers[i];
        struct chy_key *key = make(worker->op, CHY_KEY_EC_P256, 0);
        check(crypto->public_key(self, worker->op, key, &caller->spki), worker->op, "public_key");
        check(crypto->sign(self, worker->op, key, CHY_SIG_ECDSA_SHA256, body, &caller->signature),
              worker->op, "sign");
        crypto->release(self, key);
    }
}

static void check_csr(const struct caller *caller, struct chy_slice body, struct chy_op *op)
{
    struct chy_key *public = NULL;
    check(crypto->load_public(self, op, caller->spki, &public), op, "load_public");
    check(crypto->verify(self, op, public, CHY_SIG_ECDSA_SHA256, body, caller->signature), op,
          "verify the CSR");
    crypto->release(self, public);
}

static void serve(const struct worker *worker, const struct caller *caller, struct chy_op *op)
{
    struct chy_slice body = chy_slice_of(worker->body, BODY_LEN);
    struct chy_slice signature;
    if (work == ISSUANCE) {
        check_csr(caller, body, op);
    }
    check(crypto->sign(self, op, ca, ca_algorithm, body, &signature), op, "sign");
    if (work != SIGNATURE) {
        check(crypto->verify(self, op, ca, ca_algorithm, body, signature), op, "verify our own");
    }
}

static enum work work_of(const char *name)
{
    static const char *const names[] = {"issuance", "answer", "signature"};
    enum work found = ISSUANCE;
    while (name != NULL && found != UNKNOWN_WORK && strcmp(names[found], name) != 0) {
        found++;
    }
    return found;
}

static void *run(void *argument)
{
    struct worker *worker = argument;
    while (!atomic_load_explicit(&stopping, memory_order_relaxed)) {
        struct chy_op *op = conf_op_new(instance);
        for (size_t i = 0; i < BATCH; i++) {
            serve(worker, &worker->callers[(worker->done + i) % CALLERS], op);
        }
        conf_op_free(op);
        worker->done += BATCH;
    }
    return NULL;
}

static double seconds_of(clockid_t clock)
{
    struct timespec now;
    (void)clock_gettime(clock, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/** measure runs all workers and prints the result. */
static void measure(size_t threads, int64_t seconds)
{
    struct worker *workers = calloc(threads, sizeof *workers);
    if (workers == NULL) {
        exit(1);
    }
    for (size_t i = 0; i < threads; i++) {
        prepare(&workers[i]);
    }
    double start = seconds_of(CLOCK_MONOTONIC);
    double used = seconds_of(CLOCK_PROCESS_CPUTIME_ID);
    for (size_t i = 0; i < threads; i++) {
        if (pthread_create(&workers[i].thread, NULL, run, &workers[i]) != 0) {
            exit(1);
        }
    }
    (void)sleep((unsigned)seconds);
    atomic_store(&stopping, true);
    uint64_t done = 0;
    for (size_t i = 0; i < threads; i++) {
        (void)pthread_join(workers[i].thread, NULL);
        done += workers[i].done;
        conf_op_free(workers[i].op);
    }
    double rate = (double)done / (seconds_of(CLOCK_MONOTONIC) - start);
    used = seconds_of(CLOCK_PROCESS_CPUTIME_ID) - used;
    free(workers);
    (void)printf("crypto %.0f %zu %.1f\n", rate, threads, used * 1e6 / (double)done);
}

int main(int argc, char **argv)
{
    struct conf_arguments arguments;
    if (!conf_arguments_parse(&arguments, argc, argv)) {
        return 2;
    }
    work = work_of(conf_value(&arguments, "--work"));
    if (work == UNKNOWN_WORK) {
        conf_say("crypto_bench: --work is issuance, answer or signature");
        return 2;
    }
    struct conf_plugin *plugin = conf_plugin_load(arguments.plugin);
    crypto = plugin == NULL ? NULL : conf_plugin_interface(plugin, CHY_INTERFACE_CRYPTO);
    char *directory = conf_temp_dir_new();
    instance = crypto == NULL ? NULL : conf_instance_new(plugin, &arguments, "bench", directory);
    if (instance == NULL || conf_instance_up(instance) != CHY_OK) {
        conf_temp_dir_remove(directory);
        return 2;
    }
    self = conf_instance_self(instance);
    const char *kind = conf_value(&arguments, "--ca");
    bool rsa = kind != NULL && strcmp(kind, "rsa2048") == 0;
    ca_algorithm = rsa ? CHY_SIG_RSA_SHA256 : CHY_SIG_ECDSA_SHA256;
    struct chy_op *op = conf_op_new(instance);
    ca = make(op, rsa ? CHY_KEY_RSA_2048 : CHY_KEY_EC_P256, CHY_KEY_CA);
    int64_t cores = sysconf(_SC_NPROCESSORS_ONLN);
    int64_t threads = conf_number(conf_value(&arguments, "--threads"), cores < 1 ? 1 : cores);
    measure((size_t)threads, conf_number(conf_value(&arguments, "--seconds"), 3));
    crypto->release(self, ca);
    conf_op_free(op);
    conf_instance_down(instance);
    conf_instance_free(instance);
    conf_temp_dir_remove(directory);
    conf_plugin_free(plugin);
    return 0;
}
