#include "requests.h"

#include "x509/certificate.h"
#include "x509/csr.h"
#include "x509/pem.h"

#include <chancery/crypto.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

/** Room for one request: the head, and a CSR of a P-256 key in JSON. */
#define REQUEST_ROOM 4096

/** A crypto provider that makes callers' keys. */
struct maker {
    const struct chy_crypto_ops *crypto;
    struct chy_instance *instance;
    uint64_t run; /**< part of the names, so that runs differ */
};

static chy_status make_names(struct chy_op *op, struct chy_slice name,
                             struct chy_slice *out_subject, struct chy_san *out_san)
{
    struct chy_name_attribute attribute = {.type = CHY_NAME_COMMON_NAME, .value = name};
    struct chy_name subject = {.attributes = &attribute, .count = 1};
    CHY_TRY(chy_name_encode(op, &subject, out_subject));
    return chy_san_make(op, CHY_SAN_DNS, name, out_san);
}

static chy_status sign_csr(const struct maker *maker, struct chy_op *op, struct chy_key *key,
                           struct chy_slice name, struct chy_slice *out_pem)
{
    void *self = conf_instance_self(maker->instance);
    struct chy_slice spki;
    struct chy_slice subject;
    struct chy_slice tbs;
    struct chy_slice signature;
    struct chy_slice der;
    struct chy_san san;
    struct chy_sans sans = {.items = &san, .count = 1};
    struct chy_extension_values values = {.sans = &sans};
    CHY_TRY(make_names(op, name, &subject, &san));
    CHY_TRY(maker->crypto->public_key(self, op, key, &spki));
    CHY_TRY(chy_csr_encode(op, subject, spki, &values, &tbs));
    CHY_TRY(maker->crypto->sign(self, op, key, CHY_SIG_ECDSA_SHA256, tbs, &signature));
    CHY_TRY(chy_signed_assemble(op, tbs, CHY_SIG_ECDSA_SHA256, signature, &der));
    return chy_pem_encode(op, CHY_PEM_REQUEST, der, 0, out_pem);
}

static chy_status make_csr(const struct maker *maker, struct chy_op *op, uint64_t number,
                           struct chy_slice *out_pem)
{
    char name[64];
    void *self = conf_instance_self(maker->instance);
    struct chy_key_template wanted = {.struct_size = sizeof wanted, .algorithm = CHY_KEY_EC_P256};
    struct chy_key *key = NULL;
    // In no order, as the names of a real day: an index must look for each one's place.
    uint64_t scattered = (maker->run << 20 ^ number) * UINT64_C(0x9e3779b97f4a7c15);
    (void)snprintf(name, sizeof name, "host-%016llx.bench.example", (unsigned long long)scattered);
    CHY_TRY(maker->crypto->generate(self, op, &wanted, &key));
    chy_status status = sign_csr(maker, op, key, chy_text(name), out_pem);
    maker->crypto->release(self, key);
    return status;
}

/** put_json writes a JSON string of a text whose only special bytes are line ends. */
static size_t put_json(char *out, struct chy_slice text)
{
    size_t len = 0;
    out[len++] = '"';
    for (uint64_t i = 0; i < text.len; i++) {
        if (text.ptr[i] == '\n') {
            out[len++] = '\\';
            out[len++] = 'n';
        } else {
            out[len++] = (char)text.ptr[i];
        }
    }
    out[len++] = '"';
    return len;
}

/** put_request writes one whole request; 0: it has no room. */
static size_t put_request(const struct bench_target *target, struct chy_slice csr, char *out)
{
    char body[REQUEST_ROOM / 2];
    size_t body_len = 0;
    if (target->profile != NULL) {
        int head = snprintf(body, sizeof body, "{\"profileId\":\"%s\",\"csr\":", target->profile);
        if (head < 0 || (size_t)head + csr.len * 2 + 64 > sizeof body) {
            return 0;
        }
        body_len = (size_t)head + put_json(body + head, csr);
        body_len += (size_t)snprintf(body + body_len, sizeof body - body_len,
                                     ",\"attributes\":{\"ttl\":\"90d\"}}");
    } else if (target->body != NULL) {
        body_len = strlen(target->body);
        if (body_len > sizeof body) {
            return 0;
        }
        memcpy(body, target->body, body_len);
    }
    int head = snprintf(
        out, REQUEST_ROOM / 2,
        "%s %s HTTP/1.1\r\nHost: 127.0.0.1\r\n%s%s%s%sContent-Length: %zu\r\n\r\n", target->method,
        target->path, target->token == NULL ? "" : "Authorization: Bearer ",
        target->token == NULL ? "" : target->token, target->token == NULL ? "" : "\r\n",
        body_len == 0 ? "" : "Content-Type: application/json\r\n", body_len);
    if (head < 0 || head >= REQUEST_ROOM / 2) {
        return 0;
    }
    memcpy(out + head, body, body_len);
    return (size_t)head + body_len;
}

