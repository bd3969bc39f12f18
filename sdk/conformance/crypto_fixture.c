#include "crypto_fixture.h"

#include <stdlib.h>

struct conf_arguments crypto_arguments;
struct conf_plugin *crypto_plugin;
const struct chy_crypto_ops *crypto;
void *self;
struct chy_instance *crypto_instance;
struct chy_op *op;

static char *directory;
static struct chy_crypto_capabilities capabilities;

const struct pair pairs[] = {
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256},
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA384},
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA512},
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_PSS_SHA256},
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_PSS_SHA384},
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_PSS_SHA512},
    {CHY_KEY_RSA_3072, CHY_SIG_RSA_SHA384},
    {CHY_KEY_RSA_3072, CHY_SIG_RSA_PSS_SHA384},
    {CHY_KEY_RSA_4096, CHY_SIG_RSA_SHA512},
    {CHY_KEY_RSA_4096, CHY_SIG_RSA_PSS_SHA512},
    {CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256},
    {CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA384},
    {CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA512},
    {CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA256},
    {CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA384},
    {CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA512},
    {CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA256},
    {CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA384},
    {CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA512},
    {CHY_KEY_ED25519, CHY_SIG_ED25519},
    {CHY_KEY_ED448, CHY_SIG_ED448},
    {CHY_KEY_ML_DSA_44, CHY_SIG_ML_DSA_44},
    {CHY_KEY_ML_DSA_65, CHY_SIG_ML_DSA_65},
    {CHY_KEY_ML_DSA_87, CHY_SIG_ML_DSA_87},
};
const size_t pair_count = sizeof pairs / sizeof pairs[0];

const uint32_t signing_keys[] = {
    CHY_KEY_RSA_2048,  CHY_KEY_RSA_3072,  CHY_KEY_RSA_4096,  CHY_KEY_EC_P256,
    CHY_KEY_EC_P384,   CHY_KEY_EC_P521,   CHY_KEY_ED25519,   CHY_KEY_ED448,
    CHY_KEY_ML_DSA_44, CHY_KEY_ML_DSA_65, CHY_KEY_ML_DSA_87,
};
const size_t signing_key_count = sizeof signing_keys / sizeof signing_keys[0];

/* --- set-up ------------------------------------------------------------------------------------*/

void crypto_up(void)
{
    directory = conf_temp_dir_new();
    crypto_instance = conf_instance_new(crypto_plugin, &crypto_arguments, "crypto", directory);
    ck_assert_ptr_nonnull(crypto_instance);
    ck_assert_int_eq(conf_instance_up(crypto_instance), CHY_OK);
    self = conf_instance_self(crypto_instance);
    op = conf_op_new(crypto_instance);
    must(CHY_OK, crypto->capabilities(self, op, &capabilities));
}

void crypto_down(void)
{
    conf_op_free(op);
    ck_assert_int_eq(conf_live_operations(crypto_instance), 0);
    conf_instance_down(crypto_instance);
    conf_instance_free(crypto_instance);
    conf_temp_dir_remove(directory);
}

TCase *crypto_tcase(const char *name)
{
    TCase *tcase = tcase_create(name);
    tcase_add_checked_fixture(tcase, crypto_up, crypto_down);
    tcase_set_timeout(tcase, 120);
    return tcase;
}

static bool has(struct chy_view numbers, uint32_t number)
{
    for (uint64_t i = 0; i < numbers.count; i++) {
        uint32_t found;
        memcpy(&found, chy_view_at(numbers, i), sizeof found);
        if (found == number) {
            return true;
        }
    }
    return false;
}

bool has_key(uint32_t algorithm)
{
    return has(capabilities.key_algorithms, algorithm);
}

bool has_signature(uint32_t algorithm)
{
    return has(capabilities.signature_algorithms, algorithm);
}

bool has_kdf(uint32_t algorithm)
{
    return has_feature(CHY_CRYPTO_KDF) && has(capabilities.kdf_algorithms, algorithm);
}

bool has_cipher(uint32_t algorithm)
{
    return has_feature(CHY_CRYPTO_CIPHER) && has(capabilities.cipher_algorithms, algorithm);
}

bool has_feature(uint32_t feature)
{
    return (capabilities.features & feature) != 0;
}

/* --- calls that must work ----------------------------------------------------------------------*/

