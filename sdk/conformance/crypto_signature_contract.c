/** Promises about signatures. */
#include "crypto_fixture.h"

static bool claimed(const struct pair *pair)
{
    return has_key(pair->key) && has_signature(pair->signature);
}

START_TEST(a_signature_holds_for_its_message_only)
{
    for (size_t i = 0; i < pair_count; i++) {
        if (!claimed(&pairs[i])) {
            continue;
        }
        uint32_t algorithm = pairs[i].signature;
        struct chy_slice message = chy_text("what a CA signs");
        struct chy_key *key = key_usual(pairs[i].key, 0);
        struct chy_key *public = key_public(spki_of(key));
        struct chy_slice signature = signature_of(key, algorithm, message);
        must(CHY_OK, crypto->verify(self, op, key, algorithm, message, signature));
        must(CHY_OK, crypto->verify(self, op, public, algorithm, message, signature));
        must_refuse(crypto->verify(self, op, public, algorithm, changed(message, 0), signature));
        must_refuse(crypto->verify(self, op, public, algorithm, shorter(message), signature));
        must_refuse(crypto->verify(self, op, public, algorithm, chy_text(""), signature));
        release(public);
        release(key);
    }
}
END_TEST

START_TEST(a_changed_signature_does_not_hold)
{
    for (size_t i = 0; i < pair_count; i++) {
        if (!claimed(&pairs[i])) {
            continue;
        }
        uint32_t algorithm = pairs[i].signature;
        struct chy_slice message = chy_text("what a CA signs");
        struct chy_key *key = key_usual(pairs[i].key, 0);
        struct chy_slice signature = signature_of(key, algorithm, message);
        uint64_t step = signature.len > 150 ? 31 : 1;
        for (uint64_t at = 0; at < signature.len; at += step) {
            must_refuse(crypto->verify(self, op, key, algorithm, message, changed(signature, at)));
        }
        must_refuse(crypto->verify(self, op, key, algorithm, message, longer(signature)));
        must_refuse(crypto->verify(self, op, key, algorithm, message, shorter(signature)));
        must_refuse(crypto->verify(self, op, key, algorithm, message, chy_text("")));
        release(key);
    }
}
END_TEST

START_TEST(a_signature_of_another_key_does_not_hold)
{
    for (size_t i = 0; i < pair_count; i++) {
        if (!claimed(&pairs[i]) || pairs[i].key == CHY_KEY_RSA_3072 ||
            pairs[i].key == CHY_KEY_RSA_4096) {
            continue;
        }
        struct chy_slice message = chy_text("what a CA signs");
        struct chy_key *key = key_usual(pairs[i].key, 0);
        struct chy_key *other = key_made(pairs[i].key, 0);
        struct chy_slice signature = signature_of(other, pairs[i].signature, message);
        must_refuse(crypto->verify(self, op, key, pairs[i].signature, message, signature));
        release(other);
        release(key);
    }
}
END_TEST

START_TEST(messages_of_any_length_are_signed)
{
    static const uint64_t lengths[] = {0, 1, 127, 4096, 1048576};
    uint8_t *bytes = chy_alloc(op, 1048576);
    for (size_t i = 0; i < pair_count; i++) {
        if (!claimed(&pairs[i]) || pairs[i].key == CHY_KEY_RSA_3072 ||
            pairs[i].key == CHY_KEY_RSA_4096) {
            continue;
        }
        struct chy_key *key = key_usual(pairs[i].key, 0);
        for (size_t n = 0; n < sizeof lengths / sizeof lengths[0]; n++) {
            struct chy_slice message = chy_slice_of(lengths[n] == 0 ? NULL : bytes, lengths[n]);
            struct chy_slice signature = signature_of(key, pairs[i].signature, message);
            must(CHY_OK, crypto->verify(self, op, key, pairs[i].signature, message, signature));
        }
        release(key);
    }
}
END_TEST

START_TEST(a_hash_is_not_taken_for_another)
{
    struct chy_slice message = chy_text("what a CA signs");
    for (size_t i = 0; i < pair_count; i++) {
        for (size_t j = 0; j < pair_count; j++) {
            if (i == j || pairs[i].key != pairs[j].key || !claimed(&pairs[i]) ||
                !claimed(&pairs[j]) || pairs[i].key == CHY_KEY_RSA_3072 ||
                pairs[i].key == CHY_KEY_RSA_4096) {
                continue;
            }
            struct chy_key *key = key_usual(pairs[i].key, 0);
            struct chy_slice signature = signature_of(key, pairs[i].signature, message);
            must_refuse(crypto->verify(self, op, key, pairs[j].signature, message, signature));
            release(key);
        }
    }
}
END_TEST

