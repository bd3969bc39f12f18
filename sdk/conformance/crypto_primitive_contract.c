/** Promises about digests, MACs, randomness, key derivation and ciphers: known answers. */
#include "crypto_fixture.h"

static const struct {
    uint32_t algorithm;
    const char *of_abc; /**< FIPS 180-4's example */
    const char *mac;    /**< HMAC with the key "key" of FOX */
} digests[] = {
    {CHY_DIGEST_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d",
     "de7c9b85b8b78aa6bc8a7a36f70a90701c9db4d9"},
    {CHY_DIGEST_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
     "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"},
    {CHY_DIGEST_SHA384,
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7",
     "d7f4727e2c0b39ae0f1e40cc96f60242d5b7801841cea6fc592c5d3e1ae50700"
     "582a96cf35e1e554995fe4e03381c237"},
    {CHY_DIGEST_SHA512,
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f",
     "b42af09057bac1e2d41708e48a902e09b5ff7f12ab428a4fe86653c73dd248fb"
     "82f948a549f7b791a5b41915ee4d1ec3935357e4e2317250d0372afa2ebeeb3a"},
};
#define DIGEST_COUNT (sizeof digests / sizeof digests[0])
#define FOX "The quick brown fox jumps over the lazy dog"

START_TEST(digests_give_the_known_answers)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        struct chy_slice out;
        must(CHY_OK, crypto->digest(self, op, digests[i].algorithm, chy_text("abc"), &out));
        must_equal(out, bytes_of(digests[i].of_abc));
    }
    struct chy_slice empty;
    must(CHY_OK, crypto->digest(self, op, CHY_DIGEST_SHA256, (struct chy_slice){NULL, 0}, &empty));
    must_equal(empty, bytes_of("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"));
}
END_TEST

START_TEST(macs_give_the_known_answers)
{
    for (size_t i = 0; i < DIGEST_COUNT; i++) {
        struct chy_slice out;
        must(CHY_OK, crypto->hmac(self, op, NULL, chy_text("key"), digests[i].algorithm,
                                  chy_text(FOX), &out));
        must_equal(out, bytes_of(digests[i].mac));
    }
}
END_TEST

START_TEST(a_mac_key_and_its_bytes_agree)
{
    struct chy_slice raw = chy_text("sixteen or more bytes");
    struct chy_slice none = {NULL, 0};
    struct chy_slice by_key;
    struct chy_slice by_bytes;
    struct chy_key *key = key_taken(CHY_KEY_HMAC_SHA256, 0, raw);
    must(CHY_OK, crypto->hmac(self, op, key, none, CHY_DIGEST_SHA256, chy_text(FOX), &by_key));
    must(CHY_OK, crypto->hmac(self, op, NULL, raw, CHY_DIGEST_SHA256, chy_text(FOX), &by_bytes));
    must_equal(by_key, by_bytes);
    release(key);
    struct chy_key *wrong = key_made(CHY_KEY_AES_256, 0);
    must(CHY_BROKEN,
         crypto->hmac(self, op, wrong, none, CHY_DIGEST_SHA256, chy_text(FOX), &by_key));
    release(wrong);
}
END_TEST

START_TEST(unknown_digests_are_unsupported)
{
    static const uint32_t unknown[] = {0, 5, 4000000000U};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        struct chy_slice out = {NULL, 77};
        must(CHY_UNSUPPORTED, crypto->digest(self, op, unknown[i], chy_text("abc"), &out));
        must(CHY_UNSUPPORTED,
             crypto->hmac(self, op, NULL, chy_text("key"), unknown[i], chy_text("abc"), &out));
        ck_assert_uint_eq(out.len, 77);
    }
}
END_TEST

