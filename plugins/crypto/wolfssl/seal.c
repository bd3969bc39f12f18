#include "seal.h"

#include <assert.h>

#define VERSION 1U
#define NONCE_LEN 12U
#define TAG_LEN 16U
#define OVERHEAD (1U + NONCE_LEN + TAG_LEN)
#define AES_KEY_LEN 32U
/** A sealed key starts with its algorithm and flags, 32 bits each, most significant byte first. */
#define KEY_HEADER_LEN 8U

/** What a blob holds. */
enum content {
    CONTENT_BYTES = 1,
    CONTENT_KEY = 2
};

/* --- the sealing key ---------------------------------------------------------------------------*/

static int load(void *object, const struct chy_algorithm *algorithm, struct chy_slice secret,
                struct chy_slice public_bits)
{
    (void)algorithm;
    (void)public_bits;
    int code = wc_AesInit(object, NULL, INVALID_DEVID);
    if (code != 0) {
        return code;
    }
    code = wc_AesGcmSetKey(object, secret.ptr, (word32)secret.len);
    if (code != 0) {
        wc_AesFree(object);
    }
    return code;
}

static void fini(void *object)
{
    wc_AesFree(object);
}

static int import_key(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)rng;
    (void)trusted;
    if (secret.len != AES_KEY_LEN) {
        return BAD_LENGTH_E;
    }
    memcpy(out_material->secret, secret.ptr, secret.len);
    out_material->secret_len = AES_KEY_LEN;
    return load(object, algorithm, secret, secret);
}

static int generate(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material)
{
    int code = chy_rng_fill(rng, (struct chy_buffer){out_material->secret, AES_KEY_LEN});
    if (code != 0) {
        return code;
    }
    out_material->secret_len = AES_KEY_LEN;
    struct chy_slice secret = chy_slice_of(out_material->secret, AES_KEY_LEN);
    return load(object, algorithm, secret, secret);
}

const struct chy_kind_ops chy_aes_ops = {
    .object_size = sizeof(Aes),
    .load_private = load,
    .fini = fini,
    .generate = generate,
    .import = import_key,
};

/* --- what is authenticated ---------------------------------------------------------------------*/

static uint8_t *put_u64(uint8_t *at, uint64_t value)
{
    for (int shift = 56; shift >= 0; shift -= 8) {
        *at++ = (uint8_t)(value >> shift);
    }
    return at;
}

static uint8_t *put_counted(uint8_t *at, struct chy_slice bytes)
{
    at = put_u64(at, bytes.len);
    if (bytes.len > 0) {
        memcpy(at, bytes.ptr, bytes.len);
    }
    return at + bytes.len;
}

static chy_status bind(struct chy_op *op, enum content content,
                       const struct chy_seal_context *context, struct chy_slice *out_bound)
{
    CHY_TRY(chy_wolf_size(op, context->purpose.len));
    CHY_TRY(chy_wolf_size(op, context->aad.len));
    uint64_t len = 2 + 8 + context->purpose.len + 8 + context->aad.len;
    uint8_t *start = chy_alloc(op, len);
    if (start == NULL) {
        return chy_fail_memory(op);
    }
    uint8_t *at = start;
    *at++ = VERSION;
    *at++ = (uint8_t)content;
    at = put_counted(at, context->purpose);
    at = put_counted(at, context->aad);
    *out_bound = chy_slice_of(start, (uint64_t)(at - start));
    return CHY_OK;
}

static chy_status check_sealing_key(const struct chy_key *key, struct chy_op *op)
{
    if (key->algorithm->kind != CHY_KIND_AES) {
        return chy_fail(op, CHY_BROKEN, 0, "a key for %s cannot seal", key->algorithm->name);
    }
    return CHY_OK;
}

/* --- sealing -----------------------------------------------------------------------------------*/

static chy_status draw_nonce(struct chy_key *key, struct chy_op *op, uint8_t *out_nonce)
{
    if (atomic_fetch_add_explicit(&key->seals, 1, memory_order_relaxed) >= CHY_SEALS_MAX) {
        (void)atomic_fetch_sub_explicit(&key->seals, 1, memory_order_relaxed);
        return chy_fail(op, CHY_TRY_LATER, 0,
                        "this sealing key has drawn as many nonces as is safe: make a new one");
    }
    struct chy_rng *rng;
    int code = chy_rngs_take(&key->provider->rngs, &rng);
    if (code == 0) {
        code = chy_rng_fill(rng, (struct chy_buffer){out_nonce, NONCE_LEN});
        chy_rngs_give(&key->provider->rngs, rng);
    }
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "drawing a nonce");
}

static chy_status seal_content(struct chy_key *key, struct chy_op *op, enum content content,
                               const struct chy_seal_context *context, struct chy_slice plain,
                               struct chy_slice *out_sealed)
{
    struct chy_slice bound = {NULL, 0};
    struct chy_object *object = NULL;
    CHY_TRY(check_sealing_key(key, op));
    CHY_TRY(chy_wolf_size(op, plain.len));
    CHY_TRY(bind(op, content, context, &bound));
    uint8_t *blob = chy_alloc(op, plain.len + OVERHEAD);
    if (blob == NULL) {
        return chy_fail_memory(op);
    }
    uint8_t *nonce = blob + 1;
    uint8_t *ciphertext = nonce + NONCE_LEN;
    blob[0] = VERSION;
    CHY_TRY(draw_nonce(key, op, nonce));
    CHY_TRY(chy_key_checkout(key, op, &object));
    int code = wc_AesGcmEncrypt((Aes *)(void *)object->body, ciphertext, chy_wolf_bytes(plain),
                                (word32)plain.len, nonce, NONCE_LEN, ciphertext + plain.len,
                                TAG_LEN, bound.ptr, (word32)bound.len);
    chy_key_checkin(key, object);
    if (code != 0) {
        return chy_wolf_fail(op, code, "sealing");
    }
    *out_sealed = chy_slice_of(blob, plain.len + OVERHEAD);
    return CHY_OK;
}

