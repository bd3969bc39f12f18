/** Promises about sealing. */
#include "crypto_fixture.h"

static struct chy_key *sealing_key;
static struct chy_seal_context context;

static void seal_up(void)
{
    crypto_up();
    sealing_key = key_made(CHY_KEY_AES_256, 0);
    context = context_of("secret", "collection/row/field");
}

static void seal_down(void)
{
    release(sealing_key);
    crypto_down();
}

/** refuse_open checks that neither kind of opening takes the blob. */
static void refuse_open(struct chy_key *with, struct chy_seal_context in, struct chy_slice sealed)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = NULL;
    must_refuse(crypto->open(self, op, with, &in, sealed, &out));
    ck_assert_uint_eq(out.len, 77);
    if (has_feature(CHY_CRYPTO_SEAL_KEYS)) {
        must_refuse(crypto->open_key(self, op, with, &in, sealed, &key));
        ck_assert_ptr_null(key);
    }
}

START_TEST(what_was_sealed_opens)
{
    static const uint64_t lengths[] = {0, 1, 15, 16, 17, 1000, 65536};
    uint8_t *bytes = chy_alloc(op, 65536);
    memset(bytes, 0xa5, 65536);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct chy_slice out;
        struct chy_slice secret = chy_slice_of(bytes, lengths[i]);
        struct chy_slice sealed = sealed_with(sealing_key, context, secret);
        must(CHY_OK, crypto->open(self, op, sealing_key, &context, sealed, &out));
        must_equal(out, secret);
    }
}
END_TEST

START_TEST(a_blob_shows_nothing_and_never_repeats)
{
    enum {
        TIMES = 64
    };
    struct chy_slice blobs[TIMES];
    struct chy_slice secret = chy_text("correct horse battery staple");
    for (size_t i = 0; i < TIMES; i++) {
        blobs[i] = sealed_with(sealing_key, context, secret);
        ck_assert_ptr_null(memmem(blobs[i].ptr, blobs[i].len, secret.ptr, 8));
        for (size_t j = 0; j < i; j++) {
            ck_assert(!chy_slice_equal(blobs[i], blobs[j]));
        }
    }
}
END_TEST

START_TEST(another_purpose_or_row_does_not_open)
{
    struct chy_slice sealed = sealed_with(sealing_key, context, chy_text("secret"));
    refuse_open(sealing_key, context_of("leaf-key", "collection/row/field"), sealed);
    refuse_open(sealing_key, context_of("secret", "collection/other/field"), sealed);
    refuse_open(sealing_key, context_of("secret", ""), sealed);
    refuse_open(sealing_key, context_of("", "collection/row/field"), sealed);
    // What is left of the border does not move to its right.
    refuse_open(sealing_key, context_of("secretc", "ollection/row/field"), sealed);
    refuse_open(sealing_key, context_of("secre", "tcollection/row/field"), sealed);
}
END_TEST

START_TEST(a_changed_blob_does_not_open)
{
    struct chy_slice sealed = sealed_with(sealing_key, context, chy_text("secret"));
    for (uint64_t at = 0; at < sealed.len; at++) {
        refuse_open(sealing_key, context, changed(sealed, at));
        refuse_open(sealing_key, context, chy_slice_of(sealed.ptr, at));
    }
    refuse_open(sealing_key, context, longer(sealed));
}
END_TEST

START_TEST(another_key_does_not_open)
{
    struct chy_key *other = key_made(CHY_KEY_AES_256, 0);
    refuse_open(other, context, sealed_with(sealing_key, context, chy_text("secret")));
    release(other);
}
END_TEST

START_TEST(the_same_key_opens_wherever_it_is)
{
    uint8_t raw[32] = "the bytes of a key encryption k";
    struct chy_slice out;
    struct chy_key *one = key_taken(CHY_KEY_AES_256, 0, chy_slice_of(raw, sizeof raw));
    struct chy_slice sealed = sealed_with(one, context, chy_text("secret"));
    release(one);
    struct chy_key *other = key_taken(CHY_KEY_AES_256, 0, chy_slice_of(raw, sizeof raw));
    must(CHY_OK, crypto->open(self, op, other, &context, sealed, &out));
    must_equal(out, chy_text("secret"));
    release(other);
}
END_TEST

START_TEST(only_an_aes_key_seals)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    must(CHY_BROKEN, crypto->seal(self, op, key, &context, chy_text("secret"), &out));
    must(CHY_BROKEN, crypto->open(self, op, key, &context, chy_text("secret"), &out));
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

/* --- keys --------------------------------------------------------------------------------------*/

static struct chy_slice key_sealed(struct chy_key *key)
{
    struct chy_slice sealed = {NULL, 0};
    must(CHY_OK, crypto->seal_key(self, op, sealing_key, &context, key, &sealed));
    return sealed;
}

static struct chy_key *key_opened(struct chy_slice sealed)
{
    struct chy_key *key = NULL;
    must(CHY_OK, crypto->open_key(self, op, sealing_key, &context, sealed, &key));
    ck_assert_ptr_nonnull(key);
    return key;
}