START_TEST(random_bytes_differ_and_fill_the_buffer)
{
    enum {
        LEN = 200000
    };
    uint8_t *one = chy_alloc(op, LEN);
    uint8_t *other = chy_alloc(op, LEN);
    must(CHY_OK, crypto->random(self, op, (struct chy_buffer){one, LEN}));
    must(CHY_OK, crypto->random(self, op, (struct chy_buffer){other, LEN}));
    must(CHY_OK, crypto->random(self, op, (struct chy_buffer){NULL, 0}));
    // A run of sixteen zeros, or of sixteen equal bytes, will not be seen before the sun ends.
    for (size_t at = 0; at + 16 <= LEN; at += 16) {
        static const uint8_t zeros[16];
        ck_assert_mem_ne(one + at, zeros, 16);
        ck_assert_mem_ne(one + at, other + at, 16);
    }
}
END_TEST

/* --- key derivation ----------------------------------------------------------------------------*/

struct derivation {
    struct chy_kdf_call call;
    const char *expected;
};

#define KDF(which, hash, l, c, m, s, t)                                                     \
    {                                                                                       \
        .struct_size = sizeof(struct chy_kdf_call), .algorithm = (which), .digest = (hash), \
        .lanes = (l), .cost = (c), .memory = (m), .secret = CHY_TEXT_INIT(s),               \
        .salt = CHY_TEXT_INIT(t)                                                            \
    }
/** PKCS#12's, of the password "smeg" as a BMPString with its NUL. */
#define KDF12(hash, c, id)                                                                         \
    {                                                                                              \
        .struct_size = sizeof(struct chy_kdf_call), .algorithm = CHY_KDF_PKCS12, .digest = (hash), \
        .cost = (c), .secret = CHY_TEXT_INIT("\0s\0m\0e\0g\0\0"),                                  \
        .salt = CHY_TEXT_INIT("\x0a\x58\xcf\x64\x53\x0d\x82\x3f"), .info = CHY_TEXT_INIT(id)       \
    }

// RFC 6070 2 and 4 (SHA-1), RFC 7914 11 (PBKDF2) and 12 (scrypt), libargon2's own tests, and
// OpenSSL's PKCS12KDF.
static const struct derivation derivations[] = {
    {KDF(CHY_KDF_PBKDF2, CHY_DIGEST_SHA1, 0, 2, 0, "password", "salt"),
     "ea6c014dc72d6f8ccd1ed92ace1d41f0d8de8957"},
    {KDF(CHY_KDF_PBKDF2, CHY_DIGEST_SHA256, 0, 1, 0, "passwd", "salt"),
     "55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"},
    {KDF(CHY_KDF_SCRYPT, 0, 1, 16, 1, "", ""),
     "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442"},
    {KDF(CHY_KDF_SCRYPT, 0, 16, 1024, 8, "password", "NaCl"),
     "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b373162"},
    {KDF(CHY_KDF_ARGON2ID, 0, 1, 2, 256, "password", "somesalt"),
     "9dfeb910e80bad0311fee20f9c0e2b12c17987b4cac90c2ef54d5b3021c68bfe"},
    {KDF(CHY_KDF_ARGON2ID, 0, 2, 2, 256, "password", "somesalt"),
     "6d093c501fd5999645e0ea3bf620d7b8be7fd2db59c20d9fff9539da2bf57037"},
    {KDF12(CHY_DIGEST_SHA1, 1, "\1"), "8aaae6297b6cb04642ab5b077851284eb7128f1a2a7fbca3"},
    {KDF12(CHY_DIGEST_SHA256, 1000, "\3"),
     "35ac16a454d608fb10c8d7c6338ca85818587aed0ff771fd265957e412c2c03c"},
    {KDF12(CHY_DIGEST_SHA512, 3, "\2"),
     "50c40e4afb82636d51be042c26838bcc194336916f7df613c58a18a9a03945fae7ff4d14792f5edd"},
};

