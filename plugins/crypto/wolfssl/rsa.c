/** RSA keys: RFC 8017. */
#include "algorithm.h"
#include "asn1.h"
#include "weak.h"

#include <assert.h>

#define EXPONENT 65537
#define MODULUS_MAX 512U
/** DigestInfo up to the digest itself (RFC 8017 9.2, note 1). */
#define INFO_PREFIX_LEN 19U

struct hashing {
    uint32_t digest;
    enum wc_HashType hash;
    int mgf;
    uint32_t len;
    uint8_t prefix[INFO_PREFIX_LEN];
};

static const struct hashing hashings[] = {
    {CHY_DIGEST_SHA256,
     WC_HASH_TYPE_SHA256,
     WC_MGF1SHA256,
     32,
     {0x30, 0x31, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01,
      0x05, 0x00, 0x04, 0x20}},
    {CHY_DIGEST_SHA384,
     WC_HASH_TYPE_SHA384,
     WC_MGF1SHA384,
     48,
     {0x30, 0x41, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x02,
      0x05, 0x00, 0x04, 0x30}},
    {CHY_DIGEST_SHA512,
     WC_HASH_TYPE_SHA512,
     WC_MGF1SHA512,
     64,
     {0x30, 0x51, 0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x03,
      0x05, 0x00, 0x04, 0x40}},
};

static const struct hashing *hashing_of(uint32_t digest)
{
    for (size_t i = 0; i < sizeof hashings / sizeof hashings[0]; i++) {
        if (hashings[i].digest == digest) {
            return &hashings[i];
        }
    }
    return NULL;
}

/** digest_info is what PKCS#1 v1.5 signs; `out` has room for INFO_PREFIX_LEN + CHY_DIGEST_MAX. */
static struct chy_slice digest_info(const struct hashing *hashing, struct chy_slice digest,
                                    uint8_t *out)
{
    assert(digest.len == hashing->len);
    memcpy(out, hashing->prefix, INFO_PREFIX_LEN);
    memcpy(out + INFO_PREFIX_LEN, digest.ptr, digest.len);
    return chy_slice_of(out, INFO_PREFIX_LEN + digest.len);
}

/* --- making objects ----------------------------------------------------------------------------*/

static int load_public(void *object, const struct chy_algorithm *algorithm, struct chy_slice bits)
{
    (void)algorithm;
    RsaKey *key = object;
    struct chy_rsa_public parts;
    if (!chy_rsa_public_read(bits, &parts)) {
        return ASN_PARSE_E;
    }
    int code = wc_InitRsaKey(key, NULL);
    if (code != 0) {
        return code;
    }
    code = wc_RsaPublicKeyDecodeRaw(parts.modulus.ptr, (word32)parts.modulus.len,
                                    parts.exponent.ptr, (word32)parts.exponent.len, key);
    if (code != 0) {
        (void)wc_FreeRsaKey(key);
    }
    return code;
}

static int load_private(void *object, const struct chy_algorithm *algorithm,
                        struct chy_slice secret, struct chy_slice public_bits)
{
    (void)algorithm;
    (void)public_bits;
    RsaKey *key = object;
    int code = wc_InitRsaKey(key, NULL);
    if (code != 0) {
        return code;
    }
    word32 at = 0;
    code = wc_RsaPrivateKeyDecode(secret.ptr, &at, key, (word32)secret.len);
    if (code == 0 && at != secret.len) {
        code = ASN_PARSE_E;
    }
    if (code != 0) {
        (void)wc_FreeRsaKey(key);
    }
    return code;
}

static void fini(void *object)
{
    (void)wc_FreeRsaKey(object);
}

/** put_number writes one INTEGER of a key. */
static int put_number(struct chy_asn1_out *out, mp_int *number)
{
    uint8_t bytes[MODULUS_MAX];
    int len = mp_unsigned_bin_size(number);
    if (len < 0 || (size_t)len > sizeof bytes) {
        return BUFFER_E;
    }
    int code = mp_to_unsigned_bin(number, bytes);
    if (code == 0) {
        chy_asn1_put_unsigned(out, chy_slice_of(bytes, (uint64_t)len));
    }
    explicit_bzero(bytes, sizeof bytes);
    return code;
}

