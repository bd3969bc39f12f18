#include "plugin/crypto_state.h"

static const struct chy_slice nothing = {NULL, 0};

void chy_crypto_key_release(struct chy_crypto_key *key)
{
    if (key->key != NULL) {
        struct chy_instance *instance = key->crypto->instance;
        // No gate: giving back must work when the provider is at its limit or away.
        chy_instance_enter(instance);
        key->crypto->ops->release(instance->self, key->key);
        chy_instance_leave(instance);
    }
    key->crypto = NULL;
    key->key = NULL;
}

chy_status chy_crypto_generate(struct chy_crypto *crypto, struct chy_op *op,
                               const struct chy_key_template *wanted,
                               struct chy_crypto_key *out_key)
{
    struct chy_crypto_call call;
    struct chy_key *key = NULL;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_GENERATE));
    chy_status status = crypto->ops->generate(crypto->instance->self, op, wanted, &key);
    return chy_crypto_end_key(&call, status, key, out_key);
}

chy_status chy_crypto_import(struct chy_crypto *crypto, struct chy_op *op,
                             const struct chy_key_template *wanted, struct chy_slice material,
                             struct chy_crypto_key *out_key)
{
    struct chy_crypto_call call;
    struct chy_key *key = NULL;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_IMPORT));
    chy_status status = crypto->ops->import_key(crypto->instance->self, op, wanted, material, &key);
    return chy_crypto_end_key(&call, status, key, out_key);
}

chy_status chy_crypto_load(struct chy_crypto *crypto, struct chy_op *op, struct chy_slice reference,
                           uint32_t flags, struct chy_crypto_key *out_key)
{
    struct chy_crypto_call call;
    struct chy_key *key = NULL;
    if (crypto->ops->load == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_LOAD);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_LOAD));
    chy_status status = crypto->ops->load(crypto->instance->self, op, reference, flags, &key);
    return chy_crypto_end_key(&call, status, key, out_key);
}

chy_status chy_crypto_load_public(struct chy_crypto *crypto, struct chy_op *op,
                                  struct chy_slice spki, struct chy_crypto_key *out_key)
{
    struct chy_crypto_call call;
    struct chy_key *key = NULL;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_LOAD_PUBLIC));
    chy_status status = crypto->ops->load_public(crypto->instance->self, op, spki, &key);
    return chy_crypto_end_key(&call, status, key, out_key);
}

chy_status chy_crypto_reference(const struct chy_crypto_key *key, struct chy_op *op,
                                struct chy_slice *out_reference)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice reference = nothing;
    if (crypto->ops->reference == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_REFERENCE);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_REFERENCE));
    chy_status status = crypto->ops->reference(crypto->instance->self, op, key->key, &reference);
    return chy_crypto_end_bytes(&call, status, reference, out_reference);
}

chy_status chy_crypto_export(const struct chy_crypto_key *key, struct chy_op *op,
                             struct chy_slice *out_pkcs8)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice pkcs8 = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_EXPORT));
    chy_status status = crypto->ops->export_key(crypto->instance->self, op, key->key, &pkcs8);
    return chy_crypto_end_bytes(&call, status, pkcs8, out_pkcs8);
}

chy_status chy_crypto_destroy(const struct chy_crypto_key *key, struct chy_op *op)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    if (crypto->ops->destroy_key == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_DESTROY);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_DESTROY));
    return chy_crypto_end(&call, crypto->ops->destroy_key(crypto->instance->self, op, key->key));
}

uint32_t chy_crypto_key_algorithm(const struct chy_crypto_key *key)
{
    struct chy_instance *instance = key->crypto->instance;
    chy_instance_enter(instance);
    uint32_t algorithm = key->crypto->ops->key_algorithm(instance->self, key->key);
    chy_instance_leave(instance);
    return algorithm;
}

chy_status chy_crypto_public_key(const struct chy_crypto_key *key, struct chy_op *op,
                                 struct chy_slice *out_spki)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice spki = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_PUBLIC_KEY));
    chy_status status = crypto->ops->public_key(crypto->instance->self, op, key->key, &spki);
    return chy_crypto_end_bytes(&call, status, spki, out_spki);
}

/* --- signatures ------------------------------------------------------------------------------ */

chy_status chy_crypto_sign(const struct chy_crypto_key *key, struct chy_op *op, uint32_t algorithm,
                           struct chy_slice message, struct chy_slice *out_signature)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice signature = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_SIGN));
    chy_status status =
        crypto->ops->sign(crypto->instance->self, op, key->key, algorithm, message, &signature);
    return chy_crypto_end_bytes(&call, status, signature, out_signature);
}

chy_status chy_crypto_verify(const struct chy_crypto_key *key, struct chy_op *op,
                             uint32_t algorithm, struct chy_slice message,
                             struct chy_slice signature)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_VERIFY));
    return chy_crypto_end(&call, crypto->ops->verify(crypto->instance->self, op, key->key,
                                                     algorithm, message, signature));
}

chy_status chy_crypto_verify_spki(struct chy_crypto *crypto, struct chy_op *op,
                                  struct chy_slice spki, uint32_t algorithm,
                                  struct chy_slice message, struct chy_slice signature)
{
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
    CHY_TRY(chy_crypto_load_public(crypto, op, spki, &key));
    return chy_crypto_verify(&key, op, algorithm, message, signature);
}

