#include "digest.h"

/** HMAC-SHA256 keys: at least the security of a short password, at most one block (RFC 2104 2). */
#define MAC_KEY_MIN 16U
#define MAC_KEY_MAX 64U
#define MAC_KEY_MADE 32U

int chy_digest_type(uint32_t algorithm)
{
    switch ((enum chy_digest_algorithm)algorithm) {
    case CHY_DIGEST_SHA1: return WC_HASH_TYPE_SHA;
    case CHY_DIGEST_SHA256: return WC_HASH_TYPE_SHA256;
    case CHY_DIGEST_SHA384: return WC_HASH_TYPE_SHA384;
    case CHY_DIGEST_SHA512: return WC_HASH_TYPE_SHA512;
    }
    return -1;
}

int chy_digest(uint32_t algorithm, struct chy_slice message, uint8_t *out, uint32_t *out_len)
{
    int type = chy_digest_type(algorithm);
    int len = type < 0 ? HASH_TYPE_E : wc_HashGetDigestSize((enum wc_HashType)type);
    if (len <= 0) {
        return HASH_TYPE_E;
    }
    int code = wc_Hash((enum wc_HashType)type, chy_wolf_bytes(message), (word32)message.len, out,
                       (word32)len);
    if (code == 0) {
        *out_len = (uint32_t)len;
    }
    return code;
}

int chy_hmac(uint32_t algorithm, struct chy_slice key, struct chy_slice message, uint8_t *out,
             uint32_t *out_len)
{
    int type = chy_digest_type(algorithm);
    int len = type < 0 ? HASH_TYPE_E : wc_HashGetDigestSize((enum wc_HashType)type);
    if (len <= 0) {
        return HASH_TYPE_E;
    }
    Hmac hmac;
    int code = wc_HmacInit(&hmac, NULL, INVALID_DEVID);
    if (code != 0) {
        return code;
    }
    code = wc_HmacSetKey(&hmac, type, chy_wolf_bytes(key), (word32)key.len);
    if (code == 0) {
        code = wc_HmacUpdate(&hmac, chy_wolf_bytes(message), (word32)message.len);
    }
    if (code == 0) {
        code = wc_HmacFinal(&hmac, out);
    }
    wc_HmacFree(&hmac);
    explicit_bzero(&hmac, sizeof hmac);
    if (code == 0) {
        *out_len = (uint32_t)len;
    }
    return code;
}

/* --- keys --------------------------------------------------------------------------------------*/

/** A MAC key has no object of wolfCrypt's: each call starts from its bytes, which nobody changes.
 *  */
static int load(void *object, const struct chy_algorithm *algorithm, struct chy_slice secret,
                struct chy_slice public_bits)
{
    (void)object;
    (void)algorithm;
    (void)secret;
    (void)public_bits;
    return 0;
}

static void fini(void *object)
{
    (void)object;
}

static int import_key(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)object;
    (void)algorithm;
    (void)rng;
    (void)trusted;
    if (secret.len < MAC_KEY_MIN || secret.len > MAC_KEY_MAX) {
        return BAD_LENGTH_E;
    }
    memcpy(out_material->secret, secret.ptr, secret.len);
    out_material->secret_len = (uint32_t)secret.len;
    return 0;
}

static int generate(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material)
{
    (void)object;
    (void)algorithm;
    out_material->secret_len = MAC_KEY_MADE;
    return chy_rng_fill(rng, (struct chy_buffer){out_material->secret, MAC_KEY_MADE});
}

const struct chy_kind_ops chy_hmac_ops = {
    .object_size = 0,
    .load_private = load,
    .fini = fini,
    .generate = generate,
    .import = import_key,
};
