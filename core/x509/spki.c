#include "x509/spki.h"

#include "x509/oid.h"

#include <chancery/host.h>

static chy_status refuse(struct chy_op *op, const char *what)
{
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO, "%s", what);
}

/* ------------------------------------------------------------------------------------------------
 * Structure
 */

static uint32_t bit_length(struct chy_slice magnitude)
{
    if (magnitude.len == 0 || magnitude.len > UINT32_MAX / 8) {
        return 0;
    }
    uint32_t bits = (uint32_t)(8 * (magnitude.len - 1));
    for (uint32_t first = magnitude.ptr[0]; first != 0; first >>= 1) {
        bits++;
    }
    return bits;
}

/** RFC 3279 2.3.1: NULL parameters, and an RSAPublicKey in the BIT STRING. */
static chy_status read_rsa(struct chy_op *op, struct chy_der *parameters, struct chy_spki *spki)
{
    struct chy_der key = chy_der_of(spki->public_key);
    struct chy_der numbers;
    if (!chy_der_null(parameters) || !chy_der_done(parameters)) {
        return refuse(op, "the parameters of the RSA key are not NULL");
    }
    if (!chy_der_enter(&key, CHY_DER_SEQUENCE, &numbers) || !chy_der_done(&key) ||
        !chy_der_magnitude(&numbers, &spki->modulus) ||
        !chy_der_magnitude(&numbers, &spki->exponent) || !chy_der_done(&numbers)) {
        return refuse(op, "the RSA key is not a modulus and an exponent in DER");
    }
    spki->family = CHY_FAMILY_RSA;
    spki->bits = bit_length(spki->modulus);
    if (spki->bits == 2048) {
        spki->algorithm = CHY_KEY_RSA_2048;
    } else if (spki->bits == 3072) {
        spki->algorithm = CHY_KEY_RSA_3072;
    } else if (spki->bits == 4096) {
        spki->algorithm = CHY_KEY_RSA_4096;
    } else {
        spki->algorithm = CHY_KEY_NONE;
    }
    return CHY_OK;
}

/** RFC 5480 2.1.1, 2.2: a named curve, and an uncompressed point. */
static chy_status read_ec(struct chy_op *op, struct chy_der *parameters, struct chy_spki *spki)
{
    struct chy_slice curve;
    char text[CHY_OID_TEXT_SIZE];
    if (chy_der_next_is(parameters, CHY_DER_SEQUENCE)) {
        return refuse(op,
                      "the EC key has explicit curve parameters: only named curves are allowed");
    }
    if (!chy_der_oid(parameters, &curve) || !chy_der_done(parameters)) {
        return refuse(op, "the EC key names no curve");
    }
    enum chy_oid known = chy_oid_find(curve);
    if (known == CHY_OID_P256) {
        spki->algorithm = CHY_KEY_EC_P256;
        spki->bits = 256;
    } else if (known == CHY_OID_P384) {
        spki->algorithm = CHY_KEY_EC_P384;
        spki->bits = 384;
    } else if (known == CHY_OID_P521) {
        spki->algorithm = CHY_KEY_EC_P521;
        spki->bits = 521;
    } else {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "the curve %s is not supported: use P-256, P-384 or P-521",
                               chy_oid_describe(curve, text));
    }
    uint64_t field_len = (spki->bits + 7) / 8;
    if (spki->public_key.len != 1 + 2 * field_len || spki->public_key.ptr[0] != 0x04) {
        return refuse(op, "the EC key is not an uncompressed point of its curve");
    }
    spki->family = CHY_FAMILY_EC;
    return CHY_OK;
}

/** Keys that are plain octets: RFC 8410 4, RFC 9881 4. */
static const struct raw_key {
    enum chy_oid oid;
    uint32_t algorithm;
    enum chy_key_family family;
    uint64_t len;
} raw_keys[] = {
    {CHY_OID_ED25519, CHY_KEY_ED25519, CHY_FAMILY_EDWARDS, 32},
    {CHY_OID_ED448, CHY_KEY_ED448, CHY_FAMILY_EDWARDS, 57},
    {CHY_OID_ML_DSA_44, CHY_KEY_ML_DSA_44, CHY_FAMILY_ML_DSA, 1312},
    {CHY_OID_ML_DSA_65, CHY_KEY_ML_DSA_65, CHY_FAMILY_ML_DSA, 1952},
    {CHY_OID_ML_DSA_87, CHY_KEY_ML_DSA_87, CHY_FAMILY_ML_DSA, 2592},
};