START_TEST(a_sealed_key_comes_back_whole)
{
    for (size_t i = 0; i < pair_count; i++) {
        if (!has_key(pairs[i].key) || !has_signature(pairs[i].signature) ||
            (i > 0 && pairs[i].key == pairs[i - 1].key)) {
            continue;
        }
        struct chy_key *key = key_usual(pairs[i].key, CHY_KEY_EXPORTABLE);
        struct chy_key *back = key_opened(key_sealed(key));
        ck_assert_uint_eq(crypto->key_algorithm(self, back), pairs[i].key);
        must_equal(spki_of(back), spki_of(key));
        struct chy_slice message = chy_text("message");
        struct chy_slice signature = signature_of(back, pairs[i].signature, message);
        must(CHY_OK, crypto->verify(self, op, key, pairs[i].signature, message, signature));
        release(back);
        release(key);
    }
}
END_TEST

START_TEST(a_sealed_key_keeps_its_flags)
{
    static const struct {
        uint32_t flags;
        chy_status exported;
    } cases[] = {{0, CHY_DENIED}, {CHY_KEY_EXPORTABLE, CHY_OK}, {CHY_KEY_CA, CHY_DENIED}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chy_slice pkcs8;
        struct chy_key *key = key_made(CHY_KEY_EC_P256, cases[i].flags);
        struct chy_key *back = key_opened(key_sealed(key));
        must(cases[i].exported, crypto->export_key(self, op, back, &pkcs8));
        // Once more through the seal: the flags are not lost on the second way either.
        struct chy_key *again = key_opened(key_sealed(back));
        must(cases[i].exported, crypto->export_key(self, op, again, &pkcs8));
        release(again);
        release(back);
        release(key);
    }
}
END_TEST

START_TEST(a_sealed_key_never_opens_as_bytes)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, CHY_KEY_CA);
    struct chy_slice sealed = key_sealed(key);
    must_refuse(crypto->open(self, op, sealing_key, &context, sealed, &out));
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

START_TEST(sealed_bytes_never_open_as_a_key)
{
    struct chy_key *key = NULL;
    struct chy_slice sealed = sealed_with(sealing_key, context, bytes_of(known_rsa_pkcs8));
    must_refuse(crypto->open_key(self, op, sealing_key, &context, sealed, &key));
    ck_assert_ptr_null(key);
}
END_TEST

START_TEST(a_changed_sealed_key_does_not_open)
{
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_slice sealed = key_sealed(key);
    for (uint64_t at = 0; at < sealed.len; at++) {
        refuse_open(sealing_key, context, changed(sealed, at));
    }
    refuse_open(sealing_key, context_of("ca-key", "collection/row/field"), sealed);
    refuse_open(sealing_key, context_of("secret", "collection/other/field"), sealed);
    release(key);
}
END_TEST

START_TEST(data_keys_are_sealed_by_a_master_key)
{
    struct chy_slice out;
    struct chy_key *data_key = key_made(CHY_KEY_AES_256, 0);
    struct chy_slice sealed = sealed_with(data_key, context, chy_text("secret"));
    struct chy_slice wrapped = key_sealed(data_key);
    release(data_key);
    struct chy_key *back = key_opened(wrapped);
    must(CHY_OK, crypto->open(self, op, back, &context, sealed, &out));
    must_equal(out, chy_text("secret"));
    release(back);

    struct chy_slice mac;
    struct chy_slice mac_again;
    struct chy_slice none = {NULL, 0};
    struct chy_key *mac_key = key_made(CHY_KEY_HMAC_SHA256, 0);
    must(CHY_OK, crypto->hmac(self, op, mac_key, none, CHY_DIGEST_SHA256, chy_text("row"), &mac));
    struct chy_key *mac_back = key_opened(key_sealed(mac_key));
    must(CHY_OK,
         crypto->hmac(self, op, mac_back, none, CHY_DIGEST_SHA256, chy_text("row"), &mac_again));
    must_equal(mac_again, mac);
    release(mac_back);
    release(mac_key);
}
END_TEST

START_TEST(a_public_key_is_not_sealed)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_key *public = key_public(spki_of(key));
    must(CHY_BROKEN, crypto->seal_key(self, op, sealing_key, &context, public, &out));
    ck_assert_uint_eq(out.len, 77);
    release(public);
    release(key);
}
END_TEST

TCase *crypto_seal_tests(void)
{
    TCase *tcase = tcase_create("sealing");
    tcase_add_checked_fixture(tcase, seal_up, seal_down);
    tcase_set_timeout(tcase, 120);
    tcase_add_test(tcase, what_was_sealed_opens);
    tcase_add_test(tcase, a_blob_shows_nothing_and_never_repeats);
    tcase_add_test(tcase, another_purpose_or_row_does_not_open);
    tcase_add_test(tcase, a_changed_blob_does_not_open);
    tcase_add_test(tcase, another_key_does_not_open);
    tcase_add_test(tcase, the_same_key_opens_wherever_it_is);
    tcase_add_test(tcase, only_an_aes_key_seals);
    if (crypto->seal_key == NULL) {
        return tcase;
    }
    tcase_add_test(tcase, a_sealed_key_comes_back_whole);
    tcase_add_test(tcase, a_sealed_key_keeps_its_flags);
    tcase_add_test(tcase, a_sealed_key_never_opens_as_bytes);
    tcase_add_test(tcase, sealed_bytes_never_open_as_a_key);
    tcase_add_test(tcase, a_changed_sealed_key_does_not_open);
    tcase_add_test(tcase, data_keys_are_sealed_by_a_master_key);
    tcase_add_test(tcase, a_public_key_is_not_sealed);
    return tcase;
}
