#include "algorithm.h"

#include "asn1.h"

#define RSA_OID 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x01
#define EC_OID 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01
#define P256_OID 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07
#define P384_OID 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x22
#define P521_OID 0x06, 0x05, 0x2b, 0x81, 0x04, 0x00, 0x23
#define ED25519_OID 0x06, 0x03, 0x2b, 0x65, 0x70
#define ED448_OID 0x06, 0x03, 0x2b, 0x65, 0x71
#define ML_DSA_OID(last) 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, (last)

static const uint8_t rsa_identifier[] = {0x30, 0x0d, RSA_OID, 0x05, 0x00};
static const uint8_t p256_identifier[] = {0x30, 0x13, EC_OID, P256_OID};
static const uint8_t p384_identifier[] = {0x30, 0x10, EC_OID, P384_OID};
static const uint8_t p521_identifier[] = {0x30, 0x10, EC_OID, P521_OID};
static const uint8_t ed25519_identifier[] = {0x30, 0x05, ED25519_OID};
static const uint8_t ed448_identifier[] = {0x30, 0x05, ED448_OID};
#if CHY_WOLF_MLDSA
static const uint8_t ml_dsa_44_identifier[] = {0x30, 0x0b, ML_DSA_OID(0x11)};
static const uint8_t ml_dsa_65_identifier[] = {0x30, 0x0b, ML_DSA_OID(0x12)};
static const uint8_t ml_dsa_87_identifier[] = {0x30, 0x0b, ML_DSA_OID(0x13)};
#endif

#define IDENTIFIER(bytes)      \
    {                          \
        (bytes), sizeof(bytes) \
    }
#define NO_IDENTIFIER \
    {                 \
        NULL, 0       \
    }

// Signature sizes: RFC 3279 2.2.3 with two full-size integers, RFC 8032 5.1 and 5.2, FIPS 204 4.
static const struct chy_algorithm algorithms[] = {
    {CHY_KEY_RSA_2048, CHY_KIND_RSA, 2048, 0, 0, 0, 256, IDENTIFIER(rsa_identifier), "RSA 2048",
     &chy_rsa_ops},
    {CHY_KEY_RSA_3072, CHY_KIND_RSA, 3072, 0, 0, 0, 384, IDENTIFIER(rsa_identifier), "RSA 3072",
     &chy_rsa_ops},
    {CHY_KEY_RSA_4096, CHY_KIND_RSA, 4096, 0, 0, 0, 512, IDENTIFIER(rsa_identifier), "RSA 4096",
     &chy_rsa_ops},
    {CHY_KEY_EC_P256, CHY_KIND_EC, ECC_SECP256R1, 32, 32, 65, 72, IDENTIFIER(p256_identifier),
     "P-256", &chy_ecc_ops},
    {CHY_KEY_EC_P384, CHY_KIND_EC, ECC_SECP384R1, 48, 48, 97, 104, IDENTIFIER(p384_identifier),
     "P-384", &chy_ecc_ops},
    {CHY_KEY_EC_P521, CHY_KIND_EC, ECC_SECP521R1, 66, 66, 133, 139, IDENTIFIER(p521_identifier),
     "P-521", &chy_ecc_ops},
    {CHY_KEY_ED25519, CHY_KIND_ED25519, 0, 0, 32, 32, 64, IDENTIFIER(ed25519_identifier), "Ed25519",
     &chy_ed25519_ops},
    {CHY_KEY_ED448, CHY_KIND_ED448, 0, 0, 57, 57, 114, IDENTIFIER(ed448_identifier), "Ed448",
     &chy_ed448_ops},
#if CHY_WOLF_MLDSA
    {CHY_KEY_ML_DSA_44, CHY_KIND_ML_DSA, WC_ML_DSA_44, 0, 32, 1312, 2420,
     IDENTIFIER(ml_dsa_44_identifier), "ML-DSA-44", &chy_mldsa_ops},
    {CHY_KEY_ML_DSA_65, CHY_KIND_ML_DSA, WC_ML_DSA_65, 0, 32, 1952, 3309,
     IDENTIFIER(ml_dsa_65_identifier), "ML-DSA-65", &chy_mldsa_ops},
    {CHY_KEY_ML_DSA_87, CHY_KIND_ML_DSA, WC_ML_DSA_87, 0, 32, 2592, 4627,
     IDENTIFIER(ml_dsa_87_identifier), "ML-DSA-87", &chy_mldsa_ops},
#endif
    {CHY_KEY_AES_256, CHY_KIND_AES, 0, 0, 32, 0, 0, NO_IDENTIFIER, "AES-256", &chy_aes_ops},
    {CHY_KEY_HMAC_SHA256, CHY_KIND_HMAC, 0, 0, 0, 0, 0, NO_IDENTIFIER, "HMAC-SHA256",
     &chy_hmac_ops},
};