static chy_status open_content(struct chy_key *key, struct chy_op *op, enum content content,
                               const struct chy_seal_context *context, struct chy_slice sealed,
                               struct chy_buffer *out_plain)
{
    struct chy_slice bound = {NULL, 0};
    struct chy_object *object = NULL;
    CHY_TRY(check_sealing_key(key, op));
    CHY_TRY(chy_wolf_size(op, sealed.len));
    if (sealed.len < OVERHEAD || sealed.ptr[0] != VERSION) {
        return chy_wolf_refuse(op, "this is not a sealed blob");
    }
    CHY_TRY(bind(op, content, context, &bound));
    uint64_t len = sealed.len - OVERHEAD;
    uint8_t *plain = chy_secret_alloc(op, len + 1);
    if (plain == NULL) {
        return chy_fail_memory(op);
    }
    const uint8_t *nonce = sealed.ptr + 1;
    const uint8_t *ciphertext = nonce + NONCE_LEN;
    CHY_TRY(chy_key_checkout(key, op, &object));
    int code = wc_AesGcmDecrypt((Aes *)(void *)object->body, plain, ciphertext, (word32)len, nonce,
                                NONCE_LEN, ciphertext + len, TAG_LEN, bound.ptr, (word32)bound.len);
    chy_key_checkin(key, object);
    if (code != 0) {
        explicit_bzero(plain, len);
        return code == AES_GCM_AUTH_E
                   ? chy_wolf_refuse(op, "the sealed blob was changed, or belongs to another row, "
                                         "purpose or key")
                   : chy_wolf_fail(op, code, "opening a sealed blob");
    }
    *out_plain = (struct chy_buffer){plain, len};
    return CHY_OK;
}

chy_status chy_seal(struct chy_key *sealing_key, struct chy_op *op,
                    const struct chy_seal_context *context, struct chy_slice secret,
                    struct chy_slice *out_sealed)
{
    return seal_content(sealing_key, op, CONTENT_BYTES, context, secret, out_sealed);
}

chy_status chy_unseal(struct chy_key *sealing_key, struct chy_op *op,
                      const struct chy_seal_context *context, struct chy_slice sealed,
                      struct chy_slice *out_secret)
{
    struct chy_buffer plain = {NULL, 0};
    CHY_TRY(open_content(sealing_key, op, CONTENT_BYTES, context, sealed, &plain));
    *out_secret = chy_slice_of(plain.ptr, plain.len);
    return CHY_OK;
}

/* --- keys --------------------------------------------------------------------------------------*/

static void put_u32(uint8_t *at, uint32_t value)
{
    at[0] = (uint8_t)(value >> 24);
    at[1] = (uint8_t)(value >> 16);
    at[2] = (uint8_t)(value >> 8);
    at[3] = (uint8_t)value;
}

static uint32_t get_u32(const uint8_t *at)
{
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

chy_status chy_seal_key(struct chy_key *sealing_key, struct chy_op *op,
                        const struct chy_seal_context *context, struct chy_key *key,
                        struct chy_slice *out_sealed)
{
    if (key->secret.len == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a public key has nothing to seal");
    }
    uint8_t *plain = chy_secret_alloc(op, KEY_HEADER_LEN + key->secret.len);
    if (plain == NULL) {
        return chy_fail_memory(op);
    }
    put_u32(plain, key->algorithm->id);
    put_u32(plain + 4, key->flags);
    memcpy(plain + KEY_HEADER_LEN, key->secret.ptr, key->secret.len);
    struct chy_slice whole = chy_slice_of(plain, KEY_HEADER_LEN + key->secret.len);
    chy_status status = seal_content(sealing_key, op, CONTENT_KEY, context, whole, out_sealed);
    explicit_bzero(plain, whole.len);
    return status;
}

static chy_status restore(struct chy_provider *provider, struct chy_op *op, struct chy_slice plain,
                          struct chy_key **out_key)
{
    if (plain.len < KEY_HEADER_LEN) {
        return chy_fail(op, CHY_BROKEN, 0, "a sealed key is cut off");
    }
    uint32_t id = get_u32(plain.ptr);
    uint32_t flags = get_u32(plain.ptr + 4);
    const struct chy_algorithm *algorithm = chy_algorithm_find(id);
    if (algorithm == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "key algorithm %u is not offered here", id);
    }
    CHY_TRY(chy_key_flags_check(op, flags));
    struct chy_slice secret = chy_slice_of(plain.ptr + KEY_HEADER_LEN, plain.len - KEY_HEADER_LEN);
    int code = chy_key_import(provider, algorithm, flags, secret, true, out_key);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "restoring a sealed key");
}

chy_status chy_unseal_key(struct chy_key *sealing_key, struct chy_op *op,
                          const struct chy_seal_context *context, struct chy_slice sealed,
                          struct chy_key **out_key)
{
    struct chy_buffer plain = {NULL, 0};
    CHY_TRY(open_content(sealing_key, op, CONTENT_KEY, context, sealed, &plain));
    assert(plain.ptr != NULL);
    chy_status status =
        restore(sealing_key->provider, op, chy_slice_of(plain.ptr, plain.len), out_key);
    // The secret arena wipes it too, but at the end of the operation.
    explicit_bzero(plain.ptr, plain.len);
    return status;
}
