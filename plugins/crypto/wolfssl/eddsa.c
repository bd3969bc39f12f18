/** Ed25519 and Ed448, pure and without context: RFC 8032. */
#include "algorithm.h"

/* --- Ed25519 -----------------------------------------------------------------------------------*/

/** check_point_25519 checks that the public key is a point of the curve. */
static int check_point_25519(ed25519_key *key)
{
#if CHY_WOLF_AT_LEAST(5, 9, 0)
    return wc_ed25519_check_key(key);
#else
    // Older releases refuse every key without a private half; verifying looks at the point first.
    static const uint8_t none[ED25519_SIG_SIZE];
    int holds = 0;
    int code = wc_ed25519_verify_msg(none, sizeof none, none, 1, &holds, key);
    return code == 0 || code == SIG_VERIFY_E ? 0 : code;
#endif
}

static int load_public_25519(void *object, const struct chy_algorithm *algorithm,
                             struct chy_slice bits)
{
    ed25519_key *key = object;
    if (bits.len != algorithm->public_len) {
        return ASN_PARSE_E;
    }
    int code = wc_ed25519_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed25519_import_public(bits.ptr, (word32)bits.len, key);
    if (code == 0) {
        code = check_point_25519(key);
    }
    if (code != 0) {
        wc_ed25519_free(key);
    }
    return code;
}

static int load_private_25519(void *object, const struct chy_algorithm *algorithm,
                              struct chy_slice secret, struct chy_slice public_bits)
{
    (void)algorithm;
    ed25519_key *key = object;
    int code = wc_ed25519_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed25519_import_private_key(secret.ptr, (word32)secret.len, public_bits.ptr,
                                         (word32)public_bits.len, key);
    if (code != 0) {
        wc_ed25519_free(key);
    }
    return code;
}

static void fini_25519(void *object)
{
    wc_ed25519_free(object);
}

static int import_25519(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                        struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)rng;
    (void)trusted;
    ed25519_key *key = object;
    if (secret.len != algorithm->secret_len) {
        return ASN_PARSE_E;
    }
    int code = wc_ed25519_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed25519_import_private_only(secret.ptr, (word32)secret.len, key);
    if (code == 0) {
        code = wc_ed25519_make_public(key, out_material->public_bits, algorithm->public_len);
    }
    wc_ed25519_free(key);
    if (code != 0) {
        return code;
    }
    memcpy(out_material->secret, secret.ptr, secret.len);
    out_material->secret_len = algorithm->secret_len;
    out_material->public_len = algorithm->public_len;
    return load_private_25519(object, algorithm, secret,
                              chy_slice_of(out_material->public_bits, algorithm->public_len));
}

static int generate_25519(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                          struct chy_material *out_material)
{
    uint8_t seed[ED25519_KEY_SIZE];
    int code = chy_rng_fill(rng, (struct chy_buffer){seed, sizeof seed});
    if (code == 0) {
        code = import_25519(object, algorithm, rng, chy_slice_of(seed, sizeof seed), true,
                            out_material);
    }
    explicit_bzero(seed, sizeof seed);
    return code;
}

static int sign_25519(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                      struct chy_buffer out, uint64_t *out_len)
{
    (void)rng; // the nonce follows from key and message
    word32 len = (word32)out.len;
    int code = wc_ed25519_sign_msg(chy_wolf_bytes(call->message), (word32)call->message.len,
                                   out.ptr, &len, object);
    if (code == 0) {
        *out_len = len;
    }
    return code;
}

/** is_reduced tells whether the second half of a signature is below the order of the base point
 *  (RFC 8032 5.1.7, step 1); older releases let a few beyond it pass. */
static bool is_reduced(const uint8_t half[32])
{
    static const uint8_t order[32] = {0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58,
                                      0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14,
                                      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
                                      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x10};
    for (size_t i = sizeof order; i > 0; i--) {
        if (half[i - 1] != order[i - 1]) {
            return half[i - 1] < order[i - 1];
        }
    }
    return false;
}

static int verify_25519(void *object, const struct chy_signature_call *call,
                        struct chy_slice signature)
{
    int holds = 0;
    if (signature.len != ED25519_SIG_SIZE || !is_reduced(signature.ptr + 32)) {
        return SIG_VERIFY_E;
    }
    int code =
        wc_ed25519_verify_msg(signature.ptr, (word32)signature.len, chy_wolf_bytes(call->message),
                              (word32)call->message.len, &holds, object);
    return code == 0 && holds == 1 ? 0 : SIG_VERIFY_E;
}

