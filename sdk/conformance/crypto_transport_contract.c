/** Promises about decrypting and agreeing, which CMS needs. */
#include "crypto_fixture.h"

#define LEN (sizeof KNOWN_MESSAGE - 1)

static struct chy_key *known_key(void)
{
    return key_taken(CHY_KEY_RSA_2048, 0, bytes_of(known_rsa_pkcs8));
}

START_TEST(what_others_encrypted_is_read)
{
    static const struct {
        const char *ciphertext;
        uint32_t oaep_digest;
    } cases[] = {
        {known_v15, 0}, {known_oaep_sha256, CHY_DIGEST_SHA256}, {known_oaep_sha1, CHY_DIGEST_SHA1}};
    struct chy_key *key = known_key();
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct chy_slice out;
        must(CHY_OK, crypto->decrypt(self, op, key, cases[i].oaep_digest,
                                     bytes_of(cases[i].ciphertext), LEN, &out));
        must_equal(out, chy_text(KNOWN_MESSAGE));
    }
    release(key);
}
END_TEST

START_TEST(a_wrong_padding_looks_like_a_right_one)
{
    struct chy_slice first;
    struct chy_slice again;
    struct chy_slice other;
    struct chy_key *key = known_key();
    struct chy_slice good = bytes_of(known_v15);
    struct chy_slice wrong = changed(good, good.len - 1);
    must(CHY_OK, crypto->decrypt(self, op, key, 0, wrong, LEN, &first));
    ck_assert_uint_eq(first.len, LEN);
    ck_assert(!chy_slice_equal(first, chy_text(KNOWN_MESSAGE)));
    // Whoever asks twice learns nothing from it.
    must(CHY_OK, crypto->decrypt(self, op, key, 0, wrong, LEN, &again));
    must_equal(again, first);
    must(CHY_OK, crypto->decrypt(self, op, key, 0, changed(good, good.len - 2), LEN, &other));
    ck_assert(!chy_slice_equal(other, first));
    // A right padding around another length is a wrong one.
    must(CHY_OK, crypto->decrypt(self, op, key, 0, good, LEN - 16, &other));
    ck_assert_uint_eq(other.len, LEN - 16);
    ck_assert(memcmp(other.ptr, KNOWN_MESSAGE, other.len) != 0);
    ck_assert(memcmp(other.ptr, KNOWN_MESSAGE + 16, other.len) != 0);
    release(key);
}
END_TEST

START_TEST(a_wrong_oaep_padding_is_refused)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = known_key();
    struct chy_slice good = bytes_of(known_oaep_sha256);
    must_refuse(
        crypto->decrypt(self, op, key, CHY_DIGEST_SHA256, changed(good, good.len - 1), LEN, &out));
    must_refuse(crypto->decrypt(self, op, key, CHY_DIGEST_SHA384, good, LEN, &out));
    must_refuse(crypto->decrypt(self, op, key, CHY_DIGEST_SHA256, shorter(good), LEN, &out));
    must_refuse(crypto->decrypt(self, op, key, 0, shorter(good), LEN, &out));
    must(CHY_UNSUPPORTED, crypto->decrypt(self, op, key, 4000000000U, good, LEN, &out));
    must(CHY_BAD_INPUT, crypto->decrypt(self, op, key, 0, good, 0, &out));
    must(CHY_BAD_INPUT, crypto->decrypt(self, op, key, 0, good, 246, &out));
    must(CHY_BAD_INPUT, crypto->decrypt(self, op, key, 0, good, UINT64_MAX, &out));
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

START_TEST(only_an_rsa_key_decrypts)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    must(CHY_BROKEN, crypto->decrypt(self, op, key, 0, bytes_of(known_v15), LEN, &out));
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

START_TEST(two_sides_agree)
{
    static const uint32_t curves[] = {CHY_KEY_EC_P256, CHY_KEY_EC_P384, CHY_KEY_EC_P521};
    static const uint64_t lengths[] = {32, 48, 66};
    for (size_t i = 0; i < sizeof curves / sizeof curves[0]; i++) {
        struct chy_slice one;
        struct chy_slice other;
        if (!has_key(curves[i])) {
            continue;
        }
        struct chy_key *alice = key_made(curves[i], 0);
        struct chy_key *bob = key_made(curves[i], 0);
        must(CHY_OK, crypto->derive(self, op, alice, spki_of(bob), &one));
        must(CHY_OK, crypto->derive(self, op, bob, spki_of(alice), &other));
        ck_assert_uint_eq(one.len, lengths[i]);
        must_equal(one, other);
        release(bob);
        release(alice);
    }
}
END_TEST

/** RFC 5903 8.1: i's private key and r's public one. */
START_TEST(agreement_gives_the_known_answer)
{
    struct chy_slice out;
    struct chy_key *key =
        key_taken(CHY_KEY_EC_P256, 0,
                  bytes_of("3041020100301306072a8648ce3d020106082a8648ce3d030107042730250201010420"
                           "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433"));
    must(CHY_OK, crypto->derive(
                     self, op, key,
                     bytes_of("3059301306072a8648ce3d020106082a8648ce3d03010703420004"
                              "d12dfb5289c8d4f81208b70270398c342296970a0bccb74c736fc7554494bf63"
                              "56fbf3ca366cc23e8157854c13c58d6aac23f046ada30f8353e74f33039872ab"),
                     &out));
    must_equal(out, bytes_of("d6840f6b42f6edafd13116e0e12565202fef8e9ece7dce03812464d04b9442de"));
    release(key);
}
END_TEST

START_TEST(a_peer_on_another_curve_or_none_is_refused)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_key *larger = key_made(CHY_KEY_EC_P384, 0);
    must_refuse(crypto->derive(self, op, key, spki_of(larger), &out));
    struct chy_slice spki = spki_of(key);
    must_refuse(crypto->derive(self, op, key, changed(spki, spki.len - 1), &out));
    ck_assert_uint_eq(out.len, 77);
    release(larger);
    release(key);
}
END_TEST

TCase *crypto_transport_tests(void)
{
    TCase *tcase = crypto_tcase("transport");
    if (crypto->decrypt != NULL) {
        tcase_add_test(tcase, what_others_encrypted_is_read);
        tcase_add_test(tcase, a_wrong_padding_looks_like_a_right_one);
        tcase_add_test(tcase, a_wrong_oaep_padding_is_refused);
        tcase_add_test(tcase, only_an_rsa_key_decrypts);
    }
    if (crypto->derive != NULL) {
        tcase_add_test(tcase, two_sides_agree);
        tcase_add_test(tcase, agreement_gives_the_known_answer);
        tcase_add_test(tcase, a_peer_on_another_curve_or_none_is_refused);
    }
    return tcase;
}
