/** Promises about keys: making, taking in, giving out, refusing. */
#include "crypto_fixture.h"

START_TEST(every_claimed_key_can_be_made)
{
    for (size_t i = 0; i < signing_key_count; i++) {
        if (!has_key(signing_keys[i])) {
            continue;
        }
        struct chy_key *key = key_made(signing_keys[i], 0);
        ck_assert_uint_eq(crypto->key_algorithm(self, key), signing_keys[i]);
        release(key);
    }
}
END_TEST

START_TEST(keys_that_are_not_claimed_are_unsupported)
{
    static const uint32_t unknown[] = {CHY_KEY_NONE, 63, 66, 4000000000U};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct chy_key *key = NULL;
        struct chy_key_template template = {.struct_size = sizeof template,
                                            .algorithm = unknown[i]};
        must(CHY_UNSUPPORTED, crypto->generate(self, op, &template, &key));
        ck_assert_ptr_null(key);
    }
}
END_TEST

START_TEST(two_keys_are_never_the_same)
{
    for (size_t i = 0; i < signing_key_count; i++) {
        uint32_t algorithm = signing_keys[i];
        if (!has_key(algorithm) || algorithm == CHY_KEY_RSA_3072 || algorithm == CHY_KEY_RSA_4096) {
            continue;
        }
        struct chy_key *one = key_made(algorithm, 0);
        struct chy_key *other = key_made(algorithm, 0);
        ck_assert(!chy_slice_equal(spki_of(one), spki_of(other)));
        release(one);
        release(other);
    }
}
END_TEST

START_TEST(a_public_key_comes_back_the_same)
{
    for (size_t i = 0; i < signing_key_count; i++) {
        if (!has_key(signing_keys[i])) {
            continue;
        }
        struct chy_key *key = key_usual(signing_keys[i], 0);
        struct chy_slice spki = spki_of(key);
        struct chy_key *public = key_public(spki);
        ck_assert_uint_eq(crypto->key_algorithm(self, public), signing_keys[i]);
        must_equal(spki_of(public), spki);
        release(public);
        release(key);
    }
}
END_TEST

START_TEST(an_exportable_key_comes_back_the_same)
{
    for (size_t i = 0; i < signing_key_count; i++) {
        if (!has_key(signing_keys[i])) {
            continue;
        }
        struct chy_slice pkcs8;
        struct chy_slice again;
        struct chy_key *key = key_usual(signing_keys[i], CHY_KEY_EXPORTABLE);
        must(CHY_OK, crypto->export_key(self, op, key, &pkcs8));
        // The algorithm is told, or tells itself.
        struct chy_key *told = key_taken(signing_keys[i], CHY_KEY_EXPORTABLE, pkcs8);
        struct chy_key *found = key_taken(CHY_KEY_NONE, 0, pkcs8);
        ck_assert_uint_eq(crypto->key_algorithm(self, found), signing_keys[i]);
        must_equal(spki_of(told), spki_of(key));
        must_equal(spki_of(found), spki_of(key));
        must(CHY_OK, crypto->export_key(self, op, told, &again));
        must_equal(again, pkcs8);
        release(found);
        release(told);
        release(key);
    }
}
END_TEST

START_TEST(only_an_exportable_key_is_exported)
{
    static const uint32_t flags[] = {0, CHY_KEY_CA};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct chy_slice pkcs8 = {NULL, 77};
        struct chy_key *made = key_made(CHY_KEY_EC_P256, flags[i]);
        must(CHY_DENIED, crypto->export_key(self, op, made, &pkcs8));
        struct chy_key *taken = key_taken(CHY_KEY_NONE, flags[i], bytes_of(known_rsa_pkcs8));
        must(CHY_DENIED, crypto->export_key(self, op, taken, &pkcs8));
        ck_assert_uint_eq(pkcs8.len, 77);
        release(taken);
        release(made);
    }
}
END_TEST

