/**
 * Key and signature algorithms: their wire names, their AlgorithmIdentifiers, and what fits what.
 *
 * The numbers are enum chy_key_algorithm and enum chy_signature_algorithm of <chancery/crypto.h>.
 */
#ifndef CHY_X509_ALGORITHM_H
#define CHY_X509_ALGORITHM_H

#include "x509/der_read.h"
#include "x509/der_write.h"

#include <chancery/crypto.h>

struct chy_op;

enum chy_key_family {
    CHY_FAMILY_NONE = 0,
    CHY_FAMILY_RSA,
    CHY_FAMILY_EC,
    CHY_FAMILY_EDWARDS,
    CHY_FAMILY_ML_DSA
};

/** chy_key_algorithm_name returns the wire name, "RSA_2048", "EC_prime256v1", "Ed25519",
 *  "ML-DSA-44"; NULL for a number that is no certificate key. */
const char *chy_key_algorithm_name(uint32_t algorithm);

/** chy_key_algorithm_find finds the key algorithm by wire name or policy spelling ("RSA-2048",
 *  "ECDSA-P256"), in any case; CHY_KEY_NONE if there is none. */
uint32_t chy_key_algorithm_find(struct chy_slice name);

enum chy_key_family chy_key_algorithm_family(uint32_t algorithm);

/** chy_signature_algorithm_name returns the wire name, "RSA-SHA256", "ECDSA-SHA384", "Ed25519". */
const char *chy_signature_algorithm_name(uint32_t algorithm);

/** chy_signature_algorithm_find finds it by wire name or policy spelling ("SHA256-RSA"), in any
 *  case; CHY_SIG_NONE if there is none. */
uint32_t chy_signature_algorithm_find(struct chy_slice name);

/** chy_signature_fits_key tells whether a key of this algorithm can make such signatures. */
CHY_MUST_USE bool chy_signature_fits_key(uint32_t signature_algorithm, uint32_t key_algorithm);

/** chy_signature_default returns what a key signs with when nobody says: SHA-256 for RSA and P-256,
 *  SHA-384 and SHA-512 for the larger curves, the key's own for the others. */
uint32_t chy_signature_default(uint32_t key_algorithm);

/** chy_signature_algorithm_write appends the AlgorithmIdentifier (RFC 4055, 5758, 8410, 9881). */
void chy_signature_algorithm_write(struct chy_der_writer *w, uint32_t algorithm);

/** chy_signature_algorithm_read takes an AlgorithmIdentifier from the front of `der`.
 *  BAD_INPUT, CHY_REASON_CRYPTO: malformed, MD5 or SHA-1, or one that we do not have. */
CHY_MUST_USE chy_status chy_signature_algorithm_read(struct chy_op *op, struct chy_der *der,
                                                     uint32_t *out_algorithm);

#endif