static chy_status read_raw(struct chy_op *op, struct chy_slice oid, struct chy_der *parameters,
                           struct chy_spki *spki)
{
    enum chy_oid known = chy_oid_find(oid);
    char text[CHY_OID_TEXT_SIZE];
    for (size_t i = 0; i < sizeof raw_keys / sizeof raw_keys[0]; i++) {
        const struct raw_key *raw = &raw_keys[i];
        if (raw->oid != known) {
            continue;
        }
        if (!chy_der_done(parameters)) {
            return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                                   "the %s key has parameters, which it must not have",
                                   chy_oid_name(known));
        }
        if (spki->public_key.len != raw->len) {
            return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                                   "the %s key has %llu octets instead of %llu",
                                   chy_oid_name(known), (unsigned long long)spki->public_key.len,
                                   (unsigned long long)raw->len);
        }
        spki->algorithm = raw->algorithm;
        spki->family = raw->family;
        return CHY_OK;
    }
    return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                           "the key algorithm %s is not supported", chy_oid_describe(oid, text));
}

chy_status chy_spki_read(struct chy_op *op, struct chy_der *der, struct chy_spki *out_spki)
{
    struct chy_der ahead = *der;
    struct chy_der element;
    struct chy_der inner;
    struct chy_der parameters;
    struct chy_slice oid;
    struct chy_spki spki = {0};
    if (!chy_der_whole(&ahead, &spki.der)) {
        return refuse(op, "the public key is malformed");
    }
    element = chy_der_of(spki.der);
    if (!chy_der_enter(&element, CHY_DER_SEQUENCE, &inner) ||
        !chy_der_enter(&inner, CHY_DER_SEQUENCE, &parameters) || !chy_der_oid(&parameters, &oid) ||
        !chy_der_bits(&inner, &spki.public_key) || !chy_der_done(&inner)) {
        return refuse(op, "the public key is malformed");
    }
    enum chy_oid known = chy_oid_find(oid);
    if (known == CHY_OID_RSA) {
        CHY_TRY(read_rsa(op, &parameters, &spki));
    } else if (known == CHY_OID_EC) {
        CHY_TRY(read_ec(op, &parameters, &spki));
    } else {
        CHY_TRY(read_raw(op, oid, &parameters, &spki));
    }
    *der = ahead;
    *out_spki = spki;
    return CHY_OK;
}

chy_status chy_spki_parse(struct chy_op *op, struct chy_slice der, struct chy_spki *out_spki)
{
    struct chy_der reader = chy_der_of(der);
    struct chy_spki spki;
    CHY_TRY(chy_spki_read(op, &reader, &spki));
    if (!chy_der_done(&reader)) {
        return refuse(op, "there are bytes after the public key");
    }
    *out_spki = spki;
    return CHY_OK;
}

/* ------------------------------------------------------------------------------------------------
 * Strength
 */

// All odd primes below 752.
static const uint16_t primes[] = {
    3,   5,   7,   11,  13,  17,  19,  23,  29,  31,  37,  41,  43,  47,  53,  59,  61,  67,  71,
    73,  79,  83,  89,  97,  101, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167,
    173, 179, 181, 191, 193, 197, 199, 211, 223, 227, 229, 233, 239, 241, 251, 257, 263, 269, 271,
    277, 281, 283, 293, 307, 311, 313, 317, 331, 337, 347, 349, 353, 359, 367, 373, 379, 383, 389,
    397, 401, 409, 419, 421, 431, 433, 439, 443, 449, 457, 461, 463, 467, 479, 487, 491, 499, 503,
    509, 521, 523, 541, 547, 557, 563, 569, 571, 577, 587, 593, 599, 601, 607, 613, 617, 619, 631,
    641, 643, 647, 653, 659, 661, 673, 677, 683, 691, 701, 709, 719, 727, 733, 739, 743, 751,
};

enum {
    PRIME_COUNT = sizeof primes / sizeof primes[0],
    ROCA_PRIME_LAST = 157
};

__extension__ typedef unsigned __int128 uint128;

