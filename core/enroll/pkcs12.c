#include "enroll/pkcs12.h"

#include "enroll/sign.h"

/** What a guess at the password costs; the legacy scheme is for readers that take no more. */
#define MODERN_ITERATIONS 50000U
#define LEGACY_ITERATIONS 10000U

enum {
    SALT_LEN = 16,
    LEGACY_SALT_LEN = 8,
    IV_MAX = 16
};

/** The octet by which RFC 7292 B.3 tells derived things apart. */
enum purpose {
    FOR_KEY = 1,
    FOR_IV = 2,
    FOR_MAC = 3
};

/** One file in the making. */
struct sealing {
    struct chy_runtime *runtime;
    struct chy_op *op;
    enum chy_pkcs12_scheme scheme;
    struct chy_slice password; /**< UTF-8, as PBES2 takes it */
    struct chy_slice utf16;    /**< as a BMPString with its NUL, as PKCS#12 takes it */
    struct chy_crypto *kdf;    /**< derives keys of the encryption */
    struct chy_crypto *kdf12;  /**< derives the MAC's key, and all of the legacy scheme */
    struct chy_crypto *cipher;
    struct chy_crypto *digest;
};

static bool is_modern(const struct sealing *s)
{
    return s->scheme == CHY_PKCS12_MODERN;
}

static uint32_t cipher_of(const struct sealing *s)
{
    return is_modern(s) ? CHY_CIPHER_AES_256_CBC : CHY_CIPHER_DES_EDE3_CBC;
}

static uint32_t digest_of(const struct sealing *s)
{
    return is_modern(s) ? CHY_DIGEST_SHA256 : CHY_DIGEST_SHA1;
}

static chy_status find_providers(struct sealing *s)
{
    const struct chy_services *services = s->runtime->services;
    s->kdf12 = chy_services_with_kdf(services, CHY_KDF_PKCS12);
    s->kdf = is_modern(s) ? chy_services_with_kdf(services, CHY_KDF_PBKDF2) : s->kdf12;
    s->cipher = chy_services_with_cipher(services, cipher_of(s));
    s->digest = chy_services_with_digest(services, digest_of(s));
    if (s->kdf12 == NULL || s->kdf == NULL || s->cipher == NULL || s->digest == NULL) {
        return chy_fail(s->op, CHY_UNSUPPORTED, 0,
                        "no crypto instance here has what a PKCS#12 file of the %s scheme needs",
                        is_modern(s) ? "modern" : "legacy");
    }
    return CHY_OK;
}

