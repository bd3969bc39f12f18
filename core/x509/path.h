/** Validation of a whole certification path (RFC 5280 6.1). */
#ifndef CHY_X509_PATH_H
#define CHY_X509_PATH_H

#include "x509/certificate.h"

/** CHY_PATH_MAX is the longest path, end certificate and root included. */
#define CHY_PATH_MAX 16

/**
 * A chy_path_verify_fn checks one signature and fails the operation if it does not hold.  It is
 * called with the issuer's SubjectPublicKeyInfo, once for each certificate of the path.
 */
typedef chy_status chy_path_verify_fn(void *context, struct chy_op *op, struct chy_slice spki,
                                      uint32_t algorithm, struct chy_slice message,
                                      struct chy_slice signature);

struct chy_path_check {
    int64_t time;               /**< µs UTC, the instant at which the path must hold */
    chy_path_verify_fn *verify; /**< NULL: signatures are checked elsewhere */
    void *context;
    bool ignore_dates;
    bool skip_leaf_signature; /**< the end certificate is not signed yet */
    bool leaf_is_issuer;      /**< there must be room for certificates below the end certificate */
};

/**
 * chy_path_validate checks path[0], the end certificate, up to path[count - 1], the root that is
 * trusted: dates, names byte for byte, key identifiers where both are given, CA:TRUE, path lengths,
 * keyCertSign, name constraints, no critical extension unknown to us, signatures (the root's own
 * too, if it is self-issued).  BAD_INPUT says which certificate and why; CHY_REASON_CRYPTO comes
 * from `verify`.
 */
CHY_MUST_USE chy_status chy_path_validate(struct chy_op *op, const struct chy_certificate *path,
                                          uint64_t count, const struct chy_path_check *check);

#endif
