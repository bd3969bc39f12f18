#include "fakes.h"

#include "base/op.h"

#include <stdio.h>

/* --- the schema ------------------------------------------------------------------------------- */

static const struct chy_field row_fields[] = {
    {CHY_TEXT_INIT("id"), CHY_VALUE_UUID, 0},
    {CHY_TEXT_INIT("name"), CHY_VALUE_TEXT, 0},
    {CHY_TEXT_INIT("count"), CHY_VALUE_INT, 0},
    {CHY_TEXT_INIT("note"), CHY_VALUE_TEXT, CHY_FIELD_NULLABLE},
    {CHY_TEXT_INIT("tags"), CHY_VALUE_TEXT, CHY_FIELD_MANY},
    {CHY_TEXT_INIT("body"), CHY_VALUE_JSON, CHY_FIELD_NULLABLE},
    {CHY_TEXT_INIT("data"), CHY_VALUE_BLOB, CHY_FIELD_NULLABLE},
    {CHY_TEXT_INIT("seen"), CHY_VALUE_TIME, CHY_FIELD_NULLABLE},
};
static const struct chy_field epoch_fields[] = {
    {CHY_TEXT_INIT("name"), CHY_VALUE_TEXT, 0},
    {CHY_TEXT_INIT("value"), CHY_VALUE_INT, 0},
};
static const struct chy_field plain_fields[] = {
    {CHY_TEXT_INIT("key"), CHY_VALUE_INT, 0},
    {CHY_TEXT_INIT("total"), CHY_VALUE_INT, 0},
};
static const uint32_t first_field[] = {0};

static const struct chy_collection collections[] = {
    {CHY_TEXT_INIT("rows"),
     CHY_COLLECTION_WATCHED,
     0,
     CHY_VIEW_INIT(row_fields),
     CHY_VIEW_INIT(first_field),
     {NULL, 0, 0}},
    {CHY_TEXT_INIT("epoch"),
     0,
     0,
     CHY_VIEW_INIT(epoch_fields),
     CHY_VIEW_INIT(first_field),
     {NULL, 0, 0}},
    {CHY_TEXT_INIT("plain"),
     0,
     0,
     CHY_VIEW_INIT(plain_fields),
     CHY_VIEW_INIT(first_field),
     {NULL, 0, 0}},
};

const struct chy_schema fake_schema = {sizeof fake_schema, 1, 1, 0, CHY_VIEW_INIT(collections)};

/* --- instances -------------------------------------------------------------------------------- */

void fake_instance(struct chy_instance *instance, struct chy_loaded_plugin *plugin,
                   struct chy_host *host, const char *name, enum chy_interface_id id, void *self)
{
    memset(instance, 0, sizeof *instance);
    instance->name = chy_text(name);
    instance->plugin = plugin;
    instance->self = self;
    instance->host = host;
    instance->state = CHY_INSTANCE_STARTED;
    plugin->interfaces = UINT32_C(1) << id;
    plugin->descriptor.name = chy_text("fake");
}

/* --- storage ---------------------------------------------------------------------------------- */

static chy_status answer(struct fake_storage *fake, struct chy_op *op)
{
    fake->calls++;
    fake->seen_instance = chy_operation_of(op)->instance;
    if (fake->status != CHY_OK && fake->fails_with_reason) {
        return chy_fail(op, fake->status, 0, "the fake says no");
    }
    return fake->status;
}

static chy_status declare(void *self, struct chy_op *op, const struct chy_schema *schema)
{
    (void)schema;
    return answer(self, op);
}

static chy_status verify_schema(void *self, struct chy_op *op, struct chy_schema_report *out_report)
{
    out_report->state = CHY_SCHEMA_CURRENT;
    return answer(self, op);
}

static chy_status plain(void *self, struct chy_op *op)
{
    return answer(self, op);
}

static chy_status get(void *self, struct chy_op *op, const struct chy_storage_get *get_call,
                      struct chy_storage_row *out_row)
{
    (void)get_call;
    *out_row = ((struct fake_storage *)self)->row;
    return answer(self, op);
}

static chy_status find(void *self, struct chy_op *op, const struct chy_storage_find *find_call,
                       struct chy_storage_page *out_page)
{
    (void)find_call;
    *out_page = ((struct fake_storage *)self)->page;
    return answer(self, op);
}

static chy_status write(void *self, struct chy_op *op, const struct chy_storage_batch *batch,
                        struct chy_storage_outcome *out_outcome)
{
    struct fake_storage *fake = self;
    fake->batch = *batch;
    if (fake->answers_outcome) {
        *out_outcome = fake->outcome;
    } else {
        struct chy_write_result *results =
            chy_alloc(op, batch->writes.count * sizeof(struct chy_write_result));
        out_outcome->results =
            (struct chy_view){results, batch->writes.count, sizeof(struct chy_write_result)};
    }
    return answer(fake, op);
}

static chy_status statistics(void *self, struct chy_op *op,
                             struct chy_storage_statistics *out_statistics)
{
    out_statistics->commits = 7;
    return answer(self, op);
}

void fake_storage_ops(struct chy_storage_ops *ops)
{
    memset(ops, 0, sizeof *ops);
    ops->declare = declare;
    ops->verify_schema = verify_schema;
    ops->upgrade = plain;
    ops->get = get;
    ops->find = find;
    ops->write = write;
    ops->health = plain;
    ops->check = plain;
    ops->statistics = statistics;
}

/* --- crypto ----------------------------------------------------------------------------------- */

/** Where a fake key points: any address will do. */
static uint8_t key_memory;

static chy_status note(struct fake_crypto *fake, const char *call)
{
    fake->calls++;
    (void)snprintf(fake->last_call, sizeof fake->last_call, "%s", call);
    return fake->status;
}