/* --- primitives ------------------------------------------------------------------------------ */

chy_status chy_crypto_digest(struct chy_crypto *crypto, struct chy_op *op, uint32_t algorithm,
                             struct chy_slice message, struct chy_slice *out_digest)
{
    struct chy_crypto_call call;
    struct chy_slice digest = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_DIGEST));
    chy_status status =
        crypto->ops->digest(crypto->instance->self, op, algorithm, message, &digest);
    return chy_crypto_end_bytes(&call, status, digest, out_digest);
}

static chy_status hmac(struct chy_crypto *crypto, struct chy_op *op, struct chy_key *key,
                       struct chy_slice raw_key, uint32_t algorithm, struct chy_slice message,
                       struct chy_slice *out_mac)
{
    struct chy_crypto_call call;
    struct chy_slice mac = nothing;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_HMAC));
    chy_status status =
        crypto->ops->hmac(crypto->instance->self, op, key, raw_key, algorithm, message, &mac);
    return chy_crypto_end_bytes(&call, status, mac, out_mac);
}

chy_status chy_crypto_hmac(const struct chy_crypto_key *key, struct chy_op *op, uint32_t algorithm,
                           struct chy_slice message, struct chy_slice *out_mac)
{
    return hmac(key->crypto, op, key->key, nothing, algorithm, message, out_mac);
}

chy_status chy_crypto_hmac_raw(struct chy_crypto *crypto, struct chy_op *op, struct chy_slice key,
                               uint32_t algorithm, struct chy_slice message,
                               struct chy_slice *out_mac)
{
    return hmac(crypto, op, NULL, key, algorithm, message, out_mac);
}

chy_status chy_crypto_random(struct chy_crypto *crypto, struct chy_op *op, struct chy_buffer out)
{
    struct chy_crypto_call call;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_RANDOM));
    return chy_crypto_end(&call, crypto->ops->random(crypto->instance->self, op, out));
}

chy_status chy_crypto_kdf(struct chy_crypto *crypto, struct chy_op *op,
                          const struct chy_kdf_call *kdf, struct chy_buffer out)
{
    struct chy_crypto_call call;
    if (crypto->ops->kdf == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_KDF);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_KDF));
    return chy_crypto_end(&call, crypto->ops->kdf(crypto->instance->self, op, kdf, out));
}

chy_status chy_crypto_cipher(struct chy_crypto *crypto, struct chy_op *op,
                             const struct chy_cipher_call *cipher, struct chy_slice *out_output)
{
    struct chy_crypto_call call;
    struct chy_slice output = nothing;
    if (crypto->ops->cipher == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_CIPHER);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_CIPHER));
    chy_status status = crypto->ops->cipher(crypto->instance->self, op, cipher, &output);
    // Nothing encrypted is a block of padding, which decrypts to nothing: empty is an answer here.
    CHY_TRY(chy_crypto_end(&call, status));
    *out_output = output;
    return CHY_OK;
}

chy_status chy_crypto_decrypt(const struct chy_crypto_key *key, struct chy_op *op,
                              uint32_t oaep_digest, struct chy_slice ciphertext,
                              uint64_t expected_len, struct chy_slice *out_secret)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice secret = nothing;
    if (crypto->ops->decrypt == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_DECRYPT);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_DECRYPT));
    chy_status status = crypto->ops->decrypt(crypto->instance->self, op, key->key, oaep_digest,
                                             ciphertext, expected_len, &secret);
    CHY_TRY(chy_crypto_end(&call, status));
    *out_secret = secret;
    return CHY_OK;
}

chy_status chy_crypto_derive(const struct chy_crypto_key *key, struct chy_op *op,
                             struct chy_slice peer_spki, struct chy_slice *out_secret)
{
    struct chy_crypto_call call;
    struct chy_crypto *crypto = key->crypto;
    struct chy_slice secret = nothing;
    if (crypto->ops->derive == NULL) {
        return chy_crypto_missing(crypto, op, CHY_CRYPTO_CALL_DERIVE);
    }
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_DERIVE));
    chy_status status =
        crypto->ops->derive(crypto->instance->self, op, key->key, peer_spki, &secret);
    return chy_crypto_end_bytes(&call, status, secret, out_secret);
}

/* --- operating ------------------------------------------------------------------------------- */

chy_status chy_crypto_health(struct chy_crypto *crypto, struct chy_op *op)
{
    struct chy_crypto_call call;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_HEALTH));
    return chy_crypto_end(&call, crypto->ops->health(crypto->instance->self, op));
}

chy_status chy_crypto_statistics(struct chy_crypto *crypto, struct chy_op *op,
                                 struct chy_crypto_statistics *out_statistics)
{
    struct chy_crypto_call call;
    struct chy_crypto_statistics statistics;
    memset(&statistics, 0, sizeof statistics);
    statistics.struct_size = (uint32_t)sizeof statistics;
    CHY_TRY(chy_crypto_begin(&call, crypto, op, CHY_CRYPTO_CALL_STATISTICS));
    chy_status status = crypto->ops->statistics(crypto->instance->self, op, &statistics);
    CHY_TRY(chy_crypto_end(&call, status));
    *out_statistics = statistics;
    return CHY_OK;
}