START_TEST(a_ca_key_is_never_made_exportable)
{
    static const uint32_t flags[] = {CHY_KEY_CA | CHY_KEY_EXPORTABLE, CHY_KEY_CA | CHY_KEY_READY};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        struct chy_key *key = NULL;
        struct chy_key_template template = {
            .struct_size = sizeof template, .algorithm = CHY_KEY_RSA_2048, .flags = flags[i]};
        ck_assert_int_ne(crypto->generate(self, op, &template, &key), CHY_OK);
        ck_assert_int_ne(crypto->import_key(self, op, &template, bytes_of(known_rsa_pkcs8), &key),
                         CHY_OK);
        ck_assert_ptr_null(key);
    }
}
END_TEST

START_TEST(a_key_of_another_kind_is_not_taken_in)
{
    struct chy_key *key = NULL;
    struct chy_key_template template = {.struct_size = sizeof template,
                                        .algorithm = CHY_KEY_EC_P256};
    must_refuse(crypto->import_key(self, op, &template, bytes_of(known_rsa_pkcs8), &key));
    template.algorithm = CHY_KEY_RSA_3072;
    must_refuse(crypto->import_key(self, op, &template, bytes_of(known_rsa_pkcs8), &key));
    ck_assert_ptr_null(key);
}
END_TEST

/** refuse_import checks that the bytes are no key. */
static void refuse_import(struct chy_slice pkcs8)
{
    struct chy_key *key = NULL;
    struct chy_key_template template = {.struct_size = sizeof template};
    must_refuse(crypto->import_key(self, op, &template, pkcs8, &key));
    ck_assert_ptr_null(key);
}

START_TEST(a_cut_private_key_is_refused)
{
    struct chy_slice pkcs8;
    struct chy_key *key = key_made(CHY_KEY_EC_P256, CHY_KEY_EXPORTABLE);
    must(CHY_OK, crypto->export_key(self, op, key, &pkcs8));
    for (uint64_t len = 0; len < pkcs8.len; len++) {
        refuse_import(chy_slice_of(pkcs8.ptr, len));
    }
    refuse_import(longer(pkcs8));
    refuse_import(longer(bytes_of(known_rsa_pkcs8)));
    release(key);
}
END_TEST

START_TEST(a_changed_rsa_key_is_refused)
{
    // 26 bytes of headers, then each of the eight numbers is hit more than once.
    struct chy_slice pkcs8 = bytes_of(known_rsa_pkcs8);
    for (uint64_t at = 30; at < pkcs8.len; at += 45) {
        struct chy_key *key = NULL;
        struct chy_key_template template = {.struct_size = sizeof template};
        chy_status status = crypto->import_key(self, op, &template, changed(pkcs8, at), &key);
        // A changed header may be one that nobody has.
        ck_assert_msg(status == CHY_BAD_INPUT || status == CHY_UNSUPPORTED,
                      "byte %u: status %d: %s", (unsigned)at, status, conf_op_message(op));
        ck_assert_ptr_null(key);
    }
}
END_TEST

#define P256_HEAD "304d020100301306072a8648ce3d020106082a8648ce3d030107043330310201010420"
#define P256_TAIL "a00a06082a8648ce3d030107"

START_TEST(a_scalar_out_of_range_is_refused)
{
    refuse_import(bytes_of(
        P256_HEAD "0000000000000000000000000000000000000000000000000000000000000000" P256_TAIL));
    refuse_import(bytes_of(
        P256_HEAD "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551" P256_TAIL));
    refuse_import(bytes_of(
        P256_HEAD "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff" P256_TAIL));
    // The largest that is right.
    release(key_taken(
        CHY_KEY_EC_P256, 0,
        bytes_of(P256_HEAD
                 "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632550" P256_TAIL)));
}
END_TEST

START_TEST(an_ec_key_with_the_public_key_of_another_is_refused)
{
    struct chy_slice pkcs8;
    struct chy_key *key = key_made(CHY_KEY_EC_P256, CHY_KEY_EXPORTABLE);
    must(CHY_OK, crypto->export_key(self, op, key, &pkcs8));
    refuse_import(changed(pkcs8, pkcs8.len - 1));
    release(key);
}
END_TEST

