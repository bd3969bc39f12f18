/** Public keys as X.509 carries them (SubjectPublicKeyInfo), and which of them are weak. */
#ifndef CHY_X509_SPKI_H
#define CHY_X509_SPKI_H

#include "x509/algorithm.h"

/** CHY_RSA_BITS_MIN and CHY_RSA_BITS_MAX bound the moduli that we certify. */
#define CHY_RSA_BITS_MIN 2048
#define CHY_RSA_BITS_MAX 4096

/** What a SubjectPublicKeyInfo says.  Views point into the DER. */
struct chy_spki {
    struct chy_slice der;        /**< all of it */
    struct chy_slice public_key; /**< contents of the BIT STRING: what key identifiers hash */
    struct chy_slice modulus;    /**< RSA: big-endian, no leading zero */
    struct chy_slice exponent;   /**< RSA */
    uint32_t algorithm;          /**< enum chy_key_algorithm; CHY_KEY_NONE: RSA of an odd size */
    uint32_t bits;               /**< RSA: of the modulus; EC: of the field; else 0 */
    enum chy_key_family family;
};

/** chy_spki_read takes a SubjectPublicKeyInfo from the front of `der` and checks its structure:
 *  named curves only, uncompressed points of the curve's size, raw keys of the right length.
 *  BAD_INPUT, CHY_REASON_CRYPTO: malformed, explicit parameters, or a key that we do not have. */
CHY_MUST_USE chy_status chy_spki_read(struct chy_op *op, struct chy_der *der,
                                      struct chy_spki *out_spki);

/** chy_spki_parse is chy_spki_read over a whole slice. */
CHY_MUST_USE chy_status chy_spki_parse(struct chy_op *op, struct chy_slice der,
                                       struct chy_spki *out_spki);

/** chy_spki_check_strength refuses keys that are weak by their numbers alone: RSA outside 2048 to
 *  4096 bits or of a size without a name, an even modulus or exponent, an exponent outside
 *  2^16 + 1 to 2^256 - 1, a modulus with a small factor or the ROCA fingerprint (CVE-2017-15361).
 *  Points off the curve and close primes are the crypto provider's to find.
 *  BAD_INPUT, CHY_REASON_CRYPTO. */
CHY_MUST_USE chy_status chy_spki_check_strength(struct chy_op *op, const struct chy_spki *spki);

#endif
