#include "plugin/services.h"

#include "base/op.h"
#include "plugin/view.h"

#include <assert.h>

/** What plugin secrets are sealed for: no core blob opens as one, and the other way round. */
#define PLUGIN_SECRET_PURPOSE "plugin-secret"
#define LABEL_SIZE CHY_METRICS_LABEL_MAX

/* --- operations and metrics ------------------------------------------------------------------ */

static struct chy_op *op_begin(struct chy_instance *instance, struct chy_slice name,
                               int64_t deadline)
{
    const struct chy_services *services = chy_services_of(instance->host);
    struct chy_operation_config config;
    memset(&config, 0, sizeof config);
    config.host = instance->host;
    config.clock = services->clock;
    config.log = services->log;
    config.name = name;
    config.instance = instance;
    config.instance_name = instance->name;
    config.deadline = deadline;
    config.flags = CHY_OP_JOB;
    struct chy_operation *operation = chy_operation_new(&config);
    return operation == NULL ? NULL : &operation->op;
}

/** `instance="name"`, and what the plugin adds; too long a label is dropped by the registry. */
static struct chy_slice label_of(const struct chy_instance *instance, struct chy_slice label,
                                 char text[LABEL_SIZE])
{
    int len =
        snprintf(text, LABEL_SIZE, "instance=\"%.*s\"%s%.*s", (int)instance->name.len,
                 (const char *)instance->name.ptr, label.len == 0 ? "" : ",",
                 (int)(label.len > LABEL_SIZE ? LABEL_SIZE : label.len), (const char *)label.ptr);
    return chy_slice_of(text, len < 0 || len >= (int)LABEL_SIZE ? LABEL_SIZE - 1 : (uint64_t)len);
}

static void count(struct chy_instance *instance, struct chy_slice name, struct chy_slice label,
                  int64_t delta)
{
    char text[LABEL_SIZE];
    chy_metrics_count(chy_services_of(instance->host)->metrics, name,
                      label_of(instance, label, text), delta);
}

static void gauge(struct chy_instance *instance, struct chy_slice name, struct chy_slice label,
                  int64_t value)
{
    char text[LABEL_SIZE];
    chy_metrics_gauge(chy_services_of(instance->host)->metrics, name,
                      label_of(instance, label, text), value);
}

/* --- storage: the instance's own collections -------------------------------------------------- */

static chy_status collection(struct chy_instance *instance, struct chy_slice name,
                             uint32_t *out_collection)
{
    for (uint32_t i = 0; i < instance->collection_count; i++) {
        if (chy_slice_equal(instance->collections[i].name, name)) {
            *out_collection = instance->collections[i].number;
            return CHY_OK;
        }
    }
    return CHY_NOT_FOUND;
}

static chy_status check_own(struct chy_op *op, uint32_t number)
{
    const struct chy_instance *instance = chy_operation_of(op)->instance;
    if (chy_services_of(op->host)->storage == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "this host has no storage");
    }
    if (instance == NULL) {
        return chy_fail(op, CHY_DENIED, 0, "the operation works for no plugin instance");
    }
    for (uint32_t i = 0; i < instance->collection_count; i++) {
        if (instance->collections[i].number == number) {
            return CHY_OK;
        }
    }
    return chy_fail(op, CHY_DENIED, 0, "collection %u was not declared by the instance '%.*s'",
                    number, (int)instance->name.len, (const char *)instance->name.ptr);
}

static chy_status storage_get(struct chy_op *op, const struct chy_storage_get *get,
                              struct chy_storage_row *out_row)
{
    CHY_TRY(check_own(op, get->collection));
    return chy_storage_get(chy_services_of(op->host)->storage, op, get, out_row);
}

static chy_status storage_find(struct chy_op *op, const struct chy_storage_find *find,
                               struct chy_storage_page *out_page)
{
    CHY_TRY(check_own(op, find->collection));
    return chy_storage_find(chy_services_of(op->host)->storage, op, find, out_page);
}

static chy_status storage_write(struct chy_op *op, const struct chy_storage_batch *batch,
                                struct chy_storage_outcome *out_outcome)
{
    for (uint64_t i = 0; i < batch->writes.count; i++) {
        if (batch->writes.stride < sizeof(struct chy_storage_write)) {
            return chy_fail(op, CHY_BAD_INPUT, 0, "the writes of a batch have %llu bytes each",
                            (unsigned long long)batch->writes.stride);
        }
        const struct chy_storage_write *write = chy_view_item(batch->writes, i);
        CHY_TRY(check_own(op, write->collection));
    }
    if (batch->writes.count == 0) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "a batch without writes");
    }
    return chy_storage_write(chy_services_of(op->host)->storage, op, batch, out_outcome);
}