static bool add_request(const struct bench_target *target, struct chy_slice csr,
                        struct bench_requests *requests, uint64_t number, uint64_t *size)
{
    uint64_t at = requests->offsets[number];
    if (*size - at < REQUEST_ROOM) {
        *size = *size * 2 + REQUEST_ROOM;
        requests->bytes = conf_must(realloc(requests->bytes, *size));
    }
    size_t len = put_request(target, csr, (char *)requests->bytes + at);
    requests->offsets[number + 1] = at + len;
    return len != 0;
}

static bool make_csrs(const struct bench_target *target, const struct maker *maker, uint64_t count,
                      struct bench_requests *requests)
{
    uint64_t size = 0;
    for (uint64_t i = 0; i < count; i++) {
        struct chy_op *op = conf_op_new(maker->instance);
        struct chy_slice pem = {NULL, 0};
        bool ok =
            make_csr(maker, op, i, &pem) == CHY_OK && add_request(target, pem, requests, i, &size);
        if (!ok) {
            conf_say("a CSR could not be made: %s", conf_op_message(op));
        }
        conf_op_free(op);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool make_with_provider(const struct bench_target *target,
                               const struct conf_arguments *arguments, uint64_t count,
                               struct bench_requests *requests)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    struct maker maker = {.run = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000};
    struct conf_plugin *plugin = conf_plugin_load(arguments->plugin);
    if (plugin == NULL) {
        return false;
    }
    maker.crypto = conf_plugin_interface(plugin, CHY_INTERFACE_CRYPTO);
    char *directory = conf_temp_dir_new();
    bool ok = false;
    if (maker.crypto != NULL) {
        maker.instance = conf_instance_new(plugin, arguments, "load", directory);
        if (maker.instance != NULL && conf_instance_up(maker.instance) == CHY_OK) {
            ok = make_csrs(target, &maker, count, requests);
            conf_instance_down(maker.instance);
        }
        conf_instance_free(maker.instance);
    }
    conf_temp_dir_remove(directory);
    conf_plugin_free(plugin);
    return ok;
}

bool bench_requests_make(const struct bench_target *target, const struct conf_arguments *arguments,
                         uint64_t count, struct bench_requests *out_requests)
{
    uint64_t size = 0;
    bool is_one = target->profile == NULL;
    struct bench_requests requests = {.count = count, .made = is_one ? 1 : count};
    requests.offsets = conf_must(calloc(requests.made + 1, sizeof *requests.offsets));
    bool ok = is_one ? add_request(target, chy_slice_of(NULL, 0), &requests, 0, &size)
                     : make_with_provider(target, arguments, count, &requests);
    if (!ok) {
        conf_say("the requests could not be made");
        bench_requests_free(&requests);
        return false;
    }
    *out_requests = requests;
    return true;
}

/** add_line makes the request of one line, which it takes apart. */
static bool add_line(const struct bench_target *target, char *line, struct bench_requests *requests,
                     uint64_t *size)
{
    char *rest = NULL;
    struct bench_target one = *target;
    line[strcspn(line, "\n")] = '\0';
    one.method = strtok_r(line, " ", &rest);
    one.path = strtok_r(NULL, " ", &rest);
    one.body = rest == NULL || *rest == '\0' ? NULL : rest;
    if (one.path == NULL) {
        return false;
    }
    // Room for this one's end and, doubling, for those behind it.
    if ((requests->made & (requests->made + 1)) == 0) {
        requests->offsets = conf_must(
            realloc(requests->offsets, (requests->made * 2 + 2) * sizeof *requests->offsets));
        requests->offsets[0] = 0;
    }
    bool ok = add_request(&one, chy_slice_of(NULL, 0), requests, requests->made, size);
    requests->made += ok ? 1 : 0;
    return ok;
}

bool bench_requests_read(const struct bench_target *target, const char *file, uint64_t count,
                         struct bench_requests *out_requests)
{
    uint64_t size = 0;
    struct bench_requests requests = {.made = 0};
    char *line = NULL;
    size_t line_size = 0;
    bool ok = true;
    FILE *in = fopen(file, "re");
    while (in != NULL && ok && getline(&line, &line_size, in) > 0) {
        ok = add_line(target, line, &requests, &size);
    }
    free(line);
    if (in != NULL) {
        (void)fclose(in);
    }
    if (in == NULL || !ok || requests.made == 0) {
        conf_say("the requests of %s could not be made: line %llu", file,
                 (unsigned long long)requests.made + 1);
        bench_requests_free(&requests);
        return false;
    }
    requests.count = count == 0 ? requests.made : count;
    *out_requests = requests;
    return true;
}

void bench_requests_free(struct bench_requests *requests)
{
    free(requests->bytes);
    free(requests->offsets);
    *requests = (struct bench_requests){0};
}

struct chy_slice bench_requests_at(const struct bench_requests *requests, uint64_t number)
{
    uint64_t i = number % requests->made;
    return chy_slice_of(requests->bytes + requests->offsets[i],
                        requests->offsets[i + 1] - requests->offsets[i]);
}
