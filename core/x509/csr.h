/** PKCS#10 certification requests (RFC 2986): strict reading. */
#ifndef CHY_X509_CSR_H
#define CHY_X509_CSR_H

#include "x509/extensions.h"
#include "x509/name.h"
#include "x509/san.h"
#include "x509/spki.h"

/** CHY_CSR_MAX is the longest request, DER: room for post-quantum keys and signatures. */
#define CHY_CSR_MAX (32 * 1024)

/** CHY_CSR_IGNORED_MAX is how many ignored extensions a request may carry. */
#define CHY_CSR_IGNORED_MAX CHY_EXTENSIONS_MAX

/** What a request says.  Views live as long as the DER and the operation that read it. */
struct chy_csr {
    struct chy_slice der;
    /* what the caller verifies: signature over tbs by the key in spki.der */
    struct chy_slice tbs;
    struct chy_slice signature;
    uint32_t signature_algorithm; /**< enum chy_signature_algorithm; fits the key */

    struct chy_spki spki;
    struct chy_name subject; /**< canonical attributes in the request's order; may be empty */

    bool has_key_usage;
    bool has_ekus;
    bool has_basic_constraints;
    uint32_t key_usage;
    uint32_t ekus;
    struct chy_basic_constraints basic_constraints;
    struct chy_sans sans; /**< canonical; none if the extension is absent */

    /** OID contents of extensions that were not critical and are not read. */
    const struct chy_slice *ignored;
    uint64_t ignored_count;
};

/**
 * chy_csr_read reads a whole DER request and refuses what pki-rules refuses: anything that is not
 * DER or not complete, trailing bytes, another version than 0, more than one extensionRequest, a
 * repeated extension, an unknown critical one, an unknown EKU, unfit names, weak keys and
 * signatures (MD5, SHA-1), a signature algorithm that does not fit the key.  The signature itself
 * is the caller's to verify.
 * BAD_INPUT, with CHY_REASON_CRYPTO for keys and signatures.
 */
CHY_MUST_USE chy_status chy_csr_read(struct chy_op *op, struct chy_slice der,
                                     struct chy_csr *out_csr);

/** chy_csr_encode writes a CertificationRequestInfo into the arena of `op`: the Name DER of a
 *  subject, a SubjectPublicKeyInfo, and the extensions to ask for (NULL: none).
 *  chy_signed_assemble() of certificate.h makes the request of it. */
CHY_MUST_USE chy_status chy_csr_encode(struct chy_op *op, struct chy_slice subject,
                                       struct chy_slice spki,
                                       const struct chy_extension_values *extensions,
                                       struct chy_slice *out_tbs);

#endif
