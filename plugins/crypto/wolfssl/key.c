#include "key.h"

#include "asn1.h"
#include "digest.h"

#include <assert.h>

static size_t object_size(const struct chy_algorithm *algorithm)
{
    return offsetof(struct chy_object, body) + algorithm->ops->object_size;
}

chy_status chy_key_flags_check(struct chy_op *op, uint32_t flags)
{
    const uint32_t known = CHY_KEY_EXPORTABLE | CHY_KEY_CA | CHY_KEY_PERSISTENT | CHY_KEY_READY;
    if ((flags & ~known) != 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "unknown key flags %#x", flags & ~known);
    }
    if ((flags & CHY_KEY_PERSISTENT) != 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0,
                        "this provider keeps no keys: seal the key and store it");
    }
    if ((flags & CHY_KEY_CA) != 0 && (flags & (CHY_KEY_EXPORTABLE | CHY_KEY_READY)) != 0) {
        return chy_fail(op, CHY_DENIED, 0,
                        "a CA key is never exportable and never comes from the ready pool");
    }
    return CHY_OK;
}

/* --- making and freeing ------------------------------------------------------------------------*/

/** write_spki puts SubjectPublicKeyInfo at the end of `out`. */
static void write_spki(struct chy_asn1_out *out, const struct chy_algorithm *algorithm,
                       struct chy_slice bits)
{
    chy_asn1_put(out, bits);
    chy_asn1_put_byte(out, 0);
    chy_asn1_put_header(out, CHY_ASN1_BIT_STRING, 0);
    chy_asn1_put(out, algorithm->identifier);
    chy_asn1_put_header(out, CHY_ASN1_SEQUENCE, 0);
}

/** attach gives the key its first object, whose private bytes are the key's. */
static void attach(struct chy_key *key, struct chy_object *object)
{
    object->next = NULL;
    key->idle = object;
    key->objects = 1;
    (void)atomic_fetch_add_explicit(&key->provider->objects_open, 1, memory_order_relaxed);
}

/** key_new makes a handle without objects. */
static struct chy_key *key_new(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                               uint32_t flags, struct chy_slice secret,
                               struct chy_slice public_bits)
{
    uint8_t buffer[CHY_SPKI_MAX];
    struct chy_asn1_out out;
    chy_asn1_out_init(&out, buffer, sizeof buffer);
    if (algorithm->identifier.len > 0) {
        write_spki(&out, algorithm, public_bits);
    }
    struct chy_slice spki = chy_asn1_out_slice(&out);
    size_t size = sizeof(struct chy_key) + spki.len;
    struct chy_key *key = out.full ? NULL : chy_vault_take(&provider->vault, size);
    if (key == NULL) {
        return NULL;
    }
    if (secret.len > 0) {
        uint8_t *copy = chy_vault_take(&provider->vault, secret.len);
        if (copy == NULL) {
            chy_vault_give(&provider->vault, key, size);
            return NULL;
        }
        memcpy(copy, secret.ptr, secret.len);
        key->secret_block = copy;
        key->secret = chy_slice_of(copy, secret.len);
    }
    uint8_t *own_spki = (uint8_t *)(key + 1);
    memcpy(own_spki, spki.ptr, spki.len);
    key->spki = chy_slice_of(own_spki, spki.len);
    key->public_bits = chy_slice_of(own_spki + spki.len - public_bits.len, public_bits.len);
    key->provider = provider;
    key->algorithm = algorithm;
    key->flags = flags & ~(uint32_t)CHY_KEY_READY;
    key->block_size = (uint32_t)size;
    (void)pthread_mutex_init(&key->lock, NULL);
    chy_condition_init(&key->changed);
    (void)atomic_fetch_add_explicit(&provider->keys_open, 1, memory_order_relaxed);
    return key;
}

static void object_free(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                        struct chy_object *object)
{
    algorithm->ops->fini(object->body);
    chy_vault_give(&provider->vault, object, object_size(algorithm));
}

static void free_objects(struct chy_key *key, struct chy_object *list)
{
    while (list != NULL) {
        struct chy_object *object = list;
        list = object->next;
        object_free(key->provider, key->algorithm, object);
        (void)atomic_fetch_sub_explicit(&key->provider->objects_open, 1, memory_order_relaxed);
    }
}

void chy_key_shed(struct chy_key *key)
{
    (void)pthread_mutex_lock(&key->lock);
    struct chy_object *list = key->idle;
    key->idle = NULL;
    key->objects = key->busy;
    (void)pthread_mutex_unlock(&key->lock);
    free_objects(key, list);
}

void chy_key_free(struct chy_key *key)
{
    if (key == NULL) {
        return;
    }
    struct chy_provider *provider = key->provider;
    (void)pthread_mutex_lock(&key->lock);
    while (key->busy > 0 || key->waiting > 0) {
        (void)pthread_cond_wait(&key->changed, &key->lock);
    }
    (void)pthread_mutex_unlock(&key->lock);
    free_objects(key, key->idle);
    (void)pthread_cond_destroy(&key->changed);
    (void)pthread_mutex_destroy(&key->lock);
    chy_vault_give(&provider->vault, key->secret_block, key->secret.len);
    chy_vault_give(&provider->vault, key, key->block_size);
    (void)atomic_fetch_sub_explicit(&provider->keys_open, 1, memory_order_relaxed);
}