static struct chy_slice bytes(const struct fake_crypto *fake)
{
    return fake->answers_nothing ? chy_slice_of(NULL, 0) : chy_text("bytes");
}

static struct chy_key *a_key(const struct fake_crypto *fake)
{
    return fake->answers_nothing ? NULL : (struct chy_key *)(void *)&key_memory;
}

static chy_status capabilities(void *self, struct chy_op *op,
                               struct chy_crypto_capabilities *out_capabilities)
{
    static const uint32_t keys[] = {CHY_KEY_EC_P256, CHY_KEY_AES_256};
    static const uint32_t signatures[] = {CHY_SIG_ECDSA_SHA256};
    static const uint32_t kdfs[] = {CHY_KDF_HKDF};
    struct fake_crypto *fake = self;
    (void)op;
    out_capabilities->features = CHY_CRYPTO_KDF;
    out_capabilities->key_algorithms = (struct chy_view)CHY_VIEW_INIT(keys);
    out_capabilities->signature_algorithms = (struct chy_view)CHY_VIEW_INIT(signatures);
    out_capabilities->kdf_algorithms = (struct chy_view)CHY_VIEW_INIT(kdfs);
    out_capabilities->digest_algorithms =
        (struct chy_view){fake->digests, fake->digest_count, sizeof fake->digests[0]};
    return note(fake, "capabilities");
}

static chy_status generate(void *self, struct chy_op *op, const struct chy_key_template *wanted,
                           struct chy_key **out_key)
{
    (void)op;
    (void)wanted;
    *out_key = a_key(self);
    return note(self, "generate");
}

static chy_status import_key(void *self, struct chy_op *op, const struct chy_key_template *wanted,
                             struct chy_slice material, struct chy_key **out_key)
{
    (void)op;
    (void)wanted;
    (void)material;
    *out_key = a_key(self);
    return note(self, "import_key");
}

static chy_status export_key(void *self, struct chy_op *op, struct chy_key *key,
                             struct chy_slice *out_pkcs8)
{
    (void)op;
    (void)key;
    *out_pkcs8 = bytes(self);
    return note(self, "export_key");
}

static void release(void *self, struct chy_key *key)
{
    (void)key;
    ((struct fake_crypto *)self)->released++;
}

static uint32_t key_algorithm(void *self, const struct chy_key *key)
{
    (void)self;
    (void)key;
    return CHY_KEY_EC_P256;
}

static chy_status load_public(void *self, struct chy_op *op, struct chy_slice spki,
                              struct chy_key **out_key)
{
    (void)op;
    (void)spki;
    *out_key = a_key(self);
    return note(self, "load_public");
}

static chy_status sign(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                       struct chy_slice message, struct chy_slice *out_signature)
{
    (void)op;
    (void)key;
    (void)algorithm;
    (void)message;
    *out_signature = bytes(self);
    return note(self, "sign");
}

static chy_status verify(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice signature)
{
    (void)key;
    (void)algorithm;
    (void)message;
    chy_status status = note(self, "verify");
    return status == CHY_OK && !chy_slice_is(signature, "bytes")
               ? chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "it does not hold")
               : status;
}

static chy_status digest(void *self, struct chy_op *op, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice *out_digest)
{
    (void)op;
    (void)algorithm;
    (void)message;
    *out_digest = bytes(self);
    return note(self, "digest");
}

static chy_status hmac(void *self, struct chy_op *op, struct chy_key *key, struct chy_slice raw_key,
                       uint32_t algorithm, struct chy_slice message, struct chy_slice *out_mac)
{
    (void)op;
    (void)algorithm;
    (void)message;
    *out_mac = bytes(self);
    return note(self, key == NULL && raw_key.len != 0 ? "hmac raw" : "hmac");
}

static chy_status random_bytes(void *self, struct chy_op *op, struct chy_buffer out)
{
    (void)op;
    memset(out.ptr, 0x5a, (size_t)out.len);
    return note(self, "random");
}

static chy_status seal(void *self, struct chy_op *op, struct chy_key *sealing_key,
                       const struct chy_seal_context *context, struct chy_slice secret,
                       struct chy_slice *out_sealed)
{
    struct fake_crypto *fake = self;
    (void)op;
    (void)sealing_key;
    (void)secret;
    (void)snprintf(fake->last_purpose, sizeof fake->last_purpose, "%.*s", (int)context->purpose.len,
                   (const char *)context->purpose.ptr);
    (void)snprintf(fake->last_aad, sizeof fake->last_aad, "%.*s", (int)context->aad.len,
                   (const char *)context->aad.ptr);
    *out_sealed = bytes(fake);
    return note(fake, "seal");
}

static chy_status open_sealed(void *self, struct chy_op *op, struct chy_key *sealing_key,
                              const struct chy_seal_context *context, struct chy_slice sealed,
                              struct chy_slice *out_secret)
{
    chy_status status = seal(self, op, sealing_key, context, sealed, out_secret);
    (void)note(self, "open");
    return status;
}

static chy_status healthy(void *self, struct chy_op *op)
{
    (void)op;
    return note(self, "health");
}

void fake_crypto_ops(struct chy_crypto_ops *ops)
{
    memset(ops, 0, sizeof *ops);
    ops->capabilities = capabilities;
    ops->generate = generate;
    ops->import_key = import_key;
    ops->export_key = export_key;
    ops->release = release;
    ops->key_algorithm = key_algorithm;
    ops->public_key = export_key;
    ops->load_public = load_public;
    ops->sign = sign;
    ops->verify = verify;
    ops->digest = digest;
    ops->hmac = hmac;
    ops->random = random_bytes;
    ops->seal = seal;
    ops->open = open_sealed;
    ops->health = healthy;
}
