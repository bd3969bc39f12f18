/** Keys that come in a CMS message: RSA key transport (RFC 8017 7) and ECDH (RFC 5753). */
#include "digest.h"
#include "ecc.h"
#include "pkcs8.h"
#include "primitives.h"

#define MODULUS_MAX 512U
/** 00 02, eight bytes of padding, 00 (RFC 8017 7.2.1). */
#define PADDING_MIN 11U

struct oaep {
    uint32_t digest;
    enum wc_HashType hash;
    int mgf;
};

static const struct oaep oaeps[] = {
    {CHY_DIGEST_SHA1, WC_HASH_TYPE_SHA, WC_MGF1SHA1},
    {CHY_DIGEST_SHA256, WC_HASH_TYPE_SHA256, WC_MGF1SHA256},
    {CHY_DIGEST_SHA384, WC_HASH_TYPE_SHA384, WC_MGF1SHA384},
    {CHY_DIGEST_SHA512, WC_HASH_TYPE_SHA512, WC_MGF1SHA512},
};

static const struct oaep *oaep_of(uint32_t digest)
{
    for (size_t i = 0; i < sizeof oaeps / sizeof oaeps[0]; i++) {
        if (oaeps[i].digest == digest) {
            return &oaeps[i];
        }
    }
    return NULL;
}

/* --- PKCS#1 v1.5 -------------------------------------------------------------------------------*/

/**
 * wrong_padding is 0 when `block` reads 00 02, nonzero padding, 00, and then exactly `expected_len`
 * bytes; else 1.  Its time depends on the lengths alone.
 */
static uint8_t wrong_padding(const uint8_t *block, size_t len, size_t expected_len)
{
    size_t separator = len - expected_len - 1;
    uint32_t wrong = block[0] | (uint32_t)(block[1] ^ 2U) | block[separator];
    for (size_t i = 2; i < separator; i++) {
        wrong |= ((uint32_t)block[i] - 1U) >> 8; // all ones above when the byte is zero
    }
    return (uint8_t)((wrong | (0U - wrong)) >> 31);
}

/**
 * substitute makes the answer to a wrong padding: bytes that follow from the key and the
 * ciphertext, so that the same question has the same answer, like a right one has.
 */
static int substitute(const struct chy_key *key, struct chy_slice ciphertext, uint8_t *out,
                      size_t len)
{
    uint8_t input[CHY_DIGEST_MAX + 1];
    uint8_t block[CHY_DIGEST_MAX];
    uint32_t block_len;
    int code = chy_hmac(CHY_DIGEST_SHA256, key->secret, ciphertext, input, &block_len);
    size_t input_len = block_len + 1U;
    for (size_t at = 0, i = 0; code == 0 && at < len; at += block_len, i++) {
        input[input_len - 1] = (uint8_t)i;
        code = chy_hmac(CHY_DIGEST_SHA256, key->secret, chy_slice_of(input, input_len), block,
                        &block_len);
        size_t part = len - at < block_len ? len - at : block_len;
        memcpy(out + at, block, part);
    }
    explicit_bzero(input, sizeof input);
    explicit_bzero(block, sizeof block);
    return code;
}

/** private_function is the RSA private key operation without any padding, blinded. */
static int private_function(RsaKey *rsa, struct chy_rng *rng, struct chy_slice ciphertext,
                            uint8_t *out)
{
    word32 len = (word32)ciphertext.len;
    int code = wc_RsaSetRNG(rsa, &rng->rng);
    if (code == 0) {
        code = wc_RsaFunction(ciphertext.ptr, (word32)ciphertext.len, out, &len,
                              RSA_PRIVATE_DECRYPT, rsa, &rng->rng);
    }
    (void)wc_RsaSetRNG(rsa, NULL);
    return code == 0 && len != ciphertext.len ? BUFFER_E : code;
}

static int decrypt_v15(const struct chy_key *key, RsaKey *rsa, struct chy_rng *rng,
                       struct chy_slice ciphertext, struct chy_buffer out)
{
    uint8_t block[MODULUS_MAX];
    uint8_t instead[MODULUS_MAX];
    int code = substitute(key, ciphertext, instead, out.len);
    if (code == 0) {
        code = private_function(rsa, rng, ciphertext, block);
    }
    if (code == 0) {
        uint8_t wrong = wrong_padding(block, ciphertext.len, out.len);
        uint8_t mask = (uint8_t)(0U - wrong);
        const uint8_t *secret = block + ciphertext.len - out.len;
        for (size_t i = 0; i < out.len; i++) {
            out.ptr[i] = (uint8_t)((secret[i] & (uint8_t)~mask) | (instead[i] & mask));
        }
    }
    explicit_bzero(block, sizeof block);
    explicit_bzero(instead, sizeof instead);
    return code;
}

/* --- OAEP --------------------------------------------------------------------------------------*/