/** put_sequence writes `count` numbers as a SEQUENCE, and moves it to the buffer's start. */
static int put_sequence(mp_int *const *numbers, size_t count, struct chy_buffer buffer,
                        uint32_t *out_len)
{
    struct chy_asn1_out out;
    chy_asn1_out_init(&out, buffer.ptr, buffer.len);
    for (size_t i = count; i > 0; i--) {
        int code = put_number(&out, numbers[i - 1]);
        if (code != 0) {
            return code;
        }
    }
    chy_asn1_put_header(&out, CHY_ASN1_SEQUENCE, 0);
    struct chy_slice written = chy_asn1_out_slice(&out);
    if (out.full) {
        return BUFFER_E;
    }
    memmove(buffer.ptr, written.ptr, written.len);
    *out_len = (uint32_t)written.len;
    return 0;
}

/**
 * export_key writes RSAPrivateKey and RSAPublicKey (RFC 8017 A.1).  wolfCrypt could write them
 * too, but leaves copies of the primes on the heap.
 */
static int export_key(RsaKey *key, struct chy_material *out_material)
{
    mp_int version;
    int code = mp_init(&version);
    if (code != 0) {
        return code;
    }
    mp_int *const numbers[] = {&version, &key->n,  &key->e,  &key->d, &key->p,
                               &key->q,  &key->dP, &key->dQ, &key->u};
    struct chy_buffer secret = {out_material->secret, sizeof out_material->secret};
    struct chy_buffer bits = {out_material->public_bits, sizeof out_material->public_bits};
    code = put_sequence(numbers, sizeof numbers / sizeof numbers[0], secret,
                        &out_material->secret_len);
    return code == 0 ? put_sequence(&numbers[1], 2, bits, &out_material->public_len) : code;
}

/** signs_right makes a signature and checks it, so that no key that was made or taken in wrongly is
 *  ever used. */
static int signs_right(RsaKey *key, struct chy_rng *rng)
{
    static const uint8_t probe[32] = "a key is asked to sign this once";
    uint8_t signature[MODULUS_MAX];
    uint8_t back[MODULUS_MAX];
    int code = wc_RsaSetRNG(key, &rng->rng);
    if (code != 0) {
        return code;
    }
    int len = wc_RsaSSL_Sign(probe, sizeof probe, signature, sizeof signature, key, &rng->rng);
    if (len <= 0) {
        return len == 0 ? BUFFER_E : len;
    }
    int back_len = wc_RsaSSL_Verify(signature, (word32)len, back, sizeof back, key);
    if (back_len < 0) {
        return back_len;
    }
    return back_len == (int)sizeof probe && memcmp(back, probe, sizeof probe) == 0 ? 0
                                                                                   : SIG_VERIFY_E;
}

static int generate(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material)
{
    RsaKey *key = object;
    int code = wc_InitRsaKey(key, NULL);
    if (code != 0) {
        return code;
    }
    code = wc_MakeRsaKey(key, algorithm->parameter, EXPONENT, &rng->rng);
    if (code == 0) {
        code = signs_right(key, rng);
    }
    if (code == 0) {
        code = export_key(key, out_material);
    }
    if (code != 0) {
        (void)wc_FreeRsaKey(key);
    }
    return code;
}

/* --- taking keys in ----------------------------------------------------------------------------*/

/** is_inverse checks that a·b is 1 modulo m - less. */
static int is_inverse(mp_int *a, mp_int *b, mp_int *m, mp_digit less)
{
    mp_int modulus;
    mp_int product;
    int code = mp_init_multi(&modulus, &product, NULL, NULL, NULL, NULL);
    if (code == 0) {
        code = mp_sub_d(m, less, &modulus);
    }
    if (code == 0) {
        code = mp_mulmod(a, b, &modulus, &product);
    }
    if (code == 0 && !mp_isone(&product)) {
        code = RSA_KEY_PAIR_E;
    }
    mp_forcezero(&modulus);
    mp_forcezero(&product);
    return code;
}

/** hangs_together checks n = pq, e·dP = 1 (mod p-1), e·dQ = 1 (mod q-1), q·qInv = 1 (mod p), and d
 *  against both primes (RFC 8017 3.2). */
static int hangs_together(RsaKey *key)
{
    mp_int product;
    int code = mp_init(&product);
    if (code == 0) {
        code = mp_mul(&key->p, &key->q, &product);
    }
    if (code == 0 &&
        (mp_cmp(&product, &key->n) != MP_EQ || mp_isone(&key->p) || mp_isone(&key->q))) {
        code = RSA_KEY_PAIR_E;
    }
    mp_forcezero(&product);
    if (code == 0) {
        code = is_inverse(&key->e, &key->dP, &key->p, 1);
    }
    if (code == 0) {
        code = is_inverse(&key->e, &key->dQ, &key->q, 1);
    }
    if (code == 0) {
        code = is_inverse(&key->u, &key->q, &key->p, 0);
    }
    if (code == 0) {
        code = is_inverse(&key->e, &key->d, &key->p, 1);
    }
    if (code == 0) {
        code = is_inverse(&key->e, &key->d, &key->q, 1);
    }
    return code;
}

