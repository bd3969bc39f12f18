#include "x509/algorithm.h"

#include "x509_data.h"

struct name_case {
    const char *text;
    uint32_t algorithm;
    const char *wire; // NULL: unknown
};

static const struct name_case key_cases[] = {
    {"RSA_2048", CHY_KEY_RSA_2048, "RSA_2048"},
    {"RSA-2048", CHY_KEY_RSA_2048, "RSA_2048"},
    {"rsa-3072", CHY_KEY_RSA_3072, "RSA_3072"},
    {"RSA_4096", CHY_KEY_RSA_4096, "RSA_4096"},
    {"EC_prime256v1", CHY_KEY_EC_P256, "EC_prime256v1"},
    {"ec_PRIME256V1", CHY_KEY_EC_P256, "EC_prime256v1"},
    {"ECDSA-P256", CHY_KEY_EC_P256, "EC_prime256v1"},
    {"ECDSA-P384", CHY_KEY_EC_P384, "EC_secp384r1"},
    {"EC_secp521r1", CHY_KEY_EC_P521, "EC_secp521r1"},
    {"ecdsa_p521", CHY_KEY_EC_P521, "EC_secp521r1"},
    {"ed25519", CHY_KEY_ED25519, "Ed25519"},
    {"ED448", CHY_KEY_ED448, "Ed448"},
    {"ML-DSA-44", CHY_KEY_ML_DSA_44, "ML-DSA-44"},
    {"ml_dsa_65", CHY_KEY_ML_DSA_65, "ML-DSA-65"},
    {"ML-DSA-87", CHY_KEY_ML_DSA_87, "ML-DSA-87"},
    {"SLH-DSA-SHA2-128f", CHY_KEY_NONE, NULL},
    {"RSA_1024", CHY_KEY_NONE, NULL},
    {"", CHY_KEY_NONE, NULL},
};

START_TEST(names_keys)
{
    const struct name_case *c = &key_cases[_i];
    ck_assert_uint_eq(chy_key_algorithm_find(chy_text(c->text)), c->algorithm);
    ck_assert_pstr_eq(chy_key_algorithm_name(c->algorithm), c->wire);
}
END_TEST

static const struct name_case signature_cases[] = {
    {"RSA-SHA256", CHY_SIG_RSA_SHA256, "RSA-SHA256"},
    {"SHA256-RSA", CHY_SIG_RSA_SHA256, "RSA-SHA256"},
    {"sha384-rsa", CHY_SIG_RSA_SHA384, "RSA-SHA384"},
    {"RSA-SHA512", CHY_SIG_RSA_SHA512, "RSA-SHA512"},
    {"RSA-PSS-SHA256", CHY_SIG_RSA_PSS_SHA256, "RSA-PSS-SHA256"},
    {"SHA512-RSAPSS", CHY_SIG_RSA_PSS_SHA512, "RSA-PSS-SHA512"},
    {"SHA256-ECDSA", CHY_SIG_ECDSA_SHA256, "ECDSA-SHA256"},
    {"ECDSA-SHA384", CHY_SIG_ECDSA_SHA384, "ECDSA-SHA384"},
    {"ecdsa_sha512", CHY_SIG_ECDSA_SHA512, "ECDSA-SHA512"},
    {"Ed25519", CHY_SIG_ED25519, "Ed25519"},
    {"ed448", CHY_SIG_ED448, "Ed448"},
    {"ML-DSA-44", CHY_SIG_ML_DSA_44, "ML-DSA-44"},
    {"ML-DSA-87", CHY_SIG_ML_DSA_87, "ML-DSA-87"},
    {"SHA1-RSA", CHY_SIG_NONE, NULL},
};

START_TEST(names_signatures)
{
    const struct name_case *c = &signature_cases[_i];
    ck_assert_uint_eq(chy_signature_algorithm_find(chy_text(c->text)), c->algorithm);
    ck_assert_pstr_eq(chy_signature_algorithm_name(c->algorithm), c->wire);
}
END_TEST

struct fit_case {
    uint32_t key;
    uint32_t default_signature;
    uint32_t fitting; // bit i: signature algorithm i
};

#define FIT(s) (1U << (s))
#define RSA_FIT (FIT(1) | FIT(2) | FIT(3) | FIT(4) | FIT(5) | FIT(6))
#define EC_FIT (FIT(7) | FIT(8) | FIT(9))

static const struct fit_case fit_cases[] = {
    {CHY_KEY_RSA_2048, CHY_SIG_RSA_SHA256, RSA_FIT},
    {CHY_KEY_RSA_3072, CHY_SIG_RSA_SHA256, RSA_FIT},
    {CHY_KEY_RSA_4096, CHY_SIG_RSA_SHA256, RSA_FIT},
    {CHY_KEY_EC_P256, CHY_SIG_ECDSA_SHA256, EC_FIT},
    {CHY_KEY_EC_P384, CHY_SIG_ECDSA_SHA384, EC_FIT},
    {CHY_KEY_EC_P521, CHY_SIG_ECDSA_SHA512, EC_FIT},
    {CHY_KEY_ED25519, CHY_SIG_ED25519, FIT(CHY_SIG_ED25519)},
    {CHY_KEY_ED448, CHY_SIG_ED448, FIT(CHY_SIG_ED448)},
    {CHY_KEY_ML_DSA_44, CHY_SIG_ML_DSA_44, FIT(CHY_SIG_ML_DSA_44)},
    {CHY_KEY_ML_DSA_65, CHY_SIG_ML_DSA_65, FIT(CHY_SIG_ML_DSA_65)},
    {CHY_KEY_ML_DSA_87, CHY_SIG_ML_DSA_87, FIT(CHY_SIG_ML_DSA_87)},
    {CHY_KEY_NONE, CHY_SIG_NONE, 0},
    {CHY_KEY_AES_256, CHY_SIG_NONE, 0},
};