/* --- primitives ------------------------------------------------------------------------------ */

struct chy_crypto *chy_services_with_digest(const struct chy_services *services, uint32_t algorithm)
{
    for (uint32_t i = 0; i < services->crypto_count; i++) {
        if (chy_crypto_can_digest(services->crypto[i], algorithm)) {
            return services->crypto[i];
        }
    }
    return NULL;
}

struct chy_crypto *chy_services_with_signature(const struct chy_services *services,
                                               uint32_t algorithm)
{
    for (uint32_t i = 0; i < services->crypto_count; i++) {
        if (chy_crypto_can_sign(services->crypto[i], algorithm)) {
            return services->crypto[i];
        }
    }
    return NULL;
}

struct chy_crypto *chy_services_with_kdf(const struct chy_services *services, uint32_t algorithm)
{
    for (uint32_t i = 0; i < services->crypto_count; i++) {
        if (chy_crypto_can_kdf(services->crypto[i], algorithm)) {
            return services->crypto[i];
        }
    }
    return NULL;
}

struct chy_crypto *chy_services_with_cipher(const struct chy_services *services, uint32_t algorithm)
{
    for (uint32_t i = 0; i < services->crypto_count; i++) {
        if (chy_crypto_can_cipher(services->crypto[i], algorithm)) {
            return services->crypto[i];
        }
    }
    return NULL;
}

static chy_status fail_no_provider(struct chy_op *op, const char *what, uint32_t algorithm)
{
    return chy_fail(op, CHY_UNSUPPORTED, algorithm, "no crypto provider has %s %u", what,
                    algorithm);
}

static chy_status random_bytes(struct chy_op *op, struct chy_buffer out)
{
    const struct chy_services *services = chy_services_of(op->host);
    if (services->crypto_count == 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "this host has no crypto provider");
    }
    return chy_crypto_random(services->crypto[0], op, out);
}

static chy_status digest(struct chy_op *op, uint32_t algorithm, struct chy_slice message,
                         struct chy_slice *out_digest)
{
    struct chy_crypto *crypto = chy_services_with_digest(chy_services_of(op->host), algorithm);
    return crypto == NULL ? fail_no_provider(op, "the digest", algorithm)
                          : chy_crypto_digest(crypto, op, algorithm, message, out_digest);
}

static chy_status hmac(struct chy_op *op, uint32_t algorithm, struct chy_slice key,
                       struct chy_slice message, struct chy_slice *out_mac)
{
    struct chy_crypto *crypto = chy_services_with_digest(chy_services_of(op->host), algorithm);
    return crypto == NULL ? fail_no_provider(op, "HMAC with the digest", algorithm)
                          : chy_crypto_hmac_raw(crypto, op, key, algorithm, message, out_mac);
}

static chy_status verify(struct chy_op *op, struct chy_slice spki, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice signature)
{
    struct chy_crypto *crypto = chy_services_with_signature(chy_services_of(op->host), algorithm);
    return crypto == NULL ? fail_no_provider(op, "the signature algorithm", algorithm)
                          : chy_crypto_verify_spki(crypto, op, spki, algorithm, message, signature);
}

/** The instance's name before its own words, so that no instance opens another's secrets. */
static chy_status bind_to_instance(struct chy_op *op, struct chy_slice aad,
                                   struct chy_slice *out_aad)
{
    const struct chy_services *services = chy_services_of(op->host);
    const struct chy_instance *instance = chy_operation_of(op)->instance;
    if (services->sealing_key == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "this host has no key that seals plugins' secrets");
    }
    if (instance == NULL) {
        return chy_fail(op, CHY_DENIED, 0, "the operation works for no plugin instance");
    }
    uint64_t name_len = instance->name.len;
    uint8_t *bound = chy_alloc(op, 1 + name_len + aad.len);
    if (bound == NULL) {
        return chy_fail_memory(op);
    }
    assert(name_len <= CHY_PLUGIN_NAME_MAX);
    bound[0] = (uint8_t)name_len;
    memcpy(bound + 1, instance->name.ptr, (size_t)name_len);
    if (aad.len != 0) {
        memcpy(bound + 1 + name_len, aad.ptr, (size_t)aad.len);
    }
    *out_aad = chy_slice_of(bound, 1 + name_len + aad.len);
    return CHY_OK;
}