static const struct chy_scheme schemes[] = {
    {CHY_SIG_RSA_SHA256, CHY_KIND_RSA, CHY_DIGEST_SHA256, CHY_KEY_NONE, false, "RSA with SHA-256"},
    {CHY_SIG_RSA_SHA384, CHY_KIND_RSA, CHY_DIGEST_SHA384, CHY_KEY_NONE, false, "RSA with SHA-384"},
    {CHY_SIG_RSA_SHA512, CHY_KIND_RSA, CHY_DIGEST_SHA512, CHY_KEY_NONE, false, "RSA with SHA-512"},
    {CHY_SIG_RSA_PSS_SHA256, CHY_KIND_RSA, CHY_DIGEST_SHA256, CHY_KEY_NONE, true,
     "RSA-PSS with SHA-256"},
    {CHY_SIG_RSA_PSS_SHA384, CHY_KIND_RSA, CHY_DIGEST_SHA384, CHY_KEY_NONE, true,
     "RSA-PSS with SHA-384"},
    {CHY_SIG_RSA_PSS_SHA512, CHY_KIND_RSA, CHY_DIGEST_SHA512, CHY_KEY_NONE, true,
     "RSA-PSS with SHA-512"},
    {CHY_SIG_ECDSA_SHA256, CHY_KIND_EC, CHY_DIGEST_SHA256, CHY_KEY_NONE, false,
     "ECDSA with SHA-256"},
    {CHY_SIG_ECDSA_SHA384, CHY_KIND_EC, CHY_DIGEST_SHA384, CHY_KEY_NONE, false,
     "ECDSA with SHA-384"},
    {CHY_SIG_ECDSA_SHA512, CHY_KIND_EC, CHY_DIGEST_SHA512, CHY_KEY_NONE, false,
     "ECDSA with SHA-512"},
    {CHY_SIG_ED25519, CHY_KIND_ED25519, 0, CHY_KEY_ED25519, false, "Ed25519"},
    {CHY_SIG_ED448, CHY_KIND_ED448, 0, CHY_KEY_ED448, false, "Ed448"},
#if CHY_WOLF_MLDSA
    {CHY_SIG_ML_DSA_44, CHY_KIND_ML_DSA, 0, CHY_KEY_ML_DSA_44, false, "ML-DSA-44"},
    {CHY_SIG_ML_DSA_65, CHY_KIND_ML_DSA, 0, CHY_KEY_ML_DSA_65, false, "ML-DSA-65"},
    {CHY_SIG_ML_DSA_87, CHY_KIND_ML_DSA, 0, CHY_KEY_ML_DSA_87, false, "ML-DSA-87"},
#endif
};

static const uint32_t digests[] = {CHY_DIGEST_SHA1, CHY_DIGEST_SHA256, CHY_DIGEST_SHA384,
                                   CHY_DIGEST_SHA512};
