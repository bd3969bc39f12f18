/** HKDF (RFC 5869), PBKDF2 (RFC 8018), scrypt (RFC 7914), Argon2id (RFC 9106) and the derivation of
 *  PKCS#12 (RFC 7292). */
#include "digest.h"
#include "primitives.h"

#include <argon2.h>
#include <wolfssl/wolfcrypt/pwdbased.h>

/** What one call may cost.  Passwords of people and key files need far less. */
#define OUTPUT_MAX 1024U
#define ITERATIONS_MAX 10000000U
#define MEMORY_MAX_KIB (UINT64_C(1) << 20)
#define ARGON2_PASSES_MAX 64U
#define LANES_MAX 16U

static chy_status too_much(struct chy_op *op, const char *what)
{
    return chy_fail(op, CHY_BAD_INPUT, 0, "%s of a key derivation is out of range", what);
}

static chy_status hash_type(struct chy_op *op, uint32_t digest, int *out_type)
{
    int type = chy_digest_type(digest);
    if (type < 0) {
        return chy_fail(op, CHY_UNSUPPORTED, 0, "digest %u is not offered here", digest);
    }
    *out_type = type;
    return CHY_OK;
}

static chy_status hkdf(struct chy_op *op, const struct chy_kdf_call *call, struct chy_buffer out)
{
    int type = WC_HASH_TYPE_NONE;
    CHY_TRY(hash_type(op, call->digest, &type));
    int digest_len = wc_HashGetDigestSize((enum wc_HashType)type);
    if (out.len > 255U * (uint64_t)digest_len) {
        return too_much(op, "the length"); // RFC 5869 2.3
    }
    int code = wc_HKDF(type, chy_wolf_bytes(call->secret), (word32)call->secret.len,
                       call->salt.len == 0 ? NULL : call->salt.ptr, (word32)call->salt.len,
                       call->info.len == 0 ? NULL : call->info.ptr, (word32)call->info.len, out.ptr,
                       (word32)out.len);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "HKDF");
}

static chy_status pbkdf2(struct chy_op *op, const struct chy_kdf_call *call, struct chy_buffer out)
{
    int type = WC_HASH_TYPE_NONE;
    CHY_TRY(hash_type(op, call->digest, &type));
    if (call->cost == 0 || call->cost > ITERATIONS_MAX) {
        return too_much(op, "the iteration count");
    }
    int code = wc_PBKDF2(out.ptr, chy_wolf_bytes(call->secret), (int)call->secret.len,
                         chy_wolf_bytes(call->salt), (int)call->salt.len, (int)call->cost,
                         (int)out.len, type);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "PBKDF2");
}

static chy_status pkcs12(struct chy_op *op, const struct chy_kdf_call *call, struct chy_buffer out)
{
    int type = WC_HASH_TYPE_NONE;
    CHY_TRY(hash_type(op, call->digest, &type));
    if (call->cost == 0 || call->cost > ITERATIONS_MAX) {
        return too_much(op, "the iteration count");
    }
    if (call->info.len != 1 || call->info.ptr[0] < 1 || call->info.ptr[0] > 3) {
        return too_much(op, "the diversifier"); // RFC 7292 B.3
    }
    int code = wc_PKCS12_PBKDF(out.ptr, chy_wolf_bytes(call->secret), (int)call->secret.len,
                               chy_wolf_bytes(call->salt), (int)call->salt.len, (int)call->cost,
                               (int)out.len, type, call->info.ptr[0]);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "the key derivation of PKCS#12");
}

static chy_status scrypt(struct chy_op *op, const struct chy_kdf_call *call, struct chy_buffer out)
{
    uint64_t n = call->cost;
    if (n < 2 || (n & (n - 1)) != 0 || n > UINT32_MAX || call->memory == 0 || call->memory > 64 ||
        call->lanes == 0 || call->lanes > LANES_MAX || n * call->memory / 8 > MEMORY_MAX_KIB) {
        return too_much(op, "N, r or p");
    }
    int log2n = 0;
    while ((UINT64_C(1) << log2n) < n) {
        log2n++;
    }
    int code = wc_scrypt(out.ptr, chy_wolf_bytes(call->secret), (int)call->secret.len,
                         chy_wolf_bytes(call->salt), (int)call->salt.len, log2n, (int)call->memory,
                         (int)call->lanes, (int)out.len);
    return code == 0 ? CHY_OK : chy_wolf_fail(op, code, "scrypt");
}

/** writable drops a const that libargon2 does not know: it writes into neither password nor salt,
 *  as long as no flag asks it to wipe them. */
static uint8_t *writable(const uint8_t *bytes)
{
    uint8_t *same;
    memcpy(&same, &bytes, sizeof same);
    return same;
}

static chy_status argon2id(struct chy_op *op, const struct chy_kdf_call *call,
                           struct chy_buffer out)
{
    if (call->cost == 0 || call->cost > ARGON2_PASSES_MAX || call->memory > MEMORY_MAX_KIB ||
        call->lanes == 0 || call->lanes > LANES_MAX) {
        return too_much(op, "passes, memory or lanes");
    }
    argon2_context context = {
        .out = out.ptr,
        .outlen = (uint32_t)out.len,
        .pwd = writable(chy_wolf_bytes(call->secret)),
        .pwdlen = (uint32_t)call->secret.len,
        .salt = writable(chy_wolf_bytes(call->salt)),
        .saltlen = (uint32_t)call->salt.len,
        .t_cost = (uint32_t)call->cost,
        .m_cost = (uint32_t)call->memory,
        .lanes = call->lanes,
        .threads = 1, // a plugin starts no threads for a call
        .version = ARGON2_VERSION_13,
        .flags = ARGON2_DEFAULT_FLAGS,
    };
    int code = argon2id_ctx(&context);
    if (code == ARGON2_OK) {
        return CHY_OK;
    }
    return chy_fail(op, code == ARGON2_MEMORY_ALLOCATION_ERROR ? CHY_NO_MEMORY : CHY_BAD_INPUT,
                    code, "Argon2id: %s", argon2_error_message(code));
}

chy_status chy_kdf(struct chy_op *op, const struct chy_kdf_call *call, struct chy_buffer out)
{
    CHY_TRY(chy_wolf_size(op, call->secret.len));
    CHY_TRY(chy_wolf_size(op, call->salt.len));
    CHY_TRY(chy_wolf_size(op, call->info.len));
    if (out.len == 0 || (out.len > OUTPUT_MAX && call->algorithm != CHY_KDF_HKDF)) {
        return too_much(op, "the length");
    }
    switch ((enum chy_kdf_algorithm)call->algorithm) {
    case CHY_KDF_HKDF: return hkdf(op, call, out);
    case CHY_KDF_PBKDF2: return pbkdf2(op, call, out);
    case CHY_KDF_SCRYPT: return scrypt(op, call, out);
    case CHY_KDF_ARGON2ID: return argon2id(op, call, out);
    case CHY_KDF_PKCS12: return pkcs12(op, call, out);
    }
    return chy_fail(op, CHY_UNSUPPORTED, 0, "key derivation %u is not offered here",
                    call->algorithm);
}