START_TEST(an_algorithm_of_another_kind_of_key_is_our_bug)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_slice message = chy_text("message");
    must(CHY_BROKEN, crypto->sign(self, op, key, CHY_SIG_RSA_SHA256, message, &out));
    must(CHY_BROKEN, crypto->verify(self, op, key, CHY_SIG_RSA_SHA256, message, message));
    struct chy_key *mac = key_made(CHY_KEY_HMAC_SHA256, 0);
    must(CHY_BROKEN, crypto->sign(self, op, mac, CHY_SIG_ECDSA_SHA256, message, &out));
    if (has_key(CHY_KEY_ED25519) && has_key(CHY_KEY_ED448)) {
        struct chy_key *ed = key_made(CHY_KEY_ED25519, 0);
        must(CHY_BROKEN, crypto->sign(self, op, ed, CHY_SIG_ED448, message, &out));
        release(ed);
    }
    ck_assert_uint_eq(out.len, 77);
    release(mac);
    release(key);
}
END_TEST

START_TEST(an_unknown_algorithm_is_unsupported)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_slice message = chy_text("message");
    must(CHY_UNSUPPORTED, crypto->sign(self, op, key, CHY_SIG_NONE, message, &out));
    must(CHY_UNSUPPORTED, crypto->sign(self, op, key, 4000000000U, message, &out));
    must(CHY_UNSUPPORTED, crypto->verify(self, op, key, 4000000000U, message, message));
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

/** nonce_of gives the first number of an Ecdsa-Sig-Value, which follows from the nonce. */
static struct chy_slice nonce_of(struct chy_slice signature)
{
    uint64_t at = signature.ptr[1] < 0x80 ? 2 : 3;
    return chy_slice_of(signature.ptr + at + 2, signature.ptr[at + 1]);
}

START_TEST(ecdsa_takes_fresh_randomness_each_time)
{
    enum {
        TIMES = 50
    };
    struct chy_slice seen[TIMES];
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    for (size_t i = 0; i < TIMES; i++) {
        seen[i] = nonce_of(signature_of(key, CHY_SIG_ECDSA_SHA256, chy_text("the same")));
        for (size_t j = 0; j < i; j++) {
            ck_assert(!chy_slice_equal(seen[i], seen[j]));
        }
    }
    release(key);
}
END_TEST

START_TEST(pss_takes_fresh_salt_and_pkcs1_takes_none)
{
    struct chy_slice message = chy_text("the same");
    struct chy_key *key = key_usual(CHY_KEY_RSA_2048, 0);
    ck_assert(!chy_slice_equal(signature_of(key, CHY_SIG_RSA_PSS_SHA256, message),
                               signature_of(key, CHY_SIG_RSA_PSS_SHA256, message)));
    must_equal(signature_of(key, CHY_SIG_RSA_SHA256, message),
               signature_of(key, CHY_SIG_RSA_SHA256, message));
    release(key);
}
END_TEST

/** RFC 8032 7.1, test 3, and 7.4, one octet. */
START_TEST(eddsa_gives_the_known_answers)
{
    if (has_signature(CHY_SIG_ED25519)) {
        struct chy_key *key = key_taken(
            CHY_KEY_ED25519, 0,
            bytes_of("302e020100300506032b657004220420c5aa8df43f9f837bedb7442f31dcb7b166d38535076f"
                     "094b85ce3a2e0b4458f7"));
        must_equal(signature_of(key, CHY_SIG_ED25519, bytes_of("af82")),
                   bytes_of("6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b"
                            "538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a"));
        release(key);
    }
    if (has_signature(CHY_SIG_ED448)) {
        struct chy_key *key = key_taken(
            CHY_KEY_ED448, 0,
            bytes_of("3047020100300506032b6571043b0439c4eab05d357007c632f3dbb48489924d552b08fe0c35"
                     "3a0d4a1f00acda2c463afbea67c5e8d2877c5e3bc397a659949ef8021e954e0a12274e"));
        must_equal(signature_of(key, CHY_SIG_ED448, bytes_of("03")),
                   bytes_of("26b8f91727bd62897af15e41eb43c377efb9c610d48f2335cb0bd0087810f4352541b1"
                            "43c4b981b7e18f62de8ccdf633fc1bf037ab7cd779805e0dbcc0aae1cbcee1afb2e027"
                            "df36bc04dcecbf154336c19f0af7e0a6472905e799f1953d2a0ff3348ab21aa4adafd1"
                            "d234441cf807c03a00"));
        release(key);
    }
}
END_TEST

TCase *crypto_signature_tests(void)
{
    TCase *tcase = crypto_tcase("signatures");
    tcase_add_test(tcase, a_signature_holds_for_its_message_only);
    tcase_add_test(tcase, a_changed_signature_does_not_hold);
    tcase_add_test(tcase, a_signature_of_another_key_does_not_hold);
    tcase_add_test(tcase, messages_of_any_length_are_signed);
    tcase_add_test(tcase, a_hash_is_not_taken_for_another);
    tcase_add_test(tcase, an_algorithm_of_another_kind_of_key_is_our_bug);
    tcase_add_test(tcase, an_unknown_algorithm_is_unsupported);
    tcase_add_test(tcase, ecdsa_takes_fresh_randomness_each_time);
    tcase_add_test(tcase, pss_takes_fresh_salt_and_pkcs1_takes_none);
    tcase_add_test(tcase, eddsa_gives_the_known_answers);
    return tcase;
}