/** RFC 8410 10.3: the same key in both versions of the format. */
START_TEST(both_versions_of_pkcs8_are_read)
{
    struct chy_key *first = key_taken(
        CHY_KEY_ED25519, 0,
        bytes_of("302e020100300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fb"
                 "e097a88f44755842"));
    struct chy_key *second = key_taken(
        CHY_KEY_ED25519, 0,
        bytes_of("3072020101300506032b657004220420d4ee72dbf913584ad5b6d8f1f769f8ad3afe7c28cbf1d4fb"
                 "e097a88f44755842a01f301d060a2a864886f70d01090914310f0c0d437572646c65204368616972"
                 "7381210019bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1"));
    struct chy_slice spki =
        bytes_of("302a300506032b657003210019bf44096984cdfe8541bac167dc3b96c85086"
                 "aa30b6b6cb0c5c38ad703166e1");
    must_equal(spki_of(first), spki);
    must_equal(spki_of(second), spki);
    release(second);
    release(first);
}
END_TEST

START_TEST(raw_keys_have_their_length)
{
    uint8_t bytes[128] = {1, 2, 3};
    struct chy_key *key = NULL;
    struct chy_key_template template = {.struct_size = sizeof template,
                                        .algorithm = CHY_KEY_AES_256};
    static const uint64_t wrong_aes[] = {0, 16, 31, 33, 64};
    for (size_t i = 0; i < sizeof wrong_aes / sizeof wrong_aes[0]; i++) {
        must_refuse(
            crypto->import_key(self, op, &template, chy_slice_of(bytes, wrong_aes[i]), &key));
    }
    template.algorithm = CHY_KEY_HMAC_SHA256;
    static const uint64_t wrong_hmac[] = {0, 15, 65};
    for (size_t i = 0; i < sizeof wrong_hmac / sizeof wrong_hmac[0]; i++) {
        must_refuse(
            crypto->import_key(self, op, &template, chy_slice_of(bytes, wrong_hmac[i]), &key));
    }
    ck_assert_ptr_null(key);
    release(key_taken(CHY_KEY_AES_256, 0, chy_slice_of(bytes, 32)));
    release(key_taken(CHY_KEY_HMAC_SHA256, 0, chy_slice_of(bytes, 16)));
    release(key_taken(CHY_KEY_HMAC_SHA256, 0, chy_slice_of(bytes, 64)));
}
END_TEST

START_TEST(a_symmetric_key_has_no_public_half)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_AES_256, 0);
    ck_assert_int_ne(crypto->public_key(self, op, key, &out), CHY_OK);
    ck_assert_int_ne(crypto->export_key(self, op, key, &out), CHY_OK);
    ck_assert_uint_eq(out.len, 77);
    release(key);
}
END_TEST

START_TEST(nothing_is_lost_when_memory_runs_out)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, CHY_KEY_EXPORTABLE);
    struct chy_seal_context context = context_of("secret", "row");
    struct chy_key *sealing = key_made(CHY_KEY_AES_256, 0);
    conf_op_limit(op, 0);
    ck_assert_int_eq(crypto->export_key(self, op, key, &out), CHY_NO_MEMORY);
    ck_assert_int_eq(crypto->public_key(self, op, key, &out), CHY_NO_MEMORY);
    ck_assert_int_eq(crypto->sign(self, op, key, CHY_SIG_ECDSA_SHA256, chy_text("message"), &out),
                     CHY_NO_MEMORY);
    ck_assert_int_eq(crypto->seal(self, op, sealing, &context, chy_text("secret"), &out),
                     CHY_NO_MEMORY);
    ck_assert_uint_eq(out.len, 77);
    conf_op_limit(op, UINT64_MAX);
    must(CHY_OK, crypto->export_key(self, op, key, &out));
    release(sealing);
    release(key);
}
END_TEST

