/** ML-DSA, pure mode with empty context: FIPS 204 as RFC 9881 uses it. */
#include "algorithm.h"

#if CHY_WOLF_MLDSA

static int start(wc_MlDsaKey *key, const struct chy_algorithm *algorithm)
{
    int code = wc_MlDsaKey_Init(key, NULL, INVALID_DEVID);
    if (code != 0) {
        return code;
    }
    code = wc_MlDsaKey_SetParams(key, (byte)algorithm->parameter);
    if (code != 0) {
        wc_MlDsaKey_Free(key);
    }
    return code;
}

static int load_public(void *object, const struct chy_algorithm *algorithm, struct chy_slice bits)
{
    wc_MlDsaKey *key = object;
    if (bits.len != algorithm->public_len) {
        return ASN_PARSE_E;
    }
    int code = start(key, algorithm);
    if (code != 0) {
        return code;
    }
    code = wc_MlDsaKey_ImportPubRaw(key, bits.ptr, (word32)bits.len);
    if (code != 0) {
        wc_MlDsaKey_Free(key);
    }
    return code;
}

static int load_private(void *object, const struct chy_algorithm *algorithm,
                        struct chy_slice secret, struct chy_slice public_bits)
{
    (void)public_bits;
    wc_MlDsaKey *key = object;
    int code = start(key, algorithm);
    if (code != 0) {
        return code;
    }
    code = wc_MlDsaKey_MakeKeyFromSeed(key, secret.ptr);
    if (code != 0) {
        wc_MlDsaKey_Free(key);
    }
    return code;
}

static void fini(void *object)
{
    wc_MlDsaKey_Free(object);
}

static int import_key(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)rng;
    (void)trusted;
    word32 public_len = sizeof out_material->public_bits;
    if (secret.len != algorithm->secret_len) {
        return ASN_PARSE_E;
    }
    int code = load_private(object, algorithm, secret, secret);
    if (code != 0) {
        return code;
    }
    code = wc_MlDsaKey_ExportPubRaw(object, out_material->public_bits, &public_len);
    if (code != 0) {
        wc_MlDsaKey_Free(object);
        return code;
    }
    memcpy(out_material->secret, secret.ptr, secret.len);
    out_material->secret_len = algorithm->secret_len;
    out_material->public_len = public_len;
    return 0;
}

static int generate(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material)
{
    uint8_t seed[32];
    int code = chy_rng_fill(rng, (struct chy_buffer){seed, sizeof seed});
    if (code == 0) {
        code =
            import_key(object, algorithm, rng, chy_slice_of(seed, sizeof seed), true, out_material);
    }
    explicit_bzero(seed, sizeof seed);
    return code;
}

static int sign(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                struct chy_buffer out, uint64_t *out_len)
{
    word32 len = (word32)out.len;
    int code = wc_MlDsaKey_SignCtx(object, NULL, 0, out.ptr, &len, chy_wolf_bytes(call->message),
                                   (word32)call->message.len, &rng->rng);
    if (code == 0) {
        *out_len = len;
    }
    return code;
}

static int verify(void *object, const struct chy_signature_call *call, struct chy_slice signature)
{
    int holds = 0;
    if (signature.len != call->algorithm->signature_max) {
        return SIG_VERIFY_E;
    }
    int code =
        wc_MlDsaKey_VerifyCtx(object, signature.ptr, (word32)signature.len, NULL, 0,
                              chy_wolf_bytes(call->message), (word32)call->message.len, &holds);
    if (code == MEMORY_E) {
        return code;
    }
    return code == 0 && holds == 1 ? 0 : SIG_VERIFY_E;
}

const struct chy_kind_ops chy_mldsa_ops = {
    .object_size = sizeof(wc_MlDsaKey),
    .load_public = load_public,
    .load_private = load_private,
    .fini = fini,
    .generate = generate,
    .import = import_key,
    .sign = sign,
    .verify = verify,
};

#else

/** ISO C wants a translation unit to declare something. */
typedef int chy_mldsa_is_absent;

#endif