/** adopt makes a handle of an object and the bytes that were written while it was made. */
static int adopt(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                 uint32_t flags, struct chy_object *object, const struct chy_material *material,
                 struct chy_key **out_key)
{
    struct chy_key *key =
        key_new(provider, algorithm, flags, chy_slice_of(material->secret, material->secret_len),
                chy_slice_of(material->public_bits, material->public_len));
    if (key == NULL) {
        algorithm->ops->fini(object->body);
        return MEMORY_E;
    }
    attach(key, object);
    *out_key = key;
    return 0;
}

int chy_key_generate(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                     struct chy_rng *rng, uint32_t flags, struct chy_key **out_key)
{
    struct chy_vault *vault = &provider->vault;
    struct chy_object *object = chy_vault_take(vault, object_size(algorithm));
    struct chy_material *material = chy_vault_take(vault, sizeof *material);
    int code = MEMORY_E;
    if (object != NULL && material != NULL) {
        code = algorithm->ops->generate(object->body, algorithm, rng, material);
        chy_wolf_wipe_stack();
        if (code == 0) {
            code = adopt(provider, algorithm, flags, object, material, out_key);
        }
    }
    chy_vault_give(vault, material, sizeof *material);
    if (code != 0) {
        chy_vault_give(vault, object, object_size(algorithm));
    }
    return code;
}

static int import_with(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                       struct chy_rng *rng, uint32_t flags, struct chy_slice secret, bool trusted,
                       struct chy_key **out_key)
{
    struct chy_vault *vault = &provider->vault;
    struct chy_object *object = chy_vault_take(vault, object_size(algorithm));
    struct chy_material *material = chy_vault_take(vault, sizeof *material);
    int code = MEMORY_E;
    if (object != NULL && material != NULL) {
        code = algorithm->ops->import(object->body, algorithm, rng, secret, trusted, material);
        chy_wolf_wipe_stack();
        if (code == 0) {
            code = adopt(provider, algorithm, flags, object, material, out_key);
        }
    }
    chy_vault_give(vault, material, sizeof *material);
    if (code != 0) {
        chy_vault_give(vault, object, object_size(algorithm));
    }
    return code;
}

int chy_key_import(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                   uint32_t flags, struct chy_slice secret, bool trusted, struct chy_key **out_key)
{
    struct chy_rng *rng;
    int code = chy_rngs_take(&provider->rngs, &rng);
    if (code != 0) {
        return code;
    }
    code = import_with(provider, algorithm, rng, flags, secret, trusted, out_key);
    chy_rngs_give(&provider->rngs, rng);
    return code;
}

int chy_key_import_public(struct chy_provider *provider, const struct chy_algorithm *algorithm,
                          struct chy_slice public_bits, struct chy_key **out_key)
{
    struct chy_object *object = chy_vault_take(&provider->vault, object_size(algorithm));
    if (object == NULL) {
        return MEMORY_E;
    }
    int code = algorithm->ops->load_public(object->body, algorithm, public_bits);
    if (code == 0) {
        struct chy_slice none = {NULL, 0};
        struct chy_key *key = key_new(provider, algorithm, 0, none, public_bits);
        if (key != NULL) {
            attach(key, object);
            *out_key = key;
            return 0;
        }
        algorithm->ops->fini(object->body);
        code = MEMORY_E;
    }
    chy_vault_give(&provider->vault, object, object_size(algorithm));
    return code;
}

/* --- the pool ----------------------------------------------------------------------------------*/

/** claim_locked takes an idle object, or the right to make one (a NULL object). */
static chy_status claim_locked(struct chy_key *key, struct chy_op *op,
                               struct chy_object **out_object)
{
    while (key->idle == NULL && key->objects >= key->provider->objects_per_key) {
        key->waiting++;
        chy_status status = chy_wait(&key->changed, &key->lock, op, "a busy key");
        key->waiting--;
        if (status != CHY_OK) {
            (void)pthread_cond_broadcast(&key->changed); // for one who wants to free the key
            return status;
        }
    }
    *out_object = key->idle;
    if (key->idle != NULL) {
        key->idle = key->idle->next;
    } else {
        key->objects++;
    }
    key->busy++;
    return CHY_OK;
}

static void unclaim_locked(struct chy_key *key)
{
    key->busy--;
    if (key->waiting > 0 || key->busy == 0) {
        (void)pthread_cond_broadcast(&key->changed);
    }
}