static int import_key(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    RsaKey *key = object;
    int code = load_private(key, algorithm, secret, secret);
    if (code != 0) {
        return code;
    }
    if (!trusted) {
        code = hangs_together(key);
    }
    if (code == 0 && !trusted) {
        code = signs_right(key, rng);
    }
    if (code == 0) {
        code = export_key(key, out_material);
    }
    if (code != 0) {
        (void)wc_FreeRsaKey(key);
    }
    return code;
}

/* --- signatures --------------------------------------------------------------------------------*/

static int sign(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                struct chy_buffer out, uint64_t *out_len)
{
    RsaKey *key = object;
    const struct hashing *hashing = hashing_of(call->scheme->digest);
    int code = wc_RsaSetRNG(key, &rng->rng); // for blinding
    if (code != 0) {
        return code;
    }
    if (call->scheme->pss) {
        code = wc_RsaPSS_Sign_ex(call->message.ptr, (word32)call->message.len, out.ptr,
                                 (word32)out.len, hashing->hash, hashing->mgf, (int)hashing->len,
                                 key, &rng->rng);
    } else {
        uint8_t info[INFO_PREFIX_LEN + CHY_DIGEST_MAX];
        struct chy_slice signed_part = digest_info(hashing, call->message, info);
        code = wc_RsaSSL_Sign(signed_part.ptr, (word32)signed_part.len, out.ptr, (word32)out.len,
                              key, &rng->rng);
    }
    (void)wc_RsaSetRNG(key, NULL); // it goes back to its pool
    if (code <= 0) {
        return code == 0 ? BUFFER_E : code;
    }
    *out_len = (uint64_t)code;
    return 0;
}

static int verify_pss(RsaKey *key, const struct hashing *hashing, struct chy_slice digest,
                      uint8_t *signature, word32 signature_len)
{
    uint8_t *unused = NULL;
    int code = wc_RsaPSS_VerifyInline_ex(signature, signature_len, &unused, hashing->hash,
                                         hashing->mgf, (int)hashing->len, key);
    if (code <= 0) {
        return SIG_VERIFY_E;
    }
    // What comes back is salt and hash, in the form that the next call wants.
    return wc_RsaPSS_CheckPadding_ex(digest.ptr, (word32)digest.len, unused, (word32)code,
                                     hashing->hash, (int)hashing->len,
                                     wc_RsaEncryptSize(key) * 8) == 0
               ? 0
               : SIG_VERIFY_E;
}

/** is_below_modulus checks the signature as a number (RFC 8017 5.2.2, step 1). */
static bool is_below_modulus(RsaKey *key, struct chy_slice signature)
{
    mp_int number;
    return mp_init(&number) == 0 &&
           mp_read_unsigned_bin(&number, signature.ptr, (word32)signature.len) == 0 &&
           mp_cmp(&number, &key->n) == MP_LT;
}

static int verify(void *object, const struct chy_signature_call *call, struct chy_slice signature)
{
    RsaKey *key = object;
    uint8_t copy[MODULUS_MAX];
    uint8_t back[MODULUS_MAX];
    uint8_t info[INFO_PREFIX_LEN + CHY_DIGEST_MAX];
    const struct hashing *hashing = hashing_of(call->scheme->digest);
    // RFC 8017 8.1.2 and 8.2.2, step 1
    if (signature.len != (uint64_t)wc_RsaEncryptSize(key) || signature.len > sizeof copy ||
        !is_below_modulus(key, signature)) {
        return SIG_VERIFY_E;
    }
    memcpy(copy, signature.ptr, signature.len);
    if (call->scheme->pss) {
        return verify_pss(key, hashing, call->message, copy, (word32)signature.len);
    }
    struct chy_slice expected = digest_info(hashing, call->message, info);
    int len = wc_RsaSSL_Verify(copy, (word32)signature.len, back, sizeof back, key);
    if (len == MEMORY_E) {
        return len;
    }
    return len > 0 && chy_slice_equal(chy_slice_of(back, (uint64_t)len), expected) ? 0
                                                                                   : SIG_VERIFY_E;
}

const struct chy_kind_ops chy_rsa_ops = {
    .object_size = sizeof(RsaKey),
    .load_public = load_public,
    .load_private = load_private,
    .fini = fini,
    .generate = generate,
    .import = import_key,
    .sign = sign,
    .verify = verify,
};
