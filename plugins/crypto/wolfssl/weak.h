/** RSA moduli that look like keys and are none. */
#ifndef CHANCERY_WOLFSSL_WEAK_H
#define CHANCERY_WOLFSSL_WEAK_H

#include "wolf.h"

/** A modulus and exponent as RSAPublicKey has them (RFC 8017 A.1.1), without leading zeros. */
struct chy_rsa_public {
    struct chy_slice modulus;
    struct chy_slice exponent;
};

/** chy_rsa_public_read parses an RSAPublicKey that fills `der` whole. */
CHY_MUST_USE bool chy_rsa_public_read(struct chy_slice der, struct chy_rsa_public *out_key);

/** chy_rsa_bits is the length of the modulus. */
uint32_t chy_rsa_bits(const struct chy_rsa_public *key);

/** chy_rsa_weakness says why the key is unfit, or NULL when it is fine. */
const char *chy_rsa_weakness(const struct chy_rsa_public *key);

/** chy_modulus_is_roca tells the fingerprint of CVE-2017-15361: a modulus that is, modulo each of
 *  many small primes, a power of 65537. */
bool chy_modulus_is_roca(struct chy_slice modulus);
/** chy_modulus_has_small_factor finds a prime factor below 752. */
bool chy_modulus_has_small_factor(struct chy_slice modulus);
/** chy_modulus_has_close_primes finds factors by Fermat's method in a hundred rounds. */
bool chy_modulus_has_close_primes(struct chy_slice modulus);

#endif