/** object_new makes one more object of a key's bytes. */
static int object_new(const struct chy_key *key, struct chy_object **out_object)
{
    const struct chy_kind_ops *ops = key->algorithm->ops;
    struct chy_object *object = chy_vault_take(&key->provider->vault, object_size(key->algorithm));
    if (object == NULL) {
        return MEMORY_E;
    }
    int code = key->secret.len == 0
                   ? ops->load_public(object->body, key->algorithm, key->public_bits)
                   : ops->load_private(object->body, key->algorithm, key->secret, key->public_bits);
    if (key->secret.len != 0) {
        chy_wolf_wipe_stack();
    }
    if (code != 0) {
        chy_vault_give(&key->provider->vault, object, object_size(key->algorithm));
        return code;
    }
    (void)atomic_fetch_add_explicit(&key->provider->objects_open, 1, memory_order_relaxed);
    *out_object = object;
    return 0;
}

chy_status chy_key_checkout(struct chy_key *key, struct chy_op *op, struct chy_object **out_object)
{
    struct chy_object *object = NULL;
    (void)pthread_mutex_lock(&key->lock);
    chy_status status = claim_locked(key, op, &object);
    (void)pthread_mutex_unlock(&key->lock);
    if (status != CHY_OK) {
        return status;
    }
    int code = object == NULL ? object_new(key, &object) : 0;
    if (code != 0) {
        (void)pthread_mutex_lock(&key->lock);
        key->objects--;
        unclaim_locked(key);
        (void)pthread_mutex_unlock(&key->lock);
        return chy_wolf_fail(op, code, "preparing a key");
    }
    *out_object = object;
    return CHY_OK;
}

void chy_key_checkin(struct chy_key *key, struct chy_object *object)
{
    assert(object != NULL);
    (void)pthread_mutex_lock(&key->lock);
    object->next = key->idle;
    key->idle = object;
    unclaim_locked(key);
    (void)pthread_mutex_unlock(&key->lock);
}

/* --- signatures --------------------------------------------------------------------------------*/

/** prepare finds the scheme, checks that it fits the key, and hashes where it hashes.  `digest` has
 *  CHY_DIGEST_MAX bytes. */
static chy_status prepare(struct chy_key *key, struct chy_op *op, uint32_t scheme_id,
                          struct chy_slice message, uint8_t *digest,
                          struct chy_signature_call *out_call)
{
    const struct chy_scheme *scheme = chy_scheme_find(scheme_id);
    if (scheme == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "signature algorithm %u is not offered here",
                        scheme_id);
    }
    if (!chy_scheme_fits(scheme, key->algorithm)) {
        return chy_fail(op, CHY_BROKEN, 0, "%s does not go with a key for %s", scheme->name,
                        key->algorithm->name);
    }
    CHY_TRY(chy_wolf_size(op, message.len));
    struct chy_signature_call call = {
        .algorithm = key->algorithm,
        .scheme = scheme,
        .secret = key->secret,
        .message = message,
    };
    if (scheme->digest != 0) {
        uint32_t len = 0;
        int code = chy_digest(scheme->digest, message, digest, &len);
        if (code != 0) {
            return chy_wolf_fail(op, code, "hashing");
        }
        call.message = chy_slice_of(digest, len);
    }
    *out_call = call;
    (void)atomic_fetch_add_explicit(&key->provider->operations, 1, memory_order_relaxed);
    return CHY_OK;
}

chy_status chy_key_sign(struct chy_key *key, struct chy_op *op, uint32_t scheme,
                        struct chy_slice message, struct chy_slice *out_signature)
{
    uint8_t digest[CHY_DIGEST_MAX];
    struct chy_signature_call call = {.algorithm = NULL};
    struct chy_object *object = NULL;
    struct chy_rng *rng;
    CHY_TRY(prepare(key, op, scheme, message, digest, &call));
    if (key->secret.len == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a public key cannot sign");
    }
    struct chy_buffer out = {chy_alloc(op, key->algorithm->signature_max),
                             key->algorithm->signature_max};
    if (out.ptr == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_key_checkout(key, op, &object));
    uint64_t len = 0;
    int code = chy_rngs_take(&key->provider->rngs, &rng);
    if (code == 0) {
        code = key->algorithm->ops->sign(object->body, rng, &call, out, &len);
        chy_wolf_wipe_stack();
        chy_rngs_give(&key->provider->rngs, rng);
    }
    chy_key_checkin(key, object);
    if (code != 0) {
        return chy_wolf_fail(op, code, "signing");
    }
    *out_signature = chy_slice_of(out.ptr, len);
    return CHY_OK;
}

chy_status chy_key_verify(struct chy_key *key, struct chy_op *op, uint32_t scheme,
                          struct chy_slice message, struct chy_slice signature)
{
    uint8_t digest[CHY_DIGEST_MAX];
    struct chy_signature_call call = {.algorithm = NULL};
    struct chy_object *object = NULL;
    CHY_TRY(prepare(key, op, scheme, message, digest, &call));
    CHY_TRY(chy_key_checkout(key, op, &object));
    int code = key->algorithm->ops->verify(object->body, &call, signature);
    chy_key_checkin(key, object);
    if (code == MEMORY_E) {
        return chy_wolf_fail(op, code, "checking a signature");
    }
    return code == 0 ? CHY_OK : chy_wolf_refuse(op, "the signature does not hold");
}
