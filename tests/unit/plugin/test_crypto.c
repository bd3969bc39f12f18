#include "plugin/crypto.h"

#include "fakes.h"
#include "test_main.h"
#include "test_op.h"

struct fixture {
    struct chy_op *op;
    struct fake_crypto fake;
    struct chy_loaded_plugin plugin;
    struct chy_instance instance;
    struct chy_crypto *crypto;
};

static const struct chy_key_template p256 = {.struct_size = sizeof p256,
                                             .algorithm = CHY_KEY_EC_P256};

static void open_fixture(struct fixture *f, const char *name)
{
    memset(f, 0, sizeof *f);
    f->op = test_op_new();
    f->fake.digests[0] = CHY_DIGEST_SHA256;
    f->fake.digest_count = 1;
    fake_crypto_ops(&f->plugin.crypto);
    fake_instance(&f->instance, &f->plugin, test_op_host(f->op), name, CHY_INTERFACE_CRYPTO,
                  &f->fake);
    const struct chy_crypto_config config = {.instance = &f->instance};
    ck_assert_int_eq(chy_crypto_open(f->op, &config, &f->crypto), CHY_OK);
}

static void close_fixture(struct fixture *f)
{
    chy_crypto_close(f->crypto);
    test_op_free(f->op);
}

START_TEST(capabilities_are_looked_up)
{
    struct fixture f;
    open_fixture(&f, "soft");
    ck_assert(chy_crypto_can_make_key(f.crypto, CHY_KEY_EC_P256));
    ck_assert(!chy_crypto_can_make_key(f.crypto, CHY_KEY_RSA_2048));
    ck_assert(chy_crypto_can_sign(f.crypto, CHY_SIG_ECDSA_SHA256));
    ck_assert(!chy_crypto_can_sign(f.crypto, CHY_SIG_ED25519));
    ck_assert(chy_crypto_can_digest(f.crypto, CHY_DIGEST_SHA256));
    ck_assert(!chy_crypto_can_digest(f.crypto, CHY_DIGEST_SHA512));
    ck_assert(chy_crypto_has(f.crypto, CHY_CRYPTO_KDF));
    ck_assert(!chy_crypto_has(f.crypto, CHY_CRYPTO_SEAL_KEYS));
    // It claims HKDF but has no slot for it.
    ck_assert(!chy_crypto_can_kdf(f.crypto, CHY_KDF_HKDF));
    ck_assert(!chy_crypto_can_cipher(f.crypto, CHY_CIPHER_AES_256_CBC));
    close_fixture(&f);
}
END_TEST

START_TEST(a_key_is_released_with_its_scope_unless_taken)
{
    struct fixture f;
    struct chy_crypto_key kept = {NULL, NULL};
    open_fixture(&f, "soft");
    {
        CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
        ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &key), CHY_OK);
        ck_assert_uint_eq(chy_crypto_key_algorithm(&key), CHY_KEY_EC_P256);
    }
    ck_assert_uint_eq(f.fake.released, 1);
    {
        CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key key = {NULL, NULL};
        ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &key), CHY_OK);
        kept = chy_crypto_key_take(&key);
    }
    ck_assert_uint_eq(f.fake.released, 1);
    chy_crypto_key_release(&kept);
    chy_crypto_key_release(&kept);
    ck_assert_uint_eq(f.fake.released, 2);
    close_fixture(&f);
}
END_TEST

START_TEST(an_empty_answer_is_broken)
{
    struct fixture f;
    struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice out = CHY_TEXT_INIT("untouched");
    open_fixture(&f, "soft");
    struct chy_crypto_key good = {NULL, NULL};
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &good), CHY_OK);
    f.fake.answers_nothing = true;
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &key), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(f.op), "crypto 'soft' answered generate with nothing");
    ck_assert_ptr_null(key.key);
    ck_assert_int_eq(chy_crypto_sign(&good, f.op, CHY_SIG_ECDSA_SHA256, chy_text("message"), &out),
                     CHY_BROKEN);
    ck_assert_int_eq(chy_crypto_digest(f.crypto, f.op, CHY_DIGEST_SHA256, chy_text("m"), &out),
                     CHY_BROKEN);
    ck_assert(chy_slice_is(out, "untouched"));
    chy_crypto_key_release(&good);
    close_fixture(&f);
}
END_TEST