/** The big-endian number `magnitude` modulo `divisor`. */
static uint64_t remainder_of(struct chy_slice magnitude, uint64_t divisor)
{
    uint64_t remainder = 0;
    uint64_t at = 0;
    while (at < magnitude.len) {
        // The first limb takes what is over, so that the others have eight octets.
        uint64_t octets = (magnitude.len - at) % 8 == 0 ? 8 : (magnitude.len - at) % 8;
        uint64_t limb = 0;
        for (uint64_t i = 0; i < octets; i++) {
            limb = limb << 8 | magnitude.ptr[at + i];
        }
        remainder = (uint64_t)((((uint128)remainder << (8 * octets)) | limb) % divisor);
        at += octets;
    }
    return remainder;
}

/** Is `residue` a power of 65537 modulo `prime`? */
static bool is_power_of_65537(uint64_t residue, uint64_t prime)
{
    uint64_t power = 1;
    do {
        if (power == residue) {
            return true;
        }
        power = power * 65537 % prime;
    } while (power != 1);
    return false;
}

enum modulus_kind {
    MODULUS_FINE,
    MODULUS_SMALL_FACTOR,
    MODULUS_ROCA
};

/**
 * Looks for factors below 752 and for the fingerprint of CVE-2017-15361: the primes of such keys
 * are k * M + 65537^a mod M with M the product of the first primes, so the modulus is a power of
 * 65537 modulo each of those.  By chance that happens once in 2^27 keys.
 */
static enum modulus_kind judge_modulus(struct chy_slice modulus)
{
    bool roca = true;
    size_t at = 0;
    while (at < PRIME_COUNT) {
        // One long division serves as many primes as fit into a machine word.
        uint64_t product = 1;
        size_t end = at;
        while (end < PRIME_COUNT && product <= UINT64_MAX / 2 / primes[end]) {
            product *= primes[end];
            end++;
        }
        uint64_t remainder = remainder_of(modulus, product);
        for (; at < end; at++) {
            uint64_t residue = remainder % primes[at];
            if (residue == 0) {
                return MODULUS_SMALL_FACTOR;
            }
            if (roca && primes[at] <= ROCA_PRIME_LAST) {
                roca = is_power_of_65537(residue, primes[at]);
            }
        }
    }
    return roca ? MODULUS_ROCA : MODULUS_FINE;
}

static chy_status check_exponent(struct chy_op *op, struct chy_slice exponent)
{
    if (exponent.len == 0 || (exponent.ptr[exponent.len - 1] & 1) == 0) {
        return refuse(op, "the RSA exponent is even");
    }
    // From 2^16 + 1: three octets, or more; odd was seen above.
    if (exponent.len < 3) {
        return refuse(op, "the RSA exponent is smaller than 65537");
    }
    if (exponent.len > 32) {
        return refuse(op, "the RSA exponent has more than 256 bits");
    }
    return CHY_OK;
}

chy_status chy_spki_check_strength(struct chy_op *op, const struct chy_spki *spki)
{
    if (spki->family != CHY_FAMILY_RSA) {
        return CHY_OK;
    }
    if (spki->bits < CHY_RSA_BITS_MIN || spki->bits > CHY_RSA_BITS_MAX) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "the RSA key has %u bits: from %d to %d are allowed", spki->bits,
                               CHY_RSA_BITS_MIN, CHY_RSA_BITS_MAX);
    }
    if (spki->algorithm == CHY_KEY_NONE) {
        return chy_fail_reason(op, CHY_BAD_INPUT, CHY_REASON_CRYPTO,
                               "RSA keys of %u bits are not supported: use 2048, 3072 or 4096",
                               spki->bits);
    }
    if ((spki->modulus.ptr[spki->modulus.len - 1] & 1) == 0) {
        return refuse(op, "the RSA modulus is even");
    }
    CHY_TRY(check_exponent(op, spki->exponent));
    switch (judge_modulus(spki->modulus)) {
    case MODULUS_FINE: return CHY_OK;
    case MODULUS_SMALL_FACTOR: return refuse(op, "the RSA modulus has a small factor");
    case MODULUS_ROCA:
        return refuse(op, "the RSA key comes from a generator with the ROCA weakness "
                          "(CVE-2017-15361)");
    }
    return CHY_OK;
}
