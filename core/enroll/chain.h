/** Chains as they are stored: DER certificates one after another, the issuer's first. */
#ifndef CHY_ENROLL_CHAIN_H
#define CHY_ENROLL_CHAIN_H

#include "base/buf.h"
#include "resource/runtime.h"
#include "x509/path.h"

#include <chancery/host.h>

/** CHY_CHAIN_MAX is the longest chain, DER. */
#define CHY_CHAIN_MAX ((size_t)512 << 10)

/** chy_chain_take takes the first certificate off a chain that is not empty.  BROKEN: damaged. */
CHY_MUST_USE chy_status chy_chain_take(struct chy_op *op, struct chy_slice *chain,
                                       struct chy_slice *out_der);

/** chy_chain_add_pem appends a certificate as PEM. */
CHY_MUST_USE chy_status chy_chain_add_pem(struct chy_op *op, struct chy_buf *pem,
                                          struct chy_slice der);

/** chy_chain_pem writes a whole chain as PEM; `first`, which may be empty, goes before it. */
CHY_MUST_USE chy_status chy_chain_pem(struct chy_op *op, struct chy_slice first,
                                      struct chy_slice chain, struct chy_slice *out_pem);

/**
 * chy_chain_current brings the stored chain of a CA certificate up to date: where its issuer is a
 * key generation of ours, the certificate that this uses now stands in it, and so on upwards.
 * `generation_id` signed the certificate; nil: a CA elsewhere, or itself.
 */
CHY_MUST_USE chy_status chy_chain_current(struct chy_runtime *runtime, struct chy_op *op,
                                          const struct chy_uuid *generation_id,
                                          struct chy_slice stored, struct chy_slice *out_chain);

/** chy_chain_read decodes a certificate and the chain above it, PEM; `chain_pem` may be empty, and
 *  may begin with the certificate itself. path[0] is the certificate, CHY_PATH_MAX its room. */
CHY_MUST_USE chy_status chy_chain_read(struct chy_op *op, struct chy_slice certificate_pem,
                                       struct chy_slice chain_pem, struct chy_certificate *path,
                                       uint64_t *out_count);

/** chy_chain_verify is a chy_path_verify_fn; its context is the struct chy_runtime. */
chy_path_verify_fn chy_chain_verify;

/** chy_chain_join makes the stored form of what stands above path[0]. */
CHY_MUST_USE chy_status chy_chain_join(struct chy_op *op, const struct chy_certificate *path,
                                       uint64_t count, struct chy_slice *out_chain);

#endif