const struct chy_kind_ops chy_ed25519_ops = {
    .object_size = sizeof(ed25519_key),
    .load_public = load_public_25519,
    .load_private = load_private_25519,
    .fini = fini_25519,
    .generate = generate_25519,
    .import = import_25519,
    .sign = sign_25519,
    .verify = verify_25519,
};

/* --- Ed448 -------------------------------------------------------------------------------------*/

/** check_point_448 checks that the public key is a point of the curve. */
static int check_point_448(ed448_key *key)
{
#if CHY_WOLF_AT_LEAST(5, 9, 0)
    return wc_ed448_check_key(key);
#else
    // Older releases refuse every key without a private half; verifying looks at the point first.
    static const uint8_t none[ED448_SIG_SIZE];
    int holds = 0;
    int code = wc_ed448_verify_msg(none, sizeof none, none, 1, &holds, key, NULL, 0);
    return code == 0 || code == SIG_VERIFY_E ? 0 : code;
#endif
}

static int load_public_448(void *object, const struct chy_algorithm *algorithm,
                           struct chy_slice bits)
{
    ed448_key *key = object;
    if (bits.len != algorithm->public_len) {
        return ASN_PARSE_E;
    }
    int code = wc_ed448_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed448_import_public(bits.ptr, (word32)bits.len, key);
    if (code == 0) {
        code = check_point_448(key);
    }
    if (code != 0) {
        wc_ed448_free(key);
    }
    return code;
}

static int load_private_448(void *object, const struct chy_algorithm *algorithm,
                            struct chy_slice secret, struct chy_slice public_bits)
{
    (void)algorithm;
    ed448_key *key = object;
    int code = wc_ed448_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed448_import_private_key(secret.ptr, (word32)secret.len, public_bits.ptr,
                                       (word32)public_bits.len, key);
    if (code != 0) {
        wc_ed448_free(key);
    }
    return code;
}

static void fini_448(void *object)
{
    wc_ed448_free(object);
}

static int import_448(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)rng;
    (void)trusted;
    ed448_key *key = object;
    if (secret.len != algorithm->secret_len) {
        return ASN_PARSE_E;
    }
    int code = wc_ed448_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ed448_import_private_only(secret.ptr, (word32)secret.len, key);
    if (code == 0) {
        code = wc_ed448_make_public(key, out_material->public_bits, algorithm->public_len);
    }
    wc_ed448_free(key);
    if (code != 0) {
        return code;
    }
    memcpy(out_material->secret, secret.ptr, secret.len);
    out_material->secret_len = algorithm->secret_len;
    out_material->public_len = algorithm->public_len;
    return load_private_448(object, algorithm, secret,
                            chy_slice_of(out_material->public_bits, algorithm->public_len));
}

static int generate_448(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                        struct chy_material *out_material)
{
    uint8_t seed[ED448_KEY_SIZE];
    int code = chy_rng_fill(rng, (struct chy_buffer){seed, sizeof seed});
    if (code == 0) {
        code =
            import_448(object, algorithm, rng, chy_slice_of(seed, sizeof seed), true, out_material);
    }
    explicit_bzero(seed, sizeof seed);
    return code;
}

static int sign_448(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                    struct chy_buffer out, uint64_t *out_len)
{
    (void)rng; // the nonce follows from key and message
    word32 len = (word32)out.len;
    int code = wc_ed448_sign_msg(chy_wolf_bytes(call->message), (word32)call->message.len, out.ptr,
                                 &len, object, NULL, 0);
    if (code == 0) {
        *out_len = len;
    }
    return code;
}

static int verify_448(void *object, const struct chy_signature_call *call,
                      struct chy_slice signature)
{
    int holds = 0;
    if (signature.len != ED448_SIG_SIZE) {
        return SIG_VERIFY_E;
    }
    int code =
        wc_ed448_verify_msg(signature.ptr, (word32)signature.len, chy_wolf_bytes(call->message),
                            (word32)call->message.len, &holds, object, NULL, 0);
    return code == 0 && holds == 1 ? 0 : SIG_VERIFY_E;
}

const struct chy_kind_ops chy_ed448_ops = {
    .object_size = sizeof(ed448_key),
    .load_public = load_public_448,
    .load_private = load_private_448,
    .fini = fini_448,
    .generate = generate_448,
    .import = import_448,
    .sign = sign_448,
    .verify = verify_448,
};
