#include "access/password.h"

#include "base/encode.h"
#include "base/op.h"
#include "base/secret.h"
#include "base/slice.h"
#include "resource/keyring.h"
#include "resource/shape.h"

#define SALT_LEN 16U
#define HASH_LEN 32U
#define PHC_MAX 256U

/** Argon2 1.3, the one version of RFC 9106. */
#define BEGINNING "$argon2id$v=19$"

/** One PHC string, read. */
struct phc {
    struct chy_password_cost cost;
    uint8_t salt[SALT_LEN];
    uint8_t hash[HASH_LEN];
};

chy_status chy_password_check(struct chy_op *op, struct chy_slice password,
                              struct chy_slice username, const char *path)
{
    if (password.len > CHY_PASSWORD_BYTES_MAX) {
        return chy_shape_refuse_one(op, "too_big", path, "expected at most %u bytes, found %llu",
                                    CHY_PASSWORD_BYTES_MAX, (unsigned long long)password.len);
    }
    if (username.len != 0 && chy_slice_equal_nocase(password, username)) {
        return chy_shape_refuse_one(op, "custom", path, "the username is no password");
    }
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Hashing
 */

static chy_status mac_of(struct chy_runtime *runtime, struct chy_op *op, const struct chy_uuid *id,
                         struct chy_slice password, struct chy_slice *out_mac)
{
    struct chy_buf message;
    chy_buf_init_secret(&message, op, sizeof id->bytes + CHY_STORAGE_TEXT_MAX);
    chy_buf_add(&message, chy_slice_of(id->bytes, sizeof id->bytes));
    chy_buf_add(&message, password);
    if (!chy_buf_ok(&message)) {
        return chy_buf_fail(&message, op, "the password");
    }
    return chy_keyring_mac(runtime->keyring, op, CHY_MAC_PASSWORD, chy_buf_slice(&message),
                           out_mac);
}

/** enter waits for its turn: each hash takes much memory and a processor for a while. */
static chy_status enter(struct chy_runtime *runtime, struct chy_op *op)
{
    switch (chy_permits_acquire(runtime->passwords, chy_deadline(op))) {
    case CHY_PERMIT_GIVEN: return CHY_OK;
    case CHY_PERMIT_TIMEOUT:
        return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_TIMEOUT,
                               "the log-in waited too long for its turn");
    case CHY_PERMIT_FULL: break;
    }
    return chy_fail_reason(op, CHY_TRY_LATER, CHY_REASON_OVERLOAD,
                           "too many log-ins wait for their turn");
}

static chy_status derive(struct chy_runtime *runtime, struct chy_op *op, const struct phc *phc,
                         struct chy_slice mac, struct chy_buffer out)
{
    struct chy_crypto *crypto = chy_services_with_kdf(runtime->services, CHY_KDF_ARGON2ID);
    struct chy_kdf_call call = {
        .struct_size = sizeof call,
        .algorithm = CHY_KDF_ARGON2ID,
        .lanes = phc->cost.lanes,
        .cost = phc->cost.passes,
        .memory = phc->cost.memory,
        .secret = mac,
        .salt = chy_slice_of(phc->salt, sizeof phc->salt),
    };
    if (crypto == NULL) {
        return chy_fail(op, CHY_UNSUPPORTED, 0,
                        "there are no passwords on this server: none of its crypto providers has "
                        "Argon2id");
    }
    CHY_TRY(enter(runtime, op));
    chy_metrics_count(runtime->services->metrics, chy_text("password_hashes"),
                      chy_slice_of(NULL, 0), 1);
    chy_status status = chy_crypto_kdf(crypto, op, &call, out);
    chy_permits_release(runtime->passwords);
    return status;
}

