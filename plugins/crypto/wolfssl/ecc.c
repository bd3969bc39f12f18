/** The NIST curves: SEC 1, FIPS 186-5. */
#include "ecc.h"

#include "asn1.h"

#define COORDINATE_MAX 66U
#define POINT_UNCOMPRESSED 0x04

#if CHY_WOLF_ECDSA_LEAKS
// The same switch that makes signing leak keeps a cache of up to 12 MB for each thread.
static pthread_once_t thread_key_once = PTHREAD_ONCE_INIT;
static pthread_key_t thread_key;

static void free_thread_cache(void *unused)
{
    (void)unused;
    wc_ecc_fp_free();
}

static void make_thread_key(void)
{
    (void)pthread_key_create(&thread_key, free_thread_cache);
}

void chy_ecc_thread_starts(void)
{
    (void)pthread_once(&thread_key_once, make_thread_key);
    if (pthread_getspecific(thread_key) == NULL) {
        (void)pthread_setspecific(thread_key, &thread_key);
    }
}
#else
void chy_ecc_thread_starts(void) {}
#endif

/** is_reduced checks that both coordinates are below the prime (SEC 1 3.2.2.1): wolfCrypt takes a
 *  larger one for its remainder, and one point would have two encodings. */
static int is_reduced(const ecc_key *key)
{
    mp_int prime;
    int code = mp_init(&prime);
    if (code == 0) {
        code = mp_read_radix(&prime, key->dp->prime, MP_RADIX_HEX);
    }
    if (code == 0 &&
        (mp_cmp(key->pubkey.x, &prime) != MP_LT || mp_cmp(key->pubkey.y, &prime) != MP_LT)) {
        code = ECC_OUT_OF_RANGE_E;
    }
    return code;
}

static int load_public(void *object, const struct chy_algorithm *algorithm, struct chy_slice bits)
{
    ecc_key *key = object;
    if (bits.len != algorithm->public_len || bits.ptr[0] != POINT_UNCOMPRESSED) {
        return ASN_PARSE_E;
    }
    int code = wc_ecc_init(key);
    if (code != 0) {
        return code;
    }
#if CHY_WOLF_AT_LEAST(5, 9, 0)
    const int untrusted = 1; // so it is checked to lie on the curve
    code = wc_ecc_import_x963_ex2(bits.ptr, (word32)bits.len, key, algorithm->parameter, untrusted);
#else
    code = wc_ecc_import_x963_ex(bits.ptr, (word32)bits.len, key, algorithm->parameter);
    if (code == 0) {
        code = wc_ecc_point_is_on_curve(&key->pubkey, key->idx);
    }
#endif
    if (code == 0) {
        code = is_reduced(key);
    }
    if (code != 0) {
        (void)wc_ecc_free(key);
    }
    return code;
}

static int load_private(void *object, const struct chy_algorithm *algorithm,
                        struct chy_slice secret, struct chy_slice public_bits)
{
    ecc_key *key = object;
    int code = wc_ecc_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ecc_import_private_key_ex(secret.ptr, (word32)secret.len, public_bits.ptr,
                                        (word32)public_bits.len, key, algorithm->parameter);
    if (code != 0) {
        (void)wc_ecc_free(key);
    }
    return code;
}

static void fini(void *object)
{
    (void)wc_ecc_free(object);
}

static int export_key(ecc_key *key, struct chy_material *out_material)
{
    word32 secret_len = sizeof out_material->secret;
    word32 public_len = sizeof out_material->public_bits;
    int code = wc_ecc_export_private_only(key, out_material->secret, &secret_len);
    if (code == 0) {
        code = wc_ecc_export_x963(key, out_material->public_bits, &public_len);
    }
    if (code == 0) {
        out_material->secret_len = secret_len;
        out_material->public_len = public_len;
    }
    return code;
}

static int generate(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                    struct chy_material *out_material)
{
    ecc_key *key = object;
    chy_ecc_thread_starts();
    int code = wc_ecc_init(key);
    if (code != 0) {
        return code;
    }
    code = wc_ecc_make_key_ex(&rng->rng, (int)algorithm->size, key, algorithm->parameter);
    if (code == 0) {
        code = export_key(key, out_material);
    }
    if (code != 0) {
        (void)wc_ecc_free(key);
    }
    return code;
}

/** in_range checks 0 < d < n. */
static int in_range(const ecc_key *key, struct chy_slice scalar)
{
    mp_int order;
    mp_int value;
    int code = mp_init_multi(&order, &value, NULL, NULL, NULL, NULL);
    if (code == 0) {
        code = mp_read_radix(&order, key->dp->order, MP_RADIX_HEX);
    }
    if (code == 0) {
        code = mp_read_unsigned_bin(&value, scalar.ptr, (word32)scalar.len);
    }
    if (code == 0 && (mp_iszero(&value) || mp_cmp(&value, &order) != MP_LT)) {
        code = ECC_PRIV_KEY_E;
    }
    mp_forcezero(&value);
    return code;
}