/** What is sealed begins with the id of the data key that sealed it. */
static chy_status seal(struct chy_op *op, struct chy_slice aad, struct chy_slice secret,
                       struct chy_slice *out_sealed)
{
    struct chy_slice bound = {NULL, 0};
    struct chy_slice sealed;
    struct chy_uuid id;
    struct chy_crypto_key key;
    CHY_TRY(bind_to_instance(op, aad, &bound));
    CHY_TRY(chy_services_of(op->host)->sealing_key(op, NULL, &id, &key));
    const struct chy_seal_context context = chy_seal_context_of(PLUGIN_SECRET_PURPOSE, bound);
    CHY_TRY(chy_crypto_seal(&key, op, &context, secret, &sealed));
    uint8_t *whole = chy_alloc(op, sizeof id.bytes + sealed.len);
    if (whole == NULL) {
        return chy_fail_memory(op);
    }
    memcpy(whole, id.bytes, sizeof id.bytes);
    memcpy(whole + sizeof id.bytes, sealed.ptr, (size_t)sealed.len);
    *out_sealed = chy_slice_of(whole, sizeof id.bytes + sealed.len);
    return CHY_OK;
}

static chy_status open_sealed(struct chy_op *op, struct chy_slice aad, struct chy_slice sealed,
                              struct chy_slice *out_secret)
{
    struct chy_slice bound = {NULL, 0};
    struct chy_uuid id;
    struct chy_crypto_key key;
    CHY_TRY(bind_to_instance(op, aad, &bound));
    if (sealed.len <= sizeof id.bytes) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "a sealed secret has more than %zu bytes", sizeof id.bytes);
    }
    memcpy(id.bytes, sealed.ptr, sizeof id.bytes);
    CHY_TRY(chy_services_of(op->host)->sealing_key(op, &id, &id, &key));
    const struct chy_seal_context context = chy_seal_context_of(PLUGIN_SECRET_PURPOSE, bound);
    return chy_crypto_open_sealed(
        &key, op, &context,
        chy_slice_of(sealed.ptr + sizeof id.bytes, sealed.len - sizeof id.bytes), out_secret);
}

/* --- other machines -------------------------------------------------------------------------- */

static chy_status outbound(struct chy_op *op, struct chy_outbound *out_outbound)
{
    out_outbound->ca_file = chy_services_of(op->host)->outbound.ca_file;
    return CHY_OK;
}

static chy_status outbound_address(struct chy_op *op, const struct chy_outbound_address *address)
{
    return chy_outbound_decide(&chy_services_of(op->host)->outbound, op, address);
}

struct chy_notifier *chy_services_with_channel(const struct chy_services *services,
                                               struct chy_slice channel_type)
{
    for (uint32_t i = 0; i < services->notifier_count; i++) {
        if (chy_notifier_type(services->notifiers[i], channel_type) != NULL) {
            return services->notifiers[i];
        }
    }
    return NULL;
}

/* --- the table ------------------------------------------------------------------------------- */

void chy_services_init(struct chy_services *services, const struct chy_clock *clock,
                       struct chy_log *log, struct chy_metrics *metrics)
{
    memset(services, 0, sizeof *services);
    services->clock = clock == NULL ? chy_clock_real() : clock;
    services->log = log;
    services->metrics = metrics == NULL ? chy_metrics_process() : metrics;
    struct chy_host *host = &services->host;
    chy_op_fill_host(host);
    host->op_begin = op_begin;
    host->count = count;
    host->gauge = gauge;
    host->collection = collection;
    host->storage_get = storage_get;
    host->storage_find = storage_find;
    host->storage_write = storage_write;
    host->random = random_bytes;
    host->digest = digest;
    host->hmac = hmac;
    host->verify = verify;
    host->seal = seal;
    host->open = open_sealed;
    host->outbound = outbound;
    host->outbound_address = outbound_address;
}

void chy_services_add_crypto(struct chy_services *services, struct chy_crypto *crypto)
{
    assert(services->crypto_count < CHY_SERVICES_CRYPTO_MAX);
    services->crypto[services->crypto_count++] = crypto;
}

void chy_services_add_notifier(struct chy_services *services, struct chy_notifier *notifier)
{
    assert(services->notifier_count < CHY_SERVICES_NOTIFIERS_MAX);
    services->notifiers[services->notifier_count++] = notifier;
}