static int decrypt_oaep(RsaKey *rsa, struct chy_rng *rng, const struct oaep *oaep,
                        struct chy_slice ciphertext, struct chy_buffer out, uint64_t *out_len)
{
    int code = wc_RsaSetRNG(rsa, &rng->rng);
    if (code == 0) {
        code = wc_RsaPrivateDecrypt_ex(ciphertext.ptr, (word32)ciphertext.len, out.ptr,
                                       (word32)out.len, rsa, WC_RSA_OAEP_PAD, oaep->hash, oaep->mgf,
                                       NULL, 0);
    }
    (void)wc_RsaSetRNG(rsa, NULL);
    if (code < 0) {
        return code;
    }
    *out_len = (uint64_t)code;
    return 0;
}

/* --- both --------------------------------------------------------------------------------------*/

static chy_status check_call(const struct chy_key *key, struct chy_op *op, uint32_t oaep_digest,
                             struct chy_slice ciphertext, uint64_t expected_len)
{
    if (key->algorithm->kind != CHY_KIND_RSA || key->secret.len == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a key for %s cannot decrypt", key->algorithm->name);
    }
    if (oaep_digest != 0 && oaep_of(oaep_digest) == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "OAEP with digest %u is not offered here",
                        oaep_digest);
    }
    uint64_t modulus_len = (uint64_t)key->algorithm->parameter / 8;
    if (ciphertext.len != modulus_len) {
        return chy_wolf_refuse(op, "the ciphertext is not as long as the key");
    }
    if (oaep_digest == 0 && (expected_len == 0 || expected_len > modulus_len - PADDING_MIN)) {
        return chy_fail(op, CHY_BAD_INPUT, 0, "%llu bytes do not fit under this key",
                        (unsigned long long)expected_len);
    }
    return CHY_OK;
}

chy_status chy_decrypt(struct chy_key *key, struct chy_op *op, uint32_t oaep_digest,
                       struct chy_slice ciphertext, uint64_t expected_len,
                       struct chy_slice *out_secret)
{
    struct chy_object *object;
    struct chy_rng *rng;
    CHY_TRY(check_call(key, op, oaep_digest, ciphertext, expected_len));
    uint64_t len = oaep_digest == 0 ? expected_len : ciphertext.len;
    struct chy_buffer out = {chy_secret_alloc(op, len), len};
    if (out.ptr == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(chy_key_checkout(key, op, &object));
    int code = chy_rngs_take(&key->provider->rngs, &rng);
    if (code == 0) {
        RsaKey *rsa = (RsaKey *)(void *)object->body;
        code = oaep_digest == 0
                   ? decrypt_v15(key, rsa, rng, ciphertext, out)
                   : decrypt_oaep(rsa, rng, oaep_of(oaep_digest), ciphertext, out, &len);
        chy_wolf_wipe_stack();
        chy_rngs_give(&key->provider->rngs, rng);
    }
    chy_key_checkin(key, object);
    if (code == MEMORY_E || code == RNG_FAILURE_E) {
        return chy_wolf_fail(op, code, "decrypting");
    }
    if (code != 0) {
        return chy_wolf_refuse(op, "the ciphertext does not decrypt with this key");
    }
    *out_secret = chy_slice_of(out.ptr, len);
    return CHY_OK;
}

/* --- agreement ---------------------------------------------------------------------------------*/

static chy_status agree(struct chy_key *key, struct chy_key *peer, struct chy_op *op,
                        struct chy_buffer out)
{
    struct chy_object *own;
    struct chy_object *theirs;
    struct chy_rng *rng;
    CHY_TRY(chy_key_checkout(key, op, &own));
    chy_status status = chy_key_checkout(peer, op, &theirs);
    if (status != CHY_OK) {
        chy_key_checkin(key, own);
        return status;
    }
    int code = chy_rngs_take(&key->provider->rngs, &rng);
    if (code == 0) {
        code = chy_ecc_agree(own->body, theirs->body, rng, out);
        chy_wolf_wipe_stack();
        chy_rngs_give(&key->provider->rngs, rng);
    }
    chy_key_checkin(peer, theirs);
    chy_key_checkin(key, own);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "agreeing on a secret");
}

chy_status chy_derive(struct chy_key *key, struct chy_op *op, struct chy_slice peer_spki,
                      struct chy_slice *out_secret)
{
    if (key->algorithm->kind != CHY_KIND_EC || key->secret.len == 0) {
        return chy_fail(op, CHY_BROKEN, 0, "a key for %s cannot agree on a secret",
                        key->algorithm->name);
    }
    struct chy_key *peer;
    CHY_TRY(chy_spki_load(key->provider, op, peer_spki, &peer));
    chy_status status;
    struct chy_buffer out = {chy_secret_alloc(op, key->algorithm->size), key->algorithm->size};
    if (peer->algorithm != key->algorithm) {
        status = chy_wolf_refuse(op, "the peer's key is on another curve");
    } else if (out.ptr == NULL) {
        status = chy_fail_memory(op);
    } else {
        status = agree(key, peer, op, out);
    }
    chy_key_free(peer);
    if (status == CHY_OK) {
        *out_secret = chy_slice_of(out.ptr, out.len);
    }
    return status;
}