START_TEST(knows_what_fits)
{
    const struct fit_case *c = &fit_cases[_i];
    ck_assert_uint_eq(chy_signature_default(c->key), c->default_signature);
    for (uint32_t s = CHY_SIG_NONE; s <= CHY_SIG_ML_DSA_87 + 1; s++) {
        ck_assert_msg(chy_signature_fits_key(s, c->key) == ((c->fitting >> s & 1) != 0),
                      "key %u, signature %u", c->key, s);
    }
}
END_TEST

START_TEST(reads_what_it_writes)
{
    struct chy_op *op = test_op_new();
    for (uint32_t s = CHY_SIG_RSA_SHA256; s <= CHY_SIG_ML_DSA_87; s++) {
        struct chy_der_writer w = chy_der_writer_new(op, 128, 128);
        struct chy_slice der = {0};
        uint32_t again = CHY_SIG_NONE;
        chy_signature_algorithm_write(&w, s);
        ck_assert(chy_der_written(&w, &der));
        struct chy_der reader = chy_der_of(der);
        ck_assert_int_eq(chy_signature_algorithm_read(op, &reader, &again), CHY_OK);
        ck_assert_uint_eq(again, s);
        ck_assert(chy_der_done(&reader));
    }
    test_op_free(op);
}
END_TEST

struct identifier_case {
    const char *der;
    uint32_t algorithm; // CHY_SIG_NONE: refused
    const char *message;
};

#define PSS_OID "06092a864886f70d01010a"
#define MGF_OID "06092a864886f70d010108"
#define SHA256_NULL "300d06096086480165030402010500"
#define SHA256_BARE "300b0609608648016503040201"
#define SHA384_NULL "300d06096086480165030402020500"

static const struct identifier_case identifier_cases[] = {
    {"300d06092a864886f70d01010b0500", CHY_SIG_RSA_SHA256, NULL},
    {"300b06092a864886f70d01010b", CHY_SIG_RSA_SHA256, NULL}, // RFC 4055 5: accepted
    {"300a06082a8648ce3d040302", CHY_SIG_ECDSA_SHA256, NULL},
    {"300506032b6570", CHY_SIG_ED25519, NULL},
    {"300b0609608648016503040311", CHY_SIG_ML_DSA_44, NULL},
    {"3041" PSS_OID "3034 a00f" SHA256_NULL "a11c301a" MGF_OID SHA256_NULL "a203020120",
     CHY_SIG_RSA_PSS_SHA256, NULL},
    {"303d" PSS_OID "3030 a00d" SHA256_BARE "a11a3018" MGF_OID SHA256_BARE "a203020120",
     CHY_SIG_RSA_PSS_SHA256, NULL},
    {"3041" PSS_OID "3034 a00f" SHA256_NULL "a11c301a" MGF_OID SHA384_NULL "a203020120",
     CHY_SIG_NONE, "RSA-PSS"},
    {"3041" PSS_OID "3034 a00f" SHA384_NULL "a11c301a" MGF_OID SHA384_NULL "a203020120",
     CHY_SIG_NONE, "RSA-PSS"},
    {"300c06082a8648ce3d0403020500", CHY_SIG_NONE, "must not have"},
    {"300706032b65700500", CHY_SIG_NONE, "must not have"},
    {"300d06092a864886f70d0101040500", CHY_SIG_NONE, "md5WithRSAEncryption is too weak"},
    {"300d06092a864886f70d0101050500", CHY_SIG_NONE, "sha1WithRSAEncryption is too weak"},
    {"300906072a8648ce3d0401", CHY_SIG_NONE, "too weak"},
    {"300406022a03", CHY_SIG_NONE, "1.2.3 is not supported"},
    {"3000", CHY_SIG_NONE, "malformed"},
    {"0500", CHY_SIG_NONE, "malformed"},
    {"", CHY_SIG_NONE, "malformed"},
};

START_TEST(reads_identifiers)
{
    const struct identifier_case *c = &identifier_cases[_i];
    struct chy_op *op = test_op_new();
    struct chy_der reader = chy_der_of(x509_hex(op, c->der));
    uint64_t len = reader.rest.len;
    uint32_t algorithm = 77;
    chy_status status = chy_signature_algorithm_read(op, &reader, &algorithm);
    if (c->message == NULL) {
        ck_assert_msg(status == CHY_OK, "%s: %s", c->der, test_op_message(op));
        ck_assert_uint_eq(algorithm, c->algorithm);
        ck_assert_uint_eq(reader.rest.len, 0);
    } else {
        ck_assert_int_eq(status, CHY_BAD_INPUT);
        ck_assert_uint_eq(x509_reason(op), CHY_REASON_CRYPTO);
        x509_assert_says(op, c->message, c->der);
        ck_assert_uint_eq(algorithm, 77);
        ck_assert_uint_eq(reader.rest.len, len);
    }
    test_op_free(op);
}
END_TEST

TEST_MAIN("x509_algorithm", TEST_EACH(names_keys, key_cases),
          TEST_EACH(names_signatures, signature_cases), TEST_EACH(knows_what_fits, fit_cases),
          TEST(reads_what_it_writes), TEST_EACH(reads_identifiers, identifier_cases))