TCase *crypto_key_tests(void)
{
    TCase *tcase = crypto_tcase("keys");
    tcase_add_test(tcase, every_claimed_key_can_be_made);
    tcase_add_test(tcase, keys_that_are_not_claimed_are_unsupported);
    tcase_add_test(tcase, two_keys_are_never_the_same);
    tcase_add_test(tcase, a_public_key_comes_back_the_same);
    tcase_add_test(tcase, an_exportable_key_comes_back_the_same);
    tcase_add_test(tcase, only_an_exportable_key_is_exported);
    tcase_add_test(tcase, a_ca_key_is_never_made_exportable);
    tcase_add_test(tcase, a_key_of_another_kind_is_not_taken_in);
    tcase_add_test(tcase, a_cut_private_key_is_refused);
    tcase_add_test(tcase, a_changed_rsa_key_is_refused);
    tcase_add_test(tcase, a_scalar_out_of_range_is_refused);
    tcase_add_test(tcase, an_ec_key_with_the_public_key_of_another_is_refused);
    tcase_add_test(tcase, both_versions_of_pkcs8_are_read);
    tcase_add_test(tcase, raw_keys_have_their_length);
    tcase_add_test(tcase, a_symmetric_key_has_no_public_half);
    tcase_add_test(tcase, nothing_is_lost_when_memory_runs_out);
    return tcase;
}

/* --- public keys -------------------------------------------------------------------------------*/

START_TEST(an_unfit_public_key_is_refused)
{
    for (size_t i = 0; i < refused_key_count; i++) {
        const struct refused_key *refused = &refused_keys[i];
        struct chy_key *key = NULL;
        if (refused->algorithm != CHY_KEY_NONE && !has_key(refused->algorithm)) {
            continue;
        }
        chy_status status = crypto->load_public(self, op, bytes_of(refused->spki), &key);
        ck_assert_msg(status == refused->status, "%s: status %d, not %d: %s", refused->name, status,
                      refused->status, status == CHY_OK ? "" : conf_op_message(op));
        ck_assert_msg(status != CHY_BAD_INPUT || conf_op_error(op).reason == CHY_REASON_CRYPTO,
                      "%s: reason", refused->name);
        ck_assert_ptr_null(key);
    }
}
END_TEST

START_TEST(a_cut_public_key_is_refused)
{
    for (size_t i = 0; i < signing_key_count; i++) {
        if (!has_key(signing_keys[i])) {
            continue;
        }
        struct chy_key *out = NULL;
        struct chy_key *key = key_usual(signing_keys[i], 0);
        struct chy_slice spki = spki_of(key);
        must_refuse(crypto->load_public(self, op, longer(spki), &out));
        uint64_t step = spki.len > 400 ? 97 : 1;
        for (uint64_t len = 0; len < spki.len; len += step) {
            must_refuse(crypto->load_public(self, op, chy_slice_of(spki.ptr, len), &out));
        }
        ck_assert_ptr_null(out);
        release(key);
    }
}
END_TEST

START_TEST(a_public_key_does_not_sign)
{
    struct chy_slice out = {NULL, 77};
    struct chy_key *key = key_made(CHY_KEY_EC_P256, 0);
    struct chy_key *public = key_public(spki_of(key));
    must(CHY_BROKEN,
         crypto->sign(self, op, public, CHY_SIG_ECDSA_SHA256, chy_text("message"), &out));
    ck_assert_int_ne(crypto->export_key(self, op, public, &out), CHY_OK);
    ck_assert_uint_eq(out.len, 77);
    release(public);
    release(key);
}
END_TEST

START_TEST(releasing_nothing_is_fine)
{
    crypto->release(self, NULL);
}
END_TEST

TCase *crypto_public_key_tests(void)
{
    TCase *tcase = crypto_tcase("public keys");
    tcase_add_test(tcase, an_unfit_public_key_is_refused);
    tcase_add_test(tcase, a_cut_public_key_is_refused);
    tcase_add_test(tcase, a_public_key_does_not_sign);
    tcase_add_test(tcase, releasing_nothing_is_fine);
    return tcase;
}
