/** Chains as they are stored: DER certificates one after another, the issuer's first. */
#ifndef CHY_ENROLL_CHAIN_H
#define CHY_ENROLL_CHAIN_H

#include "base/buf.h"
#include "resource/runtime.h"

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

#endif