static chy_status read_password(struct sealing *s)
{
    uint64_t len = 0;
    uint8_t *utf16 = chy_secret_alloc(s->op, chy_pkcs12_utf16_size(s->password.len));
    if (utf16 == NULL) {
        return chy_fail_memory(s->op);
    }
    if (!chy_pkcs12_utf16(s->password, true, utf16, &len)) {
        return chy_fail(s->op, CHY_BAD_INPUT, 0, "the password has a NUL character in it");
    }
    s->utf16 = chy_slice_of(utf16, len);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Deriving
 */

/** new_secrecy draws a salt and notes what the file says of it. */
static chy_status new_secrecy(const struct sealing *s, struct chy_pkcs12_secrecy *out_secrecy)
{
    struct chy_buffer salt = {chy_alloc(s->op, SALT_LEN),
                              is_modern(s) ? SALT_LEN : LEGACY_SALT_LEN};
    if (salt.ptr == NULL) {
        return chy_fail_memory(s->op);
    }
    CHY_TRY(chy_crypto_random(s->runtime->leaf_crypto, s->op, salt));
    *out_secrecy = (struct chy_pkcs12_secrecy){
        .scheme = s->scheme,
        .salt = chy_slice_of(salt.ptr, salt.len),
        .iterations = is_modern(s) ? MODERN_ITERATIONS : LEGACY_ITERATIONS,
    };
    return CHY_OK;
}

/** derive fills `len` octets of secret memory. */
static chy_status derive(const struct sealing *s, const struct chy_pkcs12_secrecy *secrecy,
                         enum purpose purpose, uint64_t len, struct chy_slice *out_secret)
{
    uint8_t id = (uint8_t)purpose;
    bool pbkdf2 = is_modern(s) && purpose == FOR_KEY;
    struct chy_kdf_call call = {
        .struct_size = sizeof call,
        .algorithm = pbkdf2 ? CHY_KDF_PBKDF2 : CHY_KDF_PKCS12,
        .digest = digest_of(s),
        .cost = secrecy->iterations,
        .secret = pbkdf2 ? s->password : s->utf16,
        .salt = secrecy->salt,
        .info = pbkdf2 ? chy_slice_of(NULL, 0) : chy_slice_of(&id, 1),
    };
    struct chy_buffer out = {chy_secret_alloc(s->op, len), len};
    if (out.ptr == NULL) {
        return chy_fail_memory(s->op);
    }
    CHY_TRY(chy_cpu_enter(s->runtime, s->op));
    chy_status status = chy_crypto_kdf(pbkdf2 ? s->kdf : s->kdf12, s->op, &call, out);
    chy_cpu_leave(s->runtime);
    CHY_TRY(status);
    *out_secret = chy_slice_of(out.ptr, len);
    return CHY_OK;
}

static chy_status random_iv(const struct sealing *s, struct chy_slice *out_iv)
{
    struct chy_buffer iv = {chy_alloc(s->op, IV_MAX), IV_MAX};
    if (iv.ptr == NULL) {
        return chy_fail_memory(s->op);
    }
    CHY_TRY(chy_crypto_random(s->runtime->leaf_crypto, s->op, iv));
    *out_iv = chy_slice_of(iv.ptr, iv.len);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * The steps
 */

static chy_status encrypt(const struct sealing *s, struct chy_slice clear,
                          struct chy_pkcs12_sealed *out_sealed)
{
    struct chy_pkcs12_sealed sealed;
    struct chy_cipher_call call = {
        .struct_size = sizeof call, .algorithm = cipher_of(s), .input = clear};
    CHY_TRY(new_secrecy(s, &sealed.secrecy));
    if (is_modern(s)) {
        CHY_TRY(derive(s, &sealed.secrecy, FOR_KEY, 32, &call.key));
        CHY_TRY(random_iv(s, &sealed.secrecy.iv));
        call.iv = sealed.secrecy.iv;
    } else {
        CHY_TRY(derive(s, &sealed.secrecy, FOR_KEY, 24, &call.key));
        CHY_TRY(derive(s, &sealed.secrecy, FOR_IV, 8, &call.iv));
    }
    CHY_TRY(chy_crypto_cipher(s->cipher, s->op, &call, &sealed.ciphertext));
    *out_sealed = sealed;
    return CHY_OK;
}

static chy_status close_file(const struct sealing *s, struct chy_slice safe,
                             struct chy_slice *out_file)
{
    struct chy_pkcs12_secrecy secrecy;
    struct chy_slice key;
    struct chy_slice mac;
    CHY_TRY(new_secrecy(s, &secrecy));
    CHY_TRY(derive(s, &secrecy, FOR_MAC, is_modern(s) ? 32 : 20, &key));
    CHY_TRY(chy_crypto_hmac_raw(s->digest, s->op, key, digest_of(s), safe, &mac));
    return chy_pkcs12_file(s->op, safe, &secrecy, mac, out_file);
}

chy_status chy_pkcs12_seal(struct chy_runtime *runtime, struct chy_op *op,
                           const struct chy_pkcs12_wanted *wanted, struct chy_slice *out_file)
{
    struct sealing s = {
        .runtime = runtime, .op = op, .scheme = wanted->scheme, .password = wanted->password};
    struct chy_slice certificates;
    struct chy_slice safe;
    struct chy_pkcs12_sealed sealed_certificates;
    struct chy_pkcs12_sealed sealed_key;
    CHY_TRY(find_providers(&s));
    CHY_TRY(read_password(&s));
    CHY_TRY(chy_pkcs12_certificates(op, &wanted->contents, &certificates));
    CHY_TRY(encrypt(&s, certificates, &sealed_certificates));
    CHY_TRY(encrypt(&s, wanted->pkcs8, &sealed_key));
    CHY_TRY(chy_pkcs12_safe(op, &wanted->contents, &sealed_certificates, &sealed_key, &safe));
    return close_file(&s, safe, out_file);
}
