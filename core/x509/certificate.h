/** Certificates (RFC 5280 4): building the part to be signed, assembling, strict reading. */
#ifndef CHY_X509_CERTIFICATE_H
#define CHY_X509_CERTIFICATE_H

#include "x509/extensions.h"
#include "x509/name_constraints.h"
#include "x509/spki.h"

struct chy_op;

/** CHY_CERTIFICATE_MAX is the longest certificate, DER. */
#define CHY_CERTIFICATE_MAX (64 * 1024)

/** CHY_SERIAL_SIZE: our serials have 16 octets, the first between 10 and 7f. */
#define CHY_SERIAL_SIZE 16

/** What a certificate will say. */
struct chy_tbs {
    struct chy_slice serial;  /**< big-endian, not negative */
    struct chy_slice issuer;  /**< Name DER, byte for byte the issuer's subject */
    struct chy_slice subject; /**< Name DER */
    struct chy_slice spki;    /**< SubjectPublicKeyInfo DER */
    int64_t not_before;       /**< µs UTC, cut to the second */
    int64_t not_after;        /**< µs UTC, cut to the second; the last second included */
    uint32_t signature_algorithm;
    struct chy_extension_values extensions;
};

/** chy_tbs_encode writes the TBSCertificate into the arena of `op`. */
CHY_MUST_USE chy_status chy_tbs_encode(struct chy_op *op, const struct chy_tbs *tbs,
                                       struct chy_slice *out_der);

/** chy_signed_assemble puts a signed part, its algorithm and its signature together: a certificate,
 *  a request or a CRL. */
CHY_MUST_USE chy_status chy_signed_assemble(struct chy_op *op, struct chy_slice tbs,
                                            uint32_t signature_algorithm,
                                            struct chy_slice signature, struct chy_slice *out_der);

/** chy_serial_make turns 16 random octets into a serial: top bit 0, first nibble not 0. */
void chy_serial_make(const uint8_t random[CHY_SERIAL_SIZE], uint8_t out_serial[CHY_SERIAL_SIZE]);

/** What a certificate says.  Views point into the DER. */
struct chy_certificate {
    struct chy_slice der;
    struct chy_slice tbs;
    struct chy_slice signature;
    struct chy_slice serial; /**< magnitude, no leading zero */
    struct chy_slice issuer; /**< Name DER */
    struct chy_slice subject;
    struct chy_spki spki;
    int64_t not_before;
    int64_t not_after;
    uint32_t signature_algorithm;
    uint32_t version; /**< 1 or 3 */

    bool has_basic_constraints;
    bool has_key_usage;
    bool has_ekus;
    bool has_name_constraints;
    bool sans_critical;
    bool self_issued; /**< issuer and subject are the same bytes */
    bool ocsp_no_check;
    bool basic_constraints_critical;
    struct chy_basic_constraints basic_constraints;
    uint32_t key_usage;
    struct chy_ekus ekus;
    struct chy_slice subject_key_id;   /**< empty if absent */
    struct chy_slice authority_key_id; /**< empty if absent */
    struct chy_slice san_value;        /**< contents of extnValue, empty if absent */
    struct chy_name_constraints name_constraints;
    struct chy_slice name_constraints_value; /**< contents of extnValue, empty if absent */
    struct chy_urls crl_urls;
    struct chy_access access;
    struct chy_slice unknown_critical; /**< OID contents of a critical extension not processed */
    struct chy_slice extensions;       /**< contents of Extensions, empty if absent */
};

/** chy_certificate_read reads a whole certificate, strictly: DER, no trailing bytes, a serial that
 *  is not negative and has at most 20 octets, the same algorithm inside and outside, no repeated
 *  extension, sound known extensions.  Unknown critical extensions are noted, not refused.
 *  BAD_INPUT, CHY_REASON_CRYPTO for keys and signatures. */
CHY_MUST_USE chy_status chy_certificate_read(struct chy_op *op, struct chy_slice der,
                                             struct chy_certificate *out_certificate);

/** chy_tbs_read reads a TBSCertificate alone; `der` and `signature` stay empty. */
CHY_MUST_USE chy_status chy_tbs_read(struct chy_op *op, struct chy_slice der,
                                     struct chy_certificate *out_certificate);

/** CHY_SERIAL_TEXT_SIZE is room for the longest serial in hexadecimal, with the NUL. */
#define CHY_SERIAL_TEXT_SIZE 41

/** chy_serial_text writes a serial's octets as lower-case hexadecimal. */
void chy_serial_text(struct chy_slice serial, char out_text[CHY_SERIAL_TEXT_SIZE]);

/** chy_serial_parse reads what people paste: hexadecimal of any case, with or without colons,
 *  spaces, `0x` and leading zeros, into its octets without leading zeros.  False: not a serial. */
CHY_MUST_USE bool chy_serial_parse(struct chy_slice text, uint8_t out_octets[20],
                                   uint64_t *out_len);

#endif
