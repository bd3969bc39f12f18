#include "x509/algorithm.h"

#include "x509/oid.h"
#include "x509/word.h"

#include <chancery/host.h>

/* ------------------------------------------------------------------------------------------------
 * Keys
 */

enum {
    NAMES_SIZE = 5
};

struct key_entry {
    uint32_t algorithm;
    enum chy_key_family family;
    uint32_t default_signature;
    const char *names[NAMES_SIZE]; // the wire name first, NULL last
};

static const struct key_entry keys[] = {
    {CHY_KEY_RSA_2048, CHY_FAMILY_RSA, CHY_SIG_RSA_SHA256, {"RSA_2048"}},
    {CHY_KEY_RSA_3072, CHY_FAMILY_RSA, CHY_SIG_RSA_SHA256, {"RSA_3072"}},
    {CHY_KEY_RSA_4096, CHY_FAMILY_RSA, CHY_SIG_RSA_SHA256, {"RSA_4096"}},
    {CHY_KEY_EC_P256,
     CHY_FAMILY_EC,
     CHY_SIG_ECDSA_SHA256,
     {"EC_prime256v1", "ECDSA-P256", "EC-P256", "P-256"}},
    {CHY_KEY_EC_P384,
     CHY_FAMILY_EC,
     CHY_SIG_ECDSA_SHA384,
     {"EC_secp384r1", "ECDSA-P384", "EC-P384", "P-384"}},
    {CHY_KEY_EC_P521,
     CHY_FAMILY_EC,
     CHY_SIG_ECDSA_SHA512,
     {"EC_secp521r1", "ECDSA-P521", "EC-P521", "P-521"}},
    {CHY_KEY_ED25519, CHY_FAMILY_EDWARDS, CHY_SIG_ED25519, {"Ed25519"}},
    {CHY_KEY_ED448, CHY_FAMILY_EDWARDS, CHY_SIG_ED448, {"Ed448"}},
    {CHY_KEY_ML_DSA_44, CHY_FAMILY_ML_DSA, CHY_SIG_ML_DSA_44, {"ML-DSA-44"}},
    {CHY_KEY_ML_DSA_65, CHY_FAMILY_ML_DSA, CHY_SIG_ML_DSA_65, {"ML-DSA-65"}},
    {CHY_KEY_ML_DSA_87, CHY_FAMILY_ML_DSA, CHY_SIG_ML_DSA_87, {"ML-DSA-87"}},
};

static const struct key_entry *find_key(uint32_t algorithm)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (keys[i].algorithm == algorithm) {
            return &keys[i];
        }
    }
    return NULL;
}

const char *chy_key_algorithm_name(uint32_t algorithm)
{
    const struct key_entry *entry = find_key(algorithm);
    return entry == NULL ? NULL : entry->names[0];
}

uint32_t chy_key_algorithm_find(struct chy_slice name)
{
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        if (chy_word_among(name, keys[i].names)) {
            return keys[i].algorithm;
        }
    }
    return CHY_KEY_NONE;
}

enum chy_key_family chy_key_algorithm_family(uint32_t algorithm)
{
    const struct key_entry *entry = find_key(algorithm);
    return entry == NULL ? CHY_FAMILY_NONE : entry->family;
}

uint32_t chy_signature_default(uint32_t key_algorithm)
{
    const struct key_entry *entry = find_key(key_algorithm);
    return entry == NULL ? (uint32_t)CHY_SIG_NONE : entry->default_signature;
}

/* ------------------------------------------------------------------------------------------------
 * Signatures
 */

// Content octets of the RSA and hash identifiers below; each whole AlgorithmIdentifier is a
// constant.
#define RSA_OID 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01
#define RSA_PKCS1(last) 0x30, 0x0d, RSA_OID, (last), 0x05, 0x00
#define SHA2(last) \
    0x30, 0x0d, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, (last), 0x05, 0x00
#define RSA_PSS(hash, salt)                                                                \
    0x30, 0x41, RSA_OID, 0x0a, 0x30, 0x34, 0xa0, 0x0f, SHA2(hash), 0xa1, 0x1c, 0x30, 0x1a, \
        RSA_OID, 0x08, SHA2(hash), 0xa2, 0x03, 0x02, 0x01, (salt)
#define ECDSA(last) 0x30, 0x0a, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, (last)
#define EDWARDS(last) 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, (last)
#define ML_DSA(last) 0x30, 0x0b, 0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x03, (last)

struct signature_entry {
    uint32_t algorithm;
    enum chy_key_family family;
    uint32_t key_algorithm; // CHY_KEY_NONE: any of the family
    const char *names[NAMES_SIZE];
    uint8_t identifier_len;
    uint8_t identifier[68];
};