START_TEST(derivations_give_the_known_answers)
{
    for (size_t i = 0; i < sizeof derivations / sizeof derivations[0]; i++) {
        if (!has_kdf(derivations[i].call.algorithm)) {
            continue;
        }
        struct chy_slice expected = bytes_of(derivations[i].expected);
        uint8_t *out = chy_secret_alloc(op, expected.len);
        must(CHY_OK,
             crypto->kdf(self, op, &derivations[i].call, (struct chy_buffer){out, expected.len}));
        must_equal(chy_slice_of(out, expected.len), expected);
    }
}
END_TEST

START_TEST(a_derivation_that_costs_too_much_or_nothing_is_refused)
{
    static const struct chy_kdf_call calls[] = {
        KDF(CHY_KDF_PBKDF2, CHY_DIGEST_SHA256, 0, 0, 0, "password", "salt"),
        KDF(CHY_KDF_PBKDF2, CHY_DIGEST_SHA256, 0, UINT64_MAX, 0, "password", "salt"),
        KDF(CHY_KDF_SCRYPT, 0, 1, 1000, 8, "password", "salt"),
        KDF(CHY_KDF_SCRYPT, 0, 1, UINT64_C(1) << 40, 8, "password", "salt"),
        KDF(CHY_KDF_SCRYPT, 0, 0, 1024, 8, "password", "salt"),
        KDF(CHY_KDF_ARGON2ID, 0, 1, 2, UINT64_C(1) << 40, "password", "somesalt"),
        KDF(CHY_KDF_ARGON2ID, 0, 0, 2, 256, "password", "somesalt"),
        KDF(CHY_KDF_ARGON2ID, 0, 1, 2, 256, "password", "short"),
        KDF12(CHY_DIGEST_SHA256, 0, "\1"),
        KDF12(CHY_DIGEST_SHA256, UINT64_MAX, "\1"),
        KDF12(CHY_DIGEST_SHA256, 1, "\4"),
        KDF12(CHY_DIGEST_SHA256, 1, ""),
    };
    uint8_t out[32];
    for (size_t i = 0; i < sizeof calls / sizeof calls[0]; i++) {
        if (has_kdf(calls[i].algorithm)) {
            must(CHY_BAD_INPUT,
                 crypto->kdf(self, op, &calls[i], (struct chy_buffer){out, sizeof out}));
        }
    }
    struct chy_kdf_call unknown = KDF(9, 0, 1, 1, 1, "password", "salt");
    if (has_feature(CHY_CRYPTO_KDF)) {
        must(CHY_UNSUPPORTED,
             crypto->kdf(self, op, &unknown, (struct chy_buffer){out, sizeof out}));
    }
}
END_TEST

/* --- ciphers -----------------------------------------------------------------------------------*/

static const struct {
    uint32_t algorithm;
    const char *key;
    const char *iv;
    const char *plain;
    const char *sealed;
} ciphers[] = {
    // NIST SP 800-38A F.2.5 and F.2.1, first block; the second is the padding.
    {CHY_CIPHER_AES_256_CBC, "603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4",
     "000102030405060708090a0b0c0d0e0f", "6bc1bee22e409f96e93d7e117393172a",
     "f58c4c04d6e5f1ba779eabfb5f7bfbd6"},
    {CHY_CIPHER_AES_128_CBC, "2b7e151628aed2a6abf7158809cf4f3c", "000102030405060708090a0b0c0d0e0f",
     "6bc1bee22e409f96e93d7e117393172a", "7649abac8119b246cee98e9b12e9197d"},
    // openssl enc -des-ede3-cbc
    {CHY_CIPHER_DES_EDE3_CBC, "000102030405060708090a0b0c0d0e0f1011121314151617",
     "0011223344556677", "68656c6c6f2033646573", "ef6073a2ba06038ca5097a5588dd44b6"},
};
#define CIPHER_COUNT (sizeof ciphers / sizeof ciphers[0])

static struct chy_cipher_call cipher_call(size_t i, struct chy_slice input, uint32_t decrypt)
{
    struct chy_cipher_call call = {
        .struct_size = sizeof call,
        .algorithm = ciphers[i].algorithm,
        .decrypt = decrypt,
        .key = bytes_of(ciphers[i].key),
        .iv = bytes_of(ciphers[i].iv),
        .input = input,
    };
    return call;
}