static int import_scalar(ecc_key *key, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                         struct chy_slice scalar, struct chy_material *out_material)
{
    chy_ecc_thread_starts();
    int code = wc_ecc_import_private_key_ex(scalar.ptr, (word32)scalar.len, NULL, 0, key,
                                            algorithm->parameter);
    if (code == 0) {
        code = in_range(key, scalar);
    }
    if (code == 0) {
        code = wc_ecc_make_pub_ex(key, NULL, &rng->rng);
    }
    return code == 0 ? export_key(key, out_material) : code;
}

static int import_key(void *object, const struct chy_algorithm *algorithm, struct chy_rng *rng,
                      struct chy_slice secret, bool trusted, struct chy_material *out_material)
{
    (void)trusted; // all of it is needed for the public key anyway
    ecc_key *key = object;
    uint8_t scalar[COORDINATE_MAX] = {0};
    if (secret.len == 0 || secret.len > algorithm->size) {
        return ASN_PARSE_E;
    }
    int code = wc_ecc_init(key);
    if (code != 0) {
        return code;
    }
    memcpy(scalar + algorithm->size - secret.len, secret.ptr, secret.len);
    code = import_scalar(key, algorithm, rng, chy_slice_of(scalar, algorithm->size), out_material);
    explicit_bzero(scalar, sizeof scalar);
    if (code != 0) {
        (void)wc_ecc_free(key);
    }
    return code;
}

static int sign(void *object, struct chy_rng *rng, const struct chy_signature_call *call,
                struct chy_buffer out, uint64_t *out_len)
{
    word32 len = (word32)out.len;
    chy_ecc_thread_starts();
    int code = chy_rng_hedge(rng, call->secret, call->message);
    if (code == 0) {
        code = wc_ecc_sign_hash(call->message.ptr, (word32)call->message.len, out.ptr, &len,
                                &rng->rng, object);
    }
    if (code == 0) {
        *out_len = len;
    }
    return code;
}

/** read_signature takes Ecdsa-Sig-Value apart, strictly (RFC 3279 2.2.3). */
static bool read_signature(struct chy_slice signature, uint32_t size, mp_int *r, mp_int *s)
{
    struct chy_slice inside;
    struct chy_slice first;
    struct chy_slice second;
    return chy_asn1_take(&signature, CHY_ASN1_SEQUENCE, &inside) && signature.len == 0 &&
           chy_asn1_take_unsigned(&inside, &first) && chy_asn1_take_unsigned(&inside, &second) &&
           inside.len == 0 && first.len <= size && second.len <= size &&
           mp_read_unsigned_bin(r, first.ptr, (word32)first.len) == 0 &&
           mp_read_unsigned_bin(s, second.ptr, (word32)second.len) == 0;
}

static int verify(void *object, const struct chy_signature_call *call, struct chy_slice signature)
{
    mp_int r;
    mp_int s;
    int holds = 0;
    chy_ecc_thread_starts();
    int code = mp_init_multi(&r, &s, NULL, NULL, NULL, NULL);
    if (code != 0) {
        return code;
    }
    if (!read_signature(signature, call->algorithm->size, &r, &s)) {
        return SIG_VERIFY_E;
    }
    code =
        wc_ecc_verify_hash_ex(&r, &s, call->message.ptr, (word32)call->message.len, &holds, object);
    if (code == MEMORY_E) {
        return code;
    }
    return code == 0 && holds == 1 ? 0 : SIG_VERIFY_E;
}

int chy_ecc_agree(void *private_object, void *public_object, struct chy_rng *rng,
                  struct chy_buffer out)
{
    word32 len = (word32)out.len;
    chy_ecc_thread_starts();
    int code = wc_ecc_set_rng(private_object, &rng->rng); // blinds the multiplication
    if (code == 0) {
        code = wc_ecc_shared_secret(private_object, public_object, out.ptr, &len);
    }
    (void)wc_ecc_set_rng(private_object, NULL);
    if (code == 0 && len != out.len) {
        code = BUFFER_E;
    }
    return code;
}

const struct chy_kind_ops chy_ecc_ops = {
    .object_size = sizeof(ecc_key),
    .load_public = load_public,
    .load_private = load_private,
    .fini = fini,
    .generate = generate,
    .import = import_key,
    .sign = sign,
    .verify = verify,
};