static const struct signature_entry signatures[] = {
    {CHY_SIG_RSA_SHA256,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-SHA256", "SHA256-RSA"},
     15,
     {RSA_PKCS1(0x0b)}},
    {CHY_SIG_RSA_SHA384,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-SHA384", "SHA384-RSA"},
     15,
     {RSA_PKCS1(0x0c)}},
    {CHY_SIG_RSA_SHA512,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-SHA512", "SHA512-RSA"},
     15,
     {RSA_PKCS1(0x0d)}},
    {CHY_SIG_RSA_PSS_SHA256,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-PSS-SHA256", "SHA256-RSA-PSS"},
     67,
     {RSA_PSS(0x01, 32)}},
    {CHY_SIG_RSA_PSS_SHA384,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-PSS-SHA384", "SHA384-RSA-PSS"},
     67,
     {RSA_PSS(0x02, 48)}},
    {CHY_SIG_RSA_PSS_SHA512,
     CHY_FAMILY_RSA,
     CHY_KEY_NONE,
     {"RSA-PSS-SHA512", "SHA512-RSA-PSS"},
     67,
     {RSA_PSS(0x03, 64)}},
    {CHY_SIG_ECDSA_SHA256,
     CHY_FAMILY_EC,
     CHY_KEY_NONE,
     {"ECDSA-SHA256", "SHA256-ECDSA"},
     12,
     {ECDSA(0x02)}},
    {CHY_SIG_ECDSA_SHA384,
     CHY_FAMILY_EC,
     CHY_KEY_NONE,
     {"ECDSA-SHA384", "SHA384-ECDSA"},
     12,
     {ECDSA(0x03)}},
    {CHY_SIG_ECDSA_SHA512,
     CHY_FAMILY_EC,
     CHY_KEY_NONE,
     {"ECDSA-SHA512", "SHA512-ECDSA"},
     12,
     {ECDSA(0x04)}},
    {CHY_SIG_ED25519, CHY_FAMILY_EDWARDS, CHY_KEY_ED25519, {"Ed25519"}, 7, {EDWARDS(0x70)}},
    {CHY_SIG_ED448, CHY_FAMILY_EDWARDS, CHY_KEY_ED448, {"Ed448"}, 7, {EDWARDS(0x71)}},
    {CHY_SIG_ML_DSA_44, CHY_FAMILY_ML_DSA, CHY_KEY_ML_DSA_44, {"ML-DSA-44"}, 13, {ML_DSA(0x11)}},
    {CHY_SIG_ML_DSA_65, CHY_FAMILY_ML_DSA, CHY_KEY_ML_DSA_65, {"ML-DSA-65"}, 13, {ML_DSA(0x12)}},
    {CHY_SIG_ML_DSA_87, CHY_FAMILY_ML_DSA, CHY_KEY_ML_DSA_87, {"ML-DSA-87"}, 13, {ML_DSA(0x13)}},
};

static const size_t signature_count = sizeof signatures / sizeof signatures[0];

static const struct signature_entry *find_signature(uint32_t algorithm)
{
    for (size_t i = 0; i < signature_count; i++) {
        if (signatures[i].algorithm == algorithm) {
            return &signatures[i];
        }
    }
    return NULL;
}

const char *chy_signature_algorithm_name(uint32_t algorithm)
{
    const struct signature_entry *entry = find_signature(algorithm);
    return entry == NULL ? NULL : entry->names[0];
}

uint32_t chy_signature_algorithm_find(struct chy_slice name)
{
    for (size_t i = 0; i < signature_count; i++) {
        if (chy_word_among(name, signatures[i].names)) {
            return signatures[i].algorithm;
        }
    }
    return CHY_SIG_NONE;
}

bool chy_signature_fits_key(uint32_t signature_algorithm, uint32_t key_algorithm)
{
    const struct signature_entry *entry = find_signature(signature_algorithm);
    return entry != NULL && entry->family == chy_key_algorithm_family(key_algorithm) &&
           (entry->key_algorithm == CHY_KEY_NONE || entry->key_algorithm == key_algorithm);
}

void chy_signature_algorithm_write(struct chy_der_writer *w, uint32_t algorithm)
{
    const struct signature_entry *entry = find_signature(algorithm);
    if (entry == NULL) {
        w->failed = true;
        return;
    }
    chy_der_add_raw(w, chy_slice_of(entry->identifier, entry->identifier_len));
}

/* ------------------------------------------------------------------------------------------------
 * Reading: the constants above at once, and the few other encodings that RFC 4055 wants accepted
 */

static chy_status refuse(struct chy_op *op, const char *what)
{
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "%s", what);
}

/** Takes a SHA-2 AlgorithmIdentifier, with NULL parameters or none (RFC 4055 2.1). */
static bool take_hash(struct chy_der *der, enum chy_oid *out_hash)
{
    struct chy_der inner;
    struct chy_slice oid;
    if (!chy_der_enter(der, CHY_DER_SEQUENCE, &inner) || !chy_der_oid(&inner, &oid) ||
        (!chy_der_done(&inner) && !chy_der_null(&inner)) || !chy_der_done(&inner)) {
        return false;
    }
    *out_hash = chy_oid_find(oid);
    return true;
}