static const uint32_t kdfs[] = {CHY_KDF_HKDF, CHY_KDF_PBKDF2, CHY_KDF_SCRYPT, CHY_KDF_ARGON2ID,
                                CHY_KDF_PKCS12};
static const uint32_t ciphers[] = {
    CHY_CIPHER_AES_256_CBC,
    CHY_CIPHER_AES_128_CBC,
#ifndef NO_DES3
    CHY_CIPHER_DES_EDE3_CBC,
#endif
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const struct chy_algorithm *chy_algorithm_find(uint32_t id)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (algorithms[i].id == id) {
            return &algorithms[i];
        }
    }
    return NULL;
}

const struct chy_algorithm *chy_algorithm_of(struct chy_slice identifier)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (algorithms[i].identifier.len > 0 &&
            chy_slice_equal(algorithms[i].identifier, identifier)) {
            return &algorithms[i];
        }
    }
    return NULL;
}

const struct chy_algorithm *chy_algorithm_of_rsa(uint32_t bits)
{
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        if (algorithms[i].kind == CHY_KIND_RSA && (uint32_t)algorithms[i].parameter == bits) {
            return &algorithms[i];
        }
    }
    return NULL;
}

const struct chy_scheme *chy_scheme_find(uint32_t id)
{
    for (size_t i = 0; i < COUNT(schemes); i++) {
        if (schemes[i].id == id) {
            return &schemes[i];
        }
    }
    return NULL;
}

bool chy_scheme_fits(const struct chy_scheme *scheme, const struct chy_algorithm *algorithm)
{
    return scheme->kind == algorithm->kind &&
           (scheme->key == CHY_KEY_NONE || scheme->key == algorithm->id);
}

/** first_oid splits an AlgorithmIdentifier into its OID, whole, and what follows. */
static bool first_oid(struct chy_slice identifier, struct chy_slice *out_oid,
                      struct chy_slice *out_parameters)
{
    return chy_asn1_take(&identifier, CHY_ASN1_SEQUENCE, out_parameters) &&
           chy_asn1_take_whole(out_parameters, out_oid);
}

bool chy_identifier_malformed(struct chy_slice identifier)
{
    struct chy_slice oid;
    struct chy_slice parameters;
    if (!first_oid(identifier, &oid, &parameters)) {
        return true;
    }
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        struct chy_slice known;
        struct chy_slice unused;
        if (algorithms[i].identifier.len == 0 ||
            !first_oid(algorithms[i].identifier, &known, &unused) || !chy_slice_equal(oid, known)) {
            continue;
        }
        // A named curve that we do not have is unsupported; anything else in its place is wrong.
        return algorithms[i].kind != CHY_KIND_EC || parameters.len == 0 ||
               parameters.ptr[0] != CHY_ASN1_OID;
    }
    return false;
}

void chy_algorithm_capabilities(struct chy_crypto_capabilities *out_capabilities)
{
    struct chy_crypto_capabilities c = {.struct_size = sizeof c};
    c.features = CHY_CRYPTO_KDF | CHY_CRYPTO_CIPHER | CHY_CRYPTO_DECRYPT | CHY_CRYPTO_DERIVE |
                 CHY_CRYPTO_SEAL_KEYS | (CHY_WOLF_ECDSA_LEAKS ? CHY_CRYPTO_ECDSA_LEAKS : 0U);
    // The stride steps from one table row's `id` to the next.
    c.key_algorithms =
        (struct chy_view){&algorithms[0].id, COUNT(algorithms), sizeof algorithms[0]};
    c.signature_algorithms = (struct chy_view){&schemes[0].id, COUNT(schemes), sizeof schemes[0]};
    c.digest_algorithms = (struct chy_view)CHY_VIEW_INIT(digests);
    c.kdf_algorithms = (struct chy_view)CHY_VIEW_INIT(kdfs);
    c.cipher_algorithms = (struct chy_view)CHY_VIEW_INIT(ciphers);
    *out_capabilities = c;
}