START_TEST(what_is_not_offered_is_unsupported)
{
    struct fixture f;
    struct chy_crypto_key key = {NULL, NULL};
    struct chy_slice out = {NULL, 0};
    struct chy_kdf_call kdf;
    struct chy_cipher_call cipher;
    open_fixture(&f, "soft");
    memset(&kdf, 0, sizeof kdf);
    memset(&cipher, 0, sizeof cipher);
    struct chy_crypto_key good = {NULL, NULL};
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &good), CHY_OK);
    const struct chy_seal_context context = chy_seal_context_of("ca-key", chy_text("row"));
    ck_assert_int_eq(chy_crypto_load(f.crypto, f.op, chy_text("r"), 0, &key), CHY_UNSUPPORTED);
    ck_assert_str_eq(test_op_message(f.op), "crypto 'soft' does not offer 'load'");
    ck_assert_int_eq(chy_crypto_reference(&good, f.op, &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_destroy(&good, f.op), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_kdf(f.crypto, f.op, &kdf, (struct chy_buffer){NULL, 0}),
                     CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_cipher(f.crypto, f.op, &cipher, &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_decrypt(&good, f.op, 0, out, 1, &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_derive(&good, f.op, out, &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_seal_key(&good, f.op, &context, &good, &out), CHY_UNSUPPORTED);
    ck_assert_int_eq(chy_crypto_open_key(&good, f.op, &context, out, &key), CHY_UNSUPPORTED);
    chy_crypto_key_release(&good);
    close_fixture(&f);
}
END_TEST

static chy_status seal_any_key(void *self, struct chy_op *op, struct chy_key *sealing_key,
                               const struct chy_seal_context *context, struct chy_key *key,
                               struct chy_slice *out_sealed)
{
    (void)op;
    (void)sealing_key;
    (void)context;
    (void)key;
    ((struct fake_crypto *)self)->calls++;
    *out_sealed = chy_text("sealed");
    return CHY_OK;
}

START_TEST(a_key_is_sealed_by_its_own_provider_only)
{
    struct fixture f;
    struct fixture other;
    struct chy_slice out = {NULL, 0};
    open_fixture(&f, "soft");
    open_fixture(&other, "token");
    f.plugin.crypto.seal_key = seal_any_key;
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key own = {NULL, NULL};
    CHY_AUTO(chy_crypto_key_release) struct chy_crypto_key foreign = {NULL, NULL};
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &own), CHY_OK);
    ck_assert_int_eq(chy_crypto_generate(other.crypto, other.op, &p256, &foreign), CHY_OK);
    const struct chy_seal_context context = chy_seal_context_of("ca-key", chy_text("row"));
    uint32_t calls = f.fake.calls;
    ck_assert_int_eq(chy_crypto_seal_key(&own, f.op, &context, &foreign, &out), CHY_BROKEN);
    ck_assert_str_eq(test_op_message(f.op),
                     "a key of crypto 'token' cannot be sealed by crypto 'soft'");
    ck_assert_uint_eq(f.fake.calls, calls);
    ck_assert_int_eq(chy_crypto_seal_key(&own, f.op, &context, &own, &out), CHY_OK);
    chy_crypto_key_release(&foreign);
    chy_crypto_key_release(&own);
    close_fixture(&other);
    close_fixture(&f);
}
END_TEST

START_TEST(verify_spki_releases_the_public_key)
{
    struct fixture f;
    open_fixture(&f, "soft");
    ck_assert_int_eq(chy_crypto_verify_spki(f.crypto, f.op, chy_text("spki"), CHY_SIG_ECDSA_SHA256,
                                            chy_text("m"), chy_text("bytes")),
                     CHY_OK);
    ck_assert_int_eq(chy_crypto_verify_spki(f.crypto, f.op, chy_text("spki"), CHY_SIG_ECDSA_SHA256,
                                            chy_text("m"), chy_text("forged")),
                     CHY_BAD_INPUT);
    ck_assert_uint_eq(f.fake.released, 2);
    close_fixture(&f);
}
END_TEST

START_TEST(a_provider_that_is_away_is_not_called_but_keys_are_released)
{
    struct fixture f;
    struct chy_crypto_key none = {NULL, NULL};
    open_fixture(&f, "soft");
    struct chy_crypto_key key = {NULL, NULL};
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &key), CHY_OK);
    f.fake.status = CHY_TRY_LATER;
    f.fake.calls = 0;
    for (int i = 0; i < 20; i++) {
        ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &none), CHY_TRY_LATER);
    }
    ck_assert_uint_eq(f.fake.calls, 5);
    chy_crypto_key_release(&key);
    ck_assert_uint_eq(f.fake.released, 1);
    f.fake.status = CHY_OK;
    ck_assert_int_eq(chy_crypto_health(f.crypto, f.op), CHY_OK);
    ck_assert_int_eq(chy_crypto_generate(f.crypto, f.op, &p256, &key), CHY_OK);
    chy_crypto_key_release(&key);
    close_fixture(&f);
}
END_TEST

START_TEST(malformed_capabilities_are_broken)
{
    struct fixture f;
    struct chy_crypto *crypto = NULL;
    open_fixture(&f, "soft");
    const struct chy_crypto_config config = {.instance = &f.instance};
    f.fake.status = CHY_TRY_LATER;
    ck_assert_int_eq(chy_crypto_open(f.op, &config, &crypto), CHY_TRY_LATER);
    ck_assert_ptr_null(crypto);
    close_fixture(&f);
}
END_TEST

TEST_MAIN("plugin_crypto", TEST(capabilities_are_looked_up),
          TEST(a_key_is_released_with_its_scope_unless_taken), TEST(an_empty_answer_is_broken),
          TEST(what_is_not_offered_is_unsupported), TEST(a_key_is_sealed_by_its_own_provider_only),
          TEST(verify_spki_releases_the_public_key),
          TEST(a_provider_that_is_away_is_not_called_but_keys_are_released),
          TEST(malformed_capabilities_are_broken))
