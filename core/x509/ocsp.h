/** OCSP (RFC 6960): a strict reader of requests, a writer of responses. */
#ifndef CHY_X509_OCSP_H
#define CHY_X509_OCSP_H

#include "x509/crl.h"

struct chy_op;

/** CHY_OCSP_REQUEST_MAX is the longest request, DER. */
#define CHY_OCSP_REQUEST_MAX 8192
/** CHY_OCSP_IDS_MAX is about how many certificates one request may ask. */
#define CHY_OCSP_IDS_MAX 16
/** CHY_OCSP_NONCE_MAX is the longest nonce (RFC 9654 2.1). */
#define CHY_OCSP_NONCE_MAX 128

/** One certificate that a request asks about. */
struct chy_ocsp_id {
    struct chy_slice der; /**< the whole CertID, which the response repeats */
    enum chy_oid hash;    /**< CHY_OID_SHA1, CHY_OID_SHA256; CHY_OID_UNKNOWN: another */
    struct chy_slice name_hash;
    struct chy_slice key_hash;
    struct chy_slice serial; /**< magnitude; empty for 0 */
};

/** What a request says.  Views point into the DER. */
struct chy_ocsp_request {
    struct chy_ocsp_id ids[CHY_OCSP_IDS_MAX];
    uint64_t count;
    struct chy_slice nonce; /**< empty: none */
};

/**
 * chy_ocsp_read reads an OCSPRequest, strictly.  BAD_INPUT: malformed, too large, no certificate or
 * too many, a nonce of none or too many octets, a repeated or unknown critical extension.  A
 * signature of the requestor is allowed and not looked at.
 */
CHY_MUST_USE chy_status chy_ocsp_read(struct chy_op *op, struct chy_slice der,
                                      struct chy_ocsp_request *out_request);

enum chy_ocsp_status {
    CHY_OCSP_GOOD = 0,
    CHY_OCSP_REVOKED = 1,
    CHY_OCSP_UNKNOWN = 2
};

/** What a response says of one certificate. */
struct chy_ocsp_single {
    struct chy_slice id; /**< CertID, DER */
    enum chy_ocsp_status status;
    uint32_t reason;    /**< of a revoked one; unspecified is not written */
    int64_t revoked_at; /**< µs UTC */
};

/** What a response says. */
struct chy_ocsp_values {
    struct chy_slice responder_key_hash; /**< SHA-1 of the responder's public key bits */
    int64_t produced_at;                 /**< µs UTC, like the next two */
    int64_t this_update;
    int64_t next_update;
    const struct chy_ocsp_single *singles;
    uint64_t single_count;
    struct chy_slice nonce; /**< empty: none */
};

/** chy_ocsp_encode writes the ResponseData, which is what is signed. */
CHY_MUST_USE chy_status chy_ocsp_encode(struct chy_op *op, const struct chy_ocsp_values *values,
                                        struct chy_slice *out_data);

/** chy_ocsp_assemble makes a successful OCSPResponse of a signed ResponseData, with the responder's
 *  certificate. */
CHY_MUST_USE chy_status chy_ocsp_assemble(struct chy_op *op, struct chy_slice data,
                                          uint32_t signature_algorithm, struct chy_slice signature,
                                          struct chy_slice certificate, struct chy_slice *out_der);

/** The failures that a response may tell, unsigned (RFC 6960 4.2.1). */
enum chy_ocsp_failure {
    CHY_OCSP_MALFORMED_REQUEST = 1,
    CHY_OCSP_INTERNAL_ERROR = 2,
    CHY_OCSP_TRY_LATER = 3,
    CHY_OCSP_UNAUTHORIZED = 6
};

/** chy_ocsp_failed gives the whole response, which is static. */
struct chy_slice chy_ocsp_failed(enum chy_ocsp_failure failure);

#endif