static struct chy_key_template template_of(uint32_t algorithm, uint32_t flags)
{
    struct chy_key_template template = {
        .struct_size = sizeof template,
        .algorithm = algorithm,
        .flags = flags,
        .label = chy_text("contract"),
    };
    return template;
}

struct chy_key *key_made(uint32_t algorithm, uint32_t flags)
{
    struct chy_key_template template = template_of(algorithm, flags);
    struct chy_key *key = NULL;
    must(CHY_OK, crypto->generate(self, op, &template, &key));
    ck_assert_ptr_nonnull(key);
    return key;
}

struct chy_key *key_taken(uint32_t algorithm, uint32_t flags, struct chy_slice material)
{
    struct chy_key_template template = template_of(algorithm, flags);
    struct chy_key *key = NULL;
    must(CHY_OK, crypto->import_key(self, op, &template, material, &key));
    ck_assert_ptr_nonnull(key);
    return key;
}

struct chy_key *key_usual(uint32_t algorithm, uint32_t flags)
{
    if (algorithm == CHY_KEY_RSA_2048) {
        return key_taken(algorithm, flags, bytes_of(known_rsa_pkcs8));
    }
    return key_made(algorithm, flags);
}

struct chy_key *key_public(struct chy_slice spki)
{
    struct chy_key *key = NULL;
    must(CHY_OK, crypto->load_public(self, op, spki, &key));
    ck_assert_ptr_nonnull(key);
    return key;
}

struct chy_slice spki_of(struct chy_key *key)
{
    struct chy_slice spki = {NULL, 0};
    must(CHY_OK, crypto->public_key(self, op, key, &spki));
    return spki;
}

struct chy_slice signature_of(struct chy_key *key, uint32_t algorithm, struct chy_slice message)
{
    struct chy_slice signature = {NULL, 0};
    must(CHY_OK, crypto->sign(self, op, key, algorithm, message, &signature));
    ck_assert_uint_gt(signature.len, 0);
    return signature;
}

struct chy_seal_context context_of(const char *purpose, const char *aad)
{
    struct chy_seal_context context = {
        .struct_size = sizeof context,
        .purpose = chy_text(purpose),
        .aad = chy_text(aad),
    };
    return context;
}

struct chy_slice sealed_with(struct chy_key *key, struct chy_seal_context context,
                             struct chy_slice secret)
{
    struct chy_slice sealed = {NULL, 0};
    must(CHY_OK, crypto->seal(self, op, key, &context, secret, &sealed));
    return sealed;
}

void release(struct chy_key *key)
{
    crypto->release(self, key);
}

/* --- bytes -------------------------------------------------------------------------------------*/

static uint8_t digit(char c)
{
    if (c >= '0' && c <= '9') {
        return (uint8_t)(c - '0');
    }
    ck_assert_msg(c >= 'a' && c <= 'f', "'%c' is no hexadecimal digit", c);
    return (uint8_t)(c - 'a' + 10);
}

struct chy_slice bytes_of(const char *hex)
{
    size_t len = strlen(hex) / 2;
    uint8_t *bytes = chy_alloc(op, len + 1);
    ck_assert_ptr_nonnull(bytes);
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(digit(hex[2 * i]) << 4 | digit(hex[2 * i + 1]));
    }
    return chy_slice_of(bytes, len);
}

/** copy_of makes a copy with a zero byte after it. */
static uint8_t *copy_of(struct chy_slice bytes)
{
    uint8_t *copy = chy_alloc(op, bytes.len + 1);
    ck_assert_ptr_nonnull(copy);
    if (bytes.len > 0) {
        memcpy(copy, bytes.ptr, bytes.len);
    }
    return copy;
}

struct chy_slice changed(struct chy_slice bytes, uint64_t at)
{
    uint8_t *copy = copy_of(bytes);
    copy[at] ^= 1;
    return chy_slice_of(copy, bytes.len);
}

struct chy_slice longer(struct chy_slice bytes)
{
    return chy_slice_of(copy_of(bytes), bytes.len + 1);
}

struct chy_slice shorter(struct chy_slice bytes)
{
    return chy_slice_of(copy_of(bytes), bytes.len - 1);
}

void must_equal(struct chy_slice found, struct chy_slice expected)
{
    ck_assert_uint_eq(found.len, expected.len);
    ck_assert_mem_eq(found.ptr, expected.ptr, expected.len);
}
