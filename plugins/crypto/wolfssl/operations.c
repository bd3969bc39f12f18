/** The table of operations: each checks its arguments' kinds and hands over to the file that
 *  knows. */
#include "operations.h"

#include "digest.h"
#include "pkcs8.h"
#include "primitives.h"
#include "seal.h"

static chy_status capabilities(void *self, struct chy_op *op,
                               struct chy_crypto_capabilities *out_capabilities)
{
    (void)self;
    (void)op;
    chy_algorithm_capabilities(out_capabilities);
    return CHY_OK;
}

static chy_status generate_now(struct chy_provider *provider, struct chy_op *op,
                               const struct chy_algorithm *algorithm, uint32_t flags,
                               struct chy_key **out_key)
{
    struct chy_rng *rng;
    int code = chy_rngs_take(&provider->rngs, &rng);
    if (code == 0) {
        code = chy_key_generate(provider, algorithm, rng, flags, out_key);
        chy_rngs_give(&provider->rngs, rng);
    }
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "generating a key");
}

static chy_status generate(void *self, struct chy_op *op, const struct chy_key_template *template,
                           struct chy_key **out_key)
{
    struct chy_provider *provider = self;
    const struct chy_algorithm *algorithm = chy_algorithm_find(template->algorithm);
    if (algorithm == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "key algorithm %u is not offered here",
                        template->algorithm);
    }
    CHY_TRY(chy_key_flags_check(op, template->flags));
    if (algorithm->kind != CHY_KIND_RSA) {
        return generate_now(provider, op, algorithm, template->flags, out_key);
    }
    if ((template->flags & CHY_KEY_READY) != 0) {
        struct chy_key *ready =
            chy_ready_take(&provider->ready, algorithm->id, template->requester, chy_monotonic(op));
        if (ready != NULL) {
            ready->flags = template->flags & ~(uint32_t)CHY_KEY_READY;
            *out_key = ready;
            return CHY_OK;
        }
    }
    CHY_TRY(chy_turnstile_enter(&provider->turnstile, op));
    chy_status status = generate_now(provider, op, algorithm, template->flags, out_key);
    chy_turnstile_leave(&provider->turnstile);
    return status;
}

static chy_status import_key(void *self, struct chy_op *op, const struct chy_key_template *template,
                             struct chy_slice material, struct chy_key **out_key)
{
    const struct chy_algorithm *wanted = NULL;
    CHY_TRY(chy_key_flags_check(op, template->flags));
    CHY_TRY(chy_wolf_size(op, material.len));
    if (template->algorithm != CHY_KEY_NONE) {
        wanted = chy_algorithm_find(template->algorithm);
        if (wanted == NULL) {
            return chy_fail(op, CHY_UNSUPPORTED, 0, "key algorithm %u is not offered here",
                            template->algorithm);
        }
    }
    if (wanted == NULL || wanted->identifier.len > 0) {
        return chy_pkcs8_import(self, op, wanted, template->flags, material, out_key);
    }
    int code = chy_key_import(self, wanted, template->flags, material, false, out_key);
    if (code == BAD_LENGTH_E) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "%llu bytes are no key for %s",
                               (unsigned long long)material.len, wanted->name);
    }
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "taking in a key");
}

static chy_status export_key(void *self, struct chy_op *op, struct chy_key *key,
                             struct chy_slice *out_pkcs8)
{
    (void)self;
    return chy_pkcs8_export(key, op, out_pkcs8);
}

static void release(void *self, struct chy_key *key)
{
    (void)self;
    chy_key_free(key);
}

static uint32_t key_algorithm(void *self, const struct chy_key *key)
{
    (void)self;
    return key->algorithm->id;
}

static chy_status public_key(void *self, struct chy_op *op, struct chy_key *key,
                             struct chy_slice *out_spki)
{
    (void)self;
    if (key->spki.len == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a key for %s has no public half", key->algorithm->name);
    }
    return chy_copy(op, key->spki, out_spki);
}

static chy_status load_public(void *self, struct chy_op *op, struct chy_slice spki,
                              struct chy_key **out_key)
{
    return chy_spki_load(self, op, spki, out_key);
}

static chy_status sign(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                       struct chy_slice message, struct chy_slice *out_signature)
{
    (void)self;
    return chy_key_sign(key, op, algorithm, message, out_signature);
}

static chy_status verify(void *self, struct chy_op *op, struct chy_key *key, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice signature)
{
    (void)self;
    return chy_key_verify(key, op, algorithm, message, signature);
}

static chy_status unknown_digest(struct chy_op *op, uint32_t algorithm)
{
    return chy_fail(op, CHY_UNSUPPORTED, 0, "digest %u is not offered here", algorithm);
}

static chy_status digest(void *self, struct chy_op *op, uint32_t algorithm,
                         struct chy_slice message, struct chy_slice *out_digest)
{
    (void)self;
    uint8_t value[CHY_DIGEST_MAX];
    uint32_t len;
    if (chy_digest_type(algorithm) < 0) {
        return unknown_digest(op, algorithm);
    }
    CHY_TRY(chy_wolf_size(op, message.len));
    int code = chy_digest(algorithm, message, value, &len);
    if (code != 0) {
        return chy_wolf_fail(op, code, "hashing");
    }
    return chy_copy(op, chy_slice_of(value, len), out_digest);
}