/** Reads RSASSA-PSS-params with one hash throughout and a salt of its length. */
static bool read_pss(struct chy_der *parameters, uint32_t *out_algorithm)
{
    struct chy_der pss;
    struct chy_der part;
    struct chy_der mask;
    struct chy_slice oid;
    enum chy_oid hash;
    enum chy_oid mask_hash;
    uint64_t salt;
    if (!chy_der_enter(parameters, CHY_DER_SEQUENCE, &pss) ||
        !chy_der_enter(&pss, CHY_DER_CONTEXT_SET(0), &part) || !take_hash(&part, &hash) ||
        !chy_der_done(&part) || !chy_der_enter(&pss, CHY_DER_CONTEXT_SET(1), &part) ||
        !chy_der_enter(&part, CHY_DER_SEQUENCE, &mask) || !chy_der_done(&part) ||
        !chy_der_oid(&mask, &oid) || chy_oid_find(oid) != CHY_OID_MGF1 ||
        !take_hash(&mask, &mask_hash) || !chy_der_done(&mask) || mask_hash != hash ||
        !chy_der_enter(&pss, CHY_DER_CONTEXT_SET(2), &part) || !chy_der_u64(&part, &salt) ||
        !chy_der_done(&part) || !chy_der_done(&pss) || !chy_der_done(parameters)) {
        return false;
    }
    if (hash == CHY_OID_SHA256 && salt == 32) {
        *out_algorithm = CHY_SIG_RSA_PSS_SHA256;
        return true;
    }
    if (hash == CHY_OID_SHA384 && salt == 48) {
        *out_algorithm = CHY_SIG_RSA_PSS_SHA384;
        return true;
    }
    if (hash == CHY_OID_SHA512 && salt == 64) {
        *out_algorithm = CHY_SIG_RSA_PSS_SHA512;
        return true;
    }
    return false;
}

/** Finds the constant that has the OID; for the cases where parameters differ from it. */
static const struct signature_entry *find_by_oid(struct chy_slice oid)
{
    for (size_t i = 0; i < signature_count; i++) {
        struct chy_der constant =
            chy_der_of(chy_slice_of(signatures[i].identifier, signatures[i].identifier_len));
        struct chy_der inner;
        struct chy_slice own;
        if (chy_der_enter(&constant, CHY_DER_SEQUENCE, &inner) && chy_der_oid(&inner, &own) &&
            chy_slice_equal(own, oid)) {
            return &signatures[i];
        }
    }
    return NULL;
}

static chy_status read_other(struct chy_op *op, struct chy_der inner, uint32_t *out_algorithm)
{
    struct chy_slice oid;
    char text[CHY_OID_TEXT_SIZE];
    if (!chy_der_oid(&inner, &oid)) {
        return refuse(op, "the signature algorithm is malformed");
    }
    enum chy_oid known = chy_oid_find(oid);
    if (known == CHY_OID_MD5_RSA || known == CHY_OID_SHA1_RSA || known == CHY_OID_SHA1_ECDSA) {
        return chy_fail_reason(
            op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
            "the signature algorithm %s is too weak: SHA-256 or better is needed",
            chy_oid_name(known));
    }
    if (known == CHY_OID_RSA_PSS) {
        if (!read_pss(&inner, out_algorithm)) {
            return refuse(op,
                          "RSA-PSS is supported with SHA-256, SHA-384 or SHA-512, the same hash "
                          "for MGF1 and a salt as long as the hash");
        }
        return CHY_OK;
    }
    const struct signature_entry *entry = find_by_oid(oid);
    if (entry == NULL) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "the signature algorithm %s is not supported",
                               chy_oid_describe(oid, text));
    }
    // The constants cover what is right: NULL for RSA (RFC 4055 5), none for the others (RFC 5758
    // 3.2, RFC 8410 3, RFC 9881 2). What may be left is RSA without parameters, to be accepted.
    if (!chy_der_done(&inner)) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "the signature algorithm %s has parameters that it must not have",
                               entry->names[0]);
    }
    *out_algorithm = entry->algorithm;
    return CHY_OK;
}

chy_status chy_signature_algorithm_read(struct chy_op *op, struct chy_der *der,
                                        uint32_t *out_algorithm)
{
    struct chy_der ahead = *der;
    struct chy_slice whole;
    struct chy_der inner;
    if (!chy_der_next_is(der, CHY_DER_SEQUENCE) || !chy_der_whole(&ahead, &whole)) {
        return refuse(op, "the signature algorithm is malformed");
    }
    for (size_t i = 0; i < signature_count; i++) {
        if (chy_slice_equal(whole,
                            chy_slice_of(signatures[i].identifier, signatures[i].identifier_len))) {
            *der = ahead;
            *out_algorithm = signatures[i].algorithm;
            return CHY_OK;
        }
    }
    ahead = *der;
    if (!chy_der_enter(&ahead, CHY_DER_SEQUENCE, &inner)) {
        return refuse(op, "the signature algorithm is malformed");
    }
    CHY_TRY(read_other(op, inner, out_algorithm));
    *der = ahead;
    return CHY_OK;
}