START_TEST(ciphers_give_the_known_answers_and_come_back)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (!has_cipher(ciphers[i].algorithm)) {
            continue;
        }
        struct chy_slice sealed;
        struct chy_slice back;
        struct chy_slice expected = bytes_of(ciphers[i].sealed);
        struct chy_cipher_call encrypt = cipher_call(i, bytes_of(ciphers[i].plain), 0);
        must(CHY_OK, crypto->cipher(self, op, &encrypt, &sealed));
        ck_assert_uint_ge(sealed.len, expected.len);
        ck_assert_mem_eq(sealed.ptr, expected.ptr, expected.len);
        struct chy_cipher_call decrypt = cipher_call(i, sealed, 1);
        must(CHY_OK, crypto->cipher(self, op, &decrypt, &back));
        must_equal(back, bytes_of(ciphers[i].plain));
    }
}
END_TEST

START_TEST(every_length_is_padded)
{
    static const uint8_t bytes[40] = {7};
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        for (uint64_t len = 0; has_cipher(ciphers[i].algorithm) && len <= sizeof bytes; len++) {
            struct chy_slice sealed;
            struct chy_slice back;
            struct chy_cipher_call encrypt = cipher_call(i, chy_slice_of(bytes, len), 0);
            must(CHY_OK, crypto->cipher(self, op, &encrypt, &sealed));
            ck_assert_uint_gt(sealed.len, len);
            struct chy_cipher_call decrypt = cipher_call(i, sealed, 1);
            must(CHY_OK, crypto->cipher(self, op, &decrypt, &back));
            must_equal(back, chy_slice_of(bytes, len));
        }
    }
}
END_TEST

START_TEST(a_wrong_ciphertext_is_refused)
{
    for (size_t i = 0; i < CIPHER_COUNT; i++) {
        if (!has_cipher(ciphers[i].algorithm)) {
            continue;
        }
        struct chy_slice sealed;
        struct chy_slice out = {NULL, 77};
        struct chy_cipher_call call = cipher_call(i, bytes_of(ciphers[i].plain), 0);
        must(CHY_OK, crypto->cipher(self, op, &call, &sealed));
        call = cipher_call(i, shorter(sealed), 1);
        must_refuse(crypto->cipher(self, op, &call, &out));
        call = cipher_call(i, chy_slice_of(sealed.ptr, 0), 1);
        must_refuse(crypto->cipher(self, op, &call, &out));
        // The last byte of the block before changes the padding's last byte: 6, 16 become 7, 17.
        uint64_t block = bytes_of(ciphers[i].iv).len;
        call = cipher_call(i, changed(sealed, sealed.len - block - 1), 1);
        must_refuse(crypto->cipher(self, op, &call, &out));
        call = cipher_call(i, sealed, 1);
        call.key = shorter(call.key);
        must(CHY_BAD_INPUT, crypto->cipher(self, op, &call, &out));
        ck_assert_uint_eq(out.len, 77);
    }
}
END_TEST

TCase *crypto_primitive_tests(void)
{
    TCase *tcase = crypto_tcase("primitives");
    tcase_add_test(tcase, digests_give_the_known_answers);
    tcase_add_test(tcase, macs_give_the_known_answers);
    tcase_add_test(tcase, a_mac_key_and_its_bytes_agree);
    tcase_add_test(tcase, unknown_digests_are_unsupported);
    tcase_add_test(tcase, random_bytes_differ_and_fill_the_buffer);
    tcase_add_test(tcase, derivations_give_the_known_answers);
    tcase_add_test(tcase, a_derivation_that_costs_too_much_or_nothing_is_refused);
    tcase_add_test(tcase, ciphers_give_the_known_answers_and_come_back);
    tcase_add_test(tcase, every_length_is_padded);
    tcase_add_test(tcase, a_wrong_ciphertext_is_refused);
    return tcase;
}