static chy_status hmac(void *self, struct chy_op *op, struct chy_key *key, struct chy_slice raw_key,
                       uint32_t algorithm, struct chy_slice message, struct chy_slice *out_mac)
{
    (void)self;
    uint8_t value[CHY_DIGEST_MAX];
    uint32_t len;
    if (chy_digest_type(algorithm) < 0) {
        return unknown_digest(op, algorithm);
    }
    if (key != NULL && (key->algorithm->kind != CHY_KIND_HMAC || algorithm != CHY_DIGEST_SHA256)) {
        return chy_fail(op, CHY_BROKEN, 0, "a key for %s does not make this MAC",
                        key->algorithm->name);
    }
    struct chy_slice secret = key != NULL ? key->secret : raw_key;
    CHY_TRY(chy_wolf_size(op, secret.len));
    CHY_TRY(chy_wolf_size(op, message.len));
    int code = chy_hmac(algorithm, secret, message, value, &len);
    if (code != 0) {
        return chy_wolf_fail(op, code, "computing a MAC");
    }
    return chy_copy(op, chy_slice_of(value, len), out_mac);
}

static chy_status random_bytes(void *self, struct chy_op *op, struct chy_buffer out)
{
    struct chy_provider *provider = self;
    struct chy_rng *rng;
    int code = chy_rngs_take(&provider->rngs, &rng);
    if (code == 0) {
        code = chy_rng_fill(rng, out);
        chy_rngs_give(&provider->rngs, rng);
    }
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "drawing random bytes");
}

static chy_status seal(void *self, struct chy_op *op, struct chy_key *sealing_key,
                       const struct chy_seal_context *context, struct chy_slice secret,
                       struct chy_slice *out_sealed)
{
    (void)self;
    return chy_seal(sealing_key, op, context, secret, out_sealed);
}

static chy_status open_sealed(void *self, struct chy_op *op, struct chy_key *sealing_key,
                              const struct chy_seal_context *context, struct chy_slice sealed,
                              struct chy_slice *out_secret)
{
    (void)self;
    return chy_unseal(sealing_key, op, context, sealed, out_secret);
}

static chy_status seal_key(void *self, struct chy_op *op, struct chy_key *sealing_key,
                           const struct chy_seal_context *context, struct chy_key *key,
                           struct chy_slice *out_sealed)
{
    (void)self;
    return chy_seal_key(sealing_key, op, context, key, out_sealed);
}

static chy_status open_key(void *self, struct chy_op *op, struct chy_key *sealing_key,
                           const struct chy_seal_context *context, struct chy_slice sealed,
                           struct chy_key **out_key)
{
    (void)self;
    return chy_unseal_key(sealing_key, op, context, sealed, out_key);
}

static chy_status kdf(void *self, struct chy_op *op, const struct chy_kdf_call *call,
                      struct chy_buffer out)
{
    (void)self;
    return chy_kdf(op, call, out);
}

static chy_status cipher(void *self, struct chy_op *op, const struct chy_cipher_call *call,
                         struct chy_slice *out_output)
{
    (void)self;
    return chy_cipher(op, call, out_output);
}

static chy_status decrypt(void *self, struct chy_op *op, struct chy_key *key, uint32_t oaep_digest,
                          struct chy_slice ciphertext, uint64_t expected_len,
                          struct chy_slice *out_secret)
{
    (void)self;
    return chy_decrypt(key, op, oaep_digest, ciphertext, expected_len, out_secret);
}

static chy_status derive(void *self, struct chy_op *op, struct chy_key *key,
                         struct chy_slice peer_spki, struct chy_slice *out_secret)
{
    (void)self;
    return chy_derive(key, op, peer_spki, out_secret);
}

static chy_status health(void *self, struct chy_op *op)
{
    struct chy_provider *provider = self;
    struct chy_rng *rng;
    uint8_t probe[16];
    int code = chy_rngs_take(&provider->rngs, &rng);
    if (code == 0) {
        code = chy_rng_fill(rng, (struct chy_buffer){probe, sizeof probe});
        chy_rngs_give(&provider->rngs, rng);
    }
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "the random generator");
}

static chy_status statistics(void *self, struct chy_op *op,
                             struct chy_crypto_statistics *out_statistics)
{
    (void)op;
    struct chy_provider *provider = self;
    struct chy_ready_counts ready;
    chy_ready_count(&provider->ready, &ready);
    uint64_t handles = atomic_load_explicit(&provider->keys_open, memory_order_relaxed);
    *out_statistics = (struct chy_crypto_statistics){
        .struct_size = sizeof *out_statistics,
        // The ready keys have handles as well, which nobody holds.
        .keys_open = handles > ready.keys ? handles - ready.keys : 0,
        .ready_keys = ready.keys,
        .ready_target = ready.target,
        .ready_hits = ready.hits,
        .ready_misses = ready.misses,
        .objects_open = atomic_load_explicit(&provider->objects_open, memory_order_relaxed),
    };
    return CHY_OK;
}

const struct chy_crypto_ops chy_crypto_table = {
    .capabilities = capabilities,
    .generate = generate,
    .import_key = import_key,
    .export_key = export_key,
    .release = release,
    .key_algorithm = key_algorithm,
    .public_key = public_key,
    .load_public = load_public,
    .sign = sign,
    .verify = verify,
    .digest = digest,
    .hmac = hmac,
    .random = random_bytes,
    .seal = seal,
    .open = open_sealed,
    .seal_key = seal_key,
    .open_key = open_key,
    .kdf = kdf,
    .cipher = cipher,
    .decrypt = decrypt,
    .derive = derive,
    .health = health,
    .statistics = statistics,
};