/** hash_of hashes a password as `phc` says. */
static chy_status hash_of(struct chy_runtime *runtime, struct chy_op *op, const struct phc *phc,
                          const struct chy_uuid *id, struct chy_slice password,
                          struct chy_slice *out_hash)
{
    struct chy_buffer hash = {chy_secret_alloc(op, HASH_LEN), HASH_LEN};
    struct chy_slice mac;
    if (hash.ptr == NULL) {
        return chy_fail_memory(op);
    }
    CHY_TRY(mac_of(runtime, op, id, password, &mac));
    CHY_TRY(derive(runtime, op, phc, mac, hash));
    *out_hash = chy_slice_of(hash.ptr, hash.len);
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * PHC strings: base64 of RFC 4648 section 4, without its padding
 */

static void add_base64(struct chy_buf *buf, struct chy_slice bytes)
{
    char text[CHY_BASE64_LEN(HASH_LEN)];
    uint64_t len = CHY_BASE64_LEN(bytes.len);
    chy_base64_encode(bytes, text);
    while (len > 0 && text[len - 1] == '=') {
        len--;
    }
    chy_buf_add_u8(buf, '$');
    chy_buf_add(buf, chy_slice_of(text, len));
}

/** read_base64 takes "$digits" that stand for exactly `out.len` bytes from the front of `rest`. */
static bool read_base64(struct chy_slice *rest, struct chy_buffer out)
{
    char text[CHY_BASE64_LEN(HASH_LEN)];
    uint64_t padded = CHY_BASE64_LEN(out.len);
    uint64_t digits = (out.len * 8 + 5) / 6;
    size_t len = 0;
    if (rest->len < 1 + digits || rest->ptr[0] != '$') {
        return false;
    }
    memcpy(text, rest->ptr + 1, (size_t)digits);
    memset(text + digits, '=', (size_t)(padded - digits));
    *rest = chy_slice_skip(*rest, 1 + digits);
    return chy_base64_decode(chy_slice_of(text, padded), out, &len) && len == out.len;
}

/** read_number takes "name=digits" and what follows it, `end` or the end, from the front. */
static bool read_number(struct chy_slice *rest, const char *name, uint8_t end, uint32_t *out_number)
{
    struct chy_slice digits = chy_slice_skip(*rest, strlen(name));
    uint64_t len = 0;
    uint64_t number;
    if (!chy_slice_starts_with(*rest, chy_text(name)) || !chy_slice_find(digits, end, &len) ||
        !chy_slice_parse_u64(chy_slice_first(digits, len), UINT32_MAX, &number)) {
        return false;
    }
    *rest = chy_slice_skip(digits, len);
    *out_number = (uint32_t)number;
    return true;
}

static bool read_phc(struct chy_slice text, struct phc *out_phc)
{
    struct chy_buffer salt = {out_phc->salt, sizeof out_phc->salt};
    struct chy_buffer hash = {out_phc->hash, sizeof out_phc->hash};
    struct chy_slice rest = chy_slice_skip(text, strlen(BEGINNING));
    return chy_slice_starts_with(text, chy_text(BEGINNING)) &&
           read_number(&rest, "m=", ',', &out_phc->cost.memory) &&
           read_number(&rest, ",t=", ',', &out_phc->cost.passes) &&
           read_number(&rest, ",p=", '$', &out_phc->cost.lanes) && read_base64(&rest, salt) &&
           read_base64(&rest, hash) && rest.len == 0;
}

/* ------------------------------------------------------------------------------------------------
 * Whole passwords
 */

chy_status chy_password_hash(struct chy_runtime *runtime, struct chy_op *op,
                             const struct chy_uuid *id, struct chy_slice password,
                             struct chy_slice *out_phc)
{
    struct phc phc = {.cost = runtime->access.password_cost};
    struct chy_buffer salt = {phc.salt, sizeof phc.salt};
    struct chy_slice hash;
    struct chy_buf text;
    CHY_TRY(chy_crypto_random(runtime->seal_crypto, op, salt));
    CHY_TRY(hash_of(runtime, op, &phc, id, password, &hash));
    chy_buf_init(&text, op, PHC_MAX);
    chy_buf_add_format(&text, BEGINNING "m=%u,t=%u,p=%u", phc.cost.memory, phc.cost.passes,
                       phc.cost.lanes);
    add_base64(&text, chy_slice_of(phc.salt, sizeof phc.salt));
    add_base64(&text, hash);
    if (!chy_buf_ok(&text)) {
        return chy_buf_fail(&text, op, "the hash of a password");
    }
    *out_phc = chy_buf_slice(&text);
    return CHY_OK;
}

static bool is_same_cost(const struct chy_password_cost *a, const struct chy_password_cost *b)
{
    return a->memory == b->memory && a->passes == b->passes && a->lanes == b->lanes;
}

chy_status chy_password_verify(struct chy_runtime *runtime, struct chy_op *op,
                               const struct chy_uuid *id, struct chy_slice phc_text,
                               struct chy_slice password, struct chy_password_verdict *out_verdict)
{
    struct phc phc = {.cost = runtime->access.password_cost};
    struct chy_slice hash;
    bool is_somebodys = phc_text.len != 0;
    if (is_somebodys && !read_phc(phc_text, &phc)) {
        return chy_fail(op, CHY_BROKEN, 0, "the stored hash of a password cannot be read");
    }
    CHY_TRY(hash_of(runtime, op, &phc, id, password, &hash));
    bool same = chy_secret_equal(hash, chy_slice_of(phc.hash, sizeof phc.hash));
    out_verdict->is_right = same && is_somebodys;
    out_verdict->is_outdated =
        out_verdict->is_right && !is_same_cost(&phc.cost, &runtime->access.password_cost);
    return CHY_OK;
}
